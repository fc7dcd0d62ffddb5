package oauth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Sealer protects data that is kept in a place that others can read and change: a browser's
// cookies, or a file. It encrypts the data with AES-256-GCM, which also detects every change.
type Sealer struct{ aead cipher.AEAD }

// NewSealer returns a Sealer for one purpose. label is the name of the purpose. HKDF (RFC 5869) derives its key
// from label and from root, which must have 32 random bytes. A text that was sealed for one purpose
// cannot be opened for another.
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

// Seal encrypts plaintext and returns base64url text. Open needs the same associated text, for
// example the name of a cookie or the key of a record. So nobody can move a sealed text into
// another cookie or record.
func (s *Sealer) Seal(plaintext []byte, associated string) string {
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plaintext, []byte(associated)))
}

// Open returns the plaintext of sealed. It returns an error if sealed was changed, or was
// made with another associated text or another key.
func (s *Sealer) Open(sealed, associated string) ([]byte, error) {
	ciphertext, err := decodeBase64url(sealed)
	if err != nil {
		return nil, err
	}
	return s.aead.Open(nil, nil, ciphertext, []byte(associated))
}
