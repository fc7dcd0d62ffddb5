package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	tokenClientAuth = Check{3, "token-client-auth", "OIDC Core §9; RFC 8414 §2", "the client secret sent in a way that the provider never asked for"}
	tokenMembers    = Check{3, "token-members", "RFC 6749 §5.1", "a member of another type read as something else than it says"}
	tokenAccess     = Check{3, "token-access", "RFC 6749 §5.1, Appendix A.12", "an empty token used, or one that adds a header to the next request"}
	tokenType       = Check{3, "token-type", "RFC 6749 §7.1", "a token of a kind that this client cannot use safely sent as Bearer"}
	tokenExpiresIn  = Check{3, "token-expires-in", "RFC 6749 §5.1, Appendix A.14", "a token that never expires, or died before it was issued"}
	tokenIDToken    = Check{3, "token-id-token", "OIDC Core §3.1.3.3", "a sign-in without proof of who signed in"}
)

// Tokens are what a sign-in yields, verified. Never make one of an access token that
// somebody hands you: it does not say to which app it was issued.
type Tokens struct {
	Provider     string    // Provider.Name
	AccessToken  string    // opaque; for the provider's APIs only
	RefreshToken string    // empty where the provider gave none
	Expiry       time.Time // of the access token; zero where the provider did not say
	Scopes       []string  // granted; may be fewer than asked (RFC 6749 §3.3)
	Asked        []string  // as the attempt asked for them
	Subject      string    // sub of the ID token; else Profile.Subject, once the app knows it
	IDToken      Object    // its claims; nil without OpenID Connect
}

// Unverified are the tokens of a reply whose ID token has not been looked at. Only
// [Client.Exchange] makes one, and only [Client.VerifyIDToken] gets the tokens out:
// before the nonce is compared they may be of a code that an attacker injected, and
// must not be used even once (RFC 9700 §4.5.3.2).
type Unverified struct {
	attempt Attempt
	tokens  Tokens
	idToken string
}

// Exchange is step 3. It redeems the code for tokens (RFC 6749 §4.1.3). A code is
// sent once, whatever comes of it: a second time makes the provider revoke what
// the first gave. A "no" of the provider is a *Refusal.
func (c *Client) Exchange(ctx context.Context, callback Callback) (Unverified, error) {
	attempt := callback.attempt
	if err := check(ctx, attemptClient.equal(attempt.Provider, c.Name).at(3)); err != nil {
		return Unverified{}, err
	}
	object, err := c.tokenRequest(ctx, 3, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {callback.code},
		"redirect_uri":  {c.RedirectURI},
		"code_verifier": {attempt.CodeVerifier},
	})
	if err != nil {
		return Unverified{}, err
	}
	unverified, err := c.parseTokens(ctx, 3, object)
	if err != nil {
		return Unverified{}, err
	}
	unverified.attempt = attempt
	t := &unverified.tokens
	t.Asked = attempt.Scopes
	switch {
	case t.Scopes != nil: // said in the reply; empty means that nothing was granted
	case c.GrantedScopes != "" && callback.grantedScopes != "":
		// The callback passed through the user's hands, who may have added to it.
		t.Scopes = slices.DeleteFunc(splitScopes(callback.grantedScopes), func(scope string) bool {
			return !slices.Contains(attempt.Scopes, scope)
		})
	default: // absent means as asked (RFC 6749 §5.1)
		t.Scopes = attempt.Scopes
	}
	return unverified, nil
}

// tokenRequest sends form to the token endpoint, and returns the reply in the shape
// of RFC 6749 §5.1.
func (c *Client) tokenRequest(ctx context.Context, step int, form url.Values) (Object, error) {
	metadata, err := c.Discover(ctx)
	if err != nil {
		return nil, err
	}
	r, err := c.post(ctx, step, metadata, metadata.TokenEndpoint, form)
	if err != nil {
		return nil, err
	}
	media := []string{"application/json"}
	if c.FormReplies {
		media = append(media, formEncoded)
	}
	object, err := r.object(ctx, step, media...)
	if err != nil || c.TokenReply == nil {
		return object, err
	}
	object, err = c.TokenReply(object)
	if err := check(ctx, tokenMembers.noError(err).at(step)); err != nil {
		return nil, err
	}
	return object, nil
}

// post sends form with the client's credentials, in the one way that the provider
// takes (RFC 6749 §2.3: never two).
func (c *Client) post(ctx context.Context, step int, metadata Metadata, endpoint string, form url.Values) (reply, error) {
	header := http.Header{"Content-Type": {formEncoded}}
	method := c.clientAuth(metadata)
	if err := check(ctx, tokenClientAuth.oneOf(method, "client_secret_basic", "client_secret_post").at(step)); err != nil {
		return reply{}, err
	}
	if method == "client_secret_basic" {
		// Both halves are form-encoded first (RFC 6749 §2.3.1): a colon in the id would
		// end it early. SetBasicAuth does not do this.
		request := http.Request{Header: header}
		request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	} else {
		form.Set("client_id", c.ID)
		form.Set("client_secret", c.Secret)
	}
	return c.send(ctx, step, Request{http.MethodPost, endpoint, header, form.Encode()})
}

// clientAuth returns the method of the row, or the first that the metadata lists
// and this client knows. A provider that lists none takes Basic (RFC 8414 §2).
func (c *Client) clientAuth(m Metadata) string {
	if c.ClientAuth != "" || len(m.TokenEndpointAuthMethods) == 0 {
		return cmp.Or(c.ClientAuth, "client_secret_basic")
	}
	for _, method := range m.TokenEndpointAuthMethods {
		if method == "client_secret_basic" || method == "client_secret_post" {
			return method
		}
	}
	return strings.Join(m.TokenEndpointAuthMethods, " ")
}

// parseTokens reads the members of a token reply (RFC 6749 §5.1).
func (c *Client) parseTokens(ctx context.Context, step int, o Object) (Unverified, error) {
	u := Unverified{tokens: Tokens{Provider: c.Name}}
	t := &u.tokens
	var kind string
	var scope *string
	mistyped := cmp.Or(
		o.Read("access_token", &t.AccessToken),
		o.Read("token_type", &kind),
		o.Read("refresh_token", &t.RefreshToken),
		o.Read("scope", &scope),
		o.Read("id_token", &u.idToken),
	)
	lifetime, nonsense := expiresIn(o["expires_in"])
	if err := check(ctx,
		tokenMembers.noError(mistyped).at(step),
		tokenAccess.present(t.AccessToken).at(step),
		tokenAccess.noError(printable(t.AccessToken)).at(step),
		tokenType.equal(strings.ToLower(kind), "bearer").at(step),
		tokenExpiresIn.noError(nonsense).at(step),
		tokenIDToken.present(u.idToken).unless(!c.OpenID || step == 6).at(step),
	); err != nil {
		return Unverified{}, err
	}
	if scope != nil {
		t.Scopes = splitScopes(*scope)
	}
	if lifetime > 0 {
		t.Expiry = time.Now().Add(lifetime)
	}
	return u, nil
}

// expiresIn reads a number of seconds, which some providers send as a string. Zero
// means that the provider does not say.
func expiresIn(raw json.RawMessage) (time.Duration, error) {
	digits := strings.Trim(string(raw), `"`)
	if digits == "" || digits == "null" {
		return 0, nil
	}
	seconds, err := strconv.ParseUint(digits, 10, 32) // 136 years at most: no overflow below
	if err != nil {
		return 0, errors.New("not a number of seconds")
	}
	return time.Duration(seconds) * time.Second, nil
}

// splitScopes reads a list of scopes. RFC 6749 §3.3 separates them by spaces, GitHub
// and Meta by commas; no scope of theirs holds either.
func splitScopes(scope string) []string {
	scopes := strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' })
	slices.Sort(scopes)
	return slices.Compact(scopes)
}
