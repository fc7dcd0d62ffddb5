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
	userinfoSub    = Check{5, "userinfo-sub", "OIDC Core §5.3.2", "the profile of another user, read with that user's access token"}
	profileMembers = Check{5, "profile-members", "OIDC Core §5.1", "a member of the wrong type is misread"}
	profileSubject = Check{5, "profile-subject", "OIDC Core §5.7", "all users without an id are the same user"}
)

// Info is what the provider says about the user.
type Info struct {
	Profile Profile
	Replies []Reply // as received, for callers that need more than the profile
}

// Reply is a reply to an API request.
type Reply struct {
	URL  string
	Body json.RawMessage // valid JSON; no object has a name twice
}

// UserInfo is step 5. It reads the user's profile with the access token, from c.ProfileURLs. If
// there are none, it reads the userinfo endpoint (OIDC Core §5.3). If t.Subject is set, as always
// with OpenID Connect, the profile must be that user's.
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
		if metadata.UserinfoEndpoint != "" { // optional (OIDC Discovery §3); without it the ID token has the profile
			urls = []ProfileURL{{URL: metadata.UserinfoEndpoint}}
		}
	}
	var received []Reply
	input := ProfileInput{IDToken: t.IDToken, API: make([]json.RawMessage, len(urls))}
	for i, u := range urls {
		if u.Scope != "" && !slices.Contains(t.Scopes, u.Scope) {
			continue
		}
		body, err := c.Get(ctx, t, u.URL)
		if err != nil {
			return Info{}, err
		}
		input.API[i] = body
		received = append(received, Reply{u.URL, body})
	}
	if c.OpenID && len(received) > 0 { // c.Profile takes the subject from the ID token, so infoOf would not notice another user's reply
		var sub string
		object, err := parseObject(received[0].Body)
		if err = check(ctx, profileMembers.noError(cmp.Or(err, object.Read("sub", &sub))), userinfoSub.equal(sub, t.Subject)); err != nil {
			return Info{}, err
		}
	}
	return infoOf(ctx, t.Subject, t.AccessToken, c.Profile, input, received)
}

// Get reads any URL of the provider's API with the access token, and returns the JSON reply. The
// token goes in a header and never in the URL (RFC 6750 §2.3). Never pass another provider's URL:
// it would receive the token. If the provider no longer accepts the token,
// [Client.TokenRefused] returns true for the error.
func (c *Client) Get(ctx context.Context, t Tokens, rawURL string) (json.RawMessage, error) {
	ctx = inStep(ctx, 5, (*Client).Get)
	request := Request{Method: http.MethodGet, URL: rawURL, Header: http.Header{"Authorization": {"Bearer " + t.AccessToken}}}
	if c.APIRequest != nil {
		c.APIRequest(&request, c.Secret, t.AccessToken)
	}
	return c.send(ctx, request).json(ctx)
}

// infoOf maps input to a profile. If subject is set, the profile must be that user's. If
// a refusal's text repeats secret, infoOf withholds that text.
func infoOf(ctx context.Context, subject, secret string, mapping func(ProfileInput) (Profile, error), input ProfileInput, received []Reply) (Info, error) {
	p, err := mapping(input)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return Info{}, refusal.completed(ctx, http.StatusOK, Request{Body: url.Values{"secret": {secret}}.Encode()})
	}
	return checked(ctx, Info{p, received},
		profileMembers.noError(err),
		profileSubject.present(p.Subject),
		profileSubject.noError(checkSubject(p.Subject)),
		userinfoSub.equal(p.Subject, subject).skipIf(subject == ""),
	)
}
