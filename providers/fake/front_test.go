package fake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/providers/fake"
)

func TestFront(t *testing.T) {
	w := newWorld(t)
	for in, want := range map[string]string{
		"https://github.com/login/oauth/authorize?a=b%2Fc": origin + "/github.com/login/oauth/authorize?a=b%2Fc",
		"http://github.com/login":                          "http://github.com/login", // another URL, and no provider's
		"https://github.com.evil.example/":                 "https://github.com.evil.example/",
		"https://user@github.com/":                         "https://user@github.com/",
		"https://app.example/callback":                     "https://app.example/callback",
		"https://%zz":                                      "https://%zz",
	} {
		wantEqual(t, want, w.Front(in), in)
	}
}

func TestMapping(t *testing.T) {
	w := newWorld(t)
	const metadata, generic = `"issuer":"https://accounts.google.com"`, `"issuer":"http://127.0.0.1:9000"`
	tests := []struct {
		path, reason string
		status       int
		body         string
	}{
		{"/accounts.google.com/.well-known/openid-configuration", "a known host", 200, metadata},
		{"/.well-known/openid-configuration", "the fake's own origin", 200, generic},
		{"/", "what this is", 200, "The other side of the sign-in"},
		{"/fake.css", "the pages' style", 200, "--accent"},
		{"/picture/ada.svg", "a face", 200, "AL</text>"},
		{"/picture/ada_normal.svg", "in X's smaller size", 200, "AL</text>"},
		{"/picture/eve.svg", "nobody", 404, "No provider answers"},
		{"/accounts.google.com%2F.well-known/openid-configuration", "one segment, and no host", 404, ""},
		{"/%61ccounts.google.com/.well-known/openid-configuration", "known hosts are spelt plainly", 404, ""},
		{"/github.com/../accounts.google.com/.well-known/openid-configuration", "no way out of a host", 404, ""},
		{"/github.com//accounts.google.com/.well-known/openid-configuration", "the mux would redirect out of the host", 404, ""},
		{"/github.com/%2e%2e/accounts.google.com/.well-known/openid-configuration", "decoded it is ..", 404, ""},
		{"/origin.invalid/.well-known/openid-configuration", "the routes' name for the origin is none from outside", 404, ""},
		{"/github.com/.well-known/openid-configuration", "each host has its own paths only", 404, "GET github.com/.well-known"},
		{"/oauth2.googleapis.com/token", "POST only", 404, "GET oauth2.googleapis.com/token"},
		{"/openidconnect.googleapis.com/v1/userinfo", "without a token", 401, "invalid_token"},
	}
	for _, tt := range tests {
		// Any name that the listener has will do; the origin is configured, and not learnt from Host.
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, httptest.NewRequest("GET", "http://localhost:9000"+tt.path, nil))
		if rec.Code != tt.status || !strings.Contains(rec.Body.String(), tt.body) {
			t.Errorf("%s: %d, want %d: %s\n%s", tt.path, rec.Code, tt.status, tt.reason, rec.Body)
		}
		wantEqual(t, "nosniff", rec.Header().Get("X-Content-Type-Options"), tt.path)
		// Opened by itself an SVG is a document: scripts in it must not run.
		picture := tt.status == 200 && strings.HasSuffix(tt.path, ".svg")
		if policy := rec.Header().Get("Content-Security-Policy"); picture && (policy != "default-src 'none'; sandbox" || rec.Header().Get("Content-Type") != "image/svg+xml") {
			t.Errorf("%s: %q %v", tt.path, policy, rec.Header())
		}
	}
}

// The path below the host arrives as it was sent: %2F is no slash.
func TestMappingKeepsEscapes(t *testing.T) {
	rec := httptest.NewRecorder()
	newWorld(t).ServeHTTP(rec, httptest.NewRequest("DELETE", "http://127.0.0.1:9000/api.github.com/applications/a%2Fb/grant", nil))
	if rec.Code != 401 { // found, with the client_id "a/b", which is none
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// The fake answers only to names of this machine and of its origin. If an attacker's DNS name points here (DNS
// rebinding), the browser takes the attacker's page and the fake for one site.
func TestHosts(t *testing.T) {
	s := fake.New(fake.Options{Origin: "https://fake.example:9443"})
	handlers := map[string]http.Handler{"/authorize": s, "/token": s, "/": s, "/userinfo": s.Issuer("https://fake.example:9443/other")}
	for host, answered := range map[string]bool{
		"localhost": true, "LOCALHOST:9000": true, "127.0.0.1:1": true, "[::1]": true, "[::1]:9000": true, "fake.example:9443": true,
		"fake.example": false, "fake.example:80": false, "evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example:9000": false, "0.0.0.0": false, "": false,
	} {
		for path, handler := range handlers {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost"+path, nil)
			r.Host = host
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, r)
			wantEqual(t, answered, rec.Code != 421, host+path)
		}
	}
}

// A foreign site cannot press Allow in the user's name.
func TestForeignSite(t *testing.T) {
	w, p := newWorld(t), providers["oidc"]
	target := w.Front(p.authorize) + "?" + asking(p).Encode()
	for _, tt := range []struct {
		header, value string
		status        int
	}{
		{"Sec-Fetch-Site", "cross-site", 403},
		{"Sec-Fetch-Site", "same-site", 403}, // another port of this host
		{"Sec-Fetch-Site", "same-origin", 303},
		{"Origin", "https://evil.example", 403},
		{"Origin", origin, 303},
	} {
		rec := w.browse(target, tt.header, tt.value, allowing("ada", p))
		if rec.Code != tt.status || (rec.Header().Get("Location") != "") != (tt.status == 303) {
			t.Errorf("%s: %s: %d, want %d", tt.header, tt.value, rec.Code, tt.status)
		}
	}
}

func TestNewPanics(t *testing.T) {
	for client, want := range map[[4]string]bool{
		{"oidc", "app", "s", "myapp://"}: false, {"myspace", "app", "s", "myapp://"}: true, {"oidc", "", "s", "myapp://"}: true, {"oidc", "app", "", "myapp://"}: true,
		{"oidc", "app", "s", "https://app.example/%zz"}: true, {"oidc", "app", "s", "/callback"}: true, {"oidc", "app", "s", "http://localhost/#/callback"}: true, // RFC 6749 §3.1.2
	} {
		func() {
			defer func() {
				wantEqual(t, want, recover() != nil, strings.Join(client[:], " "))
			}()
			fake.New(fake.Options{Clients: []fake.Client{{Provider: client[0], ID: client[1], Secret: client[2], RedirectURIs: client[3:]}}})
		}()
	}
}

type body struct {
	io.Reader
	closed atomic.Bool
}

func (b *body) Close() error { b.closed.Store(true); return nil }

func TestNet(t *testing.T) {
	n := fake.Net{
		"echo.example":  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }),
		"panic.example": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }),
		"host.example":  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host+" "+r.RequestURI) }),
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		url, answer, error string
		ctx                context.Context
	}{
		{"https://echo.example/", "hello", "", t.Context()},
		{"https://host.example/a%2Fb?c=d", "host.example /a%2Fb?c=d", "", t.Context()},
		{"https://real.example/", "", `no such host: "real.example"`, t.Context()},
		{"https://panic.example/", "", "panic.example: handler panicked: boom", t.Context()},
		{"https://echo.example/", "", "context canceled", cancelled},
	} {
		b := &body{Reader: strings.NewReader("hello")}
		resp, err := n.RoundTrip(must(http.NewRequestWithContext(tt.ctx, "POST", tt.url, b)))
		if tt.error != "" {
			if err == nil || !strings.Contains(err.Error(), tt.error) {
				t.Errorf("%s: %v, want %q", tt.url, err, tt.error)
			}
		} else if err != nil || text(t, resp) != tt.answer {
			t.Errorf("%s: %v %v", tt.url, resp, err)
		}
		if !b.closed.Load() {
			t.Errorf("%s: the body was not closed", tt.url)
		}
	}
}

// The client's deadline holds against a handler that is late, and the handler ends with it: a
// goroutine left over would fail the test.
func TestNetDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &body{Reader: strings.NewReader("x")}
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		client := &http.Client{Transport: fake.Net{"slow.example": slow}, Timeout: 10 * time.Second}
		begin := time.Now()
		_, err := client.Post("https://slow.example/", "text/plain", b)
		if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		synctest.Wait()
		if !b.closed.Load() {
			t.Error("the body was not closed")
		}
	})
}
