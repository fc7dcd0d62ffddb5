package fake_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/providers/fake"
)

const (
	xRequestToken = "https://api.x.com/oauth/request_token"
	xAuthenticate = "https://api.x.com/oauth/authenticate?oauth_token="
	xAccessToken  = "https://api.x.com/oauth/access_token"
	xVerify       = "https://api.x.com/1.1/account/verify_credentials.json?include_email=true"
	xInvalidate   = "https://api.x.com/1.1/oauth/invalidate_token.json"
)

// call is a signed request that is right, until a test changes it: "oauth_…" replaces a parameter.
type call struct {
	method, url, tokenSecret string
	oauth                    map[string]string
}

// send signs and sends a request that has no body.
func (c call) send(web *http.Client, clientSecret string) *http.Response {
	signed, _, _ := strings.Cut(c.url, "?")
	return must(web.Do(c.signedFor(signed, clientSecret)))
}

// signedFor is a request with a signature for a URL that may be another one.
func (c call) signedFor(signed, clientSecret string) *http.Request {
	oauth := map[string]string{"oauth_consumer_key": "app-x", "oauth_nonce": rand.Text(), "oauth_signature_method": "HMAC-SHA1",
		"oauth_timestamp": strconv.FormatInt(time.Now().Unix(), 10), "oauth_version": "1.0"}
	maps.Copy(oauth, c.oauth)
	u := must(url.Parse(c.url))
	all := u.Query()
	for name, value := range oauth {
		all.Set(name, value)
	}
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	base := c.method + "&" + escape(signed) + "&" + escape(strings.ReplaceAll(all.Encode(), "+", "%20"))
	mac := hmac.New(sha1.New, []byte(escape(clientSecret)+"&"+escape(c.tokenSecret)))
	mac.Write([]byte(base))
	if _, given := oauth["oauth_signature"]; !given {
		oauth["oauth_signature"] = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	var header []string
	for _, name := range slices.Sorted(maps.Keys(oauth)) {
		header = append(header, name+`="`+escape(oauth[name])+`"`)
	}
	req := must(http.NewRequest(c.method, c.url, nil))
	req.Header.Set("Authorization", "OAuth "+strings.Join(header, ", "))
	return req
}

// form reads a reply as X sends it: form-encoded, and called text/html.
func form(t *testing.T, resp *http.Response) url.Values {
	t.Helper()
	body := text(t, resp)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s %v\n%s", resp.Status, resp.Header, body)
	}
	return must(url.ParseQuery(body))
}

// begun asks for temporary credentials.
func begun(t *testing.T, web *http.Client) url.Values {
	t.Helper()
	return form(t, call{"POST", xRequestToken, "", map[string]string{"oauth_callback": redirect}}.send(web, secret))
}

// allowed has the user allow it, and returns what the browser brings back.
func allowed(t *testing.T, web *http.Client, temporary url.Values, user string) url.Values {
	t.Helper()
	resp := must(web.PostForm(xAuthenticate+temporary.Get("oauth_token"), url.Values{"user": {user}, "decision": {"allow"}}))
	text(t, resp)
	return must(resp.Location()).Query()
}

// finishing is the request of the third leg that is right.
func finishing(temporary, back url.Values) call {
	return call{"POST", xAccessToken, temporary.Get("oauth_token_secret"), map[string]string{
		"oauth_token": back.Get("oauth_token"), "oauth_verifier": back.Get("oauth_verifier")}}
}

// signedIn goes through all three legs.
func signedIn(t *testing.T, web *http.Client, user string) url.Values {
	t.Helper()
	temporary := begun(t, web)
	return form(t, finishing(temporary, allowed(t, web, temporary, user)).send(web, secret))
}

func asUser(method, rawURL string, tokens url.Values) call {
	return call{method, rawURL, tokens.Get("oauth_token_secret"), map[string]string{"oauth_token": tokens.Get("oauth_token")}}
}

// The profile has an address if it is verified and asked for: X says null for one that is not verified.
func TestProfile1(t *testing.T) {
	web := newWorld(t).web
	for user, email := range map[string]any{"ada": "ada@example.com", "mallory": nil, "unal": nil} {
		me := decode(t, asUser("GET", xVerify, signedIn(t, web, user)).send(web, secret))
		if got, there := me["email"]; !there || got != email {
			t.Errorf("%s: %v, want %v", user, got, email)
		}
	}
	if me := text(t, asUser("GET", strings.TrimSuffix(xVerify, "?include_email=true"), signedIn(t, web, "ada")).send(web, secret)); strings.Contains(me, "email") {
		t.Errorf("nobody asked for the address: %s", me)
	}
}

// wantError reads an error in X's words.
func wantError(t *testing.T, resp *http.Response, status, code int, reason string) (body string) {
	t.Helper()
	body = text(t, resp)
	if resp.StatusCode != status || !strings.HasPrefix(body, fmt.Sprintf(`{"errors":[{"code":%d,"message":"`, code)) {
		t.Errorf("%s: %s, want %d with code %d\n%s", reason, resp.Status, status, code, body)
	}
	if (resp.Header.Get("WWW-Authenticate") != "") != (status == 401) {
		t.Errorf("%s: WWW-Authenticate %q with %s", reason, resp.Header.Get("WWW-Authenticate"), resp.Status)
	}
	return body
}

func TestSignedRequests(t *testing.T) {
	web := newWorld(t).web
	tokens := signedIn(t, web, "ada")
	now := time.Now().Unix()
	stamp := func(after time.Duration) map[string]string {
		return map[string]string{"oauth_timestamp": strconv.FormatInt(now+int64(after/time.Second), 10)}
	}
	for _, tt := range []struct {
		reason       string
		change       map[string]string
		status, code int
	}{
		{"as it should be", nil, 200, 0},
		{"a signature of something else", map[string]string{"oauth_signature": "r6/TJjbCOr97/+UU0NsvSne7s5g="}, 401, 32},
		{"in clear", map[string]string{"oauth_signature_method": "PLAINTEXT", "oauth_signature": "x&y"}, 400, 215},
		{"another version", map[string]string{"oauth_version": "2.0"}, 400, 215},
		{"an empty version", map[string]string{"oauth_version": ""}, 400, 215},
		{"an app that nobody registered", map[string]string{"oauth_consumer_key": "nobody"}, 401, 32},
		{"a token of another app", map[string]string{"oauth_consumer_key": other}, 401, 89},
		{"a token that nobody gave", map[string]string{"oauth_token": "guess"}, 401, 89},
		{"no nonce", map[string]string{"oauth_nonce": ""}, 400, 215},
		{"no time", map[string]string{"oauth_timestamp": ""}, 400, 215},
		{"a time before 1970", map[string]string{"oauth_timestamp": "-1"}, 400, 215},
		{"a time with a sign", map[string]string{"oauth_timestamp": "+" + strconv.FormatInt(now, 10)}, 400, 215},
		{"six minutes old", stamp(-6 * time.Minute), 401, 135},
		{"four minutes old", stamp(-4 * time.Minute), 200, 0},
		{"from six minutes ahead", stamp(6 * time.Minute), 401, 135},
	} {
		c := asUser("GET", xVerify, tokens)
		maps.Copy(c.oauth, tt.change)
		resp := c.send(web, secret)
		if tt.status == 200 {
			if body := text(t, resp); resp.StatusCode != 200 {
				t.Errorf("%s: %s\n%s", tt.reason, resp.Status, body)
			}
			continue
		}
		wantError(t, resp, tt.status, tt.code, tt.reason)
	}
}

// An overheard request cannot be sent again, and cannot be changed.
func TestOverheard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := newWorld(t).web
		tokens := signedIn(t, web, "ada")
		c := asUser("GET", xVerify, tokens)
		c.oauth["oauth_nonce"] = "once"
		resp := c.send(web, secret)
		text(t, resp)
		again := func(change func(*http.Request)) *http.Response {
			req := resp.Request.Clone(t.Context())
			change(req)
			return must(web.Do(req))
		}
		authorization := resp.Request.Header.Get("Authorization")
		if message := wantError(t, again(func(*http.Request) {}), 401, 32, "the same nonce"); !strings.Contains(message, "nonce") {
			t.Error(message)
		}
		for reason, change := range map[string]func(*http.Request){
			"another parameter": func(r *http.Request) { r.URL.RawQuery += "&skip_status=true" },
			"one the fewer":     func(r *http.Request) { r.URL.RawQuery = "" },
			"one in the form": func(r *http.Request) {
				*r = *must(http.NewRequest("GET", r.URL.String(), strings.NewReader("a=b")))
				r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {authorization}}
			},
			"another method": func(r *http.Request) { r.Method, r.URL = "POST", must(url.Parse(xInvalidate)) },
		} {
			wantError(t, again(change), 401, 32, reason)
		}
		for reason, change := range map[string]func(*http.Request){
			"a parameter of the protocol twice": func(r *http.Request) { r.URL.RawQuery += "&oauth_nonce=twice" },
			"twice in the header":               func(r *http.Request) { r.Header.Set("Authorization", authorization+`, oauth_nonce="twice"`) },
			"two headers":                       func(r *http.Request) { r.Header.Add("Authorization", authorization) },
			"no header":                         func(r *http.Request) { r.Header.Del("Authorization") },
			"no quotes":                         func(r *http.Request) { r.Header.Set("Authorization", `OAuth oauth_nonce=x`) },
			"a broken escape":                   func(r *http.Request) { r.URL.RawQuery += "&x=%zz" },
		} {
			wantError(t, again(change), 400, 215, reason)
		}
		time.Sleep(11 * time.Minute) // and the nonce is still known
		wantError(t, again(func(*http.Request) {}), 401, 135, "the time is in the signature")
		wantEqual(t, 200, asUser("GET", xVerify, tokens).send(web, secret).StatusCode, "the tokens never expire")
	})
}

func TestLegs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := newWorld(t).web
		for callback, reason := range map[string]string{
			"https://evil.example/": "a callback that is not registered",
			"":                      "none: the protocol before 1.0a",
			"oob":                   "no app here shows a PIN",
		} {
			wantError(t, call{"POST", xRequestToken, "", map[string]string{"oauth_callback": callback}}.send(web, secret), 403, 415, reason)
		}
		wantError(t, call{"POST", xRequestToken, "", map[string]string{"oauth_callback": redirect, "oauth_token": "x"}}.send(web, secret), 401, 89, "a token before there is one")

		temporary := begun(t, web)
		guess := url.Values{"oauth_token": temporary["oauth_token"], "oauth_verifier": {"guess"}}
		wantError(t, finishing(temporary, guess).send(web, secret), 401, 32, "nobody was asked")
		wantError(t, finishing(temporary, guess).send(web, secret), 401, 89, "and a second guess is not answered")
		temporary = begun(t, web)
		wantError(t, finishing(temporary, temporary).send(web, secret), 401, 32, "nobody was asked, so no verifier is right")

		temporary = begun(t, web)
		back := allowed(t, web, temporary, "ada")
		if changed := allowed(t, web, temporary, "unal"); changed.Get("oauth_verifier") == back.Get("oauth_verifier") {
			t.Error("another answer, and the same verifier")
		}
		wantError(t, finishing(temporary, back).send(web, secret), 401, 32, "the answer before the last")

		temporary = begun(t, web)
		back = allowed(t, web, temporary, "ada")
		wantError(t, finishing(url.Values{}, back).send(web, secret), 401, 32, "the verifier without the secret")
		tokens := form(t, finishing(temporary, back).send(web, secret))
		wantError(t, finishing(temporary, back).send(web, secret), 401, 89, "a verifier used twice")
		wantError(t, asUser("GET", xVerify, temporary).send(web, secret), 401, 89, "temporary credentials are for one thing")

		temporary = begun(t, web)
		refused := temporary["oauth_token"]
		resp := must(web.PostForm(xAuthenticate+refused[0], url.Values{"decision": {"refuse"}}))
		wantEqual(t, url.Values{"tenant": {"1"}, "denied": refused}, must(resp.Location()).Query(), "refused")
		wantError(t, finishing(temporary, url.Values{"oauth_token": refused}).send(web, secret), 401, 89, "a refused token is gone")

		late := begun(t, web)
		for name, target := range map[string]string{
			"used": xAuthenticate + temporary.Get("oauth_token"), "unknown": xAuthenticate + "guess", "none": xAuthenticate,
			"two": xAuthenticate + late.Get("oauth_token") + "&oauth_token=" + late.Get("oauth_token"),
		} {
			for _, resp := range []*http.Response{must(web.Get(target)), must(web.PostForm(target, url.Values{"user": {"ada"}, "decision": {"allow"}}))} {
				if body := text(t, resp); resp.StatusCode != 400 || !strings.Contains(body, "Go back to the app") {
					t.Errorf("%s: %s\n%s", name, resp.Status, body)
				}
			}
		}
		wantEqual(t, 400, must(web.PostForm(xAuthenticate+late.Get("oauth_token"), nil)).StatusCode, "nothing was pressed")
		back = allowed(t, web, late, "ada")
		time.Sleep(10 * time.Minute)
		wantError(t, finishing(late, back).send(web, secret), 401, 89, "more than ten minutes old")

		if reply := decode(t, asUser("POST", xInvalidate, tokens).send(web, secret)); reply["access_token"] != tokens.Get("oauth_token") {
			t.Errorf("invalidate_token: %v", reply)
		}
		wantError(t, asUser("GET", xVerify, tokens).send(web, secret), 401, 89, "revoked")
	})
}

// A client in another process signs the URL that it calls, at this server. A signature for the provider's
// own URL is wrong there, and the other way round.
func TestSignedAsReceived(t *testing.T) {
	web := newWorld(t).web
	for _, tt := range []struct {
		at, signed string
		status     int
	}{
		{"https://api.x.com", "https://api.x.com", 200},
		{origin + "/api.x.com", origin + "/api.x.com", 200},
		{origin + "/api.x.com", "https://api.x.com", 401},
		{origin + "/api.x.com", "https://127.0.0.1:9000/api.x.com", 401},
		{origin + "/api.x.com", "http://127.0.0.1/api.x.com", 401},
	} {
		const path = "/oauth/request_token"
		resp := must(web.Do(call{"POST", tt.at + path, "", map[string]string{"oauth_callback": redirect}}.signedFor(tt.signed+path, secret)))
		wantEqual(t, tt.status, resp.StatusCode, tt.at+" signed as "+tt.signed)
	}
	// Over a socket a request's URL is only a path, and its host is in the header, as the client wrote it.
	provider := fake.New(fake.Options{Origin: "https://fake.example"})
	for at, state := range map[string]*tls.ConnectionState{"http://localhost:9000": nil, "http://LocalHost:9000": nil, "http://localhost:80": nil, "https://fake.example": {}} {
		const path = "/api.x.com/oauth/request_token"
		c := call{"POST", at + path, "", map[string]string{"oauth_consumer_key": fake.TestID, "oauth_callback": "http://localhost/"}}
		signed := strings.TrimSuffix(strings.ToLower(at), ":80") + path // without the default port (RFC 5849 §3.4.1.2)
		sent := c.signedFor(signed, fake.TestSecret)
		r, rec := httptest.NewRequest(sent.Method, path, nil), httptest.NewRecorder()
		r.Header, r.Host, r.TLS = sent.Header, sent.Host, state
		provider.ServeHTTP(rec, r)
		wantEqual(t, 200, rec.Code, "over a socket to "+at)
		// Or it is the whole URL (RFC 9112 §3.2.2).
		r, rec = httptest.NewRequest(sent.Method, at+path+"?", nil), httptest.NewRecorder()
		r.Header = c.signedFor(signed, fake.TestSecret).Header
		provider.ServeHTTP(rec, r)
		wantEqual(t, 200, rec.Code, "in absolute form to "+at)
	}
}
