package fake_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
		d := json.NewDecoder(bytes.NewReader(must(base64.RawURLEncoding.Strict().DecodeString(parts[i]))))
		d.UseNumber()
		if err := d.Decode(v); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func TestIDTokens(t *testing.T) {
	for _, tt := range []struct {
		reason, provider, client, user, alg, kid string
		claims                                   object
	}{
		{"has the profile in it, and azp", "google", "app-google", "mallory", "RS256", "simulated-rsa",
			object{"iss": "https://accounts.google.com", "azp": "app-google", "sub": "110248495921238986421", "email": "ada@example.com",
				"email_verified": false, "name": "Mallory", "given_name": "Mallory", "picture": origin + "/picture/mallory.svg"}},
		{"leaves name and picture to UserInfo", "oidc", "app-oidc", "ada", "RS256", "simulated-rsa",
			object{"iss": "https://openid.example", "sub": "ada-1815", "email": "ada@example.com", "email_verified": true}},
		{"by the client's registration", "oidc", "es256", "unal", "ES256", "simulated-ec",
			object{"iss": "https://openid.example", "sub": "unal-2003"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, p := newWorld(t), providers[tt.provider]
			code := w.callback(p, with(asking(p), "client_id", tt.client, "nonce", "n0nce"), allowing(tt.user, p)).Get("code")
			time.Sleep(time.Second)
			reply := decode(t, w.post(p, p.token, tt.client, redeeming(code)))
			hash := sha256.Sum256([]byte(str(reply["access_token"])))
			maps.Copy(tt.claims, object{"aud": tt.client, "nonce": "n0nce",
				"at_hash": base64.RawURLEncoding.EncodeToString(hash[:16]),            // OIDC Core §3.1.3.6
				"iat":     json.Number("946684801"), "exp": json.Number("946688401")}) // the bubble's clock began at 2000-01-01, a second ago
			header, claims := idToken(t, reply["id_token"])
			if diff := cmp.Diff([]object{{"alg": tt.alg, "kid": tt.kid, "typ": "JWT"}, tt.claims}, []object{header, claims}); diff != "" {
				t.Errorf("%s %s (-want +got)\n%s", tt.provider, tt.reason, diff)
			}
		})
	}
}

// The set has a key that many clients do not know, which they have to skip (RFC 7517 §5), and nothing private.
func TestJWKS(t *testing.T) {
	w := newWorld(t)
	resp := w.get("https://openid.example/jwks", "")
	var types []string
	for _, k := range decode(t, resp)["keys"].([]any) {
		key := k.(object)
		types = append(types, str(key["kty"]))
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if key[private] != nil {
				t.Errorf("%s has the private member %s", key["kid"], private)
			}
		}
	}
	if diff := cmp.Diff([]string{"RSA", "EC"}, types); diff != "" || resp.Header.Get("Cache-Control") != "public, max-age=3600" {
		t.Errorf("%s %v", diff, resp.Header)
	}
}
