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

// refreshBefore is how early a token is refreshed, so that it does not expire on its way to the
// provider. A token with a short life is refreshed later: see RefreshDue.
const refreshBefore = time.Minute

var (
	refreshToken    = Check{6, "refresh-token", "RFC 6749 §6", "a refresh that can only fail (only a new sign-in helps)"}
	refreshIss      = Check{6, "refresh-iss", "OIDC Core §12.2", "another provider's user in place of this user"}
	refreshSub      = Check{6, "refresh-sub", "OIDC Core §12.2", "another user in place of this user"}
	refreshAud      = Check{6, "refresh-aud", "OIDC Core §12.2", "tokens of another app in place of this app's"}
	refreshAuthTime = Check{6, "refresh-auth-time", "OIDC Core §12.2", "a refresh that looks like a new sign-in of the user"}
)

// RefreshDue reports whether the app should refresh t before it uses the access token. A refresh
// is due from one minute before the token expires or, if the token lives less than ten minutes, in
// the last tenth of its life. If the expiry is unknown, a refresh is never due.
func (t Tokens) RefreshDue() bool {
	before := min(refreshBefore, t.Expiry.Sub(t.Issued)/10)
	return !t.Expiry.IsZero() && time.Until(t.Expiry) < before
}

// TokenRefused reports whether err, an error of [Client.Get], means that the provider no longer
// accepts the access token. Then a refresh may help. Status 401 says so, with or without a
// reason (RFC 6750 §3.1), and so does a code that the provider entry lists in InvalidGrant.
func (c *Client) TokenRefused(err error) bool { return tokenRefused(err, c.InvalidGrant) }

// TokenRefused reports whether err, an error of [Client1.Get], means that the provider no longer
// accepts the token. With OAuth 1.0a only a new sign-in helps.
func (c *Client1) TokenRefused(err error) bool { return tokenRefused(err, nil) }

func tokenRefused(err error, invalidGrant []string) bool {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal.Step == 5 && (refusal.Status == http.StatusUnauthorized || slices.Contains(invalidGrant, refusal.Code))
	}
	failed, ok := errors.AsType[*CheckError](err)
	return ok && failed.Check.Step == 5 && failed.Check.Name == replyStatus.Name && failed.Got == "401"
}

// Refresh is step 6. It exchanges the refresh token for new tokens (RFC 6749 §6).
// Many providers accept a refresh token only once, and treat a second use as theft (RFC 9700
// §4.14.2). So run only one refresh of a grant at a time, and store the new tokens before you use
// them. If the grant has ended, Refresh returns a [*Refusal] with the code invalid_grant. Then
// only a new sign-in helps.
//
// Refresh sends no scope. The new access token then has the scopes that were granted before.
func (c *Client) Refresh(ctx context.Context, t Tokens) (Tokens, error) {
	ctx = inStep(ctx, 6, (*Client).Refresh)
	if err := check(ctx,
		attemptClient.equal(t.Provider, c.Name),
		refreshToken.present(t.RefreshToken),
	); err != nil {
		return Tokens{}, err
	}
	if c.OpenID {
		// Get the keys first. If they could not be fetched after the refresh, the reply could not
		// be verified. Then it would be lost, perhaps with the only valid refresh token.
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
		fresh.RefreshToken = t.RefreshToken // without a new one the old one stays valid (§6)
	}
	if fresh.Scopes == nil { // the scopes did not change (§5.1)
		fresh.Scopes = t.Scopes
	}
	if unverified.idToken == "" || !c.OpenID { // an ID token is optional here (OIDC Core §12.2)
		return *fresh, nil
	}
	return c.verifyRefreshed(ctx, unverified, t, begun)
}

// verifyRefreshed verifies the ID token of a refresh as step 4 does, and checks that it is about
// the same sign-in as the first ID token (OIDC Core §12.2). If the new ID token has a nonce, it must
// be the nonce of the first.
func (c *Client) verifyRefreshed(ctx context.Context, u Unverified, old Tokens, begun time.Time) (Tokens, error) {
	before, err := parseClaims(old.IDToken)
	if err != nil {
		return Tokens{}, err // step 4 read these claims without an error; since then they were damaged
	}
	// Step 4 compares the claims with an attempt. A refresh has none, so make one with the nonce of
	// the first ID token.
	u.attempt, u.refreshed = Attempt{Provider: c.Name, Nonce: before.nonce, Begun: begun}, true
	tokens, err := c.VerifyIDToken(ctx, u)
	if err != nil {
		return Tokens{}, err
	}
	after, _ := parseClaims(tokens.IDToken)
	// Keep these two claims for the next refresh, even if the new ID token lacks them.
	for _, name := range []string{"nonce", "auth_time"} {
		if old.IDToken.has(name) {
			tokens.IDToken[name] = old.IDToken[name]
		}
	}
	return checked(ctx, tokens,
		refreshIss.equal(after.iss, before.iss),
		refreshSub.equal(after.sub, before.sub),
		refreshAud.equal(strings.Join(after.aud, " "), strings.Join(before.aud, " ")),
		refreshAud.equal(cmp.Or(after.azp, "no azp"), cmp.Or(before.azp, "no azp")),
		// If both ID tokens have auth_time, the times must be equal. The new one must not be in the future.
		refreshAuthTime.equal(after.authTime.String(), before.authTime.String()).skipIf(after.authTime.IsZero() || before.authTime.IsZero()),
		refreshAuthTime.before(after.authTime, time.Now().Add(leeway)).skipIf(after.authTime.IsZero()),
	)
}
