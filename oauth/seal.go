package oauth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Sealer encrypts and authenticates, by AES-256-GCM, what is kept in places that others
// can write to: a browser's cookies, a file.
type Sealer struct{ aead cipher.AEAD }

// NewSealer returns a sealer under a key of its own, derived from root (32 random
// bytes, or there is an error) for the purpose that label names, by HKDF (RFC 5869).
// What was sealed for one purpose does not open for another.
func NewSealer(root []byte, label string) (*Sealer, error) {
	if len(root) != 32 {
		return nil, fmt.Errorf("oauth: root key of %d bytes, want 32", len(root))
	}
	key, err := hkdf.Key(sha256.New, root, nil, "oauthbyhand "+label, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Sealer{aead}, err
}

// Seal returns plaintext sealed as base64url text. It opens only together with
// the same place: a cookie's name, a record's key. So nobody can move it to
// another place.
func (s *Sealer) Seal(plaintext []byte, place string) string {
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plaintext, []byte(place)))
}

// Open returns what was sealed for place, or an error where one bit of either has
// changed, or the key.
func (s *Sealer) Open(sealed, place string) ([]byte, error) {
	ciphertext, err := decodeBase64url(sealed)
	if err != nil {
		return nil, err
	}
	return s.aead.Open(nil, nil, ciphertext, []byte(place))
}
