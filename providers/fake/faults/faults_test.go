package faults_test

import (
	"context"
	"errors"
	"maps"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"example.com/oauthbyhand/oauth"
	rows "example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
	"example.com/oauthbyhand/providers/fake/faults"
)

const origin = "http://127.0.0.1:9000"

func newServer() *faults.Server {
	return faults.New(fake.New(fake.Options{}), origin)
}

func get(t *testing.T, s *faults.Server, rawURL string) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", rawURL, nil))
	return rec
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// asking is an authorization request of the app that every fake knows, and allowing Ada's answer.
var (
	asking = url.Values{"response_type": {"code"}, "client_id": {fake.TestID}, "redirect_uri": {"http://localhost:5000/cb"}, "scope": {"openid"},
		"state": {"short"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
	allowing = url.Values{"user": {"ada"}, "decision": {"allow"}, "scope": {"openid"}}
)

// Each fault of an OpenID provider is also played at an issuer of its own, for any client. There it does
// to this project's client what its row says.
func TestFaultsForStrangers(t *testing.T) {
	// By itself a client has no cookies in which to look for an attempt: there it is the state that differs.
	without := map[string]string{"attempt-found": "callback-state", "attempt-unused": "callback-state"}
	offered := 0
	for _, f := range faults.All() {
		issuer := origin + "/~" + f.Name
		if !f.Anywhere() {
			if resp := get(t, newServer(), issuer+"/.well-known/openid-configuration"); resp.Code != 404 {
				t.Errorf("%s: %d", f.Name, resp.Code)
			}
			continue
		}
		offered++
		t.Run(f.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				internet := fake.Net{"127.0.0.1:9000": newServer()}
				row := rows.OpenID(issuer)
				row.Scopes = append(row.Scopes, "offline_access")
				client := must(oauth.NewClient(row, fake.TestID, fake.TestSecret, "http://localhost:5000/cb", internet))
				if f.How == faults.Again {
					if _, err := signIn(t.Context(), client, internet); err != nil {
						t.Fatalf("the first time: %v", err)
					}
				}
				tokens, err := signIn(t.Context(), client, internet)
				switch {
				case err == nil && f.How == faults.Refresh:
					_, err = client.Refresh(t.Context(), tokens)
				case err == nil && f.How == faults.Disconnect:
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
					got = faults.Refusal
				} else if err != nil {
					got = "no check"
				}
				if got != want {
					t.Errorf("%s\nstopped by %q, want %q: %v", f.Does, got, want, err)
				}
			})
		})
	}
	if offered < 60 {
		t.Errorf("only %d faults are offered", offered)
	}
}

// No URL and no method makes a fault, or what looks like one, panic. An error stays as it is.
func TestFaultsAnswerEverything(t *testing.T) {
	op := newServer()
	guess := url.Values{"grant_type": {"authorization_code"}, "code": {"guess"}, "client_id": {fake.TestID}, "client_secret": {fake.TestSecret}, "user": {"ada"}, "decision": {"allow"}}
	answers := func(method, path string) {
		t.Helper()
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("%s %s: %v", method, path, p)
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nobody waits for those that hang
		r := httptest.NewRequestWithContext(ctx, method, "http://localhost:9000"+path, strings.NewReader(guess.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		op.ServeHTTP(httptest.NewRecorder(), r)
	}
	for _, path := range []string{"/~", "/~/", "/~/token", "/~/github.com/", "/~/api.github.com/user", "/~nobody/github.com/"} {
		answers("GET", path)
	}
	for _, f := range faults.All() {
		for _, path := range []string{"/.well-known/openid-configuration", "/authorize", "/authorize?prompt=none&" + asking.Encode(), "/token", "/jwks", "/userinfo", "/revoke", "/oauth/request_token"} {
			for _, host := range []string{"", "/openid.example", "/accounts.google.com", "/api.x.com"} {
				answers("GET", "/~"+f.Name+host+path)
				answers("POST", "/~"+f.Name+host+path)
			}
		}
	}
	const unsigned = "/api.x.com/oauth/request_token"
	if got, want := get(t, op, origin+"/~o1-token-missing"+unsigned).Body.String(), get(t, op, origin+unsigned).Body.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// If the user refuses, the attacker of these two gives the browser no code.
func TestRefusedWithoutCode(t *testing.T) {
	asked := maps.Clone(asking)
	asked.Set("scope", "public_profile")
	for _, path := range []string{"/~pkce-code-stolen/github.com/login/oauth/authorize", "/~pkce-dropped/www.facebook.com/v26.0/dialog/oauth"} {
		for decision, want := range map[string]string{"allow": "code", "refuse": "error"} {
			r := httptest.NewRequestWithContext(t.Context(), "POST", origin+path+"?"+asked.Encode(), strings.NewReader("user=ada&decision="+decision))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			rec := httptest.NewRecorder()
			newServer().ServeHTTP(rec, r)
			if back := must(rec.Result().Location()).Query(); !back.Has(want) || back.Has("code") && back.Has("error") {
				t.Errorf("%s: %s: sent back with %v, want %s alone", path, decision, back, want)
			}
		}
	}
}

// The first page of the faults names each one that a client of your own can meet.
func TestListSaysAll(t *testing.T) {
	html := get(t, newServer(), origin+"/~").Body.String()
	if n := strings.Count(html, "No client can stop this."); n != 1 {
		t.Errorf("%d faults are said to be unstoppable, want pkce-dropped alone", n)
	}
	for _, f := range faults.All() {
		if says := strings.Contains(html, "<dt><code>"+f.Name+"</code></dt>"); f.Anywhere() && !says {
			t.Errorf("the page does not say %s", f.Name)
		}
	}
}

// What guards the honest fake also guards it behind a fault.
func TestGuardedBehindFaults(t *testing.T) {
	s := newServer()
	for _, path := range []string{"/~nonce-wrong/authorize", "/~nonce-wrong/accounts.google.com/o/oauth2/v2/auth"} {
		for reason, tt := range map[string]struct {
			host, site string
			status     int
		}{
			"the user's answer":        {"127.0.0.1:9000", "same-origin", 303},
			"another site's form":      {"127.0.0.1:9000", "cross-site", 403},
			"a DNS name that rebounds": {"rebound.example:9000", "same-origin", 421},
		} {
			r := httptest.NewRequestWithContext(t.Context(), "POST", "http://"+tt.host+path+"?"+asking.Encode(), strings.NewReader(allowing.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", tt.site)
			rec := httptest.NewRecorder()
			if s.ServeHTTP(rec, r); rec.Code != tt.status {
				t.Errorf("%s: %s: %d, want %d", path, reason, rec.Code, tt.status)
			}
		}
	}
}
