// Package demo puts the fake provider behind an app. Each of the app's providers is
// simulated, and each fault can be tried. The app does not know: its clients get an
// internet in memory, and when the app redirects the browser to a real provider, a handler
// around the app redirects it to the fake.
package demo

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/web"
	"example.com/oauthbyhand/providers/fake"
	"example.com/oauthbyhand/providers/fake/faults"
	"example.com/oauthbyhand/providers/registered"
	"example.com/oauthbyhand/templates"
)

// Demo is the simulated providers of one app.
type Demo struct {
	Origin    string                // the address at which a browser finds them
	Handler   *faults.Server        // what answers there
	Providers []registered.Provider // the app's, then a hidden one for each fault

	base   *url.URL
	faults []faults.Fault
}

// New returns the simulated providers for the app at base. Their entries are the real ones,
// with real URLs: only the browser is sent to origin instead. Each fault happens to a client
// of its own.
func New(origin string, base *url.URL) (*Demo, error) {
	d := &Demo{Origin: origin, Providers: registered.All("https://openid.example"), base: base, faults: faults.All()}
	for _, f := range d.faults {
		i := slices.IndexFunc(d.Providers, func(p registered.Provider) bool { return p.Name == f.Provider })
		d.Providers = append(d.Providers, d.Providers[i].Twin(f.Client()))
	}
	var clients []fake.Client
	for _, p := range d.Providers {
		provider, _, _ := strings.Cut(p.Name, "~")
		clients = append(clients, fake.Client{Provider: provider, ID: "demo-" + p.Name, Secret: rand.Text(), RedirectURIs: []string{p.RedirectURI(base)}})
	}
	d.Handler = faults.New(fake.New(fake.Options{Origin: origin, Clients: clients}), origin)
	for i, c := range clients {
		p := &d.Providers[i]
		transport := d.Handler.Honest.Net()
		if fault := d.fault(p.Name, nil); fault != nil {
			transport = d.Handler.Net(*fault)
		}
		if err := p.Connect(c.ID, c.Secret, c.RedirectURIs[0], transport); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// CheckBase refuses an app that real users could reach, because they must never meet a fake provider.
func CheckBase(base *url.URL) error {
	if oauth.IsLoopback(base.Hostname()) {
		return nil
	}
	return fmt.Errorf("there are no credentials, and the fake provider must never meet real users: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, or another provider's, or take a -base-url on localhost instead of %s", base)
}

// Listen returns the simulated providers for the app at base, and the listeners on which a
// browser finds them. If given is true, they are at addr. If not, they are at the first free
// port, beginning with that of addr.
func Listen(addr string, given bool, base *url.URL, log *slog.Logger) (*Demo, []net.Listener, error) {
	if !given && base.Hostname() != "localhost" {
		addr = "localhost:9000" // cookies ignore ports: app and provider need two hosts, as in real life
	}
	listeners, err := web.Listen("-fake-addr", &addr, !given)
	if err != nil {
		return nil, nil, err
	}
	addr = web.Visible(addr, "127.0.0.1")
	if host, _, _ := net.SplitHostPort(addr); host == base.Hostname() {
		log.Warn("app and fake provider are at one host, so each gets the other's cookies: give -fake-addr another host", "host", host)
	}
	d, err := New("http://"+addr, base)
	return d, listeners, err
}

// App returns app behind a handler that leads its redirects to the fake, and tells its pages
// which attack was tried and how it ended. It adds the page /break to the app's routes, mux.
// A nil Demo returns app as it is.
func (d *Demo) App(mux *http.ServeMux, site *templates.Site, app http.Handler) http.Handler {
	if d == nil {
		return app
	}
	mux.HandleFunc("GET /break", func(w http.ResponseWriter, r *http.Request) { d.breakIt(w, r, site) })
	around := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action, provider, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		out := &redirector{ResponseWriter: w, demo: d, request: r, action: action, provider: provider}
		if fault := d.fault(provider, r.URL.Query()); fault != nil {
			out.tried = &Tried{*fault, d.tried(r).Get(fault.Name), r.URL.Query().Get("part")}
			r = r.WithContext(templates.WithFault(r.Context(), out.tried))
		}
		app.ServeHTTP(out, r)
	})
	d.Handler.Attack(d.base.String(), around)
	return around
}

// fault returns the fault that a request is about, or nil. Its name comes after "~" in the name of
// the provider or in the query's parameter provider, or it is the query's parameter fault.
func (d *Demo) fault(provider string, query url.Values) *faults.Fault {
	for _, name := range []string{provider, query.Get("provider"), "~" + query.Get("fault")} {
		if _, name, ok := strings.Cut(name, "~"); ok {
			if i := slices.IndexFunc(d.faults, func(f faults.Fault) bool { return f.Name == name }); i >= 0 {
				return &d.faults[i]
			}
		}
	}
	return nil
}

// front returns the address at which a browser finds a URL of the provider.
func (d *Demo) front(provider, rawURL string) string {
	if fault := d.fault(provider, nil); fault != nil {
		return d.Handler.Front(*fault, rawURL)
	}
	return d.Handler.Honest.Front(rawURL)
}

// redirector changes the app's redirects. One to a real provider leads to the fake. One to
// the profile names the fault if it has passed. It also notes how the fault ended.
type redirector struct {
	http.ResponseWriter
	demo             *Demo
	request          *http.Request
	action, provider string // of the path
	tried            *Tried // the fault that the request is about, or nil
}

func (w *redirector) WriteHeader(status int) {
	to := w.demo.front(w.provider, w.Header().Get("Location"))
	if f := w.tried; f != nil {
		ended := w.ended(status)
		if ended != "" {
			w.demo.remember(w.ResponseWriter, w.request, f.Name, ended)
		}
		path, query, _ := strings.Cut(to, "?")
		if ended == passed && path == "/profile" && !(f.Attacked() && f.Stops != "" && f.Stops != faults.Nothing) {
			to = path + "?" + strings.TrimLeft(query+"&fault="+f.Name, "&") + "&part=" + f.part(w.action)
		}
	}
	if to != "" {
		w.Header().Set("Location", to)
	}
	w.ResponseWriter.WriteHeader(status)
}

// ended returns what an answer to a request with a fault means: stopped or passed. It returns "" if
// the fault is under way, or if nothing was done: the callback was used before, or the visitor of a
// button has signed out or has no such account.
func (w *redirector) ended(status int) string {
	to := w.Header().Get("Location")
	took := strings.Contains(fmt.Sprint(w.Header()["Set-Cookie"]), "attempt-") // the app took an attempt, and its cookie goes
	switch {
	case w.action == "profile", status == http.StatusNotFound:
		return ""
	case status >= 400, status == http.StatusOK: // a page about a failure or a refusal
		return stopped
	case w.action == "callback" && !took && w.tried.Stops == "attempt-unused":
		return stopped
	case w.action == "callback" && took, w.action == "refresh" && strings.HasPrefix(to, "/profile?"), w.action == "disconnect" && !strings.HasPrefix(to, "/?"):
		return passed
	}
	return ""
}
