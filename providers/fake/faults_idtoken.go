package fake

import (
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
)

var (
	attackersKey = sync.OnceValue(func() any {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return key
	})
	weakKey = sync.OnceValue(func() any { // a modulus that people with means can factor
		key, _ := rsa.GenerateKey(rand.Reader, 1024)
		return key
	})
)

// idTokenFaults is step 4: the ID token's form, header and signature.
func idTokenFaults() []Fault {
	return []Fault{
		{Name: "jwt-four-parts", Provider: "google", Step: 4, Stops: "id-token-form",
			Does:  "The ID token has a fourth part.",
			Gains: "Who cuts it at the last dot reads other claims than who cuts it at the first.",
			hook:  token(func(compact string) string { return compact + ".e30" })},
		{Name: "jwt-padding", Provider: "google", Step: 4, Stops: "id-token-form", Spec: "RFC 7515 §2",
			Does:  "The ID token's signature has \"=\" behind it.",
			Gains: "One token in several spellings: a list of used ones misses it.",
			hook:  token(func(compact string) string { return compact + "==" })},
		{Name: "jwt-newline", Provider: "google", Step: 4, Stops: "id-token-form", Spec: "RFC 4648 §3.3",
			Does:  "The ID token has a line break in its signature, which encoding/base64 skips.",
			Gains: "One token in several spellings: a list of used ones misses it.",
			hook:  token(func(compact string) string { return compact[:len(compact)-4] + "\n" + compact[len(compact)-4:] })},
		{Name: "jwt-bits", Provider: "google", Step: 4, Stops: "id-token-form", Spec: "RFC 4648 §3.5",
			Does:  "The last character of the signature has bits set that stand for nothing.",
			Gains: "One token in several spellings: a list of used ones misses it.",
			hook: token(func(compact string) string { // A, Q, g or w: the next one has the same bits, and one more
				last := len(compact) - 1
				return compact[:last] + string(compact[last]+1)
			})},
		{Name: "jwt-json", Provider: "google", Step: 4, Stops: "id-token-form", Spec: "RFC 7519 §3",
			Does:  "The ID token is in the serialization of several signers.",
			Gains: "A header that nobody signed is taken for one that somebody did.",
			hook: token(func(compact string) string {
				part := strings.Split(compact, ".")
				return `{"payload":"` + part[1] + `","protected":"` + part[0] + `","signature":"` + part[2] + `"}`
			})},
		{Name: "claims-twice", Provider: "google", Step: 4, Stops: "id-token-form", Spec: "RFC 7519 §4",
			Does:  "The claims have two subjects, the attacker's and yours.",
			Gains: "One program checks the one, and another signs the other in.",
			hook: jwt(func(header, claims string) (string, string) {
				return header, with(`"sub":"110248495921238986421"`)(claims)
			})},
		{Name: "claims-not-utf8", Provider: "google", Step: 4, Stops: "id-token-form", Spec: "RFC 7519 §7.2",
			Does:  "The subject ends in a byte that is no character.",
			Gains: "encoding/json replaces it, and all who differ only there become one user.",
			hook: jwt(func(header, claims string) (string, string) {
				return header, strings.Replace(claims, `"sub":"`, "\"sub\":\"\xff", 1)
			})},
		{Name: "claims-half", Provider: "google", Step: 4, Stops: "claim-sub", Spec: "RFC 8259 §8.2",
			Does:  "The subject has one half of a character that takes two.",
			Gains: "encoding/json replaces it, and all who differ only there become one user.",
			hook: jwt(func(header, claims string) (string, string) {
				return header, strings.Replace(claims, `"sub":"`, `"sub":"\ud800`, 1)
			})},
		{Name: "header-twice", Provider: "google", Step: 4, Stops: "id-token-form", Spec: "RFC 7515 §4",
			Does:  "The header names two algorithms, none first.",
			Gains: "One reader sees a signed token, the other an unsigned one.",
			hook: jwt(func(header, claims string) (string, string) {
				return with(`"alg":"none"`)(header), claims
			})},
		{Name: "typ-access-token", Provider: "google", Step: 4, Stops: "header-typ",
			Does:  "The token says that it is an access token of the same issuer.",
			Gains: "A token that was made for another purpose signs somebody in.",
			hook:  header(func(h object) { h["typ"] = "at+jwt" })},
		{Name: "crit-unknown", Provider: "google", Step: 4, Stops: "header-crit",
			Does:  "The header says that an extension must be understood, which this client does not know.",
			Gains: "The token means something else than it seems to.",
			hook:  header(func(h object) { h["crit"], h["only-for"] = []string{"only-for"}, "another app" })},
		{Name: "alg-none", Provider: "google", Step: 4, Stops: "header-alg",
			Does:  "The header says that there is no signature, and there is none.",
			Gains: "Anybody writes a token about anybody.",
			hook:  forged(noKey, func(h object) { h["alg"] = "none" })},
		{Name: "alg-none-spelt", Provider: "google", Step: 4, Stops: "header-alg", Spec: "RFC 7515 §4.1.1",
			Does:  "The same, spelt nOnE, for those who look for none.",
			Gains: "Anybody writes a token about anybody.",
			hook:  forged(noKey, func(h object) { h["alg"] = "nOnE" })},
		{Name: "alg-missing", Provider: "google", Step: 4, Stops: "header-alg", Spec: "RFC 7515 §4.1.1",
			Does:  "The header names no algorithm.",
			Gains: "The one that is taken instead may be the weakest.",
			hook:  header(func(h object) { delete(h, "alg") })},
		{Name: "alg-hs256", Provider: "google", Step: 4, Stops: "header-alg", Spec: "RFC 8725 §2.1",
			Does:  "The token is signed with the provider's public key, as if it were a shared secret.",
			Gains: "Everybody has that key, so anybody writes a token about anybody.",
			hook:  token(hs256)},
		{Name: "alg-rs512", Provider: "google", Step: 4, Stops: "header-alg", Spec: "OIDC Core §3.1.3.7 (7)",
			Does:  "The header names an algorithm that was not agreed on.",
			Gains: "Which rules hold is up to whoever wrote the token.",
			hook:  header(func(h object) { h["alg"] = "RS512" })},
		{Name: "signature-changed", Provider: "google", Step: 4, Stops: "id-token-signature",
			Does:  "Somebody on the way has changed the subject, and left the signature.",
			Gains: "They sign in as whom they like.",
			hook: token(func(compact string) string {
				header, claims := opened(compact)
				claims = changed(claims, func(c object) { c["sub"] = "110248495921238986421" })
				return sign(nil, header, claims) + compact[strings.LastIndexByte(compact, '.')+1:]
			})},
		{Name: "signature-cut", Provider: "google", Step: 4, Stops: "id-token-signature",
			Does:  "The token says RS256, and has no signature.",
			Gains: "Who verifies only what is there lets it pass.",
			hook:  token(func(compact string) string { return compact[:strings.LastIndexByte(compact, '.')+1] })},
		{Name: "signature-other-key", Provider: "google", Step: 4, Stops: "id-token-signature",
			Does:  "The token is signed with the attacker's key, and names one of the provider's.",
			Gains: "Anybody with any key writes a token about anybody.",
			hook:  forged(attackersKey, func(h object) { h["alg"], h["kid"] = "ES256", ecKeyID })},
		{Name: "jwk-embedded", Provider: "google", Step: 4, Stops: "id-token-signature", Spec: "RFC 7515 §4.1.3; RFC 8725 §3.10",
			Does:  "The token is signed with the attacker's key and brings that key along in its header.",
			Gains: "Who takes the key from there verifies every token with success.",
			hook: forged(attackersKey, func(h object) {
				h["alg"], h["kid"] = "ES256", ecKeyID
				h["jwk"] = publicJWK(attackersKey(), ecKeyID)
			})},
		{Name: "kid-unknown", Provider: "google", Step: 4, Stops: "key-known",
			Does:  "The token is signed with the attacker's key, and names it.",
			Gains: "Who then takes any key, or none, lets it pass. (The provider's keys are fetched again first.)",
			hook:  forged(attackersKey, func(h object) { h["alg"], h["kid"] = "ES256", "attackers" })},
		{Name: "key-other-alg", Provider: "google", Step: 4, Stops: "key-fits", Spec: "RFC 8725 §3.1",
			Does:  "The header says ES256 and names the provider's RSA key.",
			Gains: "A key is used with an algorithm that it was not made for.",
			hook:  header(func(h object) { h["alg"] = "ES256" })},
		{Name: "kid-missing", Provider: "google", Step: 4, Spec: "OIDC Core §10.1",
			Does:  "The header does not name the key.",
			Gains: "Nothing: those that fit are tried.",
			hook:  header(func(h object) { delete(h, "kid") })},
		{Name: "typ-upper", Provider: "google", Step: 4, Spec: "RFC 7515 §4.1.9",
			Does:  "typ is application/JWT, the long form.",
			Gains: "Nothing: it is the same.",
			hook:  header(func(h object) { h["typ"] = "application/JWT" })},
	}
}

// noKey is no key: the signature stays empty.
func noKey() any { return nil }

// hs256 signs with the public key's PKIX form, which programs keep in a file and hand to any algorithm.
func hs256(compact string) string {
	header, claims := opened(compact)
	header = changed(header, func(h object) { h["alg"] = "HS256" })
	public, _ := x509.MarshalPKIXPublicKey(rsaKey().Public())
	input := strings.TrimSuffix(sign(nil, header, claims), ".")
	mac := hmac.New(sha256.New, public)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
