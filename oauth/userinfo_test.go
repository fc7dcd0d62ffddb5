package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// signedIn are tokens as step 4 hands them out.
func signedIn(provider string) Tokens {
	return Tokens{Provider: provider, AccessToken: "t0ken", Scopes: []string{"email"}, Subject: "248289761001",
		IDToken: Object{"sub": json.RawMessage(`"248289761001"`)}}
}

func TestUserInfo(t *testing.T) {
	p := newOP()
	got := must(newClient(t, opRow(), p).UserInfo(t.Context(), signedIn("op")))
	got.Replies[0].Body = json.RawMessage(strings.ReplaceAll(string(got.Replies[0].Body), " ", ""))
	want := Info{
		Profile: Profile{Subject: "248289761001"},
		Replies: []Reply{{opUserinfo, json.RawMessage(`{"sub":"248289761001","name":"JaneDoe"}`)}},
	}
	wantEqual(t, want, got, "the profile")
	// The token goes in the header, and nowhere else (RFC 6750 §2.1, §2.3).
	request := RequestSent{"GET", opUserinfo, http.Header{
		"Accept":        {"application/json"},
		"Authorization": {"Bearer t0ken"},
		"User-Agent":    {userAgent},
	}, ""}
	wantEqual(t, request, p.asked[1], "the token goes in the header")
}

// A provider entry says which URLs, with which headers and parameters, and how to read the replies.
func TestUserInfoByRow(t *testing.T) {
	p := newOP()
	p.says["https://api.example/me"] = saysJSON(`{"id": 12345678901234567890, "name": "Jane"}`)
	p.says["https://api.example/emails"] = saysJSON(`[{"email": "jane@example.com"}]`)
	row := plainRow()
	row.ProfileURLs = []ProfileURL{
		{URL: "https://api.example/me"},
		{URL: "https://api.example/secrets", Scope: "admin"}, // was not granted
		{URL: "https://api.example/emails", Scope: "email"},
	}
	row.APIRequest = func(r *Request, secret, token string) {
		r.URL += "?proof=" + secret + "-" + token
		r.Header.Set("Accept", "application/vnd.example+json")
		r.Header.Set("X-Version", "7")
	}
	row.Profile = func(r ProfileInput) (profile Profile, err error) {
		if len(r.API) != 3 || r.API[1] != nil || string(r.API[2]) != `[{"email": "jane@example.com"}]` {
			t.Errorf("mapped from %s", r.API)
		}
		me, err := parseObject(r.API[0])
		profile.Subject = string(me["id"])
		return profile, err
	}
	tokens := signedIn("plain")
	tokens.Subject = "" // as at a sign-in, which is to find out
	got := must(newClient(t, row, p).UserInfo(t.Context(), tokens))
	if got.Profile.Subject != "12345678901234567890" || len(got.Replies) != 2 {
		t.Errorf("%+v", got)
	}
	header := http.Header{"Accept": {"application/vnd.example+json"}, "Authorization": {"Bearer t0ken"}, "User-Agent": {userAgent}, "X-Version": {"7"}}
	want := []RequestSent{
		{"GET", "https://api.example/me?proof=s3cret-t0ken", header, ""},
		{"GET", "https://api.example/emails?proof=s3cret-t0ken", header, ""},
	}
	wantEqual(t, want, p.asked, "what was asked")
	// The page shows the URL of a reply; parameters that prove something do not belong there.
	wantEqual(t, "https://api.example/me", got.Replies[0].URL, "without the proof, because a page shows it")
}

// Without a userinfo endpoint the ID token has to do (OIDC Discovery §3).
func TestUserInfoWithoutEndpoint(t *testing.T) {
	p := newOP().but(opDiscovery, saysJSON(strings.Replace(opMetadata, "userinfo_endpoint", "x", 1)))
	got := must(newClient(t, opRow(), p).UserInfo(t.Context(), signedIn("op")))
	wantEqual(t, Info{Profile: Profile{Subject: "248289761001"}}, got, "the subject of the ID token")
	wantEqual(t, 1, len(p.asked), "only the metadata is asked for")
}

func TestUserInfoReply(t *testing.T) {
	const good = `{"sub": "248289761001"}`
	profile := func(subject string) func(*Provider) {
		return func(p *Provider) {
			p.Profile = func(ProfileInput) (Profile, error) { return Profile{Subject: subject, Name: "Jane"}, nil }
		}
	}
	plain := func(p *Provider) {
		*p = with(plainRow(), profile("7"))
		p.Name = "op"
	}
	for name, tt := range map[string]struct {
		says   answer
		row    func(*Provider)
		known  bool // without OpenID Connect: whose the tokens are
		fails  string
		reason string
	}{
		"sub and more":    {says: saysJSON(`{"sub": "248289761001", "iss": "https://evil.example", "sub_jwk": {}}`), reason: "who signed in is in the ID token"},
		"sub of another":  {says: saysJSON(`{"sub": "248289761002"}`), fails: "userinfo-sub", reason: "the access token was exchanged for another user's (OIDC Core §5.3.2)"},
		"sub missing":     {says: saysJSON(`{"name": "Jane Doe"}`), fails: "userinfo-sub", reason: "it must be there"},
		"SUB next to sub": {says: saysJSON(`{"sub": "248289761002", "SUB": "248289761001"}`), fails: "userinfo-sub", reason: "encoding/json alone would take the second"},
		"sub a number":    {says: saysJSON(`{"sub": 248289761001}`), fails: "profile-members", reason: "a string (OIDC Core §5.1)"},
		"a list":          {says: saysJSON(`[` + good + `]`), fails: "profile-members", reason: "claims are the members of an object"},
		"JWT":             {says: says(200, "application/jwt", "eyJhbGciOiJub25lIn0.e30."), fails: "reply-media-type", reason: "never asked for, and nobody here verifies it (OIDC Core §5.3.2)"},
		"unauthorized":    {says: says(401, "", "", "WWW-Authenticate", `Bearer error="invalid_token"`), fails: "reply-status-200", reason: "no reason that could be read"},
		"mapping fails": {says: saysJSON(good), row: func(p *Provider) {
			p.Profile = func(ProfileInput) (Profile, error) { return Profile{}, errors.New("no") }
		}, fails: "profile-members", reason: "the entry cannot read it"},
		"nobody":                  {says: saysJSON(good), row: profile(""), fails: "profile-subject", reason: "everybody without an id would be one user"},
		"somebody too long":       {says: saysJSON(good), row: profile(strings.Repeat("x", 256)), fails: "profile-subject", reason: "a database that cuts it takes two users for one"},
		"somebody not ASCII":      {says: saysJSON(good), row: profile("jané"), fails: "profile-subject", reason: "a database that folds it takes two users for one"},
		"a plain one is sub-less": {says: saysJSON(`{"id": 7}`), row: plain, reason: "without OpenID Connect there is no ID token to be the same as"},
		"a plain one, once known": {says: saysJSON(`{"id": 7}`), row: plain, known: true, fails: "userinfo-sub", reason: "stored tokens are somebody's, and later replies are about them"},
	} {
		bubble(t, name, func(t *testing.T) {
			p, row := newOP().but(opUserinfo, tt.says), with(opRow(), tt.row)
			tokens := signedIn("op")
			if !row.OpenID && !tt.known {
				tokens.Subject = ""
			}
			got, err := newClient(t, row, p).UserInfo(t.Context(), tokens)
			wantCheck(t, err, 5, tt.fails, tt.reason)
			if tt.fails != "" && (got.Profile.Subject != "" || got.Replies != nil) {
				t.Errorf("a profile with an error: %+v", got)
			}
			if p.count(opUserinfo) != 1 || p.count("https://evil.example/") != 0 {
				t.Errorf("asked %v", p.asked)
			}
		})
	}
}

// Tokens that somebody put together without step 4.
func TestUserInfoWithoutIDToken(t *testing.T) {
	_, err := newClient(t, opRow(), newOP()).UserInfo(t.Context(), Tokens{Provider: "op", AccessToken: "t0ken"})
	wantCheck(t, err, 5, "userinfo-sub", "no ID token, no user to be the same as")
}

// A provider entry's functions may refuse, in the provider's words. These repeat no secret.
func TestEntryRefuses(t *testing.T) {
	said := &Refusal{Step: 9, Status: 9, Code: "suspended", Description: "not s3cret", URI: "t0ken", Reason: "a\nb"}
	profile := func(ProfileInput) (Profile, error) { return Profile{}, fmt.Errorf("as text: %w", said) }
	p, row, row1 := newOP(), plainRow(), xRow()
	p.says[opToken], p.says[xProfile] = saysJSON(`{}`), saysJSON(`{}`)
	row.TokenReply = func(Object) (Object, error) { return nil, fmt.Errorf("as text: %w", said) }
	row.Profile, row1.Profile = profile, profile
	c := newClient(t, row, p)

	_, err := c.Exchange(t.Context(), callbackOf(t, c))
	wantRefusal(t, err, Refusal{Step: 3, Status: 200, Code: "suspended", Description: withheld, URI: "t0ken", Reason: "a b"}, "of a token reply")
	_, err = c.UserInfo(t.Context(), signedIn("plain"))
	wantRefusal(t, err, Refusal{Step: 5, Status: 200, Code: "suspended", Description: "not s3cret", URI: withheld, Reason: "a b"}, "of a profile")
	_, err = newClient1(t, row1, p).UserInfo(t.Context(), TokenCredentials{Provider: "x", Token: "T2", Secret: "t0ken"})
	wantRefusal(t, err, Refusal{Step: 5, Status: 200, Code: "suspended", Description: "not s3cret", URI: withheld, Reason: "a b"}, "of OAuth 1.0a")
}

const withheld = "‹withheld: it repeats a secret›"

func TestGetInsecure(t *testing.T) {
	p := newOP()
	for _, to := range []string{"http://api.example/me", "http://localhost/me", "ftp://api.example/me", "/me", "", "https://"} {
		_, err := newClient(t, plainRow(), p).Get(t.Context(), signedIn("plain"), to)
		wantCheck(t, err, 5, "endpoint-https", "the token would be read on the wire: "+to)
	}
	wantEqual(t, 0, len(p.asked), "requests")
}
