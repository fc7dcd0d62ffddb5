package oauth

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Parameter is a name and its value, decoded.
type Parameter struct{ Name, Value string }

// sign1 signs a request as RFC 5849 §3.4 says. form is its form-encoded body, and
// protocol the oauth_ parameters (§3.1) without the signature. Read it together with the RFC:
// each value that the RFC names is a field of [Signed].
func sign1(method, rawURL, form string, protocol []Parameter, clientSecret, tokenSecret string) (Signed, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return Signed{}, err
	}
	// §3.4.1.3.1. Query and form are decoded first and later encoded in the one way of §3.6.
	// So "+" signs like "%20", and "%2b" like "%2B". A parameter that is not collected
	// could be changed on the way. A realm is not signed.
	decoded, err := url.ParseQuery(u.RawQuery + "&" + form)
	if err != nil {
		return Signed{}, err
	}
	var s Signed
	for _, name := range slices.Sorted(maps.Keys(decoded)) {
		for _, value := range decoded[name] {
			s.Parameters = append(s.Parameters, Parameter{name, value})
		}
	}
	s.Parameters = append(s.Parameters, protocol...)
	s.Normalized = normalizeParameters(s.Parameters)
	s.BaseString = signatureBaseString(method, baseStringURI(u), s.Normalized)
	s.Signature = hmacSHA1(s.BaseString, clientSecret, tokenSecret)
	s.Header = authorizationHeader(append(protocol, Parameter{"oauth_signature", s.Signature}))
	return s, nil
}

// normalizeParameters is §3.4.1.3.2. It encodes the parameters, then sorts them by name, and
// those of one name by value, in byte order. It sorts pairs: if it sorted "name=value", "a1="
// would stand before "a=". A name that occurs twice stays there twice.
func normalizeParameters(parameters []Parameter) string {
	encoded := make([]Parameter, len(parameters))
	for i, p := range parameters {
		encoded[i] = Parameter{percentEncode(p.Name), percentEncode(p.Value)}
	}
	slices.SortFunc(encoded, func(a, b Parameter) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	pairs := make([]string, len(encoded))
	for i, p := range encoded {
		pairs[i] = p.Name + "=" + p.Value
	}
	return strings.Join(pairs, "&")
}

// baseStringURI is §3.4.1.2: scheme, host and path as the server sees them in the
// request line and the Host header, without query and fragment. net/http sends the
// path as it stands in the URL, or "/" if it is empty. It sends no empty port.
func baseStringURI(u *url.URL) string {
	scheme, host := u.Scheme, strings.ToLower(u.Host) // the scheme is lowered by url.Parse
	port := u.Port()
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return scheme + "://" + host + cmp.Or(u.EscapedPath(), "/")
}

// signatureBaseString is §3.4.1.1: what is signed of the request.
func signatureBaseString(method, baseStringURI, normalized string) string {
	return strings.ToUpper(method) + "&" + percentEncode(baseStringURI) + "&" + percentEncode(normalized)
}

// hmacSHA1 is §3.4.2. The "&" is there even if there is no token yet. (SHA-1 is broken for
// collisions, but an HMAC does not depend on these. X offers nothing else.)
func hmacSHA1(baseString, clientSecret, tokenSecret string) string {
	key := percentEncode(clientSecret) + "&" + percentEncode(tokenSecret)
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(baseString))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// authorizationHeader is §3.5.1. All oauth_ parameters stand here and nowhere else
// (§3.5); without the encoding, the "+" and "/" of the signature would be lost.
func authorizationHeader(protocol []Parameter) string {
	pairs := make([]string, len(protocol))
	for i, p := range protocol {
		pairs[i] = percentEncode(p.Name) + `="` + percentEncode(p.Value) + `"`
	}
	return "OAuth " + strings.Join(pairs, ", ")
}

// percentEncode is §3.6: the unreserved characters of RFC 3986 §2.3 stay, each other
// byte becomes "%" and two upper-case digits. url.QueryEscape does the same, except for a
// space.
func percentEncode(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
