package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers/fake"
	"example.com/oauthbyhand/providers/fake/demo"
	"example.com/oauthbyhand/providers/fake/faults"
	"example.com/oauthbyhand/providers/registered"
	"github.com/google/go-cmp/cmp"
)

// TestSignIn is one whole sign-in, as a browser sees it: read this one first.
func TestSignIn(t *testing.T) {
	// The browser's internet, in memory: the app, and the fake provider's pages. The app
	// reaches the provider through another one, which package demo makes.
	base, _ := url.Parse("http://localhost:8080")
	log := slog.New(slog.DiscardHandler)
	provider, err := demo.New("http://127.0.0.1:9000", base)
	if err != nil {
		t.Fatal(err)
	}
	_, app, err := newApp(config{base: base}, provider, provider.Providers, account.NewMemory(), make([]byte, 32), log, nil)
	if err != nil {
		t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Transport: fake.Net{
		"localhost:8080": app,
		"127.0.0.1:9000": provider.Handler,
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
	base    *url.URL
	demo    *demo.Demo
	net     fake.Net
	browser *http.Client
	log     *bytes.Buffer
}

func newWorld(t *testing.T, baseURL string) *world {
	t.Helper()
	base, err := url.Parse(baseURL)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, base: base, net: fake.Net{}, log: new(bytes.Buffer)}
	w.browser = w.newBrowser()
	w.restart(account.NewMemory(), bytes.Repeat([]byte{1}, 32))
	return w
}

// restart starts the app and the fake again, which forgets everything.
func (w *world) restart(store account.Store, key []byte) {
	w.t.Helper()
	var err error
	if w.demo, err = demo.New("http://127.0.0.1:9000", w.base); err != nil {
		w.t.Fatal(err)
	}
	w.net["127.0.0.1:9000"] = w.demo.Handler
	w.start(store, key)
}

// start starts the app again.
func (w *world) start(store account.Store, key []byte) {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.log, nil))
	_, app, err := newApp(config{base: w.base}, w.demo, w.demo.Providers, store, key, log, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.net[w.base.Host] = app
}

// rewire gives a provider's client another way to the provider.
func (w *world) rewire(name string, way func(fake.Net) http.RoundTripper) {
	w.t.Helper()
	i := slices.IndexFunc(w.demo.Providers, func(p registered.Provider) bool { return p.Name == name })
	p := &w.demo.Providers[i]
	if err := p.Connect("demo-"+name, secretOf(*p), p.RedirectURI(w.base), way(w.demo.Handler.(*faults.Server).Honest.Net())); err != nil {
		w.t.Fatal(err)
	}
}

func secretOf(p registered.Provider) string {
	if p.Client1 != nil {
		return p.Client1.Secret
	}
	return p.Client.Secret
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

// fetch is do with one more header. No page with a form may hide the Origin of what the form
// sends: a browser without Sec-Fetch-Site would be refused.
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
	if bytes.Contains(body, []byte("<form")) && response.Header.Get("Referrer-Policy") == "no-referrer" {
		w.t.Errorf("%s has a form, whose Origin is null", response.Request.URL.Path)
	}
	return page{response.StatusCode, response.Request.URL.String(), response.Header, string(body)}
}

func (w *world) get(rawURL string) page { w.t.Helper(); return w.do("GET", rawURL, nil) }

// begin goes to the provider's consent page.
func (w *world) begin(provider string) page {
	w.t.Helper()
	p := w.get(w.base.String() + "/login/" + provider)
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

// press presses the button of a form on the page.
func (w *world) press(path string) page {
	w.t.Helper()
	return w.do("POST", w.base.String()+path, nil)
}

// connect connects an account to the user who is signed in.
func (w *world) connect(provider, user string) page {
	w.t.Helper()
	consent := w.press("/connect/" + provider)
	return w.answer(consent, user, "allow", scopesOf(consent)...)
}

var (
	checkbox   = regexp.MustCompile(`name="scope" value="([^"]*)"`)
	definition = regexp.MustCompile(`(?s)<dt>([^<]*)</dt><dd>(.*?)</dd>`)
	tag        = regexp.MustCompile(`<[^>]*>`)
	heading    = regexp.MustCompile(`<h3>([^<]*) <span`)
)

func scopesOf(consent page) (scopes []string) {
	for _, match := range checkbox.FindAllStringSubmatch(consent.body, -1) {
		scopes = append(scopes, match[1])
	}
	return scopes
}

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

// accounts are the providers that the profile page lists.
func (p page) accounts() (titles []string) {
	for _, m := range heading.FindAllStringSubmatch(p.body, -1) {
		titles = append(titles, m[1])
	}
	return titles
}

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
			"Name": "Ada Lovelace", "E-mail": "ada@example.com Facebook does not say that it is verified", "Provider": "Facebook",
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
			"Name": "Ada Lovelace", "E-mail": "ada@example.com Spotify does not say that it is verified", "Provider": "Spotify",
			"Subject":      "acct5PpXlSRuTdGnqY0b1Ada Spotify's permanent name for this user",
			"Scopes asked": "user-read-email", "Scopes granted": "user-read-email",
		},
		reply:   "https://api.spotify.com/v1/me",
		refusal: map[string]string{"Error": "access_denied"},
	},
	"oidc": {
		facts: map[string]string{
			"Name": "Ada Lovelace", "E-mail": "ada@example.com verified by OpenID Example", "Provider": "OpenID Example",
			"Subject":      "ada-1815 OpenID Example's permanent name for this user",
			"Scopes asked": "openid email profile", "Scopes granted": "email openid profile",
		},
		reply:   "https://openid.example/userinfo",
		refusal: map[string]string{"Error": "access_denied", "Description": "The user refused."},
	},
	"x2": {
		facts: map[string]string{
			"Name": "Ada Lovelace", "E-mail": "ada@example.com verified by X (OAuth 2.0)", "Provider": "X (OAuth 2.0)",
			"Subject":      "1795176000000000001 X (OAuth 2.0)'s permanent name for this user",
			"Scopes asked": "users.read tweet.read users.email offline.access", "Scopes granted": "offline.access tweet.read users.email users.read",
		},
		reply:   "https://api.x.com/2/users/me?user.fields=profile_image_url,confirmed_email",
		refusal: map[string]string{"Error": "access_denied"},
	},
	"x": {
		facts: map[string]string{
			"Name": "Ada Lovelace", "E-mail": "ada@example.com verified by X (OAuth 1.0a)", "Provider": "X (OAuth 1.0a)",
			"Subject": "1795176000000000001 X (OAuth 1.0a)'s permanent name for this user",
		},
		reply:   "https://api.x.com/1.1/account/verify_credentials.json?include_email=true&skip_status=true&include_entities=false",
		refusal: map[string]string{"Error": "denied"},
	},
}

func TestEachProviderIsTested(t *testing.T) {
	for _, p := range registered.All("") {
		if _, ok := allProviders[p.Name]; !ok {
			t.Errorf("%s is not in allProviders: what should its profile page show?", p.Name)
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
			w.press("/logout")
			if p := w.get("http://localhost:8080/profile"); p.url != "http://localhost:8080/?next=/profile" {
				t.Errorf("after signing out, /profile led to %s", p.url)
			}
		})
	}
}

// A sign-in sends the requests that the protocol needs, each once, and waits for nothing
// else. Showing the profile sends none. Only the first sign-in fetches metadata and keys.
func TestOneRequestAStep(t *testing.T) {
	const away = 80 * time.Millisecond
	for name, want := range map[string][]string{
		"google": {
			"GET accounts.google.com/.well-known/openid-configuration", "POST oauth2.googleapis.com/token",
			"GET www.googleapis.com/oauth2/v3/certs", "GET openidconnect.googleapis.com/v1/userinfo",
		},
		"github":    {"POST github.com/login/oauth/access_token", "GET api.github.com/user", "GET api.github.com/user/emails"},
		"facebook":  {"POST graph.facebook.com/v26.0/oauth/access_token", "GET graph.facebook.com/v26.0/me"},
		"instagram": {"POST api.instagram.com/oauth/access_token", "GET graph.instagram.com/v26.0/me"},
		"spotify":   {"POST accounts.spotify.com/api/token", "GET api.spotify.com/v1/me"},
		"oidc": {
			"GET openid.example/.well-known/openid-configuration", "POST openid.example/token",
			"GET openid.example/jwks", "GET openid.example/userinfo",
		},
		"x2": {"POST api.x.com/2/oauth2/token", "GET api.x.com/2/users/me"},
		"x":  {"POST api.x.com/oauth/request_token", "POST api.x.com/oauth/access_token", "GET api.x.com/1.1/account/verify_credentials.json"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "http://localhost:8080")
			var sent []string
			w.rewire(name, func(net fake.Net) http.RoundTripper { return far{net, away, &sent} })
			for range 2 {
				sent = nil
				begun := time.Now()
				w.signIn(name)
				w.get("http://localhost:8080/profile")
				w.get("http://localhost:8080/")
				if diff := cmp.Diff(want, sent); diff != "" {
					t.Errorf("the requests to %s (-want +got):\n%s", name, diff)
				}
				if took := time.Since(begun); took != time.Duration(len(want))*away {
					t.Errorf("%d requests to %s took %s, want %s for each", len(want), name, took, away)
				}
				want = slices.DeleteFunc(want, func(request string) bool {
					return strings.HasSuffix(request, "openid-configuration") || strings.HasSuffix(request, "certs") || strings.HasSuffix(request, "jwks")
				})
			}
		})
	}
}

// far is net with a delay before each answer, and a list of what was sent.
type far struct {
	fake.Net
	away time.Duration
	sent *[]string
}

func (f far) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.sent != nil {
		*f.sent = append(*f.sent, r.Method+" "+r.URL.Host+r.URL.Path)
	}
	select {
	case <-time.After(f.away):
		return f.Net.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestEachProviderRefused(t *testing.T) {
	for name, want := range allProviders {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "http://localhost:8080")
			refused := w.answer(w.begin(name), "ada", "refuse")
			if refused.status != 200 || !strings.Contains(refused.body, "You declined") {
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
	for name, kept := range map[string]string{"github": "", "facebook": "", "spotify": "", "x2": "", "oidc": "profile"} {
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
		"google": "ada@example.com Google does not say that it is verified",
		"oidc":   "ada@example.com OpenID Example does not say that it is verified",
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
	if p := w.answer(second, "ada", "allow", "user:email"); p.url != "http://localhost:8080/profile" || p.facts()["Provider"] != "GitHub" || !strings.Contains(p.body, "It was not used again") {
		t.Errorf("back and Allow again, signed in: %d at %s", p.status, p.url)
	}
	if !strings.Contains(w.log.String(), "check=attempt-unused") {
		t.Errorf("nothing of it in the log:\n%s", w.log)
	}
	w.do("POST", "http://localhost:8080/logout", nil)
	again := w.answer(second, "ada", "allow", "user:email")
	if again.status != 400 || again.check() != "attempt-unused" || !strings.Contains(again.body, "has already ended") {
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

// In each row something goes wrong on the browser's side, and the page must say what.
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
		"much too old": {
			reason: "after an hour the cookie is gone, too",
			do: func(w *world) page {
				callback := w.callbackURL("google")
				time.Sleep(time.Hour + time.Second)
				return w.get(callback)
			},
			check: "attempt-found", says: "more than an hour ago",
		},
		"restarted": {
			reason: "the key of the cookies is new with each start",
			do: func(w *world) page {
				callback := w.callbackURL("google")
				w.restart(account.NewMemory(), bytes.Repeat([]byte{2}, 32))
				return w.get(callback)
			},
			check: "attempt-opens", says: "restarted",
		},
		"no state": {
			reason: "a callback that anybody could have made",
			do:     func(w *world) page { return w.get(app + "/callback/google?code=x") },
			check:  "callback-state", says: "does not carry the state",
		},
		"an error without state": {
			reason: "it may be anybody's, and all the same people must learn what it says",
			do:     func(w *world) page { return w.get(app + "/callback/google?error=invalid_scope&error_description=100%") },
			check:  "callback-state", says: "<code>error=invalid_scope, and no state</code>",
		},
		"another provider": {
			reason: "mix-up: Google's callback at GitHub's address",
			do: func(w *world) page {
				return w.get(strings.Replace(w.callbackURL("google"), "/callback/google", "/callback/github", 1))
			},
			check: "attempt-client", says: "google",
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
				if !strings.Contains(w.log.String(), "check="+row.check) || strings.Contains(p.url, "invalid_scope") != strings.Contains(w.log.String(), "invalid_scope") {
					t.Errorf("the log does not name the check, or the error: %s", w.log)
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
			w.net[row.host] = w.net["localhost:8080"]
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

// With real credentials nothing of the demo can be reached, and the trace only if -trace
// asks for it.
func TestRealCredentials(t *testing.T) {
	for _, p := range registered.All("") {
		for _, variable := range p.Variables() {
			t.Setenv(variable, "")
		}
	}
	t.Setenv("GITHUB_CLIENT_ID", "id")
	t.Setenv("GITHUB_CLIENT_SECRET", "secret")
	base, _ := url.Parse("http://localhost:8080")
	all, err := registered.FromEnvironment(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, traced := range []bool{false, true} {
		var terminal bytes.Buffer
		_, app, err := newApp(config{base: base, trace: traced}, nil, all, account.NewMemory(), make([]byte, 32), slog.New(slog.DiscardHandler), &terminal)
		if err != nil {
			t.Fatal(err)
		}
		answer := func(method, path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			app.ServeHTTP(w, httptest.NewRequest(method, "http://localhost:8080"+path, nil))
			return w
		}
		want := map[string]int{
			"GET /": 200, "GET /break": 404, "POST /expire": 405, "GET /expire": 404, "GET /trace": 404,
			"GET /login/google": 404, "GET /login/github": 303, "GET /login/github~state-other": 404, "GET /callback/github~state-other": 404,
		}
		if traced {
			want["GET /trace"] = 200
		}
		got := make(map[string]int)
		for request := range want {
			method, path, _ := strings.Cut(request, " ")
			got[request] = answer(method, path).Code
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("traced: %t (-want +got):\n%s", traced, diff)
		}
		to, _ := url.Parse(answer("GET", "/login/github?fault=state-other").Header().Get("Location"))
		if to.Host != "github.com" || to.Path != "/login/oauth/authorize" {
			t.Errorf("/login/github leads to %s", to)
		}
		if printed := terminal.String(); strings.Contains(printed, "github.com") != traced || strings.Contains(printed, to.Query().Get("state")) {
			t.Errorf("traced: %t, printed, whole or not:\n%s", traced, printed)
		}
		home := answer("GET", "/?fault=state-other")
		for _, text := range []string{"imulated", "/break", "127.0.0.1:9000", "state that it was never given"} {
			if strings.Contains(home.Body.String(), text) || strings.Contains(home.Header().Get("Content-Security-Policy"), text) {
				t.Errorf("traced: %t: the home page holds %q", traced, text)
			}
		}
	}
}

// Another site can neither sign the user out nor put the app into a frame.
func TestOtherSites(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	profile := w.signIn("google")
	for _, path := range []string{"/logout", "/connect/github"} {
		if p := w.fetch("POST", "http://localhost:8080"+path, nil, "Sec-Fetch-Site", "cross-site"); p.status != 403 {
			t.Errorf("another site's POST %s: %d, want 403", path, p.status)
		}
	}
	if p := w.get("http://localhost:8080/profile"); p.url != "http://localhost:8080/profile" {
		t.Error("another site signed the user out")
	}
	got := make(map[string]string)
	for _, name := range []string{"Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control", "Strict-Transport-Security"} {
		got[name] = profile.header.Get(name)
	}
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; img-src 'self' https: http://127.0.0.1:9000",
		"X-Frame-Options":         "DENY",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "same-origin",
		"Cache-Control":           "no-store",

		"Strict-Transport-Security": "", // on https only
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got := w.get("http://localhost:8080/callback/google").header.Get("Referrer-Policy"); got != "strict-origin" {
		t.Errorf("Referrer-Policy of the callback: %q, want strict-origin: its URL holds a code", got)
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

// The cookies of a sign-in, whole. On https they are ones that only this host can set.
func TestCookies(t *testing.T) {
	for base, row := range map[string]struct{ prefix, secure, transport string }{
		"http://localhost:8080":  {"oauthbyhand-", "", ""},
		"https://localhost:8443": {"__Host-oauthbyhand-", " Secure;", "max-age=31536000"},
	} {
		w := newWorld(t, base)
		p := w.without(func() page { return w.get(base + "/login/google") })
		cookies := p.header.Values("Set-Cookie")
		if got := p.header.Get("Strict-Transport-Security"); got != row.transport {
			t.Errorf("Strict-Transport-Security: %q", got)
		}
		consent := w.begin("google")
		p = w.without(func() page { return w.answer(consent, "ada", "allow", "openid", "email") })
		p = w.without(func() page { return w.get(p.header.Get("Location")) })
		for _, cookie := range p.header.Values("Set-Cookie") {
			if strings.HasPrefix(cookie, row.prefix+"session=") {
				cookies = append(cookies, cookie)
			}
		}
		want := fmt.Sprintf(`^%[1]svisitor=[A-Z2-7]{26}; Path=/; Max-Age=43200; HttpOnly;%[2]s SameSite=Lax
%[1]sattempt-[A-Z2-7]{8}=[\w-]+; Path=/; Max-Age=3600; HttpOnly;%[2]s SameSite=Lax
%[1]ssession=[A-Z2-7]{52}; Path=/; Max-Age=43200; HttpOnly;%[2]s SameSite=Lax$`, row.prefix, row.secure)
		if got := strings.Join(cookies, "\n"); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("Set-Cookie:\n%s\nwant %s", got, want)
		}
		if got := w.signIn("google").url; got != base+"/profile" {
			t.Errorf("signing in led to %s", got)
		}
	}
}

// If a provider cannot be reached, the page says so at once, and no attempt begins.
func TestLoginOutOfReach(t *testing.T) {
	for _, name := range []string{"google", "x"} {
		w := newWorld(t, "http://localhost:8080")
		w.rewire(name, func(fake.Net) http.RoundTripper { return fake.Net{} })
		p := w.without(func() page { return w.get("http://localhost:8080/login/" + name) })
		if p.status != 502 || p.check() != "reply-received" || strings.Contains(fmt.Sprint(p.header), "attempt") {
			t.Errorf("%s: %d, check %q, %v", name, p.status, p.check(), p.header)
		}
	}
}

// A provider that is gone in the middle of a sign-in: no user, no session.
func TestGoneDuringSignIn(t *testing.T) {
	for path, name := range map[string]string{"/oauth/access_token": "x", "/1.1/account/verify_credentials.json": "x", "/token": "google", "/userinfo": "google"} {
		w := newWorld(t, "http://localhost:8080")
		w.rewire(name, func(net fake.Net) http.RoundTripper { return without{net, path} })
		p := w.answer(w.begin(name), "ada", "allow", "openid")
		if p.status != 502 || p.check() != "reply-received" || len(w.browser.Jar.Cookies(w.base)) != 1 {
			t.Errorf("%s: %d, check %q, cookies %v", path, p.status, p.check(), w.browser.Jar.Cookies(w.base))
		}
	}
}

// without is a way to a provider that has no such path.
type without struct {
	net  fake.Net
	path string
}

func (w without) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, w.path) {
		return nil, errors.New("connection refused")
	}
	return w.net.RoundTrip(r)
}

// The link on a button keeps a path of this app, and nothing else.
func TestHomeNext(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	for next, want := range map[string]bool{"/mine.example": true, "https://mine.example": false, "//mine.example": false} {
		if p := w.get("http://localhost:8080/?next=" + next); strings.Contains(p.body, "mine.example") != want {
			t.Errorf("next=%s: kept %t", next, !want)
		}
	}
}

// The log says of each sign-in whether the user, and the account at the provider, are new.
func TestLogOfSignIns(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	if p := w.signIn("google"); strings.Contains(p.body, "Connected:") {
		t.Errorf("nothing was connected:\n%s", p.body)
	}
	w.connect("github", "ada")
	w.signIn("google")
	var got []string
	for line := range strings.Lines(w.log.String()) {
		if _, what, ok := strings.Cut(line, `msg="signed in" `); ok {
			got = append(got, regexp.MustCompile(`(subject|user)=\S+ `).ReplaceAllString(strings.TrimSpace(what), ""))
		}
	}
	want := []string{
		`provider=https://accounts.google.com "new user"=true "new identity"=true`,
		`provider=github "new user"=false "new identity"=true`,
		`provider=https://accounts.google.com "new user"=false "new identity"=false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, w.log)
	}
}

// What the app says when it starts, and what it does with a wrong key.
func TestRunStarts(t *testing.T) {
	const simulated = "Open http://localhost:‹port› in a browser.\nIts providers are simulated, at http://127.0.0.1:‹port›: no account, no key, no network.\n"
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	github := map[string]string{"GITHUB_CLIENT_ID": "x", "GITHUB_CLIENT_SECRET": "y"}
	for name, row := range map[string]struct {
		args      []string
		env       map[string]string
		out, fail string
	}{
		"no credentials":             {args: []string{"-addr", "localhost:0", "-fake-addr", "127.0.0.1:0"}, out: simulated},
		"all interfaces":             {args: []string{"-addr", ":0", "-fake-addr", "127.0.0.1:0"}, out: simulated},
		"-fake":                      {args: []string{"-addr", "localhost:0", "-fake-addr", "127.0.0.1:0", "-fake"}, env: github, out: simulated},
		"a base URL":                 {args: []string{"-addr", "localhost:0", "-fake-addr", "127.0.0.1:0", "-base-url", "http://localhost:1"}, out: strings.Replace(simulated, "‹port›", "1", 1)},
		"real, in public":            {args: []string{"-addr", "localhost:0", "-base-url", "https://app.example"}, env: github, out: "Open https://app.example in a browser.\nGitHub must know this callback URL, to the letter: https://app.example/callback/github\n"},
		"a port that is taken":       {args: []string{"-addr", taken.Addr().String(), "-fake-addr", "127.0.0.1:0"}, fail: "-addr " + taken.Addr().String() + ": listen tcp "},
		"a port that is taken, real": {args: []string{"-addr", taken.Addr().String()}, env: github, fail: "-addr " + taken.Addr().String() + ": listen tcp "},
		"an unknown flag":            {args: []string{"-nothing"}, fail: "flag provided but not defined: -nothing"},
		"real":                       {args: []string{"-addr", "localhost:0", "-base-url", "http://localhost:1"}, env: github, out: "Open http://localhost:1 in a browser.\nGitHub must know this callback URL, to the letter: http://localhost:1/callback/github\n"},
		"real, -trace":               {args: []string{"-addr", "localhost:0", "-base-url", "http://localhost:1", "-trace"}, env: github, out: "Open http://localhost:1 in a browser.\nGitHub must know this callback URL, to the letter: http://localhost:1/callback/github\n"},
		"no place to listen":         {args: []string{"-addr", "192.0.2.1:0", "-base-url", "http://localhost:1"}, fail: "-addr 192.0.2.1:0: listen tcp 192.0.2.1:0: "},
		"nor for the fake":           {args: []string{"-addr", "localhost:0", "-fake-addr", "192.0.2.1:0"}, fail: "-fake-addr 192.0.2.1:0: listen tcp 192.0.2.1:0: "},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range registered.All("") {
				for _, variable := range p.Variables() {
					t.Setenv(variable, row.env[variable])
				}
			}
			stopped, stop := context.WithCancel(t.Context())
			stop()
			var out, log bytes.Buffer
			err := run(stopped, row.args, &out, &log)
			if row.fail != "" && (err == nil || !strings.HasPrefix(err.Error(), row.fail)) || row.fail == "" && err != nil {
				t.Errorf("got %v, want %s", err, row.fail)
			}
			got := regexp.MustCompile(`:\d{2,}`).ReplaceAllString(out.String(), ":‹port›")
			if diff := cmp.Diff(row.out, got); diff != "" || row.fail == "" && log.Len() > 0 {
				t.Errorf("(-want +got)\n%s\nlogged %q", diff, log.String())
			}
		})
	}
	if _, _, err := newApp(config{base: new(url.URL)}, nil, nil, account.NewMemory(), []byte("short"), slog.New(slog.DiscardHandler), nil); err == nil || err.Error() != "oauth: root key of 5 bytes, want 32" {
		t.Errorf("a short key: %v", err)
	}
}

// Accounts of simulated providers and of real ones are not kept in one place.
func TestRunKeepsApart(t *testing.T) {
	for _, p := range registered.All("") {
		for _, variable := range p.Variables() {
			t.Setenv(variable, "")
		}
	}
	t.Setenv("GITHUB_CLIENT_ID", "x")
	t.Setenv("GITHUB_CLIENT_SECRET", "y")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	real := []string{"-addr", "localhost:0", "-base-url", "http://localhost:1"}
	simulated := append(real, "-fake", "-fake-addr", "127.0.0.1:0")
	for says, args := range map[string][][]string{
		"accounts of real providers, and now they are simulated": {real, simulated},
		"accounts of simulated providers, and now they are real": {simulated, real},
	} {
		data := []string{"-data", t.TempDir() + "/data"}
		if err := run(stopped, append(data, args[0]...), io.Discard, io.Discard); err != nil {
			t.Fatal(err)
		}
		if err := run(stopped, append(data, args[1]...), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q after %q: %v", args[1], args[0], err)
		}
	}
}

// Without flags all is simulated if there are no credentials, and nothing is printed of sign-ins.
func TestDefaults(t *testing.T) {
	got, err := parseFlags(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := config{addr: "localhost:8080", fakeAddr: "127.0.0.1:9000", base: &url.URL{Scheme: "http", Host: "localhost:8080"}, given: map[string]bool{}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	w := newWorld(t, "http://localhost:8080")
	var terminal bytes.Buffer
	_, app, err := newApp(config{base: w.base}, w.demo, w.demo.Providers, account.NewMemory(), make([]byte, 32), slog.New(slog.DiscardHandler), &terminal)
	if err != nil {
		t.Fatal(err)
	}
	w.net[w.base.Host] = app
	if w.signIn("google"); terminal.Len() > 0 {
		t.Errorf("printed:\n%s", terminal.String())
	}
}

// What a shell sees: the exit status, and one line of the reason. The test runs itself, as
// the program.
func TestExitStatus(t *testing.T) {
	if args, ok := os.LookupEnv("ARGS_OF_MAIN"); ok {
		os.Args = append(os.Args[:1], strings.Fields(args)...)
		main()
		os.Exit(0)
	}
	for args, want := range map[string]struct {
		status int
		says   string
	}{
		"-h":       {0, "Usage of oauthbyhand:"},
		"-nothing": {2, "flag provided but not defined: -nothing"},
		"serve":    {2, "unexpected argument \"serve\""},
		"-addr x":  {1, "oauthbyhand: -addr \"x\": want host:port, like localhost:8080"},
	} {
		child := exec.Command(os.Args[0], "-test.run=^TestExitStatus$")
		child.Env = append(os.Environ(), "ARGS_OF_MAIN="+args)
		out, _ := child.CombinedOutput()
		line, rest, _ := strings.Cut(string(out), "\n")
		if got := child.ProcessState.ExitCode(); got != want.status || line != want.says {
			t.Errorf("%s: status %d and %q, want %d and %q", args, got, line, want.status, want.says)
		}
		if usage := strings.Count(string(out), "-base-url URL"); usage != 1 && want.status != 1 || usage > 0 && want.status == 1 {
			t.Errorf("%s: the flags are shown %d times:\n%s", args, usage, rest)
		}
	}
	if runtime.GOOS == "windows" {
		return // it has no SIGTERM
	}
	child := exec.Command(os.Args[0], "-test.run=^TestExitStatus$")
	child.Env = append(os.Environ(), "ARGS_OF_MAIN=-fake -addr localhost:0 -fake-addr 127.0.0.1:0")
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "Open ") {
		t.Errorf("it says %q, %v", line, err)
	}
	child.Process.Signal(syscall.SIGTERM)
	if err := child.Wait(); err != nil {
		t.Errorf("a service manager's SIGTERM: %v", err)
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
		for _, p := range w.demo.Providers {
			secrets = append(secrets, secretOf(p))
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

// A wrong flag or variable gives one line that names it.
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
			want: `OIDC_ISSUER: oauth: oidc: issuer or token endpoint "http://op.example": http://op.example is not https; plain http is for this machine only (OIDC Discovery §3; RFC 6749 §3.2)`,
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
			want: "SESSION_KEY: want 64 hexadecimal digits; make them with: openssl rand -hex 32",
		},
		"data in a place that is none": {
			args: []string{"-data", "go.mod/data"},
			want: "-data go.mod/data: mkdir go.mod: " + syscall.ENOTDIR.Error(), // in the words of each system
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
			for _, p := range registered.All("") {
				for _, variable := range p.Variables() {
					t.Setenv(variable, row.env[variable])
				}
			}
			t.Setenv("SESSION_KEY", row.env["SESSION_KEY"])
			stopped, stop := context.WithCancel(t.Context())
			stop() // if it starts all the same, it ends at once
			err := run(stopped, row.args, io.Discard, io.Discard)
			if err == nil || err.Error() != row.want {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
}

// Sign-ins that are begun and never finished leave nothing in the store: the browser
// remembers them.
func TestBegunAndNeverFinished(t *testing.T) {
	w := newWorld(t, "http://localhost:8080")
	w.start(brokenStore{account.NewMemory()}, make([]byte, 32)) // each write would fail
	for range 1000 {
		answer := httptest.NewRecorder()
		w.net["localhost:8080"].ServeHTTP(answer, httptest.NewRequest("GET", "http://localhost:8080/login/google", nil))
		if answer.Code != http.StatusSeeOther {
			t.Fatalf("%d\n%s", answer.Code, answer.Body)
		}
	}
}

// TestConnectAsSomebodyElse: the user who comes back must be the one who left.
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
			var sent []string
			w.rewire("github", func(net fake.Net) http.RoundTripper { return far{net, 0, &sent} })
			consent := w.press("/connect/github")
			between(w)
			p := w.answer(consent, "ada", "allow")
			if len(sent) > 0 {
				t.Errorf("the code was sent all the same: %s", sent)
			}
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
	w.signIn("google")
	if p := w.connect("github", "ada"); !strings.Contains(p.body, "Connected: you can now sign in with GitHub as well") {
		t.Errorf("connected, and the page does not say so: %d\n%s", p.status, p.body)
	}
}

// The provider takes its time while an account is being connected. If the user signs out
// everywhere meanwhile, with another browser, the account is not connected.
func TestSignedOutWhileConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "http://localhost:8080")
		w.rewire("github", func(net fake.Net) http.RoundTripper { return far{net, 4 * time.Second, nil} })
		w.signIn("google")
		phone := *w
		phone.browser = w.newBrowser()
		phone.signIn("google")
		consent := w.press("/connect/github")
		go func() {
			time.Sleep(2 * time.Second)
			phone.press("/logout/everywhere")
		}()
		p := w.answer(consent, "ada", "allow", scopesOf(consent)...)
		if p.status != 400 || p.check() != "attempt-user" {
			t.Errorf("%d at %s, check %q, want 400 by attempt-user", p.status, p.url, p.check())
		}
		if p := w.signIn("google"); len(p.accounts()) != 1 {
			t.Errorf("connected all the same: %v", p.accounts())
		}
	})
}

// An account is disconnected while a request about it is under way, or before a callback whose
// answer was lost is delivered again. That is no mistake of the app, and nobody is signed in.
func TestDisconnectedMeanwhile(t *testing.T) {
	for name, row := range map[string]struct {
		status    int
		says      string
		meanwhile func(w *world) page
	}{
		"before the callback comes again": {409, "was disconnected here meanwhile", func(w *world) page {
			consent := w.begin("google")
			back := w.without(func() page { return w.answer(consent, "ada", "allow", scopesOf(consent)...) }).header.Get("Location")
			cookies := w.browser.Jar.Cookies(w.base)
			w.get(back)
			w.press("/disconnect")
			w.browser.Jar.SetCookies(w.base, cookies) // of the attempt: the answer was lost
			return w.get(back)
		}},
		"while the profile is read again": {200, "not connected any more", func(w *world) page {
			w.signIn("google")
			w.rewire("google", func(net fake.Net) http.RoundTripper { return far{net, 4 * time.Second, nil} })
			tab := *w
			tab.browser = &http.Client{Jar: w.browser.Jar, Transport: w.net}
			go func() {
				time.Sleep(2 * time.Second)
				tab.press("/disconnect")
			}()
			return w.press("/read")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "http://localhost:8080")
				p := row.meanwhile(w)
				if p.status != row.status || !strings.Contains(p.body, row.says) || strings.Contains(w.log.String(), "level=ERROR") {
					t.Errorf("%d at %s\n%s\n%s", p.status, p.url, p.body, w.log)
				}
				if p := w.get("http://localhost:8080/profile"); len(p.accounts()) != 0 {
					t.Errorf("signed in with %v", p.accounts())
				}
				if p := w.get("http://localhost:8080/trace"); strings.Contains(p.body, ": read again") {
					t.Error("the trace says that the profile was read")
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// A provider that hangs keeps a button waiting for 15 seconds, also the one that disconnects,
// which asks it twice: for a live token, and to revoke that. The account is forgotten all the same.
func TestHangingProvider(t *testing.T) {
	for _, button := range []string{"/read", "/refresh", "/disconnect"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "http://localhost:8080")
			w.signIn("github")
			w.press("/expire")
			w.rewire("github", func(net fake.Net) http.RoundTripper { return far{net, time.Hour, nil} })
			begun := time.Now()
			p := w.press(button)
			if took := time.Since(begun); took > 15*time.Second || p.status >= 500 && p.status != 502 {
				t.Errorf("%s: %d after %s", button, p.status, took)
			}
			if kept := len(w.get("http://localhost:8080/profile").accounts()) == 1; kept != (button != "/disconnect") {
				t.Errorf("%s: the account is kept: %t", button, kept)
			}
		})
	}
}

// A browser that brings a callback again and goes away is no error of the app, and a repeated
// callback tells nobody else that an account was connected to them.
func TestCallbackTwiceBySomebodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "http://localhost:8080")
		w.signIn("google")
		consent := w.press("/connect/github")
		back := w.without(func() page { return w.answer(consent, "ada", "allow", scopesOf(consent)...) }).header.Get("Location")
		cookies := w.browser.Jar.Cookies(w.base)
		w.get(back)
		w.press("/logout")
		w.get("http://localhost:8080/") // which says so
		consent = w.begin("google")
		w.answer(consent, "mallory", "allow", scopesOf(consent)...)
		for _, c := range cookies {
			if strings.Contains(c.Name, "attempt-") {
				w.browser.Jar.SetCookies(w.base, []*http.Cookie{c})
			}
		}
		if p := w.get(back); len(p.accounts()) != 1 || strings.Contains(p.body, "Connected:") {
			t.Errorf("%d at %s\n%s", p.status, p.url, p.body)
		}

		r, err := http.NewRequest("GET", back, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		leave()
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w.net["localhost:8080"].ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
		if strings.Contains(w.log.String(), "level=ERROR") {
			t.Errorf("%s", w.log)
		}
		time.Sleep(time.Minute)
	})
}

// The user is impatient, or the answer is lost: one browser delivers one callback twice. Both
// lead to the same place with a session each, and the code is sent once. The steps have 15
// seconds, and need no browser that waits for them.
func TestCallbackTwice(t *testing.T) {
	for name, tt := range map[string]struct {
		provider string
		away     time.Duration // how far the provider is
		after    time.Duration // from the first delivery to the second
		status   int
		check    string
	}{
		"at once":              {"google", 3 * time.Second, 0, 303, ""},
		"under way":            {"google", 3 * time.Second, time.Second, 303, ""},
		"OAuth 1.0a":           {"x", 3 * time.Second, 4 * time.Second, 303, ""},
		"connecting":           {"github", 3 * time.Second, time.Second, 303, ""},
		"after a lost answer":  {"google", 0, time.Minute - 1, 303, ""},
		"too late":             {"google", 0, 76 * time.Second, 400, "attempt-unused"},
		"a provider too slow":  {"google", 6 * time.Second, time.Second, 502, "reply-received"},
		"slow, and a late one": {"google", 6 * time.Second, 20 * time.Second, 502, "reply-received"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "http://localhost:8080")
				login, connects := "GET", tt.provider == "github"
				path := "/login/"
				if connects {
					w.signIn("google")
					login, path = "POST", "/connect/"
				}
				consent := w.do(login, w.base.String()+path+tt.provider, nil)
				back := w.without(func() page { return w.answer(consent, "ada", "allow", scopesOf(consent)...) })
				var sent []string
				w.rewire(tt.provider, func(net fake.Net) http.RoundTripper { return far{net, tt.away, &sent} })
				r := httptest.NewRequest("GET", back.header.Get("Location"), nil)
				for _, c := range w.browser.Jar.Cookies(r.URL) {
					r.AddCookie(c)
				}
				answers := []*httptest.ResponseRecorder{httptest.NewRecorder(), httptest.NewRecorder()}
				go func() {
					ctx, leave := context.WithTimeout(t.Context(), time.Second)
					defer leave()
					w.net["localhost:8080"].ServeHTTP(answers[0], r.WithContext(ctx))
				}()
				synctest.Wait()
				time.Sleep(tt.after)
				w.net["localhost:8080"].ServeHTTP(answers[1], r)
				time.Sleep(20 * time.Second) // the first ends, too
				synctest.Wait()

				second := page{answers[1].Code, "", answers[1].Header(), answers[1].Body.String()}
				if second.status != tt.status || second.check() != tt.check {
					t.Errorf("the second delivery: %d, check %q, want %d, %q", second.status, second.check(), tt.status, tt.check)
				}
				codes := slices.DeleteFunc(sent, func(request string) bool { return !strings.HasPrefix(request, "POST") })
				if len(codes) != 1 {
					t.Errorf("the code was sent by %q, want one request", codes)
				}
				if tt.status != http.StatusSeeOther {
					return
				}
				ids := make(map[string]bool)
				for _, answer := range answers {
					if to := answer.Header().Get("Location"); to != "/profile" {
						t.Errorf("an answer leads to %q", to)
					}
					for _, c := range answer.Result().Cookies() {
						w.browser.Jar.SetCookies(w.base, []*http.Cookie{c})
						if strings.HasSuffix(c.Name, "-session") {
							ids[c.Value] = true
							if p := w.get("http://localhost:8080/profile"); len(p.accounts()) != 1 {
								t.Errorf("with this session: %d at %s", p.status, p.url)
							}
						}
					}
				}
				// Now the answer has arrived, and the browser comes once more.
				p := w.get(r.URL.String())
				if p.url != "http://localhost:8080/profile" || !strings.Contains(p.body, "has already ended") {
					t.Errorf("a third delivery: %d at %s", p.status, p.url)
				}
				if want := map[bool][]int{false: {2, 1}, true: {0, 2}}[connects]; len(ids) != want[0] || len(p.accounts()) != want[1] {
					t.Errorf("%d new sessions with %d accounts, want %v", len(ids), len(p.accounts()), want)
				}
			})
		})
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
		use := func(s account.Store) { w.start(s, make([]byte, 32)) }
		use(store)
		w.signIn("google")
		use(brokenStore{store})
		time.Sleep(30 * time.Minute) // so that the session's last use would be noted
		if p := w.get("http://localhost:8080/profile"); p.status != 200 {
			t.Errorf("the profile of who is signed in: %d", p.status)
		}
		for _, path := range []string{"/logout", "/logout/everywhere"} {
			cookies := w.browser.Jar.Cookies(w.base)
			if p := w.press(path); p.status != 500 || !strings.Contains(p.body, "This did not work") {
				t.Errorf("%s: %d\n%s", path, p.status, p.body)
			}
			w.browser.Jar.SetCookies(w.base, cookies)
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
	w := newWorld(t, "http://localhost:8080")
	dir := filepath.Join(t.TempDir(), "data")
	store, key, err := account.Open(dir, true, "")
	if err != nil {
		t.Fatal(err)
	}
	w.start(store, key)
	w.signIn("google")
	w.connect("github", "ada")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	if store, key, err = account.Open(dir, true, ""); err != nil {
		t.Fatal(err)
	}
	w.restart(store, key)
	p := w.get("http://localhost:8080/profile")
	if d := cmp.Diff([]string{"Google", "GitHub"}, p.accounts()); d != "" || p.status != 200 || p.facts()["Name"] != "Ada Lovelace" {
		t.Errorf("after the restart, %d: %s", p.status, d)
	}
	// The fake has forgotten all tokens, as a provider may.
	if p := w.press("/read"); p.status != 200 || !strings.Contains(p.body, "Please sign in with Google again") {
		t.Errorf("read again, %d\n%s", p.status, p.body)
	}
	if p := w.connect("google", "ada"); p.status != 200 || len(p.accounts()) != 2 {
		t.Errorf("signed in again: %d, %v", p.status, p.accounts())
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	for want, row := range map[string]struct {
		simulated  bool
		sessionKey string
	}{
		": it holds accounts of simulated providers, and now they are real: take another directory": {false, ""},
		": SESSION_KEY, or the file key in it, is not the key under which it was sealed":            {true, strings.Repeat("0", 64)},
	} {
		if _, _, err := account.Open(dir, row.simulated, row.sessionKey); err == nil || err.Error() != "-data "+dir+want {
			t.Errorf("got  %v\nwant -data %s%s", err, dir, want)
		}
	}
}

// The demo also stands around this app: a fault of each kind is stopped, and the page says
// what was tried. All of them are in providers/fake/demo.
func TestFaultsAroundThisApp(t *testing.T) {
	for client, check := range map[string]string{
		"google~state-prefix":       "callback-state",
		"google~nonce-wrong":        "claim-nonce",
		"google~userinfo-sub-other": "userinfo-sub",
		"x~o1-verifier-missing":     "callback-verifier",
	} {
		w := newWorld(t, "http://localhost:8080")
		p := w.get("http://localhost:8080/login/" + client)
		if strings.HasPrefix(p.url, "http://127.0.0.1:9000/") {
			p = w.answer(p, "ada", "allow", scopesOf(p)...)
		}
		if p.check() != check || !strings.Contains(p.body, "What was tried") {
			t.Errorf("%s: check %q, want %q, and what was tried:\n%s", client, p.check(), check, p.body)
		}
	}
}
