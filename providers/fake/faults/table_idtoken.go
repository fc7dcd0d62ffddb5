package faults

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"sync"

	"example.com/oauthbyhand/providers/fake"
)

var b64 = base64.RawURLEncoding.EncodeToString

var (
	attackersKey = sync.OnceValue(func() crypto.Signer {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return key
	})
	weakKey = sync.OnceValue(func() crypto.Signer { // an attacker with money can factor its modulus
		key, _ := rsa.GenerateKey(rand.Reader, 1024)
		return key
	})
)

// idTokenFaults is step 4: the ID token's form, header and signature, and the keys.
var idTokenFaults = []Fault{
	{Name: "jwt-padding", Step: 4, Stops: "id-token-form", Spec: "RFC 7515 §2",
		Does:  "The ID token ends with \"==\".",
		Gains: "One token would have several spellings, and a list of used tokens would miss it.",
		hook:  token(inToken, func(compact string) string { return compact + "==" })},
	{Name: "typ-access-token", Step: 4, Stops: "header-typ", hook: header(object{"typ": "at+jwt"}),
		Does:  "The token says that it is an access token of the same issuer.",
		Gains: "A token that was made for another purpose would sign somebody in."},
	{Name: "crit-unknown", Step: 4, Stops: "header-crit", hook: header(object{"crit": []string{"only-for"}, "only-for": "another app"}),
		Does:  "The header demands an extension that this client does not know.",
		Gains: "The client would accept a token whose meaning it does not understand."},
	{Name: "alg-none", Step: 4, Stops: "header-alg", hook: forged(noKey, object{"alg": "none"}),
		Does:  "The header says that there is no signature, and there is none.",
		Gains: "Anyone could write a token about anyone."},
	{Name: "alg-hs256", Step: 4, Stops: "header-alg", Spec: "RFC 8725 §2.1", hook: token(inToken, hs256),
		Does:  "The token is signed with the provider's public key, as if that key were a shared secret.",
		Gains: "Everybody has the public key, so anyone could write a token about anyone."},
	{Name: "signature-changed", Step: 4, Stops: "id-token-signature",
		Does:  "An attacker on the network path changed the subject, and left the signature as it was.",
		Gains: "The attacker would sign in as anyone.",
		hook: token(inToken, func(compact string) string {
			header, claims := opened(compact)
			claims = changed(claims, object{"sub": "110248495921238986421"})
			return fake.Sign(nil, header, claims) + compact[strings.LastIndexByte(compact, '.')+1:]
		})},
	{Name: "jwk-embedded", Step: 4, Stops: "id-token-signature", Spec: "RFC 7515 §4.1.3; RFC 8725 §3.10",
		Does:  "The token is signed with the attacker's key, and its header contains that key.",
		Gains: "A client that takes the key from the header accepts every token.",
		hook: forged(attackersKey, object{"alg": "ES256", "kid": "simulated-ec", "jwk": func(any) any {
			point, _ := attackersKey().Public().(*ecdsa.PublicKey).Bytes() // 4, then X and Y of 32 octets each
			return object{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:]), "kid": "simulated-ec"}
		}})},
	{Name: "kid-unknown", Step: 4, Stops: "key-known", hook: forged(attackersKey, object{"alg": "ES256", "kid": "attackers"}),
		Does:  "The token is signed with the attacker's key, and its header names that key.",
		Gains: "If a client does not find the named key, and then skips the signature, it accepts the token. (This client first fetches the provider's keys again.)"},
	{Name: "kid-missing", Step: 4, Spec: "OIDC Core §10.1", hook: header(object{"kid": nil}),
		Does:  "The header does not name the key.",
		Gains: "Nothing: the client tries the keys that fit."},
	{Name: "key-weak", Step: 4, Stops: "key-fits", Spec: "RFC 7518 §3.3",
		Does:  "The provider signs with an RSA key of 1024 bits.",
		Gains: "An attacker who factors that key would sign in as anyone.",
		hook: both(
			signing(object{"n": func(any) any { return b64(weakKey().Public().(*rsa.PublicKey).N.Bytes()) }}),
			forged(weakKey, nil))},
	{Name: "keys-rotated", Step: 4, Spec: "OIDC Core §10.1.1", How: Again,
		Does:  "Between your first sign-in and your second, the provider changes its key.",
		Gains: "Nothing: the client fetches the keys again. A client that does not do this lets nobody in until it is restarted.",
		hook:  again(both(header(object{"kid": "simulated-new"}), signing(object{"kid": "simulated-new"})))},
	{Name: "keys-strange", Step: 4, Spec: "RFC 7517 §5",
		Does:  "The key set also has keys of unknown types, without members, and with members of wrong types.",
		Gains: "Nothing: the client skips those keys. A client that refuses the whole set lets nobody in.",
		hook: members(inKeys, object{"keys": func(keys any) any {
			return append(keys.([]any), object{"kty": "AKP"}, object{}, object{"kty": 1}, object{"kty": "RSA", "kid": "x", "n": "*"},
				object{"kty": "EC", "crv": "secp256k1", "x": ones, "y": ones})
		}})},
}

// ones are 32 octets.
var ones = b64([]byte(strings.Repeat("\x01", 32)))

// noKey is no key: the signature stays empty.
func noKey() crypto.Signer { return nil }

// hs256 signs with the public key in PKIX form, which programs keep in a file and pass to any algorithm.
func hs256(compact string) string {
	header, claims := opened(compact)
	header = changed(header, object{"alg": "HS256"})
	_, key := fake.SigningKey("RS256")
	public, _ := x509.MarshalPKIXPublicKey(key.Public())
	input := strings.TrimSuffix(fake.Sign(nil, header, claims), ".")
	mac := hmac.New(sha256.New, public)
	mac.Write([]byte(input))
	return input + "." + b64(mac.Sum(nil))
}
