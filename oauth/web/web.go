// Package web has what every web app with a sign-in needs around its own handlers.
//
//	listen.go  listen on an address, and serve
//	host.go    the one name under which browsers reach the app
//	web.go     headers, methods and return paths
package web

import (
	"net/http"
	"net/url"
	"strings"
)

// GetOnly refuses HEAD, which a "GET" pattern lets through: a client that only looks
// must not use up an attempt.
func GetOnly(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		h(w, r)
	}
}

// Headers sets headers on each response of next. They forbid scripts, frames around a page (RFC
// 9700 §4.16), copies in caches, and this app's paths in the Referer to other sites. Images may
// come from any https site. imagesFrom is one more origin for images, such as
// "http://127.0.0.1:9000", or empty.
func Headers(base *url.URL, imagesFrom string, next http.Handler) http.Handler {
	// No form-action: Chromium also applies it to the redirects after a form.
	policy := "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; img-src 'self' https: " + imagesFrom
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if base.Scheme == "https" {
			h.Set("Strict-Transport-Security", "max-age=31536000") // a year (RFC 6797 §6.1)
		}
		if strings.HasPrefix(r.URL.Path, "/callback/") {
			// The URL holds a code, so not even a request to this app gets it as a Referer (RFC
			// 9700 §4.2.4). With no-referrer, forms of the page would be sent with "Origin: null"
			// and be refused.
			h.Set("Referrer-Policy", "strict-origin")
		}
		next.ServeHTTP(w, r)
	})
}

// LocalPath returns path if it leads to this app, and "" otherwise, so that no sign-in ends at
// another site (open redirect, RFC 9700 §4.11.1). Browsers take "//host" and "/\host" for
// another host. They drop tabs and line breaks from a URL, so LocalPath refuses these. It also
// refuses a path of more than 512 bytes: the path is kept in a cookie, and browsers drop a
// cookie that is too long.
func LocalPath(path string) string {
	_, err := url.ParseRequestURI(path) // Parse allows line breaks after a "#"
	if err != nil || len(path) > 512 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) {
		return ""
	}
	return path
}
