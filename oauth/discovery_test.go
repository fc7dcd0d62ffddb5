package oauth

import (
	"errors"
	"strings"
	"testing"

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
	got := must(newClient(t, opRow(), p).Discover(t.Context()))
	want := Metadata{
		AuthorizationEndpoint:    "https://login.op.example/authorize?tenant=7",
		TokenEndpoint:            "https://op.example/token",
		UserinfoEndpoint:         "https://op.example/userinfo",
		JWKSURI:                  "https://keys.op.example/jwks",
		RevocationEndpoint:       "https://op.example/revoke",
		TokenEndpointAuthMethods: []string{"client_secret_post"},
		IssParameter:             true,
	}
	wantEqual(t, want, got, "each member that is used")
}

func TestDiscoverWithoutOpenID(t *testing.T) {
	p := newOP()
	wantEqual(t, plainRow().Metadata, must(newClient(t, plainRow(), p).Discover(t.Context())), "the entry's endpoints")
	wantEqual(t, 0, len(p.asked), "requests")
}

// Each row changes one thing in good metadata.
func TestDiscoverMetadata(t *testing.T) {
	const issuer, jwks = `"issuer": "https://op.example"`, `"jwks_uri": "https://op.example/jwks"`
	for name, tt := range map[string]struct {
		replace, with string
		fails         string // "" is none
		reason        string
	}{
		"issuer of another provider": {issuer, `"issuer": "https://evil.example"`, "discovery-issuer", "the metadata of an attacker would name the attacker's token endpoint"},
		"issuer with a slash":        {issuer, `"issuer": "https://op.example/"`, "discovery-issuer", "nothing is folded: two issuers on one host can differ by a slash"},
		"issuer missing":             {issuer, `"x": 0`, "discovery-issuer", "metadata that say for nobody say for everybody"},
		"issuer a number":            {issuer, `"issuer": 7`, "discovery-members", "no text of it could be compared"},
		"ISSUER":                     {issuer, `"ISSUER": "https://op.example"`, "discovery-issuer", "encoding/json alone would take it for issuer, another parser would not"},
		"issuer twice":               {issuer, issuer + `, "issuer": "https://evil.example"`, "reply-json", "two parsers would read two issuers"},

		"no authorization endpoint": {`"authorization_endpoint"`, `"authorization"`, "discovery-endpoints", "the browser would be sent to nowhere"},
		"no token endpoint":         {`"token_endpoint"`, `"token"`, "discovery-endpoints", "the sign-in would fail half-way"},
		"no JWKS":                   {`"jwks_uri"`, `"jwks"`, "discovery-endpoints", "no token could ever be verified"},
		"no userinfo endpoint":      {`"userinfo_endpoint"`, `"userinfo"`, "", "it is only RECOMMENDED (OIDC Discovery §3)"},

		"JWKS http":                {`https://op.example/jwks`, `http://op.example/jwks`, "endpoint-https", "the keys would be swapped on the wire"},
		"userinfo endpoint http":   {`https://op.example/userinfo`, `http://op.example/userinfo`, "endpoint-https", "the access token would be read on the wire"},
		"revocation endpoint http": {jwks, jwks + `, "revocation_endpoint": "http://op.example/revoke"`, "endpoint-https", "it gets a token too"},
		"http on loopback":         {`https://op.example/token`, `http://127.0.0.1/token`, "endpoint-https", "a provider out there must not make this app talk to services of its own machine"},
		"endpoint without a host":  {`https://op.example/token`, `https:///token`, "endpoint-https", "absolute in form only"},
		"endpoint that is no URL":  {`https://op.example/token`, `https://op.example/%zz`, "endpoint-https", "nobody can say where that leads"},
		"endpoint with a user": {`https://op.example/token`, `https://op.example@evil.example/token`, "endpoint-https",
			"the host is evil.example; and a user would be sent in place of our own credentials"},
		"endpoint with a fragment":   {`https://op.example/authorize`, `https://op.example/authorize#x`, "endpoint-https", "it must not have one (RFC 6749 §3.1)"},
		"endpoint of another scheme": {`https://op.example/authorize`, `javascript://op.example/%0aalert(1)`, "endpoint-https", "the browser is redirected there"},

		"authorization endpoint a list": {`"https://op.example/authorize"`, `["https://op.example/authorize"]`, "discovery-members", "not what it must be (OIDC Discovery §3)"},
		"userinfo endpoint a number":    {`"https://op.example/userinfo"`, `7`, "discovery-members", "likewise"},
		"JWKS an object":                {`"https://op.example/jwks"`, `{}`, "discovery-members", "likewise"},
		"revocation endpoint a boolean": {jwks, jwks + `, "revocation_endpoint": true`, "discovery-members", "likewise"},
		"endpoint a list":               {`"https://op.example/token"`, `["https://op.example/token"]`, "discovery-members", "not what it must be (OIDC Discovery §3)"},
		"methods not a list":            {jwks, jwks + `, "token_endpoint_auth_methods_supported": "client_secret_post"`, "discovery-members", "read as a list of one it would be a guess"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, opRow(), newOP().but(opDiscovery, saysJSON(strings.Replace(opMetadata, tt.replace, tt.with, 1))))
			got, err := c.Discover(t.Context())
			wantCheck(t, err, 0, tt.fails, tt.reason)
			if failed, ok := errors.AsType[*CheckError](err); ok && tt.fails == "discovery-endpoints" && !strings.Contains(tt.replace, failed.Want) {
				t.Errorf("%v: it does not say that %s is missing", err, tt.replace)
			}
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
		attempt, _, err := newClient(t, opRow(), newOP().but(opDiscovery, saysJSON(member(opMetadata, `"authorization_response_iss_parameter_supported": `+value)))).Begin(t.Context())
		if err != nil || attempt.IssParameter != want {
			t.Errorf("%s: %t, %v; want %t", value, attempt.IssParameter, err, want)
		}
	}
}

// Each issuer has its document at one place: a last slash is dropped, a path stays in
// front (OIDC Discovery §4.1; RFC 8414 would put it behind).
func TestDiscoverWellKnownPath(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://op.example/":       "https://op.example/.well-known/openid-configuration",
		"https://op.example/tenant": "https://op.example/tenant/.well-known/openid-configuration",
		"https://op.example:8443/a": "https://op.example:8443/a/.well-known/openid-configuration",
	} {
		t.Run(issuer, func(t *testing.T) {
			p := newOP().but(want, saysJSON(strings.Replace(opMetadata, `"https://op.example"`, `"`+issuer+`"`, 1)))
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

// A step that begins with a request for the metadata ends with it if that fails.
func TestStepsWithoutMetadata(t *testing.T) {
	down := newOP()
	down.says[opDiscovery] = says(503, "text/html", "")
	_, err := verify(t, newClient(t, opRow(), down), sign(rs256, claims(nil), rsaKey()))
	wantCheck(t, err, 0, "reply-status-200", "the keys' URL is not known")
	_, err = newClient(t, opRow(), down).UserInfo(t.Context(), Tokens{Provider: "op"})
	wantCheck(t, err, 0, "reply-status-200", "nor is that of the profile")
	wantCheck(t, newClient(t, opRow(), down).Revoke(t.Context(), before(opRow())), 0, "reply-status-200", "nor that of the revocation")
}
