package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// What must hold in a sign-in with OAuth 1.0a. The checks of requests and replies, of attempts and
// of the profile are the same as with OAuth 2.0.
var (
	temporaryComplete = Check{1, "temporary-credentials", "RFC 5849 §2.1", "the user is sent to the provider for a sign-in that can only fail"}
	callbackConfirmed = Check{1, "callback-confirmed", "RFC 5849 §2.1", "with OAuth 1.0 (not 1.0a) a victim can finish the attacker's sign-in (session fixation)"}
	callbackToken     = Check{2, "callback-token", "RFC 5849 §2.2, §4.13", "an attacker's authorization in this user's session (login CSRF)"}
	callbackVerifier  = Check{2, "callback-verifier", "RFC 5849 §2.2, §2.3", "a sign-in to which no user agreed"}
	tokenComplete     = Check{3, "token-credentials", "RFC 5849 §2.3", "credentials without the token or its secret, stored as if they were complete"}
)

// Provider1 is what a client must know of one provider that speaks OAuth 1.0a. The
// endpoints have the names of RFC 5849 §2. There are no scopes: when an app is registered,
// the provider decides what the app may do.
type Provider1 struct {
	About

	TemporaryCredentialURL string
	AuthorizationURL       string // without a query
	TokenURL               string

	ProfileURL string // read in step 5
	// ProfileClosed, if set, reports whether a refusal at ProfileURL means that this app may not
	// read any user's profile there. Then the profile comes from the token reply alone.
	ProfileClosed func(*Refusal) bool
	// Profile maps what the provider said about the user to a profile.
	Profile func(ProfileInput) (Profile, error)

	RevokeURL string // revokes the token that signs the request; may be empty
}

// Client1 is this app as registered with one provider that speaks OAuth 1.0a. Its methods are
// the steps of a sign-in (RFC 5849 §2), with the names that they have in [Client]. Goroutines,
// limits and errors are as described there.
//
// Each request is signed, so that nobody can change it or send it again. The client's secret
// is never sent. But the provider sends the token's secret once, in the reply that issues the
// token. So signatures do not replace TLS: RFC 5849 demands TLS for both requests for credentials
// (§2.1, §2.3). The temporary secret does what PKCE does in OAuth 2.0. There is no ID token, and so
// no step 4.
type Client1 struct {
	Provider1
	ID          string // oauth_consumer_key
	Secret      string // signs, and is never sent
	RedirectURI string // oauth_callback, as registered

	sender
}

// NewClient1 is [NewClient] for OAuth 1.0a, with the same parameters and errors.
func NewClient1(p Provider1, id, secret, redirectURI string, transport http.RoundTripper) (*Client1, error) {
	if err := validateRegistration(p.About, p.Profile, id, secret, redirectURI, p.TokenURL, p.AuthorizationURL); err != nil {
		return nil, err
	}
	return &Client1{Provider1: p, ID: id, Secret: secret, RedirectURI: redirectURI, sender: newSender(p.TokenURL, transport)}, nil
}

// Begin is step 1. It gets temporary credentials (a token and its secret) from the provider (RFC
// 5849 §2.1). It returns a new attempt that holds them, and the authorization URL to which you send
// the browser (§2.2). In OAuth 2.0 the browser carries the request. Here the provider already has
// the request, and the browser carries only the temporary token.
func (c *Client1) Begin(ctx context.Context) (Attempt, string, error) {
	ctx = inStep(ctx, 1, (*Client1).Begin)
	r := c.sendSigned(ctx, http.MethodPost, c.TemporaryCredentialURL, "", Parameter{"oauth_callback", c.RedirectURI})
	temporary, err := r.credentials(ctx, &temporaryComplete)
	if err != nil {
		return Attempt{}, "", err
	}
	if err := check(ctx, callbackConfirmed.equal(strings.ToLower(temporary.Reply.text("oauth_callback_confirmed")), "true")); err != nil {
		return Attempt{}, "", err
	}
	attempt := Attempt{
		Provider:        c.Name,
		State:           tokenState(temporary.Token),
		TemporaryToken:  temporary.Token,
		TemporarySecret: temporary.Secret,
		Begun:           time.Now().UTC(),
	}

	authorizationURL := c.AuthorizationURL + "?" + url.Values{"oauth_token": {temporary.Token}}.Encode()
	report(ctx, RedirectOut{authorizationURL})
	return attempt, authorizationURL, nil
}

// tokenState returns the State of an attempt of OAuth 1.0a: a hash of the temporary token. OAuth
// 1.0a sends no state, but the callback brings that token. State is part of a cookie's name,
// which must not have some of the characters that a token may have. The hash has none of these.
func tokenState(temporaryToken string) string {
	hash := sha256.Sum256([]byte(temporaryToken))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// ParseCallback is step 2. It checks the query that the browser brought back from the provider.
// rawQuery is the query as received, and attempt is what this browser began. The temporary token
// does the work of the state: it must be the token of the attempt (RFC 5849 §2.2 and §4.13). For
// a denial, the error is a [*Refusal].
func (c *Client1) ParseCallback(ctx context.Context, attempt Attempt, rawQuery string) (Callback, error) {
	ctx = inStep(ctx, 2, (*Client1).ParseCallback)
	q, refusal, err := parseCallback(rawQuery)
	callback, err := checked(ctx, Callback{attempt: attempt, code: q.Get("oauth_verifier")},
		callbackQuery.noError(err),
		attemptClient.equal(attempt.Provider, c.Name),
		callbackToken.equalSecret(q.Get("denied"), attempt.TemporaryToken).skipIf(!q.Has("denied")),
		callbackToken.equalSecret(q.Get("oauth_token"), attempt.TemporaryToken).skipIf(q.Has("denied") && !q.Has("oauth_token")),
		callbackVerifier.present(q.Get("oauth_verifier")).skipIf(refusal != nil),
	)
	if err == nil && refusal != nil {
		return Callback{}, refusal
	}
	return callback, err
}

// TokenCredentials are the result of a sign-in with OAuth 1.0a. (Begin uses the type for temporary
// credentials, too.) They have no scopes and do not expire: they work until somebody revokes them.
type TokenCredentials struct {
	Provider string // Provider1.Name
	Token    string // oauth_token: goes with each request
	Secret   string // oauth_token_secret: signs each request
	Subject  string // the user; empty until the app sets it. If it is set, UserInfo compares it
	Reply    Object // the whole token reply, with Token and Secret
}

// Exchange is step 3. It exchanges the temporary credentials and the callback's verifier for token
// credentials (RFC 5849 §2.3). The temporary secret signs the request. Only the provider and this
// attempt have that secret, so a stolen verifier is of no use. If the provider refuses, the
// error is a [*Refusal].
func (c *Client1) Exchange(ctx context.Context, callback Callback) (TokenCredentials, error) {
	ctx = inStep(ctx, 3, (*Client1).Exchange)
	attempt := callback.attempt
	if err := check(ctx, attemptClient.equal(attempt.Provider, c.Name)); err != nil {
		return TokenCredentials{}, err
	}
	r := c.sendSigned(ctx, http.MethodPost, c.TokenURL, attempt.TemporarySecret,
		Parameter{"oauth_token", attempt.TemporaryToken},
		Parameter{"oauth_verifier", callback.code})
	t, err := r.credentials(ctx, &tokenComplete)
	if err != nil {
		return TokenCredentials{}, err
	}
	t.Provider = c.Name
	return t, nil
}

// UserInfo is step 5. It reads the user's profile from the provider's API. If this app may not use
// that API, it takes the profile from the reply of step 3. If t.Subject is set, the profile must be
// that user's.
func (c *Client1) UserInfo(ctx context.Context, t TokenCredentials) (Info, error) {
	ctx = inStep(ctx, 5, (*Client1).UserInfo)
	if err := check(ctx, attemptClient.equal(t.Provider, c.Name)); err != nil {
		return Info{}, err
	}
	var received []Reply
	body, err := c.Get(ctx, t, c.ProfileURL)
	if err == nil {
		received = []Reply{{c.ProfileURL, body}}
	} else if refusal, ok := errors.AsType[*Refusal](err); !ok || c.ProfileClosed == nil || !c.ProfileClosed(refusal) {
		return Info{}, err
	}
	return infoOf(ctx, t.Subject, t.Secret, c.Profile, ProfileInput{Token: t.Reply, API: []json.RawMessage{body}}, received)
}

// Get reads any URL of the provider's API for the user, with a signed request (RFC 5849 §3), and
// returns the JSON reply. Never pass another provider's URL: it would receive the token.
func (c *Client1) Get(ctx context.Context, t TokenCredentials, rawURL string) (json.RawMessage, error) {
	ctx = inStep(ctx, 5, (*Client1).Get)
	return c.sendSigned(ctx, http.MethodGet, rawURL, t.Secret, Parameter{"oauth_token", t.Token}).json(ctx)
}

// sendSigned sends a signed request. Its header has the parameters that every request has (RFC
// 5849 §3.1), those in extra, and the signature. Each request has the time and a
// new nonce, so that the provider can refuse a request that an attacker sends again (§3.3).
func (c *Client1) sendSigned(ctx context.Context, method, rawURL, tokenSecret string, extra ...Parameter) reply {
	s, err := sign1(method, rawURL, "", append([]Parameter{
		{"oauth_consumer_key", c.ID},
		{"oauth_nonce", rand.Text()},
		{"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", strconv.FormatInt(time.Now().Unix(), 10)},
		{"oauth_version", "1.0"},
	}, extra...), c.Secret, tokenSecret)
	if err != nil {
		return reply{err: fmt.Errorf("oauth: step %d: %w", stepOf(ctx), err)}
	}
	report(ctx, s)
	return c.send(ctx, Request{Method: method, URL: rawURL, Header: http.Header{"Authorization": {s.Header}}})
}

// credentials reads the reply of step 1 or 3. Its body must be form-encoded (RFC 5849 §2.1, §2.3).
// Its Content-Type means nothing: X sends text/html. X also sends errors as JSON. The check c is that
// the credentials are complete.
func (r reply) credentials(ctx context.Context, c *Check) (TokenCredentials, error) {
	if err := r.failure(ctx); err != nil {
		return TokenCredentials{}, err
	}
	form, invalid := parseForm(r.body)
	t := TokenCredentials{Reply: form}
	form.Read("oauth_token", &t.Token)
	form.Read("oauth_token_secret", &t.Secret)
	return checked(ctx, t,
		r.statusOK(),
		c.noError(invalid),
		c.present(t.Token),
		c.present(t.Secret),
	)
}
