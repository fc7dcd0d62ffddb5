package fake_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// idToken reads an ID token. That its signature is right, the whole sign-ins in templates/trace show.
func idToken(t *testing.T, token any) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(str(token), ".")
	if len(parts) != 3 {
		t.Fatalf("not a compact JWS: %v", token)
	}
	for i, v := range []*map[string]any{&header, &claims} {
		if err := json.Unmarshal(must(base64.RawURLEncoding.Strict().DecodeString(parts[i])), v); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

// Ada's ID tokens by RS256 are in testdata/wire, and the keys also.
func TestIDTokens(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		reason, provider, client, user, alg, kid string
		claims                                   object
	}{
		{"an address that is not verified", "google", "app-google", "mallory", "RS256", "simulated-rsa", object{"azp": "app-google", "sub": "110248495921238986421",
			"email": "ada@example.com", "email_verified": false, "name": "Mallory", "given_name": "Mallory", "picture": origin + "/picture/mallory.svg"}},
		{"no address, and ES256 by the client's registration", "oidc", "es256", "unal", "ES256", "simulated-ec", object{"sub": "unal-2003"}},
	} {
		p := providers[tt.provider]
		code := w.callback(p, with(asking(p), "client_id", tt.client), allowing(tt.user, p)).Get("code")
		header, claims := idToken(t, decode(t, w.post(p, p.token, tt.client, redeeming(code)))["id_token"])
		for _, same := range []string{"iss", "aud", "iat", "exp", "at_hash"} { // for everybody
			delete(claims, same)
		}
		if diff := cmp.Diff([]object{{"alg": tt.alg, "kid": tt.kid, "typ": "JWT"}, tt.claims}, []object{header, claims}); diff != "" {
			t.Errorf("%s: %s (-want +got)\n%s", tt.provider, tt.reason, diff)
		}
	}
}
