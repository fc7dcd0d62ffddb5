package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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
	"example.com/oauthbyhand/providers/registered"
	"github.com/google/go-cmp/cmp"
)

// TestSignIn is one whole sign-in, as a browser sees it: read this one first.
func TestSignIn(t *testing.T) {
	// The browser's internet is in memory. It has the app and the fake provider's pages. The app
	// reaches the provider through another such internet, which package demo makes.
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

	// 1: the button leads to the provider's page.
	consent, err := browser.Get("http://localhost:8080/login/google")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := consent.Request.URL.Host+consent.Request.URL.Path, "127.0.0.1:9000/accounts.google.com/o/oauth2/v2/auth"; got != want {
		t.Fatalf("the browser is at %s, want %s", got, want)
	}
	// On that page the user picks an account and presses Allow. The provider sends the browser
	// back (2). The app exchanges the code for tokens (3), verifies the ID token (4), reads the
	// profile (5), and shows it.
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
		t.Errorf("the page does not show the user's e-mail address:\n%s", page)
	}
}

const base = "http://localhost:8080"

// world is an internet in memory with the app, the fake and one browser.
type world struct {
	t       *testing.T
	base    *url.URL
	demo    *demo.Demo
	net     fake.Net
	browser *http.Client
	log     *bytes.Buffer
	printed *bytes.Buffer
}

func newWorld(t *testing.T, baseURL string) *world {
	t.Helper()
	base := must(url.Parse(baseURL))
	w := &world{t: t, base: base, net: fake.Net{}, log: new(bytes.Buffer), printed: new(bytes.Buffer)}
	w.browser = w.newBrowser()
	w.start(account.NewMemory(), bytes.Repeat([]byte{1}, 32))
	return w
}

// start starts the app and a new fake provider, which knows nothing of earlier sign-ins.
func (w *world) start(store account.Store, key []byte) {
	w.t.Helper()
	w.demo = must(demo.New("http://127.0.0.1:9000", w.base))
	log := slog.New(slog.NewTextHandler(w.log, nil))
	_, app, err := newApp(config{base: w.base}, w.demo, w.demo.Providers, store, key, log, w.printed)
	if err != nil {
		w.t.Fatal(err)
	}
	w.net["127.0.0.1:9000"], w.net[w.base.Host] = w.demo.Handler, app
}

// rewire gives the app's client of a provider the transport that way returns.
func (w *world) rewire(name string, way func(fake.Net) http.RoundTripper) {
	w.t.Helper()
	i := slices.IndexFunc(w.demo.Providers, func(p registered.Provider) bool { return p.Name == name })
	p, secret := &w.demo.Providers[i], ""
	if p.Client1 != nil {
		secret = p.Client1.Secret
	} else {
		secret = p.Client.Secret
	}
	honest := w.demo.Handler.Honest.Net()
	if err := p.Connect("demo-"+name, secret, p.RedirectURI(w.base), way(honest)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) newBrowser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, Transport: w.net}
}

// page is the last page that a browser reached.
type page struct {
	status int
	url    string
	header http.Header
	body   string
}

// do sends a request as from a page of this site ("same-origin") or another ("cross-site"). It
// also checks that no page with a form has Referrer-Policy no-referrer: a browser would send
// the form with Origin: null, and without Sec-Fetch-Site the app would refuse it.
func (w *world) do(method, rawURL string, form url.Values, site string) page {
	w.t.Helper()
	request := must(http.NewRequest(method, rawURL, strings.NewReader(form.Encode())))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", site)
	response := must(w.browser.Do(request))
	body := must(io.ReadAll(response.Body))
	if bytes.Contains(body, []byte("<form")) && response.Header.Get("Referrer-Policy") == "no-referrer" {
		w.t.Errorf("%s has a form, whose Origin is null", response.Request.URL.Path)
	}
	return page{response.StatusCode, response.Request.URL.String(), response.Header, string(body)}
}

// wantSignedOut checks that nobody is signed in: then /profile redirects to the home page.
func (w *world) wantSignedOut(when string) {
	w.t.Helper()
	wantEqual(w.t, w.base.String()+"/?next=/profile", w.get(w.base.String()+"/profile").url, when+": /profile asks to sign in")
}

// wantPage checks the status of a page, and that it says these words.
func (w *world) wantPage(p page, status int, words, reason string) {
	w.t.Helper()
	if p.status != status || !strings.Contains(p.body, words) {
		w.t.Errorf("%s: %d at %s, want %d and %q\n%s\n%s", reason, p.status, p.url, status, words, p.body, w.log)
	}
}

func wantEqual[T any](t *testing.T, want, got T, reason string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%swhy: %s", diff, reason)
	}
}

func (w *world) get(rawURL string) page { w.t.Helper(); return w.do("GET", rawURL, nil, "same-origin") }

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
	return w.do("POST", consent.url, url.Values{"user": {user}, "decision": {decision}, "scope": scopes}, "same-origin")
}

// noRedirects runs f in a browser that follows no redirects.
func (w *world) noRedirects(f func() page) page {
	w.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { w.browser.CheckRedirect = nil }()
	return f()
}

// signIn signs Ada in, who allows all scopes.
func (w *world) signIn(provider string) page {
	w.t.Helper()
	consent := w.begin(provider)
	return w.answer(consent, "ada", "allow", scopesOf(consent)...)
}

// press presses the button of a form on the page.
func (w *world) press(rawURL string) page {
	w.t.Helper()
	return w.do("POST", rawURL, nil, "same-origin")
}

// connect connects an account to the user who is signed in.
func (w *world) connect(provider, user string) page {
	w.t.Helper()
	consent := w.press(w.base.String() + "/connect/" + provider)
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

// allProviders has, for each provider, what the profile page shows about Ada, a URL whose reply
// is on that page, and what the page after a denial shows.
var allProviders = map[string]struct {
	email, subject, asked, granted, reply string
	refusal                               map[string]string
}{
	"google": {"ada@example.com verified by Google", "110248495921238986420", "openid email profile",
		"https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile openid",
		"https://openidconnect.googleapis.com/v1/userinfo", map[string]string{"Error": "access_denied"}},
	"github": {"ada@example.com verified by GitHub", "990000001", "user:email", "user:email",
		"https://api.github.com/user/emails", map[string]string{
			"Error": "access_denied", "Description": "The user has denied your application access.",
			"More at": "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-authorization-request-errors/#access-denied"}},
	"facebook": {"ada@example.com Facebook does not say that it is verified", "10223334445556667", "public_profile email", "email public_profile",
		"https://graph.facebook.com/v26.0/me?fields=id,name,email,picture",
		map[string]string{"Error": "access_denied", "Reason": "user_denied", "Description": "Permissions error"}},
	"instagram": {"not given", "17841405793187218", "instagram_business_basic", "instagram_business_basic",
		"https://graph.instagram.com/v26.0/me?fields=id,user_id,username,name,account_type,profile_picture_url",
		map[string]string{"Error": "access_denied", "Reason": "user_denied", "Description": "The user denied your request"}},
	"spotify": {"ada@example.com Spotify does not say that it is verified", "acct5PpXlSRuTdGnqY0b1Ada", "user-read-email", "user-read-email",
		"https://api.spotify.com/v1/me", map[string]string{"Error": "access_denied"}},
	"oidc": {"ada@example.com verified by OpenID Example", "ada-1815", "openid email profile", "email openid profile",
		"https://openid.example/userinfo", map[string]string{"Error": "access_denied", "Description": "The user refused."}},
	"x2": {"ada@example.com verified by X (OAuth 2.0)", "1795176000000000001",
		"users.read tweet.read users.email offline.access", "offline.access tweet.read users.email users.read",
		"https://api.x.com/2/users/me?user.fields=profile_image_url,confirmed_email", map[string]string{"Error": "access_denied"}},
	"x": {"ada@example.com verified by X (OAuth 1.0a)", "1795176000000000001", "", "",
		"https://api.x.com/1.1/account/verify_credentials.json?include_email=true&skip_status=true&include_entities=false",
		map[string]string{"Error": "denied"}},
}

// The user first declines, then signs in and allows all scopes, and then signs out.
func TestEachProvider(t *testing.T) {
	for _, p := range registered.All("https://openid.example") {
		t.Run(p.Name, func(t *testing.T) {
			w, want := newWorld(t, base), allProviders[p.Name]
			refused := w.answer(w.begin(p.Name), "ada", "refuse")
			w.wantPage(refused, 200, "You declined", "a friendly page")
			wantEqual(t, want.refusal, refused.facts(), "the reasons on it")
			w.wantSignedOut("after a refusal")
			profile := w.signIn(p.Name)
			facts := map[string]string{"Name": "Ada Lovelace", "E-mail": want.email, "Provider": p.Title, "Subject": want.subject + " " + p.Title + "'s permanent name for this user"}
			if want.asked != "" {
				facts["Scopes asked"], facts["Scopes granted"] = want.asked, want.granted
			}
			w.wantPage(profile, 200, html.EscapeString(want.reply), "where the profile is from")
			wantEqual(t, base+"/profile", profile.url, "where the browser is")
			wantEqual(t, facts, profile.facts(), "what the profile says")
			if strings.Contains(profile.body, "Connected:") || w.printed.Len() > 0 {
				t.Errorf("nothing was connected, and without -trace nothing is printed:\n%s\n%s", profile.body, w.printed)
			}
			w.wantPage(w.get(base+"/"), 200, "Hello, Ada Lovelace", "the home page greets the user")
			w.press(base + "/logout")
			w.wantSignedOut("after signing out")
		})
	}
}

// A sign-in sends the requests that the protocol needs, each once, and waits for nothing
// else. Showing the profile sends none. Only the first sign-in fetches metadata and keys. The
// requests to the other providers are in testdata/wire.
func TestOneRequestAStep(t *testing.T) {
	const away = 80 * time.Millisecond
	for name, want := range map[string][]string{
		"google": {
			"GET accounts.google.com/.well-known/openid-configuration", "POST oauth2.googleapis.com/token",
			"GET www.googleapis.com/oauth2/v3/certs", "GET openidconnect.googleapis.com/v1/userinfo",
		},
		"github": {"POST github.com/login/oauth/access_token", "GET api.github.com/user", "GET api.github.com/user/emails"},
		"x":      {"POST api.x.com/oauth/request_token", "POST api.x.com/oauth/access_token", "GET api.x.com/1.1/account/verify_credentials.json"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, base)
			var sent []string
			w.rewire(name, func(net fake.Net) http.RoundTripper { return far{net, away, "", &sent} })
			for range 2 {
				sent = nil
				begun := time.Now()
				w.signIn(name)
				w.get(base + "/profile")
				w.get(base + "/")
				wantEqual(t, want, sent, "the requests to "+name)
				wantEqual(t, time.Duration(len(want))*away, time.Since(begun), "the time of the requests to "+name)
				want = slices.DeleteFunc(want, func(request string) bool {
					return strings.HasSuffix(request, "openid-configuration") || strings.HasSuffix(request, "certs")
				})
			}
		})
	}
}

// far is a net that answers after a delay. It does not answer at paths that end in gone. It
// lists in sent what was sent.
type far struct {
	fake.Net
	away time.Duration
	gone string
	sent *[]string
}

func (f far) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.sent != nil {
		*f.sent = append(*f.sent, r.Method+" "+r.URL.Host+r.URL.Path)
	}
	if f.gone != "" && strings.HasSuffix(r.URL.Path, f.gone) {
		return nil, errors.New("connection refused")
	}
	select {
	case <-time.After(f.away):
		return f.Net.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// back allows all scopes, and returns the callback's URL, to which the provider sends the browser.
func (w *world) back(consent page) string {
	w.t.Helper()
	p := w.noRedirects(func() page { return w.answer(consent, "ada", "allow", scopesOf(consent)...) })
	if p.status != http.StatusSeeOther {
		w.t.Fatalf("the provider answered %d", p.status)
	}
	return p.header.Get("Location")
}

// The app keeps a return path on the buttons and through the sign-in, but only a path of its own.
func TestReturnPath(t *testing.T) {
	for next, kept := range map[string]bool{"/?a=b": true, "//evil.example": false} {
		w, query, want := newWorld(t, base), "?next="+url.QueryEscape(next), base+"/profile"
		if kept {
			want = base + next
		}
		wantEqual(t, kept, strings.Contains(w.get(base+"/"+query).body, "/login/github?next="), next+" is on the buttons")
		wantEqual(t, want, w.answer(w.get(base+"/login/github"+query), "ada", "allow", "user:email").url, "where "+next+" leads")
	}
}

func TestMethodsAndUnknownPages(t *testing.T) {
	w := newWorld(t, base)
	for _, row := range []struct {
		method, path string
		status       int
	}{
		{"HEAD", "/", 200}, {"HEAD", "/login/google", 405}, {"HEAD", "/callback/google", 405}, {"HEAD", "/profile", 405},
		{"POST", "/login/google", 405}, {"GET", "/logout", 404},
		{"GET", "/login/myspace", 404}, {"GET", "/callback/myspace", 404}, {"GET", "/nothing", 404}, {"GET", "/login/..%2Fgoogle", 404},
		{"GET", "/static/style.css", 200}, {"GET", "/static/favicon.svg", 200},
	} {
		p := w.noRedirects(func() page { return w.do(row.method, base+row.path, nil, "same-origin") })
		wantEqual(t, row.status, p.status, row.method+" "+row.path)
	}
}

// With real credentials nothing of the demo can be reached, and the trace only if -trace
// asks for it.
func TestRealCredentials(t *testing.T) {
	setenv(t, github)
	at, _ := url.Parse(base)
	all := must(registered.FromEnvironment(at))
	for _, traced := range []bool{false, true} {
		var terminal bytes.Buffer
		_, app, err := newApp(config{base: at, trace: traced}, nil, all, account.NewMemory(), make([]byte, 32), slog.New(slog.DiscardHandler), &terminal)
		if err != nil {
			t.Fatal(err)
		}
		answer := func(method, path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			app.ServeHTTP(w, httptest.NewRequest(method, "http://localhost:8080"+path, nil))
			return w
		}
		for request, want := range map[string]int{
			"GET /": 200, "GET /break": 404, "POST /expire": 405, "GET /expire": 404, "GET /trace": map[bool]int{false: 404, true: 200}[traced],
			"GET /login/google": 404, "GET /login/github": 303, "GET /login/github~state-other": 404, "GET /callback/github~state-other": 404,
		} {
			method, path, _ := strings.Cut(request, " ")
			wantEqual(t, want, answer(method, path).Code, fmt.Sprintf("traced: %t: %s", traced, request))
		}
		to, _ := url.Parse(answer("GET", "/login/github?fault=state-other").Header().Get("Location"))
		wantEqual(t, "github.com/login/oauth/authorize", to.Host+to.Path, "where /login/github leads")
		if printed := terminal.String(); strings.Contains(printed, "github.com") != traced || strings.Contains(printed, to.Query().Get("state")) {
			t.Errorf("traced: %t: want the request printed only if traced, without the state:\n%s", traced, printed)
		}
		home := answer("GET", "/?fault=state-other")
		for _, text := range []string{"imulated", "/break", "127.0.0.1:9000", "state that it was never given"} {
			if strings.Contains(home.Body.String(), text) || strings.Contains(home.Header().Get("Content-Security-Policy"), text) {
				t.Errorf("traced: %t: the home page holds %q", traced, text)
			}
		}
	}
}

// Another site cannot sign the user out or put the app into a frame. Under another host name the
// app only says or redirects to the right one: a sign-in that begins there could not end.
func TestOtherSites(t *testing.T) {
	w := newWorld(t, base)
	profile := w.signIn("google")
	for _, path := range []string{"/logout", "/connect/github"} {
		w.wantPage(w.do("POST", base+path, nil, "cross-site"), 403, "", "another site's POST "+path)
	}
	wantEqual(t, base+"/profile", w.get(base+"/profile").url, "another site does not sign the user out")
	for _, host := range []string{"evil.example", "127.0.0.1:8080"} {
		w.net[host] = w.net["localhost:8080"]
		if p := w.press("http://" + host + "/logout"); p.status != 421 || !strings.Contains(p.body, host) || !strings.Contains(p.body, base) {
			t.Errorf("a button at %s: %d, want 421 and a page with both hosts\n%s", host, p.status, p.body)
		}
	}
	wantEqual(t, base+"/?a=b", w.get("http://127.0.0.1:8080/?a=b").url, "the app at 127.0.0.1 redirects to the same page at its base URL")
	for name, want := range map[string]string{
		"Content-Security-Policy":   "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; img-src 'self' https: http://127.0.0.1:9000",
		"X-Frame-Options":           "DENY",
		"X-Content-Type-Options":    "nosniff",
		"Referrer-Policy":           "same-origin",
		"Cache-Control":             "no-store",
		"Strict-Transport-Security": "", // on https only
	} {
		wantEqual(t, want, profile.header.Get(name), name)
	}
	wantEqual(t, "strict-origin", w.get(base+"/callback/google").header.Get("Referrer-Policy"), "the callback's URL holds a code")
}

// All cookies of a sign-in, with their attributes. On https only this host can set such cookies.
func TestCookies(t *testing.T) {
	for base, row := range map[string]struct{ prefix, secure, transport string }{
		"http://localhost:8080":  {"oauthbyhand-", "", ""},
		"https://localhost:8443": {"__Host-oauthbyhand-", " Secure;", "max-age=31536000"},
	} {
		w := newWorld(t, base)
		p := w.noRedirects(func() page { return w.get(base + "/login/google") })
		cookies := p.header.Values("Set-Cookie")
		wantEqual(t, row.transport, p.header.Get("Strict-Transport-Security"), "Strict-Transport-Security at "+base)
		callback := w.back(w.begin("google"))
		for _, cookie := range w.noRedirects(func() page { return w.get(callback) }).header.Values("Set-Cookie") {
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
		wantEqual(t, base+"/profile", w.signIn("google").url, "where signing in leads")
	}
}

// A step that fails ends the sign-in: there is no user and no session, and the page says what
// failed. All faults are in providers/fake/demo, which has an app of its own.
func TestEachStepFails(t *testing.T) {
	for _, row := range []struct{ client, gone, check string }{ // gone is the path at which the provider does not answer
		{"google", "/openid-configuration", "reply-received"},
		{"google~state-prefix", "", "callback-state"},
		{"google", "/token", "reply-received"},
		{"google~nonce-wrong", "", "claim-nonce"},
		{"google~userinfo-sub-other", "", "userinfo-sub"},
		{"x", "/oauth/request_token", "reply-received"},
		{"x~o1-verifier-missing", "", "callback-verifier"},
		{"x", "/oauth/access_token", "reply-received"},
		{"x", "/1.1/account/verify_credentials.json", "reply-received"},
	} {
		w := newWorld(t, base)
		if row.gone != "" {
			w.rewire(row.client, func(net fake.Net) http.RoundTripper { return far{net, 0, row.gone, nil} })
		}
		p := w.get(base + "/login/" + row.client)
		if strings.HasPrefix(p.url, "http://127.0.0.1:9000/") {
			p = w.answer(p, "ada", "allow", scopesOf(p)...)
		}
		if p.check() != row.check || p.status < 400 || strings.Contains(p.body, "What was tried") != (row.gone == "") || !strings.Contains(w.log.String(), "check="+row.check) {
			t.Errorf("%v: %d, check %q; the page and the log:\n%s\n%s", row, p.status, p.check(), p.body, w.log)
		}
		w.wantSignedOut(row.client)
	}
}

// setenv sets the pairs, and no other credentials.
func setenv(t *testing.T, pairs string) {
	t.Setenv("SESSION_KEY", "")
	for _, p := range registered.All("") {
		for _, variable := range p.Variables() {
			t.Setenv(variable, "")
		}
	}
	for pair := range strings.FieldsSeq(pairs) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

// start starts the app and stops it at once. It returns what was printed and logged.
func start(t *testing.T, env, args string) (printed, logged string, err error) {
	setenv(t, env)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	var out, log bytes.Buffer
	err = run(stopped, strings.Fields(args), &out, &log)
	return out.String(), log.String(), err
}

const (
	github  = "GITHUB_CLIENT_ID=x GITHUB_CLIENT_SECRET=y"
	anyPort = "-addr localhost:0 -fake-addr 127.0.0.1:0 "
)

// What the app says when it starts.
func TestRunStarts(t *testing.T) {
	const simulated = "Open http://localhost:‹port› in a browser.\nIts providers are simulated, at http://127.0.0.1:‹port›: no account, no key, no network.\n"
	const real = "Open http://localhost:1 in a browser.\nRegister exactly this callback URL at GitHub: http://localhost:1/callback/github\n"
	for name, row := range map[string]struct{ env, args, want string }{
		"no credentials":  {"", anyPort, simulated},
		"all interfaces":  {"", "-addr :0 -fake-addr 127.0.0.1:0", simulated},
		"-fake":           {github, anyPort + "-fake", simulated},
		"a base URL":      {"", anyPort + "-base-url http://localhost:1", strings.Replace(simulated, "‹port›", "1", 1)},
		"real, in public": {github, "-addr localhost:0 -base-url https://app.example", strings.ReplaceAll(real, "http://localhost:1", "https://app.example")},
		"real":            {github, "-addr localhost:0 -base-url http://localhost:1", real},
		"real, -trace":    {github, "-addr localhost:0 -base-url http://localhost:1 -trace", real},
	} {
		t.Run(name, func(t *testing.T) {
			printed, logged, err := start(t, row.env, row.args)
			if diff := cmp.Diff(row.want, regexp.MustCompile(`:\d{2,}`).ReplaceAllString(printed, ":‹port›")); diff != "" || logged != "" || err != nil {
				t.Errorf("%v (-want +got)\n%s\nlogged %q", err, diff, logged)
			}
		})
	}
}

// A wrong flag or variable gives one line that names it.
func TestRunRefuses(t *testing.T) {
	taken := must(net.Listen("tcp", "127.0.0.1:0"))
	defer taken.Close()
	at := taken.Addr().String()
	const (
		google = "GOOGLE_CLIENT_ID=x GOOGLE_CLIENT_SECRET=y"
		oidc   = "OIDC_CLIENT_ID=x OIDC_CLIENT_SECRET=y "
	)
	for name, row := range map[string]struct{ env, args, want string }{
		"no client secret":             {"GOOGLE_CLIENT_ID=x", "", "GOOGLE_CLIENT_SECRET is not set: set all of GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, or none"},
		"no issuer":                    {oidc, "", "OIDC_ISSUER is not set: set all of OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_ISSUER, or none"},
		"issuer on http":               {oidc + "OIDC_ISSUER=http://op.example", "", `OIDC_ISSUER: oauth: oidc: issuer or token endpoint "http://op.example": http://op.example is not https; plain http is only for an app or a provider on this machine (OIDC Discovery §3; RFC 6749 §3.2)`},
		"issuer twice":                 {oidc + "OIDC_ISSUER=https://accounts.google.com " + google, "", "OIDC_ISSUER: https://accounts.google.com is already the issuer of Google, and two providers must not share an issuer (RFC 9207 §4)"},
		"base URL on http":             {"", "-base-url http://app.example", "-base-url http://app.example: plain http is for localhost only; take https://app.example"},
		"base URL with an empty query": {"", "-base-url https://app.example?", `-base-url "https://app.example?": want a scheme and a host, like https://app.example.com`},
		"base URL with a path":         {"", "-base-url https://app.example/app", `-base-url "https://app.example/app": want a scheme and a host, like https://app.example.com`},
		"the fake in public":           {"", "-fake -base-url https://app.example", "there are no credentials, and the fake provider must never meet real users: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or another provider's, or take a -base-url on localhost instead of https://app.example"},
		"Spotify on localhost":         {"SPOTIFY_CLIENT_ID=x SPOTIFY_CLIENT_SECRET=y", "", "Spotify takes no callback URLs at http://localhost:8080: start with -base-url http://127.0.0.1:8080, or unset SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET"},
		"Instagram on http":            {"INSTAGRAM_CLIENT_ID=x INSTAGRAM_CLIENT_SECRET=y", "", "Instagram takes no callback URLs at http://localhost:8080: put a proxy with TLS in front, and start with -base-url https://localhost:8080, or unset INSTAGRAM_CLIENT_ID and INSTAGRAM_CLIENT_SECRET"},
		"a key in the wrong form":      {"SESSION_KEY=secret", anyPort, "SESSION_KEY: want 64 hexadecimal digits; make them with: openssl rand -hex 32"},
		"data under a file":            {"", anyPort + "-data go.mod/data", "-data go.mod/data: mkdir go.mod: " + syscall.ENOTDIR.Error()}, // in the words of each system
		"an address without a port":    {"", "-addr localhost", `-addr "localhost": want host:port, like localhost:8080`},
		"an argument":                  {"", "serve", `unexpected argument "serve"`},
		"an unknown flag":              {"", "-nothing", "flag provided but not defined: -nothing"},
		"real, any port":               {github, "-addr localhost:00", "-addr: name a port: with port 0 nobody knows which callback URL to register"},
		"a port that is taken":         {"", "-fake-addr 127.0.0.1:0 -addr " + at, "-addr " + at + ": listen tcp …"},
		"a port that is taken, real":   {github, "-addr " + at, "-addr " + at + ": listen tcp …"},
		"no place to listen":           {"", "-addr 192.0.2.1:0 -base-url http://localhost:1", "-addr 192.0.2.1:0: listen tcp 192.0.2.1:0: …"},
		"no place for the fake":        {"", "-addr localhost:0 -fake-addr 192.0.2.1:0", "-fake-addr 192.0.2.1:0: listen tcp 192.0.2.1:0: …"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := start(t, row.env, row.args)
			begins, open := strings.CutSuffix(row.want, "…") // the rest is in the words of each system
			if err == nil || err.Error() != row.want && !(open && strings.HasPrefix(err.Error(), begins)) {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
	_, _, err := newApp(config{base: new(url.URL)}, nil, nil, account.NewMemory(), []byte("short"), slog.New(slog.DiscardHandler), nil)
	wantEqual(t, "oauth: root key of 5 bytes, want 32", fmt.Sprint(err), "a short key")
	// A data directory cannot have accounts of both simulated and real providers.
	const real, simulated = "-addr localhost:0 -base-url http://localhost:1 -data ", "-fake -fake-addr 127.0.0.1:0 -addr localhost:0 -base-url http://localhost:1 -data "
	for says, args := range map[string][2]string{
		"accounts of real providers, and this run has simulated ones": {real, simulated},
		"accounts of simulated providers, and this run has real ones": {simulated, real},
	} {
		data := t.TempDir() + "/data"
		if _, _, err := start(t, github, args[0]+data); err != nil {
			t.Fatal(err)
		}
		if _, _, err := start(t, github, args[1]+data); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q after %q: %v", args[1], args[0], err)
		}
	}
}

// The values of the flags, if the command line has none.
func TestDefaults(t *testing.T) {
	got := must(parseFlags(nil, io.Discard))
	want := config{addr: "localhost:8080", fakeAddr: "127.0.0.1:9000", base: &url.URL{Scheme: "http", Host: "localhost:8080"}, given: map[string]bool{}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A shell sees the exit status, and one line with the reason. The test binary starts itself as
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
	out := must(child.StdoutPipe())
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "Open ") {
		t.Errorf("it says %q, %v", line, err)
	}
	child.Process.Signal(syscall.SIGTERM)
	if err := child.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit status 0", err)
	}
}

// Only the user who asked to connect an account can finish it. If another user is signed in at the
// callback, the app does not even send the code. The attack connect-swapped is about a user who
// has signed out.
func TestConnectAsSomebodyElse(t *testing.T) {
	w := newWorld(t, base)
	wantEqual(t, base+"/?next=/profile", w.press(base+"/connect/github").url, "where connecting leads if nobody is signed in")
	w.signIn("google")
	var sent []string
	w.rewire("github", func(net fake.Net) http.RoundTripper { return far{net, 0, "", &sent} })
	consent := w.press(base + "/connect/github")
	w.answer(w.begin("spotify"), "mallory", "allow")
	p := w.answer(consent, "ada", "allow")
	if p.status != 400 || p.check() != "attempt-user" || len(sent) > 0 {
		t.Errorf("%d, check %q, want 400 by attempt-user; sent %q, want nothing", p.status, p.check(), sent)
	}
	if strings.Contains(p.body, "/login/github") {
		t.Error("the page offers to sign in with GitHub, which would make a new user of this account")
	}
	w.wantPage(w.connect("github", "ada"), 200, "Connected: you can now sign in with GitHub as well", "the signed-in user connects the account")
}

// While the app connects an account, the provider is slow, and the user signs out everywhere with
// another browser. Then the app does not connect the account.
func TestSignedOutWhileConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, base)
		w.rewire("github", func(net fake.Net) http.RoundTripper { return far{net, 4 * time.Second, "", nil} })
		w.signIn("google")
		phone := *w
		phone.browser = w.newBrowser()
		phone.signIn("google")
		consent := w.press(base + "/connect/github")
		go func() {
			time.Sleep(2 * time.Second)
			phone.press(base + "/logout/everywhere")
		}()
		p := w.answer(consent, "ada", "allow", scopesOf(consent)...)
		if p.status != 400 || p.check() != "attempt-user" {
			t.Errorf("%d at %s, check %q, want 400 by attempt-user", p.status, p.url, p.check())
		}
		wantEqual(t, []string{"Google"}, w.signIn("google").accounts(), "nothing is connected after the user signed out")
	})
}

// The answer to a callback is lost, and the user disconnects the account. Then the browser brings
// the callback again. It is not signed in, and the log has no error.
func TestDisconnectedBeforeTheCallbackComesAgain(t *testing.T) {
	w := newWorld(t, base)
	back := w.back(w.begin("google"))
	cookies := w.browser.Jar.Cookies(w.base)
	w.get(back)
	w.press(base + "/disconnect")
	w.browser.Jar.SetCookies(w.base, cookies) // the attempt's cookie is back, as if the answer was lost
	if p := w.get(back); p.status != 409 || !strings.Contains(p.body, "was disconnected here meanwhile") || strings.Contains(w.log.String(), "level=ERROR") {
		t.Errorf("%d at %s\n%s\n%s", p.status, p.url, p.body, w.log)
	}
	w.wantSignedOut("after the account was disconnected")
}

// A user connects an account. Then another user of the same browser brings that callback again.
// The page does not tell the second user that an account was connected. If the browser goes away
// meanwhile, the log has no error.
func TestCallbackTwiceBySomebodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, base)
		w.signIn("google")
		back := w.back(w.press(base + "/connect/github"))
		cookies := w.browser.Jar.Cookies(w.base)
		w.get(back)
		w.press(base + "/logout")
		w.answer(w.begin("google"), "mallory", "allow")
		for _, c := range cookies {
			if strings.Contains(c.Name, "attempt-") {
				w.browser.Jar.SetCookies(w.base, []*http.Cookie{c})
			}
		}
		if p := w.get(back); len(p.accounts()) != 1 || strings.Contains(p.body, "Connected:") {
			t.Errorf("%d at %s\n%s", p.status, p.url, p.body)
		}

		r := httptest.NewRequest("GET", back, nil)
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

// The provider is slow, and one browser brings one callback twice, and once more after the answers
// were lost. All answers redirect to the same page and show the same trace, each with a session, and
// the app sends the code once. The steps go on although the first request ends. More tests of this are in oauth/once_test.go.
func TestCallbackTwice(t *testing.T) {
	for _, tt := range []struct {
		method, path, provider string
		sessions, accounts     int
	}{{"GET", "/login/", "google", 3, 1}, {"GET", "/login/", "x", 3, 1}, {"POST", "/connect/", "github", 0, 2}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, base)
			if tt.method == "POST" {
				w.signIn("google")
			}
			back := w.back(w.do(tt.method, base+tt.path+tt.provider, nil, "same-origin"))
			var sent []string
			w.rewire(tt.provider, func(net fake.Net) http.RoundTripper { return far{net, 3 * time.Second, "", &sent} })
			r := httptest.NewRequest("GET", back, nil)
			for _, c := range w.browser.Jar.Cookies(r.URL) {
				r.AddCookie(c)
			}
			answers := []*httptest.ResponseRecorder{httptest.NewRecorder(), httptest.NewRecorder(), httptest.NewRecorder()}
			ctx, leave := context.WithCancel(t.Context())
			go w.net["localhost:8080"].ServeHTTP(answers[0], r.WithContext(ctx))
			time.Sleep(time.Second)
			go w.net["localhost:8080"].ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx)) // this one is given up while it waits
			time.Sleep(time.Second)
			leave()
			w.net["localhost:8080"].ServeHTTP(answers[1], r)
			w.net["localhost:8080"].ServeHTTP(answers[2], r)
			synctest.Wait()
			if codes := slices.DeleteFunc(sent, func(request string) bool { return !strings.HasPrefix(request, "POST") }); len(codes) != 1 {
				t.Errorf("%s: the code was sent by %q, want one request", tt.provider, codes)
			}
			ids := make(map[string]bool)
			for _, answer := range answers {
				wantEqual(t, "/profile", answer.Header().Get("Location"), tt.provider+": where an answer leads")
				for _, c := range answer.Result().Cookies() {
					w.browser.Jar.SetCookies(w.base, []*http.Cookie{c})
					if strings.HasSuffix(c.Name, "-visitor") && strings.Contains(w.get(base+"/trace").body, "Nothing to see yet") {
						t.Errorf("%s: the visitor's cookie of an answer shows nothing", tt.provider)
					}
					if strings.HasSuffix(c.Name, "-session") {
						ids[c.Value] = true
						wantEqual(t, 1, len(w.get(base+"/profile").accounts()), tt.provider+": accounts with this session")
					}
				}
			}
			if p := w.get(base + "/trace"); strings.Contains(p.body, "It ended here") {
				t.Errorf("%s: a delivery that was given up is called a failure:\n%s", tt.provider, p.body)
			}
			// Now the answer has arrived, and the browser comes once more.
			p := w.get(r.URL.String())
			if p.url != base+"/profile" || !strings.Contains(p.body, "has already ended") || !strings.Contains(w.log.String(), "check=attempt-unused") {
				t.Errorf("%s: a third delivery: %d at %s\n%s", tt.provider, p.status, p.url, w.log)
			}
			wantEqual(t, tt.sessions, len(ids), tt.provider+": new sessions")
			wantEqual(t, tt.accounts, len(p.accounts()), tt.provider+": accounts")
		})
	}
}

// brokenStore is on a disk that is full, or read-only.
type brokenStore struct{ account.Store }

var errDisk = errors.New("no space left on device")

func (brokenStore) AddIdentity(context.Context, account.Identity) error { return errDisk }
func (brokenStore) AddSession(context.Context, account.Session) error   { return errDisk }
func (brokenStore) RemoveSession(context.Context, string) error         { return errDisk }
func (brokenStore) RemoveSessions(context.Context, string) error        { return errDisk }
func (brokenStore) SeeSession(context.Context, string, time.Time) error { return errDisk }

// If the app cannot store something, it answers with an error page. It still shows what is
// stored.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, base)
		store := account.NewMemory()
		w.start(store, make([]byte, 32))
		w.signIn("google")
		w.start(brokenStore{store}, make([]byte, 32))
		time.Sleep(30 * time.Minute) // so that the session's last use would be noted
		w.wantPage(w.get(base+"/profile"), 200, "", "the profile of the signed-in user")
		for _, path := range []string{"/logout", "/logout/everywhere"} {
			cookies := w.browser.Jar.Cookies(w.base)
			w.wantPage(w.press(base+path), 500, "This did not work", path)
			w.browser.Jar.SetCookies(w.base, cookies)
		}
		w.wantPage(w.connect("github", "ada"), 500, "Something went wrong in this app itself", "connecting")
		w.browser = w.newBrowser()
		if p := w.signIn("spotify"); p.status != 500 || !strings.Contains(w.log.String(), errDisk.Error()) {
			t.Errorf("signing in: %d", p.status)
		}
		w.start(store, make([]byte, 32))
		w.wantPage(w.signIn("spotify"), 200, "", "after the disk has space again")
	})
}

// With -data, users, tokens and sessions are there after a restart. For each sign-in, the log says
// whether the user is new, and whether the account at the provider is new.
func TestRestart(t *testing.T) {
	w := newWorld(t, base)
	dir := filepath.Join(t.TempDir(), "data")
	for _, again := range []bool{false, true} {
		store, key, err := account.Open(dir, true, "")
		if err != nil {
			t.Fatal(err)
		}
		w.start(store, key) // the fake has forgotten all tokens, as a provider may
		if !again {
			w.signIn("google")
			w.connect("github", "ada")
		} else if p := w.get(base + "/profile"); !cmp.Equal(p.accounts(), []string{"Google", "GitHub"}) || p.facts()["Name"] != "Ada Lovelace" {
			t.Errorf("after the restart, %d: %v", p.status, p.accounts())
		} else if p := w.press(base + "/read"); p.status != 200 || !strings.Contains(p.body, "Please sign in with Google again") {
			t.Errorf("read again, %d\n%s", p.status, p.body)
		} else if p := w.connect("google", "ada"); p.status != 200 || len(p.accounts()) != 2 {
			t.Errorf("signed in again: %d, %v", p.status, p.accounts())
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := regexp.MustCompile(`"new user".*`).FindAllString(w.log.String(), -1)
	want := []string{`"new user"=true "new identity"=true`, `"new user"=false "new identity"=true`, `"new user"=false "new identity"=false`}
	wantEqual(t, want, got, "the log")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// untimed is a provider whose time a benchmark does not count. It keeps all requests and
// replies.
type untimed struct {
	b         *testing.B
	provider  http.RoundTripper
	exchanges []exchange
}

type exchange struct {
	request *http.Request
	answer  *http.Response
	body    []byte
}

func (u *untimed) RoundTrip(r *http.Request) (*http.Response, error) {
	u.b.StopTimer()
	defer u.b.StartTimer()
	answer := must(u.provider.RoundTrip(r))
	body := must(io.ReadAll(answer.Body))
	u.exchanges = append(u.exchanges, exchange{r, answer, body})
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// replay sends the kept replies in their order, again and again.
type replay struct {
	exchanges []exchange
	next      int
}

func (p *replay) RoundTrip(r *http.Request) (*http.Response, error) {
	e := p.exchanges[p.next%len(p.exchanges)]
	p.next++
	answer := *e.answer
	answer.Body, answer.Request = io.NopCloser(bytes.NewReader(e.body)), r
	return &answer, nil
}

// bench is the app with Google. Its method signIn is a whole sign-in: /login, the user at the
// provider (without counting the time), and /callback with the token request, the ID token, the
// profile and the session. The fields hold the latest one.
type bench struct {
	*testing.B
	app             http.Handler
	google          *untimed
	callback        *http.Request
	login, finished *httptest.ResponseRecorder
}

// newBench returns the app after one sign-in, which has fetched the metadata and the keys.
func newBench(b *testing.B) *bench {
	at := must(url.Parse(base))
	all := registered.All("")[:1]
	client := fake.Client{Provider: "google", ID: "app", Secret: "secret", RedirectURIs: []string{all[0].RedirectURI(at)}}
	google := &untimed{b: b, provider: fake.New(fake.Options{Clients: []fake.Client{client}}).Net()}
	if err := all[0].Connect("app", "secret", all[0].RedirectURI(at), google); err != nil {
		b.Fatal(err)
	}
	_, app, err := newApp(config{base: at}, nil, all, account.NewMemory(), make([]byte, 32), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		b.Fatal(err)
	}
	w := &bench{B: b, app: app, google: google}
	w.signIn()
	b.ReportAllocs()
	return w
}

func (b *bench) signIn() {
	b.google.exchanges = nil
	b.login = httptest.NewRecorder()
	b.app.ServeHTTP(b.login, httptest.NewRequest("GET", base+"/login/google", nil))

	b.StopTimer()
	user := url.Values{"user": {"ada"}, "decision": {"allow"}, "scope": {"email", "profile"}}
	form := must(http.NewRequest("POST", b.login.Header().Get("Location"), strings.NewReader(user.Encode())))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	allowed := must(b.google.provider.RoundTrip(form))
	b.callback = httptest.NewRequest("GET", allowed.Header.Get("Location"), nil)
	b.callback.Header.Set("Cookie", b.login.Header().Get("Set-Cookie"))
	b.StartTimer()

	b.finished = httptest.NewRecorder()
	b.app.ServeHTTP(b.finished, b.callback)
	if b.finished.Code != http.StatusSeeOther {
		b.Fatalf("%d: %s", b.finished.Code, b.finished.Body)
	}
}

// BenchmarkSignIn measures a whole sign-in with Google, without the provider's work. Compare it
// with BenchmarkSignInFloor of the same run.
func BenchmarkSignIn(b *testing.B) {
	w := newBench(b)
	for b.Loop() {
		w.signIn()
	}
}

// BenchmarkSignInFloor measures what no app can leave out. It moves the same bytes as
// BenchmarkSignIn through net/http, verifies the signature of the ID token, and does nothing else.
func BenchmarkSignInFloor(b *testing.B) {
	w := newBench(b)
	w.signIn()
	var reply struct {
		IDToken string `json:"id_token"`
	}
	exchanges := w.google.exchanges
	if err := json.Unmarshal(exchanges[0].body, &reply); err != nil || len(exchanges) != 2 {
		b.Fatal(err, len(exchanges))
	}
	dot := strings.LastIndexByte(reply.IDToken, '.')
	signature := must(base64.RawURLEncoding.DecodeString(reply.IDToken[dot+1:]))
	_, signer := fake.SigningKey("RS256")
	key := signer.Public().(*rsa.PublicKey)

	client := &http.Client{Transport: &replay{exchanges: exchanges}}
	answer := func(w http.ResponseWriter, recorded *httptest.ResponseRecorder) {
		maps.Copy(w.Header(), recorded.Header())
		w.WriteHeader(recorded.Code)
		w.Write(recorded.Body.Bytes())
	}
	handler := http.NewServeMux()
	handler.HandleFunc("GET /login/google", func(to http.ResponseWriter, r *http.Request) { answer(to, w.login) })
	handler.HandleFunc("GET /callback/google", func(to http.ResponseWriter, r *http.Request) {
		for _, e := range exchanges {
			request := e.request.Clone(r.Context())
			if request.GetBody != nil {
				request.Body = must(request.GetBody())
			}
			response := must(client.Do(request))
			must(io.ReadAll(response.Body))
			response.Body.Close()
		}
		hash := sha256.Sum256([]byte(reply.IDToken[:dot]))
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature); err != nil {
			b.Fatal(err)
		}
		answer(to, w.finished)
	})
	for b.Loop() {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", base+"/login/google", nil))
		callback := httptest.NewRequest("GET", w.callback.URL.String(), nil)
		callback.Header = w.callback.Header
		handler.ServeHTTP(httptest.NewRecorder(), callback)
	}
}

// BenchmarkProfile measures the profile page after a sign-in.
func BenchmarkProfile(b *testing.B) {
	w := newBench(b)
	request := httptest.NewRequest("GET", base+"/profile", nil)
	for _, c := range w.finished.Result().Cookies() {
		request.AddCookie(c)
	}
	for b.Loop() {
		page := httptest.NewRecorder()
		w.app.ServeHTTP(page, request)
		if page.Code != http.StatusOK {
			b.Fatalf("%d: %s", page.Code, page.Body)
		}
	}
}
