package oauth

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// What the mutation run found to be held by no test: words, mostly, by which people find out
// what is wrong.

// A row that holds wants nothing: a trace shows what rows keep.
func TestHeldRowsWantNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held Checked
		p := newOP()
		attempt := attemptOf("op")
		ctx := WithTrace(t.Context(), func(e Event) {
			if checked, ok := e.What.(Checked); ok {
				held = append(held, checked...)
			}
		})
		_, err := newClient(t, opRow(), p).VerifyIDToken(ctx, Unverified{attempt, Tokens{Provider: "op", AccessToken: "t0ken"}, sign(rs256, claims(nil), rsaKey()), false})
		if err != nil || len(held) < 15 {
			t.Fatalf("%d checks, %v", len(held), err)
		}
		for _, o := range held {
			if !o.Skipped && o.Want != "" && o.Want != o.Got {
				t.Errorf("%s holds, with %q, and wants %q", o.Check.Name, o.Got, o.Want)
			}
		}
	})
}

// wantGot asserts what a check says that it found and wanted.
func wantGot(t *testing.T, err error, want CheckError) {
	t.Helper()
	failed, ok := errors.AsType[*CheckError](err)
	if !ok {
		t.Fatalf("no check failed, but: %v", err)
	}
	want.Check = failed.Check
	if diff := cmp.Diff(want, *failed); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestKeysSayWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := verify(t, newClient(t, opRow(), newOP()), sign(`{"alg":"RS256","kid":"other"}`, claims(nil), rsaKey()))
		wantGot(t, err, CheckError{Got: "other", Want: "rsa or ec"})
		_, err = verify(t, newClient(t, opRow(), newOP()), sign(`{"alg":"ES256","kid":"rsa"}`, claims(nil), rsaKey()))
		wantGot(t, err, CheckError{Got: "a key for RS256 with a token of ES256", Want: "a key for ES256"})
		_, err = verify(t, newClient(t, opRow(), newOP()), sign(rs256, claims(set{"exp": "soon"}), rsaKey()))
		wantGot(t, err, CheckError{Got: "exp is of another type: a string"})

		p := newOP()
		one := strings.Replace(rsaJWK(), `"kid"`, `"x-kid"`, 1)
		p.says[opJWKS] = saysJSON(`{"keys": [` + one + `]}`)
		_, err = verify(t, newClient(t, opRow(), p), sign(rs256, claims(nil), rsaKey()))
		wantGot(t, err, CheckError{Got: "rsa", Want: "(a key without kid)"})
		p.says[opJWKS] = saysJSON(`{"keys": [` + one + `,` + ecJWK() + `]}`)
		_, err = verify(t, newClient(t, opRow(), p), sign(rs256, claims(nil), rsaKey()))
		wantGot(t, err, CheckError{Got: "rsa", Want: "(a key without kid) or ec"})
		p.says[opJWKS] = saysJSON(`{"keys": [` + strings.Repeat(member(rsaJWK(), `"use":"enc"`)+",", 2) + ecJWK() + `]}`)
		_, err = verify(t, newClient(t, opRow(), p), sign(rs256, claims(nil), rsaKey()))
		wantGot(t, err, CheckError{Got: `a key for use "enc"; a key for use "enc"`, Want: "a key for RS256"})
		p.says[opJWKS] = saysJSON(`{"keys": []}`)
		_, err = verify(t, newClient(t, opRow(), p), sign(`{"alg":"RS256"}`, claims(nil), rsaKey()))
		wantGot(t, err, CheckError{Want: "a key for RS256"})
		_, err = verify(t, newClient(t, opRow(), p), sign(rs256, claims(nil), rsaKey()))
		wantGot(t, err, CheckError{Got: "rsa", Want: "one of an empty list"})
	})
}

func TestParseKeySaysWhy(t *testing.T) {
	x32, x33 := b64([]byte(strings.Repeat("x", 32))), b64([]byte(strings.Repeat("x", 33)))
	for jwk, want := range map[string]string{
		`{"kty":"RSA","e":"AQAB"}`:                                       "a key whose n is missing or not base64url",
		`{"kty":"RSA","n":"","e":"AQAB"}`:                                "a key whose n is missing or not base64url",
		`{"kty":"RSA","n":"*","e":"AQAB"}`:                               "a key whose n is missing or not base64url",
		`{"kty":"RSA","n":5,"e":"AQAB"}`:                                 "n is of another type: a number",
		`{"kty":7}`:                                                      "kty is of another type: a number",
		`{"kty":"RSA","kid":7}`:                                          "kid is of another type: a number",
		`{"kty":"RSA","use":7}`:                                          "use is of another type: a number",
		`{"kty":"RSA","alg":7}`:                                          "alg is of another type: a number",
		`{"kty":"RSA","n":"BQ","e":7}`:                                   "e is of another type: a number",
		`{"kty":"EC","crv":7}`:                                           "crv is of another type: a number",
		`{"kty":"EC","crv":"P-256","x":7}`:                               "x is of another type: a number",
		`{"kty":"EC","x":"` + x32 + `","y":7}`:                           "y is of another type: a number",
		`{"kty":"RSA","n":"BQ","e":"AQAB"}`:                              "an RSA key of 3 bits",
		`{"kty":"EC","crv":"P-256"}`:                                     "a key whose x is missing or not base64url",
		`{"kty":"EC","crv":"P-256","x":"` + x33 + `","y":"` + x32 + `"}`: "an EC key with coordinates of 33 and 32 bytes instead of 32",
		`{"kty":"EC","crv":"P-256","x":"` + x32 + `","y":"` + x33 + `"}`: "an EC key with coordinates of 32 and 33 bytes instead of 32",
		`{"kty":"EC","crv":"P-384","x":"` + x32 + `","y":"` + x32 + `"}`: `an EC key on curve "P-384"`,
		`{"kty":"EC","x":"` + x32 + `","y":"` + x32 + `"}`:               `an EC key on curve ""`,
	} {
		o, err := parseObject([]byte(jwk))
		if err != nil {
			t.Fatal(err)
		}
		if k := parseKey(o); k.unfit == nil || k.unfit.Error() != want {
			t.Errorf("%s: %v, want %s", jwk, k.unfit, want)
		}
	}
}

// A token without a kid that none of the keys that fit has signed is a reason to fetch the keys
// again, also if one that does not fit has signed it.
func TestKeysFetchedAgainWithoutKid(t *testing.T) {
	for header, reason := range map[string]string{
		`{"alg":"RS256"}`: "the key that signed it is for encryption",
		`{"alg":"ES256"}`: "the key that signed it is for another algorithm",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newOP()
			p.says[opJWKS] = saysJSON(`{"keys": [` + strings.Replace(rsaJWK(), "{", `{"use":"enc",`, 1) + `,` + ecJWK() + `]}`)
			if header == `{"alg":"ES256"}` {
				p.says[opJWKS] = saysJSON(`{"keys": [` + rsaJWK() + `,` + ecJWK() + `]}`)
			}
			c := newClient(t, opRow(), p)
			if _, err := verify(t, c, sign(es256, claims(nil), ecKey())); err != nil {
				t.Fatal(err)
			}
			if _, err := verify(t, c, sign(header, claims(nil), rsaKey())); err == nil {
				t.Error("it was taken")
			}
			if n := p.count(opJWKS); n != 2 {
				t.Errorf("the keys were fetched %d times, want 2: %s", n, reason)
			}
		})
	}
}

func TestRefusalWords(t *testing.T) {
	for body, want := range map[string]Refusal{
		`{"error":"a\u0062"}`:           {Code: "ab"},
		`{"error":["4\/0A"]}`:           {Code: "an array"}, // whose escapes could hide a secret
		`{"message":"m"}`:               {Description: "m"},
		`{"error":"a&oauth_problem=b"}`: {Code: "a&oauth_problem=b"}, // JSON is no form
		`{"message":"Validation Failed","errors":[{"message":"inner","code":"c"}]}`: {Description: "Validation Failed"},
		`{"error":"invalid","code":7}`:                                              {Code: "invalid"},
		`{"message":"m","code":7,"status":"401"}`:                                   {Description: "m", Code: "7"},
	} {
		want.Step, want.Status = 5, 401
		if diff := cmp.Diff(&want, (reply{status: 401, body: []byte(body)}).refusal(inStep(t.Context(), 5, (*Client).Get))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", body, diff)
		}
	}
}

func TestCredentialsOfTwoReadings(t *testing.T) {
	for body, got := range map[string]string{
		"oauth_token=T&oauth_token=U&oauth_token_secret=S": `"oauth_token" occurs 2 times`,
		"oauth_token=%ff&oauth_token_secret=S":             "oauth_token is not valid UTF-8",
	} {
		p := &op{says: map[string]answer{"https://x.example/r": says(200, "text/html", body)}}
		c, err := NewClient1(Provider1{About: About{Name: "x"}, TemporaryCredentialURL: "https://x.example/r", AuthorizationURL: "https://x.example/a", TokenURL: "https://x.example/t", Profile: noProfile},
			"id", "secret", "https://app.example/callback", p)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.Begin(t.Context())
		wantGot(t, err, CheckError{Got: got})

		asked := len(p.asked)
		if _, err := c.Get(t.Context(), TokenCredentials{Provider: "x"}, "https://x.example/?a=%zz"); err == nil || len(p.asked) > asked {
			t.Errorf("what cannot be signed was sent all the same: %v", err)
		}
	}
}

// Only an API's own word is a reason to refresh: a refresh for a refresh would never end.
func TestTokenRefusedElsewhere(t *testing.T) {
	c := newClient(t, opRow(), newOP())
	for _, err := range []error{
		&Refusal{Step: 6, Status: 401},
		&CheckError{Check: Check{Step: 6, Name: replyStatus.Name}, Got: "401"},
		&CheckError{Check: Check{Step: 5, Name: replyMediaType.Name}, Got: "401"},
	} {
		if c.TokenRefused(err) {
			t.Errorf("%v is taken for the word of an API", err)
		}
	}
}

// Done is done, whatever the body says; and what is not done is said in words.
func TestRevokedSays(t *testing.T) {
	if err := (reply{status: 200, body: []byte(`{"error":"x"}`)}).revoked(t.Context()); err != nil {
		t.Error(err)
	}
	for mediaType, got := range map[string]string{"text/plain": "503: busy", "text/html": "503: busy", "": "503", "application/octet-stream": "503"} {
		wantGot(t, reply{status: 503, mediaType: mediaType, body: []byte("busy\n")}.revoked(t.Context()), CheckError{Got: got, Want: "200 or 204"})
		wantGot(t, check(t.Context(), reply{status: 503, mediaType: mediaType, body: []byte("busy\n")}.statusOK()), CheckError{Got: got, Want: "200"})
	}
	wantGot(t, check(t.Context(), reply{status: 302, mediaType: "text/plain", body: []byte("Found")}.statusOK()), CheckError{Got: "302", Want: "200"})
	sent := Request{Body: "code=c0de"}
	wantGot(t, check(t.Context(), reply{500, "text/plain", []byte("no c0de"), sent}.statusOK()), CheckError{Got: "500: ‹withheld: it repeats a secret›", Want: "200"})
}

// A value that is there and wrong is not called missing.
func TestMediaTypeSays(t *testing.T) {
	for contentType, got := range map[string]string{
		"application/json, application/json":                "application/json, application/json",
		"application/json; charset=utf-8; charset=us-ascii": "application/json; charset=utf-8; charset=us-ascii",
		"": "",
	} {
		p := newOP()
		p.says[opDiscovery] = says(200, contentType, opMetadata)
		_, err := newClient(t, opRow(), p).Discover(t.Context())
		wantGot(t, err, CheckError{Got: got, Want: "application/json"})
	}
	p := newOP()
	for values, got := range map[[2]string]string{{"application/json", "application/json"}: "", {"text/html", "application/json"}: "text/html, application/json"} {
		p.says[opDiscovery] = func(r *http.Request) (*http.Response, error) {
			response, err := saysJSON(opMetadata)(r)
			response.Header["Content-Type"] = values[:]
			return response, err
		}
		_, err := newClient(t, opRow(), p).Discover(t.Context())
		if got == "" {
			wantCheck(t, err, 0, "", "twice the same")
			continue
		}
		wantGot(t, err, CheckError{Got: got, Want: "application/json"})
	}
}

// A callback that fails before its attempt is known says what it is.
func TestTakeSays(t *testing.T) {
	for query, want := range map[string]CheckError{
		"error=access_denied&error_description=x": {Got: "error=access_denied, and no state", Want: "a value"},
		"error_code=200":              {Got: "error=200, and no state", Want: "a value"},
		"oauth_problem=user_refused":  {Got: "error=user_refused, and no state", Want: "a value"},
		"error=a%0Ab":                 {Got: "error=a b, and no state", Want: "a value"},
		"error=":                      {Got: "no state", Want: "a value"},
		"code=c":                      {Got: "no state", Want: "a value"},
		"error=access_denied&state=S": {Got: "error=access_denied, and no cookie of this sign-in", Want: "one of the last 8 that this browser began, at most an hour ago"},
		"code=c&state=S":              {Got: "no cookie of this sign-in", Want: "one of the last 8 that this browser began, at most an hour ago"},
	} {
		_, err := newAttempts(t, testRoot, false).Take(httptest.NewRecorder(), browser{}.request("/callback/op?"+query))
		wantGot(t, err, want)
	}
}
