package oauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// newCodeVerifier returns the secret of one attempt. It has 52 characters with 260 random
// bits (RFC 7636 §4.1 wants 43 to 128 characters, and §7.1 at least 256 bits).
func newCodeVerifier() string { return rand.Text() + rand.Text() }

// CodeChallenge returns the hash of the verifier for the authorization URL, by the method
// S256 (RFC 7636 §4.2). An attacker who reads that URL, or steals the code on its way back,
// cannot get tokens for the code without the verifier.
//
// The client secret alone does not protect the code. An attacker can begin a sign-in in this app
// and bring the stolen code to its callback. The app then sends the code with the client secret.
// But it also sends the verifier of the attacker's attempt, which does not fit the stolen code,
// so the provider refuses (RFC 9700 §4.5.3.1).
//
// The method "plain" would put the verifier itself into the URL, so this package does not have it.
func CodeChallenge(codeVerifier string) string {
	hash := sha256.Sum256([]byte(codeVerifier))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}
