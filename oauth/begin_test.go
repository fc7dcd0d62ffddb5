package oauth

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The whole of what goes through the browser.
func TestBegin(t *testing.T) {
	const whole = "https://op.example/authorize?client_id=app&code_challenge=‹code_challenge›&code_challenge_method=S256" +
		"&nonce=‹nonce›&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback%2Fop&response_type=code&scope=openid+email&state=‹state›"
	for name, tt := range map[string]struct {
		row      func(*Provider)
		metadata string // instead of opMetadata
		want     string
		reason   string
	}{
		"OpenID Connect": {nil, opMetadata, whole, "OIDC Core §3.1.2.1 and RFC 7636 §4.3"},
		"OAuth 2.0 alone": {func(p *Provider) { *p = plainRow() }, opMetadata,
			strings.NewReplacer("&nonce=‹nonce›", "", "openid+", "", "callback%2Fop", "callback%2Fplain").Replace(whole), "without an ID token there is nothing to carry a nonce back"},
		"the endpoint's own query": {nil, strings.Replace(opMetadata, "/authorize", "/authorize?tenant=a%20b&state=theirs", 1), whole + "&tenant=a+b",
			"it is kept (RFC 6749 §3.1), but no parameter may occur twice"},
		"the entry's parameters": {func(p *Provider) {
			p.AuthorizationParams = map[string]string{
				"access_type": "offline", "response_type": "token", "client_id": "x", "redirect_uri": "x", "scope": "x",
				"state": "x", "nonce": "x", "code_challenge": "x", "code_challenge_method": "plain",
			}
		}, opMetadata, strings.Replace(whole, "?", "?access_type=offline&", 1), "an entry adds, and cannot weaken: plain would show the verifier, token would put tokens in URLs"},
		"commas": {func(p *Provider) { p.ScopeSeparator = "," }, opMetadata, strings.Replace(whole, "openid+", "openid%2C", 1), "Meta documents commas"},
	} {
		t.Run(name, func(t *testing.T) {
			attempt, got, err := newClient(t, with(opRow(), tt.row), newOP().but(opDiscovery, saysJSON(tt.metadata))).Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"s3cret", attempt.CodeVerifier} {
				if strings.Contains(got, secret) {
					t.Errorf("%q is in the URL, which stands in histories and logs", secret)
				}
			}
			got = strings.NewReplacer(attempt.State, "‹state›", attempt.Nonce, "‹nonce›",
				CodeChallenge(attempt.CodeVerifier), "‹code_challenge›").Replace(got)
			wantEqual(t, tt.want, got, tt.reason)
		})
	}
}

// What must be remembered until the callback.
func TestBeginAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, opRow(), newOP().but(opDiscovery, saysJSON(member(opMetadata, `"authorization_response_iss_parameter_supported": true`))))
		got, _, err := c.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Begun.Location() != time.UTC {
			t.Errorf("begun at a time of %s: the trace shows it to people elsewhere", got.Begun.Location())
		}
		if !regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`).MatchString(got.CodeVerifier) {
			t.Errorf("%q is not of the form that RFC 7636 §4.1 wants", got.CodeVerifier)
		}
		random := regexp.MustCompile(`^[A-Za-z0-9_-]{22,43}$`) // 128 bits or more; the conformance suite warns of longer ones
		if !random.MatchString(got.State) || !random.MatchString(got.Nonce) {
			t.Errorf("state %q, nonce %q: too short, too long, or not for a URL", got.State, got.Nonce)
		}
		want := Attempt{
			Provider: "op", State: got.State, Nonce: got.Nonce, CodeVerifier: got.CodeVerifier,
			Scopes: []string{"openid", "email"}, IssParameter: true, Begun: time.Now(),
		}
		wantEqual(t, want, got, "what must be remembered")
		// A value that comes back in a second attempt would let the first one's callback, token
		// or code into it.
		seen := map[string]bool{}
		for range 100 {
			attempt, _, err := c.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range []string{attempt.State, attempt.Nonce, attempt.CodeVerifier} {
				if seen[value] {
					t.Fatalf("%q for the second time", value)
				}
				seen[value] = true
			}
		}
	})
}

// A provider's malformed URL is an error, and sends the browser nowhere.
func TestBeginBadEndpointQuery(t *testing.T) {
	attempt, to, err := newClient(t, opRow(), newOP().but(opDiscovery, saysJSON(strings.Replace(opMetadata, "/authorize", "/authorize?a;b", 1)))).Begin(t.Context())
	if err == nil || to != "" || attempt.State != "" {
		t.Errorf("goes on to %q, %v", to, err)
	}
}

// A provider that fails with PKCE gets none of it, neither in the browser nor in step 3.
func TestWithoutPKCE(t *testing.T) {
	p, row := newOP(), plainRow()
	row.WithoutPKCE = "it drops the challenge"
	p.says[opToken] = saysJSON(`{"access_token": "t0ken", "token_type": "Bearer"}`)
	c := newClient(t, row, p)
	attempt, to, err := c.Begin(t.Context())
	if err != nil || attempt.CodeVerifier != "" || strings.Contains(to, "code_challenge") {
		t.Errorf("%v: verifier %q, %s", err, attempt.CodeVerifier, to)
	}
	callback := must(c.ParseCallback(t.Context(), attempt, "code=c0de&state="+attempt.State))
	must(c.Exchange(t.Context(), callback))
	const want = "code=c0de&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback%2Fplain"
	wantEqual(t, want, p.asked[0].Body, "the token request")
}
