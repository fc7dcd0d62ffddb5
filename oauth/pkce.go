package oauth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// newCodeVerifier returns the secret of one attempt: 52 characters, 260 random
// bits (RFC 7636 §4.1 wants 43 to 128 characters, and §7.1 at least 256 bits).
func newCodeVerifier() string { return rand.Text() + rand.Text() }

// CodeChallenge returns the hash that goes into the authorization URL in the
// verifier's place, by the method S256 (RFC 7636 §4.2). Whoever reads that URL,
// or steals the code on its way back, cannot redeem the code without the
// verifier. The client secret is no help against that thief: he brings the stolen
// code to this app's own callback, and the app adds its secret. But his attempt has
// another verifier, and the provider, which compares, refuses. The method plain would
// show the verifier itself and is not offered.
func CodeChallenge(codeVerifier string) string {
	hash := sha256.Sum256([]byte(codeVerifier))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}
