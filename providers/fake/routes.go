package fake

import (
	"net/http"
	"strings"
)

// route is one URL of the world: host/path as in a pattern of http.ServeMux, and the methods that it takes.
type route struct {
	methods, at string
	handler     http.HandlerFunc
}

func serve(mux *http.ServeMux, routes []route) {
	mux.HandleFunc("/", notFound)
	for _, t := range routes {
		for method := range strings.FieldsSeq(t.methods) {
			mux.HandleFunc(method+" "+t.at, t.handler)
		}
	}
}

// routes is the list of the world's OAuth URLs, as they were on 2026-11-29.
func (s *Server) routes(rows map[string]*dialect) []route {
	google, github, facebook := rows["google"], rows["github"], rows["facebook"]
	instagram, spotify, x2, x := rows["instagram"], rows["spotify"], rows["x2"], rows["x"]
	table := []route{
		{"GET", "accounts.google.com/.well-known/openid-configuration", s.discovery(google)},
		{"GET POST", "accounts.google.com/o/oauth2/v2/auth", s.authorize(google)},
		{"POST", "oauth2.googleapis.com/token", s.token(google)},
		{"GET", "www.googleapis.com/oauth2/v3/certs", s.keys},
		{"GET", "openidconnect.googleapis.com/v1/userinfo", s.api(google, s.userinfo)},
		{"POST", "oauth2.googleapis.com/revoke", s.revoke(google)},

		{"GET POST", "github.com/login/oauth/authorize", s.authorize(github)},
		{"POST", "github.com/login/oauth/access_token", s.token(github)},
		{"GET", "api.github.com/user", s.api(github, s.githubUser)},
		{"GET", "api.github.com/user/emails", s.api(github, s.githubEmails)},
		{"DELETE", "api.github.com/applications/{client_id}/grant", s.githubRevoke(github)},

		{"GET POST", "www.facebook.com/v26.0/dialog/oauth", s.authorize(facebook)},
		{"POST", "graph.facebook.com/v26.0/oauth/access_token", s.token(facebook)},
		{"GET", "graph.facebook.com/v26.0/me", s.api(facebook, s.facebookMe)},
		{"DELETE", "graph.facebook.com/v26.0/me/permissions", s.api(facebook, s.facebookRevoke)},

		{"GET POST", "www.instagram.com/oauth/authorize", s.authorize(instagram)},
		{"POST", "api.instagram.com/oauth/access_token", s.token(instagram)},
		{"GET", "graph.instagram.com/v26.0/me", s.api(instagram, s.instagramMe)},

		{"GET POST", "accounts.spotify.com/authorize", s.authorize(spotify)},
		{"POST", "accounts.spotify.com/api/token", s.token(spotify)},
		{"GET", "api.spotify.com/v1/me", s.api(spotify, s.spotifyMe)},

		{"GET POST", "x.com/i/oauth2/authorize", s.authorize(x2)},
		{"POST", "api.x.com/2/oauth2/token", s.token(x2)},
		{"GET", "api.x.com/2/users/me", s.api(x2, s.xMe)},
		{"POST", "api.x.com/2/oauth2/revoke", s.revoke(x2)},

		{"POST", "api.x.com/oauth/request_token", s.signed(x, nil, s.requestToken)},
		{"GET POST", "api.x.com/oauth/authenticate", s.authenticate1(x)},
		{"POST", "api.x.com/oauth/access_token", s.signed(x, &s.oauth1.temporary, s.accessToken)},
		{"GET", "api.x.com/1.1/account/verify_credentials.json", s.signed(x, &s.oauth1.tokens, s.verifyCredentials)},
		{"POST", "api.x.com/1.1/oauth/invalidate_token.json", s.signed(x, &s.oauth1.tokens, s.invalidateToken)},
	}
	table = append(table, s.openIDRoutes("openid.example", rows["oidc"])...)
	home := s.home(table)
	// The fake's own origin: an issuer for other people's clients, and a few pages.
	table = append(table, s.openIDRoutes(self, openIDProvider(s.origin))...)
	return append(table,
		route{"GET", self + "/{$}", home},
		route{"GET", self + "/fake.css", stylesheet},
		route{"GET", self + "/picture/{user}", picture},
	)
}

// openIDRoutes is the generic provider, which stands at a host of its own and at the fake's origin.
func (s *Server) openIDRoutes(host string, d *dialect) []route {
	return []route{
		{"GET", host + "/.well-known/openid-configuration", s.discovery(d)},
		{"GET POST", host + "/authorize", s.authorize(d)},
		{"POST", host + "/token", s.token(d)},
		{"GET", host + "/jwks", s.keys},
		{"GET POST", host + "/userinfo", s.api(d, s.userinfo)}, // OIDC Core §5.3: both methods
		{"POST", host + "/revoke", s.revoke(d)},
	}
}
