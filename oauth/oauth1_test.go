package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	xLeg1    = "https://x.example/request_token"
	xLeg3    = "https://x.example/access_token"
	xProfile = "https://x.example/me"
	xRevoke  = "https://x.example/invalidate"
	xBack    = "https://app.example/callback/x"
)

// xRow is a provider of OAuth 1.0a. As at X, an app may lack access to the profile.
func xRow() Provider1 {
	return Provider1{
		About:                  About{Name: "x"},
		TemporaryCredentialURL: xLeg1,
		AuthorizationURL:       "https://x.example/authenticate",
		TokenURL:               xLeg3,
		ProfileURL:             xProfile,
		RevokeURL:              xRevoke,
		ProfileClosed:          func(r *Refusal) bool { return r.Code == "453" },
		Profile: func(r ProfileInput) (p Profile, err error) {
			if r.API[0] == nil {
				return p, r.Token.Read("user_id", &p.Subject)
			}
			o, err := parseObject(r.API[0])
			if err != nil {
				return p, err
			}
			return p, o.Read("id_str", &p.Subject)
		},
	}
}

func newX() *op {
	return &op{says: map[string]answer{
		xLeg1:    saysForm("oauth_token=T%2B1&oauth_token_secret=S%261&oauth_callback_confirmed=true"),
		xLeg3:    saysForm("oauth_token=T2&oauth_token_secret=S2&user_id=2244994945"),
		xProfile: saysJSON(`{"id":2244994945,"id_str":"2244994945"}`),
	}}
}

// saysForm is a form, of whatever type its provider declares it.
func saysForm(body string) answer { return says(http.StatusOK, "text/html", body) }

func newClient1(t testing.TB, row Provider1, transport http.RoundTripper) *Client1 {
	t.Helper()
	return must(NewClient1(row, "key", "s3cret", xBack, transport))
}

// signIn1 goes through all steps with the callback that is given; %s in it is the
// temporary token.
func signIn1(t *testing.T, p *op, callback string) (Info, error) {
	t.Helper()
	ctx, client := t.Context(), newClient1(t, xRow(), p)
	attempt, _, err := client.Begin(ctx)
	if err != nil {
		return Info{}, err
	}
	parsed, err := client.ParseCallback(ctx, attempt, strings.ReplaceAll(callback, "%s", url.QueryEscape(attempt.TemporaryToken)))
	if err != nil {
		return Info{}, err
	}
	credentials, err := client.Exchange(ctx, parsed)
	if err != nil {
		return Info{}, err
	}
	return client.UserInfo(ctx, credentials)
}

const xCallback = "oauth_token=%s&oauth_verifier=V"

// Each way in which a sign-in with OAuth 1.0a goes wrong fails at the check that is
// there for it.
func TestChecks1(t *testing.T) {
	const confirmed = "&oauth_callback_confirmed=true"
	for name, tt := range map[string]struct {
		url      string // whose reply is another one,
		reply    answer
		callback string // or what the browser brings back instead
		step     int
		fails    string
		reason   string
	}{
		"leg 1, no token":              {xLeg1, saysForm("oauth_token_secret=S" + confirmed), "", 1, "temporary-credentials", "half of the credentials"},
		"leg 1, no secret":             {xLeg1, saysForm("oauth_token=T" + confirmed), "", 1, "temporary-credentials", "half of the credentials"},
		"leg 1, confirmed is false":    {xLeg1, saysForm("oauth_token=T&oauth_token_secret=S&oauth_callback_confirmed=false"), "", 1, "callback-confirmed", "only true is true"},
		"leg 1, confirmed in capitals": {xLeg1, saysForm("oauth_token=T%2B1&oauth_token_secret=S&oauth_callback_confirmed=TRUE"), xCallback, 0, "", "some write it otherwise than RFC 5849 §2.1"},
		"leg 1, status 201":            {xLeg1, says(201, "text/html", "oauth_token=T&oauth_token_secret=S"+confirmed), "", 1, "reply-status-200", "only 200 (RFC 5849 §2.1)"},

		"as it should be":                     {"", nil, xCallback, 0, "", "what the others are made from"},
		"another token":                       {"", nil, "oauth_token=stranger&oauth_verifier=V", 2, "callback-token", "an attacker's authorization in this user's session"},
		"no token":                            {"", nil, "oauth_verifier=V", 2, "callback-token", "empty is never equal"},
		"empty":                               {"", nil, "", 2, "callback-token", "nothing came back"},
		"two tokens":                          {"", nil, "oauth_token=%s&oauth_token=stranger&oauth_verifier=V", 2, "callback-query", "a proxy might read the other one"},
		"unreadable":                          {"", nil, xCallback + "&oauth_token=%zz", 2, "callback-query", "what cannot be read is not dropped"},
		"no verifier":                         {"", nil, "oauth_token=%s", 2, "callback-verifier", "nobody was asked"},
		"another token denied":                {"", nil, "denied=stranger", 2, "callback-token", "anybody can write such a link"},
		"another one denied next to this one": {"", nil, xCallback + "&denied=stranger", 2, "callback-token", "both must be this attempt's"},
		"this one denied next to another one": {"", nil, "denied=%s&oauth_token=stranger", 2, "callback-token", "both must be this attempt's"},

		"leg 3, no token":    {xLeg3, saysForm("oauth_token_secret=S"), xCallback, 3, "token-credentials", "half of the credentials"},
		"leg 3, no secret":   {xLeg3, saysForm("oauth_token=T&oauth_token_secret="), xCallback, 3, "token-credentials", "half of the credentials"},
		"leg 3, unreadable":  {xLeg3, saysForm("oauth_token=T&oauth_token_secret=S&user_id=%zz"), xCallback, 3, "token-credentials", "dropped silently by others"},
		"leg 3, two secrets": {xLeg3, saysForm("oauth_token=T&oauth_token_secret=S&oauth_token_secret=R"), xCallback, 3, "token-credentials", "which of them is it?"},
		"leg 3, no network":  {xLeg3, down, xCallback, 3, "reply-received", "nothing came back"},

		"profile, two users":       {xProfile, saysJSON(`{"id_str":"1","id_str":"2"}`), xCallback, 5, "reply-json", "two parsers would see two"},
		"profile, id_str a number": {xProfile, saysJSON(`{"id_str":1}`), xCallback, 5, "profile-members", "it would have been rounded"},
		"profile, nobody":          {xProfile, saysJSON(`{"name":"X Dev"}`), xCallback, 5, "profile-subject", "everybody without an id is the same user"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newX()
			if tt.url != "" {
				p.says[tt.url] = tt.reply
			}
			info, err := signIn1(t, p, tt.callback)
			wantCheck(t, err, tt.step, tt.fails, tt.reason)
			want := Info{}
			if tt.fails == "" {
				want = Info{Profile{Subject: "2244994945"}, []Reply{{xProfile, []byte(`{"id":2244994945,"id_str":"2244994945"}`)}}}
			}
			wantEqual(t, want, info, tt.reason)
			for _, secret := range []string{"T+1", "S&1", "stranger"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("%v holds %q", err, secret)
				}
			}
		})
	}
}

// A form that two readers read differently.
func TestCredentialsOfTwoReadings(t *testing.T) {
	for body, got := range map[string]string{
		"oauth_token=T&oauth_token=U&oauth_token_secret=S": `"oauth_token" occurs 2 times`,
		"oauth_token=%ff&oauth_token_secret=S":             "oauth_token is not valid UTF-8", // it would become U+FFFD
	} {
		p := newX()
		p.says[xLeg1] = saysForm(body)
		_, _, err := newClient1(t, xRow(), p).Begin(t.Context())
		wantCheck(t, err, 1, "temporary-credentials", "which of them is it?")
		wantGot(t, err, CheckError{Got: got})
	}
}

// If the profile is closed to the app, the token reply says who signed in.
func TestClosedProfile(t *testing.T) {
	p := newX()
	p.says[xProfile] = says(403, "application/json", `{"errors":[{"message":"a subset of the API","code":453}],"status":403}`)
	wantEqual(t, Info{Profile: Profile{Subject: "2244994945"}}, must(signIn1(t, p, xCallback)), "with user_id")
	p.says[xLeg3] = saysForm("oauth_token=T2&oauth_token_secret=S2")
	_, err := signIn1(t, p, xCallback)
	wantCheck(t, err, 5, "profile-subject", "without user_id")
}

// A denial is not a failed check, and says whether the user or the provider declined.
func TestRefusals1(t *testing.T) {
	const authFailed = `{"errors":[{"code":32,"message":"Could not authenticate you."}]}`
	for name, tt := range map[string]struct {
		url      string
		reply    answer
		callback string
		want     Refusal
		byUser   bool
		reason   string
	}{
		"the user's":                       {"", nil, "denied=%s", Refusal{Step: 2, Code: "denied"}, true, "X's word"},
		"the user's, with the token twice": {"", nil, "denied=%s&oauth_token=%s", Refusal{Step: 2, Code: "denied"}, true, "both are this attempt's"},
		"the user's, in the words of others": {"", nil, "oauth_token=%s&oauth_problem=user_refused&oauth_problem_advice=No.",
			Refusal{Step: 2, Code: "user_refused", Description: "No."}, true, "an extension that many speak"},
		"the user's, in both words": {"", nil, "denied=%s&oauth_problem=user_refused", Refusal{Step: 2, Code: "user_refused"}, true, "the word says more"},
		"the user's, badly encoded": {"", nil, "oauth_token=%s&oauth_problem=permission_denied&oauth_problem_advice=100%",
			Refusal{Step: 2, Code: "permission_denied"}, true, "the denial is not lost for its advice"},
		"leg 1, in words": {xLeg1, says(401, "text/html", "Failed to validate oauth signature and token"), "",
			Refusal{Step: 1, Status: 401, Description: "Failed to validate oauth signature and token"}, false, "X's, of 2012"},
		"leg 1, in the words of others": {xLeg1, says(401, "text/plain", "oauth_problem=consumer_key_unknown"), "", Refusal{Step: 1, Status: 401, Code: "consumer_key_unknown"}, false, "a form"},
		"leg 1": {xLeg1, says(403, "application/json", `{"errors":[{"code":415,"message":"Callback URL not approved"}]}`), "",
			Refusal{Step: 1, Status: 403, Code: "415", Description: "Callback URL not approved"}, false, "X's errors are a list"},
		"leg 3": {xLeg3, says(401, "text/html", authFailed), xCallback, Refusal{Step: 3, Status: 401, Code: "32", Description: "Could not authenticate you."}, false, "JSON, whatever its type"},
		"profile": {xProfile, says(401, "application/json", authFailed), xCallback,
			Refusal{Step: 5, Status: 401, Code: "32", Description: "Could not authenticate you."}, false, "not the refusal that says closed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newX()
			if tt.url != "" {
				p.says[tt.url] = tt.reply
			}
			_, err := signIn1(t, p, tt.callback)
			wantRefusal(t, err, tt.want, tt.reason)
			wantEqual(t, tt.byUser, tt.want.ByUser(), "by the user")
		})
	}
}

// What is sent: the parameters of each leg, in the header and nowhere else, a
// nonce and a time of its own in each, and no secret.
func TestRequests1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newX()
		must(signIn1(t, p, xCallback))
		random := regexp.MustCompile(`oauth_nonce="(\w{20,})"|oauth_signature="[^"]{28,}"`)
		var got, nonces []string
		for _, r := range p.asked {
			header := r.Header.Get("Authorization")
			nonces = append(nonces, random.FindStringSubmatch(header)[1])
			got = append(got, r.Method+" "+r.URL+" "+random.ReplaceAllString(header, "‹random›")+r.Body)
		}
		const each = `OAuth oauth_consumer_key="key", ‹random›, oauth_signature_method="HMAC-SHA1", oauth_timestamp="946684800", oauth_version="1.0", `
		want := []string{
			"POST " + xLeg1 + " " + each + `oauth_callback="https%3A%2F%2Fapp.example%2Fcallback%2Fx", ‹random›`,
			"POST " + xLeg3 + " " + each + `oauth_token="T%2B1", oauth_verifier="V", ‹random›`,
			"GET " + xProfile + " " + each + `oauth_token="T2", ‹random›`,
		}
		wantEqual(t, want, got, "what is sent")
		if slices.Sort(nonces); len(slices.Compact(nonces)) != len(want) {
			t.Errorf("a nonce twice: %q", nonces)
		}
	})
}

// The attempt's cookie is found by the callback's oauth_token or denied, once.
func TestAttempts1(t *testing.T) {
	a, b := newAttempts(false), browser{}
	attempt, _, err := newClient1(t, xRow(), newX()).Begin(t.Context())
	if err != nil || attempt.Begun.Location() != time.UTC {
		t.Fatalf("begun at %s, %v", attempt.Begun, err)
	}
	b.put(t, a, attempt)
	for _, tt := range []struct {
		b            browser
		query, fails string
	}{
		{b, "", "callback-state"},
		{b, "oauth_token=stranger", "attempt-found"},
		{b, "denied=stranger", "attempt-found"},
		{b, "oauth_token=T%2B1&state=something", "attempt-found"},
		{browser{}, "oauth_token=T%2B1", "attempt-found"},
		{b, "denied=T%2B1", ""},
		{b, "oauth_token=T%2B1&oauth_verifier=V", "attempt-unused"},
	} {
		got, err := a.Take(httptest.NewRecorder(), tt.b.request("/callback/x?"+tt.query))
		wantCheck(t, err, 2, tt.fails, tt.query)
		want := Attempt{}
		if tt.fails == "" {
			want = attempt
		}
		wantEqual(t, want, got, "the attempt of "+tt.query)
	}
}

// NewClient1 refuses what could not work, or would not be safe.
func TestNewClient1(t *testing.T) {
	for name, tt := range map[string]struct {
		id, secret, back string
		row              func(*Provider1)
		ok               bool
		reason           string
	}{
		"good":               {"id", "secret", xBack, func(*Provider1) {}, true, "the usual"},
		"no id":              {"", "secret", xBack, func(*Provider1) {}, false, "half a pair"},
		"no secret":          {"id", "", xBack, func(*Provider1) {}, false, "half a pair"},
		"no host":            {"id", "secret", "/callback/x", func(*Provider1) {}, false, "anyone who sends the Host header would choose"},
		"not over TLS":       {"id", "secret", xBack, func(p *Provider1) { p.TokenURL = "http://x.example/access_token" }, false, "credentials read on the wire"},
		"browser not":        {"id", "secret", xBack, func(p *Provider1) { p.AuthorizationURL = "http://x.example/a" }, false, "the sign-in page changed on the wire"},
		"at home":            {"id", "secret", xBack, func(p *Provider1) { p.AuthorizationURL, p.TokenURL = "http://localhost/a", "http://localhost/t" }, true, "the fake provider"},
		"browser home alone": {"id", "secret", xBack, func(p *Provider1) { p.AuthorizationURL = "http://localhost/a" }, false, "a provider out there could send the browser to services of its user's machine"},
	} {
		row := xRow()
		tt.row(&row)
		if _, err := NewClient1(row, tt.id, tt.secret, tt.back, nil); (err == nil) != tt.ok {
			t.Errorf("%s: %v: %s", name, err, tt.reason)
		}
	}
	row := xRow()
	row.TemporaryCredentialURL = "http://x.example/request_token"
	_, _, err := newClient1(t, row, newX()).Begin(t.Context())
	wantCheck(t, err, 1, "endpoint-https", "leg 1 is looked at before it is sent")
}

// Stored credentials that answer for another user than before are no longer this
// user's, as with the sub of OpenID Connect.
func TestSubject1(t *testing.T) {
	for subject, fails := range map[string]string{"": "", "2244994945": "", "22449949450": "userinfo-sub"} {
		_, err := newClient1(t, xRow(), newX()).UserInfo(t.Context(), TokenCredentials{Provider: "x", Token: "T2", Secret: "S2", Subject: subject})
		wantCheck(t, err, 5, fails, "stored for "+subject)
	}
}

func TestRevoke1(t *testing.T) {
	credentials := TokenCredentials{Provider: "x", Token: "t0ken", Secret: "t0ken s3cret"}
	p, row := newX(), xRow()
	row.RevokeURL = ""
	if err := newClient1(t, row, p).Revoke(t.Context(), credentials); !errors.Is(err, ErrNoRevocation) {
		t.Errorf("without a URL: %v", err)
	}
	c := newClient1(t, xRow(), p)
	wantCheck(t, c.Revoke(t.Context(), credentials), 7, "reply-received", "nothing came back")
	p.says[xRevoke] = says(503, "text/html", "")
	wantCheck(t, c.Revoke(t.Context(), credentials), 7, "revoke-done", "that is no success")
	p.says[xRevoke] = saysJSON(`{"access_token": "t0ken"}`)
	wantCheck(t, c.Revoke(t.Context(), credentials), 7, "", "done")
	if last := p.asked[len(p.asked)-1]; last.Method != "POST" || !strings.Contains(last.Header.Get("Authorization"), `oauth_token="t0ken"`) {
		t.Errorf("not signed with the token itself: %v", last)
	}
}

// The token's end is known by the API's 401. What cannot be signed is not sent.
func TestGet1(t *testing.T) {
	p, row := newX(), xRow()
	row.ProfileClosed = nil
	c := newClient1(t, row, p)
	p.says[xProfile] = says(401, "application/json", `{"error": "gone"}`)
	tokens := TokenCredentials{Provider: "x", Token: "t0ken"}
	_, err := c.UserInfo(t.Context(), tokens)
	wantRefusal(t, err, Refusal{Step: 5, Status: 401, Code: "gone"}, "the entry does not say that this API may be closed")
	for err, want := range map[error]bool{err: true, &Refusal{Step: 5, Status: 403}: false} {
		wantEqual(t, want, c.TokenRefused(err), fmt.Sprint(err))
	}
	_, err = c.Get(t.Context(), tokens, "https://x.example/?a=%zz")
	if want := `oauth: step 5: invalid URL escape "%zz"`; err == nil || err.Error() != want || len(p.asked) != 1 {
		t.Errorf("got %v, want %s", err, want)
	}
}
