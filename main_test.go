package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
	"example.com/oauthbyhand/templates"
	"github.com/google/go-cmp/cmp"
)

// TestSignIn is one whole sign-in, as a browser sees it: read this one first.
func TestSignIn(t *testing.T) {
	// The browser's internet, in memory: the app, and the fake provider's pages. (The
	// app reaches the provider through another one, made by simulate.)
	base, _ := url.Parse("http://localhost:8080")
	app, err := newServer(base, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := app.simulate("http://127.0.0.1:9000")
	if err != nil {
		t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Transport: fake.Net{
		"localhost:8080": app.handler(),
		"127.0.0.1:9000": provider,
	}}

	// 1: the button leads to the provider's page …
	consent, err := browser.Get("http://localhost:8080/login/google")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := consent.Request.URL.Host+consent.Request.URL.Path, "127.0.0.1:9000/accounts.google.com/o/oauth2/v2/auth"; got != want {
		t.Fatalf("the browser is at %s, want %s", got, want)
	}
	// … where the user picks an account and allows it to be known. The provider sends
	// the browser back (2), the app redeems the code (3), verifies the ID token (4),
	// reads the profile (5), and shows it.
	profile, err := browser.PostForm(consent.Request.URL.String(), url.Values{
		"user": {"ada"}, "scope": {"openid", "email", "profile"}, "decision": {"allow"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := profile.Request.URL.String(), "http://localhost:8080/profile"; got != want {
		t.Errorf("the browser is at %s, want %s", got, want)
	}
	page, _ := io.ReadAll(profile.Body)
	if !strings.Contains(string(page), "ada@example.com") {
		t.Errorf("the page does not name the user:\n%s", page)
	}
}

// world is an internet in memory with the app, the fake and one browser.
type world struct {
	t       *testing.T
	app     *server
	net     fake.Net
	browser *http.Client
	log     *bytes.Buffer
}

func newWorld(t *testing.T, baseURL string) *world {
	t.Helper()
	w := &world{t: t, net: fake.Net{}, log: new(bytes.Buffer)}
	w.browser = w.newBrowser()
	w.start(baseURL)
	return w
}

// start starts the app, or starts it again with everything forgotten.
func (w *world) start(baseURL string) {
	base, err := url.Parse(baseURL)
	if err != nil {
		w.t.Fatal(err)
	}
	w.app, err = newServer(base, slog.New(slog.NewTextHandler(w.log, nil)))
	if err != nil {
		w.t.Fatal(err)
	}
	provider, err := w.app.simulate("http://127.0.0.1:9000")
	if err != nil {
		w.t.Fatal(err)
	}
	w.net["127.0.0.1:9000"] = provider
	w.net[base.Host] = w.app.handler()
}

func (w *world) newBrowser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, Transport: w.net}
}

// page is where a browser ended up.
type page struct {
	status int
	url    string
	header http.Header
	body   string
}

func (w *world) do(method, rawURL string, form url.Values) page {
	w.t.Helper()
	return w.fetch(method, rawURL, form, "Sec-Fetch-Site", "same-origin")
}

// fetch is do with one more header.
func (w *world) fetch(method, rawURL string, form url.Values, name, value string) page {
	w.t.Helper()
	request, err := http.NewRequest(method, rawURL, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set(name, value)
	response, err := w.browser.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return page{response.StatusCode, response.Request.URL.String(), response.Header, string(body)}
}

func (w *world) get(rawURL string) page { w.t.Helper(); return w.do("GET", rawURL, nil) }

// begin goes to the provider's consent page.
func (w *world) begin(provider string) page {
	w.t.Helper()
	p := w.get(w.app.base.String() + "/login/" + provider)
	if p.status != 200 || !strings.HasPrefix(p.url, "http://127.0.0.1:9000/") {
		w.t.Fatalf("/login/%s led to %d at %s", provider, p.status, p.url)
	}
	return p
}

// answer presses a button of the consent page, with these scopes ticked.
func (w *world) answer(consent page, user, decision string, scopes ...string) page {
	w.t.Helper()
	return w.do("POST", consent.url, url.Values{"user": {user}, "decision": {decision}, "scope": scopes})
}

// without follows no redirects while f runs.
func (w *world) without(f func() page) page {
	w.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { w.browser.CheckRedirect = nil }()
	return f()
}

// signIn signs in with everything allowed.
func (w *world) signIn(provider string) page {
	w.t.Helper()
	consent := w.begin(provider)
	return w.answer(consent, "ada", "allow", scopesOf(consent)...)
}

var checkbox = regexp.MustCompile(`name="scope" value="([^"]*)"`)

func scopesOf(consent page) (scopes []string) {
	for _, match := range checkbox.FindAllStringSubmatch(consent.body, -1) {
		scopes = append(scopes, match[1])
	}
	return scopes
}

var (
	definition = regexp.MustCompile(`(?s)<dt>([^<]*)</dt><dd>(.*?)</dd>`)
	tag        = regexp.MustCompile(`<[^>]*>`)
)

// facts are the page's definitions: what the visitor reads.
func (p page) facts() map[string]string {
	facts := make(map[string]string)
	for _, m := range definition.FindAllStringSubmatch(p.body, -1) {
		facts[m[1]] = strings.Join(strings.Fields(tag.ReplaceAllString(m[2], "")), " ")
	}
	return facts
}

// check is the name of the check that an error page reports.
func (p page) check() string { return p.facts()["Check"] }

var allProviders = map[string]struct {
	facts   map[string]string
	reply   string // a URL of which the page shows each member
	refusal map[string]string
}{
	"google": {
		facts: map[string]string{
			"Name": "Ada Lovelace", "E-mail": "ada@example.com verified by Google", "Provider": "Google",
			"Subject":        "110248495921238986420 Google's permanent name for this user",
			"Scopes asked":   "openid email profile",
			"Scopes granted": "https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile openid",
		},
		reply:   "https://openidconnect.googleapis.com/v1/userinfo",
		refusal: map[string]string{"Error": "access_denied"},
	},
	"github": {
		facts: map[string]string{
			"Name": "Ada Lovelace", "E-mail": "ada@example.com verified by GitHub", "Provider": "GitHub",
			"Subject":      "990000001 GitHub's permanent name for this user",
			"Scopes asked": "user:email", "Scopes granted": "user:email",
		},
		reply: "https://api.github.com/user/emails",
		refusal: map[string]string{
			"Error": "access_denied", "Description": "The user has denied your application access.",
			"More at": "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-authorization-request-errors/#access-denied",
		},
	},
	"facebook": {
		facts: map[string]string{
			"Name": "Ada Lovelace", "E-mail": "ada@example.com not verified by Facebook", "Provider": "Facebook",
			"Subject":      "10223334445556667 Facebook's permanent name for this user",
			"Scopes asked": "public_profile email", "Scopes granted": "email public_profile",
		},
		reply:   "https://graph.facebook.com/v26.0/me?fields=id,name,email,picture",
		refusal: map[string]string{"Error": "access_denied", "Reason": "user_denied", "Description": "Permissions error"},
	},
	"instagram": {
		facts: map[string]string{
			"Name": "Ada Lovelace", "E-mail": "not given", "Provider": "Instagram",
			"Subject":      "17841405793187218 Instagram's permanent name for this user",
			"Scopes asked": "instagram_business_basic", "Scopes granted": "instagram_business_basic",
		},
		reply:   "https://graph.instagram.com/v26.0/me?fields=id,user_id,username,name,account_type,profile_picture_url",
		refusal: map[string]string{"Error": "access_denied", "Reason": "user_denied", "Description": "The user denied your request"},
	},
	"spotify": {
		facts: map[string]string{
			"Name": "Ada Lovelace", "E-mail": "ada@example.com not verified by Spotify", "Provider": "Spotify",
			"Subject":      "acct5PpXlSRuTdGnqY0b1Ada Spotify's permanent name for this user",
			"Scopes asked": "user-read-email", "Scopes granted": "user-read-email",
		},
		reply:   "https://api.spotify.com/v1/me",
		refusal: map[string]string{"Error": "access_denied"},
	},
	"oidc": {
		facts: map[string]string{
			"Name": "Ada Lovelace", "E-mail": "ada@example.com verified by OpenID Connect", "Provider": "OpenID Connect",
			"Subject":      "ada-1815 OpenID Connect's permanent name for this user",
			"Scopes asked": "openid email profile", "Scopes granted": "email openid profile",
		},
		reply:   "https://openid.example/userinfo",
		refusal: map[string]string{"Error": "access_denied", "Description": "The user refused."},
	},
	"x": {
		facts: map[string]string{
			"Name": "Ada Lovelace", "E-mail": "ada@example.com verified by X", "Provider": "X",
			"Subject": "1795176000000000001 X's permanent name for this user",
		},
		reply:   "https://api.x.com/1.1/account/verify_credentials.json?include_email=true&skip_status=true&include_entities=false",
		refusal: map[string]string{"Error": "denied"},
	},
}

func TestEachProviderIsTested(t *testing.T) {
	for _, o := range offers("") {
		if _, ok := allProviders[o.Name]; !ok {
			t.Errorf("%s is not in allProviders: what should its profile page show?", o.Name)
		}
	}
}

func TestEachProviderAllowed(t *testing.T) {
	for name, want := range allProviders {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "http://localhost:8080")
			profile := w.signIn(name)
			if profile.status != 200 || profile.url != "http://localhost:8080/profile" {
				t.Fatalf("%d at %s, want 200 at /profile\n%s", profile.status, profile.url, w.log)
			}
			if diff := cmp.Diff(want.facts, profile.facts()); diff != "" {
				t.Errorf("the profile page (-want +got):\n%s", diff)
			}
			if !strings.Contains(html.UnescapeString(profile.body), want.reply) {
				t.Errorf("the page does not show the reply of %s", want.reply)
			}
			if home := w.get("http://localhost:8080/"); !strings.Contains(home.body, "Hello, Ada Lovelace") {
				t.Errorf("the home page does not greet the user:\n%s", home.body)
			}
			w.do("POST", "http://localhost:8080/logout", nil)
			if p := w.get("http://localhost:8080/profile"); p.url != "http://localhost:8080/?next=/profile" {
				t.Errorf("after signing out, /profile led to %s", p.url)
			}
		})
	}
}

func TestEachProviderRefused(t *testing.T) {
	for name, want := range allProviders {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "http://localhost:8080")
			refused := w.answer(w.begin(name), "ada", "refuse")
			if refused.status != 200 || !strings.Contains(refused.body, "You said no") {
				t.Errorf("%d, want 200 and a friendly page:\n%s", refused.status, refused.body)
			}
			if diff := cmp.Diff(want.refusal, refused.facts()); diff != "" {
				t.Errorf("the reasons shown (-want +got):\n%s", diff)
			}
			if p := w.get("http://localhost:8080/profile"); p.url != "http://localhost:8080/?next=/profile" {
				t.Errorf("signed in after a refusal: /profile led to %s", p.url)
			}
		})
	}
}

// What a user unticks is not granted, and the app copes.
func TestUntickedScope(t *testing.T) {
	for name, kept := range map[string]string{"google": "profile", "github": "", "facebook": "", "spotify": "", "oidc": "profile"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "http://localhost:8080")
			facts := w.answer(w.begin(name), "ada", "allow", kept).facts()
			if facts["Name"] != "Ada Lovelace" || facts["E-mail"] != "not given" || strings.Contains(facts["Scopes granted"], "email") {
				t.Errorf("without the e-mail scope: %v\n%s", facts, w.log)
			}
		})
	}
}

// Mallory's providers say that nobody has verified the address, and the page says so.
func TestUnverifiedEmail(t *testing.T) {
	for name, want := range map[string]string{
		"google": "ada@example.com not verified by Google",
		"oidc":   "ada@example.com not verified by OpenID Connect",
		"github": "not given", // only a verified address is taken there
	} {
		w := newWorld(t, "http://localhost:8080")
		consent := w.begin(name)
		if got := w.answer(consent, "mallory", "allow", scopesOf(consent)...).facts()["E-mail"]; got != want {
			t.Errorf("%s: e-mail %q, want %q", name, got, want)
		}
	}
}

func TestTabsAndTheBackButton(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	first, second := w.begin("google"), w.begin("github")
	if got := w.answer(first, "ada", "allow", "email", "profile").facts()["Provider"]; got != "Google" {
		t.Errorf("the first of two tabs: signed in with %q", got)
	}
	if got := w.answer(second, "ada", "allow", "user:email").facts()["Provider"]; got != "GitHub" {
		t.Errorf("the second of two tabs: signed in with %q", got)
	}
	// Back to the provider's page, and Allow again: the attempt is used up.
	if p := w.answer(second, "ada", "allow", "user:email"); p.url != "http://localhost:8080/" || !strings.Contains(p.body, "Hello") {
		t.Errorf("back and Allow again, signed in: %d at %s", p.status, p.url)
	}
	if !strings.Contains(w.log.String(), "check=attempt-unused") {
		t.Errorf("nothing of it in the log:\n%s", w.log)
	}
	w.do("POST", "http://localhost:8080/logout", nil)
	again := w.answer(second, "ada", "allow", "user:email")
	if again.status != 400 || again.check() != "attempt-unused" || !strings.Contains(again.body, "already used") {
		t.Errorf("back and Allow again, signed out: %d, check %q", again.status, again.check())
	}
}

// callbackURL returns the callback of a sign-in that stopped just before it.
func (w *world) callbackURL(provider string) string {
	w.t.Helper()
	consent := w.begin(provider)
	p := w.without(func() page { return w.answer(consent, "ada", "allow", scopesOf(consent)...) })
	if p.status != http.StatusSeeOther {
		w.t.Fatalf("the provider answered %d", p.status)
	}
	return p.header.Get("Location")
}

// Each row goes wrong on the browser's side; the page must tell which way.
func TestCallbackFailures(t *testing.T) {
	const app = "http://localhost:8080"
	for name, row := range map[string]struct {
		reason string
		do     func(w *world) page
		check  string
		says   string
	}{
		"another browser": {
			reason: "login CSRF: the attacker's callback in the victim's browser",
			do: func(w *world) page {
				callback := w.callbackURL("google")
				w.browser = w.newBrowser()
				return w.get(callback)
			},
			check: "attempt-found", says: "cookie is missing",
		},
		"too old": {
			reason: "ten minutes have passed, the cookie is still there",
			do: func(w *world) page {
				callback := w.callbackURL("google")
				time.Sleep(10*time.Minute + time.Second)
				return w.get(callback)
			},
			check: "attempt-fresh", says: "too old",
		},
		"much too old": {
			reason: "after an hour the cookie is gone, too",
			do: func(w *world) page {
				callback := w.callbackURL("google")
				time.Sleep(time.Hour + time.Second)
				return w.get(callback)
			},
			check: "attempt-found", says: "more than an hour old",
		},
		"restarted": {
			reason: "the key of the cookies is new with each start",
			do: func(w *world) page {
				callback := w.callbackURL("google")
				w.start(app)
				return w.get(callback)
			},
			check: "attempt-opens", says: "restarted",
		},
		"used": {
			reason: "a reload of the callback by somebody who has signed out",
			do: func(w *world) page {
				callback := w.callbackURL("google")
				w.get(callback)
				w.do("POST", app+"/logout", nil)
				return w.get(callback)
			},
			check: "attempt-unused", says: "already used",
		},
		"no state": {
			reason: "a callback that anybody could have made",
			do:     func(w *world) page { return w.get(app + "/callback/google?code=x") },
			check:  "callback-state", says: "does not carry the state",
		},
		"another state": {
			reason: "the first 8 characters find the cookie; all must agree",
			do: func(w *world) page {
				callback, _ := url.Parse(w.callbackURL("google"))
				q := callback.Query()
				q.Set("state", q.Get("state")[:8]+"AAAAAAAAAAAAAAAAAA")
				callback.RawQuery = q.Encode()
				return w.get(callback.String())
			},
			check: "callback-state", says: "another value",
		},
		"another provider": {
			reason: "mix-up: Google's callback at GitHub's address",
			do: func(w *world) page {
				return w.get(strings.Replace(w.callbackURL("google"), "/callback/google", "/callback/github", 1))
			},
			check: "attempt-client", says: "google",
		},
		"another issuer": {
			reason: "mix-up: the callback names who sent it (RFC 9207)",
			do: func(w *world) page {
				return w.get(strings.Replace(w.callbackURL("google"), "accounts.google.com", "evil.example", 1))
			},
			check: "callback-issuer", says: "evil.example",
		},
		"script in a parameter": {
			reason: "an error page that shows what a stranger wrote must escape it",
			do: func(w *world) page {
				p := w.get(strings.Replace(w.callbackURL("google"), "https%3A%2F%2Faccounts.google.com", "%3Cscript%3E", 1))
				if strings.Contains(p.body, "<script>") {
					w.t.Errorf("the page holds the attacker's script:\n%s", p.body)
				}
				return p
			},
			check: "callback-issuer", says: "&lt;script&gt;",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, app)
				p := row.do(w)
				if p.status != 400 || p.check() != row.check || !strings.Contains(p.body, row.says) {
					t.Errorf("%s: %d, check %q, want 400, %q and a page that says %q:\n%s", row.reason, p.status, p.check(), row.check, row.says, p.body)
				}
				if !strings.Contains(w.log.String(), "check="+row.check) {
					t.Errorf("the log does not name the check: %s", w.log)
				}
				if p := w.get(app + "/profile"); p.url != app+"/?next=/profile" {
					t.Errorf("%s: signed in all the same", row.reason)
				}
			})
		})
	}
}

func TestOneHost(t *testing.T) {
	for name, row := range map[string]struct {
		method, host, path string
		status             int
		location, reason   string
	}{
		"home as 127.0.0.1":      {"GET", "127.0.0.1:8080", "/?next=/profile", 303, "http://localhost:8080/?next=/profile", "the commonest complaint: begun as 127.0.0.1, registered as localhost"},
		"login as ::1":           {"GET", "[::1]:8080", "/login/google", 303, "http://localhost:8080/login/google", "the cookie must be set where the callback will look for it"},
		"callback as 127.0.0.1":  {"GET", "127.0.0.1:8080", "/callback/google?code=x", 421, "", "its cookie cannot be there; a redirect would carry the code around"},
		"logout as 127.0.0.1":    {"POST", "127.0.0.1:8080", "/logout", 421, "", "a redirect would drop the form"},
		"another host":           {"GET", "evil.example", "/", 421, "", "DNS rebinding: another name for this machine"},
		"another loopback port":  {"GET", "127.0.0.1:9999", "/", 421, "", "a forwarded port: a redirect could lead nowhere"},
		"the same in upper case": {"GET", "LOCALHOST:8080", "/", 200, "", "host names have no case"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "http://localhost:8080")
			w.net[row.host] = w.app.handler()
			p := w.without(func() page { return w.do(row.method, "http://"+row.host+row.path, nil) })
			if p.status != row.status || p.header.Get("Location") != row.location {
				t.Errorf("%s: %d to %q, want %d to %q", row.reason, p.status, p.header.Get("Location"), row.status, row.location)
			}
			if p.status == 421 && !(strings.Contains(p.body, row.host) && strings.Contains(p.body, "http://localhost:8080") && strings.Contains(p.body, "proxy")) {
				t.Errorf("the page does not name both hosts and the proxy:\n%s", p.body)
			}
			if p := w.get("http://" + row.host + "/static/style.css"); p.status != 200 || p.url != "http://"+row.host+"/static/style.css" {
				t.Errorf("the page's style: %d at %s", p.status, p.url)
			}
		})
	}
}

func TestReturnPath(t *testing.T) {
	for next, want := range map[string]string{
		"/profile":                      "http://localhost:8080/profile",
		"/?a=b":                         "http://localhost:8080/?a=b",
		"//evil.example":                "http://localhost:8080/profile",
		`/\evil.example`:                "http://localhost:8080/profile",
		"https://evil.example/":         "http://localhost:8080/profile",
		"javascript:alert(1)":           "http://localhost:8080/profile",
		"/\t/evil.example":              "http://localhost:8080/profile",
		"profile":                       "http://localhost:8080/profile",
		"":                              "http://localhost:8080/profile",
		"/?" + strings.Repeat("a", 600): "http://localhost:8080/profile", // its cookie would be too long for browsers
	} {
		w := newWorld(t, "http://localhost:8080")
		consent := w.get("http://localhost:8080/login/github?next=" + url.QueryEscape(next))
		if got := w.answer(consent, "ada", "allow", "user:email").url; got != want {
			t.Errorf("next=%q led to %s, want %s", next, got, want)
		}
	}
}

func TestMethodsAndUnknownPages(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	for _, row := range []struct {
		method, path string
		status       int
	}{
		{"HEAD", "/", 200}, {"HEAD", "/login/google", 405}, {"HEAD", "/callback/google", 405}, {"HEAD", "/profile", 405},
		{"POST", "/login/google", 405}, {"GET", "/logout", 404},
		{"GET", "/login/myspace", 404}, {"GET", "/callback/myspace", 404}, {"GET", "/nothing", 404}, {"GET", "/login/..%2Fgoogle", 404},
		{"GET", "/static/style.css", 200}, {"GET", "/static/favicon.svg", 200},
	} {
		if p := w.without(func() page { return w.do(row.method, "http://localhost:8080"+row.path, nil) }); p.status != row.status {
			t.Errorf("%s %s: %d, want %d", row.method, row.path, p.status, row.status)
		}
	}
}

// What a real provider would not take is shown, and the fake one takes it.
func TestCallbackRuleIsShown(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	home := w.get("http://localhost:8080/")
	for _, rule := range []string{
		"The real Spotify takes no callback URLs at http://localhost:8080: start with -base-url http://127.0.0.1:8080.",
		"The real Instagram takes no callback URLs at http://localhost:8080: put a proxy with TLS in front, and start with -base-url https://localhost:8080.",
	} {
		if !strings.Contains(home.body, rule) {
			t.Errorf("the home page does not say %q", rule)
		}
	}
	if strings.Contains(home.body, "The real Google") {
		t.Error("the home page warns of Google, which takes localhost")
	}
}

// Another site can neither sign the user out nor put the app into a frame.
func TestOtherSites(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	profile := w.signIn("google")
	request, _ := http.NewRequest("POST", "http://localhost:8080/logout", nil)
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := w.browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 403 {
		t.Errorf("another site's POST /logout: %d, want 403", response.StatusCode)
	}
	if p := w.get("http://localhost:8080/profile"); p.url != "http://localhost:8080/profile" {
		t.Error("another site signed the user out")
	}
	got := make(map[string]string)
	for _, name := range []string{"Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control"} {
		got[name] = profile.header.Get(name)
	}
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; img-src 'self' https: http://127.0.0.1:9000",
		"X-Frame-Options":         "DENY",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "same-origin",
		"Cache-Control":           "no-store",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got := w.get("http://localhost:8080/callback/google").header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy of the callback: %q, want no-referrer: its URL holds a code", got)
	}
}

// An id that was in the browser before the sign-in is worthless after it.
func TestSessionFixation(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	base, _ := url.Parse("http://localhost:8080")
	session := func() string {
		for _, c := range w.browser.Jar.Cookies(base) {
			if c.Name == "oauthbyhand-session" {
				return c.Value
			}
		}
		return ""
	}
	w.signIn("google")
	first := session()
	w.signIn("google")
	second := session()
	if first == "" || second == "" || first == second {
		t.Fatalf("session ids %q and %q: want two different ones", first, second)
	}
	w.browser.Jar.SetCookies(base, []*http.Cookie{{Name: "oauthbyhand-session", Value: first, Path: "/"}})
	if p := w.get("http://localhost:8080/profile"); p.url != "http://localhost:8080/?next=/profile" {
		t.Error("the old session still works after a new sign-in")
	}
}

func TestSessionsEnd(t *testing.T) {
	for name, row := range map[string]struct {
		sleep  time.Duration
		times  int
		signed bool
	}{
		"used every 50 minutes":    {50 * time.Minute, 3, true},
		"not used for 61 minutes":  {61 * time.Minute, 1, false},
		"used, but for over 12 h.": {50 * time.Minute, 15, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "http://localhost:8080")
				w.signIn("google")
				var p page
				for range row.times {
					time.Sleep(row.sleep)
					p = w.get("http://localhost:8080/profile")
				}
				if got := p.url == "http://localhost:8080/profile"; got != row.signed {
					t.Errorf("signed in: %t, want %t", got, row.signed)
				}
			})
		})
	}
}

// On https the cookies are ones that only this host can set.
func TestCookiesOnHTTPS(t *testing.T) {
	w := newWorld(t, "https://localhost:8443")
	p := w.without(func() page { return w.get("https://localhost:8443/login/google") })
	cookies := strings.Join(p.header.Values("Set-Cookie"), "\n")
	if !regexp.MustCompile(`^__Host-oauthbyhand-visitor=[A-Z2-7]{26}; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax
__Host-oauthbyhand-attempt-[A-Z2-7]{8}=[\w-]+; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax$`).MatchString(cookies) {
		t.Errorf("Set-Cookie: %s", cookies)
	}
	if got := w.signIn("google").url; got != "https://localhost:8443/profile" {
		t.Errorf("signing in led to %s", got)
	}
}

// No code, token, verifier or secret is in the log, whatever happened.
func TestLogHoldsNoSecret(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	var secrets []string
	for _, name := range slices.Sorted(maps.Keys(allProviders)) {
		callback, _ := url.Parse(w.callbackURL(name))
		for _, parameter := range []string{"code", "state", "oauth_token", "oauth_verifier"} {
			if value := callback.Query().Get(parameter); value != "" {
				secrets = append(secrets, value)
			}
		}
		w.get(callback.String())
		w.get(callback.String())
		for _, o := range w.app.offers {
			if o.client != nil {
				secrets = append(secrets, o.client.Secret)
			} else {
				secrets = append(secrets, o.client1.Secret)
			}
		}
	}
	if strings.Count(w.log.String(), "signed in") != len(allProviders) {
		t.Fatalf("the log misses sign-ins:\n%s", w.log)
	}
	for _, secret := range secrets {
		if secret == "" || strings.Contains(w.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// Whoever starts the app with something wrong reads one line that names it.
func TestRunRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"half a pair": {
			env:  map[string]string{"GOOGLE_CLIENT_ID": "x"},
			want: "GOOGLE_CLIENT_SECRET is not set, but others of GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET are: set all or none",
		},
		"no issuer": {
			env:  map[string]string{"OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y"},
			want: "OIDC_ISSUER is not set, but others of OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_ISSUER are: set all or none",
		},
		"issuer on http": {
			env:  map[string]string{"OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y", "OIDC_ISSUER": "http://op.example"},
			want: `OIDC_ISSUER: oauth: oidc: "http://op.example": http://op.example is not https; plain http is for this machine only (OIDC Discovery §3)`,
		},
		"issuer twice": {
			env:  map[string]string{"OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y", "OIDC_ISSUER": "https://accounts.google.com", "GOOGLE_CLIENT_ID": "x", "GOOGLE_CLIENT_SECRET": "y"},
			want: "OIDC_ISSUER: https://accounts.google.com is already the issuer of Google; no two may share one (RFC 9207 §4)",
		},
		"base URL on http": {
			args: []string{"-base-url", "http://app.example"},
			want: "-base-url http://app.example: plain http is for localhost only; take https://app.example",
		},
		"base URL with an empty query": {
			args: []string{"-base-url", "https://app.example?"},
			want: `-base-url "https://app.example?": want a scheme and a host, like https://app.example.com`,
		},
		"port 0": {
			args: []string{"-addr", "localhost:0"},
			env:  map[string]string{"GOOGLE_CLIENT_ID": "x", "GOOGLE_CLIENT_SECRET": "y"},
			want: "-addr: with port 0 nobody knows which callback URL to register; name a port",
		},
		"base URL with a path": {
			args: []string{"-base-url", "https://app.example/app"},
			want: `-base-url "https://app.example/app": want a scheme and a host, like https://app.example.com`,
		},
		"the fake in public": {
			args: []string{"-fake", "-base-url", "https://app.example"},
			want: "there are no credentials, and the fake provider must never meet real users: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or another provider's, or take a -base-url on localhost instead of https://app.example",
		},
		"Spotify on localhost": {
			env:  map[string]string{"SPOTIFY_CLIENT_ID": "x", "SPOTIFY_CLIENT_SECRET": "y"},
			want: "Spotify takes no callback URLs at http://localhost:8080: start with -base-url http://127.0.0.1:8080, or unset SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET",
		},
		"Instagram on http": {
			env:  map[string]string{"INSTAGRAM_CLIENT_ID": "x", "INSTAGRAM_CLIENT_SECRET": "y"},
			want: "Instagram takes no callback URLs at http://localhost:8080: put a proxy with TLS in front, and start with -base-url https://localhost:8080, or unset INSTAGRAM_CLIENT_ID and INSTAGRAM_CLIENT_SECRET",
		},
		"a key that is none": {
			env:  map[string]string{"SESSION_KEY": "secret"},
			want: "SESSION_KEY: want 64 hexadecimal digits, as of: openssl rand -hex 32",
		},
		"data in a place that is none": {
			args: []string{"-data", "go.mod/data"},
			want: "-data mkdir go.mod: " + syscall.ENOTDIR.Error(), // in the words of each system
		},
		"an address without a port": {
			args: []string{"-addr", "localhost"},
			want: `-addr "localhost": want host:port, like localhost:8080`,
		},
		"an argument": {
			args: []string{"serve"},
			want: `unexpected argument "serve"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, o := range offers("") {
				for _, variable := range o.Variables() {
					t.Setenv(variable, row.env[variable])
				}
			}
			t.Setenv("SESSION_KEY", row.env["SESSION_KEY"])
			err := run(t.Context(), row.args, io.Discard, io.Discard)
			if err == nil || err.Error() != row.want {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
}

// weight is what the process holds.
type weight struct {
	goroutines, files int // open files only where there is /proc
	heap              int64
}

func weigh() weight {
	runtime.GC()
	runtime.GC() // what the first one found in a sync.Pool goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd")
	return weight{runtime.NumGoroutine(), len(files), int64(m.HeapAlloc)}
}

func (before weight) exceededBy(after weight, bytes int64) bool {
	return after.goroutines > before.goroutines || after.files > before.files || after.heap > before.heap+bytes
}

// wantNoMore holds that since before no goroutine, no open file, and at most so many
// bytes have come to stay.
func (before weight) wantNoMore(t *testing.T, bytes int64) {
	t.Helper()
	if after := weigh(); before.exceededBy(after, bytes) {
		t.Errorf("left behind: before %+v, after %+v, and %d bytes would be right", before, after, bytes)
	}
}

// Sign-ins begun and never finished leave nothing behind: the browser remembers
// them, not the server.
func TestBegunAndNeverFinished(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	begin := func(times int) {
		for range times {
			r := httptest.NewRequest("GET", "http://localhost:8080/login/google", nil)
			w.net["localhost:8080"].ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	begin(1000) // so many the trace keeps, and each further one takes an older one's place
	before := weigh()
	begin(10_000)
	before.wantNoMore(t, 100_000) // 10 bytes for each would be too much
	runtime.KeepAlive(w)
}

// Whole sign-ins leave what is to be kept, and nothing beside it. Here all visitors
// sign out, and then a year passes, in which the fake's grants end. What a further
// sign-in of a user who was there before leaves is its state, so that it is not used
// again: 100 bytes, and of the last 10,000 only. The fake adds 150: X's tokens do not
// end, and it keeps 1,000 bytes for each of as many.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Setenv("SESSION_KEY", "")
	for name, row := range map[string]struct {
		data  string
		times int
	}{
		"in memory": {"", 300},
		"in a file": {filepath.Join(t.TempDir(), "data"), 100}, // each waits for the disk three times
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "http://localhost:8080")
				closed := weigh()
				closeStore, err := w.app.openStore(config{data: row.data, simulated: true})
				if err != nil {
					t.Fatal(err)
				}
				w.net["localhost:8080"] = w.app.handler()
				people, begun := fake.Users(), 0
				signInAndOut := func() {
					o := w.app.offers[begun%len(w.app.offers)]
					w.browser = w.newBrowser()
					consent := w.begin(o.Name)
					p := w.answer(consent, people[begun%len(people)].ID, "allow", scopesOf(consent)...)
					if p.url != "http://localhost:8080/profile" {
						t.Fatalf("%s: %d at %s", o.Name, p.status, p.url)
					}
					w.press("/logout")
					begun++
				}
				year := func() weight {
					for range row.times {
						signInAndOut()
					}
					time.Sleep(365 * 24 * time.Hour)
					signInAndOut() // at which the fake looks which grants have ended
					w.log.Reset()
					synctest.Wait()
					return weigh()
				}
				before := year() // with what maps and buffers need at most
				for years := int64(1); ; years++ {
					after := year()
					// What each sign-in leaves behind grows with the years; what the runtime needs by
					// chance, and a map that makes room for more, does not.
					bytes := 250*int64(row.times)*years + 14_000
					if years == 3 || !before.exceededBy(after, bytes) {
						before.wantNoMore(t, bytes)
						break
					}
				}
				if err := closeStore(); err != nil {
					t.Error(err)
				}
				if files := weigh().files; files > closed.files {
					t.Errorf("%d open files, and %d before the store was opened", files, closed.files)
				}
				runtime.KeepAlive(w)
			})
		})
	}
}

// trouble is what a provider does in place of an honest answer.
type trouble func(honest http.Handler, w http.ResponseWriter, r *http.Request)

type troubleKey struct{}

// inTrouble is net, where a request under a context with trouble meets that.
func inTrouble(net fake.Net) fake.Net {
	other := fake.Net{}
	for host, honest := range net {
		other[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Context().Value(troubleKey{}).(trouble)(honest, w, r)
		})
	}
	return other
}

// unlucky is a browser's way to net. What the app asks of a provider for this browser
// meets the trouble, since it is done under the context of the browser's request.
type unlucky struct {
	fake.Net
	trouble
}

func (u unlucky) RoundTrip(r *http.Request) (*http.Response, error) {
	return u.Net.RoundTrip(r.WithContext(context.WithValue(r.Context(), troubleKey{}, u.trouble)))
}

func honest(honest http.Handler, w http.ResponseWriter, r *http.Request) { honest.ServeHTTP(w, r) }

func late(by time.Duration) trouble {
	return func(honest http.Handler, w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(by):
			honest.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
}

func says(status int, mediaType, body string) trouble {
	return func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// after is trouble that begins after some requests that go well.
func after(well int, then trouble) trouble {
	return func(honest http.Handler, w http.ResponseWriter, r *http.Request) {
		if well--; well >= 0 {
			honest.ServeHTTP(w, r)
		} else {
			then(honest, w, r)
		}
	}
}

// hangingAt is trouble with one URL.
func hangingAt(path string) trouble {
	return func(honest http.Handler, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			<-r.Context().Done()
		} else {
			honest.ServeHTTP(w, r)
		}
	}
}

// The profile has one deadline over all its requests, as a callback has: here metadata,
// keys, refresh and userinfo, none of them late by itself.
func TestProfileInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "http://localhost:8080")
		i := slices.IndexFunc(w.app.offers, func(o offer) bool { return o.Name == "oidc" })
		o := &w.app.offers[i]
		o.row.Scopes = append(o.row.Scopes, "offline_access")
		if err := o.connect(o.client.ID, o.client.Secret, o.client.RedirectURI, inTrouble(w.net["127.0.0.1:9000"].(*fake.Server).Net())); err != nil {
			t.Fatal(err)
		}
		w.browser.Transport = unlucky{w.net, honest}
		w.signIn("oidc")
		time.Sleep(50 * time.Minute)
		w.get("http://localhost:8080/profile")
		time.Sleep(50 * time.Minute)
		w.browser.Transport = unlucky{w.net, late(4900 * time.Millisecond)}
		begun := time.Now()
		p := w.get("http://localhost:8080/profile")
		if took := time.Since(begun); took > 15*time.Second || !strings.Contains(p.body, "did not answer") {
			t.Errorf("%d after %s", p.status, took)
		}
	})
}

// Who signs in with one provider does not wait for another, whatever happens there. Who
// signs in with that one reads what is wrong with it, within 15 s.
func TestOneProviderInTrouble(t *testing.T) {
	type kind struct {
		does  trouble
		check string // what the visitor reads; "" is that the sign-in succeeds all the same
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("TROUBLE_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	t.Logf("TROUBLE_SEED=%d", seed)
	garbage := make([]byte, 100)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(garbage)
	atRandom := []kind{
		{late(2 * time.Second), ""},
		{late(12 * time.Second), "reply-received"},
		{late(time.Hour), "reply-received"},
		{func(http.Handler, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "reply-received"}, // a reset, in net/http's way
		{says(503, "text/html", "<h1>Service Unavailable</h1>"), "reply-status-200"},
		{says(200, "text/html", "<h1>Welcome to the network of this hotel</h1>"), "reply-media-type"},
		{says(200, "application/json", string(garbage)), "reply-json"},
		{says(200, "application/json", strings.Repeat("[", 2<<20)), "reply-size"},
	}
	for name, row := range map[string]struct {
		provider string
		kinds    []kind
	}{
		"anything at random": {"github", atRandom},
		"metadata that hang": {"oidc", []kind{{hangingAt("/.well-known/openid-configuration"), "reply-received"}}},
		"keys that hang":     {"oidc", []kind{{hangingAt("/jwks"), "reply-received"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 0))
				w := newWorld(t, "http://localhost:8080")
				i := slices.IndexFunc(w.app.offers, func(o offer) bool { return o.Name == row.provider })
				o := &w.app.offers[i]
				if err := o.connect(o.client.ID, o.client.Secret, o.client.RedirectURI, inTrouble(w.net["127.0.0.1:9000"].(*fake.Server).Net())); err != nil {
					t.Fatal(err)
				}
				visit := func(provider, user string, trouble trouble) (page, time.Duration) {
					visitor := *w
					visitor.browser = w.newBrowser()
					visitor.browser.Transport = unlucky{w.net, trouble}
					begun := time.Now()
					p := visitor.get("http://localhost:8080/login/" + provider)
					if strings.HasPrefix(p.url, "http://127.0.0.1:9000/") {
						p = visitor.answer(p, user, "allow", scopesOf(p)...)
					}
					return p, time.Since(begun)
				}
				before := weigh()
				var visitors sync.WaitGroup
				for range 12 { // seconds: some come while others wait
					for range 5 {
						user := fake.Users()[random.IntN(3)].ID
						kind := row.kinds[random.IntN(len(row.kinds))]
						if row.provider == "github" { // a sign-in takes three requests
							kind.does = after(random.IntN(3), kind.does)
						}
						visitors.Go(func() {
							p, took := visit(row.provider, user, kind.does)
							status := http.StatusBadGateway
							if kind.check == "" {
								status = http.StatusOK
							}
							if p.status != status || p.check() != kind.check || took > 15*time.Second {
								t.Errorf("%s: %d, check %q, after %s; want %d, check %q", row.provider, p.status, p.check(), took, status, kind.check)
							}
						})
						visitors.Go(func() {
							p, took := visit("google", user, honest)
							if p.url != "http://localhost:8080/profile" || p.facts()["Provider"] != "Google" || took != 0 {
								t.Errorf("google: %d at %s, after %s; want the profile at once", p.status, p.url, took)
							}
						})
					}
					time.Sleep(time.Second)
				}
				visitors.Wait()
				if strings.Contains(w.log.String(), "level=ERROR") {
					t.Errorf("the log blames the app:\n%s", w.log)
				}
				synctest.Wait()
				before.wantNoMore(t, 32<<20) // which the trace may take
			})
		})
	}
}

// untimed is a provider whose work a benchmark does not count.
type untimed struct {
	b *testing.B
	fake.Net
}

func (u untimed) RoundTrip(r *http.Request) (*http.Response, error) {
	u.b.StopTimer()
	defer u.b.StartTimer()
	return u.Net.RoundTrip(r)
}

// BenchmarkSignIn is a whole sign-in with Google through the app: /login, /callback
// with the token request, the ID token and the profile, and the session.
func BenchmarkSignIn(b *testing.B) {
	base, _ := url.Parse("http://localhost:8080")
	app, err := newServer(base, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	simulator := fake.New(fake.Options{Clients: []fake.Client{{Provider: "google", ID: "app", Secret: "secret", RedirectURIs: []string{"http://localhost:8080/callback/google"}}}})
	client, err := oauth.NewClient(providers.Google(), "app", "secret", "http://localhost:8080/callback/google", untimed{b, simulator.Net()})
	if err != nil {
		b.Fatal(err)
	}
	app.offers = []offer{{About: client.About, client: client}}
	handler := app.handler()
	provider := &http.Client{
		Transport:     simulator.Net(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	b.ReportAllocs()
	for b.Loop() {
		login := httptest.NewRecorder()
		handler.ServeHTTP(login, httptest.NewRequest("GET", "http://localhost:8080/login/google", nil))

		b.StopTimer()
		allowed, err := provider.PostForm(login.Header().Get("Location"), url.Values{"user": {"ada"}, "decision": {"allow"}, "scope": {"email", "profile"}})
		if err != nil {
			b.Fatal(err)
		}
		callback := httptest.NewRequest("GET", allowed.Header.Get("Location"), nil)
		callback.Header.Set("Cookie", login.Header().Get("Set-Cookie"))
		b.StartTimer()

		done := httptest.NewRecorder()
		handler.ServeHTTP(done, callback)
		if done.Code != http.StatusSeeOther {
			b.Fatalf("%d: %s", done.Code, done.Body)
		}
	}
}

// press presses the button of a form on the page.
func (w *world) press(path string) page {
	w.t.Helper()
	return w.do("POST", w.app.base.String()+path, nil)
}

// connect connects an account to the user who is signed in.
func (w *world) connect(provider, user string) page {
	w.t.Helper()
	consent := w.press("/connect/" + provider)
	if !strings.HasPrefix(consent.url, "http://127.0.0.1:9000/") {
		w.t.Fatalf("/connect/%s led to %d at %s", provider, consent.status, consent.url)
	}
	return w.answer(consent, user, "allow", scopesOf(consent)...)
}

var account1 = regexp.MustCompile(`<h3>([^<]*) <span`)

// accounts are the providers that the profile page lists.
func (p page) accounts() (titles []string) {
	for _, m := range account1.FindAllStringSubmatch(p.body, -1) {
		titles = append(titles, m[1])
	}
	return titles
}

// TestAccounts follows one user with two accounts through the pages.
func TestAccounts(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	w.signIn("google")
	p := w.connect("x", "ada")
	if d := cmp.Diff([]string{"Google", "X"}, p.accounts()); d != "" || p.facts()["Provider"] != "Google" {
		t.Fatalf("after connecting X, %d: %s", p.status, d)
	}
	// Each of the two leads to the same user.
	w.press("/logout")
	if p = w.signIn("x"); p.facts()["Provider"] != "X" || len(p.accounts()) != 2 {
		t.Errorf("signed in with X: %v", p.accounts())
	}
	p = w.get("http://localhost:8080/profile?provider=https://accounts.google.com&subject=110248495921238986420")
	if p.facts()["Provider"] != "Google" {
		t.Error("the other account is not shown")
	}
	if p := w.get("http://localhost:8080/profile?provider=x&subject=1"); p.url != "http://localhost:8080/profile" || p.facts()["Provider"] != "X" {
		t.Errorf("an account that is not the visitor's: %s, %s; want the visitor's own", p.url, p.facts()["Provider"])
	}
	p = w.press("/disconnect?provider=https://accounts.google.com&subject=110248495921238986420")
	if d := cmp.Diff([]string{"X"}, p.accounts()); d != "" {
		t.Errorf("after disconnecting Google: %s", d)
	}
	if p := w.press("/disconnect?provider=x&subject=1795176000000000001"); p.status != 409 || !strings.Contains(p.body, "this is your last account") {
		t.Errorf("the last one: %d\n%s", p.status, p.body)
	}
	// It is somebody's now, and stays so.
	w.press("/logout")
	w.signIn("google")
	if p := w.connect("x", "ada"); p.status != 409 || !strings.Contains(p.body, "this X account belongs to another user") {
		t.Errorf("somebody else's: %d\n%s", p.status, p.body)
	}
	if p := w.get("http://localhost:8080/profile"); len(p.accounts()) != 1 {
		t.Errorf("the refused account was connected: %v", p.accounts())
	}
}

// TestForeignLogin: another site's link to /login signs in afresh, and connects nothing.
func TestForeignLogin(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	w.signIn("google")
	p := w.answer(w.begin("github"), "mallory", "allow") // as a page of Mallory's would have it
	if d := cmp.Diff([]string{"GitHub"}, p.accounts()); d != "" {
		t.Errorf("accounts of who is signed in now: %s", d)
	}
	w.press("/logout")
	if p := w.signIn("google"); len(p.accounts()) != 1 {
		t.Errorf("Ada's accounts: %v", p.accounts())
	}
	request, _ := http.NewRequest("POST", "http://localhost:8080/connect/github", nil)
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := w.browser.Do(request)
	if err != nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("another site's form: %v, %v, want 403", response.StatusCode, err)
	}
}

// TestConnectAsSomebodyElse: who comes back must be who left.
func TestConnectAsSomebodyElse(t *testing.T) {
	for name, between := range map[string]func(*world){
		"signed out": func(w *world) { w.press("/logout") },
		"somebody else signed in": func(w *world) {
			w.answer(w.begin("spotify"), "mallory", "allow")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "http://localhost:8080")
			w.signIn("google")
			consent := w.press("/connect/github")
			between(w)
			p := w.answer(consent, "ada", "allow")
			if p.status != 400 || p.check() != "attempt-user" {
				t.Errorf("%d, check %q, want 400 by attempt-user", p.status, p.check())
			}
			if strings.Contains(p.body, "/login/github") {
				t.Error("a button signs in with the account, which would make it another user's")
			}
			if p := w.get("http://localhost:8080/profile"); slices.Contains(p.accounts(), "GitHub") {
				t.Error("connected all the same")
			}
		})
	}
	w := newWorld(t, "http://localhost:8080")
	if p := w.press("/connect/github"); p.url != "http://localhost:8080/?next=/profile" {
		t.Errorf("connecting without being signed in led to %s", p.url)
	}
}

var token = regexp.MustCompile(`Its access token expires ([^;]*);`)

// TestTokenButtons: expired tokens are refreshed before the profile is read, and where
// they cannot be, the page asks to sign in again.
func TestTokenButtons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "http://localhost:8080")
		first := w.signIn("github")
		expiry := func(p page) string { return html.UnescapeString(token.FindString(p.body)) }
		if want := "Its access token expires 1 Jan 2000, 08:00:00 UTC, in 8 hours;"; expiry(first) != want {
			t.Errorf("%q, want %q", expiry(first), want)
		}
		time.Sleep(10 * time.Minute)
		if p := w.get("http://localhost:8080/profile"); !strings.Contains(expiry(p), "08:00:00") {
			t.Errorf("refreshed without need: %q", expiry(p))
		}
		const identity = "?provider=github&subject=990000001"
		if p := w.press("/refresh" + identity); !strings.Contains(expiry(p), "08:10:00") {
			t.Errorf("refreshed: %q", expiry(p))
		}
		time.Sleep(10 * time.Minute)
		if p := w.press("/expire" + identity); p.status != 200 || !strings.Contains(expiry(p), "08:20:00") || p.facts()["E-mail"] != "ada@example.com verified by GitHub" {
			t.Errorf("expired, and so refreshed: %d, %q", p.status, expiry(p))
		}

		w.press("/logout")
		w.signIn("oidc")
		p := w.press("/expire?provider=https://openid.example&subject=ada-1815")
		if p.status != 200 || !strings.Contains(p.body, "Please sign in with OpenID Connect again") || p.facts()["Name"] != "Ada Lovelace" {
			t.Errorf("expired, without a refresh token: %d\n%s", p.status, p.body)
		}
		if p := w.connect("oidc", "ada"); p.status != 200 || strings.Contains(p.body, "Please sign in") || len(p.accounts()) != 1 {
			t.Errorf("signed in again: %d, %v", p.status, p.accounts())
		}
		// Of a grant that has ended there is nothing to give back.
		w.connect("google", "ada")
		w.press("/expire?provider=https://openid.example&subject=ada-1815")
		if p := w.press("/disconnect?provider=https://openid.example&subject=ada-1815"); p.url != "http://localhost:8080/profile" || len(p.accounts()) != 1 {
			t.Errorf("disconnected after its end: %s, %v", p.url, p.accounts())
		}
	})
}

// TestProviderDownOnProfile: the page shows what is known, and says that it is old.
func TestProviderDownOnProfile(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	w.signIn("google")
	w.app.offers[0].client = broken(t, w.app.offers[0].client)
	p := w.get("http://localhost:8080/profile")
	if p.status != 502 || p.facts()["Name"] != "Ada Lovelace" || !strings.Contains(p.body, "The provider did not answer.") || !strings.Contains(p.body, "reply-received") {
		t.Errorf("%d\n%s", p.status, p.body)
	}
	if p := w.connect("github", "ada"); p.status != 502 || len(p.accounts()) != 2 {
		t.Errorf("%d, %v", p.status, p.accounts())
	}
	p = w.press("/disconnect?provider=https://accounts.google.com&subject=110248495921238986420")
	if p.status != 200 || !strings.Contains(p.body, "did not take back what you allowed") {
		t.Errorf("disconnected while the provider is down: %d\n%s", p.status, p.body)
	}
	if p := w.get("http://localhost:8080/profile"); p.status != 200 || len(p.accounts()) != 1 {
		t.Errorf("the local copy is still there: %v", p.accounts())
	}
}

// broken is a client whose provider nobody reaches.
func broken(t *testing.T, client *oauth.Client) *oauth.Client {
	t.Helper()
	other, err := oauth.NewClient(client.Provider, client.ID, client.Secret, client.RedirectURI, fake.Net{})
	if err != nil {
		t.Fatal(err)
	}
	return other
}

// TestRevoked: after disconnecting, the provider knows the token no more, or the page
// says where the user can take it back.
func TestRevoked(t *testing.T) {
	for name := range allProviders {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "http://localhost:8080")
			w.signIn(name)
			other := "google"
			if name == "google" {
				other = "github"
			}
			w.connect(other, "mallory")
			session, grant := w.visitor()
			p := w.press("/disconnect?provider=" + url.QueryEscape(session.identity.Provider) + "&subject=" + session.identity.Subject)
			if page := session.offer.row.RevokePage; page != "" {
				if p.status != 200 || !strings.Contains(p.body, page) {
					t.Errorf("%d: the page does not name %s", p.status, page)
				}
				return
			}
			if p.status != 200 || p.url != "http://localhost:8080/profile" {
				t.Errorf("%d at %s\n%s", p.status, p.url, w.log)
			}
			var err error
			if client := session.offer.client; client != nil {
				_, err = client.UserInfo(t.Context(), grant.Tokens)
			} else {
				_, err = session.offer.client1.UserInfo(t.Context(), grant.Credentials)
			}
			if err == nil {
				t.Error("the token still works")
			}
		})
	}
}

// visitor is who is signed in at the browser, with the grant of that.
func (w *world) visitor() (visitor, account.Grant) {
	w.t.Helper()
	v, err := w.app.visitor(&http.Request{Header: http.Header{"Cookie": {w.cookies()}}})
	if err != nil {
		w.t.Fatal(err)
	}
	grant, err := w.app.accounts.Open(v.identity)
	if err != nil {
		w.t.Fatal(err)
	}
	return v, grant
}

func (w *world) cookies() string {
	var all []string
	for _, c := range w.browser.Jar.Cookies(w.app.base) {
		all = append(all, c.String())
	}
	return strings.Join(all, "; ")
}

func TestSignOutEverywhere(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	w.signIn("google")
	phone := w.browser
	w.browser = w.newBrowser()
	w.signIn("google")
	if p := w.press("/logout/everywhere"); p.url != "http://localhost:8080/" {
		t.Errorf("led to %s", p.url)
	}
	for range 2 {
		if p := w.get("http://localhost:8080/profile"); p.url != "http://localhost:8080/?next=/profile" {
			t.Error("still signed in")
		}
		w.browser = phone
	}
}

// brokenStore is on a disk that is full, or read-only.
type brokenStore struct{ account.Store }

var errDisk = errors.New("no space left on device")

func (brokenStore) AddIdentity(context.Context, account.Identity) error       { return errDisk }
func (brokenStore) AddSession(context.Context, account.Session) error         { return errDisk }
func (brokenStore) RemoveSession(context.Context, string) error               { return errDisk }
func (brokenStore) RemoveSessions(context.Context, string) error              { return errDisk }
func (brokenStore) SeeSession(context.Context, string, time.Time) error       { return errDisk }
func (brokenStore) RemoveIdentity(context.Context, string, account.Key) error { return errDisk }
func (brokenStore) UpdateTokens(context.Context, account.Key, func(string) (string, error)) error {
	return errDisk
}

// TestFullDisk: what cannot be stored is refused with a page, and what is there is
// still served.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "http://localhost:8080")
		store := account.NewMemory()
		use := func(s account.Store) {
			if err := w.app.useStore(s, make([]byte, 32)); err != nil {
				t.Fatal(err)
			}
			w.net["localhost:8080"] = w.app.handler()
		}
		use(store)
		w.signIn("google")
		use(brokenStore{store})
		time.Sleep(30 * time.Minute) // so that the session's last use would be noted
		if p := w.get("http://localhost:8080/profile"); p.status != 200 {
			t.Errorf("the profile of who is signed in: %d", p.status)
		}
		for _, path := range []string{"/logout", "/logout/everywhere"} {
			cookies := w.browser.Jar.Cookies(w.app.base)
			if p := w.press(path); p.status != 500 || !strings.Contains(p.body, "This did not work") {
				t.Errorf("%s: %d\n%s", path, p.status, p.body)
			}
			w.browser.Jar.SetCookies(w.app.base, cookies)
		}
		if p := w.connect("github", "ada"); p.status != 500 || !strings.Contains(p.body, "Something went wrong in this app itself") {
			t.Errorf("connecting: %d\n%s", p.status, p.body)
		}
		w.browser = w.newBrowser()
		if p := w.signIn("spotify"); p.status != 500 || !strings.Contains(w.log.String(), errDisk.Error()) {
			t.Errorf("signing in: %d", p.status)
		}
		use(store)
		if p := w.signIn("spotify"); p.status != 200 {
			t.Errorf("once there is room again: %d", p.status)
		}
	})
}

// TestRestart: with -data, users, tokens and sessions are there after a restart.
func TestRestart(t *testing.T) {
	t.Setenv("SESSION_KEY", "")
	w := newWorld(t, "http://localhost:8080")
	data := config{data: filepath.Join(t.TempDir(), "data"), simulated: true}
	closeStore, err := w.app.openStore(data)
	if err != nil {
		t.Fatal(err)
	}
	w.net["localhost:8080"] = w.app.handler()
	w.signIn("google")
	w.connect("github", "ada")

	_, err = w.app.openStore(data)
	if want := "-data " + data.data + ": another run of the app is using it"; err == nil || err.Error() != want {
		t.Errorf("a second run: %v, want %s", err, want)
	}
	if err := closeStore(); err != nil {
		t.Fatal(err)
	}
	w.start("http://localhost:8080") // the fake forgets everything
	if closeStore, err = w.app.openStore(data); err != nil {
		t.Fatal(err)
	}
	w.net["localhost:8080"] = w.app.handler()
	p := w.get("http://localhost:8080/profile")
	if d := cmp.Diff([]string{"Google", "GitHub"}, p.accounts()); d != "" || p.status != 200 || !strings.Contains(p.body, "Please sign in with Google again") {
		t.Errorf("after the restart, %d: %s", p.status, d)
	}
	if p := w.connect("google", "ada"); p.status != 200 || len(p.accounts()) != 2 {
		t.Errorf("signed in again: %d, %v", p.status, p.accounts())
	}
	if err := closeStore(); err != nil {
		t.Fatal(err)
	}

	data.simulated = false
	_, err = w.app.openStore(data)
	if want := "-data " + data.data + ": it holds accounts of simulated providers, and now they are real: take another directory"; err == nil || err.Error() != want {
		t.Errorf("with real providers: %v\nwant %s", err, want)
	}
	t.Setenv("SESSION_KEY", strings.Repeat("0", 64))
	data.simulated = true
	_, err = w.app.openStore(data)
	if want := "-data " + data.data + ": SESSION_KEY, or the file key in it, is not the key under which it was sealed"; err == nil || err.Error() != want {
		t.Errorf("with another key: %v\nwant %s", err, want)
	}
}

// The trace page shows a sign-in whole: each message, each check that was made, and
// functions that there are; and the failed one of an error page up to the check.
func TestTracePage(t *testing.T) {
	const trace = "http://localhost:8080/trace"
	for name, row := range map[string]struct {
		steps []string
		shows []string
	}{
		"google": {
			steps: []string{"0 discovery", "1 request", "you, at the provider", "2 callback", "3 token", "4 ID token", "5 profile"},
			shows: []string{
				"https://accounts.google.com/.well-known/openid-configuration", "code_challenge", "Set-Cookie: oauthbyhand-attempt-",
				"https://oauth2.googleapis.com/token", "Third part: the signature", "issuer: who says all this",
				"claim-nonce", "https://openid.net/specs/openid-connect-core-1_0.html#rfc.section.3.1.3.7",
				"Client.VerifyIDToken in oauth/idtoken.go", "https://openidconnect.googleapis.com/v1/userinfo", "Signed in.",
			},
		},
		"github": {
			steps: []string{"0 discovery", "1 request", "you, at the provider", "2 callback", "3 token", "4 ID token", "5 profile"},
			shows: []string{"the endpoints are known", "does not speak OpenID Connect", "https://api.github.com/user/emails"},
		},
		"x": {
			steps: []string{"0 discovery", "1 request", "you, at the provider", "2 callback", "3 token", "4 ID token", "5 profile"},
			shows: []string{"https://api.x.com/oauth/request_token", "The base string", "POST&amp;https%3A%2F%2Fapi.x.com", "Client1.Exchange in oauth/oauth1.go", "RFC 5849 §2.3"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "http://localhost:8080")
			if profile := w.signIn(name); !strings.Contains(profile.body, `<a href="/trace">See what just happened</a>`) {
				t.Errorf("the signed-in page does not lead to the trace:\n%s", profile.body)
			}
			page := w.get(trace)
			var steps []string
			for _, m := range regexp.MustCompile(`(?s)<h3 [^>]*>(.*?)</h3>`).FindAllStringSubmatch(page.body, -1) {
				steps = append(steps, tag.ReplaceAllString(m[1], ""))
			}
			if diff := cmp.Diff(row.steps, steps); diff != "" {
				t.Errorf("the steps (-want +got):\n%s", diff)
			}
			for _, s := range row.shows {
				if !strings.Contains(page.body, s) {
					t.Errorf("the page does not show %q", s)
				}
			}
			for _, m := range regexp.MustCompile(`([A-Z]\w+)\.(\w+) in (oauth/\w+\.go)`).FindAllStringSubmatch(page.body, -1) {
				source, err := os.ReadFile(m[3])
				if err != nil || !regexp.MustCompile(`(?m)^func \(\w+ \*?`+m[1]+`\) `+m[2]+`\(`).Match(source) {
					t.Errorf("the page names %s, which is not there (%v)", m[0], err)
				}
			}
			w.do("POST", "http://localhost:8080/logout", nil)
			if p := w.get(trace); !strings.Contains(p.body, "Nothing to see yet") {
				t.Error("after signing out the sign-in is still there")
			}
		})
	}
}

func TestTraceOfAFailure(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	callback := w.callbackURL("google")
	failed := w.get(strings.Replace(callback, "iss=https%3A%2F%2Faccounts.google.com", "iss=https%3A%2F%2Fevil.example", 1))
	if failed.check() != "callback-issuer" {
		t.Fatalf("check %q", failed.check())
	}
	if !strings.Contains(failed.body, `aria-label="failed">✗</span>`) || !strings.Contains(failed.body, "https://evil.example, want https://accounts.google.com") || strings.Contains(failed.body, "POST https://oauth2.googleapis.com/token") {
		t.Errorf("the page does not show the sign-in up to the check that failed, and no further:\n%s", failed.body)
	}
	if p := w.get("http://localhost:8080/trace"); !strings.Contains(p.body, "stopped by callback-issuer") {
		t.Error("the trace page does not say what stopped it")
	}
	if refused := w.answer(w.begin("google"), "ada", "refuse"); !strings.Contains(refused.body, `<a href="/trace">See what just happened</a>`) {
		t.Error("the page of a refusal does not lead to the trace")
	}
	w.browser = w.newBrowser()
	if p := w.get("http://localhost:8080/trace?number=1"); !strings.Contains(p.body, "Nothing to see yet") {
		t.Error("another visitor sees the sign-in")
	}
}

// What comes after a sign-in has traces of its own; a profile that is only read once
// more has none.
func TestTraceOfRefreshAndRevoke(t *testing.T) {
	const app = "http://localhost:8080"
	w := newWorld(t, app)
	latest := func() (all []string) {
		for _, m := range regexp.MustCompile(`<li><a href="/trace\?number=\d+"[^>]*>(\w+), [\d:]+ UTC</a>: ([^<]*)</li>`).FindAllStringSubmatch(w.get(app+"/trace").body, -1) {
			all = append(all, m[1]+" "+m[2])
		}
		return all
	}
	w.signIn("github")
	w.get(app + "/profile")
	w.do("POST", app+"/expire", nil)
	w.get(app + "/profile") // refreshes first
	consent := w.do("POST", app+"/connect/google", nil)
	w.answer(consent, "ada", "allow", scopesOf(consent)...)
	w.do("POST", app+"/disconnect?provider=github&subject=990000001", nil)
	want := []string{"GitHub disconnected", "Google connected", "GitHub refreshed", "GitHub signed in"}
	if diff := cmp.Diff(want, latest()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p := w.get(app + "/trace"); !strings.Contains(p.body, "DELETE https://api.github.com/applications/demo-github/grant") {
		t.Error("the page does not show the revocation")
	}
}

// A refresh that the provider refuses ends as that, though the profile, to which the
// app leads back, is no error page.
func TestTraceOfARefusedRefresh(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	w.signIn("google")
	v, grant := w.visitor()
	if err := v.offer.client.Revoke(t.Context(), grant.Tokens); err != nil {
		t.Fatal(err)
	}
	if p := w.press("/refresh"); !strings.Contains(p.body, "Please sign in with Google again") {
		t.Errorf("%d at %s\n%s", p.status, p.url, p.body)
	}
	shown := w.get("http://localhost:8080/trace").body
	if ended := regexp.MustCompile(`class="ending failed">It ended here: refused: invalid_grant`); !ended.MatchString(shown) || strings.Contains(shown, "has new tokens") {
		t.Error("the trace does not end with the refusal")
	}
}

// Who signs in at this browser next, without the one before having signed out, does
// not see what the one before did.
func TestTraceOfTheNextVisitor(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	w.signIn("google")
	w.connect("github", "ada")
	consent := w.begin("spotify")
	w.answer(consent, "mallory", "allow", scopesOf(consent)...)
	shown := w.get("http://localhost:8080/trace").body
	if !strings.Contains(shown, "What just happened: Spotify") || strings.Contains(shown, "Google, ") || strings.Contains(shown, "GitHub, ") {
		t.Error("the next visitor sees the sign-in of the one before, or not their own")
	}
}

// What is connected is not offered again.
func TestConnectAnother(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	offered := func(p page) string {
		_, buttons, _ := strings.Cut(p.body, "<h3>Connect another</h3>")
		buttons, _, _ = strings.Cut(buttons, "<h3>")
		return strings.Join(strings.Fields(tag.ReplaceAllString(buttons, "")), " ")
	}
	w.signIn("google")
	for _, o := range offers("") {
		if o.Name != "google" && o.Name != "github" {
			w.connect(o.Name, "ada")
		}
	}
	if got := offered(w.get("http://localhost:8080/profile")); got != "GitHub" {
		t.Errorf("offered: %s", got)
	}
	if p := w.connect("github", "ada"); strings.Contains(p.body, "Connect another") {
		t.Errorf("all are connected, and offered: %s", offered(p))
	}
}

// wiretap is a transport that writes down what no trace of a real provider may show.
type wiretap struct {
	http.RoundTripper
	secrets map[string]string // value to name
}

var secretNames = regexp.MustCompile(`"?\b(code|code_verifier|client_secret|access_token|refresh_token|id_token|appsecret_proof|state|nonce|oauth_token|oauth_token_secret|oauth_verifier|oauth_signature|oauth_nonce)"?(?:=|:) ?"?([^"&,\s]{8,})`)

func (w wiretap) hear(text string) {
	for _, m := range secretNames.FindAllStringSubmatch(text, -1) {
		value, err := url.QueryUnescape(m[2])
		if err == nil {
			w.secrets[value] = m[1]
		}
	}
}

func (w wiretap) RoundTrip(r *http.Request) (*http.Response, error) {
	w.hear(r.URL.RawQuery)
	w.hear(r.Header.Get("Authorization"))
	if _, credentials, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && !strings.Contains(credentials, "=\"") {
		w.secrets[credentials] = "Authorization"
	}
	if r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		w.hear(string(body))
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	response, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	w.hear(response.Header.Get("Location"))
	for _, cookie := range response.Cookies() {
		if cookie.Value != "" {
			w.secrets[cookie.Value] = cookie.Name
		}
	}
	body, _ := io.ReadAll(response.Body)
	if !strings.Contains(string(body), "<html") {
		w.hear(string(body))
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// With real providers no code, token, verifier, secret, signature or cookie is on
// the trace page, on an error page, in the terminal or in the log: whole, or more of
// it than its beginning: X's tokens begin with the user's number, which is public.
func TestRealSecretsAreCut(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(allProviders)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "http://localhost:8080")
				simulator := w.net["127.0.0.1:9000"].(*fake.Server)
				tap := wiretap{simulator.Net(), make(map[string]string)}
				var terminal bytes.Buffer
				w.app.recorder = templates.NewRecorder(templates.Cut, false, &terminal)
				w.app.fakeOrigin = ""
				for i := range w.app.offers { // the same clients, made by hand on another wire
					o := &w.app.offers[i]
					id, secret := "demo-"+o.Name, ""
					if o.client != nil {
						secret = o.client.Secret
					} else {
						secret = o.client1.Secret
					}
					tap.secrets[secret] = "client_secret"
					if err := o.connect(id, secret, w.app.redirectURI(*o), tap); err != nil {
						t.Fatal(err)
					}
				}
				w.browser.Transport = wiretap{w.net, tap.secrets}

				if p := w.signIn(name); p.status != 200 || p.url != "http://localhost:8080/profile" {
					t.Fatalf("%d at %s\n%s", p.status, p.url, w.log)
				}
				shown := w.get("http://localhost:8080/trace").body
				if !strings.Contains(shown, "characters)") || !strings.Contains(shown, "is real") {
					t.Fatalf("the page does not say that it cuts:\n%s", shown)
				}
				if slices.Contains([]string{"google", "github", "spotify"}, name) { // the others gave nothing to refresh with
					w.do("POST", "http://localhost:8080/refresh", nil)
					if shown += w.get("http://localhost:8080/trace").body; !strings.Contains(shown, "Client.Refresh") {
						t.Error("the page does not show the refresh")
					}
				}
				callback, _ := url.Parse(w.callbackURL(name))
				callback.RawQuery += "&" + callback.RawQuery // each parameter twice
				failed := w.get(callback.String())
				if failed.status != 400 {
					t.Errorf("each parameter twice: %d", failed.status)
				}
				if len(tap.secrets) < 10 {
					t.Fatalf("only %d secrets heard: %v", len(tap.secrets), tap.secrets)
				}
				for where, text := range map[string]string{"the trace page": shown, "the error page": failed.body, "the terminal": terminal.String(), "the log": w.log.String()} {
					for value, secret := range tap.secrets {
						for _, part := range []string{value[:min(len(value), 24)], value[len(value)/2:]} {
							if len(part) >= 8 && (strings.Contains(text, part) || strings.Contains(text, url.QueryEscape(part)) || strings.Contains(text, html.EscapeString(part))) {
								t.Errorf("%s holds %q of %s %q", where, part, secret, value)
							}
						}
					}
				}
			})
		})
	}
}

var (
	lure          = regexp.MustCompile(`<a class="button" href="([^"]*)">`)
	button        = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	inWords       = regexp.MustCompile(`[Tt]he check <code>([^<]*)</code>`)
	refreshing    = regexp.MustCompile(`action="(/refresh\?[^"]*~[^"]*)"`)
	disconnecting = regexp.MustCompile(`action="(/disconnect\?[^"]*~[^"]*)"`)
	ada           = regexp.MustCompile(`(?i)^ada.lovelace$`) // her name, or the one by which X knows her
)

// suffer lets a user go through an attack as the page /break says, up to where it ends.
func (w *world) suffer(f fake.Fault) page {
	w.t.Helper()
	app := w.app.base.String()
	if f.How == fake.First || f.How == fake.Connect {
		w.signIn("github")
	}
	at := page{}
	switch {
	case f.How == fake.Connect:
		at = w.press("/connect/" + f.Client())
		w.press("/logout")
	case f.Attacked():
		at = w.fallFor(f)
	default:
		at = w.get(app + "/login/" + f.Client())
	}
	switch f.How {
	case fake.Again:
		if p := w.answer(at, "ada", "allow", scopesOf(at)...); p.facts()["Name"] != "Ada Lovelace" {
			w.t.Fatalf("the first sign-in ended at %s:\n%s", p.url, p.body)
		}
		w.press("/logout")
		at = w.get(app + "/login/" + f.Client())
	case fake.Late:
		time.Sleep(11 * time.Minute)
	}
	if strings.HasPrefix(at.url, "http://127.0.0.1:9000/") {
		at = w.answer(at, "ada", "allow", scopesOf(at)...)
	}
	switch f.How {
	case fake.Refresh:
		return w.press(html.UnescapeString(refreshing.FindStringSubmatch(at.body)[1]))
	case fake.Disconnect:
		at = w.connect("github", "ada")
		return w.press(html.UnescapeString(disconnecting.FindStringSubmatch(at.body)[1]))
	}
	return at
}

// fallFor visits the attacker's page, and presses what there is to press.
func (w *world) fallFor(f fake.Fault) page {
	attacker := "http://127.0.0.1:9000"
	if f.Neighbour() {
		attacker = "http://localhost:9000"
	}
	if f.How == fake.Leave {
		w.begin("google")
	}
	bait := w.get(attacker + "/~" + f.Name)
	if link := lure.FindStringSubmatch(bait.body); link != nil {
		return w.get(html.UnescapeString(link[1]))
	}
	return w.fetch("POST", html.UnescapeString(button.FindStringSubmatch(bait.body)[1]), nil, "Sec-Fetch-Site", "cross-site")
}

// stoppedBy is what a page says that a sign-in was stopped by: a check, or a "no".
func (p page) stoppedBy() string {
	check := inWords.FindStringSubmatch(p.body)
	_, refused := p.facts()["Error"]
	switch {
	case p.check() != "":
		return p.check()
	case check != nil:
		return check[1]
	case refused || strings.Contains(p.body, "<h2>Please sign in with"):
		return fake.Refusal
	}
	return ""
}

// TestFaults goes through every attack that there is, in the whole demo. What it asserts of
// each stands in the table: which check refuses, or that nobody is harmed.
func TestFaults(t *testing.T) {
	for _, f := range fake.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "http://localhost:8080")
				w.net["localhost:9000"] = w.net["127.0.0.1:9000"] // one server under two names
				p := w.suffer(f)
				if p.stoppedBy() != f.Stops {
					t.Errorf("%s\nstopped by %q, want %q\n%s", f.Does, p.stoppedBy(), f.Stops, w.log)
				}
				if step, _, found := strings.Cut(p.facts()["Step"], ","); found && step != strconv.Itoa(f.Step) {
					t.Errorf("stopped in step %s, want %d", step, f.Step)
				}
				if p.check() != "" && !strings.Contains(p.facts()["In the code"], ".go") {
					t.Errorf("the page does not say where the check is: %q", p.facts()["In the code"])
				}
				if !strings.Contains(html.UnescapeString(p.body), f.Does) {
					t.Errorf("the page does not say what was tried:\n%s", p.body)
				}
				if strings.Contains(p.body, "<script>") || strings.Contains(p.body, "Nothing stopped") || f.Stops != "" && strings.Contains(p.body, "should have.") {
					t.Errorf("the page:\n%s", p.body)
				}
				profile := w.get("http://localhost:8080/profile")
				stays := f.Stops == "" || f.How == fake.Refresh || f.How == fake.Disconnect
				if in := ada.MatchString(profile.facts()["Name"]); in != stays {
					t.Errorf("%s\nsigned in: %t\n%s", f.Does, in, w.log)
				}
				if !strings.HasPrefix(p.url, "http://localhost:8080/") {
					t.Errorf("it ended at %s", p.url)
				}
				w.browser = w.newBrowser() // the attacker's, with the cookie that was planted
				w.browser.Jar.SetCookies(w.app.base, []*http.Cookie{{Name: "oauthbyhand-session", Value: "KNOWNTOTHEATTACKER", Path: "/"}})
				if p := w.get("http://localhost:8080/profile"); p.url != "http://localhost:8080/?next=/profile" {
					t.Errorf("the attacker is signed in")
				}
			})
		})
	}
}

// ownDoor are the checks that nobody outside can make fail, with the reason.
var ownDoor = map[string]string{
	"refresh-token": "no page has a button for a refresh where there is nothing to refresh with",
	"refresh-aud":   "claim-aud-only refuses first, as long as this app's client id stays the same",
}

// place is how a row names what an attack fails at where that is no check.
var place = regexp.MustCompile(`\((\S+), (\S+\.go)\)`)

// TestEachCheckIsCaught holds the table of faults and the table of checks together.
func TestEachCheckIsCaught(t *testing.T) {
	stops := map[string][]string{}
	names := map[string]bool{}
	for _, f := range fake.Faults() {
		if names[f.Name] {
			t.Errorf("two faults are called %s", f.Name)
		}
		names[f.Name] = true
		if f.Does == "" || f.Gains == "" || f.Stops == "" && f.Spec == "" {
			t.Errorf("%s does not say what it does, what that gains, or where to read on", f.Name)
		}
		stops[f.Stops] = append(stops[f.Stops], f.Name)
		for _, m := range place.FindAllStringSubmatch(f.Gains, -1) {
			name := m[1][strings.LastIndexByte(m[1], '.')+1:]
			if source, err := os.ReadFile(m[2]); err != nil || !strings.Contains(string(source), name+"(") {
				t.Errorf("%s: there is no %s in %s", f.Name, m[1], m[2])
			}
		}
	}
	for _, c := range oauth.Checks() {
		if (len(stops[c.Name]) == 0) != (ownDoor[c.Name] != "") {
			t.Errorf("%s stops %v", c.Name, stops[c.Name])
		}
		delete(stops, c.Name)
	}
	delete(stops, fake.Refusal)
	delete(stops, "")
	for check, faults := range stops {
		t.Errorf("there is no check %s, which is to stop %s", check, strings.Join(faults, " and "))
	}
}

// TestREADME holds the README's lists to the code; UPDATE=1 writes them.
func TestREADME(t *testing.T) {
	file, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(file)
	for name, want := range map[string]string{"providers": listOfProviders(t), "attacks": tableOfAttacks()} {
		before, rest, ok := strings.Cut(readme, "<!-- "+name+": UPDATE=1 go test writes them -->\n")
		got, _, ok2 := strings.Cut(rest, "<!-- end of the "+name+" -->")
		if !ok || !ok2 {
			t.Fatalf("README.md has lost its marks of the %s", name)
		}
		if os.Getenv("UPDATE") != "" {
			readme = readme[:len(readme)-len(rest)] + want + rest[len(got):]
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("README.md, after line %d (-want +got); UPDATE=1 go test writes it:\n%s", strings.Count(before, "\n"), diff)
		}
	}
	if os.Getenv("UPDATE") != "" {
		os.WriteFile("README.md", []byte(readme), 0o644)
	}
}

// Each transcript can be found from the README.
func TestREADMELinksTranscripts(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	transcripts, _ := filepath.Glob("testdata/wire/*.golden")
	if len(transcripts) == 0 {
		t.Fatal("no transcripts")
	}
	for _, name := range transcripts {
		if !strings.Contains(string(readme), "("+filepath.ToSlash(name)+")") {
			t.Errorf("README.md does not link %s", name)
		}
	}
}

// listOfProviders says where an app is registered, with which callback URL, and how
// the demo is then started.
func listOfProviders(t *testing.T) (list string) {
	for _, o := range offers("https://openid.example") {
		for _, way := range [][2]string{ // the first that the provider takes
			{"http://localhost:8080", ""},
			{"http://127.0.0.1:8080", " -base-url http://127.0.0.1:8080"},
			{"https://app.example.com", " -base-url https://app.example.com"},
		} {
			base, err := url.Parse(way[0])
			if err != nil {
				t.Fatal(err)
			}
			if callbackRule(o.About, base) == "" {
				s := server{base: base}
				list += fmt.Sprintf("- **%s**: `%s`\n  - register at %s\n  - callback URL `%s`, started with `go run .%s`\n  - %s\n",
					o.Title, strings.Join(o.Variables(), "`, `"), o.Console, s.redirectURI(o), way[1], o.Notes)
				break
			}
		}
	}
	return list
}

// tableOfAttacks says of each check which attacks it stops.
func tableOfAttacks() string {
	stops := map[string][]string{}
	for _, f := range fake.Faults() {
		stops[f.Stops] = append(stops[f.Stops], "`"+f.Name+"`")
	}
	table := "| check | attacks that it stops | section |\n|---|---|---|\n"
	for _, c := range oauth.Checks() {
		attacks := strings.Join(stops[c.Name], ", ")
		if attacks == "" {
			attacks = "none from outside: " + ownDoor[c.Name]
		}
		table += "| `" + c.Name + "` | " + attacks + " | " + c.Spec + " |\n"
	}
	table += "| a no, which is an answer | " + strings.Join(stops[fake.Refusal], ", ") + " | RFC 6749 §4.1.2.1, §5.2 |\n"
	return table + "| none: an honest app copes | " + strings.Join(stops[""], ", ") + " | on the page /break |\n"
}

// An attack that begins at a page of the attacker's is not this sign-in: its page says
// nothing of it.
func TestSignInAfterAnAttack(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	if p := w.signIn("google~login-csrf"); p.url != "http://localhost:8080/profile" || strings.Contains(p.body, "attempt-found") {
		t.Errorf("%s:\n%s", p.url, p.body)
	}
}

// A cookie that somebody planted beside the session's keeps nobody signed in.
func TestPlantedBesideTheSession(t *testing.T) {
	for _, path := range []string{"/logout", "/logout/everywhere"} {
		w := newWorld(t, "http://localhost:8080")
		w.signIn("google")
		at, _ := url.Parse(w.app.base.String() + path)
		w.browser.Jar.SetCookies(at, []*http.Cookie{{Name: "oauthbyhand-session", Value: "planted", Path: path}})
		before := w.cookies()
		if p := w.press(path); p.url != "http://localhost:8080/" {
			t.Errorf("%s led to %d at %s", path, p.status, p.url)
		}
		if _, err := w.app.visitor(&http.Request{Header: http.Header{"Cookie": {before}}}); err == nil {
			t.Errorf("%s: still signed in", path)
		}
	}
}

// Who got in with an account is out when the account is disconnected. Who disconnects
// it stays signed in, also when signed in with it.
func TestDisconnectedIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "http://localhost:8080")
		w.signIn("google")
		w.connect("github", "mallory")
		owner := w.browser
		other := w.newBrowser()
		w.browser = other
		consent := w.begin("github")
		if p := w.answer(consent, "mallory", "allow", scopesOf(consent)...); len(p.accounts()) != 2 {
			t.Fatalf("%v", p.accounts())
		}
		v, _ := w.visitor()
		w.browser = owner
		disconnect := "/disconnect?provider=github&subject=" + v.identity.Subject
		for _, time := range []string{"first", "second"} {
			if p := w.press(disconnect); p.url != "http://localhost:8080/profile" || len(p.accounts()) != 1 {
				t.Errorf("pressed the %s time: %s: %v", time, p.url, p.accounts())
			}
		}
		w.browser = other
		if p := w.get("http://localhost:8080/profile"); p.url != "http://localhost:8080/?next=/profile" {
			t.Errorf("the other browser is still signed in: %s", p.url)
		}
		w.browser = owner
		time.Sleep(time.Millisecond)
		w.connect("github", "mallory")
		w.browser = other
		if p := w.get("http://localhost:8080/profile"); p.url != "http://localhost:8080/?next=/profile" {
			t.Errorf("the other browser is signed in again: %s", p.url)
		}
		w.browser = owner
		if p := w.press("/disconnect"); p.url != "http://localhost:8080/profile" || len(p.accounts()) != 1 {
			t.Errorf("disconnected what one is signed in with: %s: %v", p.url, p.accounts())
		}
	})
}

// X's tokens have no end by themselves, but X and its users can end them.
func TestTakenBackAtX(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	w.signIn("x")
	v, grant := w.visitor()
	if err := v.offer.client1.Revoke(t.Context(), grant.Credentials); err != nil {
		t.Fatal(err)
	}
	p := w.get("http://localhost:8080/profile")
	if p.status != 200 || !strings.Contains(p.body, "Please sign in with X again") || !strings.Contains(p.body, `action="/connect/x"`) {
		t.Errorf("%d\n%s", p.status, p.body)
	}
}

// What two requests want at once is no failure of the app.
func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	w.signIn("google")
	w.connect("github", "ada")
	request := httptest.NewRequest("POST", "http://localhost:8080/disconnect", nil)
	request.Header.Set("Cookie", w.cookies())
	v, err := w.app.visitor(request)
	if err != nil {
		t.Fatal(err)
	}
	for _, time := range []string{"first", "second"} {
		answer := httptest.NewRecorder()
		w.app.disconnect(answer, request, v)
		if where := answer.Header().Get("Location"); answer.Code != http.StatusSeeOther || where != "/profile" {
			t.Errorf("the %s POST /disconnect: %d to %q", time, answer.Code, where)
		}
	}
}
