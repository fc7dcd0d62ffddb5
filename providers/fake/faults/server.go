package faults

import (
	"embed"
	"net/http"
	"strings"
	"sync"

	"example.com/oauthbyhand/providers/fake"
)

// Server is an honest fake. At Origin/~name/… it plays the fault of that name; everywhere else it is honest.
type Server struct {
	Honest   *fake.Server
	hosts    fake.Net
	origin   string
	played   map[string]played
	app      string // the origin of the app under attack
	attacked http.Handler
}

// played is one fault as it is played: at the real hosts, and at an issuer of its own.
type played struct {
	Fault
	hosts  *wire
	issuer func() http.Handler // made when first asked for
}

// New puts every fault in front of honest. origin is that of honest.
func New(honest *fake.Server, origin string) *Server {
	s := &Server{Honest: honest, hosts: honest.Net(), origin: strings.TrimSuffix(origin, "/"), played: map[string]played{}}
	for _, f := range All() {
		s.played[f.Name] = played{f, &wire{fault: f}, sync.OnceValue(func() http.Handler {
			return (&wire{fault: f}).before(honest.Issuer(s.origin + "/~" + f.Name))
		})}
	}
	return s
}

// Attack sets the app under attack and its origin, for example http://localhost:8080. Without an app there are no
// attacker's pages.
func (s *Server) Attack(origin string, app http.Handler) { s.app, s.attacked = origin, app }

// Net returns the network for the client that meets f: the app sends its own requests through it.
func (s *Server) Net(f Fault) fake.Net {
	n := s.Honest.Net()
	for host, honest := range n {
		n[host] = s.played[f.Name].hosts.before(honest)
	}
	return n
}

// Front returns the address at which a browser finds a URL of the real world, with the fault in front. Other URLs are
// returned unchanged.
func (s *Server) Front(f Fault, rawURL string) string {
	path, known := strings.CutPrefix(s.Honest.Front(rawURL), s.origin)
	if !known {
		return rawURL
	}
	return s.origin + "/~" + f.Name + path
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	segment, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	name, tilde := strings.CutPrefix(segment, "~")
	host, _, _ := strings.Cut(rest, "/")
	f, known := s.played[name]
	switch {
	case tilde && name == "" && rest == "":
		s.list(w)
	case !tilde || !known:
		s.Honest.ServeHTTP(w, r)
	case rest == "" && f.Attacked() && s.attacked != nil:
		s.attackPage(f.Fault, w, r)
	case s.hosts[host] != nil:
		http.StripPrefix("/~"+name, f.hosts.before(s.Honest)).ServeHTTP(w, r)
	case f.Anywhere():
		http.StripPrefix("/~"+name, f.issuer()).ServeHTTP(w, r)
	default:
		s.Honest.ServeHTTP(w, r) // it answers "not found"
	}
}

//go:embed pages
var pageFiles embed.FS

var pages = fake.Pages(pageFiles)

// list is the page that names the faults that a client of your own can try.
func (s *Server) list(w http.ResponseWriter) {
	var wire []Fault
	for _, f := range All() {
		if f.hook != nil && !f.local {
			wire = append(wire, f)
		}
	}
	fake.Show(w, http.StatusOK, pages, "list.html", struct {
		Issuer string
		Faults []Fault
	}{s.origin, wire})
}
