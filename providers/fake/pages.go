package fake

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed pages
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"initials": initials}).
	ParseFS(pageFiles, "pages/*.html", "pages/picture.svg"))

// parameterNotes says on the consent page what each parameter is for.
var parameterNotes = map[string]string{
	"client_id":             "which app asks (RFC 6749 §2.2)",
	"redirect_uri":          "where the answer goes; must be registered, and is compared exactly (RFC 9700 §2.1)",
	"response_type":         "the answer is to be a code, and no token (RFC 9700 §2.1.2)",
	"scope":                 "what is asked for (RFC 6749 §3.3)",
	"state":                 "comes back unchanged, so that the app knows its own attempt (RFC 6749 §10.12)",
	"nonce":                 "comes back inside the ID token, so that a replayed one is noticed (OIDC Core §15.5.2)",
	"code_challenge":        "the hash of a secret that the app shows with the code, so that a stolen code is worth nothing (RFC 7636)",
	"code_challenge_method": "the hash is SHA-256 (RFC 7636 §4.2)",
	"access_type":           "Google: offline asks for a refresh token",
}

type consentPage struct {
	Dialect, Title, App, Returns string
	Users                        []User
	Scopes                       []scope
	Parameters                   []parameter
}

type parameter struct{ Name, Value, Note string }

// consent asks the user. Its form posts to the URL it was got from, so it needs no hidden fields.
func (s *Server) consent(w http.ResponseWriter, d *dialect, asked url.Values, scopes []scope) {
	p := consentPage{Dialect: d.name, Title: d.title, App: asked.Get("client_id"), Users: Users(), Scopes: scopes}
	if u, err := url.Parse(asked.Get("redirect_uri")); err == nil {
		p.Returns = u.Host
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		p.Parameters = append(p.Parameters, parameter{name, asked.Get(name), parameterNotes[name]})
	}
	show(w, http.StatusOK, "consent.html", p)
}

type homePage struct {
	Issuer, ID, ES256, Secret string
	Users                     []User
	Clients                   []Client
	Faults                    []Fault
	Routes                    []string
}

func (s *Server) home(table []route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := homePage{Issuer: s.origin, ID: TestID, ES256: TestES256, Secret: TestSecret, Users: Users(),
			Clients: slices.DeleteFunc(slices.Clone(s.clients), func(c Client) bool { return c.ID == TestID || strings.Contains(c.ID, "~") }),
			Faults:  slices.DeleteFunc(Faults(), func(f Fault) bool { return f.hook == nil || f.local })}
		for _, t := range table {
			p.Routes = append(p.Routes, strings.Replace(t.pattern, " ", " /", 1))
		}
		show(w, http.StatusOK, "home.html", p)
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if host == self {
		host = ""
	}
	showError(w, http.StatusNotFound, fmt.Sprintf("No provider answers %s %s%s.", r.Method, host, r.URL.Path))
}

// showError is for what cannot be told to the client, because nobody knows where it is.
func showError(w http.ResponseWriter, status int, message string) {
	show(w, status, "error.html", struct {
		Status        int
		Text, Message string
	}{status, http.StatusText(status), message})
}

// show renders the whole page before the status goes out, so that no half page is a success.
func show(w http.ResponseWriter, status int, page string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, page, data); err != nil {
		http.Error(w, "the page could not be rendered", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	// No frames: a page under a transparent one collects clicks on Allow (RFC 6749 §10.13).
	// And no form-action: Chromium applies it to the redirect after the form, which goes to the app.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

func stylesheet(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, pageFiles, "pages/fake.css")
}

// picture is a person's face: two letters in a circle.
func picture(w http.ResponseWriter, r *http.Request) {
	u := user(strings.TrimSuffix(strings.TrimSuffix(r.PathValue("user"), ".svg"), "_normal")) // X's smaller one
	if u.ID == "" {
		notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	// Opened by itself an SVG is a document, which could run scripts.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	pages.ExecuteTemplate(w, "picture.svg", u)
}

func (s *Server) picture(u User) string { return s.origin + "/picture/" + u.ID + ".svg" }

func initials(u User) string {
	var letters string
	for word := range strings.FieldsSeq(u.Name) {
		letters += string([]rune(word)[:1])
	}
	return letters
}
