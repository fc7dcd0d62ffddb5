package templates

import (
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/oauthbyhand/oauth"
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
		{&oauth.Refusal{Step: 0, Status: 404, Description: "404 page not found"}, "There is no metadata", "likewise, from a server that says so in words"},
		{&oauth.Refusal{Step: 3, Status: 404, Description: "404 page not found"}, "", "the provider's own words are on the page"},
		{status(0, "301"), "leads somewhere else", "OIDC_ISSUER is another name of the issuer"},
		{status(3, "301"), "did not pass a check", "only discovery has an address that is set up here"},
		{status(0, "503: down"), "did not pass a check", "the provider's fault"},
		{state("another value"), "does not carry the state", "an attack, or a link that was cut"},
		{state(""), "does not carry the state", "likewise"},
		{state("error=invalid_scope, and no state"), "is an error", "an error reply that does not say whose it is"},
	} {
		f := Failed(httptest.NewRequest("GET", "/", nil), oauth.About{Title: "OP"}, tt.err)
		if !strings.Contains(f.Happened, tt.happened) || (f.Happened == "") != (tt.happened == "") {
			t.Errorf("%v: %q, want %q: %s", tt.err, f.Happened, tt.happened, tt.why)
		}
	}
}
