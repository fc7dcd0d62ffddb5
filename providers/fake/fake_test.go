package fake_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/oauthbyhand/providers/fake"
	"github.com/google/go-cmp/cmp"
)

// The pair of RFC 7636 Appendix B.
const (
	codeVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	codeChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// provider holds the addresses of one of the seven with OAuth 2.0, for the tables of the other tests.
type provider struct {
	name, scope               string
	authorize, token, profile string
	basic                     bool
}

var providers = map[string]provider{
	"google": {"google", "openid email profile", "https://accounts.google.com/o/oauth2/v2/auth",
		"https://oauth2.googleapis.com/token", "https://openidconnect.googleapis.com/v1/userinfo", false},
	"github": {"github", "user:email", "https://github.com/login/oauth/authorize",
		"https://github.com/login/oauth/access_token", "https://api.github.com/user", false},
	"facebook": {"facebook", "public_profile,email", "https://www.facebook.com/v26.0/dialog/oauth",
		"https://graph.facebook.com/v26.0/oauth/access_token", "https://graph.facebook.com/v26.0/me", false},
	"instagram": {"instagram", "instagram_business_basic", "https://www.instagram.com/oauth/authorize",
		"https://api.instagram.com/oauth/access_token", "https://graph.instagram.com/v26.0/me", false},
	"spotify": {"spotify", "user-read-email user-read-private", "https://accounts.spotify.com/authorize",
		"https://accounts.spotify.com/api/token", "https://api.spotify.com/v1/me", true},
	"x2": {"x2", "users.read tweet.read users.email offline.access", "https://x.com/i/oauth2/authorize",
		"https://api.x.com/2/oauth2/token", "https://api.x.com/2/users/me", true},
	"oidc": {"oidc", "openid email profile offline_access", "https://openid.example/authorize",
		"https://openid.example/token", "https://openid.example/userinfo", true},
}

const (
	origin   = "http://127.0.0.1:9000"
	redirect = "https://app.example/callback?tenant=1" // with a query of its own, which is kept
	secret   = "a b+c%d:é"                             // survives only if it is form-encoded before base64
	other    = "other one: 100%"                       // the client_id of another client, and so does this
)

// world is a fake with one client of each provider, called app-<provider>, and another.
type world struct {
	*fake.Server
	t   *testing.T
	web *http.Client
}

func newWorld(t *testing.T) *world {
	var clients []fake.Client
	for _, name := range append(slices.Collect(maps.Keys(providers)), "x") {
		for _, id := range []string{"app-" + name, other} {
			clients = append(clients, fake.Client{Provider: name, ID: id, Secret: secret, RedirectURIs: []string{redirect}})
		}
	}
	op := fake.New(fake.Options{Origin: origin, Clients: clients})
	return &world{op, t, &http.Client{Transport: op.Net(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// asking is an authorization request that is right.
func asking(p provider) url.Values {
	return url.Values{"client_id": {"app-" + p.name}, "redirect_uri": {redirect}, "response_type": {"code"},
		"scope": {p.scope}, "state": {"st4te"}, "code_challenge": {codeChallenge}, "code_challenge_method": {"S256"}}
}

// with returns a changed copy of form: pairs of a name and its value. An empty value deletes.
func with(form url.Values, pairs ...string) url.Values {
	form = maps.Clone(form)
	for pair := range slices.Chunk(pairs, 2) {
		if form.Set(pair[0], pair[1]); pair[1] == "" {
			form.Del(pair[0])
		}
	}
	return form
}

// allowing is the form of a user who allows all.
func allowing(user string, p provider) url.Values {
	scopes := strings.FieldsFunc(p.scope, func(c rune) bool { return c == ' ' || c == ',' })
	return url.Values{"user": {user}, "scope": scopes, "decision": {"allow"}}
}

// callback answers an authorization request and returns the parameters that come back.
func (w *world) callback(p provider, asked, form url.Values) url.Values {
	w.t.Helper()
	resp := must(w.web.PostForm(p.authorize+"?"+asked.Encode(), form))
	resp.Body.Close()
	if resp.StatusCode != 303 {
		w.t.Fatalf("%s: consent answered %s", p.name, resp.Status)
	}
	return must(resp.Location()).Query()
}

// redeemed returns the token reply after the user has allowed the request asked, with these scopes ticked.
func (w *world) redeemed(p provider, asked url.Values, user string, ticked ...string) map[string]any {
	w.t.Helper()
	form := url.Values{"user": {user}, "decision": {"allow"}, "scope": ticked}
	_, reply := w.tokens(p, redeeming(w.callback(p, asked, form).Get("code")))
	return reply
}

func (w *world) code(p provider) string {
	w.t.Helper()
	return w.callback(p, asking(p), allowing("ada", p)).Get("code")
}

// redeeming is a right token request, without client authentication.
func redeeming(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {codeVerifier}}
}

// post sends a form, for example a token request, authenticated as client id.
func (w *world) post(p provider, endpoint, id string, form url.Values) *http.Response {
	secret := secret
	if strings.HasPrefix(id, fake.TestID) {
		secret = fake.TestSecret
	}
	if !p.basic {
		form = with(form, "client_id", id, "client_secret", secret)
	}
	req := must(http.NewRequest("POST", endpoint, strings.NewReader(form.Encode())))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if p.basic {
		req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	return must(w.web.Do(req))
}

func (w *world) tokens(p provider, form url.Values) (status int, reply map[string]any) {
	w.t.Helper()
	if p.name == "facebook" { // which has dropped the challenge
		form = with(form, "code_verifier", "")
	}
	resp := w.post(p, p.token, "app-"+p.name, form)
	if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Pragma") != "no-cache" { // RFC 6749 §5.1
		w.t.Errorf("%s: a token reply may be cached: %v", p.name, resp.Header)
	}
	return resp.StatusCode, decode(w.t, resp)
}

// get reads a resource with an access token.
func (w *world) get(rawURL, accessToken string) *http.Response {
	req := must(http.NewRequest("GET", rawURL, nil))
	req.Header.Set("User-Agent", "test")
	if accessToken != "" {
		req.Header.Set("Authorization", "Bearer "+accessToken)
	}
	return must(w.web.Do(req))
}

// browse sends the provider a form as a browser would, with one header of the page that it is on.
func (w *world) browse(target, header, value string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(w.t.Context(), "POST", target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set(header, value)
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// wantEqual asserts a whole value.
func wantEqual[T any](t *testing.T, want, got T, reason string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%swhy: %s", diff, reason)
	}
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	return string(must(io.ReadAll(resp.Body)))
}

// decode reads a JSON object; numbers stay as they are on the wire.
func decode(t *testing.T, resp *http.Response) map[string]any {
	t.Helper()
	body := text(t, resp)
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s %s: %v\n%s", resp.Request.Method, resp.Request.URL, err, body)
	}
	return v
}
