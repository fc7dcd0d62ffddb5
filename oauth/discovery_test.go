package oauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDiscover(t *testing.T) {
	p := newOP()
	p.says[opDiscovery] = says(200, "Application/JSON; charset=utf-8", `{
		"issuer": "https://op.example",
		"authorization_endpoint": "https://login.op.example/authorize?tenant=7",
		"token_endpoint": "https://op.example/token",
		"userinfo_endpoint": "https://op.example/userinfo",
		"revocation_endpoint": "https://op.example/revoke",
		"jwks_uri": "https://keys.op.example/jwks",
		"token_endpoint_auth_methods_supported": ["client_secret_post"],
		"authorization_response_iss_parameter_supported": true,
		"id_token_signing_alg_values_supported": ["none", "RS256"]}`)
	got, err := newClient(t, opRow(), p).Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Metadata{
		AuthorizationEndpoint:    "https://login.op.example/authorize?tenant=7",
		TokenEndpoint:            "https://op.example/token",
		UserinfoEndpoint:         "https://op.example/userinfo",
		JWKSURI:                  "https://keys.op.example/jwks",
		RevocationEndpoint:       "https://op.example/revoke",
		TokenEndpointAuthMethods: []string{"client_secret_post"},
		IssParameter:             true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDiscoverWithoutOpenID(t *testing.T) {
	p := newOP()
	got, err := newClient(t, plainRow(), p).Discover(t.Context())
	if diff := cmp.Diff(plainRow().Metadata, got); err != nil || diff != "" || len(p.asked) > 0 {
		t.Errorf("the row's endpoints are known: %v, %d requests\n%s", err, len(p.asked), diff)
	}
}

// Each row changes one thing in good metadata.
func TestDiscoverMetadata(t *testing.T) {
	const issuer, jwks = `"issuer": "https://op.example"`, `"jwks_uri": "https://op.example/jwks"`
	for name, tt := range map[string]struct {
		replace, with string
		fails         string // "" is none
		reason        string
	}{
		"issuer of another provider": {issuer, `"issuer": "https://evil.example"`, "discovery-issuer",
			"the metadata of an attacker would name the attacker's token endpoint"},
		"issuer with a slash": {issuer, `"issuer": "https://op.example/"`, "discovery-issuer",
			"nothing is folded: two issuers on one host can differ by a slash"},
		"issuer in capitals": {issuer, `"issuer": "https://OP.example"`, "discovery-issuer",
			"simple string comparison (RFC 3986 §6.2.1), which every other check repeats"},
		"issuer with the default port": {issuer, `"issuer": "https://op.example:443"`, "discovery-issuer",
			"the same place is not the same identifier"},
		"issuer with http": {issuer, `"issuer": "http://op.example"`, "discovery-issuer",
			"an identifier that names another, unprotected place"},
		"issuer missing": {issuer, `"x": 0`, "discovery-issuer",
			"metadata that say for nobody say for everybody"},
		"issuer empty": {issuer, `"issuer": ""`, "discovery-issuer",
			"empty equals nothing"},
		"issuer null": {issuer, `"issuer": null`, "discovery-issuer",
			"null is missing"},
		"issuer a number": {issuer, `"issuer": 7`, "discovery-members",
			"no text of it could be compared"},
		"ISSUER": {issuer, `"ISSUER": "https://op.example"`, "discovery-issuer",
			"encoding/json alone would take it for issuer, another parser would not"},
		"issuer twice": {issuer, issuer + `, "issuer": "https://evil.example"`, "reply-json",
			"two parsers would read two issuers"},
		"name twice far inside": {issuer, issuer + `, "mtls": {"a": 1, "a": 2}`, "reply-json",
			"repeats are refused at any depth"},

		"no authorization endpoint": {`"authorization_endpoint"`, `"authorization"`, "discovery-endpoints",
			"the browser would be sent to nowhere"},
		"no token endpoint": {`"token_endpoint"`, `"token"`, "discovery-endpoints",
			"the sign-in would fail half-way"},
		"no JWKS": {`"jwks_uri"`, `"jwks"`, "discovery-endpoints",
			"no token could ever be verified"},
		"no userinfo endpoint": {`"userinfo_endpoint"`, `"userinfo"`, "",
			"it is only RECOMMENDED (OIDC Discovery §3)"},

		"token endpoint http": {`https://op.example/token`, `http://op.example/token`, "endpoint-https",
			"code and secret would be read on the wire"},
		"authorization endpoint http": {`https://op.example/authorize`, `http://op.example/authorize`, "endpoint-https",
			"the sign-in page would be changed on the wire"},
		"JWKS http": {`https://op.example/jwks`, `http://op.example/jwks`, "endpoint-https",
			"the keys would be swapped on the wire"},
		"userinfo endpoint http": {`https://op.example/userinfo`, `http://op.example/userinfo`, "endpoint-https",
			"the access token would be read on the wire"},
		"revocation endpoint http": {jwks, jwks + `, "revocation_endpoint": "http://op.example/revoke"`, "endpoint-https",
			"it gets a token too"},
		"http on loopback": {`https://op.example/token`, `http://127.0.0.1/token`, "endpoint-https",
			"a provider out there must not make this app talk to services of its own machine"},
		"endpoint relative": {`https://op.example/token`, `/token`, "endpoint-https",
			"nobody says relative to what"},
		"endpoint without a host": {`https://op.example/token`, `https:///token`, "endpoint-https",
			"absolute in form only"},
		"endpoint that is no URL": {`https://op.example/token`, `https://op.example/%zz`, "endpoint-https",
			"nobody can say where that leads"},
		"endpoint with a user": {`https://op.example/token`, `https://op.example@evil.example/token`, "endpoint-https",
			"the host is evil.example; and a user would be sent in place of our own credentials"},
		"endpoint with a fragment": {`https://op.example/authorize`, `https://op.example/authorize#x`, "endpoint-https",
			"it must not have one (RFC 6749 §3.1)"},
		"endpoint of another scheme": {`https://op.example/authorize`, `javascript://op.example/%0aalert(1)`, "endpoint-https",
			"the browser is redirected there"},

		"authorization endpoint a list": {`"https://op.example/authorize"`, `["https://op.example/authorize"]`, "discovery-members",
			"not what it must be (OIDC Discovery §3)"},
		"userinfo endpoint a number": {`"https://op.example/userinfo"`, `7`, "discovery-members",
			"likewise"},
		"JWKS an object": {`"https://op.example/jwks"`, `{}`, "discovery-members",
			"likewise"},
		"revocation endpoint a boolean": {jwks, jwks + `, "revocation_endpoint": true`, "discovery-members",
			"likewise"},
		"endpoint a list": {`"https://op.example/token"`, `["https://op.example/token"]`, "discovery-members",
			"not what it must be (OIDC Discovery §3)"},
		"methods not a list": {jwks, jwks + `, "token_endpoint_auth_methods_supported": "client_secret_post"`, "discovery-members",
			"read as a list of one it would be a guess"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOP()
			p.says[opDiscovery] = saysJSON(strings.Replace(opMetadata, tt.replace, tt.with, 1))
			c := newClient(t, opRow(), p)
			got, err := c.Discover(t.Context())
			wantCheck(t, err, 0, tt.fails, tt.reason)
			if diff := cmp.Diff(Metadata{}, got); tt.fails != "" && diff != "" {
				t.Errorf("metadata with an error: %s", diff)
			}
			// The browser is not sent anywhere on refused metadata.
			if _, to, err := c.Begin(t.Context()); tt.fails != "" && (err == nil || to != "") {
				t.Errorf("Begin goes on, to %q", to)
			}
		})
	}
}

// The promise of iss counts only as the JSON value true, and in no other form does it
// keep anybody from signing in: "true" in quotes is seen in the wild.
func TestDiscoverIssParameter(t *testing.T) {
	for value, want := range map[string]bool{`true`: true, `false`: false, `null`: false, `"true"`: false, `1`: false} {
		p := newOP()
		p.says[opDiscovery] = saysJSON(strings.Replace(opMetadata, "{", `{"authorization_response_iss_parameter_supported": `+value+`,`, 1))
		m, err := newClient(t, opRow(), p).Discover(t.Context())
		if err != nil || m.IssParameter != want {
			t.Errorf("%s: %t, %v; want %t", value, m.IssParameter, err, want)
		}
	}
}

func TestDiscoverReply(t *testing.T) {
	full := opMetadata + strings.Repeat(" ", 1<<20-len(opMetadata))
	for name, tt := range map[string]struct {
		says   answer
		fails  string
		reason string
	}{
		"not found":     {says(404, "application/json", opMetadata), "reply-status-200", "an error page is no metadata, whatever it holds"},
		"created":       {says(201, "application/json", opMetadata), "reply-status-200", "only 200 is a successful response (OIDC Discovery §4.2)"},
		"found":         {says(302, "application/json", opMetadata, "Location", "https://evil.example/"), "reply-status-200", "an open redirect on the provider's host would bring foreign metadata"},
		"redirected":    {says(307, "application/json", opMetadata, "Location", "https://evil.example/"), "reply-status-200", "likewise"},
		"HTML":          {says(200, "text/html", opMetadata), "reply-media-type", "a file that a user uploaded to the provider's host"},
		"other JSON":    {says(200, "application/ld+json", opMetadata), "reply-media-type", "application/json is the one media type (OIDC Discovery §4.2)"},
		"no media type": {says(200, "", opMetadata), "reply-media-type", "nobody said that this is JSON"},
		"cut short":     {saysJSON(opMetadata[:60]), "reply-json", "half an answer"},
		"two values":    {saysJSON(opMetadata + opMetadata), "reply-json", "which of them?"},
		"a list":        {saysJSON("[" + opMetadata + "]"), "reply-json", "metadata are one object"},
		"empty":         {saysJSON(""), "reply-json", "nothing was said"},
		"not UTF-8":     {saysJSON(strings.Replace(opMetadata, "{", "{\"x\": \"\xff\",", 1)), "reply-json", "JSON is UTF-8 (RFC 8259 §8.1)"},
		"1 MiB":         {saysJSON(full), "", "as long as it may be"},
		"1 MiB and one": {saysJSON(full + " "), "reply-size", "a reply without end; cut short it could read as if whole"},
		"no network":    {func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, "reply-received", "down is said, not crashed on"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOP()
			p.says[opDiscovery] = tt.says
			_, err := newClient(t, opRow(), p).Discover(t.Context())
			wantCheck(t, err, 0, tt.fails, tt.reason)
			if len(p.asked) != 1 {
				t.Errorf("%d requests, want 1: redirects are not followed, and nothing is tried twice", len(p.asked))
			}
		})
	}
}

// Each issuer has its document at one place: a last slash is dropped, a path stays in
// front (OIDC Discovery §4.1; RFC 8414 would put it behind).
func TestDiscoverWellKnownPath(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://op.example":         "https://op.example/.well-known/openid-configuration",
		"https://op.example/":        "https://op.example/.well-known/openid-configuration",
		"https://op.example/tenant":  "https://op.example/tenant/.well-known/openid-configuration",
		"https://op.example/tenant/": "https://op.example/tenant/.well-known/openid-configuration",
		"https://op.example:8443/a":  "https://op.example:8443/a/.well-known/openid-configuration",
	} {
		t.Run(issuer, func(t *testing.T) {
			p := newOP()
			p.says[want] = saysJSON(strings.Replace(opMetadata, `"https://op.example"`, `"`+issuer+`"`, 1))
			row := opRow()
			row.Issuer = issuer
			if _, err := newClient(t, row, p).Discover(t.Context()); err != nil {
				t.Error(err)
			}
			if p.count(want) != 1 || len(p.asked) != 1 {
				t.Errorf("asked %v, want %s once", p.asked, want)
			}
		})
	}
}

func TestDiscoverTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		p.says[opDiscovery] = hangs
		began := time.Now()
		_, err := newClient(t, opRow(), p).Discover(t.Context())
		wantCheck(t, err, 0, "reply-received", "a provider that hangs must not keep every visitor waiting")
		if waited := time.Since(began); waited != 10*time.Second {
			t.Errorf("waited %s, want %s", waited, 10*time.Second)
		}
		if e, _ := errors.AsType[*CheckError](err); e != nil && e.Got != "no answer from op.example in time" {
			t.Errorf("says %q", e.Got)
		}
	})
}

// A provider that was down at first keeps nobody from signing in once it is back.
func TestDiscoverAgainAfterFailure(t *testing.T) {
	p := newOP()
	p.says[opDiscovery] = says(503, "text/plain", "down for maintenance")
	c := newClient(t, opRow(), p)
	_, _, err := c.Begin(t.Context())
	wantCheck(t, err, 0, "reply-status-200", "it is down")

	p.says[opDiscovery] = saysJSON(opMetadata)
	_, _, err = c.Begin(t.Context())
	wantCheck(t, err, 0, "", "it is back, and the failure is not remembered")
}

func TestDiscoverMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		c := newClient(t, opRow(), p)
		for _, step := range []struct {
			after   time.Duration
			fetches int
		}{
			{0, 1},
			{time.Hour - time.Second, 1}, // still good
			{time.Second, 2},             // an hour old: endpoints may have moved
			{59 * time.Minute, 2},
		} {
			time.Sleep(step.after)
			if _, err := c.Discover(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := p.count(opDiscovery); got != step.fetches {
				t.Errorf("%s later: fetched %d times, want %d", step.after, got, step.fetches)
			}
		}
	})
}

// However many sign in at once, the provider is asked once.
func TestDiscoverOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		p.says[opDiscovery] = func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return saysJSON(opMetadata)(r)
		}
		c := newClient(t, opRow(), p)
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if _, err := c.Discover(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := p.count(opDiscovery); got != 1 {
			t.Errorf("fetched %d times, want once", got)
		}
	})
}

// Who closes the browser while everybody waits for the request that they began does
// not fail the others; and who waits for somebody else's request need not wait longer
// than they want.
func TestDiscoverCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		p.says[opDiscovery] = func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(5 * time.Second):
				return saysJSON(opMetadata)(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
		c := newClient(t, opRow(), p)
		leader, leave := context.WithCancel(t.Context())
		impatient, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		ask := func(ctx context.Context) <-chan error {
			result := make(chan error, 1)
			go func() {
				_, err := c.Discover(ctx)
				result <- err
			}()
			synctest.Wait()
			return result
		}
		first, second, third := ask(leader), ask(impatient), ask(t.Context())
		leave()
		wantCheck(t, <-first, 0, "reply-received", "the one who left")
		wantCheck(t, <-second, 0, "reply-received", "the impatient one")
		if err := <-third; err != nil {
			t.Errorf("the one who stayed: %v", err)
		}
		if got := p.count(opDiscovery); got != 1 {
			t.Errorf("fetched %d times, want once", got)
		}
	})
}
