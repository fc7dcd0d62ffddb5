package oauth

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// These constants limit the work that a token can cause. A token names its key by kid, the key id.
// If it has no kid, or if several keys have the same kid, more than one key must be tried.
const (
	maxKeys      = 100  // in a provider's key set
	maxTried     = 8    // for one token; each may be tried twice if the token has no kid
	maxRSABits   = 4096 // of the modulus
	maxRSAExpLen = 31   // bits of the exponent; the usual one, 65537, has 17
)

var (
	keyKnown = Check{4, "key-known", "OIDC Core §10.1.1", "a token signed with a key that the provider does not publish"}
	keyFits  = Check{4, "key-fits", "RFC 8725 §3.1; RFC 7517 §4; RFC 7518 §3.3", "a key too weak, or one meant for another algorithm or use"}
)

// key is one of the provider's keys. If this client cannot or must not use it, unfit says why. The
// other keys of the set can still be used (RFC 7517 §5).
type key struct {
	kid    string
	alg    string // RS256 for an RSA key, ES256 for an EC key; empty if unfit
	public any    // *rsa.PublicKey or *ecdsa.PublicKey
	unfit  error
}

// keysFor returns the keys that may have signed the token: the keys for its algorithm and, if the
// token has a kid, with that kid. The provider may have changed its keys since this client fetched
// them. If no key has the token's kid, keysFor fetches the keys again (OIDC Core §10.1.1). For a
// token without kid, it does so if no key is for the token's algorithm, or if refetch is set. The
// caller sets refetch if no key has verified the signature of such a token.
func (c *Client) keysFor(ctx context.Context, token jws, refetch bool) ([]key, error) {
	matches := func(k key) bool {
		if token.kid == "" {
			return !refetch && k.alg == token.alg
		}
		return k.kid == token.kid
	}
	good := func(keys []key) bool { return slices.ContainsFunc(keys, matches) }
	all, err := c.keys.get(ctx, good, c.fetchKeys)
	if err != nil {
		return nil, err
	}
	var fit []key
	var kids, unfit []string
	for _, k := range all {
		kids = append(kids, cmp.Or(k.kid, "(a key without kid)"))
		switch {
		case token.kid != "" && k.kid != token.kid:
		case k.unfit != nil:
			unfit = append(unfit, k.unfit.Error())
		case k.alg != token.alg:
			unfit = append(unfit, fmt.Sprintf("a key for %s, not for %s", k.alg, token.alg))
		default:
			fit = append(fit, k)
		}
	}
	return checked(ctx, fit[:min(len(fit), maxTried)],
		keyKnown.oneOf(token.kid, kids...).skipIf(token.kid == ""),
		keyFits.holds(len(fit) > 0).ifFailed(strings.Join(unfit, "; "), "a key for "+token.alg),
	)
}

func (c *Client) fetchKeys(ctx context.Context) ([]key, error) {
	metadata, err := c.Discover(ctx)
	if err != nil {
		return nil, err
	}
	set, err := c.getObject(ctx, metadata.JWKSURI, "application/jwk-set+json")
	if err != nil {
		return nil, err
	}
	var members []Object
	err = set.Read("keys", &members)
	if err := check(ctx, replyJSON.noError(err), replySize.holds(len(members) <= maxKeys).ifFailed("too many keys", "")); err != nil {
		return nil, err
	}
	keys := make([]key, len(members))
	for i, o := range members {
		keys[i] = parseKey(o)
	}
	return keys, nil
}

// parseKey reads a key in the form of a JWK, a JSON object (RFC 7517 §4, RFC 7518 §6). It reads
// only public keys, never the members of a private key or a shared secret.
func parseKey(o Object) key {
	var k key
	var kty, use, alg string
	var ops []string
	err := cmp.Or(o.Read("kid", &k.kid), o.Read("kty", &kty), o.Read("use", &use), o.Read("alg", &alg), o.Read("key_ops", &ops))
	switch {
	case err != nil:
	case cmp.Or(use, "sig") != "sig" || ops != nil && !slices.Contains(ops, "verify"):
		err = errors.New("a key whose use or key_ops do not let it verify signatures")
	case kty == "RSA" && cmp.Or(alg, "RS256") == "RS256":
		k.alg = "RS256"
		k.public, err = parseRSA(o)
	case kty == "EC" && cmp.Or(alg, "ES256") == "ES256":
		k.alg = "ES256"
		k.public, err = parseEC(o)
	default:
		err = fmt.Errorf("a key of type %q for algorithm %q", kty, alg)
	}
	if err != nil {
		return key{kid: k.kid, unfit: err}
	}
	return k
}

func parseRSA(o Object) (*rsa.PublicKey, error) {
	modulus, err1 := readBytes(o, "n")
	exponent, err2 := readBytes(o, "e")
	if err := cmp.Or(err1, err2); err != nil {
		return nil, err
	}
	n, e := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
	// RS256 needs at least 2048 bits (RFC 7518 §3.3). With more than 4096 bits each verification is
	// too much work. With the exponent 1 anybody could write a valid signature (RFC 8017 §3.1).
	if bits := n.BitLen(); bits < 2048 || bits > maxRSABits {
		return nil, fmt.Errorf("an RSA key of %d bits", bits)
	}
	if e.BitLen() < 2 || e.BitLen() > maxRSAExpLen || e.Bit(0) == 0 {
		return nil, errors.New("an RSA key whose exponent is even, 1 or too large")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func parseEC(o Object) (*ecdsa.PublicKey, error) {
	var crv string
	x, err1 := readBytes(o, "x")
	y, err2 := readBytes(o, "y")
	if err := cmp.Or(o.Read("crv", &crv), err1, err2); err != nil {
		return nil, err
	}
	if crv != "P-256" || len(x) != 32 || len(y) != 32 { // ES256 is P-256 only (RFC 7518 §3.4, §6.2.1.2)
		return nil, fmt.Errorf("an EC key on curve %q with coordinates of %d and %d bytes", crv, len(x), len(y))
	}
	point := slices.Concat([]byte{4}, x, y) // uncompressed; the next line refuses a point off the curve
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
}

func readBytes(o Object, name string) ([]byte, error) {
	var text string
	o.Read(name, &text) // text stays empty if the type is wrong
	b, _ := decodeBase64url(text)
	if len(b) == 0 {
		return nil, fmt.Errorf("a key whose %s is missing or not base64url", name)
	}
	return b, nil
}

// signedBy reports whether the key made the token's signature. The type of the key decides the
// algorithm. keysFor has checked that the token names the same algorithm (RFC 8725 §3.1).
func (token jws) signedBy(k key) bool {
	hash := sha256.Sum256([]byte(token.signed))
	if public, ok := k.public.(*rsa.PublicKey); ok {
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, hash[:], token.signature) == nil
	}
	public, ok := k.public.(*ecdsa.PublicKey)
	if !ok || len(token.signature) != 64 { // R and S side by side, not ASN.1 (RFC 7518 §3.4)
		return false
	}
	r, s := new(big.Int).SetBytes(token.signature[:32]), new(big.Int).SetBytes(token.signature[32:])
	return ecdsa.Verify(public, hash[:], r, s)
}
