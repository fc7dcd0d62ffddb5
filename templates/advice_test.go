package templates

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
)

// What an error page advises, if the same check fails for several reasons.
func TestAdvice(t *testing.T) {
	status := func(step int, got string) error {
		return &oauth.CheckError{Check: oauth.Check{Step: step, Name: "reply-status-200"}, Got: got, Want: "200"}
	}
	state := func(got string) error {
		return &oauth.CheckError{Check: oauth.Check{Step: 2, Name: "callback-state"}, Got: got}
	}
	for _, tt := range []struct {
		err           error
		happened, why string
	}{
		{status(0, "404"), "There is no metadata", "OIDC_ISSUER is wrong"},
		{&oauth.Refusal{Step: 3, Status: 404, Description: "404 page not found"}, "", "the provider's own words are on the page"},
		{&oauth.Refusal{Step: 0, Status: 404, Code: "Realm does not exist"}, "There is no metadata", "OIDC_ISSUER is wrong, at Keycloak"},
		{&oauth.Refusal{Step: 0, Status: 400, Code: "invalid_tenant"}, "There is no metadata", "likewise, at Microsoft"},
		{&oauth.Refusal{Step: 0, Status: 503, Code: "temporarily_unavailable"}, "", "the provider's fault, in its own words"},
		{&oauth.CheckError{Check: oauth.Check{Step: 0, Name: "reply-media-type"}, Got: "text/html"}, "There is no metadata", "a page for people at any path"},
		{&oauth.Refusal{Step: 3, Status: 401, Code: "invalid_client"}, "does not accept the client id and the client secret", "RFC 6749 §5.2"},
		{&oauth.Refusal{Step: 3, Status: 401, Code: "unauthorized_client"}, "does not accept the client id and the client secret", "Keycloak 26.4, for a wrong secret and for a client registered for client_secret_jwt"},
		{&oauth.Refusal{Step: 2, Code: "invalid_scope"}, "one of the scopes", "OIDC_SCOPES"},
		{&oauth.Refusal{Step: 2, Code: "access_denied"}, "", "the user declined"},
		{status(0, "301"), "redirects to another address", "OIDC_ISSUER is another name of the issuer"},
		{&oauth.CheckError{Check: oauth.Check{Step: 0, Name: "reply-received"}}, "metadata", "nobody is there under OIDC_ISSUER, perhaps"},
		{&oauth.CheckError{Check: oauth.Check{Step: 3, Name: "reply-received"}}, "The provider did not answer.", "it has answered before"},
		{status(3, "301"), "What the provider answered did not pass a check", "only discovery has an address that is set up here"},
		{&oauth.CheckError{Check: oauth.Check{Step: 2, Name: "callback-code"}}, "What your browser brought back from the provider did not pass a check", "no check that has words of its own"},
		{&oauth.CheckError{Check: oauth.Check{Step: 3, Name: "reply-media-type"}, Got: "application/jwt"}, "What the provider answered did not pass a check", "no profile"},
		{status(0, "503"), "did not pass a check", "the provider's fault"},
		{&oauth.CheckError{Check: oauth.Check{Step: 5, Name: "reply-media-type"}, Got: "application/jwt"}, "a signed profile", "the app's registration says so"},
		{state("another value"), "does not carry the state", "an attack, or a link that was cut"},
		{state("error=invalid_scope, and no state"), "is an error", "an error reply that does not say whose it is"},
	} {
		f := Failed(httptest.NewRequest("GET", "/", nil), oauth.About{Title: "OP"}, tt.err)
		if !strings.Contains(f.Happened, tt.happened) || (f.Happened == "") != (tt.happened == "") {
			t.Errorf("%v: %q, want %q: %s", tt.err, f.Happened, tt.happened, tt.why)
		}
	}
}

// The status of the page, and what it offers: the button that begins a new sign-in is left out if that would make
// another user.
func TestFailed(t *testing.T) {
	check := func(step int, name string) error {
		return &oauth.CheckError{Check: oauth.Check{Step: step, Name: name}}
	}
	for _, tt := range []struct {
		err      error
		status   int
		name     string
		happened string
		reason   string
	}{
		{check(2, "callback-state"), 400, "op", "the state", "the browser brought it"},
		{check(4, "claim-aud"), 502, "op", "another app", "the provider's fault"},
		{check(2, "attempt-user"), 400, "", "no longer signed in", "with this account another user would be made"},
		{&oauth.Refusal{Step: 3, Code: "invalid_client"}, 502, "op", "client secret", "the app's fault or the provider's"},
		{&oauth.Refusal{Step: 2, Code: "access_denied"}, 200, "op", "", "the user may say no"},
		{account.ErrTaken, 409, "op", "", "the page explains it"},
		{account.ErrNotFound, 409, "op", "This OP account was disconnected", "by another request"},
		{ErrNotReady, 409, "op", "set up for OP", "the app's owner took the credentials away"},
		{account.ErrGrantEnded, 200, "op", "What you allowed at OP has ended", "only a new sign-in helps"},
		{account.ErrNoRefresh, 200, "op", "no refresh token", "likewise"},
		{errors.New("disk full"), 500, "op", "this app itself", "nobody else's fault"},
		{context.DeadlineExceeded, 502, "op", "still waiting for the provider", "the account is locked"},
	} {
		f := Failed(httptest.NewRequest("GET", "/", nil), oauth.About{Name: "op", Title: "OP"}, tt.err)
		if f.Status != tt.status || f.Name != tt.name || !strings.Contains(f.Happened, tt.happened) {
			t.Errorf("%v: %d, %q, %q; want %d, %q, %q: %s", tt.err, f.Status, f.Name, f.Happened, tt.status, tt.name, tt.happened, tt.reason)
		}
	}
	if f := Failed(httptest.NewRequest("GET", "/", nil), oauth.About{}, context.DeadlineExceeded); f.Status != 500 || f.Title != "This did not work" {
		t.Errorf("a database that hangs: %d, %s", f.Status, f.Title)
	}
}

// A topic is the name of a check, or one that advice.go chooses. Each mistake in the app's own setup has a line
// in RUNNING.md, with the page's words.
func TestTopics(t *testing.T) {
	running, err := os.ReadFile("../providers/RUNNING.md")
	if err != nil {
		t.Fatal(err)
	}
	checks := oauth.Checks()
	for topic, a := range byTopic {
		if topic[0] != '(' && !slices.ContainsFunc(checks, func(c oauth.Check) bool { return c.Name == topic }) {
			t.Errorf("there is no check %s", topic)
		}
		sentence, _, _ := strings.Cut(a.Happened, ". ")
		if strings.HasPrefix(a.Remedy, "If this app is yours") && !strings.Contains(string(running), "\""+strings.TrimSuffix(sentence, ".")) {
			t.Errorf("RUNNING.md does not quote what %s says: %s", topic, sentence)
		}
	}
}
