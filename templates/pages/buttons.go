package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers/registered"
	"example.com/oauthbyhand/templates"
)

// read reads the profile again (step 5), and stores it. If the access token has expired, it
// refreshes the tokens first.
func (p *Pages) read(w http.ResponseWriter, r *http.Request, v visitor) {
	var info oauth.Info
	var err error
	first := ""
	client, client1 := v.shown.Provider.Client, v.shown.Provider.Client1
	switch {
	case client != nil:
		err = p.Accounts.Call(r.Context(), v.shown.Identity, client, func(t oauth.Tokens) (err error) {
			if t.AccessToken != v.shown.Grant.Tokens.AccessToken {
				first = "Refreshed first, because the access token was no longer good. "
			}
			info, err = client.UserInfo(r.Context(), t)
			return err
		})
	case client1 != nil:
		info, err = client1.UserInfo(r.Context(), v.shown.Grant.Credentials)
		if client1.TokenRefused(err) {
			err = fmt.Errorf("%w: %w", account.ErrSignInAgain, err)
		}
	default:
		err = templates.ErrNotReady
	}
	if err == nil {
		err = p.Accounts.Update(r.Context(), v.shown.Identity, func(grant *account.Grant) error {
			grant.Profile, grant.Replies, grant.Read = info.Profile, info.Replies, time.Now()
			return nil
		})
	}
	p.back(w, r, v, err, first+"Read again: this is what "+v.shown.Provider.Title+" says now.")
}

// refresh gets new tokens (step 6), even if the old ones have not expired.
func (p *Pages) refresh(w http.ResponseWriter, r *http.Request, v visitor) {
	var fresh account.Grant
	err := templates.ErrNotReady
	old := v.shown.Grant.Tokens
	if client := v.shown.Provider.Client; client != nil {
		fresh, err = p.Accounts.Refresh(r.Context(), v.shown.Identity, client, old.AccessToken)
	}
	text := "Refreshed: there is a new access token, and the refresh token stays the same."
	if fresh.Tokens.RefreshToken != old.RefreshToken {
		text = "Refreshed: there is a new access token, and a new refresh token as well."
	}
	p.back(w, r, v, err, text)
}

// expire makes the app believe that the tokens have expired, to show what happens then.
func (p *Pages) expire(w http.ResponseWriter, r *http.Request, v visitor) {
	err := p.Accounts.Update(r.Context(), v.shown.Identity, func(grant *account.Grant) error {
		grant.Tokens.Expiry = time.Now().Add(-time.Second)
		return nil
	})
	p.back(w, r, v, err, "Expired: this app now believes that the access token is too old. Press “Read again” to see what happens then.")
}

// back redirects to the profile, which says what was done. After an error, it shows the profile
// with what went wrong.
func (p *Pages) back(w http.ResponseWriter, r *http.Request, v visitor, err error, text string) {
	if err == nil {
		p.done(w, r, "/profile?"+r.URL.RawQuery, text)
		return
	}
	failure := templates.Failed(r, v.shown.Provider.About, err) // first, because Failed ends the trace
	r = r.WithContext(context.WithoutCancel(r.Context()))       // the button's time may be over
	switch current, failed := p.visitor(r); {                   // the tokens may have changed
	case errors.Is(failed, account.ErrNotFound): // signed out meanwhile
		p.signInFirst(w, r)
	case failed == nil && !current.show(v.shown.Key): // disconnected meanwhile
		p.done(w, r, "/profile", notConnected)
	case failed != nil:
		p.Site.Fail(w, r, oauth.About{}, failed)
	default:
		p.Site.Log.Warn("button failed", "provider", v.shown.Provider.Name, "err", err)
		p.show(w, r, current, failure.Status, &failure)
	}
}

// disconnect forgets the identity, and then revokes its grant at the provider (step 7).
// Sessions that began with the identity end. If it is the last one, the user is deleted.
func (p *Pages) disconnect(w http.ResponseWriter, r *http.Request, v visitor) {
	// Once the identity is forgotten, only this request can revoke the grant. So it goes
	// on even if the visitor does not wait.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	asking, cancel := context.WithTimeout(r.Context(), buttonTimeout)
	defer cancel()
	provider, grant := v.shown.Provider, v.shown.Grant
	if provider.Client != nil {
		// Some providers revoke only a live token, and only a stored one can be refreshed.
		if live, err := p.Accounts.Grant(asking, v.shown.Identity, provider.Client); err == nil {
			grant = live
		}
	}
	next, text := "/profile", "Disconnected: this app has forgotten your "+provider.Title+" account."
	err := p.Accounts.Disconnect(r.Context(), v.shown.Identity)
	var revoked error
	if err == nil {
		revoked = revoke(asking, provider, grant)
	}
	if err == nil && v.session.Key == v.shown.Key { // the visitor's own session has ended with it
		text += " You had signed in with it, so you are signed out."
		next, err = "/", p.Sessions.End(w, r)
	}
	if err != nil && !errors.Is(err, account.ErrNotFound) { // ErrNotFound: the button was pressed twice
		p.Site.Fail(w, r, provider.About, err)
		return
	}
	if left, err := p.Accounts.Identities(r.Context(), v.session.UserID); err == nil && len(left) == 0 {
		text = "Deleted: your user is gone. If you have another user here, sign in as that user now, and connect " + provider.Title + " on your profile."
	}
	if revoked == nil {
		p.done(w, r, next, text)
		return
	}
	p.Site.Log.Warn("not revoked", "provider", provider.Name, "err", revoked)
	p.Site.Page(w, r, http.StatusOK, "disconnected", struct {
		templates.Failure
		Text, RevokePage, Next string
	}{templates.Failed(r, provider.About, revoked), text, provider.RevokePage(), next})
}

// revoke is step 7.
func revoke(ctx context.Context, provider registered.Provider, grant account.Grant) error {
	switch {
	case provider.Client1 != nil:
		return provider.Client1.Revoke(ctx, grant.Credentials)
	case provider.Client == nil:
		return templates.ErrNotReady
	case grant.Tokens.AccessToken == "": // nothing left to revoke
		return nil
	}
	return provider.Client.Revoke(ctx, grant.Tokens)
}
