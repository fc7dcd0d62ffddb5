package oauth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// callbackOf is a callback that passed step 2 at this client.
func callbackOf(t testing.TB, c *Client) Callback {
	t.Helper()
	return must(c.ParseCallback(t.Context(), attemptOf(c.Name), "state=st4te-st4te&code=c0de"))
}

// What is sent, to the letter.
func TestExchangeRequest(t *testing.T) {
	const form = "code=c0de&code_verifier=v3rifier&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback%2Fop"
	for name, tt := range map[string]struct {
		id, secret  string
		auth        string // of the entry
		methods     string // token_endpoint_auth_methods_supported
		basic, body string // what is expected: the header before base64, and the form
		reason      string
	}{
		"nothing said": {"app", "s3cret", "", "", "app:s3cret", form, "Basic is the default (RFC 8414 §2)"},
		"Basic, with all that it could break on": {"a:b%c+d e&fé", "§:%+& =~", "", "", "a%3Ab%25c%2Bd+e%26f%C3%A9:%C2%A7%3A%25%2B%26+%3D~", form,
			"form-encoded first (RFC 6749 §2.3.1): the first colon ends the id"},
		"form": {"a:b%c+d e&fé", "§:%+& =~", "client_secret_post", "", "",
			"client_id=a%3Ab%25c%2Bd+e%26f%C3%A9&client_secret=%C2%A7%3A%25%2B%26+%3D~&" + form, "encoded once, as each form value is"},
		"the metadata list both": {"app", "s3cret", "", `["private_key_jwt", "client_secret_post", "client_secret_basic"]`, "app:s3cret", form,
			"Basic wherever it is listed (RFC 6749 §2.3.1): the order means nothing"},
		"the metadata list the form alone": {"app", "s3cret", "", `["private_key_jwt", "client_secret_post"]`, "", "client_id=app&client_secret=s3cret&" + form, "what it takes, of what we can"},
		"the entry knows better":           {"app", "s3cret", "client_secret_post", `["client_secret_basic"]`, "", "client_id=app&client_secret=s3cret&" + form, "the entry says how the app is registered"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOP()
			if tt.methods != "" {
				p.says[opDiscovery] = saysJSON(member(opMetadata, `"token_endpoint_auth_methods_supported": `+tt.methods))
			}
			p.says[opToken] = saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "id_token": "x"}`)
			row := opRow()
			row.ClientAuth = tt.auth
			c := must(NewClient(row, tt.id, tt.secret, "https://app.example/callback/op", p))
			must(c.Exchange(t.Context(), callbackOf(t, c)))
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
			wantEqual(t, []RequestSent{want}, p.asked[1:], tt.reason)
		})
	}
}

// A provider that takes neither way must not be sent the secret in one of them. If the
// endpoints are in the provider entry, only step 3 can notice it.
func TestExchangeClientAuthUnknown(t *testing.T) {
	p, row := newOP().but(opDiscovery, saysJSON(member(opMetadata, `"token_endpoint_auth_methods_supported": ["private_key_jwt", "tls_client_auth"]`))), plainRow()
	row.ClientAuth = "private_key_jwt"
	for step, c := range map[int]*Client{0: newClient(t, opRow(), p), 3: newClient(t, row, p)} {
		_, err := c.Exchange(t.Context(), callbackOf(t, c))
		wantCheck(t, err, step, "token-client-auth", "in a way that nobody asked for")
		wantGot(t, err, CheckError{Got: map[int]string{0: "private_key_jwt tls_client_auth", 3: "private_key_jwt"}[step], Want: "client_secret_basic or client_secret_post"})
	}
	wantEqual(t, 0, p.count(opToken), "the secret is not sent")
}

// tokens does steps 2 to 4 at a provider without OpenID Connect.
func tokens(t testing.TB, c *Client, callbackQuery string) (Tokens, error) {
	t.Helper()
	callback := must(c.ParseCallback(t.Context(), attemptOf(c.Name), "state=st4te-st4te&code=c0de"+callbackQuery))
	unverified, err := c.Exchange(t.Context(), callback)
	if err != nil {
		return Tokens{}, err
	}
	return c.VerifyIDToken(t.Context(), unverified)
}

// Replies that are good, and what is made of them.
func TestExchangeTokens(t *testing.T) {
	granted := func(p *Provider) { p.GrantedScopesParameter = "granted_scopes" }
	for name, tt := range map[string]struct {
		members  string // of a good reply
		reply    answer // or another one
		row      func(*Provider)
		callback string        // added to the callback's query
		scopes   []string      // those asked for, if nil
		lifetime time.Duration // unknown, if 0
		reason   string
	}{
		"the least":          {reason: "no scope means as asked; no expires_in means that nobody knows (RFC 6749 §5.1)"},
		"bEARER":             {reply: saysJSON(`{"access_token": "t0ken", "token_type": "bEARER"}`), reason: "the type is case-insensitive (RFC 6749 §5.1)"},
		"expires_in":         {members: `, "expires_in": 3600`, lifetime: time.Hour, reason: "RFC 6749 §5.1"},
		"expires_in as text": {members: `, "expires_in": "3600"`, lifetime: time.Hour, reason: "some providers send a string"},
		"for ever":           {members: `, "expires_in": 1e99`, lifetime: maxLifetime, reason: "clamped to the longest that is believed, without an overflow"},
		"half a second":      {members: `, "expires_in": 3600.5`, lifetime: time.Hour, reason: "the fraction is dropped"},
		"a second":           {members: `, "expires_in": 1`, lifetime: time.Second, reason: "the shortest that a provider can name"},
		"expired before":     {members: `, "expires_in": -1`, reason: "what cannot be used reads as unknown: nothing depends on it"},
		"expires_in NaN":     {members: `, "expires_in": "NaN"`, reason: "likewise"},
		"expires_in Inf":     {members: `, "expires_in": "Inf"`, reason: "likewise"},
		"expires_in a list":  {members: `, "expires_in": [3600]`, reason: "likewise"},

		"scopes":             {members: `, "scope": "openid email"`, scopes: []string{"email", "openid"}, reason: "RFC 6749 §3.3; they are sorted"},
		"scope list":         {members: `, "scope": ["openid", "email"]`, scopes: []string{"email", "openid"}, reason: "Twitch"},
		"scopes with commas": {members: `, "scope": "user:email,read:user,user:email"`, scopes: []string{"read:user", "user:email"}, reason: "GitHub"},
		"fewer scopes":       {members: `, "scope": "openid"`, scopes: []string{"openid"}, reason: "the user unticked one: nobody may assume more than was granted"},
		"no scopes":          {members: `, "scope": ""`, scopes: []string{}, reason: "the user unticked them all"},
		"scope null":         {members: `, "scope": null`, reason: "null is absent, and absent means as asked (RFC 6749 §5.1)"},
		"in the callback": {row: granted, callback: "&granted_scopes=email,admin&denied_scopes=openid", scopes: []string{"email"},
			reason: "Facebook says it there; anyone who wrote the URL may have added to it"},
		"not in the callback":   {row: granted, reason: "nothing said means as asked (RFC 6749 §5.1)"},
		"in another's callback": {callback: "&granted_scopes=email", reason: "an unknown parameter, if the provider entry does not name it"},
		"without a name":        {callback: "&=email", reason: "if the provider entry names no parameter, the one with the empty name is none either"},
		"in both": {members: `, "scope": "email"`, row: granted, callback: "&granted_scopes=openid", scopes: []string{"email"},
			reason: "what came straight from the provider counts, not what came through the browser"},

		"unknown members": {members: `, "interval": 5, "nested": {"a": [null, true, 1e9]}`, reason: "they are ignored (RFC 6749 §5.1)"},
		"message":         {members: `, "message": "Welcome!"`, reason: "an error's text in other APIs, but this reply has a token and no error"},
		"a shape of its own": {reply: saysJSON(`{"data": {"access_token": "t0ken", "token_type": "bearer", "scope": "basic"}}`), scopes: []string{"basic"},
			row: func(p *Provider) {
				p.TokenReply = func(o Object) (inner Object, err error) { return inner, o.Read("data", &inner) }
			}, reason: "the entry's function unwraps it"},
	} {
		bubble(t, name, func(t *testing.T) {
			p, row := newOP(), with(plainRow(), tt.row)
			if p.says[opToken] = tt.reply; tt.reply == nil {
				p.says[opToken] = saysJSON(`{"access_token": "t0ken", "token_type": "Bearer"` + tt.members + `}`)
			}
			got, err := tokens(t, newClient(t, row, p), tt.callback)
			if err != nil {
				t.Fatalf("%v\nwhy: %s", err, tt.reason)
			}
			want := Tokens{Provider: "plain", AccessToken: "t0ken", Asked: []string{"openid", "email"}, Scopes: tt.scopes}
			if tt.scopes == nil {
				want.Scopes = want.Asked
			}
			if tt.lifetime > 0 {
				want.Issued, want.Expiry = time.Now(), time.Now().Add(tt.lifetime)
			}
			wantEqual(t, want, got, tt.reason)
		})
	}
}

// Replies that a check must refuse. The same table shows that no error holds a secret, and
// that a code is sent once, whatever the provider answers.
func TestExchangeReply(t *testing.T) {
	const good = `{"access_token": "t0ken", "token_type": "Bearer"}`
	and := func(member string) answer { return saysJSON(strings.Replace(good, "}", ", "+member+"}", 1)) }
	access := func(value string) answer { return saysJSON(strings.Replace(good, `"t0ken"`, value, 1)) }
	kind := func(value string) answer { return saysJSON(strings.Replace(good, `"Bearer"`, value, 1)) }
	openID := func(p *Provider) { *p = opRow(); p.Name = "plain" }
	shape := func(p *Provider) {
		p.TokenReply = func(Object) (Object, error) { return nil, errors.New("data is missing") }
	}
	for name, tt := range map[string]struct {
		reply  answer
		row    func(*Provider)
		fails  string
		reason string
	}{
		"a form unasked":        {says(200, "application/x-www-form-urlencoded", "access_token=t0ken&token_type=bearer"), nil, "reply-media-type", "only if the provider entry says so"},
		"a form, not 200":       {says(500, "text/plain", "access_token=t0ken&token_type=bearer"), nil, "reply-status-200", "a token is no reason, and in no error"},
		"a list":                {saysJSON("[" + good + "]"), nil, "reply-json", "a reply is one object"},
		"no token":              {saysJSON(`{"token_type": "Bearer"}`), nil, "token-access", "an empty token would be used"},
		"errcode 0":             {saysJSON(`{"errcode": 0, "errmsg": "ok"}`), nil, "token-access", "0 is no error"},
		"token a line":          {access(`"t0ken\r\nX-Admin: yes"`), nil, "token-access", "it would add a header to the next request"},
		"token number":          {access(`12345`), nil, "token-members", "it is a string"},
		"no type":               {saysJSON(`{"access_token": "t0ken"}`), nil, "token-type", "nobody knows how to use it (RFC 6749 §7.1)"},
		"MAC":                   {kind(`"mac"`), nil, "token-type", "sent as Bearer it would lose its protection"},
		"type a number":         {kind(`1`), nil, "token-members", "it is a string"},
		"refresh list":          {and(`"refresh_token": ["r3fresh"]`), nil, "token-members", "it is a string"},
		"unreadable":            {saysJSON(good), shape, "token-members", "the entry's function may refuse"},
		"unreadable error page": {says(500, "text/html", ""), shape, "reply-status-200", "the entry's function is for replies only"},
		"scope a number":        {and(`"scope": 7`), nil, "token-members", "text, or at Twitch a list"},
		"no ID token":           {saysJSON(good), openID, "token-id-token", "openid was asked for; a bare access token proves nobody (OIDC Core §3.1.3.3)"},
		"ID token object":       {and(`"id_token": {}`), openID, "token-members", "it is a string"},
	} {
		bubble(t, name, func(t *testing.T) {
			p, row := newOP().but(opToken, tt.reply), with(plainRow(), tt.row)
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
			wantEqual(t, 1, p.count(opToken), "the code is sent once")
		})
	}
}

// Some providers repeat in their errors what they were sent. Errors go to a page and a
// log.
func TestExchangeEchoedSecrets(t *testing.T) {
	const echo = "got c0de and v3rifier of app with s3cret+/=, YXBwOnMzY3JldCUyQiUyRiUzRA== or s3cret%2B%2F%3D"
	for name, reply := range map[string]answer{
		"description": says(400, "application/json", `{"error": "invalid_grant", "error_description": "`+echo+`"}`),
		"code":        says(400, "application/json", `{"error": "`+echo+`"}`),
		"URI":         says(400, "application/json", `{"error": "x", "error_uri": "https://op.example/?`+echo+`"}`),
		"list":        says(400, "application/json", `{"error": ["`+strings.ReplaceAll(echo, "/", `\/`)+`"]}`), // as PHP writes it
		"object, why": says(400, "application/json", `{"error": "x", "error_description": {"code": "\u0063\u0030de"}}`),
		"network":     func(*http.Request) (*http.Response, error) { return nil, errors.New(echo) },
	} {
		t.Run(name, func(t *testing.T) {
			c := must(NewClient(plainRow(), "app", "s3cret+/=", "https://app.example/callback/plain", newOP().but(opToken, reply)))
			_, err := c.Exchange(t.Context(), callbackOf(t, c))
			if err == nil {
				t.Fatal("no error")
			}
			text := fmt.Sprintf("%v", err)
			if refusal, ok := errors.AsType[*Refusal](err); ok {
				text = fmt.Sprintf("%+v", *refusal)
			}
			for _, secret := range []string{"c0de", `\u0063`, "v3rifier", "s3cret+/=", `s3cret+\/=`, "YXBwOnMzY3JldCUyQiUyRiUzRA==", "s3cret%2B%2F%3D"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s is in %s", secret, text)
				}
			}
		})
	}
}

// Whatever a token endpoint says, a token that is taken can be sent, and ends at a time that
// can be believed.
func FuzzTokenReply(f *testing.F) {
	f.Add(`{"access_token":"a","token_type":"Bearer","expires_in":3600,"id_token":"a.b.c","scope":"openid email"}`)
	f.Add(`{"access_token":"a\r\n","token_type":"mac","expires_in":"1e99","id_token":{}}`)
	f.Add(`{"error":{"message":1},"access_token":"a"}`)
	f.Fuzz(func(t *testing.T, body string) {
		c := newClient(t, opRow(), newOP().but(opToken, saysJSON(body)))
		u, err := c.Exchange(t.Context(), Callback{attempt: Attempt{Provider: "op", Scopes: []string{"openid"}}, code: "x"})
		if err != nil {
			return
		}
		token := u.tokens
		if token.AccessToken == "" || checkPrintable(token.AccessToken) != nil || u.idToken == "" {
			t.Errorf("access token %q and ID token %q were taken", token.AccessToken, u.idToken)
		}
		if left := time.Until(token.Expiry); !token.Expiry.IsZero() && (left < -time.Minute || left > 137*365*24*time.Hour) {
			t.Errorf("a token that ends in %s was taken", left)
		}
	})
}
