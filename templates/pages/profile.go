package pages

import (
	"html/template"
	"net/http"
	"net/url"

	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers/registered"
	"example.com/oauthbyhand/templates"
)

// profilePage is the Data of the page "profile".
type profilePage struct {
	Shown    opened
	Accounts []opened           // all of the user's
	Failure  *templates.Failure // of the button that was pressed
	Again    bool               // there is no token any more: only a new sign-in helps
}

// opened is an identity with its grant, and the provider that gave it.
type opened struct {
	account.Identity
	Grant    account.Grant // empty if the record does not open
	Provider registered.Provider
}

// Query names the identity in URLs.
func (o opened) Query() template.URL {
	return template.URL(url.Values{"provider": {o.Key.Provider}, "subject": {o.Subject}}.Encode())
}

// Token reports whether there is a token to call the provider with.
func (o opened) Token() bool {
	return o.Grant.Tokens.AccessToken != "" || o.Grant.Credentials.Token != ""
}

// profile shows what is stored about the user. It asks no provider.
func (p *Pages) profile(w http.ResponseWriter, r *http.Request, v visitor) {
	p.show(w, r, v, http.StatusOK, nil)
}

// show shows the profile. If a button has failed, it also shows what went wrong.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, v visitor, status int, failure *templates.Failure) {
	again := !v.shown.Token() || failure != nil && failure.Again
	p.Site.Page(w, r, status, "profile", profilePage{v.shown, v.all, failure, again})
}
