package oauth

import (
	"cmp"
	"context"
	"strings"
)

var (
	discoveryMembers   = Check{0, "discovery-members", "OIDC Discovery §3", "a member of the wrong type is misread"}
	discoveryIssuer    = Check{0, "discovery-issuer", "OIDC Discovery §4.3; RFC 8414 §3.3", "metadata of another provider, or of an attacker, under this provider's name"}
	discoveryEndpoints = Check{0, "discovery-endpoints", "OIDC Discovery §3", "a sign-in that fails half-way, at an endpoint that is not there"}
)

// Metadata is what a provider publishes about itself. It has only the members that this client
// uses. OIDC Discovery §3 and RFC 8414 §2 define them.
type Metadata struct {
	AuthorizationEndpoint string
	TokenEndpoint         string
	UserinfoEndpoint      string
	JWKSURI               string
	RevocationEndpoint    string
	// TokenEndpointAuthMethods is token_endpoint_auth_methods_supported. If it is empty, the
	// provider supports client_secret_basic.
	TokenEndpointAuthMethods []string
	// IssParameter is authorization_response_iss_parameter_supported. If it is true, each
	// callback has iss (RFC 9207 §3).
	IssParameter bool
}

// Discover is step 0. With OpenID Connect it fetches the provider's metadata from the issuer (OIDC
// Discovery §4) and keeps it for an hour. Otherwise it returns that of the provider entry. Each
// step that needs metadata calls Discover; the app's start does not. So a provider that is down
// stops only its own sign-ins, and only while it is down.
func (c *Client) Discover(ctx context.Context) (Metadata, error) {
	ctx = inStep(ctx, 0, (*Client).Discover)
	if !c.OpenID {
		return c.Metadata, nil
	}
	return c.discovered.get(ctx, nil, c.fetchMetadata)
}

func (c *Client) fetchMetadata(ctx context.Context) (Metadata, error) {
	// This URL leaves out the issuer's trailing slash (OIDC Discovery §4.1). But the check of
	// the issuer compares the slash also (§4.3).
	o, err := c.getObject(ctx, strings.TrimSuffix(c.Issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return Metadata{}, err
	}
	var m Metadata
	var issuer string
	err = cmp.Or(
		o.Read("issuer", &issuer),
		o.Read("authorization_endpoint", &m.AuthorizationEndpoint),
		o.Read("token_endpoint", &m.TokenEndpoint),
		o.Read("userinfo_endpoint", &m.UserinfoEndpoint),
		o.Read("jwks_uri", &m.JWKSURI),
		o.Read("revocation_endpoint", &m.RevocationEndpoint),
		o.Read("token_endpoint_auth_methods_supported", &m.TokenEndpointAuthMethods),
	)
	o.Read("authorization_response_iss_parameter_supported", &m.IssParameter) // of a wrong type: counts as false
	return checked(ctx, m,
		discoveryMembers.noError(err),
		discoveryIssuer.equal(issuer, c.Issuer),
		discoveryEndpoints.present(m.AuthorizationEndpoint).ifFailed("", "authorization_endpoint"),
		discoveryEndpoints.present(m.TokenEndpoint).ifFailed("", "token_endpoint"),
		discoveryEndpoints.present(m.JWKSURI).ifFailed("", "jwks_uri"),
		c.authMethodKnown(m),
		c.safeURL(m.AuthorizationEndpoint),
		c.safeURL(m.TokenEndpoint),
		c.safeURL(m.JWKSURI),
		c.safeURL(m.UserinfoEndpoint).skipIf(m.UserinfoEndpoint == ""),
		c.safeURL(m.RevocationEndpoint).skipIf(m.RevocationEndpoint == ""),
	)
}
