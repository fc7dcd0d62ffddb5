// Oauthbyhand is a small web app with "Sign in with …" buttons, in which each step
// of OAuth 2.0, OpenID Connect and OAuth 1.0a is written out by hand.
//
// This command starts it at http://localhost:8080, together with a fake provider at
// http://127.0.0.1:9000. It needs no account, no key and no network:
//
//	go run .
//
// With credentials in the environment, users sign in with real providers:
//
//	GOOGLE_CLIENT_ID=… GOOGLE_CLIENT_SECRET=… go run .
//
// The other variables begin with GITHUB_, FACEBOOK_, INSTAGRAM_, SPOTIFY_, X2_ (X by OAuth 2.0),
// X_ (X by OAuth 1.0a: the API key and its secret) or OIDC_ (any OpenID provider). OIDC_ also
// needs OIDC_ISSUER. If you need more scopes there, set OIDC_SCOPES.
//
// With -data DIR, the app keeps accounts and sessions over restarts. SESSION_KEY (64 hexadecimal
// digits) is the key that seals (encrypts) tokens and cookies. If you do not set it, the app keeps a
// key in DIR. For all flags: go run . -h
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/oauth/web"
	"example.com/oauthbyhand/providers/fake/demo"
	"example.com/oauthbyhand/providers/registered"
	"example.com/oauthbyhand/templates"
	"example.com/oauthbyhand/templates/pages"
)

// server is the web app.
type server struct {
	base      *url.URL              // under which browsers reach the app
	providers []registered.Provider // with their clients, which run the steps
	attempts  *oauth.Attempts       // sign-ins under way
	accounts  *account.Accounts     // users, with their accounts and tokens at providers
	sessions  *account.Sessions     // who is signed in
	pages     *pages.Pages          // for users who are signed in
	site      *templates.Site       // what all pages have in common
}

// routes is the route table.
func (s *server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /login/{provider}", web.GetOnly(s.withProvider(s.login)))
	mux.HandleFunc("GET /callback/{provider}", web.GetOnly(s.withProvider(s.callback)))
	s.pages.Routes(mux) // profile, connect, refresh, disconnect, sign out
	mux.HandleFunc("GET /trace", s.site.Trace)
	mux.HandleFunc("GET /static/style.css", templates.Asset("style.css"))
	mux.HandleFunc("GET /static/favicon.svg", templates.Asset("favicon.svg"))
	mux.HandleFunc("GET /", s.site.NotFound)
	return mux
}

// guarded wraps app in the rules for all routes: one host name, safe headers, and no POST
// from another site.
func (s *server) guarded(app http.Handler) http.Handler {
	// Another site's page must not press our buttons. Links from there still work: they can
	// begin a sign-in or bring a callback, and the checks of steps 2 to 5 protect the user.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(s.site.Foreign))
	return web.Headers(s.base, s.site.Simulated, web.OneHost(s.base, s.site.OtherHost, guard.Handler(app)))
}

// home shows the buttons.
func (s *server) home(w http.ResponseWriter, r *http.Request) {
	s.site.Page(w, r, http.StatusOK, "home", struct {
		Providers []registered.Provider
		Next      string
	}{s.providers, web.LocalPath(r.URL.Query().Get("next"))})
}

// withProvider calls h with the provider that the path names. It answers 404 if the app has no
// such provider, or no credentials for it.
func (s *server) withProvider(h func(http.ResponseWriter, *http.Request, registered.Provider)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i := slices.IndexFunc(s.providers, func(p registered.Provider) bool { return p.Name == r.PathValue("provider") })
		if i < 0 || !s.providers[i].Ready() {
			s.site.NotFound(w, r)
			return
		}
		h(w, r, s.providers[i])
	}
}

// login begins a sign-in.
func (s *server) login(w http.ResponseWriter, r *http.Request, p registered.Provider) {
	s.begin(w, r, p, "")
}

// connect begins a sign-in that connects one more account to the user who is signed in.
func (s *server) connect(w http.ResponseWriter, r *http.Request, userID string) {
	s.withProvider(func(w http.ResponseWriter, r *http.Request, p registered.Provider) { s.begin(w, r, p, userID) })(w, r)
}

// begin is step 1, with step 0 before it if the provider uses OpenID Connect. It sends the browser to the
// provider, with the attempt in a cookie. For a sign-in, userID is empty. To connect an account, userID
// is the user who pressed the button on our own page, which sends a POST. A link must not connect: with
// a link, an attacker could connect the attacker's account to your user.
func (s *server) begin(w http.ResponseWriter, r *http.Request, p registered.Provider, userID string) {
	attempt, authorizationURL, err := p.Begin(r.Context()) // Client.Begin, or Client1.Begin for OAuth 1.0a
	if err == nil {
		attempt.User = userID
		attempt.Next = web.LocalPath(r.URL.Query().Get("next"))
		err = s.attempts.Put(w, r, attempt)
	}
	if err != nil {
		s.site.Fail(w, r, p.About, err)
		return
	}
	http.Redirect(w, r, authorizationURL, http.StatusSeeOther)
}

// callback answers the request with which the browser comes back from the provider.
func (s *server) callback(w http.ResponseWriter, r *http.Request, p registered.Provider) {
	// A code works once. So the steps go on even if the browser goes away. If it then brings the
	// same callback again, because it has received no answer, it gets the same result.
	done, err := oauth.Once(s.attempts, w, r, func(r *http.Request) (result, error) { return s.finish(w, r, p) })
	connected := done.attempt.User != ""
	if err == nil && !connected {
		err = s.sessions.Begin(w, r, done.userID, done.key) // also if the browser brings the callback again
	}
	if err != nil {
		s.site.Fail(w, r, p.About, err)
		return
	}
	if connected && done.attempt.User == s.pages.UserID(r) { // not if another user has signed in since
		s.site.Notify(w, r, "Connected: you can now sign in with "+p.Title+" as well, as the same user.")
	}
	http.Redirect(w, r, cmp.Or(done.attempt.Next, "/profile"), http.StatusSeeOther) // a URL without the code
}

// result is the outcome of a callback: the user who signed in or connected one more account,
// and the key of that account.
type result struct {
	attempt oauth.Attempt
	userID  string
	key     account.Key
}

// finish runs the steps of a callback. From them it learns which account at the provider
// the visitor has. Then it finds or makes the user of that account, or connects the account to the user who
// asked for that.
func (s *server) finish(w http.ResponseWriter, r *http.Request, p registered.Provider) (result, error) {
	attempt, err := s.attempts.Take(w, r) // 2: the attempt from this browser's cookie
	if err == nil {
		err = attempt.CheckUser(r.Context(), s.pages.UserID(r)) // the user who asked to connect must still be signed in
	}
	var grant account.Grant
	if err == nil && p.Client1 != nil {
		grant, err = stepsOAuth1(r.Context(), p.Client1, attempt, r.URL.RawQuery)
	} else if err == nil {
		grant, err = steps(r.Context(), p.Client, attempt, r.URL.RawQuery)
	}
	if err != nil {
		return result{}, err
	}
	done := result{attempt, attempt.User, account.Key{Provider: p.Key, Subject: grant.Profile.Subject}}
	if done.userID == "" {
		done.userID, err = s.accounts.SignIn(r.Context(), done.key, grant)
	} else if err = attempt.CheckUser(r.Context(), s.pages.UserID(r)); err == nil { // again: the user may have signed out during the steps
		err = s.accounts.Connect(r.Context(), done.userID, done.key, grant)
	}
	return done, err
}

// steps runs steps 2 to 5 of OAuth 2.0. rawQuery is the query of the callback's URL.
func steps(ctx context.Context, client *oauth.Client, attempt oauth.Attempt, rawQuery string) (account.Grant, error) {
	callback, err := client.ParseCallback(ctx, attempt, rawQuery) // 2: check the state, take the code
	if err != nil {
		return account.Grant{}, err
	}
	unverified, err := client.Exchange(ctx, callback) // 3: exchange the code for tokens
	if err != nil {
		return account.Grant{}, err
	}
	tokens, err := client.VerifyIDToken(ctx, unverified) // 4: with OpenID Connect, verify the ID token
	if err != nil {
		return account.Grant{}, err
	}
	info, err := client.UserInfo(ctx, tokens) // 5: read the profile with the access token
	if err != nil {
		return account.Grant{}, err
	}
	return account.Grant{Profile: info.Profile, Replies: info.Replies, Read: time.Now(), Tokens: tokens}, nil
}

// stepsOAuth1 runs the same steps of OAuth 1.0a, which has no step 4.
func stepsOAuth1(ctx context.Context, client *oauth.Client1, attempt oauth.Attempt, rawQuery string) (account.Grant, error) {
	callback, err := client.ParseCallback(ctx, attempt, rawQuery) // 2: check the temporary token, take oauth_verifier
	if err != nil {
		return account.Grant{}, err
	}
	credentials, err := client.Exchange(ctx, callback) // 3: exchange temporary credentials for lasting ones
	if err != nil {
		return account.Grant{}, err
	}
	info, err := client.UserInfo(ctx, credentials) // 5: read the profile with a signed request
	if err != nil {
		return account.Grant{}, err
	}
	return account.Grant{Profile: info.Profile, Replies: info.Replies, Read: time.Now(), Credentials: credentials}, nil
}

// logSignIn runs after each sign-in and each connected account. Your app could welcome a new
// user here.
func (s *server) logSignIn(event account.SignedIn) {
	id := event.Identity
	s.site.Log.Info("signed in or connected", "provider", id.Provider, "subject", id.Subject, "user", id.UserID, "new user", event.NewUser, "new identity", event.NewIdentity)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	var usage usageError
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.As(err, &usage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "oauthbyhand:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	config, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	var all []registered.Provider
	if !config.fake {
		if all, err = registered.FromEnvironment(config.base); err != nil {
			return err
		}
		config.fake = !slices.ContainsFunc(all, registered.Provider.Ready)
	}
	if err := demo.CheckBase(config.base); config.fake && err != nil {
		return err
	}
	if port := config.base.Port(); !config.fake && port != "" && strings.Trim(port, "0") == "" {
		return errors.New("-addr: name a port: with port 0 nobody knows which callback URL to register")
	}
	listeners, err := web.Listen("-addr", &config.addr, config.fake && !config.given["addr"] && !config.given["base-url"])
	if err != nil {
		return err
	}
	if !config.given["base-url"] {
		config.base.Host = web.HostOf("http", web.Visible(config.addr, "localhost")) // Listen may have chosen another port
	}
	handlers := make(map[net.Listener]http.Handler)
	var simulated *demo.Demo
	if config.fake {
		var more []net.Listener
		if simulated, more, err = demo.Listen(config.fakeAddr, config.given["fake-addr"], config.base, log); err != nil {
			return err
		}
		for _, l := range more {
			handlers[l] = simulated.Handler
		}
		all = simulated.Providers
	}
	store, key, err := account.Open(config.data, config.fake, os.Getenv("SESSION_KEY"))
	if err != nil {
		return err
	}
	defer store.Close()
	s, app, err := newApp(config, simulated, all, store, key, log, stdout)
	if err != nil {
		return err
	}
	for _, l := range listeners {
		handlers[l] = app
	}
	s.announce(stdout)
	err = web.Serve(ctx, handlers, log)
	s.accounts.Wait()
	return err
}

// newApp returns the app and its handler. It keeps users and sessions in store, and seals
// cookies and tokens under key. With real providers, simulated is nil and adds nothing.
func newApp(c config, simulated *demo.Demo, all []registered.Provider, store account.Store, key []byte, log *slog.Logger, stdout io.Writer) (*server, http.Handler, error) {
	site := &templates.Site{Base: c.base, Log: log}
	if simulated != nil {
		site.Simulated = simulated.Origin
	}
	site.Record(c.trace, stdout)
	s := &server{base: c.base, providers: all, site: site}
	secure := c.base.Scheme == "https"
	var err1, err2, err3, err4 error
	s.attempts, err1 = oauth.NewAttempts(key, secure)
	s.sessions, err2 = account.NewSessions(store, key, secure)
	s.accounts, err3 = account.NewAccounts(store, key, log, s.logSignIn)
	site.Notices, err4 = oauth.NewSealer(key, "notice")
	if err := cmp.Or(err1, err2, err3, err4); err != nil {
		return nil, nil, err
	}
	s.pages = &pages.Pages{Site: site, Providers: all, Accounts: s.accounts, Sessions: s.sessions, Connect: s.connect}
	site.Visitor = s.pages.Visitor
	mux := s.routes()
	app := site.Recorder.Handler(registered.Titles(all), s.pages.UserID, s.guarded(mux))
	return s, simulated.App(mux, site, app), nil
}

// announce prints the address of the app, and the callback URLs to register at real providers.
func (s *server) announce(stdout io.Writer) {
	fmt.Fprintf(stdout, "Open %s in a browser.\n", s.base)
	if s.site.Simulated != "" {
		fmt.Fprintf(stdout, "Its providers are simulated, at %s: no account, no key, no network.\n", s.site.Simulated)
		return
	}
	for _, p := range s.providers {
		if p.Ready() {
			fmt.Fprintf(stdout, "Register exactly this callback URL at %s: %s\n", p.Title, p.RedirectURI(s.base))
		}
	}
}

// usageError is an error that parseFlags has already printed, with the usage.
type usageError struct{ error }

// config holds the values of the flags.
type config struct {
	addr, fakeAddr, data string
	base                 *url.URL
	fake, trace          bool
	given                map[string]bool // flags that were given
}

func parseFlags(args []string, stderr io.Writer) (config, error) {
	c := config{given: make(map[string]bool)}
	flags := flag.NewFlagSet("oauthbyhand", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.addr, "addr", "localhost:8080", "`host:port` on which the app listens")
	base := flags.String("base-url", "", "`URL` under which browsers reach the app (default: from -addr)")
	flags.StringVar(&c.fakeAddr, "fake-addr", "127.0.0.1:9000", "`host:port` on which the fake provider listens; if the app is at 127.0.0.1 or [::1], the default is localhost:9000")
	flags.StringVar(&c.data, "data", "", "`directory` that keeps accounts and sessions over restarts (default: in memory)")
	flags.BoolVar(&c.fake, "fake", false, "use the fake provider and ignore all credentials (the default if there are none)")
	flags.BoolVar(&c.trace, "trace", false, "print each step of each sign-in, without real providers' secrets; if providers are real, /trace needs this flag too")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return c, err
	} else if err != nil {
		return c, usageError{err}
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q", flags.Arg(0))
		fmt.Fprintln(stderr, err)
		flags.Usage()
		return c, usageError{err}
	}
	flags.Visit(func(f *flag.Flag) { c.given[f.Name] = true })
	var err error
	c.base, err = web.ParseBaseURL(cmp.Or(*base, "http://"+web.Visible(c.addr, "localhost")))
	return c, err
}
