package fake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"embed"
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

//go:embed keys/rsa.pem keys/ec.pem
var keyFiles embed.FS

// Key ids, as in the header of an ID token and in the JWKS.
const rsaKeyID, ecKeyID = "simulated-rsa", "simulated-ec"

var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return readKey("keys/rsa.pem").(*rsa.PrivateKey) })
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey { return readKey("keys/ec.pem").(*ecdsa.PrivateKey) })
)

func readKey(name string) any {
	file, err := keyFiles.ReadFile(name)
	if err != nil {
		panic(err) // embedded, so it is there
	}
	block, _ := pem.Decode(file)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic(err)
	}
	return key
}

// idToken is what OpenID Connect adds to OAuth: who signed in, when, and for whom, signed (OIDC Core §2).
func (s *Server) idToken(t tokens, nonce string) string {
	now := time.Now()
	header := map[string]any{"alg": "RS256", "kid": rsaKeyID, "typ": "JWT"}
	if t.client.SignedResponseAlg == "ES256" {
		header["alg"], header["kid"] = "ES256", ecKeyID
	}
	half := sha256.Sum256([]byte(t.access))
	claims := map[string]any{
		"iss":     t.dialect.issuer,
		"aud":     t.client.ID,
		"sub":     t.user.Subjects[t.dialect.name],
		"iat":     now.Unix(),
		"exp":     now.Add(time.Hour).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(half[:16]), // binds the access token to this one (OIDC Core §3.1.3.6)
	}
	if nonce != "" {
		claims["nonce"] = nonce // binds this token to the browser's attempt (OIDC Core §15.5.2)
	}
	// The generic provider leaves the profile to UserInfo; Google puts it in both places.
	if t.dialect.name == "google" {
		claims["azp"] = t.client.ID
		maps.Copy(claims, s.profile(t.user, t.scopes))
	}
	return sign(header, claims)
}

// sign makes a JWS in compact serialization (RFC 7515 §3.1), with the algorithm that the header names.
func sign(header, claims map[string]any) string {
	input := encodeJSON(header) + "." + encodeJSON(claims)
	hash := sha256.Sum256([]byte(input))
	var signature []byte
	if header["alg"] == "ES256" {
		r, s, err := ecdsa.Sign(rand.Reader, ecKey(), hash[:])
		if err != nil {
			panic(err)
		}
		// R and S of 32 octets each, and not ASN.1 (RFC 7518 §3.4).
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	} else {
		var err error
		if signature, err = rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA256, hash[:]); err != nil {
			panic(err)
		}
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encodeJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only maps of strings, numbers and booleans come here
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// keys is the JWK set (RFC 7517 §5).
func (s *Server) keys(w http.ResponseWriter, r *http.Request) {
	b64 := base64.RawURLEncoding.EncodeToString
	point, err := ecKey().PublicKey.Bytes() // 4, then X and Y of 32 octets each
	if err != nil {
		panic(err)
	}
	set := map[string]any{"keys": []map[string]any{
		{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": rsaKeyID,
			"n": b64(rsaKey().N.Bytes()), "e": b64(big.NewInt(int64(rsaKey().E)).Bytes()),
		},
		{
			"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": ecKeyID,
			"x": b64(point[1:33]), "y": b64(point[33:]),
		},
		{ // The public key of RFC 8037 §A.2, of a type that many clients do not know and have to skip (RFC 7517 §5).
			"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "simulated-okp",
			"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
		},
	}}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	sendJSON(w, http.StatusOK, set)
}

// profile is what the scopes profile and email give, in the claims of OIDC Core §5.1 and §5.4. What a
// person has not is left out.
func (s *Server) profile(u User, scopes []string) map[string]any {
	claims := map[string]any{}
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
