package fake

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	badCode    = &failure{"invalid_grant", "The code is unknown, expired, already used, or was given to another client."}
	badRefresh = &failure{"invalid_grant", "The refresh token is unknown, expired, already used, or was given to another client."}
	badClient  = &failure{"invalid_client", "The client is unknown, its secret is wrong, or the secret was not sent in a way that this provider accepts."}
)

// token is the token endpoint (RFC 6749 §3.2).
func (s *Server) token(d *dialect, w http.ResponseWriter, r *http.Request) {
	form, client, f := s.clientForm(w, r, d)
	var t tokens
	if f == nil {
		t, f = s.grantTokens(d, client, form)
	}
	if f != nil {
		d.sendFailure(w, r, f)
		return
	}
	reply := object{
		"access_token": t.access,
		"token_type":   "Bearer",
		"expires_in":   int(d.accessLife.Seconds()),
		"scope":        strings.Join(d.longNames(t.scopes), " "),
	}
	if t.refresh != "" {
		reply["refresh_token"] = t.refresh
	}
	if d.openID && slices.Contains(t.scopes, "openid") {
		nonce := t.nonce
		if form.Get("grant_type") == "refresh_token" {
			nonce = "" // OIDC Core §12.2: it should not have one, even if the first had
		}
		reply["id_token"] = s.idToken(t, nonce)
	}
	d.tokenReply(reply, t)
	d.sendTokens(w, r, http.StatusOK, reply)
}

func (s *Server) grantTokens(d *dialect, c *Client, form url.Values) (tokens, *failure) {
	s.grants.mu.Lock()
	defer s.grants.mu.Unlock()
	switch grantType := form.Get("grant_type"); {
	case grantType == "authorization_code":
		return s.exchange(d, c, form)
	case grantType == "refresh_token" && d.refreshes != nil:
		return s.refresh(d, c, form)
	case grantType == "":
		return tokens{}, &failure{"invalid_request", "grant_type is missing."}
	}
	return tokens{}, &failure{"unsupported_grant_type", "This provider does not know this grant_type."}
}

// exchange gives tokens for a code (RFC 6749 §4.1.3). The first request with a code uses it up, even with a wrong
// verifier, so that nobody can guess the verifier. s.grants.mu is held.
func (s *Server) exchange(d *dialect, c *Client, form url.Values) (tokens, *failure) {
	code, redirectURI := form.Get("code"), form.Get("redirect_uri")
	if code == "" || redirectURI == "" {
		return tokens{}, &failure{"invalid_request", "code or redirect_uri is missing."}
	}
	i := s.grants.unspent(d, codeKind, code, c)
	if i == nil {
		return tokens{}, badCode
	}
	i.spent = true
	if redirectURI != i.redirectURI {
		return tokens{}, &failure{"invalid_grant", "redirect_uri is not the one of the authorization request (RFC 6749 section 4.1.3)."}
	}
	if f := d.verify(form.Get("code_verifier"), i.challenge); f != nil {
		return tokens{}, f
	}
	return s.grants.giveTokens(i.grant, i.refreshable), nil
}

// verifierAlone answers a verifier without a challenge, in Facebook's words.
var verifierAlone = &failure{"invalid_request", "code_verifier param is provided without a code_challenge in authorization request."}

var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// verify compares verifier and challenge (PKCE, RFC 7636 §4.6). It refuses a verifier without a challenge, because an
// attacker may have removed the challenge from the authorization request (RFC 9700 §2.1.1).
func (d *dialect) verify(verifier, challenge string) *failure {
	hash := sha256.Sum256([]byte(verifier))
	switch {
	case d.dropsVerifier:
	case challenge == "" && verifier != "":
		return verifierAlone
	case challenge == "":
	case verifier == "":
		return &failure{"invalid_request", "code_verifier is missing."}
	case !verifierForm.MatchString(verifier):
		return &failure{"invalid_request", "code_verifier is not 43 to 128 characters of A-Z, a-z, 0-9 and -._~ (RFC 7636 section 4.1)."}
	case !same(base64.RawURLEncoding.EncodeToString(hash[:]), challenge):
		return &failure{"invalid_grant", "code_verifier does not match the code_challenge (RFC 7636 section 4.6)."}
	}
	return nil
}

// refresh gives new tokens for a refresh token (RFC 6749 §6). They have all the granted scopes: a request for fewer
// may be ignored (§3.3). s.grants.mu is held.
func (s *Server) refresh(d *dialect, c *Client, form url.Values) (tokens, *failure) {
	if form.Get("refresh_token") == "" {
		return tokens{}, &failure{"invalid_request", "refresh_token is missing."}
	}
	i := s.grants.unspent(d, refreshKind, form.Get("refresh_token"), c)
	if i == nil {
		return tokens{}, badRefresh
	}
	for _, name := range d.split(form.Get("scope")) {
		if sc, _ := d.known(name); !slices.Contains(i.scopes, sc.Name) {
			return tokens{}, &failure{"invalid_scope", "The request asks for a scope that was not granted (RFC 6749 section 6)."}
		}
	}
	i.spent = !d.keepsRefresh // only here, so that a wrong scope does not use it up
	return s.grants.giveTokens(i.grant, !d.keepsRefresh), nil
}

// clientForm reads the form that a client posts, and finds the client.
func (s *Server) clientForm(w http.ResponseWriter, r *http.Request, d *dialect) (url.Values, *Client, *failure) {
	form, f := postForm(w, r)
	if f = cmp.Or(f, repeated(form)); f != nil {
		return form, nil, f
	}
	client, f := s.authenticate(d, r, form)
	return form, client, f
}

// authenticate is client authentication (RFC 6749 §2.3). A client must use one way, and one that the provider accepts.
func (s *Server) authenticate(d *dialect, r *http.Request, form url.Values) (*Client, *failure) {
	id, secret, allowed := form.Get("client_id"), form.Get("client_secret"), d.body
	if r.Header.Get("Authorization") != "" {
		user, password, ok := r.BasicAuth()
		// Both halves are form-encoded before base64 (RFC 6749 §2.3.1).
		basicID, err1 := url.QueryUnescape(user)
		basicSecret, err2 := url.QueryUnescape(password)
		switch {
		case !ok || err1 != nil || err2 != nil:
			return nil, badClient
		case form.Has("client_secret"):
			return nil, &failure{"invalid_request", "The client authenticates in two ways at once (RFC 6749 section 2.3)."}
		case form.Has("client_id") && id != basicID:
			return nil, &failure{"invalid_request", "client_id is not the one of the Authorization header."}
		}
		id, secret, allowed = basicID, basicSecret, d.basic
	}
	c := s.client(d, id)
	if c == nil || !allowed || !same(secret, c.Secret) {
		return nil, badClient
	}
	return c, nil
}

// same compares secrets. Its time does not show how much of them agrees.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// postForm returns the form in the body of a POST. It ignores the URL, because URLs get into logs.
func postForm(w http.ResponseWriter, r *http.Request) (url.Values, *failure) {
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/x-www-form-urlencoded" {
		return nil, &failure{"invalid_request", "The body is not application/x-www-form-urlencoded."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return nil, &failure{"invalid_request", "The form cannot be parsed."}
	}
	return r.PostForm, nil
}

// repeated refuses a parameter that occurs twice: two readers could take different ones (RFC 6749 §3.1, §3.2).
func repeated(form url.Values) *failure {
	for _, values := range form {
		if len(values) > 1 {
			return &failure{"invalid_request", "A parameter is repeated (RFC 6749 section 3.1, section 3.2)."}
		}
	}
	return nil
}

// sendTokens writes the answer of the token endpoint. Nothing may store it (RFC 6749 §5.1).
func (d *dialect) sendTokens(w http.ResponseWriter, r *http.Request, status int, reply object) {
	w.Header().Set("Pragma", "no-cache")
	if !d.formReplies || strings.Contains(r.Header.Get("Accept"), "application/json") {
		sendJSON(w, status, reply)
		return
	}
	form := url.Values{}
	for name, value := range reply {
		form.Set(name, fmt.Sprint(value))
	}
	sendForm(w, "application/x-www-form-urlencoded", form) // GitHub's errors also have status 200
}

// sendForm writes a form. X declares its own as text/html.
func sendForm(w http.ResponseWriter, mediaType string, form url.Values) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	io.WriteString(w, form.Encode())
}

func (d *dialect) sendFailure(w http.ResponseWriter, r *http.Request, f *failure) {
	status, body := d.tokenFailure(f)
	if status == http.StatusUnauthorized && r.Header.Get("Authorization") != "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+d.title+`"`) // RFC 6749 §5.2
	}
	d.sendTokens(w, r, status, body)
}

// object is a JSON object, or what a page shows.
type object = map[string]any

// sendJSON writes v, uncached unless the header says otherwise already.
func sendJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // v is made of maps, lists and strings
	}
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body)
}
