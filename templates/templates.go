// Package templates holds the app's pages, and renders them: plain HTML and one
// stylesheet, without a line of JavaScript.
package templates

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"

	"example.com/oauthbyhand/oauth"
)

//go:embed *.html style.css favicon.svg
var files embed.FS

// Page is what each page shows around its own Data.
type Page struct {
	Simulated string // where the fake provider is; empty with real ones
	SignedIn  bool
	User      oauth.Profile
	Data      any
}

// Failure is the Data of the pages "error" and "refused".
type Failure struct {
	Provider   string            // for people
	Name       string            // in routes
	Base       string            // the app's own URL
	CheckError *oauth.CheckError // nil for what is neither a failed check nor a refusal
	Refusal    *oauth.Refusal
}

// Happened says in plain words what a failed check means.
func (f Failure) Happened() string { return f.advice().happened }

// Remedy says what to do about it.
func (f Failure) Remedy() string { return f.advice().remedy }

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"join":   func(list []string) string { return strings.Join(list, " ") },
	"step":   func(step int) string { return steps[step] },
	"pretty": pretty,
	// A picture's address is the provider's word: a path of this app's would be visited
	// at each view.
	"elsewhere": func(u string) bool { return strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") },
}).ParseFS(files, "*.html"))

// Render writes the page with this name. It is rendered whole before the status
// is written, so that an error on the way makes no half page.
func Render(w http.ResponseWriter, status int, name string, p Page) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name+".html", p); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	b.WriteTo(w) // who has gone away misses nothing
	return nil
}

// Stylesheet serves the one stylesheet.
func Stylesheet(w http.ResponseWriter, r *http.Request) { asset(w, r, "style.css") }

// Favicon serves the icon, so that browsers do not look for one in vain.
func Favicon(w http.ResponseWriter, r *http.Request) { asset(w, r, "favicon.svg") }

func asset(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Cache-Control", "max-age=300")
	http.ServeFileFS(w, r, files, name)
}

// Member is a member of a JSON object, for a table.
type Member struct{ Name, Value string }

// pretty lists the members of a JSON object in the order in which they came; what
// is no object is one member without a name.
func pretty(raw json.RawMessage) []Member {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return []Member{{"", indent(raw)}}
	}
	var members []Member
	for decoder.More() {
		name, _ := decoder.Token()
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			break
		}
		members = append(members, Member{name.(string), indent(value)})
	}
	return members
}

func indent(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil && len(raw) > 0 && raw[0] == '"' {
		return text
	}
	var b bytes.Buffer
	if len(raw) > 64<<10 || json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}
