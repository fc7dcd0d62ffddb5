package oauth

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Provider1 is what a client must know of one provider that speaks OAuth 1.0a. The
// endpoints have the names of RFC 5849 §2. There are no scopes: what the app may do
// is decided when it is registered.
type Provider1 struct {
	About

	TemporaryCredentialURL string
	AuthorizationURL       string // without a query
	TokenURL               string

	ProfileURL string // read in step 5
	// ProfileClosed, if set, reports whether a refusal of ProfileURL is about the app and
	// not about the user. The profile then comes from the token reply alone.
	ProfileClosed func(*Refusal) bool
	// Profile maps what the provider said about the user to a profile.
	Profile func(Replies) (Profile, error)

	RevokeURL string // revokes the token that signs the request; may be empty
}

// Client1 is this app as registered with one provider that speaks OAuth 1.0a. Its methods are
// the steps of a sign-in (RFC 5849 §2), with the names that they have in [Client]. Goroutines,
// limits and errors are as described there.
//
// Each request is signed, so that nobody can change it or send it again. The client's secret
// is never sent. The token's secret is sent once, in the reply that issues it. So signatures do
// not replace TLS: RFC 5849 demands it for both requests for credentials (§2.1, §2.3). The
// temporary secret does what PKCE does in OAuth 2.0. There is no ID token, and so no step 4.
type Client1 struct {
	Provider1
	ID          string // oauth_consumer_key
	Secret      string // signs, and is never sent
	RedirectURI string // oauth_callback, as registered

	sender
}

// NewClient1 returns the client of the app that is registered with p, like
// [NewClient].
func NewClient1(p Provider1, id, secret, redirectURI string, transport http.RoundTripper) (*Client1, error) {
	if err := validateRegistration(p.About, p.Profile, id, secret, redirectURI, p.TokenURL, p.AuthorizationURL); err != nil {
		return nil, err
	}
	return &Client1{Provider1: p, ID: id, Secret: secret, RedirectURI: redirectURI, sender: newSender(p.TokenURL, transport)}, nil
}

// signed sends a request with the protocol parameters of every request (RFC 5849 §3.1), with
// those in more, and with its signature. It has a new nonce and the time, so that nobody who
// reads the request can send it again (§3.3).
func (c *Client1) signed(ctx context.Context, method, rawURL, tokenSecret string, more ...Parameter) (reply, error) {
	s, err := sign1(method, rawURL, "", append([]Parameter{
		{"oauth_consumer_key", c.ID},
		{"oauth_nonce", rand.Text()},
		{"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", strconv.FormatInt(time.Now().Unix(), 10)},
		{"oauth_version", "1.0"},
	}, more...), c.Secret, tokenSecret)
	if err != nil {
		return reply{}, fmt.Errorf("oauth: step %d: %w", stepOf(ctx), err)
	}
	report(ctx, s)
	return c.send(ctx, Request{Method: method, URL: rawURL, Header: http.Header{"Authorization": {s.Header}}})
}

// credentials reads the reply of step 1 or 3: form-encoded (RFC 5849 §2.1, §2.3)
// whatever its Content-Type says. X says text/html, and sends errors as JSON.
func (r reply) credentials(ctx context.Context, c *Check) (TokenCredentials, error) {
	if refusal := r.refusal(ctx); refusal != nil {
		return TokenCredentials{}, refusal
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
