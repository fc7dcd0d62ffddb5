// Package fake is the other side of the wire: Google, GitHub, Facebook, Instagram, Spotify, X in both
// of its protocols, and a generic OpenID provider, simulated in one http.Handler.
//
// It is honest, and stricter than any of the real ones, so that a client learns its mistakes here. It demands
// state and a PKCE challenge (Facebook and Instagram drop the challenge), compares redirect URIs exactly, takes a code
// once, and refuses a repeated parameter. It shares no code with the client, so that each side checks the other.
//
// # In your own tests
//
// Any client of OAuth or OpenID Connect can sign in against it. In a Go test these two lines start it:
//
//	provider := httptest.NewServer(nil)
//	provider.Config.Handler = fake.New(fake.Options{Origin: provider.URL})
//
// The issuer is provider.URL, the client id [TestID], the secret [TestSecret], and the redirect URI any
// URL on this machine. A client that sends no PKCE uses the id [TestPlain]. If you want no port, and the providers
// under their real names, give [Net] to an [http.Client] as its Transport: see the example. A program in another
// language uses "go run . -fake": README.md in this folder has the rest.
//
// Nobody has to click. The consent page is a form that posts to its own URL, which is the authorization
// URL, and it needs no cookie. Its fields are user (a [User].ID), decision (allow or refuse) and one scope for each
// scope that stays ticked:
//
//	browser.PostForm(authorizationURL, url.Values{"user": {"ada"}, "scope": {"openid", "email"}, "decision": {"allow"}})
//
// The answer is a redirect to the app. [Sign] and [SigningKey] make ID tokens of your own.
//
// # The files
//
// Read them in the order of a sign-in:
//
//	routes.go     which URL is answered by what: a list of the world's OAuth URLs
//	dialect.go    what differs from provider to provider
//	discovery.go  0 the provider's metadata
//	authorize.go  1 the authorization request, the user's answer, and 2 the callback
//	pages.go        what the user is shown, as one of the three of users.go
//	token.go      3 the code for tokens, and 6 refresh
//	grants.go       which code and token was given to whom, and how they are revoked
//	idtoken.go    4 the ID token, and the keys to check it with
//	userinfo.go   5 the profile, for an access token
//	meta.go         what only Facebook and Instagram do
//	revoke.go     7 the grant, revoked
//	x2.go           what only X by OAuth 2.0 does
//	oauth1.go     X by OAuth 1.0a: 1, 2, 3 and 5 once more
//	sign1.go        the signature of each of its requests
//	front.go      how a browser reaches all of them: http://127.0.0.1:9000/accounts.google.com/… and so on
//	net.go        how a client reaches them without a network
package fake

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Options is how a fake is set up. The zero value is ready: see [TestID].
type Options struct {
	Origin  string   // the address at which a browser reaches the fake, and the issuer for other people's clients; "" is http://127.0.0.1:9000
	Clients []Client // besides those that every fake knows
}

// TestID and TestSecret are an app that each provider knows from the start (to X they are the consumer
// key and its secret). Its redirect URI may be any URL on the user's own machine: see [Client]. TestES256,
// with the same secret, is that app at the generic provider with ID tokens signed by ES256.
//
// TestPlain, with the same secret, is for clients that send no PKCE, as Flask-Dance, Spring Security
// and passport-openidconnect do by default. It must send a nonce if it asks for openid, and a state always
// (RFC 9700 §2.1.1). Take it only if your library cannot send PKCE.
const (
	TestID     = "test-client"
	TestES256  = "test-client-es256"
	TestPlain  = "test-client-without-pkce"
	TestSecret = "test-secret"
)

// Client is an app registered with one provider.
type Client struct {
	Provider   string // "google", "github", "facebook", "instagram", "spotify", "x2", "x", or "oidc", the generic one
	ID, Secret string // neither may be empty
	// RedirectURIs are absolute, without a fragment (RFC 6749 §3.1.2). They are compared exactly (RFC 9700 §2.1). If
	// there are none, every http or https URL on localhost, 127.0.0.1 or [::1] is taken, with any port (RFC 8252 §7.3)
	// and, which the RFC does not allow, any path. The token request must still repeat the one that was asked for.
	RedirectURIs      []string
	WithoutPKCE       bool   // it may leave PKCE out: see [TestPlain]
	SignedResponseAlg string // id_token_signed_response_alg: "" is RS256; a client of "oidc" may have "ES256"
}

// Server is the eight providers, for any number of clients at once; make one with [New].
type Server struct {
	origin  string
	clients map[string]*Client // by provider and id
	mux     *http.ServeMux
	hosts   Net // the real hosts that it answers for
	front   http.Handler
	grants  grants
	oauth1  oauth1
}

// self is the host that the routes of the fake's own origin have in the mux. The name is
// invented: without a host, these routes would answer at every provider's host.
const self = "origin.invalid"

// New makes a fake that knows the clients of o, and [TestID]. It panics on a client without an id or a secret, of a
// provider that it does not play, or with a redirect URI that breaks the rule of [Client].
func New(o Options) *Server {
	s := &Server{
		origin:  strings.TrimSuffix(cmp.Or(o.Origin, "http://127.0.0.1:9000"), "/"),
		clients: map[string]*Client{},
		mux:     http.NewServeMux(),
		hosts:   Net{},
	}
	rows := dialects()
	clients := []Client{{Provider: "oidc", ID: TestES256, Secret: TestSecret, SignedResponseAlg: "ES256"}}
	for name := range rows {
		clients = append(clients, Client{Provider: name, ID: TestID, Secret: TestSecret},
			Client{Provider: name, ID: TestPlain, Secret: TestSecret, WithoutPKCE: true})
	}
	for _, c := range append(clients, o.Clients...) {
		if rows[c.Provider] == nil {
			panic("fake: it does not play the provider " + c.Provider + "; the top of providers/providers.go says how to add one")
		}
		if c.ID == "" || c.Secret == "" || slices.ContainsFunc(c.RedirectURIs, notAbsolute) {
			panic("fake: a client of " + c.Provider + " without an id or a secret, or with a redirect URI that is relative, has a fragment or cannot be parsed (RFC 6749 section 3.1.2)")
		}
		s.clients[c.Provider+" "+c.ID] = &c
	}
	routes := s.routes(rows)
	serve(s.mux, routes)
	for _, t := range routes {
		if host, _, _ := strings.Cut(t.at, "/"); host != self {
			s.hosts[host] = s.mux
		}
	}
	s.front = s.guard(s.mapped)
	return s
}

// client finds the app with this id, if it is registered with this provider.
func (s *Server) client(d *dialect, id string) *Client { return s.clients[d.name+" "+id] }

func notAbsolute(redirectURI string) bool {
	u, err := url.Parse(redirectURI)
	return err != nil || !u.IsAbs() || strings.Contains(redirectURI, "#")
}

// takes reports whether the browser may be sent back to this URL.
func (c *Client) takes(redirectURI string) bool {
	u, err := url.Parse(redirectURI)
	if len(c.RedirectURIs) > 0 || err != nil {
		return slices.Contains(c.RedirectURIs, redirectURI)
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && !strings.Contains(redirectURI, "#") &&
		slices.Contains(loopback, u.Hostname())
}
