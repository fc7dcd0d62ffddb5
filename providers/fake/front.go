package fake

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// ServeHTTP answers at the origin. A request whose first path segment is a known host is served
// as if sent to that host; everything else is for the fake's own issuer.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.front.ServeHTTP(w, r) }

func (s *Server) mapped(w http.ResponseWriter, r *http.Request) {
	to := s.toOrigin(r)
	// The escaped path is cut: "github.com%2Flogin" is one segment, and no host.
	if host, _, _ := strings.Cut(strings.TrimPrefix(to.URL.EscapedPath(), "/"), "/"); s.hosts[host] != nil {
		to.Host = host
		to.URL.Path = cmp.Or(strings.TrimPrefix(to.URL.Path, "/"+host), "/")
		to.URL.RawPath = strings.TrimPrefix(to.URL.RawPath, "/"+host)
	}
	s.mux.ServeHTTP(w, to)
}

// toOrigin returns the request with the host that the mux has for the origin.
func (s *Server) toOrigin(r *http.Request) *http.Request {
	to := r.Clone(r.Context())
	to.Host = self
	if to.URL.Host == "" { // a server's requests leave it out, but OAuth 1.0a signs it
		to.URL.Scheme, to.URL.Host = "http", r.Host
		if r.TLS != nil {
			to.URL.Scheme = "https"
		}
	}
	return to
}

// Issuer is the generic OpenID provider under another issuer, at the paths /authorize, /token and so on: use
// [http.StripPrefix] if issuer has a path. Users and clients are those of s.
func (s *Server) Issuer(issuer string) http.Handler {
	mux := http.NewServeMux()
	serve(mux, s.openIDRoutes(self, openIDProvider(issuer)))
	return s.guard(func(w http.ResponseWriter, r *http.Request) { mux.ServeHTTP(w, s.toOrigin(r)) })
}

// Front returns the address at which a browser finds a URL of the real world: https://<known host>/path becomes
// Origin/<known host>/path. Other URLs are returned unchanged.
func (s *Server) Front(rawURL string) string {
	rest, https := strings.CutPrefix(rawURL, "https://")
	if u, err := url.Parse(rawURL); err != nil || !https || s.hosts[u.Host] == nil || u.User != nil {
		return rawURL
	}
	return s.origin + "/" + rest
}

// Net returns a network for clients: every known host leads to this server, and its origin does also. The caller may
// add hosts to the map.
func (s *Server) Net() Net {
	n := maps.Clone(s.hosts)
	if u, err := url.Parse(s.origin); err == nil {
		n[u.Host] = s
	}
	return n
}

// guard stands in front of everything that a browser reaches at the origin.
func (s *Server) guard(next http.HandlerFunc) http.Handler {
	// A foreign site must not press Allow in the user's name (RFC 6749 §10.12, the server's half).
	forms := http.NewCrossOriginProtection()
	forms.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sentAsForm(w, r) { // an app's form, which begins a sign-in
			return
		}
		showError(w, http.StatusForbidden, "Another site sent this form, so it was not read (RFC 6749 section 10.12).")
	}))
	guarded := forms.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect an unclean path, and so lose the host in front of it.
		clean := path.Clean(r.URL.Path)
		switch {
		case !s.answersTo(r.Host):
			showError(w, http.StatusMisdirectedRequest, "This server answers only to localhost, 127.0.0.1, [::1] and the host of its own origin. Open it under one of these names.")
		case clean != r.URL.Path && clean+"/" != r.URL.Path:
			notFound(w, r)
		default:
			guarded.ServeHTTP(w, r)
		}
	})
}

// answersTo reports whether a Host header names this machine or the origin. An attacker can point a DNS name of
// theirs at this machine (DNS rebinding): their page is then of the same origin, and could press Allow.
func (s *Server) answersTo(host string) bool {
	if u, err := url.Parse(s.origin); err == nil && host == u.Host {
		return true
	}
	name := (&url.URL{Host: host}).Hostname() // without the port
	return slices.Contains(loopback, strings.ToLower(name))
}

// loopback are the names of the user's own machine.
var loopback = []string{"localhost", "127.0.0.1", "::1"}
