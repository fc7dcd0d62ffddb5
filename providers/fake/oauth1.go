package fake

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const temporaryLife = 10 * time.Minute

// x is X, which speaks OAuth 1.0a (RFC 5849). It has no scopes: what an app may do is settled where it
// is registered. Each one here may read, and has "Request email from users" switched on.
func x() *dialect {
	return &dialect{name: "x", title: "X", scopes: []scope{
		{Name: "Read", Says: "see your profile and posts", Always: true},
		{Name: "Request email from users", Says: "see your e-mail address, if it is verified", Always: true},
	}}
}

// temporary are temporary credentials (§2.1), by their token.
type temporary struct {
	client           *Client
	secret, callback string
	user             User   // who allowed it,
	verifier         string // and what proves that; "" until then
}

// credentials are token credentials (§2.3), by their token. They never end by themselves.
type credentials struct {
	client *Client
	secret string
	user   User
}

// oauth1 is all that the fake remembers for OAuth 1.0a.
type oauth1 struct {
	mu        sync.Mutex
	temporary recent[temporary]
	tokens    recent[credentials]
	nonces    recent[struct{}]
}

func newOAuth1() *oauth1 {
	return &oauth1{
		temporary: recent[temporary]{life: temporaryLife},
		// A timestamp may be a window ahead, and is good for a window after.
		nonces: recent[struct{}]{life: 2*window + time.Second},
	}
}

// firstUse remembers a nonce with what it must be unique for, and reports whether it is new.
func (o *oauth1) firstUse(parts ...string) bool {
	hash := sha256.Sum256([]byte(strings.Join(parts, "\n"))) // of one length, however long the nonce
	nonce := string(hash[:])
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, again := o.nonces.get(nonce); again {
		return false
	}
	o.nonces.put(nonce, struct{}{})
	return true
}

// noToken is for the request that asks for the first one: its secret is empty (§2.1).
func noToken(_ *Client, token string) (string, bool) { return "", token == "" }

func (o *oauth1) temporarySecret(c *Client, token string) (string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t, ok := o.temporary.get(token)
	return t.secret, ok && t.client == c
}

func (o *oauth1) tokenSecret(c *Client, token string) (string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t, ok := o.tokens.get(token)
	return t.secret, ok && t.client == c
}

// requestToken gives temporary credentials (§2.1).
func (s *Server) requestToken(w http.ResponseWriter, r signedRequest) {
	callback := r.oauth["oauth_callback"]
	if !r.client.takes(callback) {
		refuse1(w, &failure1{http.StatusForbidden, 415, "Callback URL not approved for this client application. Approved callback URLs can be adjusted in your application settings"})
		return
	}
	token, secret := rand.Text(), rand.Text()
	s.oauth1.mu.Lock()
	s.oauth1.temporary.put(token, temporary{client: r.client, secret: secret, callback: callback})
	s.oauth1.mu.Unlock()
	sendForm(w, "oauth_token", token, "oauth_token_secret", secret, "oauth_callback_confirmed", "true")
}

// authenticate1 is where the browser is sent (§2.2): GET asks the user, and POST is the answer. All
// that it brings is the name of a request that the app itself has made.
func (s *Server) authenticate1(d *dialect) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked, err := url.ParseQuery(r.URL.RawQuery)
		token := asked.Get("oauth_token")
		if err != nil || len(asked["oauth_token"]) != 1 {
			token = ""
		}
		if r.Method == http.MethodPost {
			s.decide1(w, r, token)
		} else {
			s.consent1(w, d, token)
		}
	}
}

func (s *Server) consent1(w http.ResponseWriter, d *dialect, token string) {
	s.oauth1.mu.Lock()
	t, ok := s.oauth1.temporary.get(token)
	s.oauth1.mu.Unlock()
	if !ok {
		noRequestToken(w)
		return
	}
	p := consentPage{Dialect: d.name, Title: d.title, App: t.client.ID, Users: Users(), Scopes: d.scopes,
		Parameters: []parameter{
			{"oauth_token", token, "names the request that the app has sent by itself, signed (RFC 5849 §2.2)"},
			{"oauth_callback", t.callback, "of that request, and not by way of this browser; must be registered (RFC 5849 §2.1)"},
		}}
	if u, err := url.Parse(t.callback); err == nil {
		p.Returns = u.Host
	}
	show(w, http.StatusOK, "consent.html", p)
}

func noRequestToken(w http.ResponseWriter) {
	showError(w, http.StatusBadRequest, "There is no request token for this page, or it was already used, or it is more than ten minutes old. Go back to the app, and begin again.")
}

// decide1 reads the consent form. As long as the app has not used the answer, another can be given.
func (s *Server) decide1(w http.ResponseWriter, r *http.Request, token string) {
	form, f := postForm(w, r)
	if f != nil {
		showError(w, http.StatusBadRequest, f.description)
		return
	}
	s.oauth1.mu.Lock()
	defer s.oauth1.mu.Unlock()
	t, ok := s.oauth1.temporary.get(token)
	if !ok {
		noRequestToken(w)
		return
	}
	params := url.Values{}
	t.user = user(form.Get("user"))
	switch decision := form.Get("decision"); {
	case decision == "refuse":
		delete(s.oauth1.temporary.all, token)
		params.Set("denied", token) // X's own way of saying no: RFC 5849 has none
	case decision == "allow" && t.user.ID != "":
		t.verifier = rand.Text()
		s.oauth1.temporary.all[token] = t
		params.Set("oauth_token", token)
		params.Set("oauth_verifier", t.verifier)
	default:
		showError(w, http.StatusBadRequest, "This answer names no user of this provider, or is neither allow nor refuse. Go back and choose again: nothing is lost.")
		return
	}
	sendBack(w, r, t.callback, params, "")
}

// accessToken gives token credentials for temporary ones (§2.3), which are used up by that, be the
// verifier right or wrong, so that it cannot be guessed at.
func (s *Server) accessToken(w http.ResponseWriter, r signedRequest) {
	s.oauth1.mu.Lock()
	defer s.oauth1.mu.Unlock()
	t, _ := s.oauth1.temporary.get(r.oauth["oauth_token"])
	delete(s.oauth1.temporary.all, r.oauth["oauth_token"])
	if t.verifier == "" || !same(r.oauth["oauth_verifier"], t.verifier) {
		refuse1(w, unauthenticated("oauth_verifier is not what the browser was sent back with (RFC 5849 §2.3)."))
		return
	}
	id := t.user.Subjects["x"]
	token, secret := id+"-"+rand.Text(), rand.Text()
	s.oauth1.tokens.put(token, credentials{t.client, secret, t.user})
	sendForm(w, "oauth_token", token, "oauth_token_secret", secret, "user_id", id, "screen_name", t.user.Login)
}

func (s *Server) verifyCredentials(w http.ResponseWriter, r signedRequest) {
	s.oauth1.mu.Lock()
	t, ok := s.oauth1.tokens.get(r.oauth["oauth_token"])
	s.oauth1.mu.Unlock()
	if !ok { // taken back since the signature was checked
		refuse1(w, unknownToken1)
		return
	}
	u := t.user
	me := map[string]any{
		"id":                      json.Number(u.Subjects["x"]), // above 2^53
		"id_str":                  u.Subjects["x"],
		"name":                    u.Name,
		"screen_name":             u.Login,
		"profile_image_url_https": strings.TrimSuffix(s.picture(u), ".svg") + "_normal.svg",
	}
	if r.URL.Query().Get("include_email") == "true" {
		me["email"] = nil // none, or not verified
		if u.EmailVerified {
			me["email"] = u.Email
		}
	}
	sendJSON(w, http.StatusOK, me)
}

// invalidateToken takes the token back that signed the request.
func (s *Server) invalidateToken(w http.ResponseWriter, r signedRequest) {
	s.oauth1.mu.Lock()
	defer s.oauth1.mu.Unlock()
	delete(s.oauth1.tokens.all, r.oauth["oauth_token"])
	sendJSON(w, http.StatusOK, map[string]any{"access_token": r.oauth["oauth_token"]})
}

// sendForm writes names and values as X does: form-encoded, and declared as something else.
func sendForm(w http.ResponseWriter, namesAndValues ...string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	for i := 0; i < len(namesAndValues); i += 2 {
		if i > 0 {
			fmt.Fprint(w, "&")
		}
		fmt.Fprint(w, namesAndValues[i], "=", url.QueryEscape(namesAndValues[i+1]))
	}
}
