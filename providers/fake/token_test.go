package fake_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/providers/fake"
)

func TestTokenRefuses(t *testing.T) {
	basic := func(id, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
	}
	good := basic("app-oidc", secret)
	tests := []struct {
		name, reason, parameter, value string // "" deletes the parameter
		more                           string // added to the body as it is
		request                        func(*http.Request)
		status                         int
		error                          string
	}{
		{"no grant_type", "required", "grant_type", "", "", good, 400, "invalid_request"},
		{"password grant", "no password for an app (RFC 9700 §2.4)", "grant_type", "password", "", good, 400, "unsupported_grant_type"},
		{"no code", "required", "code", "", "", good, 400, "invalid_request"},
		{"unknown code", "nobody was given it", "code", "guess", "", good, 400, "invalid_grant"},
		{"no redirect_uri", "to be repeated (RFC 6749 §4.1.3)", "redirect_uri", "", "", good, 400, "invalid_request"},
		{"other redirect_uri", "the code is bound to it (RFC 6749 §4.1.3)", "redirect_uri", "https://app.example/callback", "", good, 400, "invalid_grant"},
		{"no code_verifier", "there was a challenge (RFC 7636 §4.5)", "code_verifier", "", "", good, 400, "invalid_request"},
		{"wrong code_verifier", "a thief of the code does not have the verifier (RFC 7636 §4.6)", "code_verifier", strings.Repeat("a", 43), "", good, 400, "invalid_grant"},
		{"challenge as verifier", "the challenge was public", "code_verifier", codeChallenge, "", good, 400, "invalid_grant"},
		{"code twice", "RFC 6749 §3.2", "", "", "&code=x", good, 400, "invalid_request"},
		{"broken form", "would silently lose a parameter", "", "", "&x=%zz", good, 400, "invalid_request"},
		{"no authentication", "the client has a secret (RFC 6749 §3.2.1)", "", "", "", func(*http.Request) {}, 401, "invalid_client"},
		{"client_id alone", "the client has a secret", "", "", "&client_id=app-oidc", func(*http.Request) {}, 401, "invalid_client"},
		{"wrong secret", "RFC 6749 §5.2", "", "", "", basic("app-oidc", "wrong"), 401, "invalid_client"},
		{"client of another provider", "registered elsewhere", "", "", "", basic("app-google", secret), 401, "invalid_client"},
		{"secret not form-encoded", "RFC 6749 §2.3.1", "", "", "", func(r *http.Request) { r.SetBasicAuth("app-oidc", secret) }, 401, "invalid_client"},
		{"neither Basic nor body", "an Authorization header of another kind", "", "", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401, "invalid_client"},
		{"header and body", "one method only (RFC 6749 §2.3)", "", "", "&client_id=app-oidc&client_secret=" + url.QueryEscape(secret), good, 400, "invalid_request"},
		{"two client_ids", "which of them is it?", "", "", "&client_id=app-google", good, 400, "invalid_request"},
		{"another client's code", "bound to its client (RFC 6749 §4.1.3)", "", "", "", basic(other, secret), 400, "invalid_grant"},
		{"JSON body", "a form (RFC 6749 §4.1.3)", "", "", "", func(r *http.Request) { good(r); r.Header.Set("Content-Type", "application/json") }, 400, "invalid_request"},
		{"parameters in the URL", "URLs get into logs", "code", "", "", func(r *http.Request) { good(r); r.URL.RawQuery = "code=x" }, 400, "invalid_request"},
	}
	w, p := newWorld(t), providers["oidc"]
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			form := with(redeeming(w.code(p)), tt.parameter, tt.value)
			req := must(http.NewRequest("POST", p.token, strings.NewReader(form.Encode()+tt.more)))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			tt.request(req)
			resp := must(w.web.Do(req))
			reply := decode(t, resp)
			if resp.StatusCode != tt.status || reply["error"] != tt.error || reply["access_token"] != nil {
				t.Errorf("%d %v, want %d %s: %s", resp.StatusCode, reply, tt.status, tt.error, tt.reason)
			}
			wantEqual(t, tt.status == 401 && req.Header.Get("Authorization") != "", resp.Header.Get("WWW-Authenticate") != "", "a challenge (RFC 6749 §5.2)")
			wantEqual(t, "no-store", resp.Header.Get("Cache-Control"), "RFC 6749 §5.1")
		})
	}
}

func TestClientAuthenticationByProvider(t *testing.T) {
	takes := map[string][2]bool{ // basic, body
		"google": {true, true}, "github": {true, true}, "facebook": {false, true},
		"instagram": {false, true}, "spotify": {true, false}, "x2": {true, false}, "oidc": {true, true},
	}
	w := newWorld(t)
	for name, p := range providers {
		for i, way := range []string{"basic", "body"} {
			code := w.code(p)
			p.basic = way == "basic"
			if _, reply := w.tokens(p, redeeming(code)); (reply["access_token"] != nil) != takes[name][i] {
				t.Errorf("%s by %s: %v", name, way, reply)
			}
		}
	}
}

// A code that comes twice was stolen, before or now: what it gave is revoked (RFC 6749 §4.1.2).
func TestCodeTwice(t *testing.T) {
	w := newWorld(t)
	for name, p := range providers {
		form := redeeming(w.code(p))
		_, first := w.tokens(p, form)
		access := str(first["access_token"])
		if resp := w.get(p.profile+"?appsecret_proof="+proof(access), access); resp.StatusCode != 200 {
			t.Fatalf("%s: the token does not work: %s", name, text(t, resp))
		}
		if _, second := w.tokens(p, form); second["access_token"] != nil {
			t.Errorf("%s: second use: %v", name, second)
		}
		w.wantRevoked(p, first, "the first use's")
	}
}

// If many requests with one code come at once, one of them gets tokens.
func TestCodeRace(t *testing.T) {
	w, p := newWorld(t), providers["oidc"]
	form := redeeming(w.code(p))
	var requests sync.WaitGroup
	var replies atomic.Int32
	for range 20 {
		requests.Go(func() {
			if _, reply := w.tokens(p, form); reply["access_token"] != nil {
				replies.Add(1)
			}
		})
	}
	requests.Wait()
	wantEqual(t, 1, replies.Load(), "replies with tokens")
}

// A wrong verifier uses the code up, so that there is one guess. Another client's attempt does not.
func TestCodeSpent(t *testing.T) {
	w, p := newWorld(t), providers["oidc"]
	form := redeeming(w.code(p))
	w.tokens(p, with(form, "code_verifier", strings.Repeat("a", 43)))
	if _, reply := w.tokens(p, form); reply["error"] != "invalid_grant" {
		t.Errorf("after a wrong verifier: %v", reply)
	}
	form = redeeming(w.code(p))
	w.post(p, p.token, other, form).Body.Close()
	if _, reply := w.tokens(p, form); reply["access_token"] == nil {
		t.Errorf("after another client's attempt: %v", reply)
	}
}

// Each lives as long as its provider says, and not a nanosecond longer.
func TestExpiry(t *testing.T) {
	for _, tt := range []struct {
		provider, kind string
		life           time.Duration
	}{
		{"oidc", "code", time.Minute},
		{"oidc", "access", time.Hour},
		{"oidc", "refresh", 184 * 24 * time.Hour},
		{"x2", "code", 30 * time.Second},
	} {
		for late := range time.Duration(2) {
			synctest.Test(t, func(t *testing.T) {
				w, p := newWorld(t), providers[tt.provider]
				form := redeeming(w.code(p))
				wait := func(kind string) {
					if kind == tt.kind {
						time.Sleep(tt.life - 1 + late)
					}
				}
				wait("code")
				_, reply := w.tokens(p, form)
				good := reply["access_token"] != nil
				if wait("access"); tt.kind == "access" {
					good = w.get(p.profile, str(reply["access_token"])).StatusCode == 200
				}
				if wait("refresh"); tt.kind == "refresh" {
					_, reply = w.tokens(p, refreshing(str(reply["refresh_token"])))
					good = reply["access_token"] != nil
				}
				if good != (late == 0) {
					t.Errorf("%s, %s after %v: worked %v: %v", tt.provider, tt.kind, tt.life-1+late, good, reply)
				}
			})
		}
	}
}

func TestRefreshRotates(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"oidc", "github", "spotify", "x2"} {
		p := providers[name]
		_, first := w.tokens(p, redeeming(w.code(p)))
		_, second := w.tokens(p, refreshing(str(first["refresh_token"])))
		if str(second["refresh_token"]) == "" || second["refresh_token"] == first["refresh_token"] || second["access_token"] == first["access_token"] {
			t.Fatalf("%s: not rotated: %v", name, second)
		}
		wantEqual(t, 200, w.get(p.profile, str(second["access_token"])).StatusCode, name+": the new access token")
		// The old one again: somebody has stolen it, so all tokens of the grant die (RFC 9700 §4.14.2).
		if _, reply := w.tokens(p, refreshing(str(first["refresh_token"]))); reply["access_token"] != nil {
			t.Errorf("%s: reuse: %v", name, reply)
		}
		w.wantRevoked(p, second, "the old one was used again, and the new")
	}
}

func TestGoogleRefresh(t *testing.T) {
	w, p := newWorld(t), providers["google"]
	if _, reply := w.tokens(p, redeeming(w.code(p))); reply["refresh_token"] != nil {
		t.Errorf("a refresh token without access_type=offline: %v", reply)
	}
	reply := w.redeemed(p, with(asking(p), "access_type", "offline"), "ada")
	refresh := str(reply["refresh_token"])
	for range 2 { // the same one again and again
		_, reply = w.tokens(p, refreshing(refresh))
		if reply["access_token"] == nil || reply["refresh_token"] != nil {
			t.Errorf("refreshed: %v", reply)
		}
	}
}

func TestRefreshScope(t *testing.T) {
	w, p := newWorld(t), providers["oidc"]
	reply := w.redeemed(p, asking(p), "ada", "email", "offline_access")
	form := refreshing(str(reply["refresh_token"]))
	for _, scope := range []string{"", "profile"} { // and another client learns nothing about the token
		if foreign := decode(t, w.post(p, p.token, other, with(form, "scope", scope))); foreign["error"] != "invalid_grant" {
			t.Errorf("another client's, for %q: %v", scope, foreign)
		}
	}
	if _, wide := w.tokens(p, with(form, "scope", "openid profile")); wide["error"] != "invalid_scope" {
		t.Errorf("wider than granted: %v", wide)
	}
	_, narrow := w.tokens(p, with(form, "scope", "openid")) // and neither refusal has used the token up
	wantEqual(t, "openid email offline_access", narrow["scope"], "narrower, which the reply says is ignored")
	_, again := w.tokens(p, with(form, "scope", "profile"))
	wantEqual(t, any("invalid_grant"), again["error"], "used before, for whatever scope")
	w.wantRevoked(p, narrow, "the old one was used again, and the new")
}

// The real Google revokes a token for anyone who holds it. Here each client must authenticate (RFC 7009 §2.1).
func TestRevoke(t *testing.T) {
	for _, tt := range []struct {
		provider, endpoint, kind string
		again                    int // the status for a dead token: RFC 7009 §2.2 wants 200
	}{
		{"oidc", "https://openid.example/revoke", "access_token", 200},
		{"oidc", "https://openid.example/revoke", "refresh_token", 200},
		{"x2", "https://api.x.com/2/oauth2/revoke", "access_token", 200},
		{"x2", "https://api.x.com/2/oauth2/revoke", "refresh_token", 200},
		{"google", "https://oauth2.googleapis.com/revoke", "access_token", 400}, // as the real one answers
	} {
		w, p := newWorld(t), providers[tt.provider]
		_, reply := w.tokens(p, redeeming(w.code(p)))
		form := url.Values{"token": {str(reply[tt.kind])}}
		for reason, refused := range map[string]struct {
			resp   *http.Response
			status int
		}{
			"another client's token (RFC 7009 §2.1)": {w.post(p, tt.endpoint, other, form), 400},
			"without authentication (RFC 7009 §2.1)": {must(w.web.PostForm(tt.endpoint, form)), 401},
			"no token (RFC 7009 §2.1)":               {w.post(p, tt.endpoint, "app-"+p.name, url.Values{}), 400},
			"two tokens (RFC 6749 §3.2)":             {w.post(p, tt.endpoint, "app-"+p.name, url.Values{"token": {"unknown", form.Get("token")}}), 400},
			"its life goes on":                       {w.get(p.profile, str(reply["access_token"])), 200},
		} {
			wantEqual(t, refused.status, refused.resp.StatusCode, p.name+": "+reason)
		}
		for _, status := range []int{200, tt.again} {
			if resp := w.post(p, tt.endpoint, "app-"+p.name, form); resp.StatusCode != status || status == 400 && decode(t, resp)["error"] != "invalid_token" {
				t.Errorf("%s: %s, want %d", p.name, resp.Status, status)
			}
		}
		w.wantRevoked(p, reply, tt.kind+" revoked, and the")
	}
}

// wantRevoked checks that the tokens of a reply do not work any more.
func (w *world) wantRevoked(p provider, reply object, whose string) {
	w.t.Helper()
	if resp := w.get(p.profile, str(reply["access_token"])); resp.StatusCode != 401 {
		w.t.Errorf("%s: %s access token still works: %s", p.name, whose, resp.Status)
	}
	if _, again := w.tokens(p, refreshing(str(reply["refresh_token"]))); again["access_token"] != nil {
		w.t.Errorf("%s: %s refresh token still works", p.name, whose)
	}
}

func refreshing(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// str is a string, or "" if v is none.
func str(v any) string {
	s, _ := v.(string)
	return s
}

// Spotify's refresh tokens die six months after the user's answer, even if they are refreshed. GitHub's die six months after each refresh.
func TestRefreshEnds(t *testing.T) {
	const day = 24 * time.Hour
	for name, extends := range map[string]bool{"spotify": false, "github": true} {
		synctest.Test(t, func(t *testing.T) {
			w, p := newWorld(t), providers[name]
			_, reply := w.tokens(p, redeeming(w.code(p)))
			for _, wait := range []time.Duration{100 * day, 84*day - 1} {
				time.Sleep(wait)
				if _, reply = w.tokens(p, refreshing(str(reply["refresh_token"]))); reply["access_token"] == nil {
					t.Fatalf("%s: dead too early: %v", name, reply)
				}
			}
			time.Sleep(1)
			if _, reply = w.tokens(p, refreshing(str(reply["refresh_token"]))); (reply["access_token"] != nil) != extends {
				t.Errorf("%s after six months: %v", name, reply)
			}
		})
	}
}

// Meta without PKCE: the challenge is dropped. Facebook then refuses the verifier, Instagram ignores it.
func TestMetaDropsPKCE(t *testing.T) {
	const refused = `{"error":{"code":1,"fbtrace_id":"Asimulated","message":"code_verifier param is provided without a code_challenge in authorization request.","type":"OAuthException"}}`
	w := newWorld(t)
	for name, status := range map[string]int{"facebook": 400, "instagram": 200} {
		p := providers[name]
		resp := w.post(p, p.token, "app-"+name, redeeming(w.code(p)))
		if reply := text(t, resp); resp.StatusCode != status || (reply == refused) != (name == "facebook") {
			t.Errorf("%s with a verifier: %s, want %d: %s", name, resp.Status, status, reply)
		}
		code := w.callback(p, with(asking(p), "code_challenge", "", "code_challenge_method", ""), allowing("ada", p)).Get("code")
		wantEqual(t, 200, w.post(p, p.token, "app-"+name, with(redeeming(code), "code_verifier", "")).StatusCode, name+" without PKCE")
	}
}

// The client that need not send PKCE: with openid it sends a nonce in its place. If it sends a
// challenge, its verifier must match, and a verifier without a challenge is refused (RFC 9700 §2.1.1).
func TestWithoutPKCE(t *testing.T) {
	const verifier, challenge = codeVerifier, codeChallenge
	for _, tt := range []struct {
		name, provider, client, scope, nonce, challenge, verifier string
		refused, error                                            string // of the callback, of the token request
	}{
		{"with a nonce", "oidc", fake.TestPlain, "openid", "n0nce", "", "", "", ""},
		{"without a nonce", "oidc", fake.TestPlain, "openid", "", "", "", "invalid_request", ""},
		{"no openid, so OAuth 2.0", "google", fake.TestPlain, "email", "", "", "", "", ""},
		{"openid at Google", "google", fake.TestPlain, "openid email", "", "", "", "invalid_request", ""},
		{"OAuth 2.0", "github", fake.TestPlain, "user:email", "", "", "", "", ""},
		{"a verifier alone", "oidc", fake.TestPlain, "openid", "n0nce", "", verifier, "", "invalid_request"},
		{"PKCE all the same", "oidc", fake.TestPlain, "openid", "", challenge, verifier, "", ""},
		{"a challenge alone", "oidc", fake.TestPlain, "openid", "n0nce", challenge, "", "", "invalid_request"},
		{"42 characters", "oidc", fake.TestID, "openid", "", "elOGB_2quSlplZKfRRVlu7gULhhEEXMiqv0rPXawGv8", strings.Repeat("a", 42), "", "invalid_request"}, // RFC 7636 §4.1
		{"a line end", "oidc", fake.TestID, "openid", "", "8hK9lhaO9xSrJtZsvJPa463A2gjjgw7GySyH6QcvFws", strings.Repeat("a", 42) + "\n", "", "invalid_request"},
		{"129 characters", "oidc", fake.TestID, "openid", "", "wSywJKLlVRzKDgj86PHF4xRVXMP-9jKe6ZSj23UhZq4", strings.Repeat("a", 129), "", "invalid_request"},
		{"the strict client", "oidc", fake.TestID, "openid", "n0nce", "", "", "invalid_request", ""},
	} {
		w, p := newWorld(t), providers[tt.provider]
		asked := with(asking(p), "client_id", tt.client, "redirect_uri", "http://localhost/cb", "scope", tt.scope, "nonce", tt.nonce, "code_challenge", tt.challenge)
		if tt.challenge == "" {
			asked.Del("code_challenge_method")
		}
		callback := w.callback(p, asked, allowing("ada", p))
		wantEqual(t, tt.refused, callback.Get("error"), tt.name)
		if tt.refused != "" {
			continue
		}
		form := with(redeeming(callback.Get("code")), "redirect_uri", "http://localhost/cb", "code_verifier", tt.verifier)
		reply := decode(t, w.post(p, p.token, tt.client, form))
		if str(reply["error"]) != tt.error || (reply["access_token"] == nil) != (tt.error != "") {
			t.Errorf("%s: %v, want error %q", tt.name, reply, tt.error)
		}
		wantEqual(t, strings.Contains(tt.scope, "openid") && tt.error == "", reply["id_token"] != nil, tt.name+": an ID token")
	}
}
