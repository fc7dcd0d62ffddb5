package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// refreshBefore is how long before its end a token is refreshed, so that none expires on its
// way to the provider.
const refreshBefore = time.Minute

var (
	refreshToken    = Check{6, "refresh-token", "RFC 6749 §6", "a refresh that can only fail, in place of a new sign-in"}
	refreshIss      = Check{6, "refresh-iss", "OIDC Core §12.2", "another provider's user in place of this user"}
	refreshSub      = Check{6, "refresh-sub", "OIDC Core §12.2", "another user in place of this user"}
	refreshAud      = Check{6, "refresh-aud", "OIDC Core §12.2", "tokens of another app in place of this app's"}
	refreshAuthTime = Check{6, "refresh-auth-time", "OIDC Core §12.2", "a refresh that passes for a new sign-in of the user"}
)

// RefreshDue reports whether t should be refreshed before it is used: one minute before it
// expires, or in the last tenth of a life shorter than ten minutes. If the provider did
// not say when it expires, it is never due.
func (t Tokens) RefreshDue() bool {
	before := min(refreshBefore, t.Expiry.Sub(t.Issued)/10)
	return !t.Expiry.IsZero() && time.Until(t.Expiry) < before
}

// TokenRefused reports whether err, an error of [Client.Get], means that the access token is
// no longer good. Then a refresh may help. The reply had status 401, with or without a reason
// (RFC 6750 §3.1), or a code that the provider entry lists in InvalidGrant.
func (c *Client) TokenRefused(err error) bool { return tokenRefused(err, c.InvalidGrant) }

// TokenRefused reports whether err, an error of [Client1.Get], means that the token is no
// longer good. With OAuth 1.0a only a new sign-in helps.
func (c *Client1) TokenRefused(err error) bool { return tokenRefused(err, nil) }

func tokenRefused(err error, invalidGrant []string) bool {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal.Step == 5 && (refusal.Status == http.StatusUnauthorized || slices.Contains(invalidGrant, refusal.Code))
	}
	failed, ok := errors.AsType[*CheckError](err)
	return ok && failed.Check.Step == 5 && failed.Check.Name == replyStatus.Name && failed.Got == "401"
}

// Refresh is step 6. It exchanges the refresh token for new tokens (RFC 6749 §6).
// Many providers accept a refresh token once, and treat a second use as theft (RFC 9700
// §4.14.2). So run one refresh of a grant at a time, and store the new tokens before you use
// them.
// If the grant has ended, Refresh returns a [*Refusal] with the code invalid_grant. Then only a
// new sign-in helps.
//
// Refresh asks for no scope. That means the scopes that were granted before.
func (c *Client) Refresh(ctx context.Context, t Tokens) (Tokens, error) {
	ctx = inStep(ctx, 6, (*Client).Refresh)
	if err := check(ctx,
		attemptClient.equal(t.Provider, c.Name),
		refreshToken.present(t.RefreshToken),
	); err != nil {
		return Tokens{}, err
	}
	if c.OpenID {
		// The keys first: a reply that cannot be verified is lost. If the provider rotates
		// refresh tokens, the only good one would be lost with it.
		if _, err := c.keys.get(inStep(ctx, 4, (*Client).Refresh), nil, c.fetchKeys); err != nil {
			return Tokens{}, err
		}
	}
	begun := time.Now()
	unverified, err := c.tokenRequest(ctx, url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {t.RefreshToken},
	})
	if refusal, ok := err.(*Refusal); ok && slices.Contains(c.InvalidGrant, refusal.Code) {
		refusal.Code = "invalid_grant"
	}
	if err != nil {
		return Tokens{}, err
	}
	fresh := &unverified.tokens
	fresh.Asked, fresh.Subject, fresh.IDToken = t.Asked, t.Subject, t.IDToken
	if fresh.RefreshToken == "" {
		fresh.RefreshToken = t.RefreshToken // none means that the old one stays good (§6)
	}
	if fresh.Scopes == nil { // as granted before (§5.1)
		fresh.Scopes = t.Scopes
	}
	if unverified.idToken == "" || !c.OpenID { // none is allowed (OIDC Core §12.2)
		return *fresh, nil
	}
	return c.verifyRefreshed(ctx, unverified, t, begun)
}

// verifyRefreshed verifies the ID token of a refresh like the first one (step 4), and checks
// that it is about the same sign-in (OIDC Core §12.2). If it has a nonce, it must be the nonce
// of the first.
func (c *Client) verifyRefreshed(ctx context.Context, u Unverified, old Tokens, begun time.Time) (Tokens, error) {
	before, err := parseClaims(old.IDToken)
	if err != nil {
		return Tokens{}, err // the stored claims were damaged: they were verified once
	}
	// Step 4 compares with an attempt. Here it is made from the first ID token.
	u.attempt, u.refreshed = Attempt{Provider: c.Name, Nonce: before.nonce, Begun: begun}, true
	tokens, err := c.VerifyIDToken(ctx, u)
	if err != nil {
		return Tokens{}, err
	}
	after, _ := parseClaims(tokens.IDToken)
	return checked(ctx, tokens,
		refreshIss.equal(after.iss, before.iss),
		refreshSub.equal(after.sub, before.sub),
		refreshAud.equal(strings.Join(after.aud, " "), strings.Join(before.aud, " ")),
		refreshAud.equal(cmp.Or(after.azp, "no azp"), cmp.Or(before.azp, "no azp")),
		// If both have one, the times must be equal. The new one must be in the past.
		refreshAuthTime.equal(after.authTime.String(), before.authTime.String()).skipIf(after.authTime.IsZero() || before.authTime.IsZero()),
		refreshAuthTime.before(after.authTime, time.Now().Add(leeway)).skipIf(after.authTime.IsZero()),
	)
}
