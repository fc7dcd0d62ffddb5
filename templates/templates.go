// Package templates holds the app's pages, and renders them: plain HTML and one
// stylesheet, without a line of JavaScript.
//
// One page, "trace", shows what the events of package oauth tell. What it takes is here,
// too: the [Recorder] that keeps them for each visitor, the [Mask] that cuts real
// providers' secrets before they are kept, and the words on each step and each value.
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

// Page is what each page shows around its own Data.
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

// Account is an identity of the user.
type Account struct {
	account.Identity
	Title string // of the provider
	Grant account.Grant
	Shown bool // above
}

// Query names the identity in URLs.
func (a Account) Query() template.URL {
	return template.URL(url.Values{"provider": {a.Identity.Provider}, "subject": {a.Subject}}.Encode())
}

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"join":  func(list []string) string { return strings.Join(list, " ") },
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

// Asset serves the stylesheet, style.css, or the icon, favicon.svg, for which browsers
// would else look in vain.
func Asset(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=300")
		http.ServeFileFS(w, r, files, name)
	}
}
