package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

var revokeDone = Check{7, "revoke-done", "RFC 7009 §2.2", "access that goes on after the user took it back"}

// ErrNoRevocation says that the provider documents no way for an app to give back
// what it was granted. Users can do it themselves at the entry's RevokePage.
var ErrNoRevocation = errors.New("oauth: step 7: this provider has no revocation for apps")

// Revoke is step 7. It tells the provider that t will not be used any more, at the revocation
// endpoint (RFC 7009 §2.1) or in the provider's own way. It returns [ErrNoRevocation] if there
// is neither. If t has a refresh token, Revoke sends that one, because with it the app could get
// new access tokens.
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
		return c.send(ctx, c.RevokeRequest(c.ID, c.Secret, t)).revoked(ctx)
	case metadata.RevocationEndpoint != "":
		// A token_type_hint would only save the provider a look-up (§2.1).
		form := url.Values{"token": {cmp.Or(t.RefreshToken, t.AccessToken)}}
		return c.post(ctx, metadata, metadata.RevocationEndpoint, form).revoked(ctx)
	}
	return ErrNoRevocation
}

// Revoke is step 7 with OAuth 1.0a. RFC 5849 does not define it, so it works in the provider's
// own way, with a request that the token itself signs. If the provider has no way, Revoke
// returns [ErrNoRevocation].
func (c *Client1) Revoke(ctx context.Context, t TokenCredentials) error {
	ctx = inStep(ctx, 7, (*Client1).Revoke)
	if err := check(ctx, attemptClient.equal(t.Provider, c.Name)); err != nil {
		return err
	}
	if c.RevokeURL == "" {
		return ErrNoRevocation
	}
	return c.signed(ctx, http.MethodPost, c.RevokeURL, t.Secret, Parameter{"oauth_token", t.Token}).revoked(ctx)
}

// revoked judges the reply. The answer is 200 even if the token is unknown, and its body means
// nothing (RFC 7009 §2.2). GitHub answers 204 without a body. After anything else the token
// may still work (§2.2.1).
func (r reply) revoked(ctx context.Context) error {
	done := revokeDone.oneOf(strconv.Itoa(r.status), "200", "204")
	if err := r.failure(ctx); err != nil && !done.OK {
		// An invalid token is dead already: the purpose is achieved (RFC 7009 §2.2).
		if refusal, ok := err.(*Refusal); ok && refusal.Code == "invalid_token" {
			return nil
		}
		return err
	}
	return check(ctx, done)
}
