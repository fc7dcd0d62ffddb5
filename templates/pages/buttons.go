package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/templates"
)

var errSwitchedOff = errors.New("this provider is not switched on")

// connect begins a sign-in that connects one more account to the visitor's user.
func (p *Pages) connect(w http.ResponseWriter, r *http.Request, v visitor) {
	p.Connect(w, r, v.session.UserID)
}

// read reads the profile again, step 5, with tokens that are refreshed first if needed,
// and stores it.
func (p *Pages) read(w http.ResponseWriter, r *http.Request, v visitor) {
	var info oauth.Info
	var err error
	client, client1 := v.shown.provider.Client, v.shown.provider.Client1
	switch {
	case client != nil:
		err = p.Accounts.Call(r.Context(), v.shown.Identity, client, func(t oauth.Tokens) (err error) {
			info, err = client.UserInfo(r.Context(), t)
			return err
		})
	case client1 != nil:
		info, err = client1.UserInfo(r.Context(), v.shown.grant.Credentials)
		if client1.TokenRefused(err) {
			err = fmt.Errorf("%w: %w", account.ErrSignInAgain, err)
		}
	default:
		err = errSwitchedOff
	}
	if err == nil {
		err = p.Accounts.Keep(r.Context(), v.shown.Identity, info)
	}
	p.back(w, r, v, err)
}

// refresh exchanges the tokens for new ones, step 6, also before that is due.
func (p *Pages) refresh(w http.ResponseWriter, r *http.Request, v visitor) {
	err := errSwitchedOff
	if client := v.shown.provider.Client; client != nil {
		_, err = p.Accounts.Refresh(r.Context(), v.shown.Identity, client, v.shown.grant.Tokens.AccessToken)
	}
	p.back(w, r, v, err)
}

// expire makes the tokens look as if their time had passed, to show what happens then.
func (p *Pages) expire(w http.ResponseWriter, r *http.Request, v visitor) {
	p.back(w, r, v, p.Accounts.Expire(r.Context(), v.shown.Identity))
}

// back leads back to the profile, or shows it with what went wrong.
func (p *Pages) back(w http.ResponseWriter, r *http.Request, v visitor, err error) {
	if err == nil {
		http.Redirect(w, r, "/profile?"+r.URL.RawQuery, http.StatusSeeOther)
		return
	}
	p.Site.Log.Warn("profile", "provider", v.shown.provider.Name, "err", err)
	if now, failed := p.load(r.Context(), v.session, v.shown.Key); failed == nil {
		v = now // the tokens may be other ones
	}
	failure := templates.Failed(r, v.shown.provider.About, err)
	p.show(w, r, v, failure.Status, &failure)
}

// disconnect forgets the identity, and then gives back at the provider what was granted,
// step 7. Sessions that began with the identity end. If it is the last one, the user is
// deleted.
func (p *Pages) disconnect(w http.ResponseWriter, r *http.Request, v visitor) {
	// Once the identity is forgotten nobody else could give the grant back: so this goes
	// on if the visitor does not wait for it.
	ctx := context.WithoutCancel(r.Context())
	provider := v.shown.provider
	revoke := p.revoke(ctx, v.shown)
	err := p.Accounts.Disconnect(ctx, v.shown.Identity)
	var revoked error
	next := "/profile"
	if err == nil {
		revoked = revoke()
		if v.session.Key == v.shown.Key { // the visitor's own session has ended with it
			next, err = "/", p.Sessions.End(w, r)
		}
	}
	if err != nil && !errors.Is(err, account.ErrNotFound) { // ErrNotFound: the button was pressed twice
		p.Site.Fail(w, r, provider.About, err)
		return
	}
	if revoked == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	p.Site.Log.Warn("not revoked", "provider", provider.Name, "err", revoked)
	r = r.WithContext(context.WithValue(r.Context(), visitorKey{}, nil)) // the page is for what is left
	p.Site.Page(w, r, http.StatusOK, "disconnected", struct {
		templates.Failure
		RevokePage, Next string
	}{templates.Failed(r, provider.About, revoked), provider.RevokePage(), next})
}

// revoke prepares step 7 while the grant is still there, and returns what does it.
func (p *Pages) revoke(ctx context.Context, o opened) func() error {
	client, client1 := o.provider.Client, o.provider.Client1
	grant := o.grant
	if client != nil {
		// Refreshed if needed: some providers take back only a live token.
		if fresh, err := p.Accounts.Grant(ctx, o.Identity, client); err == nil {
			grant = fresh
		}
	}
	return func() error {
		switch {
		case client1 != nil:
			return client1.Revoke(ctx, grant.Credentials)
		case client == nil:
			return errSwitchedOff
		case grant.Tokens.AccessToken == "": // nothing left to give back
			return nil
		}
		return client.Revoke(ctx, grant.Tokens)
	}
}
