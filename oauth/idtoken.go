package oauth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// leeway is how much the provider's clock may differ from this machine's clock.
const leeway = 60 * time.Second

// What must hold for the ID token: its form, its header and signature, its claims.
var (
	idTokenForm      = Check{4, "id-token-form", "RFC 7515 §7.1; RFC 7519 §7.2", "one token has several spellings, and parsers read them differently"}
	headerTyp        = Check{4, "header-typ", "RFC 8725 §3.11", "another kind of token from this issuer, used as an ID token"}
	headerCrit       = Check{4, "header-crit", "RFC 7515 §4.1.11", "an ignored extension that changes the token's meaning"}
	headerAlg        = Check{4, "header-alg", "RFC 8725 §3.1; OIDC Core §3.1.3.7 (7)", "an unsigned token, or one signed with the public key as a shared secret"}
	idTokenSignature = Check{4, "id-token-signature", "OIDC Core §3.1.3.7 (6); RFC 8725 §3.3", "a token that anybody can write"}

	claimTypes    = Check{4, "claim-types", "OIDC Core §2; RFC 7519 §4.1", "a claim of the wrong type is misread"}
	claimIss      = Check{4, "claim-iss", "OIDC Core §3.1.3.7 (2)", "a token of another provider"}
	claimAud      = Check{4, "claim-aud", "OIDC Core §3.1.3.7 (3)", "a token that was issued to another app"}
	claimAudOnly  = Check{4, "claim-aud-only", "OIDC Core §3.1.3.7 (3)", "a token shared with an app that could replay it here"}
	claimAzp      = Check{4, "claim-azp", "OIDC Core §3.1.3.7 (5)", "a token that another app asked for"}
	claimExp      = Check{4, "claim-exp", "OIDC Core §3.1.3.7 (9)", "a replayed old token"}
	claimIat      = Check{4, "claim-iat", "OIDC Core §2; RFC 7519 §4.1.6", "a token of unknown age, or from the future"}
	claimIatFresh = Check{4, "claim-iat-fresh", "OIDC Core §3.1.3.7 (10)", "a replayed token from before this attempt"}
	claimNbf      = Check{4, "claim-nbf", "RFC 7519 §4.1.5", "a token used before its time"}
	claimNonce    = Check{4, "claim-nonce", "OIDC Core §3.1.3.7 (11)", "a token or code of another attempt, injected into this one"}
	claimSub      = Check{4, "claim-sub", "OIDC Core §2", "a sign-in as nobody, or two users that a database cannot tell apart"}
	claimAtHash   = Check{4, "claim-at-hash", "OIDC Core §3.1.3.8", "another user's access token in place of this user's"}
)

// VerifyIDToken is step 4. It verifies the ID token's signature and then its claims (OIDC
// Core §3.1.3.7), and returns the tokens if all is well. Without OpenID Connect there is nothing to
// verify: it returns the tokens as they are, and step 5 finds out who signed in.
func (c *Client) VerifyIDToken(ctx context.Context, u Unverified) (Tokens, error) {
	ctx = inStep(ctx, 4, (*Client).VerifyIDToken)
	if err := check(ctx, attemptClient.equal(u.attempt.Provider, c.Name)); err != nil {
		return Tokens{}, err
	}
	if !c.OpenID {
		return u.tokens, nil
	}
	payload, err := c.verifySignature(ctx, u.idToken)
	if err != nil {
		return Tokens{}, err
	}
	object, malformed := parseObject(payload)
	claims, mistyped := parseClaims(object)
	now := time.Now()
	u.tokens.Subject, u.tokens.IDToken = claims.sub, object
	return checked(ctx, u.tokens,
		idTokenForm.noError(malformed),
		claimTypes.noError(mistyped),
		claimIss.oneOf(claims.iss, append([]string{c.Issuer}, c.IssuerAliases...)...),
		claimAud.contains(claims.aud, c.ID),
		claimAudOnly.equal(strings.Join(claims.aud, " "), c.ID),
		claimAzp.equal(claims.azp, c.ID).skipIf(!object.has("azp")),
		claimExp.after(claims.exp, now.Add(-leeway)),
		claimIat.before(claims.iat, now.Add(leeway)),
		claimIatFresh.after(claims.iat, u.attempt.Begun.Add(-leeway)),
		claimNbf.before(claims.nbf, now.Add(leeway)).skipIf(claims.nbf.IsZero()),
		// The ID token of a refresh may have no nonce (OIDC Core §12.2).
		claimNonce.equalSecret(claims.nonce, u.attempt.Nonce).skipIf(u.refreshed && claims.nonce == ""),
		claimSub.present(claims.sub),
		claimSub.noError(checkSubject(claims.sub)),
		// at_hash is optional in this flow (OIDC Core §3.1.3.6).
		claimAtHash.equal(claims.atHash, leftHalfHash(u.tokens.AccessToken)).skipIf(!object.has("at_hash")),
	)
}

// verifySignature returns the payload of the token if one of the provider's keys signed it. The
// steps use nothing in the payload before that. In this flow OIDC Core §3.1.3.7 (6) lets a client
// trust TLS and not verify the signature. But RFC 8725 §3.3 says to verify it, and TLS proves
// nothing about a token that is read later.
func (c *Client) verifySignature(ctx context.Context, compact string) ([]byte, error) {
	token, malformed := parseJWS(compact)
	if t := tracing(ctx); t != nil && malformed == nil {
		claims, _ := parseObject(token.payload)
		t.event(ctx, TokenDecoded{compact, token.header, claims})
	}
	// Of the header only alg, kid, typ and crit are read. A header can also hold a key (jwk, x5c)
	// or the URL of a key (jku, x5u). They prove nothing: an attacker who writes a token would put
	// the attacker's own key there.
	var typ string
	mistyped := cmp.Or(token.header.Read("alg", &token.alg), token.header.Read("kid", &token.kid), token.header.Read("typ", &typ))
	_, crit := token.header["crit"]
	if err := check(ctx,
		idTokenForm.noError(cmp.Or(malformed, mistyped)),
		headerTyp.oneOf(strings.ToLower(typ), "jwt", "application/jwt").skipIf(typ == ""),
		headerCrit.holds(!crit),
		headerAlg.oneOf(token.alg, "RS256", "ES256"),
	); err != nil {
		return nil, err
	}
	keys, err := c.keysFor(ctx, token, false)
	if err == nil && token.kid == "" && !slices.ContainsFunc(keys, token.signedBy) {
		keys, err = c.keysFor(ctx, token, true) // perhaps the provider changed its keys
	}
	if err != nil {
		return nil, err
	}
	return checked(ctx, token.payload, idTokenSignature.holds(slices.ContainsFunc(keys, token.signedBy)))
}

// jws is a signed token (the compact serialization of RFC 7515 §7.1), split into its parts.
type jws struct {
	header    Object
	alg, kid  string // two members of the header
	payload   []byte
	signed    string // header and payload as received; the signature covers this text
	signature []byte
}

func parseJWS(compact string) (jws, error) {
	parts := strings.SplitN(compact, ".", 4)
	if len(parts) != 3 {
		return jws{}, errors.New("not three parts separated by dots")
	}
	header, err1 := decodeBase64url(parts[0])
	payload, err2 := decodeBase64url(parts[1])
	signature, err3 := decodeBase64url(parts[2])
	if err := cmp.Or(err1, err2, err3); err != nil {
		return jws{}, err
	}
	object, err := parseObject(header)
	if err != nil {
		return jws{}, fmt.Errorf("header: %w", err)
	}
	return jws{header: object, payload: payload, signed: parts[0] + "." + parts[1], signature: signature}, nil
}

// decodeBase64url accepts only one spelling of the same bytes: no padding, no line breaks
// (encoding/base64 would skip them), and all unused bits zero (RFC 4648 §3.3, §3.5).
func decodeBase64url(s string) ([]byte, error) {
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("not base64url")
	}
	return decoded, nil
}

// idClaims are the claims that step 4 and step 6 check. A time is zero if its claim is missing.
type idClaims struct {
	iss, sub, azp, nonce, atHash string
	aud                          []string
	exp, iat, nbf, authTime      time.Time
}

func parseClaims(o Object) (idClaims, error) {
	var c idClaims
	err := cmp.Or(
		o.Read("iss", &c.iss),
		o.Read("sub", &c.sub),
		o.Read("azp", &c.azp),
		o.Read("nonce", &c.nonce),
		o.Read("at_hash", &c.atHash),
		readList(o, "aud", &c.aud), // RFC 7519 §4.1.3
		readDate(o, "exp", &c.exp),
		readDate(o, "iat", &c.iat),
		readDate(o, "nbf", &c.nbf),
	)
	readDate(o, "auth_time", &c.authTime) // only step 6 compares it
	slices.Sort(c.aud)                    // the audience is a set: its order means nothing
	c.aud = slices.Compact(c.aud)
	return c, err
}

// readDate reads a NumericDate: a JSON number of seconds since 1970, perhaps with a fraction (RFC
// 7519 §2). If the claim is missing or below 1, readDate leaves t as it is. A zero t then fails
// the checks of exp and iat. A time after the year 9999 is an error: the provider probably
// sent milliseconds.
func readDate(o Object, name string, t *time.Time) error {
	var seconds float64
	if err := o.Read(name, &seconds); err != nil {
		return err
	}
	if seconds > 253402300799 {
		return fmt.Errorf("%s is not a time in seconds", name)
	}
	if seconds >= 1 { // 0 if the claim is missing
		*t = time.Unix(int64(seconds), 0)
	}
	return nil
}

// checkSubject refuses a subject that is not printable ASCII or is longer than 255 characters (OIDC
// Core §2). Some databases could take two such subjects for the same one.
func checkSubject(sub string) error {
	if len(sub) > 255 {
		return errors.New("longer than 255 characters")
	}
	return checkPrintable(sub)
}

// leftHalfHash returns the at_hash of an access token: the left half of its hash. The ID token's
// alg decides the hash function. RS256 and ES256 both mean SHA-256.
func leftHalfHash(accessToken string) string {
	hash := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(hash[:len(hash)/2])
}
