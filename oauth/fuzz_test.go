package oauth

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"testing"
	"time"
)

// Each parser that reads what a stranger sends, and what must hold of all that it takes.

func FuzzKeys(f *testing.F) {
	f.Add(`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`)
	f.Add(`{"kty":"RSA","n":"AQAB","e":"AQAB","key_ops":["verify"],"use":"sig"}`)
	f.Add(`{"kty":"oct","k":"c2VjcmV0","kid":1}`)
	f.Fuzz(func(t *testing.T, body string) {
		o, err := parseObject([]byte(body))
		if err != nil {
			return
		}
		k := parseKey(o)
		if k.unfit != nil {
			return
		}
		switch public := k.public.(type) {
		case *rsa.PublicKey:
			if bits := public.N.BitLen(); bits < 2048 || bits > maxRSABits || public.E < 3 || public.E%2 == 0 || k.alg != "RS256" {
				t.Errorf("an RSA key of %d bits with exponent %d for %s was taken", bits, public.E, k.alg)
			}
		case *ecdsa.PublicKey:
			if _, err := public.ECDH(); err != nil || k.alg != "ES256" {
				t.Errorf("an EC key for %s was taken: %v", k.alg, err)
			}
		default:
			t.Errorf("%T was taken", public)
		}
	})
}

func FuzzTokenReply(f *testing.F) {
	f.Add(`{"access_token":"a","token_type":"Bearer","expires_in":3600,"id_token":"a.b.c","scope":"openid email"}`)
	f.Add(`{"access_token":"a\r\n","token_type":"mac","expires_in":"1e99","id_token":{}}`)
	f.Add(`{"error":{"message":1},"access_token":"a"}`)
	f.Fuzz(func(t *testing.T, body string) {
		c := newClient(t, opRow(), newOP().but(opToken, saysJSON(body)))
		u, err := c.Exchange(t.Context(), Callback{attempt: Attempt{Provider: "op", Scopes: []string{"openid"}}, code: "x"})
		if err != nil {
			return
		}
		token := u.tokens
		if token.AccessToken == "" || printable(token.AccessToken) != nil || u.idToken == "" {
			t.Errorf("access token %q and ID token %q were taken", token.AccessToken, u.idToken)
		}
		if left := time.Until(token.Expiry); !token.Expiry.IsZero() && (left < -time.Minute || left > 137*365*24*time.Hour) {
			t.Errorf("a token that ends in %s was taken", left)
		}
	})
}
