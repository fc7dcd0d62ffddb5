package pages

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/templates"
)

// profilePage is the Data of the page "profile".
type profilePage struct {
	Provider oauth.About
	Grant    account.Grant
	Failure  *templates.Failure // of the button that was pressed
	Again    bool               // there is no token any more: only a new sign-in helps
	Accounts []accountCard
	Connect  []oauth.About // providers where the user could connect one more account
}

// accountCard is an identity of the user, with its buttons.
type accountCard struct {
	account.Identity
	Title string // of the provider
	Grant account.Grant
	Shown bool // the page is about this one
	Ready bool // the provider is switched on
}

// Query names the identity in URLs.
func (c accountCard) Query() template.URL {
	return template.URL(url.Values{"provider": {c.Identity.Provider}, "subject": {c.Subject}}.Encode())
}

// profile shows what is stored about the user. It asks no provider.
func (p *Pages) profile(w http.ResponseWriter, r *http.Request, v visitor) {
	p.show(w, r, v, http.StatusOK, nil)
}

// show shows the profile, with what went wrong with the button that was pressed.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, v visitor, status int, failure *templates.Failure) {
	grant := v.shown.grant
	page := profilePage{Provider: v.shown.provider.About, Grant: grant, Failure: failure}
	page.Again = grant.Tokens.AccessToken == "" && grant.Credentials.Token == "" || failure != nil && failure.Again
	for _, o := range v.all {
		page.Accounts = append(page.Accounts, accountCard{o.Identity, o.provider.Title, o.grant, o.Key == v.shown.Key, o.provider.Ready()})
	}
	for _, provider := range p.Providers {
		connected := slices.ContainsFunc(v.all, func(o opened) bool { return o.Key.Provider == provider.Key })
		if provider.Ready() && !provider.Hidden && !connected {
			page.Connect = append(page.Connect, provider.About)
		}
	}
	p.Site.Page(w, r, status, "profile", page)
}
