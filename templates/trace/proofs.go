package trace

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/oauthbyhand/oauth"
)

// signature is how a request by OAuth 1.0a comes to its signature.
func (h *hop) signature(m *Mask, s oauth.Signed) {
	h.Lanes, h.Line = []string{app}, "the request is signed"
	collected := part{Title: "The parameters as collected (RFC 5849 §3.4.1.3.1)"}
	for _, p := range s.Parameters {
		collected.Values = append(collected.Values, m.named(inRequest, p.Name, p.Value))
	}
	h.add(collected)
	h.add(part{Title: "Normalized: encoded and sorted (§3.4.1.3.2)", Text: m.text(s.Normalized)})
	h.add(part{Title: "The base string: what is signed (§3.4.1.1)", Text: m.text(s.BaseString)})
	h.add(part{Title: "The signature: HMAC-SHA1 of it, under the app's secret and the token's (§3.4.2)", Text: m.value(inRequest, "oauth_signature", s.Signature)})
}

// token is the ID token in its three parts.
func (h *hop) token(m *Mask, t oauth.TokenDecoded) {
	h.Lanes, h.Line = []string{app}, "the ID token, taken apart"
	parts := strings.Split(t.Compact, ".")
	for i, place := range []string{inJOSE, inClaims} {
		decoded, _ := base64.RawURLEncoding.DecodeString(parts[i])
		p := m.body(place, string(decoded))
		p.Title = []string{"First part: the header", "Second part: the claims"}[i]
		for i, v := range p.Values {
			c := claims[v.Name]
			p.Values[i].About, p.Values[i].Checks = c.about, c.checks
			p.Values[i].Note = asTime(v)
		}
		h.add(p)
	}
	signature := m.hidden("signature", parts[len(parts)-1])
	h.add(part{Title: "Third part: the signature", Values: []item{{
		Name: "signature", Value: signature, Checks: []string{"id-token-signature"},
		About: "over the first two parts as they were received; only the provider can make it, and everybody can check it with its public key",
	}}})
}

// asTime says for people when a NumericDate is.
func asTime(v item) string {
	seconds, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil || !slices.Contains([]string{"exp", "iat", "nbf", "auth_time"}, v.Name) {
		return ""
	}
	return time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04:05 UTC")
}
