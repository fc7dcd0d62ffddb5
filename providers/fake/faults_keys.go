package fake

import (
	"encoding/base64"
	"strings"
)

// keyFaults is step 4: the keys that the provider publishes.
func keyFaults() []Fault {
	return []Fault{
		{Name: "keys-hang", Provider: "google", Step: 4, Stops: "reply-received",
			Does:  "The provider never sends its keys (the app gives up after ten seconds).",
			Gains: "Everybody who signs in waits, on one request for all.",
			hook:  hang(inKeys)},
		{Name: "keys-404", Provider: "google", Step: 4, Stops: "reply-status-200", Spec: "RFC 7517 §5",
			Does:  "There are no keys at the URL that the metadata names, though the error page looks like some.",
			Gains: "Who can make the provider show an error page brings along a key.",
			hook:  at(inKeys, func(r *reply) { r.status = 404 })},
		{Name: "keys-no-list", Provider: "google", Step: 4, Stops: "reply-json", Spec: "RFC 7517 §5.1",
			Does:  "keys is one key, and no list of keys.",
			Gains: "Nothing; a reader that guesses may guess wrong another time.",
			hook:  members(inKeys, func(o object) { o["keys"] = o["keys"].([]any)[0] })},
		{Name: "keys-many", Provider: "google", Step: 4, Stops: "reply-size",
			Does:  "The provider publishes a thousand keys.",
			Gains: "A token that names none of them makes a thousand verifications, each time.",
			hook: all(func(keys []any) []any {
				for range 1000 {
					keys = append(keys, keys[0])
				}
				return keys
			})},
		{Name: "key-weak", Provider: "google", Step: 4, Stops: "key-fits", Spec: "RFC 7518 §3.3",
			Does:  "The provider signs with an RSA key of 1024 bits.",
			Gains: "Who factors it signs in as anybody.",
			hook: both(
				signing(func(k object) { k["n"] = publicJWK(weakKey(), rsaKeyID)["n"] }),
				forged(weakKey, func(object) {}))},
		{Name: "key-exponent", Provider: "google", Step: 4, Stops: "key-fits", Spec: "RFC 8017 §3.1",
			Does:  "The key's exponent is 1.",
			Gains: "Every text is its own signature.",
			hook:  signing(func(k object) { k["e"] = "AQ" })},
		{Name: "key-encryption", Provider: "google", Step: 4, Stops: "key-fits", Spec: "RFC 7517 §4.2",
			Does:  "The key is one for encryption.",
			Gains: "Whoever can have something decrypted with it, can have something signed.",
			hook:  signing(func(k object) { k["use"] = "enc" })},
		{Name: "key-alg", Provider: "google", Step: 4, Stops: "key-fits", Spec: "RFC 7517 §4.4",
			Does:  "The key is one for PS256, and the token is signed with RS256.",
			Gains: "A weakness of one algorithm becomes one of the other.",
			hook:  signing(func(k object) { k["alg"] = "PS256" })},
		{Name: "key-shared", Provider: "google", Step: 4, Stops: "key-fits", Spec: "RFC 7518 §6.4",
			Does:  "The key is a shared secret, published.",
			Gains: "Everybody can sign with it.",
			hook:  signing(func(k object) { k["kty"], k["k"] = "oct", "c2VjcmV0" })},
		{Name: "key-off-curve", Provider: "google", Step: 4, Stops: "key-fits", Spec: "RFC 8725 §3.4",
			Does:  "The key is a point that is not on its curve.",
			Gains: "The arithmetic is another one then, in which signatures can be made up.",
			hook: both(
				all(func(keys []any) []any {
					return append(keys, object{"kty": "EC", "crv": "P-256", "kid": "attackers", "x": ones, "y": ones})
				}),
				forged(attackersKey, func(h object) { h["alg"], h["kid"] = "ES256", "attackers" }))},
		{Name: "keys-rotated", Provider: "google", Step: 4, Spec: "OIDC Core §10.1.1", How: Again,
			Does:  "Between your first sign-in and your second the provider changes its key.",
			Gains: "Nothing: the keys are fetched again. A client that does not is out of order until it is restarted.",
			hook: both(
				at(inToken, func(r *reply) {
					if r.first != nil {
						header(func(h object) { h["kid"] = "simulated-new" })(r)
					}
				}),
				at(inKeys, func(r *reply) {
					if r.first != nil {
						signing(func(k object) { k["kid"] = "simulated-new" })(r)
					}
				}))},
		{Name: "keys-strange", Provider: "google", Step: 4, Spec: "RFC 7517 §5",
			Does:  "Beside the good key are others, of unknown types, without members, and with members of wrong types.",
			Gains: "Nothing: those are skipped. A client that refuses them all locks everybody out.",
			hook: all(func(keys []any) []any {
				return append(keys, object{"kty": "AKP"}, object{}, object{"kty": 1}, object{"kty": "RSA", "kid": "x", "n": "*"},
					object{"kty": "EC", "crv": "secp256k1", "x": ones, "y": ones})
			})},
		{Name: "keys-bare", Provider: "google", Step: 4, Spec: "RFC 7517 §4",
			Does:  "The key has neither use nor alg, and the set a media type of its own.",
			Gains: "Nothing: all three are as they may be.",
			hook: both(
				signing(func(k object) { delete(k, "use"); delete(k, "alg") }),
				at(inKeys, func(r *reply) { r.header.Set("Content-Type", "application/jwk-set+json") }))},
	}
}

// ones are 32 octets.
var ones = base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\x01", 32)))

// both are two hooks that only together make a fault.
func both(first, second hook) hook {
	return func(r *reply) {
		first(r)
		second(r)
	}
}
