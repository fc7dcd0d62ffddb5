package oauth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// callbackOf is a callback that passed step 2 at this client.
func callbackOf(t testing.TB, c *Client) Callback {
	t.Helper()
	callback, err := c.ParseCallback(t.Context(), attemptOf(c.Name), "state=st4te-st4te&code=c0de")
	if err != nil {
		t.Fatal(err)
	}
	return callback
}

// What is sent, to the letter.
func TestExchangeRequest(t *testing.T) {
	const form = "code=c0de&code_verifier=v3rifier&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback%2Fop"
	for name, tt := range map[string]struct {
		id, secret  string
		auth        string // of the row
		methods     string // token_endpoint_auth_methods_supported
		basic, body string // what is expected: the header before base64, and the form
		reason      string
	}{
		"nothing said": {
			id: "app", secret: "s3cret", basic: "app:s3cret", body: form,
			reason: "Basic is the default (RFC 8414 §2)"},
		"Basic, with all that it could break on": {
			id: "a:b%c+d e&fé", secret: "§:%+& =~", basic: "a%3Ab%25c%2Bd+e%26f%C3%A9:%C2%A7%3A%25%2B%26+%3D~", body: form,
			reason: "form-encoded first (RFC 6749 §2.3.1): the first colon ends the id"},
		"form": {
			id: "a:b%c+d e&fé", secret: "§:%+& =~", auth: "client_secret_post",
			body:   "client_id=a%3Ab%25c%2Bd+e%26f%C3%A9&client_secret=%C2%A7%3A%25%2B%26+%3D~&" + form,
			reason: "encoded once, as each form value is"},
		"the metadata list both": {
			id: "app", secret: "s3cret", methods: `["private_key_jwt", "client_secret_post", "client_secret_basic"]`,
			basic: "app:s3cret", body: form,
			reason: "Basic wherever it is listed (RFC 6749 §2.3.1): the order means nothing"},
		"the metadata want Basic": {
			id: "app", secret: "s3cret", methods: `["client_secret_basic", "client_secret_post"]`, basic: "app:s3cret", body: form,
			reason: "likewise"},
		"the row knows better": {
			id: "app", secret: "s3cret", auth: "client_secret_post", methods: `["client_secret_basic"]`,
			body:   "client_id=app&client_secret=s3cret&" + form,
			reason: "the row says how the app is registered"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOP()
			if tt.methods != "" {
				p.says[opDiscovery] = saysJSON(strings.Replace(opMetadata, "{", `{"token_endpoint_auth_methods_supported": `+tt.methods+`,`, 1))
			}
			p.says[opToken] = saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "id_token": "x"}`)
			row := opRow()
			row.ClientAuth = tt.auth
			c, err := NewClient(row, tt.id, tt.secret, "https://app.example/callback/op", p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Exchange(t.Context(), callbackOf(t, c)); err != nil {
				t.Fatal(err)
			}
			want := RequestSent{"POST", opToken, http.Header{
				"Accept":       {"application/json"},
				"Content-Type": {"application/x-www-form-urlencoded"},
				"User-Agent":   {userAgent},
			}, tt.body}
			if tt.basic != "" {
				want.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(tt.basic)))
			}
			// The metadata, then this: no API is asked before the ID token was looked at
			// (RFC 9700 §4.5.3.2).
			if diff := cmp.Diff([]RequestSent{want}, p.asked[1:]); diff != "" {
				t.Errorf("(-want +got)\n%s%s", diff, tt.reason)
			}
		})
	}
}

func TestExchangeClientAuthUnknown(t *testing.T) {
	p := newOP()
	p.says[opDiscovery] = saysJSON(strings.Replace(opMetadata, "{", `{"token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"],`, 1))
	c := newClient(t, opRow(), p)
	_, err := c.Exchange(t.Context(), callbackOf(t, c))
	wantCheck(t, err, 0, "token-client-auth", "a provider that takes neither way must not be sent the secret in one of them")
	if p.count(opToken) != 0 {
		t.Error("the secret was sent")
	}
}

// With endpoints that stand in the row, only this step can see it.
func TestExchangeClientAuthOfTheRow(t *testing.T) {
	p, row := newOP(), plainRow()
	row.ClientAuth = "private_key_jwt"
	c := newClient(t, row, p)
	_, err := c.Exchange(t.Context(), callbackOf(t, c))
	wantCheck(t, err, 3, "token-client-auth", "the secret would be sent in a way that nobody asked for")
	if len(p.asked) > 0 {
		t.Errorf("asked %v", p.asked)
	}
}

// tokens does steps 2 to 4 at a provider without OpenID Connect.
func tokens(t testing.TB, c *Client, callbackQuery string) (Tokens, error) {
	t.Helper()
	callback, err := c.ParseCallback(t.Context(), attemptOf(c.Name), "state=st4te-st4te&code=c0de"+callbackQuery)
	if err != nil {
		t.Fatal(err)
	}
	unverified, err := c.Exchange(t.Context(), callback)
	if err != nil {
		return Tokens{}, err
	}
	return c.VerifyIDToken(t.Context(), unverified)
}

// Replies that are good, and what is made of them.
func TestExchangeTokens(t *testing.T) {
	for name, tt := range map[string]struct {
		reply    answer
		row      func(*Provider)
		callback string // added to the callback's query
		want     Tokens // access token, provider and scopes asked are the same in all
		lifetime time.Duration
		reason   string
	}{
		"by the book": {
			reply: saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r3fresh", "scope": "openid email"}`),
			want:  Tokens{RefreshToken: "r3fresh", Scopes: []string{"email", "openid"}}, lifetime: time.Hour,
			reason: "RFC 6749 §5.1"},
		"the least": {
			reply: saysJSON(`{"access_token": "t0ken", "token_type": "Bearer"}`),
			want:  Tokens{Scopes: []string{"openid", "email"}}, lifetime: 0,
			reason: "no scope means as asked; no expires_in means that nobody knows"},
		"bEARER": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "bEARER"}`),
			want:   Tokens{Scopes: []string{"openid", "email"}},
			reason: "the type is case-insensitive (RFC 6749 §5.1)"},
		"expires_in as text": {
			reply: saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "expires_in": "3600"}`),
			want:  Tokens{Scopes: []string{"openid", "email"}}, lifetime: time.Hour,
			reason: "some providers send a string"},
		"expires_in null": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "expires_in": null}`),
			want:   Tokens{Scopes: []string{"openid", "email"}},
			reason: "null is absent"},
		"136 years": {
			reply: saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "expires_in": 4294967295}`),
			want:  Tokens{Scopes: []string{"openid", "email"}}, lifetime: maxLifetime,
			reason: "clamped to the longest that is believed"},
		"for ever": {
			reply: saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "expires_in": 1e99}`),
			want:  Tokens{Scopes: []string{"openid", "email"}}, lifetime: maxLifetime,
			reason: "likewise, without an overflow"},
		"half a second": {
			reply: saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600.5}`),
			want:  Tokens{Scopes: []string{"openid", "email"}}, lifetime: time.Hour,
			reason: "the fraction is dropped"},
		"expired before": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "expires_in": -1}`),
			want:   Tokens{Scopes: []string{"openid", "email"}},
			reason: "what cannot be used reads as unknown: nothing depends on it"},
		"expires_in a list": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "expires_in": [3600]}`),
			want:   Tokens{Scopes: []string{"openid", "email"}},
			reason: "likewise"},
		"scope list": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "scope": ["openid", "email"]}`),
			want:   Tokens{Scopes: []string{"email", "openid"}},
			reason: "Twitch"},
		"fewer scopes": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "scope": "openid"}`),
			want:   Tokens{Scopes: []string{"openid"}},
			reason: "the user unticked one: nobody may assume more than was granted"},
		"no scopes": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "bearer", "scope": ""}`),
			want:   Tokens{Scopes: []string{}},
			reason: "the user unticked them all"},
		"scope null": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "bearer", "scope": null}`),
			want:   Tokens{Scopes: []string{"openid", "email"}},
			reason: "null is absent, and absent means as asked (RFC 6749 §5.1)"},
		"scopes with commas": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "bearer", "scope": "user:email,read:user,user:email"}`),
			want:   Tokens{Scopes: []string{"read:user", "user:email"}},
			reason: "GitHub"},
		"scopes in the callback": {
			reply:    saysJSON(`{"access_token": "t0ken", "token_type": "bearer"}`),
			row:      func(p *Provider) { p.GrantedScopes = "granted_scopes" },
			callback: "&granted_scopes=email,admin&denied_scopes=openid",
			want:     Tokens{Scopes: []string{"email"}},
			reason:   "Facebook says it there; who came by with it may have added to it"},
		"scopes not in the callback": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "bearer"}`),
			row:    func(p *Provider) { p.GrantedScopes = "granted_scopes" },
			want:   Tokens{Scopes: []string{"openid", "email"}},
			reason: "nothing said means as asked (RFC 6749 §5.1)"},
		"a second": {
			reply: saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "expires_in": 1}`),
			want:  Tokens{Scopes: []string{"openid", "email"}}, lifetime: time.Second,
			reason: "the shortest that a provider can name"},
		"scopes in another's callback": {
			reply:    saysJSON(`{"access_token": "t0ken", "token_type": "bearer"}`),
			callback: "&granted_scopes=email",
			want:     Tokens{Scopes: []string{"openid", "email"}},
			reason:   "an unknown parameter, if the provider entry does not name it"},
		"scopes without a name": {
			reply:    saysJSON(`{"access_token": "t0ken", "token_type": "bearer"}`),
			callback: "&=email",
			want:     Tokens{Scopes: []string{"openid", "email"}},
			reason:   "if the provider entry names no parameter, the one with the empty name is none either"},
		"scopes in both": {
			reply:    saysJSON(`{"access_token": "t0ken", "token_type": "bearer", "scope": "email"}`),
			row:      func(p *Provider) { p.GrantedScopes = "granted_scopes" },
			callback: "&granted_scopes=openid",
			want:     Tokens{Scopes: []string{"email"}},
			reason:   "what came straight from the provider counts, not what came through the browser"},
		"unknown members": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "interval": 5, "nested": {"a": [null, true, 1e9]}}`),
			want:   Tokens{Scopes: []string{"openid", "email"}},
			reason: "they are ignored (RFC 6749 §5.1)"},
		"an unknown member called message": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "message": "Welcome!"}`),
			want:   Tokens{Scopes: []string{"openid", "email"}},
			reason: "an error's text in other APIs, but this reply has a token and no error"},
		"error null": {
			reply:  saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "error": null}`),
			want:   Tokens{Scopes: []string{"openid", "email"}},
			reason: "null is absent"},
		"a shape of its own": {
			reply: saysJSON(`{"data": {"access_token": "t0ken", "token_type": "bearer", "scope": "basic"}}`),
			row: func(p *Provider) {
				p.TokenReply = func(o Object) (inner Object, err error) { return inner, o.Read("data", &inner) }
			},
			want:   Tokens{Scopes: []string{"basic"}},
			reason: "the row's function unwraps it"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, row := newOP(), plainRow()
				p.says[opToken] = tt.reply
				if tt.row != nil {
					tt.row(&row)
				}
				got, err := tokens(t, newClient(t, row, p), tt.callback)
				if err != nil {
					t.Fatalf("%v\nwhy: %s", err, tt.reason)
				}
				want := tt.want
				want.Provider, want.AccessToken, want.Asked = "plain", "t0ken", []string{"openid", "email"}
				if tt.lifetime > 0 {
					want.Issued, want.Expiry = time.Now(), time.Now().Add(tt.lifetime)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got)\n%swhy: %s", diff, tt.reason)
				}
			})
		})
	}
}

// Replies that no check may let through. The same table shows that no error holds a
// secret, and that a code is sent once, whatever comes of it.
func TestExchangeReply(t *testing.T) {
	const good = `{"access_token": "t0ken", "token_type": "Bearer"}`
	with := func(member string) answer { return saysJSON(strings.Replace(good, "}", ", "+member+"}", 1)) }
	access := func(value string) answer { return saysJSON(strings.Replace(good, `"t0ken"`, value, 1)) }
	kind := func(value string) answer { return saysJSON(strings.Replace(good, `"Bearer"`, value, 1)) }
	openID := func(p *Provider) { *p = opRow(); p.Name = "plain" }
	for name, tt := range map[string]struct {
		reply  answer
		row    func(*Provider)
		fails  string
		reason string
	}{
		"created":                 {says(201, "application/json", good), nil, "reply-status-200", "only 200 is a success (RFC 6749 §5.1)"},
		"no content":              {says(204, "", ""), nil, "reply-status-200", "likewise"},
		"bad gateway":             {says(502, "application/json", good), nil, "reply-status-200", "a proxy answers this, not the provider"},
		"see other":               {says(303, "application/json", good, "Location", "https://evil.example/"), nil, "reply-status-200", "a redirect is no answer"},
		"no network":              {func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset by peer") }, nil, "reply-received", "said, and not tried again: the code may be used up"},
		"hangs":                   {hangs, nil, "reply-received", "given up after 10 s"},
		"too long":                {saysJSON(good + strings.Repeat(" ", maxReply)), nil, "reply-size", "a reply without end"},
		"HTML":                    {says(200, "text/html", good), nil, "reply-media-type", "a page of the provider's host"},
		"text":                    {says(200, "text/plain", good), nil, "reply-media-type", "JSON is declared as JSON (RFC 6749 §5.1)"},
		"a form":                  {says(200, "application/x-www-form-urlencoded", "access_token=t0ken&token_type=bearer"), nil, "reply-media-type", "as GitHub's without Accept"},
		"a page, not 200":         {says(400, "text/html", "<h1>Bad Request</h1>"), nil, "reply-status-200", "a page is no reason"},
		"a form, not 200":         {says(500, "text/plain", "access_token=t0ken&token_type=bearer"), nil, "reply-status-200", "a token is no reason, and in no error"},
		"half a token, not 200":   {says(500, "text/plain", good[:len(good)-1]), nil, "reply-status-200", "likewise"},
		"text, not an error":      {says(302, "text/plain", "Found"), nil, "reply-status-200", "a redirect is no refusal"},
		"errcode 0":               {saysJSON(`{"errcode": 0, "errmsg": "ok"}`), nil, "token-access", "0 is no error"},
		"a repeated Content-Type": {says(200, "application/json, application/json", good), nil, "reply-media-type", "as a proxy joins two"},
		"empty":                   {saysJSON(""), nil, "reply-json", "no answer"},
		"cut short":               {saysJSON(good[:len(good)-1]), nil, "reply-json", "half an answer"},
		"a list":                  {saysJSON("[" + good + "]"), nil, "reply-json", "a reply is one object"},
		"two values":              {saysJSON(good + good), nil, "reply-json", "which of them?"},
		"token twice":             {with(`"access_token": "x"`), nil, "reply-json", "two parsers, two tokens"},
		"not UTF-8":               {with("\"x\": \"\xff\""), nil, "reply-json", "JSON is UTF-8 (RFC 8259 §8.1)"},
		"no token":                {saysJSON(`{"token_type": "Bearer"}`), nil, "token-access", "an empty token would be used"},
		"ACCESS_TOKEN":            {saysJSON(`{"ACCESS_TOKEN": "t0ken", "token_type": "Bearer"}`), nil, "token-access", "encoding/json alone would take it"},
		"token empty":             {access(`""`), nil, "token-access", "likewise"},
		"token null":              {access(`null`), nil, "token-access", "null is missing"},
		"token a line":            {access(`"t0ken\r\nX-Admin: yes"`), nil, "token-access", "it would add a header to the next request"},
		"token ünicode":           {access(`"tökén"`), nil, "token-access", "printable ASCII only (RFC 6749 Appendix A.12)"},
		"token number":            {access(`12345`), nil, "token-members", "it is a string"},
		"no type":                 {saysJSON(`{"access_token": "t0ken"}`), nil, "token-type", "nobody knows how to use it (RFC 6749 §7.1)"},
		"type empty":              {kind(`""`), nil, "token-type", "likewise"},
		"MAC":                     {kind(`"mac"`), nil, "token-type", "sent as Bearer it would lose its protection"},
		"DPoP":                    {kind(`"DPoP"`), nil, "token-type", "likewise"},
		"type a number":           {kind(`1`), nil, "token-members", "it is a string"},
		"refresh list":            {with(`"refresh_token": ["r3fresh"]`), nil, "token-members", "it is a string"},
		"a shape that the row cannot read": {saysJSON(good), func(p *Provider) {
			p.TokenReply = func(Object) (Object, error) { return nil, errors.New("data is missing") }
		}, "token-members", "the row's function may refuse"},
		"an error page, and a shape of its own": {says(500, "text/html", ""), func(p *Provider) {
			p.TokenReply = func(Object) (Object, error) { return nil, errors.New("data is missing") }
		}, "reply-status-200", "the row's function is for replies only"},
		"scope a number":  {with(`"scope": 7`), nil, "token-members", "text, or at Twitch a list"},
		"no ID token":     {saysJSON(good), openID, "token-id-token", "openid was asked for; a bare access token proves nobody (OIDC Core §3.1.3.3)"},
		"ID token empty":  {with(`"id_token": ""`), openID, "token-id-token", "likewise"},
		"ID token object": {with(`"id_token": {}`), openID, "token-members", "it is a string"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, row := newOP(), plainRow()
				p.says[opToken] = tt.reply
				if tt.row != nil {
					tt.row(&row)
				}
				c := newClient(t, row, p)
				unverified, err := c.Exchange(t.Context(), callbackOf(t, c))
				wantCheck(t, err, 3, tt.fails, tt.reason)
				if unverified.tokens.AccessToken != "" || unverified.idToken != "" {
					t.Error("tokens with an error")
				}
				for _, secret := range []string{"c0de", "v3rifier", "s3cret", "t0ken", "r3fresh"} {
					if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, secret) {
						t.Errorf("%s is in the error: %s", secret, text)
					}
				}
				if got := p.count(opToken); got != 1 {
					t.Errorf("the code was sent %d times", got)
				}
			})
		})
	}
}

// A "no" of the provider, in all the shapes in which it is said.
func TestExchangeRefusal(t *testing.T) {
	for name, tt := range map[string]struct {
		reply  answer
		row    func(*Provider)
		want   Refusal
		reason string
	}{
		"RFC 6749": {
			says(400, "application/json", `{"error": "invalid_grant", "error_description": "The code was used.", "error_uri": "https://op.example/why"}`), nil,
			Refusal{Step: 3, Status: 400, Code: "invalid_grant", Description: "The code was used.", URI: "https://op.example/why"}, "§5.2"},
		"wrong secret": {
			says(401, "application/json", `{"error": "invalid_client"}`, "WWW-Authenticate", "Basic"), nil,
			Refusal{Step: 3, Status: 401, Code: "invalid_client"}, "401 may be used for it (RFC 6749 §5.2)"},
		"unknown word": {
			says(400, "application/json", `{"error": "made_up"}`), nil,
			Refusal{Step: 3, Status: 400, Code: "made_up"}, "still an error"},
		"out of order": {
			says(503, "application/json", `{"error": "temporarily_unavailable"}`), nil,
			Refusal{Step: 3, Status: 503, Code: "temporarily_unavailable"}, "the reason says more than the status"},
		"GitHub": {
			saysJSON(`{"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}`), nil,
			Refusal{Step: 3, Status: 200, Code: "bad_verification_code", Description: "The code passed is incorrect or expired."},
			"its errors have status 200"},
		"with a token": {
			saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "error": "invalid_grant"}`), nil,
			Refusal{Step: 3, Status: 200, Code: "invalid_grant"}, "an error is an error, whatever else is in the reply"},
		"true": {
			saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "error": true}`), nil,
			Refusal{Step: 3, Status: 200, Code: "true"}, "an error of no known shape is still an error"},
		"an empty object": {
			saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "error": {}}`), nil,
			Refusal{Step: 3, Status: 200, Code: "an object"}, "likewise"},
		"an object of no known shape": {
			saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "error": {"type": "x"}}`), nil,
			Refusal{Step: 3, Status: 200, Code: "an object"}, "likewise"},
		"Facebook": {
			says(400, "application/json", `{"error": {"message": "This authorization code has been used.", "type": "OAuthException", "code": 100, "fbtrace_id": "A"}}`), nil,
			Refusal{Step: 3, Status: 400, Code: "100", Description: "This authorization code has been used."}, "error is an object"},
		"Instagram": {
			says(400, "application/json", `{"error_type": "OAuthException", "code": 400, "error_message": "Matching code was not found or was already used"}`), nil,
			Refusal{Step: 3, Status: 400, Code: "400", Description: "Matching code was not found or was already used"}, "no error at all"},
		"WeChat": {
			saysJSON(`{"errcode": 40029, "errmsg": "invalid code"}`), nil,
			Refusal{Step: 3, Status: 200, Code: "40029", Description: "invalid code"}, "a number in place of error, with status 200"},
		"Slack": {
			saysJSON(`{"ok": false, "error": "invalid_code"}`), nil,
			Refusal{Step: 3, Status: 200, Code: "invalid_code"}, "its errors have status 200"},
		"RFC 9457": {
			says(402, "application/problem+json", `{"title": "CreditsDepleted", "detail": "No credits left.", "status": 402, "type": "about:blank"}`), nil,
			Refusal{Step: 3, Status: 402, Code: "CreditsDepleted", Description: "No credits left."}, "X, if the app has no credits"},
		"plain text": {
			says(401, "text/plain", "Unknown client.\n"), nil,
			Refusal{Step: 3, Status: 401, Description: "Unknown client."}, "a reason in words"},
		"OAuth 1.0a's words": {
			says(401, "text/html", "oauth_problem=token_rejected&oauth_problem_advice=Sign+in."), nil,
			Refusal{Step: 3, Status: 401, Code: "token_rejected", Description: "Sign in."}, "a form, whatever its type is said to be"},
		"behind a byte order mark": {
			says(400, "application/json", "\ufeff"+`{"error": "invalid_grant"}`), nil,
			Refusal{Step: 3, Status: 400, Code: "invalid_grant"}, "a parser may ignore it (RFC 8259 §8.1)"},
		"a 200 of the provider's own shape": {
			saysJSON(`{"success": "no", "why": "not s3cret"}`), func(p *Provider) {
				p.TokenReply = func(o Object) (Object, error) {
					return nil, fmt.Errorf("as text: %w", &Refusal{Step: 7, Code: "no", Description: o.text("why"), Reason: "a\nb"})
				}
			},
			Refusal{Step: 3, Status: 200, Code: "no", Description: "‹withheld: it repeats a secret›", Reason: "a b"}, "the entry's function knows it; its texts are the provider's"},
		"a long story": {
			says(400, "application/json", `{"error": "x", "error_description": "a\u0000b`+strings.Repeat("ä", 300)+`"}`), nil,
			Refusal{Step: 3, Status: 400, Code: "x", Description: "a b" + strings.Repeat("ä", 248) + "…"}, "a stranger's text is made fit for a log line"},
	} {
		t.Run(name, func(t *testing.T) {
			p, row := newOP(), plainRow()
			p.says[opToken] = tt.reply
			if tt.row != nil {
				tt.row(&row)
			}
			c := newClient(t, row, p)
			unverified, err := c.Exchange(t.Context(), callbackOf(t, c))
			wantRefusal(t, err, tt.want, tt.reason)
			if unverified.tokens.AccessToken != "" || tt.want.ByUser() {
				t.Error("tokens with a refusal, or the user's fault")
			}
		})
	}
}

// The code is whatever stood in the callback. One that has a part of the client's secret
// in it does not save the rest of that, if a provider repeats it.
func TestExchangeEchoedSecretCut(t *testing.T) {
	const echo = "not s3cret, nor YXBwOnMzY3JldA=="
	for _, auth := range []string{"client_secret_basic", "client_secret_post"} {
		for _, code := range []string{"s3c", "cret", "s3cret, nor Y", "not s3", "3", "nor YXBw"} {
			p, row := newOP(), plainRow()
			row.ClientAuth = auth
			p.says[opToken] = says(400, "application/json", `{"error": "x", "error_description": "`+echo+`"}`)
			c := newClient(t, row, p)
			callback := callbackOf(t, c)
			callback.code = code
			_, err := c.Exchange(t.Context(), callback)
			refusal, ok := errors.AsType[*Refusal](err)
			if !ok {
				t.Fatal(err)
			}
			for _, part := range []string{"s3", "3c", "cret,", "Y3JldA"} {
				if strings.Contains(refusal.Description, part) && (part != "Y3JldA" || auth == "client_secret_basic") {
					t.Errorf("%s, code %s: %q holds %s", auth, code, refusal.Description, part)
				}
			}
		}
	}
}

// Some providers repeat in their errors what they were sent. Errors go to a page and a
// log.
func TestExchangeEchoedSecrets(t *testing.T) {
	const echo = "got c0de and v3rifier of app with s3cret+/=, YXBwOnMzY3JldCUyQiUyRiUzRA== or s3cret%2B%2F%3D"
	for _, auth := range []string{"client_secret_basic", "client_secret_post"} {
		for name, reply := range map[string]answer{
			"description": says(400, "application/json", `{"error": "invalid_grant", "error_description": "`+echo+`"}`),
			"code":        says(400, "application/json", `{"error": "`+echo+`"}`),
			"URI":         says(400, "application/json", `{"error": "x", "error_uri": "https://op.example/?`+echo+`"}`),
			"object":      says(400, "application/json", `{"error": {"message": "`+echo+`"}}`),
			"list":        says(400, "application/json", `{"error": ["`+strings.ReplaceAll(echo, "/", `\/`)+`"]}`), // as PHP writes it
			"object, why": says(400, "application/json", `{"error": "x", "error_description": {"code": "\u0063\u0030de"}}`),
			"network":     func(*http.Request) (*http.Response, error) { return nil, errors.New(echo) },
		} {
			t.Run(auth+" "+name, func(t *testing.T) {
				p, row := newOP(), plainRow()
				p.says[opToken], row.ClientAuth = reply, auth
				c, err := NewClient(row, "app", "s3cret+/=", "https://app.example/callback/plain", p)
				if err != nil {
					t.Fatal(err)
				}
				_, err = c.Exchange(t.Context(), callbackOf(t, c))
				if err == nil {
					t.Fatal("no error")
				}
				text := fmt.Sprintf("%v", err)
				if refusal, ok := errors.AsType[*Refusal](err); ok {
					text = fmt.Sprintf("%+v", *refusal)
				}
				// By the form the secret went out as it is, by Basic encoded: what was not
				// sent, a provider cannot repeat.
				secrets := []string{"c0de", `\u0063`, "v3rifier", "s3cret+/=", `s3cret+\/=`}
				if auth == "client_secret_basic" {
					secrets = append(secrets, "YXBwOnMzY3JldCUyQiUyRiUzRA==", "s3cret%2B%2F%3D")
				}
				for _, secret := range secrets {
					if strings.Contains(text, secret) {
						t.Errorf("%s is in %s", secret, text)
					}
				}
			})
		}
	}
}

// A 307 or 308 makes most clients send the form again, to wherever it points.
func TestExchangeRedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, auth := range []string{"client_secret_basic", "client_secret_post"} {
			p, row := newOP(), plainRow()
			row.ClientAuth = auth
			p.says[opToken] = says(status, "application/json", "{}", "Location", "https://evil.example/token")
			p.says["https://evil.example/token"] = saysJSON(`{"access_token": "t0ken", "token_type": "Bearer"}`)
			c := newClient(t, row, p)
			_, err := c.Exchange(t.Context(), callbackOf(t, c))
			wantCheck(t, err, 3, "reply-status-200", "code, verifier and secret would go to another host")
			if len(p.asked) != 1 {
				t.Errorf("%d %s: %d requests: %v", status, auth, len(p.asked), p.asked)
			}
		}
	}
}

// Each step takes only what the one before made, at the same provider.
func TestExchangeForeignCallback(t *testing.T) {
	p := newOP()
	other := opRow()
	other.Name = "other"
	for name, callback := range map[string]Callback{
		"zero":              {}, // an error of ParseCallback that nobody looked at
		"another client's":  callbackOf(t, newClient(t, other, p)),
		"a plain one's too": callbackOf(t, newClient(t, plainRow(), p)),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, opRow(), p).Exchange(t.Context(), callback)
			wantCheck(t, err, 3, "attempt-client", "mix-up: an honest provider's code sent to the attacker's")
		})
	}
	if len(p.asked) > 0 {
		t.Errorf("a code was sent: %v", p.asked)
	}
}

// The order in which metadata list methods means nothing: Basic is taken if it is listed.
func TestClientAuth(t *testing.T) {
	for want, listed := range map[string][]string{
		"client_secret_basic":             {"private_key_jwt", "client_secret_post", "client_secret_basic"},
		"client_secret_post":              {"private_key_jwt", "client_secret_post"},
		"private_key_jwt tls_client_auth": {"private_key_jwt", "tls_client_auth"},
	} {
		if got := new(Client).clientAuth(Metadata{TokenEndpointAuthMethods: listed}); got != want {
			t.Errorf("%v: %s, want %s", listed, got, want)
		}
	}
}
