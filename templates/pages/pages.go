// Package pages serves the pages of a user who is signed in: the profile, and the buttons
// that read it again, refresh tokens, connect and disconnect accounts, and sign out. Only
// the buttons send requests to a provider; a page shows what is stored.
package pages

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/oauth/web"
	"example.com/oauthbyhand/providers/registered"
	"example.com/oauthbyhand/templates"
)

// buttonTimeout is for all requests that one button sends together.
const buttonTimeout = 15 * time.Second

const notConnected = "This account is not connected any more."

// Pages serves these pages. Set its fields before the first request.
type Pages struct {
	Site      *templates.Site
	Providers []registered.Provider
	Accounts  *account.Accounts
	Sessions  *account.Sessions
	// Connect begins a sign-in that connects one more account to the user.
	Connect func(w http.ResponseWriter, r *http.Request, userID string)
}

// Routes adds the pages to the app's routes.
func (p *Pages) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /profile", web.GetOnly(p.withVisitor(p.profile)))
	mux.HandleFunc("POST /read", p.withVisitor(p.read))
	mux.HandleFunc("POST /refresh", p.withVisitor(p.refresh))
	mux.HandleFunc("POST /connect/{provider}", p.withVisitor(func(w http.ResponseWriter, r *http.Request, v visitor) { p.Connect(w, r, v.session.UserID) }))
	mux.HandleFunc("POST /disconnect", p.withVisitor(p.disconnect))
	mux.HandleFunc("POST /logout", p.logout(p.Sessions.End, "You are signed out."))
	mux.HandleFunc("POST /logout/everywhere", p.logout(p.Sessions.EndAll, "You are signed out in all browsers."))
	if p.Site.Simulated != "" {
		mux.HandleFunc("POST /expire", p.withVisitor(p.expire))
	}
}

// visitor is the user who is signed in, and the identity that the page is about.
type visitor struct {
	session account.Session
	all     []opened
	shown   opened
}

// visitor returns the user who is signed in, and shows the identity with which they signed in.
// [account.ErrNotFound] means that nobody is signed in.
func (p *Pages) visitor(r *http.Request) (visitor, error) {
	session, err := p.Sessions.Get(r)
	if err != nil {
		return visitor{}, err
	}
	all, err := p.Accounts.Identities(r.Context(), session.UserID)
	if err != nil {
		return visitor{}, err
	}
	v := visitor{session: session}
	for _, identity := range all {
		v.all = append(v.all, p.open(identity))
	}
	if !v.show(session.Key) { // disconnected just now
		return visitor{}, account.ErrNotFound
	}
	return v, nil
}

// open returns an identity with its grant. If the app cannot open the grant, the grant is empty:
// then the page offers to sign in again.
func (p *Pages) open(identity account.Identity) opened {
	grant, err := p.Accounts.Open(identity)
	if err != nil {
		p.Site.Log.Warn("stored account not opened", "err", err)
	}
	name := grant.Tokens.Provider + grant.Credentials.Provider // one of the two is empty
	i := slices.IndexFunc(p.Providers, func(p registered.Provider) bool {
		return p.Name == name || name == "" && p.Key == identity.Provider
	})
	provider := registered.Provider{About: oauth.About{Title: identity.Provider}} // this app does not know it any more
	if i >= 0 {
		provider = p.Providers[i]
	}
	return opened{identity, grant, provider}
}

// show sets v.shown to the visitor's identity with this key, and reports whether there is one.
func (v *visitor) show(key account.Key) bool {
	i := slices.IndexFunc(v.all, func(o opened) bool { return o.Key == key })
	if i >= 0 {
		v.shown = v.all[i]
	}
	return i >= 0
}

// Visitor returns the user who is signed in, or nil.
func (p *Pages) Visitor(r *http.Request) *templates.User {
	v, err := p.visitor(r)
	if err != nil {
		return nil
	}
	user := &templates.User{Profile: v.shown.Grant.Profile}
	for _, provider := range p.Providers {
		connected := slices.ContainsFunc(v.all, func(o opened) bool { return o.Key.Provider == provider.Key })
		if provider.Ready() && !provider.Hidden && !connected {
			user.Connect = append(user.Connect, provider.About)
		}
	}
	return user
}

// UserID returns the id of the user who is signed in, or "".
func (p *Pages) UserID(r *http.Request) string {
	session, _ := p.Sessions.Get(r)
	return session.UserID
}

// withVisitor serves h to visitors who are signed in, and redirects others to the sign-in. The
// page is about the identity that the query names, or else about the identity of the session.
func (p *Pages) withVisitor(h func(http.ResponseWriter, *http.Request, visitor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := p.visitor(r)
		q := r.URL.Query()
		switch {
		case errors.Is(err, account.ErrNotFound):
			p.signInFirst(w, r)
		case err != nil:
			p.Site.Fail(w, r, oauth.About{}, err)
		case q.Has("subject") && !v.show(account.Key{Provider: q.Get("provider"), Subject: q.Get("subject")}):
			p.done(w, r, "/profile", notConnected) // for example if a button was pressed twice
		default:
			ctx, cancel := context.WithTimeout(r.Context(), buttonTimeout)
			defer cancel()
			h(w, r.WithContext(ctx), v)
		}
	}
}

// signInFirst redirects a visitor to the sign-in, which leads to the profile.
func (p *Pages) signInFirst(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		p.Site.Notify(w, r, "Nothing was done: you are not signed in any more.")
	}
	http.Redirect(w, r, "/?next=/profile", http.StatusSeeOther)
}

// done redirects to next after a button. The next page shows text, which says what was done.
func (p *Pages) done(w http.ResponseWriter, r *http.Request, next, text string) {
	p.Site.Notify(w, r, text)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// logout ends the session, or all sessions of the user.
func (p *Pages) logout(end func(http.ResponseWriter, *http.Request) error, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch err := end(w, r); {
		case errors.Is(err, account.ErrNotFound): // nobody is signed in
			p.signInFirst(w, r)
		case err != nil:
			p.Site.Fail(w, r, oauth.About{}, err)
		default:
			p.done(w, r, "/", text)
		}
	}
}
