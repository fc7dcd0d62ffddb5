package fake

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// x is X, which speaks OAuth 1.0a (RFC 5849). It has no scopes: an app's permissions are part of its
// registration. Each app here may read, and has "Request email from users" switched on.
func x() *dialect {
	return &dialect{name: "x", title: "X", scopes: []scope{
		{Name: "Read", Says: "see your profile and posts", Always: true},
		{Name: "Request email from users", Says: "see your e-mail address, if it is verified", Always: true},
	}}
}

// credentials belong to a token: temporary ones (§2.1), or those that they are exchanged for (§2.3).
type credentials struct {
	client *Client
	secret string
	user   User // who allowed it

	// Only of temporary ones:
	began    time.Time
	callback string
	verifier string // proves that the user was asked; "" until then
}

// oauth1 is what the fake remembers of OAuth 1.0a. Credentials are found by their token.
type oauth1 struct {
	mu        sync.Mutex
	temporary recent[credentials]
	tokens    recent[credentials] // they do not expire
	nonces    recent[struct{}]
}

// firstUse remembers a nonce together with its client, token and time, and reports whether they are new together.
func (o *oauth1) firstUse(parts ...string) bool {
	hash := sha256.Sum256([]byte(strings.Join(parts, "\n"))) // of one length, however long the nonce
	nonce := string(hash[:])
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, again := o.nonces.all[nonce]; again {
		return false
	}
	o.nonces.put(nonce, struct{}{})
	return true
}

// find looks credentials up. Temporary ones live for ten minutes. If known is nil, the request asks for the first ones:
// it names no token, and its token secret is empty (§2.1).
func (o *oauth1) find(known *recent[credentials], token string) (credentials, bool) {
	if known == nil {
		return credentials{}, token == ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	c, ok := known.all[token]
	return c, ok && (known != &o.temporary || time.Since(c.began) < 10*time.Minute)
}

// requestToken gives temporary credentials (§2.1).
func (s *Server) requestToken(w http.ResponseWriter, r signedRequest) {
	callback := r.oauth["oauth_callback"]
	if !r.client.takes(callback) {
		refuse1(w, &failure{"415", "Callback URL not approved for this client application. Approved callback URLs can be adjusted in your application settings"})
		return
	}
	token, secret := rand.Text(), rand.Text()
	s.oauth1.mu.Lock()
	s.oauth1.temporary.put(token, credentials{client: r.client, secret: secret, began: time.Now(), callback: callback})
	s.oauth1.mu.Unlock()
	sendForm(w, "text/html", url.Values{"oauth_token": {token}, "oauth_token_secret": {secret}, "oauth_callback_confirmed": {"true"}})
}

// authenticate1 is the page to which the browser is sent (§2.2): GET asks the user, and POST is the answer. The
// browser brings only the name of the request that the app itself has made.
func (s *Server) authenticate1(d *dialect, w http.ResponseWriter, r *http.Request) {
	asked, err := url.ParseQuery(r.URL.RawQuery)
	token := asked.Get("oauth_token")
	t, ok := s.oauth1.find(&s.oauth1.temporary, token)
	switch {
	case err != nil || len(asked["oauth_token"]) != 1 || !ok:
		showError(w, http.StatusBadRequest, noRequestToken)
	case r.Method == http.MethodPost:
		s.decide1(w, r, token)
	default:
		consent(w, d, t.client, t.callback, d.scopes, asked)
	}
}

const noRequestToken = "There is no request token for this page, or it was already used, or it is more than ten minutes old. Go back to the app, and begin again."

// decide1 takes the user's answer. The user can change an Allow until the app has used it.
func (s *Server) decide1(w http.ResponseWriter, r *http.Request, token string) {
	decision, ok := readDecision(w, r)
	if !ok {
		return
	}
	s.oauth1.mu.Lock()
	defer s.oauth1.mu.Unlock()
	t, ok := s.oauth1.temporary.all[token]
	if !ok { // used meanwhile
		showError(w, http.StatusBadRequest, noRequestToken)
		return
	}
	if !decision.allowed {
		delete(s.oauth1.temporary.all, token)
		sendBack(w, r, t.callback, url.Values{"denied": {token}}, "") // X's own way: RFC 5849 has none
		return
	}
	t.user, t.verifier = decision.user, rand.Text()
	s.oauth1.temporary.all[token] = t
	sendBack(w, r, t.callback, url.Values{"oauth_token": {token}, "oauth_verifier": {t.verifier}}, "")
}

// accessToken gives token credentials for temporary ones (§2.3). The temporary ones are used up even if the verifier
// is wrong, so that nobody can guess it.
func (s *Server) accessToken(w http.ResponseWriter, r signedRequest) {
	s.oauth1.mu.Lock()
	defer s.oauth1.mu.Unlock()
	t := s.oauth1.temporary.all[r.oauth["oauth_token"]]
	delete(s.oauth1.temporary.all, r.oauth["oauth_token"])
	if t.verifier == "" || !same(r.oauth["oauth_verifier"], t.verifier) {
		refuse1(w, unauthenticated("oauth_verifier is not what the browser was sent back with (RFC 5849 section 2.3)."))
		return
	}
	id := t.user.Subjects["x"]
	token, secret := id+"-"+rand.Text(), rand.Text()
	s.oauth1.tokens.put(token, credentials{client: t.client, secret: secret, user: t.user})
	sendForm(w, "text/html", url.Values{"oauth_token": {token}, "oauth_token_secret": {secret}, "user_id": {id}, "screen_name": {t.user.Login}})
}

func (s *Server) verifyCredentials(w http.ResponseWriter, r signedRequest) {
	u := r.credentials.user
	me := object{
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

// invalidateToken revokes the token that signed the request.
func (s *Server) invalidateToken(w http.ResponseWriter, r signedRequest) {
	s.oauth1.mu.Lock()
	defer s.oauth1.mu.Unlock()
	delete(s.oauth1.tokens.all, r.oauth["oauth_token"])
	sendJSON(w, http.StatusOK, object{"access_token": r.oauth["oauth_token"]})
}
