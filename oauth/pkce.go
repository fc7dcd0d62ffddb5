package oauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// newCodeVerifier returns the secret of one attempt: 52 characters, 260 random
// bits (RFC 7636 §4.1 wants 43 to 128 characters, and §7.1 at least 256 bits).
func newCodeVerifier() string { return rand.Text() + rand.Text() }

// CodeChallenge returns the hash of the verifier for the authorization URL, by the method
// S256 (RFC 7636 §4.2). An attacker who reads that URL, or steals the code on its way back,
// cannot redeem the code without the verifier. The client secret alone does not protect the
// code: an attacker can begin a sign-in here and finish it with the stolen code. This app
// would add its secret. But that sign-in has another verifier, so the provider refuses
// (RFC 9700 §4.5.3.1). The method plain would show the verifier itself and is not offered.
func CodeChallenge(codeVerifier string) string {
	hash := sha256.Sum256([]byte(codeVerifier))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}
