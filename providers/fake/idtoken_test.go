package fake_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// idToken verifies an ID token with the keys at jwksURI and returns its claims.
func idToken(t *testing.T, web *http.Client, jwksURI string, token any) map[string]any {
	t.Helper()
	header, claims, err := verify(t, web, jwksURI, str(token))
	if err != "" {
		t.Fatalf("ID token with header %v: %s", header, err)
	}
	return claims
}

func verify(t *testing.T, web *http.Client, jwksURI, token string) (header, claims map[string]any, failure string) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a compact JWS: %q", token)
	}
	var raw [3][]byte
	for i, part := range parts {
		raw[i] = must(base64.RawURLEncoding.Strict().DecodeString(part))
	}
	for i, v := range []*map[string]any{&header, &claims} {
		d := json.NewDecoder(bytes.NewReader(raw[i]))
		d.UseNumber()
		if err := d.Decode(v); err != nil {
			t.Fatal(err)
		}
	}
	var set struct{ Keys []map[string]string }
	resp := must(web.Get(jwksURI))
	if err := json.Unmarshal([]byte(text(t, resp)), &set); err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	number := func(s string) *big.Int {
		return new(big.Int).SetBytes(must(base64.RawURLEncoding.Strict().DecodeString(s)))
	}
	for _, k := range set.Keys {
		switch {
		case k["kid"] != header["kid"] || k["alg"] != header["alg"] || k["use"] != "sig":
			continue
		case k["kty"] == "RSA":
			key := &rsa.PublicKey{N: number(k["n"]), E: int(number(k["e"]).Int64())}
			if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], raw[2]); err != nil || key.N.BitLen() < 2048 {
				return header, claims, "RSA signature or key"
			}
			return header, claims, ""
		case k["kty"] == "EC" && k["crv"] == "P-256":
			point := append([]byte{4}, append(must(base64.RawURLEncoding.DecodeString(k["x"])), must(base64.RawURLEncoding.DecodeString(k["y"]))...)...)
			key := must(ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point))
			if len(raw[2]) != 64 || !ecdsa.Verify(key, hash[:], new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])) {
				return header, claims, "EC signature"
			}
			return header, claims, ""
		}
	}
	return header, claims, "no such key"
}

func TestIDTokens(t *testing.T) {
	const google = "https://www.googleapis.com/oauth2/v3/certs"
	tests := []struct {
		name, reason, provider, client, user, jwks string
		header, claims                             object
	}{
		{"google", "has the profile in it, and azp", "google", "app-google", "mallory", google,
			object{"alg": "RS256", "kid": "simulated-rsa", "typ": "JWT"},
			object{"iss": "https://accounts.google.com", "aud": "app-google", "azp": "app-google", "sub": "110248495921238986421",
				"email": "ada@example.com", "email_verified": false, "name": "Mallory", "given_name": "Mallory", "picture": origin + "/picture/mallory.svg"}},
		{"oidc", "leaves name and picture to UserInfo", "oidc", "app-oidc", "ada", "https://openid.example/jwks",
			object{"alg": "RS256", "kid": "simulated-rsa", "typ": "JWT"},
			object{"iss": "https://openid.example", "aud": "app-oidc", "sub": "ada-1815",
				"email": "ada@example.com", "email_verified": true}},
		{"es256", "by the client's registration", "oidc", "es256", "unal", "https://openid.example/jwks",
			object{"alg": "ES256", "kid": "simulated-ec", "typ": "JWT"},
			object{"iss": "https://openid.example", "aud": "es256", "sub": "unal-2003"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, p := newWorld(t), providers[tt.provider]
				asked := asking(p)
				asked.Set("client_id", tt.client)
				asked.Set("nonce", "n0nce")
				code := w.callback(p, asked, allowing(tt.user, p)).Get("code")
				time.Sleep(time.Second)
				reply := decode(t, w.post(p, p.token, tt.client, redeeming(code)))
				header, claims, failure := verify(t, w.web, tt.jwks, str(reply["id_token"]))
				if failure != "" {
					t.Fatal(failure)
				}
				if diff := cmp.Diff(tt.header, header); diff != "" {
					t.Errorf("header (-want +got)\n%s", diff)
				}
				hash := sha256.Sum256([]byte(str(reply["access_token"])))
				tt.claims["at_hash"] = base64.RawURLEncoding.EncodeToString(hash[:16]) // OIDC Core §3.1.3.6
				tt.claims["nonce"] = "n0nce"
				tt.claims["iat"] = json.Number("946684801") // the bubble's clock began at 2000-01-01, a second ago
				tt.claims["exp"] = json.Number("946688401")
				if diff := cmp.Diff(tt.claims, claims); diff != "" {
					t.Errorf("%s (-want +got)\n%s", tt.reason, diff)
				}
			})
		})
	}
}

// A token that was changed does not verify; else the tests above would prove nothing.
func TestChangedIDTokenFails(t *testing.T) {
	w, p := newWorld(t), providers["google"]
	_, reply := w.tokens(p, redeeming(w.code(p)))
	header, rest, _ := strings.Cut(str(reply["id_token"]), ".")
	_, signature, _ := strings.Cut(rest, ".")
	forged := header + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"1"}`)) + "." + signature
	if _, _, failure := verify(t, w.web, "https://www.googleapis.com/oauth2/v3/certs", forged); failure == "" {
		t.Error("a changed ID token verifies")
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
