package oauth

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Attempt is a sign-in under way: what the app must remember from the redirect to the provider
// until the callback, for this browser only (RFC 9700 §4.7.1). [Attempts] keeps it in a sealed
// cookie.
type Attempt struct {
	Provider     string    // Provider.Name; only this provider's client takes the callback
	State        string    // random; ties the callback to this browser
	Nonce        string    // random; ties the ID token to this attempt
	CodeVerifier string    // random; ties the code to this attempt (PKCE); empty if WithoutPKCE is set
	Scopes       []string  // the requested scopes
	IssParameter bool      // the provider promised iss in the callback
	Begun        time.Time // the callback must come within ten minutes

	// OAuth 1.0a has these instead of nonce, verifier and scopes. Its State is a hash of
	// TemporaryToken.
	TemporaryToken  string // names this attempt in the authorization URL and in the callback
	TemporarySecret string // is part of the key that signs the request of step 3

	// The app sets Next and User. Next is the path to which the user returns afterwards. User, if
	// set, is the id of the signed-in user who wants to connect one more account.
	Next string
	User string
}

// Begin is step 1. It returns a new attempt, and the authorization URL to which the app must
// redirect the browser (RFC 6749 §4.1.1). Histories and logs keep that URL. So it holds a
// hash of the verifier, not the verifier itself. State and nonce in it are worth nothing without the
// cookie of this browser.
func (c *Client) Begin(ctx context.Context) (Attempt, string, error) {
	ctx = inStep(ctx, 1, (*Client).Begin)
	metadata, err := c.Discover(ctx)
	if err != nil {
		return Attempt{}, "", err
	}
	attempt := Attempt{
		Provider:     c.Name,
		State:        rand.Text(), // 130 bits: RFC 6749 §10.10 demands 128, and recommends 160
		Nonce:        rand.Text(),
		Scopes:       c.Scopes,
		IssParameter: metadata.IssParameter,
		Begun:        time.Now().UTC(),
	}

	endpoint, err := url.Parse(metadata.AuthorizationEndpoint)
	if err != nil {
		return Attempt{}, "", fmt.Errorf("oauth: authorization endpoint: %w", err)
	}
	q, err := url.ParseQuery(endpoint.RawQuery) // the endpoint's own query stays (RFC 6749 §3.1)
	if err != nil {
		return Attempt{}, "", fmt.Errorf("oauth: authorization endpoint: %w", err)
	}
	for name, value := range c.AuthorizationParams {
		q.Set(name, value)
	}
	q.Set("response_type", "code")
	q.Set("client_id", c.ID)
	q.Set("redirect_uri", c.RedirectURI)
	q.Set("scope", strings.Join(c.Scopes, cmp.Or(c.ScopeSeparator, " ")))
	q.Set("state", attempt.State)
	if c.WithoutPKCE == "" {
		attempt.CodeVerifier = newCodeVerifier()
		q.Set("code_challenge", CodeChallenge(attempt.CodeVerifier))
		q.Set("code_challenge_method", "S256")
	}
	if c.OpenID {
		q.Set("nonce", attempt.Nonce)
	}
	endpoint.RawQuery = q.Encode()

	authorizationURL := endpoint.String()
	report(ctx, RedirectOut{authorizationURL})
	return attempt, authorizationURL, nil
}
