package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// before are tokens as the first sign-in left them.
func before(row Provider) Tokens {
	t := Tokens{
		Provider: row.Name, AccessToken: "0ld", RefreshToken: "refr3sh",
		Expiry: time.Unix(epoch, 0), Scopes: []string{"email", "openid"}, Asked: []string{"openid", "email", "profile"}, Subject: "248289761001",
	}
	if row.OpenID {
		t.IDToken, _ = parseObject([]byte(claims(set{"auth_time": epoch - 60})))
	}
	return t
}

func TestRefresh(t *testing.T) {
	const plain = `{"access_token": "n3w", "token_type": "Bearer", "expires_in": 3600`
	idToken := func(changes set) string {
		if changes["nonce"] == nil {
			changes["nonce"] = absent
		}
		return plain + `, "id_token": "` + sign(rs256, claims(changes), rsaKey()) + `"}`
	}
	for name, tt := range map[string]struct {
		row    func(*Provider)
		tokens func(*Tokens)
		reply  string
		step   int
		fails  string
		reason string
	}{
		"no ID token":     {reply: plain + `}`, reason: "it may be left out (OIDC Core §12.2)"},
		"ID token":        {reply: idToken(set{}), reason: "without a nonce, as it should be"},
		"the first nonce": {reply: idToken(set{"nonce": "n-0S6_WzA2Mj"}), reason: "the conformance suite repeats it"},

		"no refresh token": {tokens: func(t *Tokens) { t.RefreshToken = "" }, reply: plain + `}`, step: 6, fails: "refresh-token", reason: "there is nothing to send"},
		"no access token":  {reply: `{"token_type": "Bearer"}`, step: 6, fails: "token-access", reason: "a reply is checked like the first"},
		"mistyped":         {reply: `{"access_token": 1}`, step: 6, fails: "token-members", reason: "likewise"},

		"other sub":                   {reply: idToken(set{"sub": "mallory"}), step: 6, fails: "refresh-sub", reason: "another user"},
		"other iss":                   {row: func(p *Provider) { p.IssuerAliases = []string{"op.example"} }, reply: idToken(set{"iss": "op.example"}), step: 6, fails: "refresh-iss", reason: "even another name of the same issuer: it must be the same"},
		"other aud then":              {tokens: func(t *Tokens) { t.IDToken["aud"] = []byte(`"former-app"`) }, reply: idToken(set{}), step: 6, fails: "refresh-aud", reason: "the tokens were given to another app"},
		"other nonce":                 {reply: idToken(set{"nonce": "other"}), step: 4, fails: "claim-nonce", reason: "if it has one, it is the first one's"},
		"new auth_time":               {reply: idToken(set{"auth_time": epoch}), step: 6, fails: "refresh-auth-time", reason: "nobody authenticated anew"},
		"first auth_time":             {tokens: func(t *Tokens) { delete(t.IDToken, "auth_time") }, reply: idToken(set{"auth_time": epoch}), reason: "a claim that the first token lacked"},
		"auth_time spelled otherwise": {reply: idToken(set{"auth_time": json.Number("946684740.0")}), reason: "the same value (OIDC Core §12.2)"},
		"future auth_time":            {tokens: func(t *Tokens) { delete(t.IDToken, "auth_time") }, reply: idToken(set{"auth_time": epoch + 3600}), step: 6, fails: "refresh-auth-time", reason: "not plausible"},
		"auth_time a minute ahead":    {tokens: func(t *Tokens) { delete(t.IDToken, "auth_time") }, reply: idToken(set{"auth_time": epoch + 60}), step: 6, fails: "refresh-auth-time", reason: "more than clocks differ"},
		"new azp":                     {reply: idToken(set{"azp": "app"}), step: 6, fails: "refresh-aud", reason: "one that was not there must not appear (OIDC Core §12.2)"},
		"unusable members":            {reply: strings.Replace(idToken(set{"nbf": 0, "aud": []string{"app", "app"}}), "3600", "[1e99]", 1), reason: "the rotated refresh token is not thrown away for them"},
		"forged":                      {reply: plain + `, "id_token": "` + flip(sign(rs256, claims(set{"nonce": absent}), rsaKey()), 2) + `"}`, step: 4, fails: "id-token-signature", reason: "anybody can write a token"},
		"expired":                     {reply: idToken(set{"exp": epoch - 61}), step: 4, fails: "claim-exp", reason: "verified like the first"},
		"old":                         {reply: idToken(set{"iat": epoch - 61}), step: 4, fails: "claim-iat-fresh", reason: "issued for an earlier request"},
	} {
		bubble(t, name, func(t *testing.T) {
			row := with(opRow(), tt.row)
			tokens := with(before(row), tt.tokens)
			got, err := newClient(t, row, newOP().but(opToken, saysJSON(tt.reply))).Refresh(t.Context(), tokens)
			wantCheck(t, err, tt.step, tt.fails, tt.reason)
			if tt.fails != "" && got.AccessToken != "" {
				t.Error("tokens with an error")
			}
			if tt.fails == "" && (got.AccessToken != "n3w" || got.Subject != tokens.Subject) {
				t.Errorf("%s: %+v", tt.reason, got)
			}
		})
	}
}

// Every refresh is compared with the ID token of the sign-in (OIDC Core §12.2), even if an ID token
// in between lacked the claim.
func TestRefreshTwice(t *testing.T) {
	idToken := func(changes set) answer {
		return saysJSON(`{"access_token": "n3w", "token_type": "Bearer", "id_token": "` + sign(rs256, claims(changes), rsaKey()) + `"}`)
	}
	for name, tt := range map[string]struct {
		second set
		step   int
		fails  string
		reason string
	}{
		"the same nonce":    {set{"auth_time": epoch - 60}, 0, "", "it may come back"},
		"another nonce":     {set{"nonce": "0ther"}, 4, "claim-nonce", "another sign-in's ID token"},
		"another auth_time": {set{"auth_time": epoch - 30}, 6, "refresh-auth-time", "another sign-in's ID token"},
	} {
		bubble(t, name, func(t *testing.T) {
			p := newOP().but(opToken, idToken(set{"nonce": absent}))
			c := newClient(t, opRow(), p)
			tokens := must(c.Refresh(t.Context(), before(opRow())))
			p.says[opToken] = idToken(tt.second)
			_, err := c.Refresh(t.Context(), tokens)
			wantCheck(t, err, tt.step, tt.fails, tt.reason)
		})
	}
}

// What a refresh sends, and what it keeps of the old tokens.
func TestRefreshKeeps(t *testing.T) {
	for name, tt := range map[string]struct {
		members string
		want    Tokens
		reason  string
	}{
		"nothing new": {``, Tokens{RefreshToken: "refr3sh", Scopes: []string{"email", "openid"}},
			"no refresh token means that the old one stays good, no scope the same ones, no expires_in that nobody knows"},
		"all new": {`, "refresh_token": "n3xt", "scope": "openid", "expires_in": 60`,
			Tokens{RefreshToken: "n3xt", Scopes: []string{"openid"}, Issued: time.Unix(epoch, 0), Expiry: time.Unix(epoch+60, 0)}, "the old refresh token may be spent"},
		"an ID token": {`, "id_token": "not looked at"`, Tokens{RefreshToken: "refr3sh", Scopes: []string{"email", "openid"}},
			"without OpenID Connect there is nothing to verify it with, and nothing uses it"},
	} {
		bubble(t, name, func(t *testing.T) {
			p := newOP().but(opToken, saysJSON(`{"access_token": "n3w", "token_type": "bearer"`+tt.members+`}`))
			old := before(plainRow())
			got := must(newClient(t, plainRow(), p).Refresh(t.Context(), old))
			tt.want.Provider, tt.want.AccessToken, tt.want.Asked, tt.want.Subject = "plain", "n3w", old.Asked, old.Subject
			wantEqual(t, tt.want, got, tt.reason)
			form, _ := url.ParseQuery(p.asked[0].Body)
			wantEqual(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"refr3sh"}}, form, "what is sent")
			id, secret, _ := (&http.Request{Header: p.asked[0].Header}).BasicAuth()
			wantEqual(t, "app s3cret", id+" "+secret, "authenticated as at the first time")
		})
	}
}

// While the provider's keys are out of reach no refresh is asked for: its reply could
// not be verified, and a rotated refresh token would be lost with it.
func TestRefreshNeedsKeys(t *testing.T) {
	p := newOP().but(opJWKS, says(503, "text/plain", "down"))
	_, err := newClient(t, opRow(), p).Refresh(t.Context(), before(opRow()))
	wantCheck(t, err, 4, "reply-status-200", "the keys come first")
	wantEqual(t, 0, p.count(opToken), "the refresh token is not spent")
}

// The keys are not fetched for each refresh, but after an hour they are.
func TestRefreshFetchesKeysOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP().but(opToken, saysJSON(`{"access_token": "n3w", "token_type": "Bearer"}`))
		c := newClient(t, opRow(), p)
		fetched := map[time.Duration]int{}
		for _, wait := range []time.Duration{0, 1, time.Hour - 1} {
			time.Sleep(wait)
			must(c.Refresh(t.Context(), before(opRow())))
			fetched[wait] = p.count(opJWKS)
		}
		wantEqual(t, map[time.Duration]int{0: 1, 1: 1, time.Hour - 1: 2}, fetched, "fetches after each wait")
		stored := before(opRow())
		stored.IDToken = maps.Clone(stored.IDToken)
		stored.IDToken["nonce"] = []byte("7")
		p.says[opToken] = saysJSON(`{"access_token": "n3w", "token_type": "Bearer", "id_token": "` + tokenOf("rsa") + `"}`)
		if got, err := c.Refresh(t.Context(), stored); fmt.Sprint(err) != "nonce has the wrong type" || got.AccessToken != "" {
			t.Errorf("a store that lost its data: %v", err)
		}
	})
}

func TestRefreshRefused(t *testing.T) {
	row := plainRow()
	row.InvalidGrant = []string{"bad_refresh_token"}
	for body, want := range map[string]Refusal{
		`{"error": "invalid_grant", "error_description": "gone"}`:     {Step: 6, Status: 400, Code: "invalid_grant", Description: "gone"},
		`{"error": "bad_refresh_token", "error_description": "gone"}`: {Step: 6, Status: 400, Code: "invalid_grant", Description: "gone"},
		`{"error": "invalid_client"}`:                                 {Step: 6, Status: 400, Code: "invalid_client"},
	} {
		_, err := newClient(t, row, newOP().but(opToken, says(400, "application/json", body))).Refresh(t.Context(), before(row))
		wantRefusal(t, err, want, "the end of the grant has one name")
	}
}

func TestRefreshDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for left, want := range map[time.Duration]bool{time.Hour: false, time.Minute: false, time.Minute - 1: true, -time.Hour: true} {
			wantEqual(t, want, Tokens{Expiry: time.Now().Add(left)}.RefreshDue(), left.String()+" left")
		}
		// In the last tenth of a life shorter than ten minutes.
		for age, want := range map[time.Duration]bool{0: false, 54 * time.Second: false, 54*time.Second + 1: true, time.Minute: true} {
			issued := time.Now().Add(-age)
			wantEqual(t, want, Tokens{Issued: issued, Expiry: issued.Add(time.Minute)}.RefreshDue(), age.String()+" old, of a minute")
		}
		wantEqual(t, false, Tokens{Issued: time.Now()}.RefreshDue(), "without a known end")
	})
}

func TestTokenRefused(t *testing.T) {
	row := plainRow()
	row.InvalidGrant = []string{"190"}
	for name, tt := range map[string]struct {
		reply answer
		want  bool
	}{
		"said so":              {says(401, "application/json", `{"error": "invalid_token"}`), true},
		"in a header only":     {says(401, "text/plain", ``, "WWW-Authenticate", `Bearer error="invalid_token"`), true},
		"in Meta's words":      {says(400, "application/json", `{"error": {"code": 190, "message": "expired"}}`), true},
		"not allowed":          {says(403, "application/json", `{"error": "insufficient_scope"}`), false},
		"broken":               {says(500, "text/plain", `oops`), false},
		"good":                 {saysJSON(`{"sub": "1"}`), false},
		"nobody there":         {func(*http.Request) (*http.Response, error) { return nil, errors.New("down") }, false},
		"too long, and a 401":  {says(401, "text/plain", strings.Repeat("x", maxReply+1)), false},
		"an error page as 401": {says(401, "text/html", `<h1>401</h1>`), true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, row, newOP().but(opUserinfo, tt.reply))
			_, err := c.Get(t.Context(), before(row), opUserinfo)
			wantEqual(t, tt.want, c.TokenRefused(err), fmt.Sprint(err))
		})
	}
	// Only an API's own word is a reason to refresh: a refresh for a refresh would never end.
	for _, err := range []error{
		&Refusal{Step: 6, Status: 401},
		&CheckError{Check: Check{Step: 6, Name: replyStatus.Name}, Got: "401"},
		&CheckError{Check: Check{Step: 5, Name: replyMediaType.Name}, Got: "401"},
	} {
		wantEqual(t, false, newClient(t, row, nil).TokenRefused(err), fmt.Sprintf("not the word of an API: %v", err))
	}
}

// The user that comes back must be the user that left to connect an account.
func TestCheckUser(t *testing.T) {
	for _, tt := range []struct{ began, now, fails, reason string }{
		{"", "", "", "a sign-in"},
		{"", "ada", "", "a sign-in of a user who is signed in already is one all the same"},
		{"ada", "ada", "", "connected"},
		{"ada", "", "attempt-user", "signed out meanwhile"},
		{"ada", "mallory", "attempt-user", "somebody else's account would be connected"},
	} {
		wantCheck(t, Attempt{User: tt.began}.CheckUser(t.Context(), tt.now), 2, tt.fails, tt.reason)
	}
}

func TestRevoke(t *testing.T) {
	const opRevoke = "https://op.example/revoke"
	own := func(_, _ string, t Tokens) Request {
		return Request{Method: http.MethodDelete, URL: opRevoke + "?token=" + t.AccessToken}
	}
	for name, tt := range map[string]struct {
		row    func(*Provider)
		tokens func(*Tokens)
		reply  answer
		asked  RequestSent
		step   int
		fails  string
		reason string
	}{
		"refresh token": {reply: says(200, "text/html", "<p>gone</p>"), asked: RequestSent{Method: "POST", Body: "token=refr3sh"}, reason: "an access token alone would leave the grant alive (RFC 7009 §2.1); 200 says it all (§2.2)"},
		"access token":  {tokens: func(t *Tokens) { t.RefreshToken = "" }, reply: says(200, "", ""), asked: RequestSent{Method: "POST", Body: "token=0ld"}, reason: "if there is no other"},
		"its own way":   {row: func(p *Provider) { p.RevokeRequest = own }, reply: says(204, "", ""), asked: RequestSent{Method: "DELETE", URL: "?token=0ld"}, reason: "before the endpoint"},

		"dead already": {reply: says(400, "application/json", `{"error": "invalid_token"}`), asked: RequestSent{Method: "POST", Body: "token=refr3sh"}, reason: "the purpose is achieved (RFC 7009 §2.2)"},

		"its own, busy":   {row: func(p *Provider) { p.RevokeRequest = own }, reply: says(503, "text/plain", "later"), step: 7, fails: "revoke-done", reason: "likewise"},
		"busy":            {reply: says(503, "text/plain", "later"), step: 7, fails: "revoke-done", reason: "the token may still work (RFC 7009 §2.2.1)"},
		"redirected":      {reply: says(302, "text/plain", "", "Location", "https://elsewhere.example/"), step: 7, fails: "revoke-done", reason: "the token goes nowhere else"},
		"network is down": {step: 7, fails: "reply-received", reason: "nothing is known"},
	} {
		t.Run(name, func(t *testing.T) {
			row := with(plainRow(), tt.row)
			row.Metadata.RevocationEndpoint = opRevoke
			p := newOP()
			if tt.reply != nil {
				p.says[opRevoke] = tt.reply
			}
			tokens := with(before(row), tt.tokens)
			wantCheck(t, newClient(t, row, p).Revoke(t.Context(), tokens), tt.step, tt.fails, tt.reason)
			if tt.fails == "" {
				tt.asked.URL = opRevoke + tt.asked.URL
				got := p.asked[0]
				got.Header = nil
				wantEqual(t, tt.asked, got, tt.reason)
			}
		})
	}
	row := plainRow()
	if err := newClient(t, row, newOP()).Revoke(t.Context(), before(row)); !errors.Is(err, ErrNoRevocation) {
		t.Errorf("without any way: %v", err)
	}
	row.Metadata.RevocationEndpoint = opRevoke
	p := newOP().but(opRevoke, says(400, "application/json", `{"error": "unsupported_token_type"}`))
	wantRefusal(t, newClient(t, row, p).Revoke(t.Context(), before(row)), Refusal{Step: 7, Status: 400, Code: "unsupported_token_type"}, "that is no success")
}
