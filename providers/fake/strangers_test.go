package fake_test

import (
	"strings"
	"testing"

	"example.com/oauthbyhand/providers/fake"
)

// What other people's clients need: an app that is registered already.

// The app that every fake knows may be sent back to this machine, and nowhere else.
func TestTestClient(t *testing.T) {
	tests := []struct {
		redirectURI, reason string
		taken               bool
	}{
		{"http://localhost:3000/auth/callback", "any port and path", true},
		{"http://127.0.0.1/", "no port", true},
		{"http://[::1]:65535/cb?tenant=1", "IPv6, and a query of its own", true},
		{"https://localhost:8443/cb", "https", true},
		{"http://localhost.evil.example/cb", "a name that begins alike", false},
		{"http://user@localhost/cb", "nobody needs a user", false},
		{"http://localhost:80@evil.example/cb", "localhost is the user here", false},
		{"http://127.0.0.2/cb", "RFC 8252 §7.3 names 127.0.0.1", false},
		{"http://localhost/cb#x", "a fragment (RFC 6749 §3.1.2)", false},
		{"javascript://localhost/%0aalert(1)", "another scheme", false},
		{"localhost", "no URL", false},
		{"http://local host/", "cannot be parsed", false},
	}
	web, p := newWorld(t).web, providers["oidc"]
	for _, tt := range tests {
		asked := with(asking(p), "client_id", fake.TestID, "redirect_uri", tt.redirectURI)
		resp := must(web.PostForm(p.authorize+"?"+asked.Encode(), allowing("ada", p)))
		resp.Body.Close()
		wantEqual(t, tt.taken, resp.StatusCode == 303, tt.redirectURI+": "+tt.reason)
		resp = call{"POST", xRequestToken, "", map[string]string{"oauth_consumer_key": fake.TestID, "oauth_callback": tt.redirectURI}}.send(web, fake.TestSecret)
		resp.Body.Close()
		wantEqual(t, tt.taken, resp.StatusCode == 200, "x: "+tt.redirectURI+": "+tt.reason)
	}
}

// The app that gets its ID tokens by ES256.
func TestTestES256(t *testing.T) {
	w, p := newWorld(t), providers["oidc"]
	asked := with(asking(p), "client_id", fake.TestES256, "redirect_uri", "http://localhost/cb")
	form := with(redeeming(w.callback(p, asked, allowing("unal", p)).Get("code")), "redirect_uri", "http://localhost/cb")
	header, claims := idToken(t, decode(t, w.post(p, p.token, fake.TestES256, form))["id_token"])
	if header["alg"] != "ES256" || header["kid"] != "simulated-ec" || claims["aud"] != fake.TestES256 {
		t.Errorf("header %v, claims %v", header, claims)
	}
}

// The fake's first page says everything that another program needs.
func TestHomeSaysAll(t *testing.T) {
	html := text(t, newWorld(t).get(origin+"/", ""))
	for _, want := range []string{origin, fake.TestID, fake.TestSecret, fake.TestES256, "S256", "decision=allow",
		origin + "/api.x.com/oauth/request_token", "GET POST /github.com/login/oauth/authorize", "POST /openid.example/token"} {
		if !strings.Contains(html, "<code>"+want+"</code>") && !strings.Contains(html, want+"&amp;") {
			t.Errorf("the page does not say %s", want)
		}
	}
	for _, u := range fake.Users() {
		if !strings.Contains(html, "<code>"+u.ID+"</code>") {
			t.Errorf("the page does not say %s", u.ID)
		}
	}
}
