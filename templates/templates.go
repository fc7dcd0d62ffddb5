// Package templates holds the app's pages, and renders them: plain HTML and one
// stylesheet, without a line of JavaScript.
//
//	templates.go  Render, and what all pages have in common
//	site.go       the pages of any such app: not found, another host, what went wrong
//	notice.go     one line on the next page that says what a button did
//	failure.go    what an error means for people; what they can do is in advice.txt
//	pages/        the pages of a user who is signed in
//	trace/        what happened during a sign-in, step by step
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/templates/trace"
)

//go:embed *.html style.css favicon.svg
var files embed.FS

// Page is what each page shows around its own Data.
type Page struct {
	Simulated string // the origin of the fake provider; empty with real ones
	Traced    bool   // sign-ins are recorded, for the page "trace"
	User      *User  // nil if nobody is signed in
	Notice    notice // what the button did that led here
	Fault     any    // what was tried here, if anything: see [WithFault]
	Data      any
}

// User is the user who is signed in.
type User struct {
	oauth.Profile
	Connect []oauth.About // providers at which the user could connect one more account
}

// Shows reports whether the page's policy lets the browser load this picture. The provider chose
// the address: a path without a host would be a page of this app, and the browser would open it.
func (p Page) Shows(picture string) bool {
	return strings.HasPrefix(picture, "https://") || p.Simulated != "" && strings.HasPrefix(picture, p.Simulated+"/")
}

var pages = template.Must(trace.Define(template.New("")).Funcs(template.FuncMap{
	"until": until,
}).ParseFS(files, "*.html"))

// Render writes the page name.html. The page is rendered whole before the status is
// written: if it returns an error, nothing has been written.
func Render(w http.ResponseWriter, status int, name string, p Page) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name+".html", p); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	b.WriteTo(w) // an error here means that the browser has gone away
	return nil
}

// until says when t is, and how far from now.
func until(t time.Time) string {
	away := time.Until(t)
	unit, name := time.Second, "second"
	switch far := away.Abs(); {
	case far > 48*time.Hour:
		unit, name = 24*time.Hour, "day"
	case far > 2*time.Hour:
		unit, name = time.Hour, "hour"
	case far > 2*time.Minute:
		unit, name = time.Minute, "minute"
	}
	n := away.Abs().Round(unit) / unit
	if n != 1 {
		name += "s"
	}
	format := "%s, in %d %s"
	if away <= 0 {
		format = "%s, %d %s ago"
	}
	return fmt.Sprintf(format, t.UTC().Format("2 Jan 2006, 15:04:05 UTC"), n, name)
}

// Asset serves the stylesheet, style.css, or the icon, favicon.svg, which browsers ask for
// on every site.
func Asset(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=300")
		http.ServeFileFS(w, r, files, name)
	}
}
