package oauth

import (
	"regexp"
	"testing"
)

func TestCodeChallenge(t *testing.T) {
	for _, v := range readVectors(t, "pkce-*", []string{"code_verifier", "code_challenge"}, []string{"ok"}) {
		if got := CodeChallenge(v.header["code_verifier"]); got != v.header["code_challenge"] {
			t.Errorf("%s: %s, want %s", v.name, got, v.header["code_challenge"])
		}
	}
}

// RFC 7636 §4.1: 43 to 128 unreserved characters.
func TestNewCodeVerifier(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
	seen := map[string]bool{}
	for range 100 {
		verifier := newCodeVerifier()
		if !form.MatchString(verifier) {
			t.Errorf("%q is not of the form that RFC 7636 wants", verifier)
		}
		if seen[verifier] {
			t.Errorf("%q twice: one verifier protects one attempt", verifier)
		}
		seen[verifier] = true
	}
}
