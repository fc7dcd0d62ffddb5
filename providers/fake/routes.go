package fake

import (
	"net/http"
	"strings"
)

// route is one URL of the world: host/path as in a pattern of http.ServeMux, the methods that it takes, whose it is,
// and what answers there.
type route struct {
	methods, at string
	dialect     *dialect
	answer      handler
}

// handler answers a request at a provider. The fake's own pages are no provider's, and ignore d.
type handler func(d *dialect, w http.ResponseWriter, r *http.Request)

func serve(mux *http.ServeMux, routes []route) {
	mux.HandleFunc("/", notFound)
	for _, t := range routes {
		for method := range strings.FieldsSeq(t.methods) {
			mux.HandleFunc(method+" "+t.at, func(w http.ResponseWriter, r *http.Request) { t.answer(t.dialect, w, r) })
		}
	}
}

// routes is the list of the world's OAuth URLs, as they were on 2026-11-29.
func (s *Server) routes(rows map[string]*dialect) []route {
	google, github, facebook := rows["google"], rows["github"], rows["facebook"]
	instagram, spotify, x2, x := rows["instagram"], rows["spotify"], rows["x2"], rows["x"]
	table := []route{
		{"GET", "accounts.google.com/.well-known/openid-configuration", google, discovery},
		{"GET POST", "accounts.google.com/o/oauth2/v2/auth", google, s.authorize},
		{"POST", "oauth2.googleapis.com/token", google, s.token},
		{"GET", "www.googleapis.com/oauth2/v3/certs", google, keys},
		{"GET", "openidconnect.googleapis.com/v1/userinfo", google, s.api(s.userinfo)},
		{"POST", "oauth2.googleapis.com/revoke", google, s.revoke},

		{"GET POST", "github.com/login/oauth/authorize", github, s.authorize},
		{"POST", "github.com/login/oauth/access_token", github, s.token},
		{"GET", "api.github.com/user", github, s.api(s.githubUser)},
		{"GET", "api.github.com/user/emails", github, s.api(s.githubEmails)},
		{"DELETE", "api.github.com/applications/{client_id}/grant", github, s.githubRevoke},

		{"GET POST", "www.facebook.com/v26.0/dialog/oauth", facebook, s.authorize},
		{"POST", "graph.facebook.com/v26.0/oauth/access_token", facebook, s.token},
		{"GET", "graph.facebook.com/v26.0/me", facebook, s.api(s.facebookMe)},
		{"DELETE", "graph.facebook.com/v26.0/me/permissions", facebook, s.api(s.facebookRevoke)},

		{"GET POST", "www.instagram.com/oauth/authorize", instagram, s.authorize},
		{"POST", "api.instagram.com/oauth/access_token", instagram, s.token},
		{"GET", "graph.instagram.com/v26.0/me", instagram, s.api(s.instagramMe)},

		{"GET POST", "accounts.spotify.com/authorize", spotify, s.authorize},
		{"POST", "accounts.spotify.com/api/token", spotify, s.token},
		{"GET", "api.spotify.com/v1/me", spotify, s.api(s.spotifyMe)},

		{"GET POST", "x.com/i/oauth2/authorize", x2, s.authorize},
		{"POST", "api.x.com/2/oauth2/token", x2, s.token},
		{"GET", "api.x.com/2/users/me", x2, s.api(s.xMe)},
		{"POST", "api.x.com/2/oauth2/revoke", x2, s.revoke},

		{"POST", "api.x.com/oauth/request_token", x, s.signed(nil, s.requestToken)},
		{"GET POST", "api.x.com/oauth/authenticate", x, s.authenticate1},
		{"POST", "api.x.com/oauth/access_token", x, s.signed(&s.oauth1.temporary, s.accessToken)},
		{"GET", "api.x.com/1.1/account/verify_credentials.json", x, s.signed(&s.oauth1.tokens, s.verifyCredentials)},
		{"POST", "api.x.com/1.1/oauth/invalidate_token.json", x, s.signed(&s.oauth1.tokens, s.invalidateToken)},
	}
	table = append(table, s.openIDRoutes("openid.example", rows["oidc"])...)
	home := s.home(table)
	// The fake's own origin: an issuer for other people's clients, and a few pages.
	table = append(table, s.openIDRoutes(self, openIDProvider(s.origin))...)
	return append(table,
		route{"GET", self + "/{$}", nil, home},
		route{"GET", self + "/fake.css", nil, stylesheet},
		route{"GET", self + "/picture/{user}", nil, picture},
	)
}

// openIDRoutes is the generic provider, which stands at a host of its own and at the fake's origin.
func (s *Server) openIDRoutes(host string, d *dialect) []route {
	return []route{
		{"GET", host + "/.well-known/openid-configuration", d, discovery},
		{"GET POST", host + "/authorize", d, s.authorize},
		{"POST", host + "/token", d, s.token},
		{"GET", host + "/jwks", d, keys},
		{"GET POST", host + "/userinfo", d, s.api(s.userinfo)}, // OIDC Core §5.3: both methods
		{"POST", host + "/revoke", d, s.revoke},
	}
}
