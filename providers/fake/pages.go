package fake

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
)

//go:embed pages
var pageFiles embed.FS

var pages = template.Must(Pages(pageFiles).ParseFS(pageFiles, "pages/picture.svg"))

// Pages returns the templates pages/*.html of files, for [Show]. Each begins with {{template "head" TITLE}}.
func Pages(files fs.FS) *template.Template {
	head := template.Must(template.ParseFS(pageFiles, "pages/layout.html")).Option("missingkey=error")
	return template.Must(head.ParseFS(files, "pages/*.html"))
}

// consent asks the user. Its form posts to its own URL, so it needs no hidden fields.
func consent(w http.ResponseWriter, d *dialect, c *Client, redirectURI string, scopes []scope, asked url.Values) {
	returns, _ := url.Parse(redirectURI) // the client accepts it, so it is a URL
	Show(w, http.StatusOK, pages, "consent.html", object{
		"Dialect": d.name, "Title": d.title, "App": c.ID, "Returns": returns.Host,
		"Users": Users(), "Scopes": scopes, "Asked": asked,
	})
}

// decision is the user's answer.
type decision struct {
	allowed bool
	user    User
	scopes  []string // the ticked ones
}

// readDecision reads the consent form. If the body is not that form, it shows an error page.
func readDecision(w http.ResponseWriter, r *http.Request) (decision, bool) {
	form, f := postForm(w, r)
	if f != nil {
		showError(w, http.StatusBadRequest, f.description)
		return decision{}, false
	}
	u, says := user(form.Get("user")), form.Get("decision")
	switch {
	case says == "refuse":
		return decision{}, true
	case says == "allow" && u.ID != "":
		return decision{true, u, form["scope"]}, true
	}
	showError(w, http.StatusBadRequest, "This answer names no user of this provider, or is neither allow nor refuse. Go back and choose again: nothing is lost.")
	return decision{}, false
}

// home is the first page. It says what you need to know to test a program of your own.
func (s *Server) home(table []route) handler {
	var routes []string
	for _, t := range table {
		routes = append(routes, t.methods+" /"+t.at)
	}
	return func(_ *dialect, w http.ResponseWriter, r *http.Request) {
		Show(w, http.StatusOK, pages, "home.html", object{
			"Issuer": s.origin, "ID": TestID, "ES256": TestES256, "Plain": TestPlain, "Secret": TestSecret,
			"Users": Users(), "Routes": routes,
		})
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	showError(w, http.StatusNotFound, "No provider answers "+r.Method+" "+strings.TrimPrefix(r.Host+r.URL.Path, self)+".")
}

// showError shows the user an error that is not sent to the client.
func showError(w http.ResponseWriter, status int, message string) {
	Show(w, status, pages, "error.html", object{"Status": status, "Text": http.StatusText(status), "Message": message})
}

// Show renders one of the templates. It renders the whole page before the status goes out, so that no half page is
// a success.
func Show(w http.ResponseWriter, status int, templates *template.Template, page string, data any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, page, data); err != nil {
		http.Error(w, "the page could not be rendered", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	// No frames: laid over another page and made transparent, this page would collect clicks on Allow (RFC 6749 §10.13).
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

func stylesheet(_ *dialect, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, pageFiles, "pages/fake.css")
}

// picture draws a person's initials in a circle.
func picture(_ *dialect, w http.ResponseWriter, r *http.Request) {
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
