package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
	"github.com/google/go-cmp/cmp"
)

// x is what X answers, by path: a status, a media type and a body. It keeps what
// it was asked.
type x struct {
	replies map[string][3]any
	asked   []*http.Request
}

const (
	xLeg1    = "/oauth/request_token"
	xLeg3    = "/oauth/access_token"
	xProfile = "/1.1/account/verify_credentials.json"
)

func honestX() *x {
	return &x{replies: map[string][3]any{
		xLeg1:    {200, "text/html", "oauth_token=T%2B1&oauth_token_secret=S%261&oauth_callback_confirmed=true"},
		xLeg3:    {200, "text/html", "oauth_token=T2&oauth_token_secret=S2&user_id=2244994945&screen_name=XDevelopers"},
		xProfile: {200, "application/json;charset=utf-8", `{"id":2244994945,"id_str":"2244994945","name":"X Dev"}`},
	}}
}

func (p *x) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked = append(p.asked, r)
	reply, ok := p.replies[r.URL.Path]
	if !ok {
		return nil, errors.New("connection refused")
	}
	header := http.Header{"Content-Type": {reply[1].(string)}}
	if reply[0] == http.StatusTemporaryRedirect {
		header.Set("Location", "https://evil.example/")
	}
	return &http.Response{StatusCode: reply[0].(int), Header: header, Body: io.NopCloser(strings.NewReader(reply[2].(string))), Request: r}, nil
}

func (p *x) client(t *testing.T) *oauth.Client1 {
	t.Helper()
	client, err := oauth.NewClient1(providers.X(), "key", "secret", "http://127.0.0.1:8080/callback/x", p)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// signIn goes through all steps with the callback that is given; %s in it is the
// temporary token.
func (p *x) signIn(t *testing.T, callback string) (oauth.Info, error) {
	t.Helper()
	ctx, client := t.Context(), p.client(t)
	attempt, _, err := client.Begin(ctx)
	if err != nil {
		return oauth.Info{}, err
	}
	query := strings.ReplaceAll(callback, "%s", url.QueryEscape(attempt.TemporaryToken))
	parsed, err := client.ParseCallback(ctx, attempt, query)
	if err != nil {
		return oauth.Info{}, err
	}
	credentials, err := client.Exchange(ctx, parsed)
	if err != nil {
		return oauth.Info{}, err
	}
	return client.UserInfo(ctx, credentials)
}

const xCallback = "oauth_token=%s&oauth_verifier=V"

// Each way in which a sign-in with OAuth 1.0a goes wrong fails at the check that is
// there for it.
func TestChecks1(t *testing.T) {
	for _, tt := range []struct {
		name, reason string
		path         string // whose reply is another one,
		reply        [3]any
		callback     string // or what the browser brings back instead
		step         int
		check        string
	}{
		{"leg 1, no token", "half of the credentials", xLeg1, [3]any{200, "text/html", "oauth_token_secret=S&oauth_callback_confirmed=true"}, "", 1, "temporary-credentials"},
		{"leg 1, no secret", "half of the credentials", xLeg1, [3]any{200, "text/html", "oauth_token=T&oauth_callback_confirmed=true"}, "", 1, "temporary-credentials"},
		{"leg 1, two tokens", "which of them is it?", xLeg1, [3]any{200, "text/html", "oauth_token=T&oauth_token=U&oauth_token_secret=S&oauth_callback_confirmed=true"}, "", 1, "temporary-credentials"},
		{"leg 1, a page", "200 says nothing yet", xLeg1, [3]any{200, "text/html", "<html>100%</html>"}, "", 1, "temporary-credentials"},
		{"leg 1, not confirmed", "OAuth 1.0 without the a", xLeg1, [3]any{200, "text/html", "oauth_token=T&oauth_token_secret=S"}, "", 1, "callback-confirmed"},
		{"leg 1, confirmed is false", "only true is true", xLeg1, [3]any{200, "text/html", "oauth_token=T&oauth_token_secret=S&oauth_callback_confirmed=false"}, "", 1, "callback-confirmed"},
		{"leg 1, status 201", "only 200 (RFC 5849 §2.1)", xLeg1, [3]any{201, "text/html", "oauth_token=T&oauth_token_secret=S&oauth_callback_confirmed=true"}, "", 1, "reply-status-200"},
		{"leg 1, redirected", "the signature was for another host", xLeg1, [3]any{307, "text/html", ""}, "", 1, "reply-status-200"},
		{"leg 1, endless", "no honest reply is so long", xLeg1, [3]any{200, "text/html", strings.Repeat("a", 1<<20+1)}, "", 1, "reply-size"},

		{"callback, another token", "an attacker's authorization in this user's session", "", [3]any{}, "oauth_token=stranger&oauth_verifier=V", 2, "callback-token"},
		{"callback, no token", "empty is never equal", "", [3]any{}, "oauth_verifier=V", 2, "callback-token"},
		{"callback, empty", "nothing came back", "", [3]any{}, "", 2, "callback-token"},
		{"callback, two tokens", "a proxy might read the other one", "", [3]any{}, "oauth_token=%s&oauth_token=stranger&oauth_verifier=V", 2, "callback-once"},
		{"callback, two verifiers", "which of them is it?", "", [3]any{}, xCallback + "&oauth_verifier=W", 2, "callback-once"},
		{"callback, unreadable", "what cannot be read is not dropped", "", [3]any{}, xCallback + "&oauth_token=%zz", 2, "callback-once"},
		{"callback, unreadable verifier", "likewise", "", [3]any{}, xCallback + "&oauth_verifier=%zz", 2, "callback-once"},
		{"callback, unreadable denial", "likewise", "", [3]any{}, xCallback + "&denied=%zz", 2, "callback-once"},
		{"callback, unreadable problem", "likewise", "", [3]any{}, xCallback + "&oauth_problem=%zz", 2, "callback-once"},
		{"callback, no verifier", "nobody was asked", "", [3]any{}, "oauth_token=%s", 2, "callback-verifier"},
		{"callback, empty verifier", "nobody was asked", "", [3]any{}, "oauth_token=%s&oauth_verifier=", 2, "callback-verifier"},
		{"callback, another token denied", "anybody can write such a link", "", [3]any{}, "denied=stranger", 2, "callback-token"},
		{"callback, denied what?", "empty is never equal", "", [3]any{}, "denied=", 2, "callback-token"},
		{"callback, another one denied next to this one", "both must be this attempt's", "", [3]any{}, xCallback + "&denied=stranger", 2, "callback-token"},
		{"callback, this one denied next to another one", "both must be this attempt's", "", [3]any{}, "denied=%s&oauth_token=stranger", 2, "callback-token"},

		{"leg 3, no token", "half of the credentials", xLeg3, [3]any{200, "text/html", "oauth_token_secret=S"}, xCallback, 3, "token-credentials"},
		{"leg 3, no secret", "half of the credentials", xLeg3, [3]any{200, "text/html", "oauth_token=T&oauth_token_secret="}, xCallback, 3, "token-credentials"},
		{"leg 3, two secrets", "which of them is it?", xLeg3, [3]any{200, "text/html", "oauth_token=T&oauth_token_secret=S&oauth_token_secret=R"}, xCallback, 3, "token-credentials"},
		{"leg 3, status 202", "only 200 (RFC 5849 §2.3)", xLeg3, [3]any{202, "text/html", "oauth_token=T&oauth_token_secret=S"}, xCallback, 3, "reply-status-200"},

		{"profile, a page", "a file of a user's on X's host", xProfile, [3]any{200, "text/html", `{"id_str":"1"}`}, xCallback, 5, "reply-media-type"},
		{"profile, two users", "two parsers would see two", xProfile, [3]any{200, "application/json", `{"id_str":"1","id_str":"2"}`}, xCallback, 5, "reply-json"},
		{"profile, id_str a number", "it would have been rounded", xProfile, [3]any{200, "application/json", `{"id_str":1}`}, xCallback, 5, "profile-members"},
		{"profile, nobody", "everybody without an id is the same user", xProfile, [3]any{200, "application/json", `{"name":"X Dev"}`}, xCallback, 5, "profile-subject"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := honestX()
			if tt.path != "" {
				p.replies[tt.path] = tt.reply
			}
			info, err := p.signIn(t, tt.callback)
			failed, ok := errors.AsType[*oauth.CheckError](err)
			if !ok || failed.Check.Name != tt.check || failed.Check.Step != tt.step {
				t.Fatalf("got %v, want check %s in step %d: %s", err, tt.check, tt.step, tt.reason)
			}
			if want := map[bool]int{true: 400, false: 502}[tt.step == 2]; failed.Check.Status() != want {
				t.Errorf("status %d, want %d", failed.Check.Status(), want)
			}
			if diff := cmp.Diff(oauth.Info{}, info); diff != "" {
				t.Errorf("something came with the error: %s", diff)
			}
			for _, secret := range []string{"T+1", "S&1", "stranger"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%v holds %q", err, secret)
				}
			}
		})
	}
	for _, confirmed := range []string{"true", "TRUE", "True"} { // some write it otherwise than RFC 5849 §2.1
		p := honestX()
		p.replies[xLeg1] = [3]any{200, "text/html", "oauth_token=T%2B1&oauth_token_secret=S%261&oauth_callback_confirmed=" + confirmed}
		if info, err := p.signIn(t, xCallback); err != nil || info.Profile.Subject != "2244994945" {
			t.Errorf("as it should be, with %s: %v, %v", confirmed, info, err)
		}
	}
}

// A step takes nothing that another client made, and no zero value.
func TestOtherClient1(t *testing.T) {
	ctx, client := t.Context(), honestX().client(t)
	attempt, _, err := client.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	callback, err := client.ParseCallback(ctx, attempt, "oauth_token=T%2B1&oauth_verifier=V")
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := client.Exchange(ctx, callback)
	if err != nil {
		t.Fatal(err)
	}
	other := honestX().client(t)
	other.Name = "y"
	for name, tt := range map[string]struct {
		step int
		do   func() error
	}{
		"attempt": {2, func() error {
			_, err := other.ParseCallback(ctx, attempt, "oauth_token=T%2B1&oauth_verifier=V")
			return err
		}},
		"no attempt": {2, func() error {
			_, err := client.ParseCallback(ctx, oauth.Attempt{}, "oauth_token=T%2B1&oauth_verifier=V")
			return err
		}},
		"callback":         {3, func() error { _, err := other.Exchange(ctx, callback); return err }},
		"zero callback":    {3, func() error { _, err := client.Exchange(ctx, oauth.Callback{}); return err }},
		"credentials":      {5, func() error { _, err := other.UserInfo(ctx, credentials); return err }},
		"zero credentials": {5, func() error { _, err := client.UserInfo(ctx, oauth.TokenCredentials{}); return err }},
	} {
		failed, ok := errors.AsType[*oauth.CheckError](tt.do())
		if !ok || failed.Check.Name != "attempt-client" || failed.Check.Step != tt.step {
			t.Errorf("%s: %v", name, failed)
		}
	}
}

// A "no" is no failed check, and says whose it is.
func TestRefusals1(t *testing.T) {
	const authFailed = `{"errors":[{"code":32,"message":"Could not authenticate you."}]}`
	for _, tt := range []struct {
		name     string
		path     string
		reply    [3]any
		callback string
		want     oauth.Refusal
		byUser   bool
	}{
		{"the user's", "", [3]any{}, "denied=%s", oauth.Refusal{Step: 2, Code: "denied"}, true},
		{"the user's, with the token twice", "", [3]any{}, "denied=%s&oauth_token=%s", oauth.Refusal{Step: 2, Code: "denied"}, true},
		{"the user's, in the words of others", "", [3]any{}, "oauth_token=%s&oauth_problem=user_refused&oauth_problem_advice=No.", oauth.Refusal{Step: 2, Code: "user_refused", Description: "No."}, true},
		{"the user's, badly encoded", "", [3]any{}, "oauth_token=%s&oauth_problem=permission_denied&oauth_problem_advice=100%", oauth.Refusal{Step: 2, Code: "permission_denied"}, true},
		{"leg 1, in words", xLeg1, [3]any{401, "text/html", "Failed to validate oauth signature and token"}, "", oauth.Refusal{Step: 1, Status: 401, Description: "Failed to validate oauth signature and token"}, false},
		{"leg 1, in the words of others", xLeg1, [3]any{401, "text/plain", "oauth_problem=consumer_key_unknown"}, "", oauth.Refusal{Step: 1, Status: 401, Code: "consumer_key_unknown"}, false},
		{"leg 1", xLeg1, [3]any{403, "application/json", `{"errors":[{"code":415,"message":"Callback URL not approved"}]}`}, "", oauth.Refusal{Step: 1, Status: 403, Code: "415", Description: "Callback URL not approved"}, false},
		{"leg 3", xLeg3, [3]any{401, "text/html", authFailed}, xCallback, oauth.Refusal{Step: 3, Status: 401, Code: "32", Description: "Could not authenticate you."}, false},
		{"profile", xProfile, [3]any{401, "application/json", authFailed}, xCallback, oauth.Refusal{Step: 5, Status: 401, Code: "32", Description: "Could not authenticate you."}, false},
		{"profile, too often", xProfile, [3]any{429, "application/json", `{"errors":[{"code":88,"message":"Rate limit exceeded"}]}`}, xCallback, oauth.Refusal{Step: 5, Status: 429, Code: "88", Description: "Rate limit exceeded"}, false},
	} {
		p := honestX()
		if tt.path != "" {
			p.replies[tt.path] = tt.reply
		}
		_, err := p.signIn(t, tt.callback)
		refusal, ok := errors.AsType[*oauth.Refusal](err)
		if !ok {
			t.Errorf("%s: %v is no refusal", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, *refusal); diff != "" || refusal.ByUser() != tt.byUser {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
	}
}

// The entry's function may refuse a profile, and its words repeat no secret.
func TestEntryRefuses1(t *testing.T) {
	p, row := honestX(), providers.X()
	row.Profile = func(oauth.Replies) (oauth.Profile, error) {
		return oauth.Profile{}, &oauth.Refusal{Code: "suspended", Description: "not S2"}
	}
	client, err := oauth.NewClient1(row, "key", "secret", "http://127.0.0.1:8080/callback/x", p)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.UserInfo(t.Context(), oauth.TokenCredentials{Provider: "x", Token: "T2", Secret: "S2"})
	refusal, _ := errors.AsType[*oauth.Refusal](err)
	if diff := cmp.Diff(&oauth.Refusal{Step: 5, Status: 200, Code: "suspended", Description: "‹withheld: it repeats a secret›"}, refusal); diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// If version 1.1 is closed to the app, the token reply says who signed in.
func TestClosedProfile(t *testing.T) {
	p := honestX()
	p.replies[xProfile] = [3]any{403, "application/json", `{"errors":[{"message":"You currently have access to a subset of X API V2 endpoints","code":453}],"title":"Forbidden","status":403}`}
	info, err := p.signIn(t, xCallback)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(oauth.Info{Profile: oauth.Profile{Subject: "2244994945", Name: "XDevelopers"}}, info); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	p.replies[xLeg3] = [3]any{200, "text/html", "oauth_token=T2&oauth_token_secret=S2"}
	_, err = p.signIn(t, xCallback)
	if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "profile-subject" {
		t.Errorf("without user_id: %v", err)
	}
}

// What is sent: the parameters of each leg, in the header and nowhere else, a
// nonce and a time of its own in each, and no secret.
func TestRequests1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := honestX()
		if _, err := p.signIn(t, xCallback); err != nil {
			t.Fatal(err)
		}
		nonces := make(map[string]bool)
		parameter := regexp.MustCompile(`(\w+)="([^"]*)"`)
		want := []map[string]string{
			{"oauth_callback": "http%3A%2F%2F127.0.0.1%3A8080%2Fcallback%2Fx"},
			{"oauth_token": "T%2B1", "oauth_verifier": "V"},
			{"oauth_token": "T2"},
		}
		if len(p.asked) != len(want) {
			t.Fatalf("%d requests, want %d", len(p.asked), len(want))
		}
		for i, r := range p.asked {
			got := make(map[string]string)
			for _, match := range parameter.FindAllStringSubmatch(r.Header.Get("Authorization"), -1) {
				got[match[1]] = match[2]
			}
			if nonce := got["oauth_nonce"]; len(nonce) < 20 || nonces[nonce] {
				t.Errorf("%s: nonce %q", r.URL, nonce)
			}
			nonces[got["oauth_nonce"]] = true
			if len(got["oauth_signature"]) < 28 {
				t.Errorf("%s: signature %q", r.URL, got["oauth_signature"])
			}
			delete(got, "oauth_nonce")
			delete(got, "oauth_signature")
			for name, value := range map[string]string{"oauth_consumer_key": "key", "oauth_signature_method": "HMAC-SHA1", "oauth_version": "1.0",
				"oauth_timestamp": "946684800"} { // synctest's clock begins with the year 2000
				want[i][name] = value
			}
			if diff := cmp.Diff(want[i], got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", r.URL, diff)
			}
			if strings.Contains(r.URL.RawQuery, "oauth_") || r.ContentLength > 0 {
				t.Errorf("%s: a parameter in the URL or in a body", r.URL)
			}
		}
	})
}

// The attempt's cookie is found by the callback's oauth_token or denied, once.
func TestAttempts1(t *testing.T) {
	attempts, err := oauth.NewAttempts(make([]byte, 32), false)
	if err != nil {
		t.Fatal(err)
	}
	client := honestX().client(t)
	attempt, _, err := client.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	put := httptest.NewRecorder()
	if err := attempts.Put(put, httptest.NewRequest("GET", "/login/x", nil), attempt); err != nil {
		t.Fatal(err)
	}
	cookie := put.Result().Cookies()[0]
	take := func(query string, cookies ...*http.Cookie) (oauth.Attempt, error) {
		r := httptest.NewRequest("GET", "/callback/x?"+query, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		return attempts.Take(httptest.NewRecorder(), r)
	}
	for query, check := range map[string]string{
		"":                                  "callback-state",
		"oauth_token=stranger":              "attempt-found",
		"denied=stranger":                   "attempt-found",
		"oauth_token=T%2B1&state=something": "attempt-found",
	} {
		_, err := take(query, cookie)
		if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != check {
			t.Errorf("%q: %v, want %s", query, err, check)
		}
	}
	if _, err := take("oauth_token=T%2B1"); err == nil {
		t.Error("taken without a cookie")
	}
	got, err := take("denied=T%2B1", cookie)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(attempt, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	_, err = take("oauth_token=T%2B1&oauth_verifier=V", cookie)
	if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "attempt-unused" {
		t.Errorf("taken twice: %v", err)
	}
}

// NewClient1 refuses what could not work, or would not be safe.
func TestNewClient1(t *testing.T) {
	good := providers.X()
	plain := good
	plain.TokenURL = "http://api.x.com/oauth/access_token"
	login := good
	login.AuthorizationURL = "http://api.x.com/oauth/authenticate"
	for name, tt := range map[string]struct {
		row              oauth.Provider1
		id, secret, back string
		ok               bool
	}{
		"good":         {good, "id", "secret", "https://app.example/callback/x", true},
		"no id":        {good, "", "secret", "https://app.example/callback/x", false},
		"no secret":    {good, "id", "", "https://app.example/callback/x", false},
		"no host":      {good, "id", "secret", "/callback/x", false},
		"not over TLS": {plain, "id", "secret", "https://app.example/callback/x", false},
		"browser not":  {login, "id", "secret", "https://app.example/callback/x", false},
	} {
		if _, err := oauth.NewClient1(tt.row, tt.id, tt.secret, tt.back, nil); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain = good
	plain.TemporaryCredentialURL = "http://api.x.com/oauth/request_token"
	client, err := oauth.NewClient1(plain, "id", "secret", "https://app.example/callback/x", honestX())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = client.Begin(t.Context())
	if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "endpoint-https" || failed.Check.Step != 1 {
		t.Errorf("leg 1 not over TLS: %v", err)
	}
}

// Stored credentials that answer for another user than before are no longer this
// user's, as with the sub of OpenID Connect.
func TestSubject1(t *testing.T) {
	ctx, client := t.Context(), honestX().client(t)
	attempt, _, err := client.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	callback, err := client.ParseCallback(ctx, attempt, "oauth_token=T%2B1&oauth_verifier=V")
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := client.Exchange(ctx, callback)
	if err != nil {
		t.Fatal(err)
	}
	info, err := client.UserInfo(ctx, credentials)
	if err != nil {
		t.Fatal(err)
	}
	credentials.Subject = info.Profile.Subject
	if _, err := client.UserInfo(ctx, credentials); err != nil {
		t.Errorf("the same user: %v", err)
	}
	credentials.Subject += "0"
	_, err = client.UserInfo(ctx, credentials)
	if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "userinfo-sub" || failed.Check.Step != 5 {
		t.Errorf("another user: %v, want userinfo-sub", err)
	}
}
