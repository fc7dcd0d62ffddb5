package demo_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers/fake"
	"example.com/oauthbyhand/providers/fake/demo"
	"example.com/oauthbyhand/providers/registered"
	"example.com/oauthbyhand/templates"
	"example.com/oauthbyhand/templates/pages"
	"example.com/oauthbyhand/templates/trace"
	gocmp "github.com/google/go-cmp/cmp"
)

const base = "http://localhost:8080"

// database is a store that answers nothing after the context has ended.
type database struct{ account.Store }

func (d database) Session(ctx context.Context, hash string) (account.Session, error) {
	session, err := d.Store.Session(ctx, hash)
	return session, cmp.Or(ctx.Err(), err)
}

func (d database) RemoveSession(ctx context.Context, hash string) error {
	return cmp.Or(ctx.Err(), d.Store.RemoveSession(ctx, hash))
}

// app is what main.go is, as small as these tests need it.
type app struct {
	*demo.Demo
	pages.Pages
	attempts *oauth.Attempts
}

// newApp returns an app that is simulated, recorded by recorder, with its handler.
func newApp(log io.Writer, recorder *trace.Recorder) (*app, http.Handler) {
	at := must(url.Parse(base))
	d := must(demo.New("http://127.0.0.1:9000", at))
	key := make([]byte, 32)
	store, logger := database{account.NewMemory()}, slog.New(slog.NewTextHandler(log, nil))
	a := &app{Demo: d, attempts: must(oauth.NewAttempts(key, false))}
	a.Sessions = must(account.NewSessions(store, key, false))
	a.Accounts = must(account.NewAccounts(store, key, logger, func(account.SignedIn) {}))
	a.Site = &templates.Site{Base: at, Log: logger, Simulated: d.Origin, Recorder: recorder, Notices: must(oauth.NewSealer(key, "notice")), Visitor: a.Visitor}
	a.Pages.Providers, a.Connect = d.Providers, a.begin

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		a.Site.Page(w, r, http.StatusOK, "home", struct {
			Providers []registered.Provider
			Next      string
		}{a.Pages.Providers, ""})
	})
	mux.HandleFunc("GET /login/{provider}", func(w http.ResponseWriter, r *http.Request) { a.begin(w, r, "") })
	mux.HandleFunc("GET /callback/{provider}", a.callback)
	mux.HandleFunc("GET /trace", a.Site.Trace)
	a.Pages.Routes(mux)
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(a.Site.Foreign))
	return a, a.App(mux, a.Site, recorder.Handler(registered.Titles(d.Providers), a.Pages.UserID, guard.Handler(mux)))
}

// must returns v. An error ends the test, or the request that is recovered.
func must[T any](v T, err error) T {
	orFail(err)
	return v
}

func orFail(err error) {
	if err != nil {
		panic(err)
	}
}

// recovered shows the page of an error that must has found.
func (a *app) recovered(w http.ResponseWriter, r *http.Request, p *registered.Provider) {
	if err, ok := recover().(error); ok {
		a.Site.Fail(w, r, p.About, err)
	}
}

// provider returns the app's provider of that name.
func (a *app) provider(name string) *registered.Provider {
	i := slices.IndexFunc(a.Pages.Providers, func(p registered.Provider) bool { return p.Name == name })
	return &a.Pages.Providers[i]
}

func (a *app) begin(w http.ResponseWriter, r *http.Request, userID string) {
	p := a.provider(r.PathValue("provider"))
	defer a.recovered(w, r, p)
	attempt, to, err := p.Begin(r.Context())
	orFail(err)
	attempt.User = userID
	orFail(a.attempts.Put(w, r, attempt))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 15*time.Second)
	defer cancel()
	p := a.provider(r.PathValue("provider"))
	defer a.recovered(w, r, p)
	attempt := must(a.attempts.Take(w, r))
	orFail(attempt.CheckUser(ctx, a.Pages.UserID(r)))
	var grant account.Grant
	var info oauth.Info
	if c := p.Client1; c != nil {
		grant.Credentials = must(c.Exchange(ctx, must(c.ParseCallback(ctx, attempt, r.URL.RawQuery))))
		info = must(c.UserInfo(ctx, grant.Credentials))
	} else {
		c, unverified := p.Client, must(p.Client.Exchange(ctx, must(p.Client.ParseCallback(ctx, attempt, r.URL.RawQuery))))
		grant.Tokens = must(c.VerifyIDToken(ctx, unverified))
		info = must(c.UserInfo(ctx, grant.Tokens))
	}
	grant.Profile, grant.Replies, grant.Read = info.Profile, info.Replies, time.Now()
	key := account.Key{Provider: p.Key, Subject: grant.Profile.Subject}
	if attempt.User != "" {
		orFail(a.Accounts.Connect(ctx, attempt.User, key, grant))
	} else {
		orFail(a.Sessions.Begin(w, r, must(a.Accounts.SignIn(ctx, key, grant)), key))
	}
	http.Redirect(w, r, "/profile", http.StatusSeeOther)
}

// world is an internet in memory with the app, the fake and one browser.
type world struct {
	*testing.T
	*app
	net     fake.Net
	browser *http.Client
	log     *bytes.Buffer
}

func newWorld(t *testing.T) *world {
	return recordedWorld(t, trace.NewRecorder(trace.Whole, false, io.Discard))
}

func recordedWorld(t *testing.T, recorder *trace.Recorder) *world {
	log := new(bytes.Buffer)
	app, handler := newApp(log, recorder)
	// One server under two names: attackers need a page on the app's host.
	net := fake.Net{"localhost:8080": handler, "127.0.0.1:9000": app.Handler, "localhost:9000": app.Handler}
	w := &world{T: t, app: app, net: net, log: log}
	w.browser = w.newBrowser()
	return w
}

func (w *world) newBrowser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, Transport: w.net}
}

// rewire gives a provider's client another transport.
func (w *world) rewire(name string, way http.RoundTripper) {
	p := w.provider(name)
	id, secret, redirectURI := credentials(p)
	orFail(p.Connect(id, secret, redirectURI, way))
}

func credentials(p *registered.Provider) (id, secret, redirectURI string) {
	if p.Client1 != nil {
		return p.Client1.ID, p.Client1.Secret, p.Client1.RedirectURI
	}
	return p.Client.ID, p.Client.Secret, p.Client.RedirectURI
}

// page is the last page that a browser reached.
type page struct {
	status int
	url    string
	header http.Header
	body   string
}

// do sends a request as a page of site would: "same-origin" or "cross-site".
func (w *world) do(method, rawURL string, form url.Values, site string) page {
	request := must(http.NewRequest(method, rawURL, strings.NewReader(form.Encode())))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", site)
	response := must(w.browser.Do(request))
	body := must(io.ReadAll(response.Body))
	return page{response.StatusCode, response.Request.URL.String(), response.Header, string(body)}
}

func (w *world) get(rawURL string) page { return w.do("GET", rawURL, nil, "same-origin") }

// press presses the button of a form on the page.
func (w *world) press(path string) page { return w.do("POST", base+path, nil, "same-origin") }

// allow presses Allow on the consent page, with everything ticked. If it is another page, the sign-in has already ended.
func (w *world) allow(consent page, user string) page {
	if !strings.HasPrefix(consent.url, w.Origin+"/") {
		return consent
	}
	form := url.Values{"user": {user}, "decision": {"allow"}}
	for _, match := range checkbox.FindAllStringSubmatch(consent.body, -1) {
		form.Add("scope", match[1])
	}
	return w.do("POST", consent.url, form, "same-origin")
}

func (w *world) signIn(provider string) page {
	return w.allow(w.get(base+"/login/"+provider), "ada")
}

// connect connects an account to the user who is signed in.
func (w *world) connect(provider string) page {
	return w.allow(w.press("/connect/"+provider), "ada")
}

// grant is what the browser's user, who has one account, has allowed.
func (w *world) grant() account.Grant {
	r := &http.Request{Header: make(http.Header)}
	for _, c := range w.browser.Jar.Cookies(w.Site.Base) {
		r.AddCookie(c)
	}
	session := must(w.Sessions.Get(r))
	return must(w.Accounts.Open(must(w.Accounts.Identities(w.Context(), session.UserID))[0]))
}

var (
	checkbox   = regexp.MustCompile(`name="scope" value="([^"]*)"`)
	definition = regexp.MustCompile(`(?s)<dt>([^<]*)</dt><dd>(.*?)</dd>`)
	tag        = regexp.MustCompile(`<[^>]*>`)
	heading    = regexp.MustCompile(`<h3>([^<]*) <span`)
)

// facts are the page's definitions: what the visitor reads.
func (p page) facts() map[string]string {
	facts := make(map[string]string)
	for _, m := range definition.FindAllStringSubmatch(p.body, -1) {
		facts[m[1]] = strings.Join(strings.Fields(tag.ReplaceAllString(m[2], "")), " ")
	}
	return facts
}

// wantPage checks the status of a page, and that it says these words.
func (w *world) wantPage(p page, status int, words, reason string) {
	w.Helper()
	if p.status != status || !strings.Contains(p.body, words) {
		w.Errorf("%s: %d at %s, want %d and %q\n%s\n%s", reason, p.status, p.url, status, words, p.body, w.log)
	}
}

func wantEqual[T any](t *testing.T, want, got T, reason string) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%swhy: %s", diff, reason)
	}
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
