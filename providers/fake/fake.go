// Package fake is the other side of the wire: Google, GitHub, Facebook, Instagram, Spotify, X and
// a generic OpenID provider, simulated in one http.Handler that is honest and strict.
//
// It is stricter than any of the real ones, so that a client learns its mistakes here: it demands
// state and a PKCE challenge, compares redirect URIs exactly, takes a code once, and refuses a
// repeated parameter. It shares no code with the client, so that each side checks the other.
//
// # In your own tests
//
// Any client of OAuth or OpenID Connect can sign in against it. In a Go test these two lines start it:
//
//	provider := httptest.NewServer(nil)
//	provider.Config.Handler = fake.New(fake.Options{Origin: provider.URL})
//
// The issuer is provider.URL, the client id [TestID], the secret [TestSecret], and the redirect URI any
// URL on this machine. Without a port, and with the providers under their real names, [Net] is the
// http.RoundTripper of an [http.Client]: see the example. A program in another language uses
// "go run . -fake", where http://127.0.0.1:9000/ says the same.
//
// Nobody need click: the consent page is a form that posts to its own URL, which is the authorization
// URL, and needs no cookie. Its fields are user (a [User].ID), decision (allow or refuse) and, for each
// scope that stays ticked, scope:
//
//	browser.PostForm(authorizationURL, url.Values{"user": {"ada"}, "scope": {"openid", "email"}, "decision": {"allow"}})
//
// It answers with a redirect to the app. For a dishonest provider put the name of a [Fault] behind the
// issuer, provider.URL+"/~nonce-wrong"; for a provider without OpenID Connect put it before its host,
// provider.URL+"/~o1-token-missing/api.x.com/oauth/request_token". [Faults] says which must be refused.
//
// # The files
//
// Where to read, in the order of a sign-in:
//
//	routes.go     which URL is answered by what: a list of the world's OAuth URLs
//	dialect.go    what differs from provider to provider
//	discovery.go  0 the provider's metadata
//	authorize.go  1 the authorization request, the user's answer, and 2 the callback
//	pages.go        what the user is shown, as one of the three of users.go
//	token.go      3 the code for tokens, and 6 refresh
//	grants.go       what was given to whom, and how it is taken back
//	idtoken.go    4 the ID token and the keys that it is checked with
//	userinfo.go   5 the access token used, in each provider's way
//	meta.go         what Facebook and Instagram have of their own
//	revoke.go     7 the grant taken back
//	oauth1.go     X, which speaks OAuth 1.0a: 1, 2, 3 and 5 once more
//	sign1.go        the signature of each of its requests
//
// and how it becomes dishonest, for the clients that ask for it:
//
//	faults*.go    what attackers do, step by step: one table
//	attacker.go     what they do in the user's browser, from a page of theirs
//	tamper.go       the replies changed on their way out
//
// [Net] is an internet in memory, for tests and for the demo's back channel. A browser reaches the
// same providers at http://127.0.0.1:9000/accounts.google.com/… and so on: see [Server.Front].
package fake

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
)

// Options is how a fake is set up. The zero value is ready: see [TestID].
type Options struct {
	Origin  string   // where a browser reaches the fake, and the issuer for other people's clients; "" is http://127.0.0.1:9000
	Clients []Client // beside those that every fake knows
}

// TestID and TestSecret are an app that each provider knows from the start (to X they are the consumer
// key and its secret). It may be sent back to any URL on the user's own machine: see [Client]. TestES256,
// with the same secret, is that app at the generic provider with ID tokens signed by ES256.
const (
	TestID     = "test-client"
	TestES256  = "test-client-es256"
	TestSecret = "test-secret"
)

// Client is an app registered with one provider.
type Client struct {
	Provider   string // "google", "github", "facebook", "instagram", "spotify", "x", or "oidc", the generic one
	ID, Secret string // neither may be empty
	// RedirectURIs are compared exactly (RFC 9700 §2.1). With none, each http or https URL on localhost,
	// 127.0.0.1 or [::1] is taken, with any port, as RFC 8252 §7.3 has it, and with any path, which is
	// more than it allows. The code is bound to the one that was asked for all the same.
	RedirectURIs      []string
	SignedResponseAlg string // id_token_signed_response_alg: "" is RS256; a client of "oidc" may have "ES256"
}

// Server is the seven providers, for any number of clients at once; make one with [New].
type Server struct {
	origin  string
	clients []Client
	mux     *http.ServeMux
	hosts   map[string]bool // the real hosts it answers for
	front   http.Handler
	faulty  map[string]faulty // the same again, with a fault each, by its name
	grants  grants
	oauth1  oauth1
}

// self is the host that the routes of the fake's own origin have in the mux. It is no real name, so
// that no pattern is without a host: such a one would answer at every provider's host too.
const self = "origin.invalid"

// faulty is the world with one fault in it.
type faulty struct {
	Fault
	hosts  http.Handler
	issuer func() http.Handler // at /~name of the origin, with a name of its own, so that nobody's caches are shared
}

// New makes a fake that knows the clients of o, and [TestID]. It panics on a client that no provider
// would register.
func New(o Options) *Server {
	s := &Server{
		origin:  strings.TrimSuffix(cmp.Or(o.Origin, "http://127.0.0.1:9000"), "/"),
		clients: slices.Clone(o.Clients),
		mux:     http.NewServeMux(),
		hosts:   map[string]bool{},
		grants:  grants{issued: recent[*issued]{life: sixMonths}}, // no token lives longer
		oauth1:  oauth1{temporary: recent[credentials]{life: temporaryLife}, nonces: recent[struct{}]{life: nonceLife}},
		faulty:  map[string]faulty{},
	}
	for _, f := range Faults() {
		s.faulty[f.Name] = faulty{f, tamper(f, s.mux), sync.OnceValue(func() http.Handler {
			return tamper(f, serve(http.NewServeMux(), s.openIDRoutes(self, openIDProvider(s.origin+"/~"+f.Name))))
		})}
	}
	rows := dialects()
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		s.clients = append(s.clients, Client{Provider: name, ID: TestID, Secret: TestSecret})
	}
	s.clients = append(s.clients, Client{Provider: "oidc", ID: TestES256, Secret: TestSecret, SignedResponseAlg: "ES256"})
	for _, c := range s.clients {
		if err := c.check(rows); err != nil {
			panic(fmt.Sprintf("fake: client %q of %q: %v", c.ID, c.Provider, err))
		}
	}
	routes := s.routes(rows)
	serve(s.mux, routes)
	for _, t := range routes {
		_, hostPath, _ := strings.Cut(t.pattern, " ")
		if host, _, _ := strings.Cut(hostPath, "/"); host != self {
			s.hosts[host] = true
		}
	}
	// A foreign site must not press Allow in the user's name (RFC 6749 §10.12, the server's half).
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		showError(w, http.StatusForbidden, "Another site sent this form, so it was not read (RFC 6749 §10.12).")
	}))
	s.front = guard.Handler(http.HandlerFunc(s.mapped))
	return s
}

func serve(mux *http.ServeMux, routes []route) *http.ServeMux {
	mux.HandleFunc("/", notFound)
	for _, t := range routes {
		mux.HandleFunc(t.pattern, t.handler)
	}
	return mux
}

func (c Client) check(rows map[string]*dialect) error {
	if rows[c.Provider] == nil {
		return fmt.Errorf("not a provider here yet: it needs a dialect (dialect.go), URLs (routes.go) and subjects (users.go)")
	}
	if c.ID == "" || c.Secret == "" {
		return fmt.Errorf("ID or Secret is empty")
	}
	if c.SignedResponseAlg != "" && c.SignedResponseAlg != "RS256" && !(c.Provider == "oidc" && c.SignedResponseAlg == "ES256") {
		return fmt.Errorf("no ID tokens signed with %q", c.SignedResponseAlg)
	}
	for _, raw := range c.RedirectURIs {
		if u, err := url.Parse(raw); err != nil || !u.IsAbs() || u.Host == "" || strings.Contains(raw, "#") { // RFC 6749 §3.1.2
			return fmt.Errorf("redirect URI %q is not absolute or has a fragment", raw)
		}
	}
	return nil
}

// client finds the app with this id, if it is registered with this provider.
func (s *Server) client(d *dialect, id string) *Client {
	for i := range s.clients {
		if c := &s.clients[i]; c.ID == id && c.Provider == d.name {
			return c
		}
	}
	return nil
}

// takes reports whether the app may be sent back to this URL.
func (c *Client) takes(redirectURI string) bool {
	u, err := url.Parse(redirectURI)
	if len(c.RedirectURIs) > 0 || err != nil {
		return slices.Contains(c.RedirectURIs, redirectURI)
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && !strings.Contains(redirectURI, "#") &&
		slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, u.Hostname())
}

// ServeHTTP is what stands at the origin. A request whose first path segment is a known host is served
// as if sent to that host; everything else is the fake's own, an issuer at its root.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.front.ServeHTTP(w, r) }

func (s *Server) mapped(w http.ResponseWriter, r *http.Request) {
	// The mux would redirect an unclean path, and so lose the host in front of it.
	if clean := path.Clean(r.URL.Path); clean != r.URL.Path && clean+"/" != r.URL.Path {
		notFound(w, r)
		return
	}
	to := r.Clone(r.Context())
	to.Host = self
	if to.URL.Host == "" { // which a server's requests leave out, and which OAuth 1.0a signs
		to.URL.Scheme, to.URL.Host = "http", r.Host
		if r.TLS != nil {
			to.URL.Scheme = "https"
		}
	}
	faulty, fault := s.faulty[strings.TrimPrefix(firstSegment(to), "~")]
	fault = fault && cutSegment(to, "~"+faulty.Name)
	host := firstSegment(to)
	if s.hosts[host] {
		to.Host = host
		cutSegment(to, host)
	}
	switch {
	case !fault:
		s.mux.ServeHTTP(w, to)
	case s.hosts[host]:
		faulty.hosts.ServeHTTP(w, to)
	case faulty.Attacked() && to.URL.Path == "/":
		s.attackPage(faulty.Fault, w, to)
	case faulty.Anywhere():
		faulty.issuer().ServeHTTP(w, to)
	default:
		notFound(w, to)
	}
}

// firstSegment is that of the escaped path: "github.com%2Flogin" is one segment, and no host.
func firstSegment(r *http.Request) string {
	segment, _, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	return segment
}

// cutSegment takes the first segment away, if it is this one.
func cutSegment(r *http.Request, segment string) bool {
	if firstSegment(r) != segment {
		return false
	}
	r.URL.Path = cmp.Or(strings.TrimPrefix(r.URL.Path, "/"+segment), "/")
	r.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, "/"+segment)
	return true
}

// Front is where a browser finds a URL of the real world: https://<known host>/path becomes
// Origin/<known host>/path. Other URLs are returned unchanged.
func (s *Server) Front(rawURL string) string {
	rest, https := strings.CutPrefix(rawURL, "https://")
	if u, err := url.Parse(rawURL); err != nil || !https || !s.hosts[u.Host] || u.User != nil {
		return rawURL
	}
	return s.origin + "/" + rest
}

// Net is the back channel: every known host leads to this server, and so does its origin. The map is the
// caller's own, who may add hosts.
func (s *Server) Net() Net {
	n := Net{}
	for host := range s.hosts {
		n[host] = s.mux
	}
	if u, err := url.Parse(s.origin); err == nil {
		n[u.Host] = s
	}
	return n
}

// Faulty is Net and Front for the client of a fault, one of [Faults]: the same server, with somebody on
// the wire to the real hosts.
func (s *Server) Faulty(f Fault) (Net, func(rawURL string) string) {
	n := Net{}
	for host := range s.hosts {
		n[host] = s.faulty[f.Name].hosts
	}
	return n, func(rawURL string) string {
		if front, known := strings.CutPrefix(s.Front(rawURL), s.origin); known {
			return s.origin + "/~" + f.Name + front
		}
		return rawURL
	}
}
