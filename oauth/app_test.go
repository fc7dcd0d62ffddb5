package oauth_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"example.com/oauthbyhand/providers/fake"
	"github.com/google/go-cmp/cmp"
)

// The example app is copied, so it must be as safe as what it teaches.
func TestExampleAppIsSafe(t *testing.T) {
	simulator := fake.New(fake.Options{Clients: []fake.Client{
		{Provider: "google", ID: "app", Secret: "secret", RedirectURIs: []string{"https://app.example/callback/google"}},
	}})
	net := simulator.Net()
	net["app.example"] = app("app", "secret", simulator.Net())
	jar, _ := cookiejar.New(nil)
	browser := http.Client{Transport: net, Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "app.example" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	send := func(method, to string) *http.Response {
		t.Helper()
		r := must(http.NewRequest(method, to, nil))
		return must(browser.Do(r))
	}

	consent := send("GET", "https://app.example/login/google")
	back := must(browser.PostForm(consent.Request.URL.String(), url.Values{
		"user": {"ada"}, "scope": {"openid", "email", "profile"}, "decision": {"allow"},
	}))
	callback := back.Header.Get("Location")
	if head := send("HEAD", callback); head.StatusCode != http.StatusMethodNotAllowed || len(head.Cookies()) != 0 {
		t.Errorf("HEAD: %s with cookies %v, want 405 and none", head.Status, head.Cookies())
	}
	signedIn := send("GET", callback)
	if to := signedIn.Header.Get("Location"); signedIn.StatusCode != http.StatusSeeOther || to != "/" {
		t.Errorf("the callback leads by %s to %q, want 303 to / without the code", signedIn.Status, to)
	}
	var cookies []string
	for _, c := range signedIn.Cookies() {
		if c.Name == "__Host-session" {
			id := c.Value
			if len(id) < 26 {
				t.Errorf("the session's id has %d characters, want 26", len(id))
			}
			cookies = append(cookies, strings.Replace(c.Raw, id, "‹id›", 1))
		}
	}
	want := []string{"__Host-session=‹id›; Path=/; HttpOnly; Secure; SameSite=Lax"}
	if diff := cmp.Diff(want, cookies); diff != "" {
		t.Errorf("sessions (-want +got)\n%s", diff)
	}
	if again := send("GET", callback); again.StatusCode != http.StatusBadRequest {
		t.Errorf("the same callback later: %s, want 400", again.Status)
	}
	browser.Jar = nil
	if stranger := send("GET", callback); stranger.StatusCode != http.StatusBadRequest {
		t.Errorf("the same callback in another browser: %s, want 400", stranger.Status)
	}
}
