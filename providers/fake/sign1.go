package fake

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const window = 5 * time.Minute // how far a timestamp may be from this clock (RFC 5849 §3.3)

// signedRequest is a request whose signature was right (RFC 5849 §3.2).
type signedRequest struct {
	*http.Request
	client      *Client
	credentials credentials       // whose secret has signed, together with the client's
	oauth       map[string]string // the oauth_ parameters (§3.1)
}

// unsigned and unauthenticated make errors of X, whose codes are numbers.
func unsigned(message string) *failure {
	return &failure{"215", "Bad Authentication data: " + message}
}

func unauthenticated(message string) *failure {
	return &failure{"32", "Could not authenticate you: " + message}
}

// signed checks every signed request before it is answered (RFC 5849 §3.2). The request names one of the known
// credentials; if known is nil, none.
func (s *Server) signed(known *recent[credentials], answer func(http.ResponseWriter, signedRequest)) handler {
	return func(d *dialect, w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		request, f := s.verify(d, r, known)
		if f != nil {
			refuse1(w, f)
			return
		}
		answer(w, request)
	}
}

func refuse1(w http.ResponseWriter, f *failure) {
	status := cmp.Or(map[string]int{"215": http.StatusBadRequest, "415": http.StatusForbidden}[f.code], http.StatusUnauthorized)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `OAuth realm="https://api.x.com"`) // §3.5.1
	}
	sendJSON(w, status, object{"errors": []object{{"code": json.Number(f.code), "message": f.description}}})
}

func (s *Server) verify(d *dialect, r *http.Request, known *recent[credentials]) (signedRequest, *failure) {
	parameters, oauth, f := collect(r)
	if f != nil {
		return signedRequest{}, f
	}
	stamp, err := strconv.ParseUint(oauth["oauth_timestamp"], 10, 63) // without a sign
	version, hasVersion := oauth["oauth_version"]
	switch {
	case oauth["oauth_signature_method"] != "HMAC-SHA1":
		return signedRequest{}, unsigned("oauth_signature_method must be HMAC-SHA1.")
	case hasVersion && version != "1.0":
		return signedRequest{}, unsigned("oauth_version must be 1.0 (RFC 5849 section 3.1).")
	case err != nil:
		return signedRequest{}, unsigned("oauth_timestamp is not a positive number of seconds (RFC 5849 section 3.3).")
	case oauth["oauth_nonce"] == "":
		return signedRequest{}, unsigned("oauth_nonce is missing (RFC 5849 section 3.3).")
	}
	client := s.client(d, oauth["oauth_consumer_key"])
	if client == nil {
		return signedRequest{}, unauthenticated("no app is registered here under this oauth_consumer_key.")
	}
	signer, ok := s.oauth1.find(known, oauth["oauth_token"])
	if !ok || known != nil && signer.client != client {
		return signedRequest{}, &failure{"89", "Invalid or expired token."}
	}
	if !same(oauth["oauth_signature"], signature(baseString(r.Method, received(r), parameters), client.Secret, signer.secret)) {
		return signedRequest{}, unauthenticated("the signature is not that of this request (RFC 5849 section 3.2).")
	}
	if age := time.Since(time.Unix(int64(stamp), 0)); age > window || age < -window {
		return signedRequest{}, &failure{"135", "Timestamp out of bounds."}
	}
	// Last, so that only the app can use its nonces up (§3.3: unique for one time, client and token).
	if !s.oauth1.firstUse(client.ID, oauth["oauth_token"], oauth["oauth_timestamp"], oauth["oauth_nonce"]) {
		return signedRequest{}, unauthenticated("this nonce was used before (RFC 5849 section 3.3).")
	}
	return signedRequest{r, client, signer, oauth}, nil
}

// collect returns all parameters that are signed (§3.4.1.3.1), and those of the protocol also as a map. Each of these
// may occur once, in the header, the query or the form (§3.1).
func collect(r *http.Request) (all [][2]string, oauth map[string]string, f *failure) {
	scheme, list, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "OAuth") || len(r.Header["Authorization"]) != 1 {
		return nil, nil, unsigned("one Authorization header of the scheme OAuth is needed (RFC 5849 section 3.5.1).")
	}
	oauth = map[string]string{}
	add := func(name, value string) {
		if _, twice := oauth[name]; twice {
			f = unsigned("a protocol parameter is repeated (RFC 5849 section 3.1).")
		}
		if strings.HasPrefix(name, "oauth_") {
			oauth[name] = value
		}
		all = append(all, [2]string{name, value})
	}
	for part := range strings.SplitSeq(list, ",") {
		name, quoted, _ := strings.Cut(strings.TrimSpace(part), "=")
		name, err := url.PathUnescape(name)
		value, err2 := url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`))
		if err != nil || err2 != nil || len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
			return nil, nil, unsigned("the Authorization header cannot be parsed (RFC 5849 section 3.5.1).")
		}
		if name != "realm" {
			add(name, value)
		}
	}
	forms := []string{r.URL.RawQuery}
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t == "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, nil, unsigned("the body is too long, or broke off.")
		}
		forms = append(forms, string(body))
	}
	for _, form := range forms {
		// url.ParseQuery refuses a semicolon, but it is an ordinary character.
		values, err := url.ParseQuery(strings.ReplaceAll(form, ";", "%3B"))
		if err != nil {
			return nil, nil, unsigned("the query or the form cannot be parsed.")
		}
		for name, list := range values {
			for _, value := range list {
				add(name, value)
			}
		}
	}
	return all, oauth, f
}

// received returns the URL that the client asked for, without its query (§3.4.1.2): the provider's own URL, or the
// one under the fake's origin.
func received(r *http.Request) string {
	sent, err := url.ParseRequestURI(r.RequestURI) // a path, or in absolute form a URL (RFC 9112 §3.2)
	if err != nil {
		return ""
	}
	return r.URL.Scheme + "://" + strings.TrimSuffix(strings.ToLower(r.URL.Host), map[string]string{"http": ":80", "https": ":443"}[r.URL.Scheme]) + sent.EscapedPath()
}

// baseString makes what is signed (§3.4.1).
func baseString(method, received string, parameters [][2]string) string {
	var pairs [][]string
	for _, p := range parameters {
		if p[0] != "oauth_signature" {
			pairs = append(pairs, []string{escape(p[0]), escape(p[1])})
		}
	}
	slices.SortFunc(pairs, slices.Compare)
	var normalized []string
	for _, p := range pairs {
		normalized = append(normalized, strings.Join(p, "="))
	}
	return method + "&" + escape(received) + "&" + escape(strings.Join(normalized, "&"))
}

// signature makes the signature by HMAC-SHA1 (§3.4.2).
func signature(base, clientSecret, tokenSecret string) string {
	mac := hmac.New(sha1.New, []byte(escape(clientSecret)+"&"+escape(tokenSecret)))
	io.WriteString(mac, base)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// escape percent-encodes (§3.6). url.QueryEscape does it in the same way, except for the space.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
