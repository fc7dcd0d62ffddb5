package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
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
	var r reply
	switch {
	case c.RevokeRequest != nil:
		r, err = c.send(ctx, c.RevokeRequest(c.ID, c.Secret, t))
	case metadata.RevocationEndpoint != "":
		hint := "refresh_token"
		if t.RefreshToken == "" {
			hint = "access_token"
		}
		r, err = c.post(ctx, metadata, metadata.RevocationEndpoint, url.Values{
			"token":           {cmp.Or(t.RefreshToken, t.AccessToken)},
			"token_type_hint": {hint},
		})
	default:
		return ErrNoRevocation
	}
	if err != nil {
		return err
	}
	return r.revoked(ctx)
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
	r, err := c.signed(ctx, http.MethodPost, c.RevokeURL, t.Secret, Parameter{"oauth_token", t.Token})
	if err != nil {
		return err
	}
	return r.revoked(ctx)
}

// revoked judges the reply. The answer is 200 even if the token is unknown, and its body means
// nothing (RFC 7009 §2.2). GitHub answers 204 without a body. After anything else the token
// may still work (§2.2.1).
func (r reply) revoked(ctx context.Context) error {
	done := revokeDone.oneOf(r.said(), "200", "204")
	if refusal := r.refusal(ctx); refusal != nil && !done.OK {
		if refusal.Code == "invalid_token" { // dead already: the purpose is achieved (RFC 7009 §2.2)
			return nil
		}
		return refusal
	}
	return check(ctx, done)
}
