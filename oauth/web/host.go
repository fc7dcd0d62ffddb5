package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"example.com/oauthbyhand/oauth"
)

// ParseBaseURL parses the URL under which browsers reach the app. The URL must have a scheme,
// a host and perhaps a port, and nothing else. The scheme must be https, or http if the host is
// this machine. In the result, the host is written as browsers write it (see [HostOf]). Errors
// name the flag -base-url.
func ParseBaseURL(raw string) (*url.URL, error) {
	raw = strings.TrimSuffix(raw, "/")
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || raw != u.Scheme+"://"+u.Host {
		return nil, fmt.Errorf("-base-url %q: want a scheme and a host, like https://app.example.com", raw)
	}
	if u.Scheme == "http" && !oauth.IsLoopback(u.Hostname()) {
		return nil, fmt.Errorf("-base-url %s: plain http is for localhost only; take https://%s", u, u.Host)
	}
	u.Host = HostOf(u.Scheme, strings.ToLower(u.Host))
	return u, nil
}

// HostOf returns hostport without its port if the port is empty or the scheme's default, as
// browsers write it.
func HostOf(scheme, hostport string) string {
	return strings.TrimSuffix(strings.TrimSuffix(hostport, ":"), map[string]string{"http": ":80", "https": ":443"}[scheme])
}

// OneHost lets requests pass to next only under the host of base, except those for /static/. The
// providers send browsers back to that host. For example, a sign-in that begins at 127.0.0.1 would
// come back to localhost, without its cookie. If both hosts mean this machine, with the same port,
// OneHost redirects a GET to base, except a callback, whose URL holds a code. The rest goes to
// the handler other.
func OneHost(base *url.URL, other http.HandlerFunc, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.ToLower(r.Host)
		here, err := url.Parse("//" + host)
		loopbacks := err == nil && oauth.IsLoopback(here.Hostname()) && oauth.IsLoopback(base.Hostname()) && here.Port() == base.Port()
		reading := r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/callback/")
		switch {
		case host == base.Host, strings.HasPrefix(r.URL.Path, "/static/"): // which the pages of other need too
			next.ServeHTTP(w, r)
		case loopbacks && reading && strings.HasPrefix(r.URL.RequestURI(), "/"):
			http.Redirect(w, r, base.String()+r.URL.RequestURI(), http.StatusSeeOther)
		default:
			other(w, r)
		}
	})
}
