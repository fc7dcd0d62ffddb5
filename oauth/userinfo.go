package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
)

var (
	userinfoSub    = Check{5, "userinfo-sub", "OIDC Core §5.3.2", "another user's access token, and so another user's profile"}
	profileMembers = Check{5, "profile-members", "OIDC Core §5.1", "a member of the wrong type is misread"}
	profileSubject = Check{5, "profile-subject", "OIDC Core §5.7", "everybody without an id is the same user"}
)

// Info is what the provider says about the user.
type Info struct {
	Profile Profile
	Replies []Reply // as received, for callers that need more than the profile
}

// Reply is a reply to an API request.
type Reply struct {
	URL  string
	Body json.RawMessage // strict JSON: no name twice
}

// UserInfo is step 5. With the access token it reads who signed in, at the userinfo endpoint
// (OIDC Core §5.3) or at the provider's own URLs. If t.Subject is known, as it always is with
// OpenID Connect, the reply must be about that user.
func (c *Client) UserInfo(ctx context.Context, t Tokens) (Info, error) {
	ctx = inStep(ctx, 5, (*Client).UserInfo)
	if err := check(ctx, attemptClient.equal(t.Provider, c.Name)); err != nil {
		return Info{}, err
	}
	urls := c.ProfileURLs
	if len(urls) == 0 {
		metadata, err := c.Discover(ctx)
		if err != nil {
			return Info{}, err
		}
		if metadata.UserinfoEndpoint != "" { // if there is none, the ID token must be enough (OIDC Discovery §3)
			urls = []ProfileURL{{URL: metadata.UserinfoEndpoint}}
		}
	}
	var received []Reply
	replies := Replies{IDToken: t.IDToken, API: make([]json.RawMessage, len(urls))}
	for i, u := range urls {
		if u.Scope != "" && !slices.Contains(t.Scopes, u.Scope) {
			continue
		}
		body, err := c.Get(ctx, t, u.URL)
		if err != nil {
			return Info{}, err
		}
		replies.API[i] = body
		received = append(received, Reply{u.URL, body})
	}
	if c.OpenID && len(received) > 0 { // the profile cannot show this: its subject is the ID token's
		var sub string
		object, err := parseObject(received[0].Body)
		if err = check(ctx, profileMembers.noError(cmp.Or(err, object.Read("sub", &sub))), userinfoSub.equal(sub, t.Subject)); err != nil {
			return Info{}, err
		}
	}
	return infoOf(ctx, t.Subject, t.AccessToken, c.Profile, replies, received)
}

// Get reads any URL of the provider's API with the access token, which goes in a
// header and never in the URL (RFC 6750 §2.3). The reply is strict JSON. The token
// is good at this provider only: never pass another provider's URL. If the token is no
// longer good, [Client.TokenRefused] recognizes the error.
func (c *Client) Get(ctx context.Context, t Tokens, rawURL string) (json.RawMessage, error) {
	ctx = inStep(ctx, 5, (*Client).Get)
	request := Request{Method: http.MethodGet, URL: rawURL, Header: http.Header{"Authorization": {"Bearer " + t.AccessToken}}}
	if c.APIRequest != nil {
		c.APIRequest(&request, c.Secret, t.AccessToken)
	}
	return c.send(ctx, request).json(ctx)
}

// infoOf maps the replies to a profile. If subject is known, the profile must be that user's.
// An error must not repeat token.
func infoOf(ctx context.Context, subject, token string, mapping func(Replies) (Profile, error), replies Replies, received []Reply) (Info, error) {
	p, err := mapping(replies)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return Info{}, refusal.of(ctx, http.StatusOK, Request{Body: url.Values{"token": {token}}.Encode()})
	}
	return checked(ctx, Info{p, received},
		profileMembers.noError(err),
		profileSubject.present(p.Subject),
		profileSubject.noError(fitSubject(p.Subject)),
		userinfoSub.equal(p.Subject, subject).skipIf(subject == ""),
	)
}
