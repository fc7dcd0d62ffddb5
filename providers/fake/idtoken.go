package fake

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"sync"
	"time"
)

var (
	//go:embed keys/rsa.pem
	rsaPEM []byte
	//go:embed keys/ec.pem
	ecPEM []byte
)

// Key ids, as in the header of an ID token and in the JWKS.
const rsaKeyID, ecKeyID = "simulated-rsa", "simulated-ec"

var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return readKey(rsaPEM).(*rsa.PrivateKey) })
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey { return readKey(ecPEM).(*ecdsa.PrivateKey) })
)

func readKey(file []byte) any {
	block, _ := pem.Decode(file)
	key, _ := x509.ParsePKCS8PrivateKey(block.Bytes) // embedded, so it is right
	return key
}

// idToken makes what OpenID Connect adds to OAuth: a signed statement of who signed in, when, and to which app (OIDC
// Core §2).
func (s *Server) idToken(t tokens, nonce string) string {
	now := time.Now()
	alg := cmp.Or(t.client.SignedResponseAlg, "RS256")
	kid, key := SigningKey(alg)
	half := sha256.Sum256([]byte(t.access))
	// Tutorials read the e-mail address here. Google's ID token also has name and picture. The generic provider gives
	// these two only at the UserInfo endpoint.
	claims := s.profile(t.user, slices.DeleteFunc(slices.Clone(t.scopes), func(name string) bool {
		return name == "profile" && t.dialect.name != "google"
	}))
	maps.Copy(claims, object{
		"iss":     t.dialect.issuer,
		"aud":     t.client.ID,
		"sub":     t.user.Subjects[t.dialect.name],
		"iat":     now.Unix(),
		"exp":     now.Add(time.Hour).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(half[:16]), // binds the access token to this ID token (OIDC Core §3.1.3.6)
	})
	if t.maxAge {
		claims["auth_time"] = t.began.Unix() // required if max_age was asked for (OIDC Core §2)
	}
	if nonce != "" {
		claims["nonce"] = nonce // binds this token to the browser's attempt (OIDC Core §15.5.2)
	}
	if t.dialect.name == "google" {
		claims["azp"] = t.client.ID
	}
	h, _ := json.Marshal(object{"alg": alg, "kid": kid, "typ": "JWT"}) // strings, numbers and booleans: no error is possible
	c, _ := json.Marshal(claims)
	return Sign(key, string(h), string(c))
}

// SigningKey returns the private key that signs ID tokens with alg, "RS256" or "ES256", and its id in the JWKS. The
// key is in the source, so it proves nothing: with it and [Sign] a test writes the ID tokens that it needs, for
// example one that has expired.
func SigningKey(alg string) (kid string, key crypto.Signer) {
	if alg == "ES256" {
		return ecKeyID, ecKey()
	}
	return rsaKeyID, rsaKey()
}

// Sign makes a JWS in compact serialization of a header and claims in JSON (RFC 7515 §3.1): by RS256 with an RSA
// key, by ES256 with one on P-256. With a nil key the signature is empty.
func Sign(key crypto.Signer, header, claims string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64([]byte(header)) + "." + b64([]byte(claims))
	hash := sha256.Sum256([]byte(input))
	var signature []byte
	switch key := key.(type) {
	case *rsa.PrivateKey:
		signature, _ = rsa.SignPKCS1v15(nil, key, crypto.SHA256, hash[:])
	case *ecdsa.PrivateKey:
		r, s, _ := ecdsa.Sign(rand.Reader, key, hash[:])
		// R and S of 32 octets each, and not ASN.1 (RFC 7518 §3.4).
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	return input + "." + b64(signature)
}

// keys serves the JWK set (RFC 7517 §5): the public halves of the two keys (RFC 7517 §4, RFC 7518 §6).
func keys(_ *dialect, w http.ResponseWriter, r *http.Request) {
	b64 := base64.RawURLEncoding.EncodeToString
	point, _ := ecKey().PublicKey.Bytes() // 4, then X and Y of 32 octets each
	w.Header().Set("Cache-Control", "public, max-age=3600")
	sendJSON(w, http.StatusOK, object{"keys": []object{
		{"kty": "RSA", "n": b64(rsaKey().N.Bytes()), "e": b64(big.NewInt(int64(rsaKey().E)).Bytes()), "use": "sig", "alg": "RS256", "kid": rsaKeyID},
		{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:]), "use": "sig", "alg": "ES256", "kid": ecKeyID},
	}})
}

// profile returns the claims of the scopes profile and email (OIDC Core §5.1, §5.4). A claim that a person does not
// have is left out.
func (s *Server) profile(u User, scopes []string) object {
	claims := object{}
	if slices.Contains(scopes, "profile") {
		claims["name"] = u.Name
		claims["given_name"] = u.GivenName
		claims["picture"] = s.picture(u)
		if u.FamilyName != "" {
			claims["family_name"] = u.FamilyName
		}
	}
	if slices.Contains(scopes, "email") && u.Email != "" {
		claims["email"] = u.Email
		claims["email_verified"] = u.EmailVerified
	}
	return claims
}
