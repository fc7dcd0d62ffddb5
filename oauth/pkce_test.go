package oauth

import (
	"testing"
)

func TestCodeChallenge(t *testing.T) {
	for _, v := range readVectors(t, "pkce-*", []string{"code_verifier", "code_challenge"}, []string{"ok"}) {
		wantEqual(t, v.header["code_challenge"], CodeChallenge(v.header["code_verifier"]), v.name)
	}
}
