package fake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/oauthbyhand/providers/fake"
	"github.com/google/go-cmp/cmp"
)

type object = map[string]any

// A client that reads Instagram's user_id as a float64 takes Ada and Mallory for one person.
func TestInstagramNumbers(t *testing.T) {
	ids := map[float64]string{}
	for _, u := range fake.Users() {
		f := must(strconv.ParseFloat(u.InstagramTokenID, 64))
		if other := ids[f]; u.ID == "mallory" && other != "ada" {
			t.Error("float64 tells Ada and Mallory apart")
		}
		ids[f] = u.ID
		if _, err := strconv.ParseInt(u.Subjects["google"], 10, 64); err == nil {
			t.Errorf("%s: Google's subject fits an int64", u.ID)
		}
	}
}

func TestTokenErrors(t *testing.T) {
	const docs = "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/"
	const unknown = "The code is unknown, expired, already used, or was given to another client."
	rfc := object{"error": "invalid_grant", "error_description": unknown}
	tests := map[string]struct {
		status int
		body   object
	}{
		"google":  {400, rfc},
		"spotify": {400, rfc},
		"oidc":    {400, rfc},
		"x2":      {400, rfc},
		"github":  {200, object{"error": "bad_verification_code", "error_description": unknown, "error_uri": docs}},
		"facebook": {400, object{"error": object{"message": unknown, "type": "OAuthException",
			"code": json.Number("100"), "fbtrace_id": "Asimulated"}}},
		"instagram": {400, object{"error_type": "OAuthException", "code": json.Number("400"), "error_message": unknown}},
	}
	w := newWorld(t)
	for name, want := range tests {
		status, got := w.tokens(providers[name], redeeming("guess"))
		if diff := cmp.Diff(want.body, got); diff != "" || status != want.status {
			t.Errorf("%s: %d, want %d (-want +got)\n%s", name, status, want.status, diff)
		}
	}
	p := providers["github"]
	if _, got := w.tokens(p, refreshing("guess")); got["error"] != "bad_refresh_token" {
		t.Errorf("github, refresh: %v", got)
	}
	resp := w.post(p, p.token, "nobody", redeeming("guess"))
	if got := decode(t, resp); resp.StatusCode != 200 || got["error"] != "incorrect_client_credentials" {
		t.Errorf("github, client: %s %v", resp.Status, got)
	}
}

// GitHub's replies and errors are form-encoded for a client that does not ask for JSON.
func TestGitHubForm(t *testing.T) {
	w, p := newWorld(t), providers["github"]
	form := redeeming(w.code(p))
	form.Set("client_id", "app-github")
	form.Set("client_secret", secret)
	for i, want := range []string{"access_token", "error"} { // the second use is an error
		resp := must(w.web.PostForm(p.token, form))
		got := must(url.ParseQuery(text(t, resp)))
		if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || got.Get(want) == "" || resp.StatusCode != 200 {
			t.Errorf("%d: %s %v", i, resp.Status, got)
		}
	}
}

func TestProfiles(t *testing.T) {
	pictures := func(user string) string { return origin + "/picture/" + user + ".svg" }
	fbPicture := object{"data": object{"height": json.Number("50"), "width": json.Number("50"), "is_silhouette": false, "url": pictures("ada")}}
	tests := []struct {
		provider, user, query string
		untick                string
		want                  object
	}{
		{"oidc", "ada", "", "", object{"sub": "ada-1815", "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
			"picture": pictures("ada"), "email": "ada@example.com", "email_verified": true}},
		{"oidc", "mallory", "", "profile", object{"sub": "mallory-1988", "email": "ada@example.com", "email_verified": false}},
		{"oidc", "ada", "", "email", object{"sub": "ada-1815", "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "picture": pictures("ada")}},
		{"google", "unal", "", "", object{"sub": "110248495921238986422", "name": "Ünal Öz", "given_name": "Ünal", "family_name": "Öz", "picture": pictures("unal")}},
		{"google", "mallory", "", "", object{"sub": "110248495921238986421", "name": "Mallory", "given_name": "Mallory",
			"picture": pictures("mallory"), "email": "ada@example.com", "email_verified": false}},
		{"github", "ada", "", "", object{"login": "ada.lovelace", "id": json.Number("990000001"), "avatar_url": pictures("ada"),
			"name": "Ada Lovelace", "email": nil, "type": "User"}},
		{"facebook", "ada", "", "", object{"id": "10223334445556667", "name": "Ada Lovelace"}},
		{"facebook", "ada", "&fields=id,name,email,picture", "", object{"id": "10223334445556667", "name": "Ada Lovelace", "email": "ada@example.com", "picture": fbPicture}},
		{"facebook", "ada", "&fields=email", "email", object{"id": "10223334445556667"}},
		{"facebook", "unal", "&fields=name,email", "", object{"id": "10223334445556669", "name": "Ünal Öz"}},
		{"instagram", "ada", "&fields=user_id,username,name,account_type,profile_picture_url", "", object{"id": "26012345678901234",
			"user_id": "17841405793187218", "username": "ada.lovelace", "name": "Ada Lovelace", "account_type": "BUSINESS", "profile_picture_url": pictures("ada")}},
		{"instagram", "ada", "", "", object{"id": "26012345678901234"}},
		{"x2", "ada", "", "", object{"data": object{"id": "1795176000000000001", "name": "Ada Lovelace", "username": "ada.lovelace"}}},
		{"x2", "ada", "&user.fields=profile_image_url,confirmed_email", "", object{"data": object{"id": "1795176000000000001", "name": "Ada Lovelace",
			"username": "ada.lovelace", "profile_image_url": origin + "/picture/ada_normal.svg", "confirmed_email": "ada@example.com"}}},
		{"x2", "ada", "&user.fields=confirmed_email", "users.email", object{"data": object{"id": "1795176000000000001", "name": "Ada Lovelace", "username": "ada.lovelace"}}},
		{"x2", "mallory", "&user.fields=confirmed_email", "", object{"data": object{"id": "1795176000000000002", "name": "Mallory", "username": "mallory"}}},
		{"spotify", "ada", "", "user-read-private", object{"account_id": "acct5PpXlSRuTdGnqY0b1Ada", "id": "adalovelace", "display_name": "Ada Lovelace",
			"type": "user", "uri": "spotify:user:adalovelace", "email": "ada@example.com",
			"images": []any{object{"url": pictures("ada"), "height": json.Number("64"), "width": json.Number("64")}}}},
	}
	w := newWorld(t)
	for _, tt := range tests {
		p := providers[tt.provider]
		url := p.profile + "?x=1" + tt.query
		access := w.accessToken(p, tt.user, tt.untick)
		if tt.provider == "facebook" {
			url += "&appsecret_proof=" + proof(access)
		}
		if diff := cmp.Diff(tt.want, decode(t, w.get(url, access))); diff != "" {
			t.Errorf("%s %s without %q (-want +got)\n%s", tt.user, p.name, tt.untick, diff)
		}
	}
}

func TestGitHubEmails(t *testing.T) {
	type email struct {
		Email             string
		Primary, Verified bool
	}
	want := map[string][]email{
		"ada":     {{"990000001+ada.lovelace@users.noreply.github.com", false, true}, {"ada@example.com", true, true}},
		"mallory": {{"ada@example.com", true, false}},
		"unal":    {},
	}
	w, p := newWorld(t), providers["github"]
	for user, emails := range want {
		var got []email
		body := text(t, w.get("https://api.github.com/user/emails", w.accessToken(p, user, "")))
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if diff := cmp.Diff(emails, got); diff != "" { // an empty list, not null, for Ünal
			t.Errorf("%s (-want +got)\n%s", user, diff)
		}
	}
	resp := w.get("https://api.github.com/user/emails", w.accessToken(p, "ada", "user:email"))
	if got := decode(t, resp); resp.StatusCode != 404 || got["message"] != "Not Found" {
		t.Errorf("without the scope: %s %v", resp.Status, got)
	}
}

func TestBearerRefuses(t *testing.T) {
	w := newWorld(t)
	bodies := map[string]object{ // the 401 in each provider's way
		"google": {"error": "invalid_token", "error_description": "The access token is unknown, expired or revoked."},
		"oidc":   {"error": "invalid_token", "error_description": "The access token is unknown, expired or revoked."},
		"github": {"message": "The access token is unknown, expired or revoked.", "documentation_url": "https://docs.github.com/rest", "status": "401"},
		"facebook": {"error": object{"message": "The access token is unknown, expired or revoked.", "type": "OAuthException",
			"code": json.Number("190"), "fbtrace_id": "Asimulated"}},
		"instagram": {"error": object{"message": "The access token is unknown, expired or revoked.", "type": "OAuthException",
			"code": json.Number("190"), "fbtrace_id": "Asimulated"}},
		"x2":      {"title": "Unauthorized", "detail": "The access token is unknown, expired or revoked.", "type": "about:blank", "status": json.Number("401")},
		"spotify": {"error": object{"status": json.Number("401"), "message": "The access token is unknown, expired or revoked."}},
	}
	foreign := map[string]string{} // another provider's token for each
	for name := range providers {
		other := "google"
		if name == "google" {
			other = "spotify"
		}
		foreign[name] = w.accessToken(providers[other], "ada", "")
	}
	for name, p := range providers {
		refused := func(reason string, resp *http.Response, status int, challenge string, body object) {
			t.Helper()
			got := decode(t, resp)
			if resp.StatusCode != status || resp.Header.Get("WWW-Authenticate") != challenge {
				t.Errorf("%s, %s: %s %q", name, reason, resp.Status, resp.Header.Get("WWW-Authenticate"))
			}
			if diff := cmp.Diff(body, got); body != nil && diff != "" {
				t.Errorf("%s, %s (-want +got)\n%s", name, reason, diff)
			}
		}
		refused("no token (RFC 6750 §3.1: no error)", w.get(p.profile, ""), 401, "Bearer", nil)
		refused("unknown", w.get(p.profile, "guess"), 401, `Bearer error="invalid_token"`, bodies[name])
		refused("another provider's", w.get(p.profile, foreign[name]), 401, `Bearer error="invalid_token"`, bodies[name])
		refused("in the query (RFC 9700 §4.3.2)", w.get(p.profile+"?access_token="+w.accessToken(p, "ada", ""), ""), 400, "", nil)
		refused("a code as token", w.get(p.profile, w.code(p)), 401, `Bearer error="invalid_token"`, bodies[name])
	}
	p := providers["oidc"]
	req := must(http.NewRequest("GET", p.profile, nil))
	req.Header.Set("Authorization", "Basic "+w.accessToken(p, "ada", ""))
	if resp := must(w.web.Do(req)); resp.StatusCode != 401 {
		t.Errorf("a token that is not called Bearer: %s", resp.Status)
	}
	p = providers["github"]
	req = must(http.NewRequest("GET", p.profile, nil))
	req.Header.Set("Authorization", "Bearer "+w.accessToken(p, "ada", ""))
	if resp := must(w.web.Do(req)); resp.StatusCode != 403 {
		t.Errorf("github without a User-Agent: %s", resp.Status)
	}
	p = providers["facebook"]
	access := w.accessToken(p, "ada", "")
	for _, query := range []string{"", "?appsecret_proof=", "?appsecret_proof=" + proof("x"), "?appsecret_proof=" + strings.ToUpper(proof(access))} {
		if resp := w.get(p.profile+query, access); resp.StatusCode != 400 {
			t.Errorf("facebook with %q: %s", query, resp.Status)
		}
	}
	if resp := w.get(p.profile+"?fields=id,birthday&appsecret_proof="+proof(access), access); resp.StatusCode != 400 {
		t.Errorf("facebook, unknown field: %s", resp.Status)
	}
}

func TestGitHubRevoke(t *testing.T) {
	w, p := newWorld(t), providers["github"]
	remove := func(id, token string) int {
		req := must(http.NewRequest("DELETE", "https://api.github.com/applications/app-github/grant", strings.NewReader(`{"access_token":"`+token+`"}`)))
		req.Header.Set("User-Agent", "test")
		req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
		return must(w.web.Do(req)).StatusCode
	}
	live := func(token string) bool { return w.get(p.profile, token).StatusCode == 200 }
	one, two, three := w.accessToken(p, "ada", ""), w.accessToken(p, "ada", ""), w.accessToken(p, "mallory", "")
	if got := []int{remove("nobody", one), remove(other, one), remove("app-github", "guess")}; !cmp.Equal(got, []int{401, 401, 404}) || !live(one) {
		t.Errorf("statuses %v, %v", got, live(one))
	}
	if status := remove("app-github", one); status != 204 || live(one) || live(two) || !live(three) {
		t.Errorf("after that: %d %v %v %v", status, live(one), live(two), live(three))
	}
}

func TestFacebookRevoke(t *testing.T) {
	w, p := newWorld(t), providers["facebook"]
	one, two := w.accessToken(p, "ada", ""), w.accessToken(p, "ada", "")
	req := must(http.NewRequest("DELETE", "https://graph.facebook.com/v26.0/me/permissions?appsecret_proof="+proof(two), nil))
	req.Header.Set("Authorization", "Bearer "+two)
	if got := decode(t, must(w.web.Do(req))); got["success"] != true {
		t.Errorf("permissions: %v", got)
	}
	for _, token := range []string{one, two} {
		if resp := w.get(p.profile+"?appsecret_proof="+proof(token), token); resp.StatusCode != 401 {
			t.Errorf("after that: %s", resp.Status)
		}
	}
}

// accessToken signs user in, with one scope unticked, and returns the access token.
func (w *world) accessToken(p provider, user, untick string) string {
	w.t.Helper()
	form := allowing(user, p)
	form["scope"] = slices.DeleteFunc(form["scope"], func(scope string) bool { return scope == untick })
	_, reply := w.tokens(p, redeeming(w.callback(p, asking(p), form).Get("code")))
	if str(reply["access_token"]) == "" {
		w.t.Fatalf("%s: no access token: %v", p.name, reply)
	}
	return reply["access_token"].(string)
}

// proof is Facebook's appsecret_proof: echo -n TOKEN | openssl dgst -sha256 -hmac SECRET
func proof(token string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// Facebook's token reply does not say what was granted; the callback does, if it is asked to.
func TestFacebookGrantedScopes(t *testing.T) {
	w, p := newWorld(t), providers["facebook"]
	asked := asking(p)
	asked.Set("return_scopes", "true")
	got := w.callback(p, asked, url.Values{"user": {"ada"}, "decision": {"allow"}}) // e-mail is unticked
	if got.Get("granted_scopes") != "public_profile" || got.Get("denied_scopes") != "email" {
		t.Errorf("callback: %v", got)
	}
}
