package fake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type object = map[string]any

// Each provider's own words: what the browser brings back after Refuse, and the answers to a code and to a token that
// nobody was given. What the browser brings back after Allow is in testdata/wire, except the fragment.
func TestDialects(t *testing.T) {
	const (
		docs  = "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-"
		code  = "The code is unknown, expired, already used, or was given to another client."
		token = "The access token is unknown, expired or revoked."
		rfc   = `{"error":"invalid_grant","error_description":"` + code + `"}`
		graph = `"type":"OAuthException"}}`
	)
	w := newWorld(t)
	for name, want := range map[string]struct {
		refused     string
		status      int
		code, token string
	}{
		"google": {"error=access_denied&iss=https://accounts.google.com&state=st4te", 400, rfc, `{"error":"invalid_token","error_description":"` + token + `"}`},
		"github": {"error=access_denied&error_description=The user has denied your application access.&error_uri=" + docs + "authorization-request-errors/#access-denied&iss=https://github.com/login/oauth&state=st4te",
			200, `{"error":"bad_verification_code","error_description":"` + code + `","error_uri":"` + docs + `oauth-app-access-token-request-errors/"}`,
			`{"documentation_url":"https://docs.github.com/rest","message":"` + token + `","status":"401"}`},
		"facebook": {"error=access_denied&error_code=200&error_description=Permissions error&error_reason=user_denied&state=st4te#_=_",
			400, `{"error":{"code":100,"fbtrace_id":"Asimulated","message":"` + code + `",` + graph, `{"error":{"code":190,"fbtrace_id":"Asimulated","message":"` + token + `",` + graph},
		"instagram": {"error=access_denied&error_description=The user denied your request&error_reason=user_denied&state=st4te#_",
			400, `{"code":400,"error_message":"` + code + `","error_type":"OAuthException"}`, `{"error":{"code":190,"fbtrace_id":"Asimulated","message":"` + token + `",` + graph},
		"spotify": {"error=access_denied&state=st4te", 400, rfc, `{"error":{"message":"` + token + `","status":401}}`},
		"x2":      {"error=access_denied&state=st4te", 400, rfc, `{"detail":"` + token + `","status":401,"title":"Unauthorized","type":"about:blank"}`},
		"oidc": {"error=access_denied&error_description=The user refused.&iss=https://openid.example&state=st4te",
			400, rfc, `{"error":"invalid_token","error_description":"` + token + `"}`},
	} {
		p := providers[name]
		to := must(must(w.web.PostForm(p.authorize+"?"+asking(p).Encode(), url.Values{"decision": {"refuse"}})).Location()).String()
		refused := strings.TrimPrefix(must(url.QueryUnescape(to)), redirect+"&")
		resp := w.post(p, p.token, "app-"+name, redeeming("guess"))
		got := []string{refused, text(t, resp), text(t, w.get(p.profile, "guess"))}
		if diff := cmp.Diff([]string{want.refused, want.code, want.token}, got); diff != "" || resp.StatusCode != want.status {
			t.Errorf("%s: %d, want %d (-want +got)\n%s", name, resp.StatusCode, want.status, diff)
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
	form := with(redeeming(w.code(p)), "client_id", "app-github", "client_secret", secret)
	for _, want := range []string{"refresh_token_expires_in=15897600&scope=user%3Aemail&", "error=bad_verification_code&"} { // the second use is an error
		resp := must(w.web.PostForm(p.token, form))
		got := text(t, resp)
		if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || !strings.Contains(got, want) || resp.StatusCode != 200 {
			t.Errorf("%s, want %s: %s", resp.Status, want, got)
		}
	}
}

// What is not in testdata/wire: users without an address or a verified one, unticked scopes, and fields
// that were not asked for.
func TestProfiles(t *testing.T) {
	const emails = "https://api.github.com/user/emails"
	const adaX = `{"data":{"id":"1795176000000000001","name":"Ada Lovelace","username":"ada.lovelace"}}`
	w := newWorld(t)
	for _, tt := range []struct{ provider, user, query, untick, want string }{
		{"github", "unal", emails, "", "[]"}, // an empty list, not null
		{"github", "mallory", emails, "", `[{"email":"ada@example.com","primary":true,"verified":false,"visibility":"private"}]`},
		{"github", "ada", emails, "user:email", `{"documentation_url":"https://docs.github.com/rest","message":"Not Found","status":"404"}`},
		{"oidc", "mallory", "", "profile", `{"email":"ada@example.com","email_verified":false,"sub":"mallory-1988"}`},
		{"oidc", "ada", "", "email", `{"family_name":"Lovelace","given_name":"Ada","name":"Ada Lovelace","picture":"` + origin + `/picture/ada.svg","sub":"ada-1815"}`},
		{"google", "unal", "", "", `{"family_name":"Öz","given_name":"Ünal","name":"Ünal Öz","picture":"` + origin + `/picture/unal.svg","sub":"110248495921238986422"}`},
		{"facebook", "ada", "", "", `{"id":"10223334445556667","name":"Ada Lovelace"}`},
		{"facebook", "ada", "&fields=email", "email", `{"id":"10223334445556667"}`},
		{"facebook", "unal", "&fields=name,email", "", `{"id":"10223334445556669","name":"Ünal Öz"}`},
		{"instagram", "ada", "", "", `{"id":"26012345678901234"}`},
		{"x2", "ada", "", "", adaX},
		{"x2", "ada", "&user.fields=confirmed_email", "users.email", adaX},
		{"x2", "mallory", "&user.fields=confirmed_email", "", `{"data":{"id":"1795176000000000002","name":"Mallory","username":"mallory"}}`},
	} {
		p := providers[tt.provider]
		url := p.profile + "?x=1" + tt.query
		if tt.provider == "github" {
			url = tt.query
		}
		access := w.accessToken(p, tt.user, tt.untick)
		if tt.provider == "facebook" {
			url += "&appsecret_proof=" + proof(access)
		}
		wantEqual(t, tt.want, text(t, w.get(url, access)), tt.user+" at "+p.name+" without "+tt.untick)
	}
}

func TestBearerRefuses(t *testing.T) {
	w := newWorld(t)
	const invalid = `Bearer error="invalid_token"`
	for name, p := range providers {
		other := providers[map[bool]string{true: "spotify", false: "google"}[name == "google"]]
		for _, tt := range []struct {
			reason, query, token string
			status               int
			challenge            string
		}{
			{"no token (RFC 6750 §3.1: no error)", "", "", 401, "Bearer"},
			{"unknown", "", "guess", 401, invalid},
			{"another provider's", "", w.accessToken(other, "ada", ""), 401, invalid},
			{"in the query (RFC 9700 §4.3.2)", "?access_token=" + w.accessToken(p, "ada", ""), "", 400, ""},
			{"a code as token", "", w.code(p), 401, invalid},
		} {
			resp := w.get(p.profile+tt.query, tt.token)
			if resp.StatusCode != tt.status || resp.Header.Get("WWW-Authenticate") != tt.challenge {
				t.Errorf("%s, %s: %s %q", name, tt.reason, resp.Status, resp.Header.Get("WWW-Authenticate"))
			}
		}
	}
	for name, tt := range map[string]struct {
		scheme string
		status int
	}{"oidc": {"Basic ", 401}, "github": {"Bearer ", 403}} { // GitHub without a User-Agent
		req := must(http.NewRequest("GET", providers[name].profile, nil))
		req.Header.Set("Authorization", tt.scheme+w.accessToken(providers[name], "ada", ""))
		wantEqual(t, tt.status, must(w.web.Do(req)).StatusCode, name+" with a token called "+tt.scheme)
	}
	p := providers["facebook"]
	access := w.accessToken(p, "ada", "")
	for _, query := range []string{"", "?appsecret_proof=", "?appsecret_proof=" + proof("x"), "?appsecret_proof=" + strings.ToUpper(proof(access)), "?fields=id,birthday&appsecret_proof=" + proof(access), "?fields=id,&appsecret_proof=" + proof(access)} {
		wantEqual(t, 400, w.get(p.profile+query, access).StatusCode, "facebook with "+query)
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

// accessToken signs user in, with one scope unticked, and returns the access token.
func (w *world) accessToken(p provider, user, untick string) string {
	w.t.Helper()
	ticked := slices.DeleteFunc(allowing(user, p)["scope"], func(scope string) bool { return scope == untick })
	reply := w.redeemed(p, asking(p), user, ticked...)
	if str(reply["access_token"]) == "" {
		w.t.Fatalf("%s: no access token: %v", p.name, reply)
	}
	return str(reply["access_token"])
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
	got := w.callback(p, with(asking(p), "return_scopes", "true"), url.Values{"user": {"ada"}, "decision": {"allow"}}) // e-mail is unticked
	if got.Get("granted_scopes") != "public_profile" || got.Get("denied_scopes") != "email" {
		t.Errorf("callback: %v", got)
	}
	if got := w.callback(p, asking(p), allowing("ada", p)); got.Has("granted_scopes") {
		t.Errorf("not asked for: %v", got)
	}
}
