package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

var revokeDone = Check{7, "revoke-done", "RFC 7009 §2.2", "the app still has access after the user took it back"}

// ErrNoRevocation means that the provider documents no way for an app to revoke its tokens. With
// OAuth 2.0, users can revoke them on the page [Provider.RevokePage].
var ErrNoRevocation = errors.New("oauth: step 7: this provider lets no app revoke its tokens; the user can revoke them at the provider")

// Revoke is step 7. It asks the provider to make t invalid, at the revocation endpoint (RFC 7009
// §2.1) or in the provider's own way. If the provider has neither, Revoke returns
// [ErrNoRevocation]. If t has a refresh token, Revoke sends it to the endpoint, because an app could
// use it to get new access tokens. If t has none, Revoke sends the access token.
func (c *Client) Revoke(ctx context.Context, t Tokens) error {
	ctx = inStep(ctx, 7, (*Client).Revoke)
	if err := check(ctx, attemptClient.equal(t.Provider, c.Name)); err != nil {
		return err
	}
	metadata, err := c.Discover(ctx)
	if err != nil {
		return err
	}
	switch {
	case c.RevokeRequest != nil:
		return c.send(ctx, c.RevokeRequest(c.ID, c.Secret, t)).checkRevoked(ctx)
	case metadata.RevocationEndpoint != "":
		// A token_type_hint would only save the provider a look-up (§2.1).
		form := url.Values{"token": {cmp.Or(t.RefreshToken, t.AccessToken)}}
		return c.post(ctx, metadata, metadata.RevocationEndpoint, form).checkRevoked(ctx)
	}
	return ErrNoRevocation
}

// Revoke is step 7 with OAuth 1.0a. RFC 5849 does not define this step. Revoke sends a request to
// the provider's RevokeURL, signed with the token's secret. If RevokeURL is empty, Revoke returns
// [ErrNoRevocation].
func (c *Client1) Revoke(ctx context.Context, t TokenCredentials) error {
	ctx = inStep(ctx, 7, (*Client1).Revoke)
	if err := check(ctx, attemptClient.equal(t.Provider, c.Name)); err != nil {
		return err
	}
	if c.RevokeURL == "" {
		return ErrNoRevocation
	}
	return c.sendSigned(ctx, http.MethodPost, c.RevokeURL, t.Secret, Parameter{"oauth_token", t.Token}).checkRevoked(ctx)
}

// checkRevoked returns nil if the reply says that the token is revoked, else an error. Status 200 says
// so, whatever the body is, and even if the provider does not know the token (RFC 7009 §2.2).
// GitHub sends 204 without a body. After any other status the token may still work (§2.2.1), unless
// the code is invalid_token.
func (r reply) checkRevoked(ctx context.Context) error {
	done := revokeDone.oneOf(strconv.Itoa(r.status), "200", "204")
	if err := r.failure(ctx); err != nil && !done.OK {
		// There is nothing left to revoke (RFC 7009 §2.2).
		if refusal, ok := err.(*Refusal); ok && refusal.Code == "invalid_token" {
			return nil
		}
		return err
	}
	return check(ctx, done)
}
