package oauth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Sealer encrypts and authenticates, with AES-256-GCM, what is kept in a place that others
// can read and change: a browser's cookies, a file.
type Sealer struct{ aead cipher.AEAD }

// NewSealer returns a Sealer whose key is derived by HKDF (RFC 5869) from root, which must
// have 32 random bytes, and from label, which names the purpose. What was sealed for one
// purpose does not open for another.
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

// Seal encrypts plaintext and returns base64url text. It opens only with the same associated
// text, for example a cookie's name or a record's key. So nobody can move it into another cookie
// or record.
func (s *Sealer) Seal(plaintext []byte, associated string) string {
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plaintext, []byte(associated)))
}

// Open returns the plaintext of sealed. It returns an error if the text was changed, or was
// sealed with another associated text or under another key.
func (s *Sealer) Open(sealed, associated string) ([]byte, error) {
	ciphertext, err := decodeBase64url(sealed)
	if err != nil {
		return nil, err
	}
	return s.aead.Open(nil, nil, ciphertext, []byte(associated))
}
