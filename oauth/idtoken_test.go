package oauth

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"
)

// benchToken returns a client that knows its provider's one key, and a token with
// nine claims that the key signed.
func benchToken(b *testing.B) (*Client, Unverified, *rsa.PrivateKey) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	c := &Client{Provider: Provider{About: About{Name: "op"}, Issuer: "https://op.example", OpenID: true}, ID: "app"}
	c.keys.value, c.keys.fetched = []key{{kid: "k", alg: "RS256", public: &private.PublicKey}}, time.Now()
	attempt := Attempt{Provider: "op", Nonce: "n-0S6_WzA2Mj", Begun: time.Now()}
	claims, _ := json.Marshal(map[string]any{
		"iss": "https://op.example", "aud": "app", "sub": "248289761001", "nonce": attempt.Nonce,
		"exp": time.Now().Unix() + 3600, "iat": time.Now().Unix(), "at_hash": leftHalfHash("token"),
		"email": "ada@example.com", "email_verified": true,
	})
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"k","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	hash := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, hash[:])
	if err != nil {
		b.Fatal(err)
	}
	return c, Unverified{attempt, Tokens{AccessToken: "token"}, signed + "." + base64.RawURLEncoding.EncodeToString(signature)}, private
}

// BenchmarkVerifyIDToken is to be read beside BenchmarkVerifyFloor of the same run:
// what step 4 costs beyond the arithmetic of the signature.
func BenchmarkVerifyIDToken(b *testing.B) {
	c, unverified, _ := benchToken(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.VerifyIDToken(b.Context(), unverified); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyFloor(b *testing.B) {
	_, unverified, private := benchToken(b)
	token, err := parseJWS(unverified.idToken)
	if err != nil {
		b.Fatal(err)
	}
	signed := []byte(token.signed)
	b.ReportAllocs()
	for b.Loop() {
		hash := sha256.Sum256(signed)
		if err := rsa.VerifyPKCS1v15(&private.PublicKey, crypto.SHA256, hash[:], token.signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBegin(b *testing.B) {
	c, err := NewClient(Provider{About: About{Name: "op"}, Metadata: Metadata{AuthorizationEndpoint: "https://op.example/authorize", TokenEndpoint: "https://op.example/token"}, Scopes: []string{"openid", "email"}}, "app", "secret", "https://app.example/callback/op", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.Begin(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
