// Package templates holds the app's pages, and renders them: plain HTML and one
// stylesheet, without a line of JavaScript.
//
//	templates.go    Render, and what the pages show
//	failure.go      what an error means for people, and what they can do
//	break.go        the page "break": the checks, and the attacks that each stops
//
// The page "trace" shows what the events of package oauth tell, and -trace prints it:
//
//	recorder.go     hears them, and keeps them for who made them
//	visitor.go      who that is, and what they see
//	mask.go         cuts real providers' secrets, before anything is kept
//	hop.go          one event in words; in proofs.go a signature and an ID token
//	words.go        what each name and each step is for, and which values are secret
//	row.go          a check that was made
//	trace.go        the events of a sign-in by step, for the page
//	transcript.go   as text, for the terminal and testdata/wire
package templates

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers/fake"
)

//go:embed *.html style.css favicon.svg
var files embed.FS

// Page is what each page shows around its own Data: a [Profile], [Failure], [Traces] or
// [Break], or what its handler in main.go makes.
type Page struct {
	Simulated string // where the fake provider is; empty with real ones
	Traced    bool   // sign-ins are recorded, for the page "trace"
	SignedIn  bool
	User      oauth.Profile
	Fault     *fake.Fault // what was tried here, if anything; nil with real providers
	Data      any
}

// Profile is the Data of the page "profile".
type Profile struct {
	Provider oauth.About
	Info     oauth.Info // read afresh, or as it was at the sign-in
	Tokens   oauth.Tokens
	Failure  *Failure // why it was not read afresh
	Accounts []Account
	Connect  []oauth.About // where the user could connect one more
}

// Account is an identity of the user, with its buttons.
type Account struct {
	account.Identity
	Title string // of the provider
	Grant account.Grant
	Shown bool // the page is about this one
}

// Query names the identity in URLs.
func (a Account) Query() template.URL {
	return template.URL(url.Values{"provider": {a.Identity.Provider}, "subject": {a.Subject}}.Encode())
}

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"step":  func(step int) string { return chapters[step].Name },
	"reply": func(body json.RawMessage) part { return Whole().body(inProfile, string(body)) },
	// A picture's address is the provider's word: a path of this app's would be visited
	// at each view.
	"elsewhere": func(u string) bool { return strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") },
	"until":     until,
	"links":     links,
	"long":      func(s string) bool { return len(s) > foldFrom || strings.Contains(s, "\n") },
	"short":     short,
}).ParseFS(files, "*.html"))

// Render writes the page name.html. It is rendered whole before the status is written:
// with an error nothing has been written.
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

// until says when t is, and how far from now.
func until(t time.Time) string {
	away := time.Until(t)
	unit, name := time.Second, "seconds"
	switch far := away.Abs(); {
	case far > 48*time.Hour:
		unit, name = 24*time.Hour, "days"
	case far > 2*time.Hour:
		unit, name = time.Hour, "hours"
	case far > 2*time.Minute:
		unit, name = time.Minute, "minutes"
	}
	format := t.UTC().Format("2 Jan 2006, 15:04:05 UTC") + ", in %d %s"
	if away < 0 {
		format = strings.Replace(format, "in %d %s", "%d %s ago", 1)
	}
	return fmt.Sprintf(format, away.Abs().Round(unit)/unit, name)
}

// Asset serves the stylesheet, style.css, or the icon, favicon.svg, which browsers ask for
// in any case.
func Asset(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=300")
		http.ServeFileFS(w, r, files, name)
	}
}
