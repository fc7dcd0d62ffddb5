package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/templates"
)

// connect begins a sign-in that connects one more account to the visitor's user.
func (p *Pages) connect(w http.ResponseWriter, r *http.Request, v visitor) {
	p.Connect(w, r, v.session.UserID)
}

// read reads the profile again, step 5, with tokens that are refreshed first if needed,
// and stores it.
func (p *Pages) read(w http.ResponseWriter, r *http.Request, v visitor) {
	var info oauth.Info
	var err error
	client, client1 := v.shown.Provider.Client, v.shown.Provider.Client1
	with := ""
	switch {
	case client != nil:
		err = p.Accounts.Call(r.Context(), v.shown.Identity, client, func(t oauth.Tokens) (err error) {
			if t.AccessToken != v.shown.Grant.Tokens.AccessToken {
				with = ", with an access token that was refreshed first"
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
	p.back(w, r, v, err, fmt.Sprintf("Read again%s: this is what %s says now.", with, v.shown.Provider.Title))
}

// refresh exchanges the tokens for new ones, step 6, even if that is not due yet.
func (p *Pages) refresh(w http.ResponseWriter, r *http.Request, v visitor) {
	var grant account.Grant
	err := templates.ErrNotReady
	old := v.shown.Grant.Tokens
	if client := v.shown.Provider.Client; client != nil {
		grant, err = p.Accounts.Refresh(r.Context(), v.shown.Identity, client, old.AccessToken)
	}
	until, kept := "", "the refresh token stays the same"
	if !grant.Tokens.Expiry.IsZero() {
		until = ", good until " + grant.Tokens.Expiry.UTC().Format("2 Jan 2006, 15:04:05 UTC")
	}
	if grant.Tokens.RefreshToken != old.RefreshToken {
		kept = "the old refresh token was replaced"
	}
	p.back(w, r, v, err, fmt.Sprintf("Refreshed: a new access token%s; %s.", until, kept))
}

// expire makes the app believe that the tokens have expired, to show what happens then.
func (p *Pages) expire(w http.ResponseWriter, r *http.Request, v visitor) {
	next := "the app refreshes it first."
	if v.shown.Grant.Tokens.RefreshToken == "" {
		next = "there is no refresh token, so you have to sign in again."
	}
	err := p.Accounts.Update(r.Context(), v.shown.Identity, func(grant *account.Grant) error {
		grant.Tokens.Expiry = time.Now().Add(-time.Second)
		return nil
	})
	p.back(w, r, v, err, "Expired: this app now believes that the access token is too old. Press “Read again”: "+next)
}

// back leads back to the profile, which says what was done, or shows it with what went wrong.
func (p *Pages) back(w http.ResponseWriter, r *http.Request, v visitor, err error, text string) {
	if err == nil {
		p.done(w, r, "/profile?"+r.URL.RawQuery, text)
		return
	}
	failure := templates.Failed(r, v.shown.Provider.About, err) // before done, because it ends the trace
	if errors.Is(err, account.ErrNotFound) {                    // disconnected meanwhile
		p.done(w, r, "/profile", notConnected)
		return
	}
	p.Site.Log.Warn("button failed", "provider", v.shown.Provider.Name, "err", err)
	if now, failed := p.load(r.Context(), v.session, v.shown.Key); failed == nil {
		v = now // the tokens may have changed
	}
	p.show(w, r, v, failure.Status, &failure)
}

// disconnect forgets the identity, and then revokes its grant at the provider, step 7.
// Sessions that began with the identity end. If it is the last one, the user is deleted.
func (p *Pages) disconnect(w http.ResponseWriter, r *http.Request, v visitor) {
	// Once the identity is forgotten, only this request can revoke the grant. So it goes
	// on even if the visitor does not wait.
	ctx := context.WithoutCancel(r.Context())
	asking, cancel := context.WithTimeout(ctx, buttonTimeout)
	defer cancel()
	provider := v.shown.Provider
	revoke := p.revoke(asking, v.shown)
	err := p.Accounts.Disconnect(ctx, v.shown.Identity)
	var revoked error
	next, text := "/profile", "Disconnected: this app has forgotten your "+provider.Title+" account."
	if len(v.all) == 1 {
		text = "Deleted: your user is gone, and this app has forgotten your " + provider.Title + " account."
	}
	if err == nil {
		if revoked = revoke(); revoked == nil && v.shown.Token() {
			text += " What you allowed there has ended."
		}
		if v.session.Key == v.shown.Key { // the visitor's own session has ended with it
			next, err = "/", p.Sessions.End(w, r)
		}
	}
	switch {
	case len(v.all) > 1 && next == "/":
		text += " You had signed in with it, so you are signed out."
	case len(v.all) == 1:
		text += " If you have another user here, sign in as that one now, and connect " + provider.Title + " on your profile."
	}
	if err != nil && !errors.Is(err, account.ErrNotFound) { // ErrNotFound: the button was pressed twice
		p.Site.Fail(w, r, provider.About, err)
		return
	}
	if revoked == nil {
		p.done(w, r, next, text)
		return
	}
	p.Site.Log.Warn("not revoked", "provider", provider.Name, "err", revoked)
	r = r.WithContext(context.WithValue(r.Context(), visitorKey{}, nil)) // the page must not show the visitor as before
	p.Site.Page(w, r, http.StatusOK, "disconnected", struct {
		templates.Failure
		Text, RevokePage, Next string
	}{templates.Failed(r, provider.About, revoked), text, provider.RevokePage(), next})
}

// revoke prepares step 7 while the grant is still there, and returns what does it.
func (p *Pages) revoke(ctx context.Context, o opened) func() error {
	client, client1 := o.Provider.Client, o.Provider.Client1
	grant := o.Grant
	if client != nil {
		// Refreshed if needed: some providers revoke only a live token.
		if fresh, err := p.Accounts.Grant(ctx, o.Identity, client); err == nil {
			grant = fresh
		}
	}
	return func() error {
		switch {
		case client1 != nil:
			return client1.Revoke(ctx, grant.Credentials)
		case client == nil:
			return templates.ErrNotReady
		case grant.Tokens.AccessToken == "": // nothing left to revoke
			return nil
		}
		return client.Revoke(ctx, grant.Tokens)
	}
}
