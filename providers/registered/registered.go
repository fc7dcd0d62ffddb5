// Package registered has this app's registrations: a client for each provider, with credentials
// from the environment.
package registered

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers"
)

// Provider is a provider with this app's client, and with a button on the home page. It speaks
// either OAuth 2.0 or OAuth 1.0a.
type Provider struct {
	oauth.About
	Client  *oauth.Client  // OAuth 2.0; nil without credentials
	Client1 *oauth.Client1 // OAuth 1.0a; nil without credentials
	Key     string         // its name in an account.Key
	Hidden  bool           // it has no button

	entry  oauth.Provider  // set with OAuth 2.0
	entry1 oauth.Provider1 // set with OAuth 1.0a
}

// All returns the providers that this app knows, without clients. issuer is that of the generic
// OpenID provider. The app asks this provider for these scopes besides the usual ones.
func All(issuer string, scopes ...string) []Provider {
	var all []Provider
	for _, entry := range append(providers.All(), providers.OpenID(issuer, scopes...)) {
		all = append(all, Provider{About: entry.About, Key: account.ProviderKey(entry), entry: entry})
	}
	x := providers.X()
	return append(all, Provider{About: x.About, Key: x.Name, entry1: x})
}

// Ready reports whether there are credentials, so that people can sign in.
func (p Provider) Ready() bool { return p.Client != nil || p.Client1 != nil }

// RevokePage returns the page on which users revoke what they granted, if the provider gives
// apps no way to revoke.
func (p Provider) RevokePage() string { return p.entry.RevokePage }

// Variables returns the names of the environment variables that hold the credentials.
func (p Provider) Variables() []string {
	name := strings.ToUpper(p.Name)
	variables := []string{name + "_CLIENT_ID", name + "_CLIENT_SECRET"}
	if p.Name == "oidc" {
		variables = append(variables, "OIDC_ISSUER")
	}
	return variables
}

// RedirectURI returns the callback URL for the app at base. Register it to the letter.
func (p Provider) RedirectURI(base *url.URL) string { return base.String() + "/callback/" + p.Name }

// Connect makes the client. A nil transport means the internet.
func (p *Provider) Connect(id, secret, redirectURI string, transport http.RoundTripper) (err error) {
	if p.entry1.Name != "" {
		p.entry1.About = p.About
		p.Client1, err = oauth.NewClient1(p.entry1, id, secret, redirectURI, transport)
	} else {
		p.entry.About = p.About
		p.Client, err = oauth.NewClient(p.entry, id, secret, redirectURI, transport)
	}
	return err
}

// Begin is step 1. With OAuth 2.0 the browser carries the whole request to the provider. With
// OAuth 1.0a the app itself sends the request, and the browser carries only the temporary token
// that the provider answers with.
func (p Provider) Begin(ctx context.Context) (oauth.Attempt, string, error) {
	if p.Client1 != nil {
		return p.Client1.Begin(ctx)
	}
	return p.Client.Begin(ctx)
}

// Twin returns a copy of the provider under another name, without a button, and with accounts
// of its own. Call it before Connect.
func (p Provider) Twin(name string) Provider {
	p.Name, p.Key, p.Hidden = name, name, true
	return p
}

// FromEnvironment returns all providers for the app at base. Each one that has credentials gets
// a client. Credentials come only from the environment, because other users of the machine can
// see the flags of a process. An error names the variable to change.
func FromEnvironment(base *url.URL) ([]Provider, error) {
	all := All(os.Getenv("OIDC_ISSUER"), strings.Fields(os.Getenv("OIDC_SCOPES"))...)
	issuers := make(map[string]string)
	for i := range all {
		p := &all[i]
		variables := p.Variables()
		unset := slices.DeleteFunc(p.Variables(), func(v string) bool { return os.Getenv(v) != "" })
		if len(unset) == len(variables) {
			continue
		}
		if len(unset) > 0 {
			return nil, fmt.Errorf("%s is not set: set all of %s, or none", strings.Join(unset, " and "), strings.Join(variables, ", "))
		}
		if rule := callbackRule(p.About, base); rule != "" {
			return nil, fmt.Errorf("%s, or unset %s", rule, strings.Join(variables, " and "))
		}
		if err := p.Connect(os.Getenv(variables[0]), os.Getenv(variables[1]), p.RedirectURI(base), nil); err != nil {
			return nil, fmt.Errorf("%s: %w", variables[len(variables)-1], err) // only OIDC_ISSUER, the last one, can make an entry wrong
		}
		if other := issuers[p.entry.Issuer]; other != "" && p.entry.Issuer != "" {
			return nil, fmt.Errorf("OIDC_ISSUER: %s is already the issuer of %s, and two providers must not share an issuer (RFC 9207 §4)", p.entry.Issuer, other)
		}
		issuers[p.entry.Issuer] = p.Title
	}
	return all, nil
}

// callbackRule returns what to do if the provider does not take the app's callback URL, and ""
// if it does.
func callbackRule(provider oauth.About, base *url.URL) string {
	host := strings.TrimSuffix(base.Host, ":"+base.Port())
	if base.Scheme == "https" || slices.Contains(provider.CallbackHosts, host) {
		return ""
	}
	way := "put a proxy with TLS in front, and start with -base-url https://" + base.Host
	if len(provider.CallbackHosts) > 0 {
		way = "start with -base-url " + strings.Replace(base.String(), host, provider.CallbackHosts[0], 1)
	}
	return fmt.Sprintf("%s takes no callback URLs at %s: %s", provider.Title, base, way)
}

// Titles returns a function that returns the title of the provider that a request is about. The
// last part of the path is the provider's name, or the parameter "provider" in the query is its
// Key.
func Titles(all []Provider) func(*http.Request) string {
	return func(r *http.Request) string {
		name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		key := r.URL.Query().Get("provider")
		i := slices.IndexFunc(all, func(p Provider) bool { return p.Name == name || key != "" && p.Key == key })
		if i < 0 {
			return ""
		}
		return all[i].Title
	}
}
