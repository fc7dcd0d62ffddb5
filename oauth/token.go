package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

var (
	tokenClientAuth = Check{0, "token-client-auth", "OIDC Core §9; RFC 8414 §2", "the client secret sent in a way that the provider never asked for"}
	tokenMembers    = Check{3, "token-members", "RFC 6749 §5.1", "a member of the wrong type is misread"}
	tokenAccess     = Check{3, "token-access", "RFC 6749 §5.1, Appendix A.12", "an empty token, or one with a line break that adds a header to the next request"}
	tokenType       = Check{3, "token-type", "RFC 6749 §7.1", "a token of another kind, sent as if it were a Bearer token"}
	tokenIDToken    = Check{3, "token-id-token", "OIDC Core §3.1.3.3", "a sign-in without proof of who signed in"}
)

// Tokens are the verified result of a sign-in. Never make Tokens from an access token that
// somebody sends you: an access token does not say to which app it was issued.
type Tokens struct {
	Provider     string    // Provider.Name
	AccessToken  string    // opaque; for the provider's APIs only
	RefreshToken string    // empty if the provider sent none
	Issued       time.Time // when the access token arrived; zero if Expiry is zero
	Expiry       time.Time // when the access token expires; zero if unknown
	Scopes       []string  // the granted scopes; may be fewer than requested (RFC 6749 §3.3)
	Asked        []string  // the scopes requested in step 1
	Subject      string    // sub of the ID token; if there is none, empty until the app sets it after step 5
	IDToken      Object    // the claims of the ID token; nil without OpenID Connect
}

// Unverified are the tokens of a reply whose ID token is not verified yet. [Client.Exchange]
// returns an Unverified, and only [Client.VerifyIDToken] returns the tokens of a sign-in. Before step 4
// has compared the nonce, the tokens may belong to a code that an attacker injected. Until then
// the app must not use them even once (RFC 9700 §4.5.3.2).
type Unverified struct {
	attempt   Attempt
	tokens    Tokens
	idToken   string
	refreshed bool // the tokens come from step 6, not from step 3
}

// Exchange is step 3. It exchanges the code for tokens (RFC 6749 §4.1.3). It does not try again
// after a failure: if the provider receives a code twice, it may revoke the tokens that it issued
// for that code. If the provider refuses, the error is a [*Refusal].
func (c *Client) Exchange(ctx context.Context, callback Callback) (Unverified, error) {
	ctx = inStep(ctx, 3, (*Client).Exchange)
	attempt := callback.attempt
	if err := check(ctx, attemptClient.equal(attempt.Provider, c.Name)); err != nil {
		return Unverified{}, err
	}
	form := url.Values{
		"grant_type":   {"authorization_code"},
		"code":         {callback.code},
		"redirect_uri": {c.RedirectURI},
	}
	if attempt.CodeVerifier != "" {
		form.Set("code_verifier", attempt.CodeVerifier)
	}
	unverified, err := c.tokenRequest(ctx, form)
	if err != nil {
		return Unverified{}, err
	}
	unverified.attempt = attempt
	t := &unverified.tokens
	t.Asked = attempt.Scopes
	switch {
	case t.Scopes != nil: // the reply names the scopes; an empty list means that none was granted
	case c.GrantedScopesParameter != "" && callback.grantedScopes != "":
		// The callback came through the browser, so the user may have added scopes to it.
		t.Scopes = slices.DeleteFunc(splitScopes(callback.grantedScopes), func(scope string) bool {
			return !slices.Contains(attempt.Scopes, scope)
		})
	default: // a reply without scope grants all requested scopes (RFC 6749 §5.1)
		t.Scopes = attempt.Scopes
	}
	return checked(ctx, unverified, tokenIDToken.present(unverified.idToken).skipIf(!c.OpenID))
}

// tokenRequest sends form to the token endpoint, and reads the members of the reply (RFC 6749
// §5.1).
func (c *Client) tokenRequest(ctx context.Context, form url.Values) (Unverified, error) {
	metadata, err := c.Discover(ctx)
	if err != nil {
		return Unverified{}, err
	}
	r := c.post(ctx, metadata, metadata.TokenEndpoint, form)
	object, err := r.object(ctx, "application/json")
	if err != nil {
		return Unverified{}, err
	}
	if c.TokenReply != nil {
		object, err = c.TokenReply(object)
		if refusal, ok := errors.AsType[*Refusal](err); ok {
			return Unverified{}, refusal.completed(ctx, http.StatusOK, r.sent)
		}
	}
	u := Unverified{tokens: Tokens{Provider: c.Name}}
	t := &u.tokens
	var kind string
	mistyped := cmp.Or(
		err, // of c.TokenReply
		object.Read("access_token", &t.AccessToken),
		object.Read("token_type", &kind),
		object.Read("refresh_token", &t.RefreshToken),
		readList(object, "scope", &t.Scopes), // Twitch sends a list
		object.Read("id_token", &u.idToken),
	)
	if t.Scopes != nil {
		t.Scopes = splitScopes(strings.Join(t.Scopes, " "))
	}
	if lifetime := expiresIn(object["expires_in"]); lifetime > 0 {
		t.Issued = time.Now()
		t.Expiry = t.Issued.Add(lifetime)
	}
	return checked(ctx, u,
		tokenMembers.noError(mistyped),
		tokenAccess.present(t.AccessToken),
		tokenAccess.noError(checkPrintable(t.AccessToken)),
		tokenType.equal(strings.ToLower(kind), "bearer"),
	)
}

// post sends form with the client's id and secret, by the method that authMethod returns. It never
// uses both methods in one request (RFC 6749 §2.3).
func (c *Client) post(ctx context.Context, metadata Metadata, endpoint string, form url.Values) reply {
	header := http.Header{"Content-Type": {formEncoded}}
	if err := check(ctx, c.authMethodKnown(metadata)); err != nil {
		return reply{err: err}
	}
	if c.authMethod(metadata) == "client_secret_basic" {
		// Id and secret must be form-encoded first (RFC 6749 §2.3.1), or a colon in the id would end
		// the id early. SetBasicAuth does not encode them.
		request := http.Request{Header: header}
		request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	} else {
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret)
	}
	return c.send(ctx, Request{http.MethodPost, endpoint, header, form.Encode()})
}

// authMethod returns the method by which the client proves who it is. The provider entry may name
// it. If it does not, the list in the metadata decides: Basic, if it is in the list or the list is
// empty (RFC 6749 §2.3.1, RFC 8414 §2), else the secret in the form. The order of the list means
// nothing. If neither method is in the list, authMethod returns the list itself, for an error text.
func (c *Client) authMethod(m Metadata) string {
	listed := m.TokenEndpointAuthMethods
	switch {
	case c.ClientAuth != "":
		return c.ClientAuth
	case len(listed) == 0 || slices.Contains(listed, "client_secret_basic"):
		return "client_secret_basic"
	case slices.Contains(listed, "client_secret_post"):
		return "client_secret_post"
	}
	return strings.Join(listed, " ")
}

// authMethodKnown checks that authMethod has found a method that this client supports. With OpenID
// Connect, step 0 calls it, so that a sign-in that can only fail does not begin. post calls it before
// it sends the secret.
func (c *Client) authMethodKnown(m Metadata) Outcome {
	return tokenClientAuth.oneOf(c.authMethod(m), "client_secret_basic", "client_secret_post")
}

// maxLifetime is the longest lifetime of an access token that this client believes.
const maxLifetime = 365 * 24 * time.Hour

// expiresIn reads a number of seconds, which some providers send as a string. It returns zero if
// the number is missing or makes no sense, and at most maxLifetime. A bad number is no reason to
// refuse the reply, which may hold the only valid refresh token.
func expiresIn(raw json.RawMessage) time.Duration {
	var seconds float64
	json.Unmarshal([]byte(strings.Trim(string(raw), `"`)), &seconds) // if it fails, seconds stays 0
	return time.Duration(max(0, min(seconds, maxLifetime.Seconds()))) * time.Second
}

// splitScopes splits a list of scopes, sorts it and removes repeated ones. RFC 6749 §3.3 puts
// spaces between scopes, GitHub and Meta put commas. No scope of theirs contains either character.
func splitScopes(scope string) []string {
	scopes := strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' })
	slices.Sort(scopes)
	return slices.Compact(scopes)
}
