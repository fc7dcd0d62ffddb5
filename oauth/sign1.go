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

// Parameter is a name and its value.
type Parameter struct{ Name, Value string }

// sign1 signs a request (RFC 5849 §3.4). form is the form-encoded body of the request. protocol has
// the oauth_ parameters (§3.1) without the signature. Read this file together with the RFC: the
// fields of [Signed] are values that the RFC names.
func sign1(method, rawURL, form string, protocol []Parameter, clientSecret, tokenSecret string) (Signed, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return Signed{}, err
	}
	// §3.4.1.3.1. An attacker could change a parameter that is not signed, so those of query and
	// form are also signed. They are decoded here, and later encoded again as in §3.6. So "+" and
	// "%20" get the same signature, and so do "%2b" and "%2B". The RFC does not sign a realm,
	// and this client sends none.
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

// normalizeParameters is §3.4.1.3.2. It encodes the parameters, then sorts them in byte order: by
// name, and parameters with the same name by value. It must not sort whole texts "name=value": then
// "a1=" would come before "a=". It keeps every parameter, even if a name occurs twice.
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

// baseStringURI is §3.4.1.2. It returns the scheme, host and path of the request as the server
// sees them, without query and fragment, and without the default port. Like net/http, it keeps the
// path as it stands in the URL, uses "/" for an empty path, and leaves out an empty port.
func baseStringURI(u *url.URL) string {
	host := strings.ToLower(u.Host) // url.Parse has put the scheme in lower case
	if port := u.Port(); port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host + cmp.Or(u.EscapedPath(), "/")
}

// signatureBaseString is §3.4.1.1. It returns the text that is signed.
func signatureBaseString(method, baseStringURI, normalized string) string {
	return strings.ToUpper(method) + "&" + percentEncode(baseStringURI) + "&" + percentEncode(normalized)
}

// hmacSHA1 is §3.4.2. The key has the "&" even if there is no token secret yet. (Attackers can make
// SHA-1 collisions, but these do not break an HMAC. X offers nothing else.)
func hmacSHA1(baseString, clientSecret, tokenSecret string) string {
	key := percentEncode(clientSecret) + "&" + percentEncode(tokenSecret)
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(baseString))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// authorizationHeader is §3.5.1. It returns the header with all oauth_ parameters, which must stand
// in this one place only (§3.5). They are encoded, because a signature may have "+", "/" and "=".
func authorizationHeader(protocol []Parameter) string {
	pairs := make([]string, len(protocol))
	for i, p := range protocol {
		pairs[i] = percentEncode(p.Name) + `="` + percentEncode(p.Value) + `"`
	}
	return "OAuth " + strings.Join(pairs, ", ")
}

// percentEncode is §3.6. It keeps the unreserved characters of RFC 3986 §2.3, and replaces every
// other byte by "%" and two upper-case hexadecimal digits. url.QueryEscape does this except for a
// space, which it replaces by "+".
func percentEncode(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
