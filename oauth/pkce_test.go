package oauth

import (
	"testing"
)

func TestCodeChallenge(t *testing.T) {
	for _, v := range readVectors(t, "pkce-*", []string{"code_verifier", "code_challenge"}, []string{"ok"}) {
		if got := CodeChallenge(v.header["code_verifier"]); got != v.header["code_challenge"] {
			t.Errorf("%s: %s, want %s", v.name, got, v.header["code_challenge"])
		}
	}
}
