package fake_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/oauthbyhand/providers/fake"
)

func TestAuthorizeRefuses(t *testing.T) {
	p := providers["oidc"]
	tests := []struct {
		name, reason, parameter, value string // "" deletes the parameter
		more                           string // added to the query as it is
		status                         int
		error                          string // of the redirect
	}{
		{"no client_id", "there is nobody to redirect to", "client_id", "", "", 400, ""},
		{"unknown client_id", "an error page, never a redirect (RFC 6749 §4.1.2.1)", "client_id", "nobody", "", 400, ""},
		{"client of another provider", "an app is registered with one provider", "client_id", "app-google", "", 400, ""},
		{"no redirect_uri", "demanded always, so that nobody depends on a default", "redirect_uri", "", "", 400, ""},
		{"redirect_uri with a slash more", "compared exactly (RFC 9700 §2.1)", "redirect_uri", redirect + "/", "", 400, ""},
		{"redirect_uri of a stranger", "an open redirector otherwise", "redirect_uri", "https://evil.example/", "", 400, ""},
		{"redirect_uri twice", "which of them was compared?", "", "", "&redirect_uri=https%3A%2F%2Fevil.example", 400, ""},
		{"client_id twice", "which of them was looked up?", "", "", "&client_id=other", 400, ""},
		{"broken query", "url.Values would drop what it cannot parse", "", "", "&x=%zz", 400, ""},
		{"state twice", "RFC 6749 §3.1", "", "", "&state=again", 303, "invalid_request"},
		{"no response_type", "required", "response_type", "", "", 303, "invalid_request"},
		{"implicit grant", "no tokens in URLs (RFC 9700 §2.1.2)", "response_type", "token", "", 303, "unsupported_response_type"},
		{"form_post", "not advertised", "response_mode", "form_post", "", 303, "invalid_request"},
		{"no state", "a client without it learns that here (RFC 6749 §10.12)", "state", "", "", 303, "invalid_request"},
		{"no scope openid", "not an OpenID request", "scope", "email", "", 303, "invalid_scope"},
		{"commas between scopes", "space-delimited (RFC 6749 §3.3)", "scope", "openid,email", "", 303, "invalid_scope"},
		{"no code_challenge", "a client without it learns that here (RFC 9700 §2.1.1)", "code_challenge", "", "", 303, "invalid_request"},
		{"challenge is plain", "readable, so no protection (RFC 9700 §2.1.1)", "code_challenge_method", "plain", "", 303, "invalid_request"},
		{"no method", "means plain (RFC 7636 §4.3)", "code_challenge_method", "", "", 303, "invalid_request"},
		{"challenge with padding", "base64url without padding (RFC 7636 §4.2)", "code_challenge", codeChallenge + "=", "", 303, "invalid_request"},
		{"challenge with stray bits", "several spellings of one hash (RFC 4648 §3.5)", "code_challenge", codeChallenge[:42] + "N", "", 303, "invalid_request"},
		{"challenge with a line end", "Go's decoder skips it", "code_challenge", codeChallenge + "\n", "", 303, "invalid_request"},
		{"line end in its last place", "43 characters, and no hash", "code_challenge", codeChallenge[:41] + "A\n", "", 303, "invalid_request"},
		{"line end in its first place", "43 characters, and no hash", "code_challenge", "\n" + codeChallenge[:41] + "A", "", 303, "invalid_request"},
		{"prompt=none", "this provider always asks (OIDC Core §3.1.2.6)", "prompt", "none", "", 303, "interaction_required"},
		{"request", "not supported (OIDC Core §6.1)", "request", "x", "", 303, "request_not_supported"},
		{"request_uri", "not supported (OIDC Core §6.2)", "request_uri", "https://app.example/r", "", 303, "request_uri_not_supported"},
	}
	w := newWorld(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := with(asking(p), tt.parameter, tt.value)
			target := p.authorize + "?" + asked.Encode() + tt.more
			for method, resp := range map[string]*http.Response{
				"GET":  must(w.web.Get(target)),
				"POST": must(w.web.PostForm(target, allowing("ada", p))), // the form cannot get round the checks
			} {
				body := text(t, resp)
				if resp.StatusCode != tt.status {
					t.Fatalf("%s: status %d, want %d: %s\n%s", method, resp.StatusCode, tt.status, tt.reason, body)
				}
				if tt.status == 400 {
					if resp.Header.Get("Location") != "" || !strings.Contains(body, "<h1>Bad Request</h1>") {
						t.Errorf("%s: not an error page: %s", method, body)
					}
					continue
				}
				got := must(resp.Location()).Query()
				want := url.Values{"tenant": {"1"}, "error": {tt.error}, "error_description": got["error_description"],
					"iss": {"https://openid.example"}, "state": asked["state"]}
				if tt.more != "" && strings.Contains(tt.more, "state") || asked.Get("state") == "" {
					want.Del("state") // none, or nobody knows which
				}
				wantEqual(t, want, got, method+": "+tt.reason)
				if d := got.Get("error_description"); d == "" || strings.ContainsFunc(d, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
					t.Errorf("%s: error_description %q (RFC 6749 Appendix A.8)", method, d)
				}
			}
		})
	}
}

// The browser is sent to what is registered, as it is spelled there, and its query is kept (RFC 6749 §3.1.2).
func TestSentBack(t *testing.T) {
	for registered, want := range map[string]string{
		"myapp://":                    "myapp://?error=",
		"HTTPS://APP.example/a%2fb//": "HTTPS://APP.example/a%2fb//?error=",
		"https://app.example?":        "https://app.example?error=",
		"com.app:/cb?a=%20|&b=c?d":    "com.app:/cb?a=%20|&b=c?d&error=",
	} {
		op := fake.New(fake.Options{Clients: []fake.Client{{Provider: "facebook", ID: "app", Secret: secret, RedirectURIs: []string{registered}}}})
		p := providers["facebook"]
		web := &http.Client{Transport: op.Net(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp := must(web.PostForm(p.authorize+"?"+with(asking(p), "client_id", "app", "redirect_uri", registered).Encode(), url.Values{"decision": {"refuse"}}))
		if to := resp.Header.Get("Location"); !strings.HasPrefix(to, want) || !strings.HasSuffix(to, "&state=st4te#_=_") {
			t.Errorf("%s: sent to %s", registered, to)
		}
	}
}

func TestConsentForm(t *testing.T) {
	w, p := newWorld(t), providers["oidc"]
	target := p.authorize + "?" + asking(p).Encode()
	for _, tt := range []struct {
		name, reason string
		form         url.Values
	}{
		{"nobody", "no user is a default", url.Values{"decision": {"allow"}}},
		{"no decision", "Enter in a field is no Allow", url.Values{"user": {"ada"}}},
		{"empty form", "nothing was pressed", nil},
	} {
		resp := must(w.web.PostForm(target, tt.form))
		if body := text(t, resp); resp.StatusCode != 400 || resp.Header.Get("Location") != "" {
			t.Errorf("%s: %s, %s\n%s", tt.name, resp.Status, tt.reason, body)
		}
	}
	// Nothing is lost by any of these, nor by Allow: the same page can be sent again, for another code.
	if first, second := w.code(p), w.code(p); first == "" || first == second {
		t.Errorf("codes %q and %q", first, second)
	}
}

// What the page shows comes from a URL that anybody may have written.
func TestConsentPageIsEscaped(t *testing.T) {
	w, p := newWorld(t), providers["oidc"]
	asked := with(asking(p), "state", `"><script>alert(1)</script>`)
	resp := must(w.web.Get(p.authorize + "?" + asked.Encode()))
	if body := text(t, resp); strings.Contains(body, "<script>") || !strings.Contains(body, "&lt;script&gt;") {
		t.Error(body)
	}
	header := map[string]string{
		"X-Frame-Options":        "DENY", // RFC 6749 §10.13
		"X-Content-Type-Options": "nosniff",
		"Cache-Control":          "no-store",
		"Referrer-Policy":        "same-origin",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; " +
			"frame-ancestors 'none'; base-uri 'none'",
	}
	for name, want := range header {
		wantEqual(t, want, resp.Header.Get(name), name)
	}
}

// An authorization request may be a form, also one of the app's site (OIDC Core §3.1.2.1). An answer that
// another site sends is not taken for such a request.
func TestRequestAsForm(t *testing.T) {
	w, p := newWorld(t), providers["oidc"]
	target := w.Front(p.authorize)
	for _, site := range []string{"none", "cross-site"} {
		rec := w.browse(target, "Sec-Fetch-Site", site, asking(p))
		if to := rec.Header().Get("Location"); rec.Code != 303 || to != "?"+asking(p).Encode() {
			t.Errorf("%s: %d %s", site, rec.Code, to)
		}
	}
	if html := text(t, must(w.web.Get(p.authorize+"?"+asking(p).Encode()))); !strings.Contains(html, "decision") {
		t.Errorf("no consent page at that URL:\n%s", html)
	}
	both := asking(p)
	for name, values := range allowing("ada", p) {
		both[name] = values
	}
	if rec := w.browse(target+"?"+asking(p).Encode(), "Sec-Fetch-Site", "cross-site", both); rec.Code != 403 || rec.Header().Get("Location") != "" {
		t.Errorf("another site pressed Allow: %d %s", rec.Code, rec.Header().Get("Location"))
	}
	resp := must(w.web.PostForm(p.authorize, asking(p))) // without a browser
	if text(t, resp); resp.StatusCode != 303 {
		t.Errorf("%s", resp.Status)
	}
}

// Unknown parameters and scopes are ignored (RFC 6749 §3.1, OIDC Core §3.1.2.1), a scope that is asked for twice is
// one, an unticked one is not given, and one that the provider insists on is given. The reply names what was granted.
func TestScopes(t *testing.T) {
	const google = "https://www.googleapis.com/auth/userinfo."
	for _, tt := range []struct {
		provider, asked, want string
		ticked                []string
	}{
		{"oidc", "openid e-mail email", "openid email", []string{"email"}},
		{"oidc", "", "openid profile", []string{"profile", "admin"}},
		{"spotify", "user-read-email user-read-email", "user-read-email", []string{"user-read-email"}},
		{"spotify", "", "", nil},
		{"x2", "", "users.read tweet.read", nil},
		{"google", "", "openid " + google + "email " + google + "profile", nil},
	} {
		w, p := newWorld(t), providers[tt.provider]
		if tt.asked != "" {
			p.scope = tt.asked
		}
		if reply := w.redeemed(p, with(asking(p), "unknown", "none"), "ada", tt.ticked...); reply["scope"] != tt.want || reply["access_token"] == nil {
			t.Errorf("%s: scope %q, want %q: %v", tt.provider, reply["scope"], tt.want, reply)
		} else if tt.provider == "spotify" { // whose profile has the address only with the scope
			if me := decode(t, w.get(p.profile, str(reply["access_token"]))); (me["email"] != nil) != (tt.want != "") {
				t.Errorf("the scope is %q, and the profile %v", tt.want, me)
			}
		}
	}
}
