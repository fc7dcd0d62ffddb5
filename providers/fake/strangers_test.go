package fake_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth"
	rows "example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
)

// What other people's clients need: an app that is registered already, and faults that they can ask for.

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
		{"http://evil.example/?localhost", "another host", false},
		{"http://localhost:80@evil.example/cb", "localhost is the user here", false},
		{"http://user@localhost/cb", "nobody needs a user", false},
		{"http://127.0.0.2/cb", "RFC 8252 §7.3 names 127.0.0.1", false},
		{"http://localhost/cb#x", "a fragment (RFC 6749 §3.1.2)", false},
		{"http://localhost/cb#", "an empty one", false},
		{"javascript://localhost/%0aalert(1)", "another scheme", false},
		{"//localhost/cb", "no scheme", false},
		{"localhost", "no URL", false},
		{"http://local host/", "cannot be parsed", false},
	}
	op := fake.New(fake.Options{})
	web := &http.Client{Transport: op.Net(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for name, p := range providers {
		for _, tt := range tests {
			asked := asking(p)
			asked.Set("client_id", fake.TestID)
			asked.Set("redirect_uri", tt.redirectURI)
			resp := must(web.PostForm(p.authorize+"?"+asked.Encode(), allowing("ada", p)))
			resp.Body.Close()
			if taken := resp.StatusCode == 303; taken != tt.taken {
				t.Errorf("%s: %s: %s, %s", name, tt.redirectURI, resp.Status, tt.reason)
			}
		}
	}
	for _, tt := range tests {
		resp := call{"POST", xRequestToken, "", map[string]string{"oauth_consumer_key": fake.TestID, "oauth_callback": tt.redirectURI}}.send(web, fake.TestSecret)
		resp.Body.Close()
		if taken := resp.StatusCode == 200; taken != tt.taken {
			t.Errorf("x: %s: %s, %s", tt.redirectURI, resp.Status, tt.reason)
		}
	}
}

// The code of an app whose redirect URIs are not listed is bound to the one that was asked for.
func TestTestClientsCodeIsBound(t *testing.T) {
	w, p := newWorld(t), providers["oidc"]
	asked := asking(p)
	asked.Set("client_id", fake.TestID)
	asked.Set("redirect_uri", "http://localhost:3000/cb")
	for redirectURI, want := range map[string]int{"http://localhost:3000/cb": 200, "http://localhost:3001/cb": 400} {
		form := redeeming(w.callback(p, asked, allowing("ada", p)).Get("code"))
		form.Set("redirect_uri", redirectURI)
		form.Set("client_id", fake.TestID)
		form.Set("client_secret", fake.TestSecret)
		if resp := must(w.web.PostForm(p.token, form)); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", redirectURI, resp.Status, want)
		}
	}
}

// Each fault of an OpenID provider does at an issuer of its own what its row says, to this project's
// client as to any other's.
func TestFaultsForStrangers(t *testing.T) {
	// By itself a client has no cookies in which to look for an attempt: there it is the state that differs.
	without := map[string]string{"attempt-found": "callback-state", "attempt-unused": "callback-state"}
	offered := 0
	for _, f := range fake.Faults() {
		issuer := origin + "/~" + f.Name
		if !f.Anywhere() {
			if resp := newWorld(t).get(issuer+"/.well-known/openid-configuration", ""); resp.StatusCode != 404 {
				t.Errorf("%s: %s", f.Name, resp.Status)
			}
			continue
		}
		offered++
		t.Run(f.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				internet := fake.New(fake.Options{}).Net()
				row := rows.OpenID(issuer)
				row.Scopes = append(row.Scopes, "offline_access")
				client := must(oauth.NewClient(row, fake.TestID, fake.TestSecret, "http://localhost:5000/cb", internet))
				if f.How == fake.Again {
					if _, err := signInAs(t, client, internet); err != nil {
						t.Fatalf("the first time: %v", err)
					}
				}
				tokens, err := signInAs(t, client, internet)
				switch {
				case err == nil && f.How == fake.Refresh:
					_, err = client.Refresh(t.Context(), tokens)
				case err == nil && f.How == fake.Disconnect:
					err = client.Revoke(t.Context(), tokens)
				}
				want := f.Stops
				if other := without[want]; other != "" {
					want = other
				}
				got := ""
				if failed, ok := errors.AsType[*oauth.CheckError](err); ok {
					got = failed.Check.Name
				} else if _, ok := errors.AsType[*oauth.Refusal](err); ok {
					got = fake.Refusal
				} else if err != nil {
					got = "no check"
				}
				if got != want {
					t.Errorf("%s\nstopped by %q, want %q: %v", f.Does, got, want, err)
				}
			})
		})
	}
	if offered < 90 {
		t.Errorf("only %d faults are offered", offered)
	}
}

// Who comes to the fake's first page with a program of theirs finds there all that it needs.
func TestHomeSaysAll(t *testing.T) {
	html := text(t, newWorld(t).get(origin+"/", ""))
	for _, want := range []string{origin, fake.TestID, fake.TestSecret, fake.TestES256, origin + "/~nonce-wrong", "S256", "decision=allow",
		origin + "/api.x.com/oauth/request_token", "GET /github.com/login/oauth/authorize", "POST /openid.example/token"} {
		if !strings.Contains(html, "<code>"+want+"</code>") && !strings.Contains(html, want+"&amp;") {
			t.Errorf("the page does not say %s", want)
		}
	}
	for _, u := range fake.Users() {
		if !strings.Contains(html, "<code>"+u.ID+"</code>") {
			t.Errorf("the page does not say %s", u.ID)
		}
	}
	for _, f := range fake.Faults() {
		if says := strings.Contains(html, "<dt><code>"+f.Name+"</code></dt>"); f.Anywhere() && !says {
			t.Errorf("the page does not say %s", f.Name)
		}
	}
}

// signInAs is a whole sign-in, for which Ada allows all.
func signInAs(t *testing.T, client *oauth.Client, internet fake.Net) (oauth.Tokens, error) {
	attempt, to, err := client.Begin(t.Context())
	if err != nil {
		return oauth.Tokens{}, err
	}
	browser := &http.Client{Transport: internet, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp := must(browser.PostForm(to, allowing("ada", provider{scope: "openid email profile offline_access"})))
	resp.Body.Close()
	callback, err := client.ParseCallback(t.Context(), attempt, must(resp.Location()).RawQuery)
	if err != nil {
		return oauth.Tokens{}, err
	}
	unverified, err := client.Exchange(t.Context(), callback)
	if err != nil {
		return oauth.Tokens{}, err
	}
	tokens, err := client.VerifyIDToken(t.Context(), unverified)
	if err != nil {
		return oauth.Tokens{}, err
	}
	_, err = client.UserInfo(t.Context(), tokens)
	return tokens, err
}

// Whatever a client sends, an answer comes, with each fault: nobody's input is a panic.
func TestFaultsBesideErrors(t *testing.T) {
	for _, f := range fake.Faults() {
		w := newWorld(t)
		internet, _ := w.Faulty(f)
		web := &http.Client{Transport: internet, CheckRedirect: w.web.CheckRedirect, Timeout: time.Second}
		p := providers[f.Provider]
		if f.Provider == "x" {
			p = provider{"x", "", "https://api.x.com/oauth/authenticate", "https://api.x.com/oauth/access_token", "https://api.x.com/1.1/account/verify_credentials.json", false}
		}
		answered := func(resp *http.Response, err error) {
			if err == nil {
				resp.Body.Close()
			} else if strings.Contains(err.Error(), "panicked") && f.Name != "token-dropped" {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
		synctest.Test(t, func(t *testing.T) {
			for _, form := range []url.Values{nil, {"grant_type": {"refresh_token"}}, redeeming("guess")} {
				answered(web.PostForm(p.token, form))
			}
			asked := asking(p)
			asked.Set("state", "short")
			for _, rawURL := range []string{p.profile, p.authorize + "?" + asked.Encode() + "&prompt=none", p.authorize} {
				answered(web.Get(rawURL))
			}
			asked.Del("prompt")
			answered(web.PostForm(p.authorize+"?"+asked.Encode(), allowing("ada", p)))
		})
	}
}

// No URL and no method makes a fault, or what looks like one, panic.
func TestFaultsAnswerEverything(t *testing.T) {
	op := fake.New(fake.Options{})
	answers := func(method, path string) {
		t.Helper()
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { // token-dropped hangs up
				t.Errorf("%s %s: %v", method, path, p)
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nobody waits for those that hang
		op.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, method, path, nil))
	}
	for _, path := range []string{"/~", "/~/", "/~/token", "/~/github.com/", "/~/api.github.com/user", "/~nobody/github.com/"} {
		answers("GET", path)
	}
	for _, f := range fake.Faults() {
		for _, path := range []string{"/.well-known/openid-configuration", "/authorize", "/token", "/jwks", "/userinfo", "/revoke", "/oauth/request_token"} {
			for _, host := range []string{"", "/openid.example", "/accounts.google.com", "/api.x.com"} {
				answers("GET", "/~"+f.Name+host+path)
				answers("POST", "/~"+f.Name+host+path)
			}
		}
	}
}
