package oauth

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// vectors1 are the vectors of OAuth 1.0a.
func vectors1(t testing.TB) []vector {
	t.Helper()
	return readVectors(t, "oauth1-*", strings.Fields("method url body parameters realm client_secret token_secret normalized base_string base_string_uri signature"),
		[]string{"signature ok", "base string uri ok", "encoding ok"})
}

func TestVectors1(t *testing.T) {
	for _, v := range vectors1(t) {
		t.Run(v.name, func(t *testing.T) {
			switch v.header["expect"] {
			case "signature ok":
				checkSignature(t, v.header)
			case "base string uri ok":
				u := must(url.Parse(v.header["url"]))
				wantEqual(t, v.header["base_string_uri"], baseStringURI(u), "base string URI")
			case "encoding ok":
				for line := range strings.Lines(v.body) {
					plain, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
					if got := percentEncode(plain); !ok || got != want {
						t.Errorf("%q: got %s, want %s", plain, got, want)
					}
				}
			}
		})
	}
}

// parameters reads a vector's parameters, which are form-encoded.
func parameters(encoded string) (all []Parameter) {
	for name, values := range must(url.ParseQuery(encoded)) {
		for _, value := range values {
			all = append(all, Parameter{name, value})
		}
	}
	return all
}

func checkSignature(t *testing.T, v map[string]string) {
	s := must(sign1(v["method"], v["url"], v["body"], parameters(v["parameters"]), v["client_secret"], v["token_secret"]))
	if want, ok := v["normalized"]; ok && s.Normalized != want {
		t.Errorf("normalized parameters\n got %s\nwant %s", s.Normalized, want)
	}
	if want, ok := v["base_string"]; ok && s.BaseString != want {
		t.Errorf("base string\n got %s\nwant %s", s.BaseString, want)
	}
	wantEqual(t, v["signature"], s.Signature, "signature")
}

// All bytes: a server that checks the signature need not use net/url.
func TestPercentEncode(t *testing.T) {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	for c := range 256 {
		b := byte(c)
		want := fmt.Sprintf("%%%02X", b)
		if strings.IndexByte(unreserved, b) >= 0 {
			want = string(rune(b))
		}
		wantEqual(t, want, percentEncode(string([]byte{b})), fmt.Sprintf("byte %d", b))
	}
}

// What the published vectors leave out.
func TestBaseStringURI(t *testing.T) {
	for _, tt := range []struct{ url, want, reason string }{
		{"HTTPS://API.X.com/A%2fb?q", "https://api.x.com/A%2fb", "the path as sent, also its letters' case"},
		{"https://api.x.com", "https://api.x.com/", "what is sent for an empty path"},
		{"https://api.x.com:443/", "https://api.x.com/", "the default port of https"},
		{"https://api.x.com:80/", "https://api.x.com:80/", "is not the default port of https"},
		{"http://api.x.com:443/", "http://api.x.com:443/", "is not the default port of http"},
		{"http://[::1]:80/", "http://[::1]/", "colons that are no port's"},
		{"http://[::80]/", "http://[::80]/", "an address that ends like a port"},
		{"http://[::1]:8080/", "http://[::1]:8080/", "another port"},
		{"https://api.x.com:/", "https://api.x.com/", "net/http sends no empty port"},
		{"https://api.x.com/a#b", "https://api.x.com/a", "no fragment is sent"},
		{"https://user@api.x.com/a", "https://api.x.com/a", "not part of the Host header"},
	} {
		u := must(url.Parse(tt.url))
		wantEqual(t, tt.want, baseStringURI(u), tt.url+": "+tt.reason)
	}
}

func TestNormalizeParameters(t *testing.T) {
	for _, tt := range []struct{ encoded, want, reason string }{
		{"a=2&a=10&a=1", "a=1&a=10&a=2", "bytes, not numbers"},
		{"a1=x&a=x&a-b=x", "a=x&a-b=x&a1=x", "pairs are sorted; as strings a-b= and a1= come before a="},
		{"a=b&a=b", "a=b&a=b", "twice the same is twice there"},
		{"%C3%A9=x&z=x", "%C3%A9=x&z=x", "sorted as encoded: the % is before any letter"},
		{"a=+&a=%20&a=%2B", "a=%20&a=%20&a=%2B", "both are a space, and a plus sign is neither"},
		{"a&b=&=c&&", "=c&a=&b=", "no value, an empty value, no name; nothing is no parameter"},
		{"a=x=y%3Bb=z", "a=x%3Dy%3Bb%3Dz", "only the first = ends the name"},
	} {
		for _, at := range [][2]string{{"https://x.example/?" + tt.encoded, ""}, {"https://x.example/", tt.encoded}} {
			wantEqual(t, tt.want, must(sign1("POST", at[0], at[1], nil, "", "")).Normalized, tt.reason)
		}
	}
	for _, row := range [][2]string{{"https://%zz", ""}, {"https://x.example/?a=%zz", ""}, {"https://x.example/?%zz=a", ""}, {"https://x.example/", "a=%zz"}, {"https://x.example/?a;b", ""}} {
		if s, err := sign1("POST", row[0], row[1], nil, "", ""); err == nil {
			t.Errorf("%q was signed: %s", row, s.BaseString)
		}
	}
}

// The parts of the key are encoded, so that no secret can end early at an ampersand, and so
// are the names in the header; the method is signed in capitals (RFC 5849 §3.4.1.1, §3.4.2, §3.5.1).
func TestSignedAsEncoded(t *testing.T) {
	// printf 'GET&https%%3A%%2F%%2Fx.example%%2F&a%%2520b%%3Dc' | openssl dgst -sha1 -hmac 'k%26%3D&s%26%2B' -binary | base64
	got := must(sign1("get", "HTTPS://x.example/", "", []Parameter{{"a b", "c"}}, "k&=", "s&+"))
	want := Signed{
		Parameters: []Parameter{{"a b", "c"}},
		Normalized: "a%20b=c",
		BaseString: "GET&https%3A%2F%2Fx.example%2F&a%2520b%3Dc",
		Signature:  "crHGLF8SxKIYtk0LIlYzwfl+2yM=",
	}
	want.Header = `OAuth a%20b="c", oauth_signature="` + percentEncode(want.Signature) + `"`
	wantEqual(t, want, got, "what is signed")
}

// A server that parses what was signed, with what net/http received, computes the
// same base string.
func FuzzBaseString(f *testing.F) {
	for _, v := range vectors1(f) {
		if u, err := url.Parse(v.header["url"]); err == nil && u.Host != "" {
			f.Add(u.Host, u.Path, u.RawQuery, v.header["body"], v.header["client_secret"]+v.name)
		}
	}
	f.Add("[::1]:443", "/a b/ü%2F", "a=+&a=%2b&a&=&b=%C3%A9;c", "a=1&a=1", "\x00 é\xff~")
	f.Fuzz(func(t *testing.T, host, path, query, form, token string) {
		u := url.URL{Scheme: "https", Host: host, Path: path, RawQuery: query}
		signed, err := sign1("POST", u.String(), form, []Parameter{{"oauth_nonce", "n"}, {"oauth_token", token}}, "c", "t")
		if err != nil || checkHTTPS(u.String(), false) != nil {
			return
		}
		request, err := http.NewRequest("POST", u.String(), strings.NewReader(form))
		if err != nil {
			return
		}
		request.Header.Set("Authorization", signed.Header)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		var wire bytes.Buffer
		if err := request.Write(&wire); err != nil {
			return
		}
		received, err := http.ReadRequest(bufio.NewReader(&wire))
		if err != nil || received.Host == "" { // net/http sends no host that is none
			return
		}
		wantEqual(t, serverBaseString(t, received), signed.BaseString, u.String())
	})
}

// serverBaseString is §3.4.1 by other means than those of the client.
func serverBaseString(t *testing.T, r *http.Request) string {
	body := must(io.ReadAll(r.Body))
	encode := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	// url.ParseQuery refuses ";", which is a character like others here.
	all, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery+"&"+string(body), ";", "%3B"))
	if err != nil {
		t.Fatalf("what the client signed cannot be parsed: %v", err)
	}
	header, _ := strings.CutPrefix(r.Header.Get("Authorization"), "OAuth ")
	for pair := range strings.SplitSeq(header, ", ") {
		name, value, _ := strings.Cut(pair, "=")
		value = must(url.PathUnescape(strings.Trim(value, `"`)))
		if name != "oauth_signature" {
			all.Add(name, value)
		}
	}
	var pairs [][2]string
	for name, values := range all {
		for _, value := range values {
			pairs = append(pairs, [2]string{encode(name), encode(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var normalized []string
	for _, pair := range pairs {
		normalized = append(normalized, pair[0]+"="+pair[1])
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return r.Method + "&" + encode("https://"+strings.TrimSuffix(strings.ToLower(r.Host), ":443")+path) + "&" + encode(strings.Join(normalized, "&"))
}

// BenchmarkSign1 is a whole signed GET but for the network: nonce, signature,
// request and reply.
func BenchmarkSign1(b *testing.B) {
	const url = "https://api.x.com/1.1/account/verify_credentials.json"
	c := newClient1(b, xRow(), saysJSON("{}"))
	credentials := TokenCredentials{Token: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb", Secret: "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE"}
	b.ReportAllocs()
	for b.Loop() {
		must(c.Get(b.Context(), credentials, url+"?include_email=true&skip_status=true"))
	}
}
