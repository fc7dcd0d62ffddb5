// Oauthbyhand is a small web app with "Sign in with …" buttons, in which each step
// of OAuth 2.0, OpenID Connect and OAuth 1.0a is written out by hand.
//
//	go run .
//
// starts it at http://localhost:8080 together with a fake provider at
// http://127.0.0.1:9000, and needs no account, no key and no network.
//
// With credentials in the environment it signs in with real providers:
//
//	GOOGLE_CLIENT_ID=… GOOGLE_CLIENT_SECRET=… go run .
//
// and likewise GITHUB_, FACEBOOK_, INSTAGRAM_, SPOTIFY_, X_ (the API key and its
// secret) and, for any OpenID provider, OIDC_ with OIDC_ISSUER. With -data DIR,
// accounts and sessions are kept over restarts; SESSION_KEY (64 hexadecimal digits)
// is then the key under which their tokens are sealed, or else one is kept in DIR.
// Flags: go run . -h
package main

import (
	"cmp"
	"context"
	"crypto/rand"
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
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
	"example.com/oauthbyhand/templates"
)

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

// usageError is one that package flag has already printed, with the usage.
type usageError struct{ error }

// config is what the flags say.
type config struct {
	addr, fakeAddr string
	base           *url.URL
	data           string
	simulated      bool
	trace          bool
	given          map[string]bool // flags that were given
}

func parseFlags(args []string, stderr io.Writer) (config, error) {
	c := config{given: make(map[string]bool)}
	flags := flag.NewFlagSet("oauthbyhand", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.addr, "addr", "localhost:8080", "`host:port` on which the app listens")
	base := flags.String("base-url", "", "`URL` under which browsers reach the app (default: from -addr)")
	flags.StringVar(&c.fakeAddr, "fake-addr", "127.0.0.1:9000", "`host:port` on which the fake provider listens; where the app is not at localhost, that is the default's host")
	flags.StringVar(&c.data, "data", "", "`directory` that keeps accounts and sessions over restarts (default: in memory)")
	flags.BoolVar(&c.simulated, "fake", false, "use the fake provider and ignore all credentials (default: when there are none)")
	flags.BoolVar(&c.trace, "trace", false, "print each step of each sign-in, without real providers' secrets, and show them on /trace")
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

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	config, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	s, err := newServer(config.base, log)
	if err != nil {
		return err
	}
	if config.trace {
		s.traceTo = stdout
		s.recorder = templates.NewRecorder(templates.Cut, s.base.Scheme == "https", stdout)
	}
	if !config.simulated {
		if err := s.register(); err != nil {
			return err
		}
		config.simulated = !slices.ContainsFunc(s.offers, offer.Ready)
	}
	if _, port, _ := net.SplitHostPort(config.addr); port == "0" && !config.simulated && !config.given["base-url"] {
		return errors.New("-addr: with port 0 nobody knows which callback URL to register; name a port")
	}
	if config.simulated && !oauth.IsLoopback(s.base.Hostname()) {
		return fmt.Errorf("there are no credentials, and the fake provider must never meet real users: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or another provider's, or take a -base-url on localhost instead of %s", s.base)
	}
	closeStore, err := s.openStore(config)
	if err != nil {
		return err
	}
	defer closeStore()

	handlers, err := s.listen(config)
	if err != nil {
		return err
	}
	s.announce(stdout)
	err = web.Serve(ctx, handlers, log)
	s.accounts.Wait()
	return err
}

// listen listens for the app and, with simulated providers, for those.
func (s *server) listen(config config) (map[net.Listener]http.Handler, error) {
	listeners, err := web.Listen("-addr", &config.addr, config.simulated && !config.given["addr"] && !config.given["base-url"])
	if err != nil {
		return nil, err
	}
	if !config.given["base-url"] {
		s.base.Host = web.HostOf("http", web.Visible(config.addr, "localhost")) // the port may be another one now
	}
	handlers := make(map[net.Listener]http.Handler)
	if config.simulated {
		if !config.given["fake-addr"] && s.base.Hostname() != "localhost" {
			config.fakeAddr = "localhost:9000" // cookies ignore ports: app and provider need two hosts, as in life
		}
		more, err := web.Listen("-fake-addr", &config.fakeAddr, !config.given["fake-addr"])
		if err != nil {
			return nil, err
		}
		fakeAddr := web.Visible(config.fakeAddr, "127.0.0.1")
		if host, _, _ := net.SplitHostPort(fakeAddr); host == s.base.Hostname() {
			s.log.Warn("app and fake provider are at one host, so each gets the other's cookies, which no real provider does", "host", host)
		}
		simulator, err := s.simulate("http://" + fakeAddr)
		if err != nil {
			return nil, err
		}
		for _, l := range more {
			handlers[l] = simulator
		}
	}
	for _, l := range listeners {
		handlers[l] = s.handler()
	}
	return handlers, nil
}

// announce says where the app is, and what it needs from the providers.
func (s *server) announce(stdout io.Writer) {
	fmt.Fprintf(stdout, "Open %s in a browser.\n", s.base)
	if s.fakeOrigin != "" {
		fmt.Fprintf(stdout, "Its providers are simulated, at %s: no account, no key, no network.\n", s.fakeOrigin)
		return
	}
	for _, o := range s.offers {
		if o.Ready() {
			fmt.Fprintf(stdout, "%s must know this callback URL, to the letter: %s\n", o.Title, s.redirectURI(o))
		}
	}
}

// register makes the clients of the providers that have credentials, which come
// from <NAME>_CLIENT_ID and <NAME>_CLIENT_SECRET: from the environment only, for
// flags are visible in the list of processes.
func (s *server) register() error {
	issuers := make(map[string]string)
	for _, o := range offers(os.Getenv("OIDC_ISSUER")) {
		variables := o.Variables()
		unset := slices.DeleteFunc(o.Variables(), func(v string) bool { return os.Getenv(v) != "" })
		switch len(unset) {
		case 0:
			if rule := callbackRule(o.About, s.base); rule != "" {
				return fmt.Errorf("%s, or unset %s", rule, strings.Join(variables, " and "))
			}
			if err := o.connect(os.Getenv(variables[0]), os.Getenv(variables[1]), s.redirectURI(o), nil); err != nil {
				return fmt.Errorf("%s: %w", variables[len(variables)-1], err) // OIDC_ISSUER: the rest of a row is ours
			}
			if other := issuers[o.row.Issuer]; other != "" && o.row.Issuer != "" {
				return fmt.Errorf("OIDC_ISSUER: %s is already the issuer of %s; no two may share one (RFC 9207 §4)", o.row.Issuer, other)
			}
			issuers[o.row.Issuer] = o.Title
		case len(variables):
		default:
			return fmt.Errorf("%s is not set, but others of %s are: set all or none", strings.Join(unset, ", "), strings.Join(variables, ", "))
		}
		s.offers = append(s.offers, o)
	}
	return nil
}

// callbackRule says what to do where the provider does not take the app's callback
// URL, and nothing where it does.
func callbackRule(provider oauth.About, base *url.URL) string {
	host := strings.TrimSuffix(base.Host, ":"+base.Port())
	if base.Scheme == "https" || slices.Contains(provider.CallbackHosts, host) {
		return ""
	}
	way := "put a proxy with TLS in front, and start with -base-url https://" + base.Host
	if len(provider.CallbackHosts) > 0 {
		way = "start with -base-url " + strings.Replace(base.String(), host, provider.CallbackHosts[0], 1)
	}
	return fmt.Sprintf("%s takes no callback URLs at %s: %s", provider.Title, base, way)
}

// simulate makes a client of every provider, whose requests reach the fake that
// it returns, in memory. The rows are the real ones: only the browser is sent to
// origin in the providers' place.
func (s *server) simulate(origin string) (http.Handler, error) {
	honest, faults := offers("https://openid.example"), fake.Faults()
	for i, o := range honest {
		honest[i].Rule = callbackRule(o.About, s.base)
	}
	all := slices.Clone(honest)
	for _, f := range faults { // each happens to a client of its own: an ordinary row under another name
		i := slices.IndexFunc(honest, func(o offer) bool { return o.Name == f.Provider })
		all = append(all, honest[i].named(f.Client()))
	}
	var registered []fake.Client
	for _, o := range all {
		provider, _, _ := strings.Cut(o.Name, "~")
		registered = append(registered, fake.Client{
			Provider:     provider,
			ID:           "demo-" + o.Name,
			Secret:       rand.Text(),
			RedirectURIs: []string{s.redirectURI(o)},
		})
	}
	simulator := fake.New(fake.Options{Origin: origin, Clients: registered})
	s.recorder = templates.NewRecorder(templates.Whole, s.base.Scheme == "https", s.traceTo)
	fronts := make(map[string]func(string) string)
	for i, r := range registered {
		net, front := simulator.Net(), simulator.Front
		if i >= len(honest) {
			net, front = simulator.Faulty(faults[i-len(honest)])
		}
		fronts[all[i].Name] = front
		if err := all[i].connect(r.ID, r.Secret, r.RedirectURIs[0], net); err != nil {
			return nil, err
		}
	}
	s.fakeOrigin, s.offers, s.faulty = origin, all[:len(honest)], all[len(honest):]
	s.front = func(client, rawURL string) string { return fronts[client](rawURL) }
	return simulator, nil
}

// server is the web app.
type server struct {
	base       *url.URL
	offers     []offer
	attempts   *oauth.Attempts
	sessions   *account.Sessions
	accounts   *account.Accounts
	log        *slog.Logger
	recorder   *templates.Recorder // nil: nothing is recorded
	traceTo    io.Writer           // nil: nothing is printed
	fakeOrigin string              // empty with real providers
	faulty     []offer             // the clients of the faults; none with real providers
	// front leads the browser of a client to the fake; it changes nothing with real providers.
	front func(client, rawURL string) string
}

// offer is a button on the home page. Its provider speaks OAuth 2.0 or OAuth 1.0a.
type offer struct {
	oauth.About
	row     oauth.Provider  // of OAuth 2.0; or else row1 is set
	row1    oauth.Provider1 // of OAuth 1.0a
	client  *oauth.Client   // of row; nil without credentials
	client1 *oauth.Client1  // of row1, likewise
	Rule    string          // of the real provider, which the fake one does not mind
}

// Variables are where its credentials come from.
func (o offer) Variables() []string {
	name := strings.ToUpper(o.Name)
	variables := []string{name + "_CLIENT_ID", name + "_CLIENT_SECRET"}
	if o.Name == "oidc" {
		variables = append(variables, "OIDC_ISSUER")
	}
	return variables
}

// offers lists the providers. issuer is that of any OpenID provider.
func offers(issuer string) []offer {
	var all []offer
	for _, row := range append(providers.All(), providers.OpenID(issuer)) {
		all = append(all, offer{About: row.About, row: row})
	}
	x := providers.X()
	return append(all, offer{About: x.About, row1: x})
}

func (o *offer) connect(id, secret, redirectURI string, transport http.RoundTripper) (err error) {
	if o.row1.Name != "" {
		o.client1, err = oauth.NewClient1(o.row1, id, secret, redirectURI, transport)
	} else {
		o.client, err = oauth.NewClient(o.row, id, secret, redirectURI, transport)
	}
	return err
}

// begin is step 1 in either protocol: with OAuth 2.0 the browser will carry the request,
// with OAuth 1.0a the provider has it already.
func (o offer) begin(ctx context.Context) (oauth.Attempt, string, error) {
	if o.client1 != nil {
		return o.client1.Begin(ctx)
	}
	return o.client.Begin(ctx)
}

// key is what the key of an account calls this provider.
func (o offer) key() string {
	if o.row1.Name != "" || strings.Contains(o.Name, "~") { // the client of a fault keeps what it learns to itself
		return o.Name
	}
	return account.ProviderKey(o.row)
}

// named returns the same provider under another name.
func (o offer) named(name string) offer {
	o.Name = name
	if o.row1.Name != "" {
		o.row1.Name = name
	} else {
		o.row.Name = name
	}
	return o
}

// Ready reports whether the button works.
func (o offer) Ready() bool { return o.client != nil || o.client1 != nil }

func (s *server) redirectURI(o offer) string { return s.base.String() + "/callback/" + o.Name }

func newServer(base *url.URL, log *slog.Logger) (*server, error) {
	key := make([]byte, 32)
	rand.Read(key) // new each run; several instances of an app would have to share one
	s := &server{base: base, log: log, front: func(_, u string) string { return u }}
	return s, s.useStore(account.NewMemory(), key)
}

// openStore opens the store that the flags and the environment ask for, in the place
// of the one in memory.
func (s *server) openStore(config config) (closeStore func() error, err error) {
	closeStore = func() error { return nil }
	var key []byte
	if text := os.Getenv("SESSION_KEY"); text != "" { // not a flag: it is secret
		if key, err = account.ParseKey(text); err != nil {
			return nil, fmt.Errorf("SESSION_KEY: %w", err)
		}
	}
	if config.data == "" {
		if key != nil {
			err = s.useStore(account.NewMemory(), key)
		}
		return closeStore, err
	}
	file, err := account.OpenFile(config.data, config.simulated, key, s.log)
	if err != nil {
		return nil, fmt.Errorf("-data %w", err)
	}
	return file.Close, s.useStore(file, file.Root)
}

func (s *server) useStore(store account.Store, key []byte) (err error) {
	secure := s.base.Scheme == "https"
	if s.attempts, err = oauth.NewAttempts(key, secure); err != nil {
		return err
	}
	if s.sessions, err = account.NewSessions(store, key, secure); err != nil {
		return err
	}
	s.accounts, err = account.NewAccounts(store, key, s.log, s.signedIn)
	return err
}

// signedIn is the hook after each sign-in: here one could send a welcome.
func (s *server) signedIn(in account.SignedIn) {
	s.log.Info("signed in", "provider", in.Identity.Provider, "subject", in.Identity.Subject, "user", in.Identity.UserID, "new user", in.NewUser, "new identity", in.NewIdentity)
}

// handler is the route table, behind what holds for every route.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /login/{provider}", web.GetOnly(s.offered(s.login)))
	mux.HandleFunc("GET /callback/{provider}", web.GetOnly(s.offered(s.callback)))
	mux.HandleFunc("GET /profile", web.GetOnly(s.visited(s.profile)))
	mux.HandleFunc("POST /connect/{provider}", s.visited(s.connect))
	mux.HandleFunc("POST /refresh", s.visited(s.refresh))
	if s.fakeOrigin != "" {
		mux.HandleFunc("POST /expire", s.visited(s.expire))
	}
	mux.HandleFunc("POST /disconnect", s.visited(s.disconnect))
	mux.HandleFunc("POST /logout", s.logout(s.sessions.End))
	mux.HandleFunc("POST /logout/everywhere", s.logout(s.sessions.EndAll))
	mux.HandleFunc("GET /trace", s.trace)
	if s.fakeOrigin != "" {
		mux.HandleFunc("GET /break", s.breakIt)
	}
	mux.HandleFunc("GET /static/style.css", templates.Asset("style.css"))
	mux.HandleFunc("GET /static/favicon.svg", templates.Asset("favicon.svg"))
	mux.HandleFunc("GET /", s.notFound)
	// Another site's page must not press our buttons. GET changes nothing here that
	// a stranger could want changed.
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.page(w, r, http.StatusForbidden, "foreign", nil)
	}))
	return web.Headers(s.fakeOrigin, web.OneHost(s.base, s.otherHost, guard.Handler(mux)))
}

// otherHost answers who asks for the app under another name.
func (s *server) otherHost(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, http.StatusMisdirectedRequest, "host", struct{ Got, Want string }{r.Host, s.base.String()})
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, http.StatusNotFound, "notfound", r.URL.Path)
}

// home shows the buttons.
func (s *server) home(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, http.StatusOK, "home", struct {
		Offers []offer
		Next   string
	}{s.offers, web.LocalPath(r.URL.Query().Get("next"))})
}

// offered is for pages about the provider in the path; others are not found.
func (s *server) offered(h func(http.ResponseWriter, *http.Request, offer)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o := s.find(func(o offer) bool { return o.Name == r.PathValue("provider") })
		if !o.Ready() {
			s.notFound(w, r)
			return
		}
		h(w, s.recorder.Listen(w, r, o.Title, 0), o)
	}
}

// find returns the first provider, or client of a fault, for which is holds.
func (s *server) find(is func(offer) bool) offer {
	for _, offers := range [][]offer{s.offers, s.faulty} {
		if i := slices.IndexFunc(offers, is); i >= 0 {
			return offers[i]
		}
	}
	return offer{}
}

// login begins a sign-in.
func (s *server) login(w http.ResponseWriter, r *http.Request, o offer) { s.begin(w, r, o, "") }

// begin is step 1. It sends the browser to the provider, with the attempt in a cookie,
// and in that the user to whom the account is to be connected, if it is: userID may come
// from a POST of our own page only. Another site can lead a browser to /login, and would
// so connect its own account to a stranger's user.
//
// (In a copy leave out what has to do with faults, the front and the recorder: they are
// the demo's.)
func (s *server) begin(w http.ResponseWriter, r *http.Request, o offer, userID string) {
	attempt, authorizationURL, err := o.begin(r.Context())
	if err != nil {
		s.fail(w, r, o.About, err)
		return
	}
	attempt.User = userID
	attempt.Next = web.LocalPath(r.URL.Query().Get("next"))
	if f := s.fault(r); f != nil && attempt.Next == "" && !(f.Attacked() && f.Stops != "") {
		attempt.Next = "/profile?fault=" + f.Name // where the page says how it went
	}
	if err := s.attempts.Put(w, r, attempt); err != nil {
		s.fail(w, r, o.About, err)
		return
	}
	http.Redirect(w, r, s.front(o.Name, authorizationURL), http.StatusSeeOther)
}

// callback is where the provider sends the browser back to. It signs the user in, or
// connects the account to the one who is.
func (s *server) callback(w http.ResponseWriter, r *http.Request, o offer) {
	steps := s.steps
	if o.client1 != nil {
		steps = s.steps1
	}
	attempt, grant, err := steps(w, r, o)
	key := account.Key{Provider: o.key(), Subject: grant.Profile.Subject}
	switch {
	case err != nil:
	case attempt.User != "":
		err = s.accounts.Connect(r.Context(), attempt.User, key, grant)
	default:
		var userID string
		if userID, err = s.accounts.SignIn(r.Context(), key, grant); err == nil {
			err = s.sessions.Begin(w, r, userID, key)
		}
	}
	if err != nil {
		s.fail(w, r, o.About, err)
		return
	}
	s.recorder.SignedIn(w, r, attempt.User != "")
	// On to a URL without the code, which then stands in no history (RFC 9700 §4.3.1).
	http.Redirect(w, r, cmp.Or(attempt.Next, "/profile"), http.StatusSeeOther)
}

// steps are steps 2 to 5: who has come back, and what the provider grants.
func (s *server) steps(w http.ResponseWriter, r *http.Request, o offer) (oauth.Attempt, account.Grant, error) {
	client := o.client
	ctx, cancel := context.WithTimeout(r.Context(), 15*time.Second) // for all steps; each request has 10 s
	defer cancel()

	attempt, err := s.take(w, r) // 2
	if err != nil {
		return attempt, account.Grant{}, err
	}
	callback, err := client.ParseCallback(ctx, attempt, r.URL.RawQuery) // 2: the state
	if err != nil {
		return attempt, account.Grant{}, err
	}
	unverified, err := client.Exchange(ctx, callback) // 3: the code for tokens
	if err != nil {
		return attempt, account.Grant{}, err
	}
	tokens, err := client.VerifyIDToken(ctx, unverified) // 4
	if err != nil {
		return attempt, account.Grant{}, err
	}
	info, err := client.UserInfo(ctx, tokens) // 5: whoever holds the token may read
	if err != nil {
		return attempt, account.Grant{}, err
	}
	return attempt, account.Grant{Profile: info.Profile, Tokens: tokens}, nil
}

// steps1 are the same with OAuth 1.0a, in which there is no step 4.
func (s *server) steps1(w http.ResponseWriter, r *http.Request, o offer) (oauth.Attempt, account.Grant, error) {
	client := o.client1
	ctx, cancel := context.WithTimeout(r.Context(), 15*time.Second) // for all steps; each request has 10 s
	defer cancel()

	attempt, err := s.take(w, r) // 2
	if err != nil {
		return attempt, account.Grant{}, err
	}
	callback, err := client.ParseCallback(ctx, attempt, r.URL.RawQuery) // 2: the temporary token
	if err != nil {
		return attempt, account.Grant{}, err
	}
	credentials, err := client.Exchange(ctx, callback) // 3: temporary credentials for lasting ones
	if err != nil {
		return attempt, account.Grant{}, err
	}
	info, err := client.UserInfo(ctx, credentials) // 5: who can sign may read
	if err != nil {
		return attempt, account.Grant{}, err
	}
	return attempt, account.Grant{Profile: info.Profile, Credentials: credentials}, nil
}

// take returns the attempt, if the user who began to connect an account with it is
// still the one who is signed in.
func (s *server) take(w http.ResponseWriter, r *http.Request) (oauth.Attempt, error) {
	attempt, err := s.attempts.Take(w, r)
	if err != nil {
		return oauth.Attempt{}, err
	}
	session, _ := s.sessions.Get(r)
	return attempt, attempt.CheckUser(r.Context(), session.UserID)
}

// visitor is who is signed in, and the identity that the page is about.
type visitor struct {
	session  account.Session
	all      []account.Identity
	identity account.Identity
	offer    offer // of the identity
}

// visitor returns who is signed in, with the identity of the sign-in.
func (s *server) visitor(r *http.Request) (visitor, error) {
	session, err := s.sessions.Get(r)
	if err != nil {
		return visitor{}, err
	}
	all, err := s.accounts.Identities(r.Context(), session.UserID)
	if err != nil {
		return visitor{}, err
	}
	v := visitor{session: session, all: all}
	if !s.pick(&v, session.Key) { // disconnected just now
		return visitor{}, account.ErrNotFound
	}
	return v, nil
}

// pick makes the page about another of the visitor's identities, if it is one.
func (s *server) pick(v *visitor, key account.Key) bool {
	for _, identity := range v.all {
		if identity.Key == key {
			v.identity, v.offer = identity, s.offerOf(key)
			return true
		}
	}
	return false
}

// offerOf returns the provider of an identity, which may have no client any more.
func (s *server) offerOf(key account.Key) offer {
	o := s.find(func(o offer) bool { return o.key() == key.Provider })
	o.Title = cmp.Or(o.Title, key.Provider)
	return o
}

// visited is for pages of those who are signed in, about the identity that the query
// names; others are sent to sign in, and back.
func (s *server) visited(h func(http.ResponseWriter, *http.Request, visitor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.visitor(r)
		q := r.URL.Query()
		switch {
		case errors.Is(err, account.ErrNotFound):
			http.Redirect(w, r, "/?next=/profile", http.StatusSeeOther)
		case err != nil:
			s.fail(w, r, oauth.About{}, err)
		case q.Has("subject") && !s.pick(&v, account.Key{Provider: q.Get("provider"), Subject: q.Get("subject")}):
			http.Redirect(w, r, "/profile", http.StatusSeeOther) // disconnected meanwhile: a button pressed twice
		default:
			ctx, cancel := context.WithTimeout(r.Context(), 15*time.Second) // as for a callback
			defer cancel()
			r = s.recorder.Listen(w, r.WithContext(ctx), v.offer.Title, 6)
			h(w, r, v)
			s.recorder.End(r, "refreshed")
		}
	}
}

// connect begins a sign-in that connects one more account to the visitor's user.
func (s *server) connect(w http.ResponseWriter, r *http.Request, v visitor) {
	s.offered(func(w http.ResponseWriter, r *http.Request, o offer) { s.begin(w, r, o, v.session.UserID) })(w, r)
}

// profile reads the profile afresh, with the stored tokens: step 5 again, which right after
// a sign-in says the same once more.
func (s *server) profile(w http.ResponseWriter, r *http.Request, v visitor) {
	var info oauth.Info
	var grant account.Grant
	err := errors.New("this provider is not switched on")
	switch {
	case v.offer.client != nil:
		err = s.accounts.Call(r.Context(), v.identity, v.offer.client, func(t oauth.Tokens) (err error) {
			info, err = v.offer.client.UserInfo(r.Context(), t)
			return err
		})
	case v.offer.client1 != nil:
		if grant, err = s.accounts.Open(v.identity); err == nil {
			info, err = v.offer.client1.UserInfo(r.Context(), grant.Credentials)
		}
		if v.offer.client1.TokenRefused(err) {
			err = fmt.Errorf("%w: %w", account.ErrSignInAgain, err)
		}
	}
	s.show(w, r, v, info, err)
}

// refresh exchanges the tokens for new ones, step 6, also before that is due.
func (s *server) refresh(w http.ResponseWriter, r *http.Request, v visitor) {
	grant, err := s.accounts.Open(v.identity)
	if err == nil && v.offer.client != nil {
		_, err = s.accounts.Refresh(r.Context(), v.identity, v.offer.client, grant.Tokens.AccessToken)
	}
	s.back(w, r, v, err)
}

// expire lets one watch what happens when tokens are too old.
func (s *server) expire(w http.ResponseWriter, r *http.Request, v visitor) {
	s.back(w, r, v, s.accounts.Expire(r.Context(), v.identity))
}

// disconnect forgets the identity, and then gives its grant back, step 7. Sessions that
// began with it end, but for the visitor's own.
func (s *server) disconnect(w http.ResponseWriter, r *http.Request, v visitor) {
	// Once the identity is forgotten nobody else could give the grant back: also where
	// the visitor does not wait for it.
	ctx := context.WithoutCancel(r.Context())
	var err error
	other := slices.IndexFunc(v.all, func(i account.Identity) bool { return i.Key != v.identity.Key })
	if v.session.Key == v.identity.Key && other >= 0 {
		err = s.sessions.Continue(ctx, v.session, v.all[other].Key)
	}
	var revoked error
	if err == nil {
		revoke := s.revoke(ctx, v)
		if err = s.accounts.Disconnect(ctx, v.identity); err == nil {
			revoked = revoke()
		}
	}
	if errors.Is(err, account.ErrNotFound) { // the button was pressed twice
		err = nil
	}
	if err != nil {
		s.fail(w, r, v.offer.About, err)
		return
	}
	if revoked == nil {
		s.recorder.End(r, "disconnected")
		http.Redirect(w, r, "/profile", http.StatusSeeOther)
		return
	}
	s.log.Warn("not revoked", "provider", v.offer.Name, "err", revoked)
	failure := s.recorder.Failed(r, v.offer.About, revoked)
	s.page(w, r, http.StatusOK, "disconnected", struct {
		templates.Failure
		RevokePage string
	}{failure, v.offer.row.RevokePage})
}

// revoke opens the grant, as long as it is there, and returns what gives it back.
func (s *server) revoke(ctx context.Context, v visitor) func() error {
	client, client1 := v.offer.client, v.offer.client1
	var grant account.Grant
	err := errors.New("no client")
	if client != nil {
		grant, err = s.accounts.Grant(ctx, v.identity, client) // refreshed: some take only a live token back
	}
	if err != nil {
		grant, err = s.accounts.Open(v.identity) // what there is; perhaps it will do
	}
	return func() error {
		switch {
		case err != nil:
			return err
		case client1 != nil:
			return client1.Revoke(ctx, grant.Credentials)
		case client == nil:
			return errors.New("this provider is not switched on")
		case grant.Tokens.AccessToken == "": // nothing left to give back
			return nil
		}
		return client.Revoke(ctx, grant.Tokens)
	}
}

// back leads back to the profile, or shows it with what went wrong.
func (s *server) back(w http.ResponseWriter, r *http.Request, v visitor, err error) {
	if err == nil || errors.Is(err, account.ErrSignInAgain) { // as the profile will say
		if err != nil {
			s.recorder.Failed(r, v.offer.About, err)
		}
		http.Redirect(w, r, "/profile?"+r.URL.RawQuery, http.StatusSeeOther)
		return
	}
	s.show(w, r, v, oauth.Info{}, err)
}

// show shows the visitor what the provider said, or else what it said at the sign-in
// and why no more.
func (s *server) show(w http.ResponseWriter, r *http.Request, v visitor, info oauth.Info, err error) {
	if all, err := s.accounts.Identities(r.Context(), v.identity.UserID); err == nil {
		v.all = all // the tokens may be other ones now
		s.pick(&v, v.identity.Key)
	}
	grant, _ := s.accounts.Open(v.identity)
	page := templates.Profile{Provider: v.offer.About, Info: info, Tokens: grant.Tokens}
	status := http.StatusOK
	if err != nil {
		s.log.Warn("profile", "provider", v.offer.Name, "err", err)
		page.Info.Profile = grant.Profile
		failure := s.recorder.Failed(r, v.offer.About, err)
		page.Failure, status = &failure, failure.Status
	}
	for _, identity := range v.all {
		o := s.offerOf(identity.Key)
		grant, _ := s.accounts.Open(identity)
		page.Accounts = append(page.Accounts, templates.Account{
			Identity: identity, Title: o.Title, Grant: grant,
			Shown: identity.Key == v.identity.Key,
		})
	}
	for _, o := range s.offers {
		connected := slices.ContainsFunc(v.all, func(i account.Identity) bool { return i.Provider == o.key() })
		if o.Ready() && !connected {
			page.Connect = append(page.Connect, o.About)
		}
	}
	s.page(w, r, status, "profile", page)
}

// logout ends the session, or all of the user's.
func (s *server) logout(end func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := end(w, r); err != nil {
			s.fail(w, r, oauth.About{}, err)
			return
		}
		s.recorder.Forget(r)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// trace shows the visitor's own latest sign-ins, step by step.
func (s *server) trace(w http.ResponseWriter, r *http.Request) {
	if s.recorder == nil {
		s.notFound(w, r)
		return
	}
	s.page(w, r, http.StatusOK, "trace", s.recorder.Traces(r))
}

// breakIt shows all checks, and for each the attacks that it stops, to be tried.
func (s *server) breakIt(w http.ResponseWriter, r *http.Request) {
	port := s.fakeOrigin[strings.LastIndexByte(s.fakeOrigin, ':')+1:]
	s.page(w, r, http.StatusOK, "break", templates.NewBreak(s.fakeOrigin, "http://"+net.JoinHostPort(s.base.Hostname(), port)))
}

// fault returns the fault of the client that r is about, or nil.
func (s *server) fault(r *http.Request) *fake.Fault {
	q := r.URL.Query()
	_, name, _ := strings.Cut(cmp.Or(r.PathValue("provider"), q.Get("provider")), "~")
	name = cmp.Or(name, q.Get("fault"))
	if s.fakeOrigin == "" || name == "" {
		return nil
	}
	all := fake.Faults()
	if i := slices.IndexFunc(all, func(f fake.Fault) bool { return f.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// fail says what went wrong: to the visitor in words, to the log by the check's name.
func (s *server) fail(w http.ResponseWriter, r *http.Request, provider oauth.About, err error) {
	failure := s.recorder.Failed(r, provider, err)
	_, notSignedIn := s.sessions.Get(r)
	switch failed, refused := failure.CheckError, failure.Refusal; {
	case refused != nil:
		s.log.Info("sign-in refused", "provider", provider.Name, "step", refused.Step, "code", refused.Code, "description", refused.Description)
		s.page(w, r, failure.Status, "refused", failure)
		return
	case failed != nil:
		s.log.Warn("sign-in failed", "provider", provider.Name, "step", failed.Check.Step, "check", failed.Check.Name, "got", failed.Got, "want", failed.Want)
		if failed.Check.Name == "attempt-unused" && notSignedIn == nil { // the callback reloaded, or the back button
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
	case failure.Status == http.StatusInternalServerError:
		s.log.Error("failed", "provider", provider.Name, "err", err)
	default:
		s.log.Info("refused", "provider", provider.Name, "err", err)
	}
	s.page(w, r, failure.Status, "error", failure)
}

// page shows a page of package templates.
func (s *server) page(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	v, notSignedIn := s.visitor(r)
	var grant account.Grant
	if notSignedIn == nil {
		grant, _ = s.accounts.Open(v.identity)
	}
	if err := templates.Render(w, status, name, templates.Page{
		Simulated: s.fakeOrigin,
		Traced:    s.recorder != nil,
		SignedIn:  notSignedIn == nil,
		User:      grant.Profile,
		Fault:     s.fault(r),
		Data:      data,
	}); err != nil {
		s.log.Error("page", "name", name, "err", err)
		http.Error(w, "This page could not be made; the log says why.", http.StatusInternalServerError)
	}
}
