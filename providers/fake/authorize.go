package fake

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// failure is an error in the words of RFC 6749 §4.1.2.1 and §5.2. Nothing that was received is
// repeated in the description, and it is ASCII without quotes and backslashes (RFC 6749 Appendix A.8).
type failure struct{ code, description string }

// authorize is the authorization endpoint (RFC 6749 §3.1): GET shows the consent page, and POST to the same URL is
// the user's answer. (sentAsForm handles a request that an app sends as a POST.) Nothing is stored before "Allow", so a sign-in that
// is never finished costs no memory, and a user may go back and allow again.
func (s *Server) authorize(d *dialect, w http.ResponseWriter, r *http.Request) {
	if sentAsForm(w, r) {
		return
	}
	asked, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		showError(w, http.StatusBadRequest, "The query of this authorization request cannot be parsed. Encode each value once.")
		return
	}
	client := s.client(d, asked.Get("client_id"))
	// Until client_id and redirect_uri are right, a redirect could lead anywhere (RFC 6749 §4.1.2.1).
	if client == nil || len(asked["client_id"]) != 1 {
		showError(w, http.StatusBadRequest, "No app is registered here under this client_id. The browser is not sent back, since an unknown app has no known address (RFC 6749 section 4.1.2.1).")
		return
	}
	if len(asked["redirect_uri"]) != 1 || !client.takes(asked.Get("redirect_uri")) {
		showError(w, http.StatusBadRequest, "The redirect_uri is not, character for character, one that this app has registered (RFC 9700 §2.1). The browser is not sent there (RFC 6749 section 4.1.2.1).")
		return
	}
	if d.dropsChallenge {
		asked.Del("code_challenge")
		asked.Del("code_challenge_method")
	}
	scopes, f := d.check(client, asked)
	switch {
	case f != nil:
		d.redirect(w, r, asked, url.Values{"error": {f.code}, "error_description": {f.description}})
	case r.Method == http.MethodPost:
		s.decide(w, r, d, client, asked, scopes)
	default:
		consent(w, d, client, asked.Get("redirect_uri"), scopes, asked)
	}
}

// sentAsForm takes an authorization request that an app sent as a form (OIDC Core §3.1.2.1) and sends the browser to
// the same request with a query. The user's answer is not such a request: it has the field decision.
func sentAsForm(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	form, f := postForm(w, r)
	if f != nil || form.Has("decision") || !form.Has("response_type") {
		return false
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", "?"+form.Encode()) // relative, because the mux does not see the path that the browser sees
	w.WriteHeader(http.StatusSeeOther)
	return true
}

// check finds what is wrong with a request whose client and redirect URI are right.
func (d *dialect) check(client *Client, asked url.Values) ([]scope, *failure) {
	if f := repeated(asked); f != nil {
		return nil, f
	}
	switch {
	case asked.Get("response_type") == "":
		return nil, &failure{"invalid_request", "response_type is missing."}
	case asked.Get("response_type") != "code":
		return nil, &failure{"unsupported_response_type", "Only the response type code is supported."}
	case cmp.Or(asked.Get("response_mode"), "query") != "query":
		return nil, &failure{"invalid_request", "Only the response_mode query is supported."}
	case asked.Get("state") == "":
		return nil, &failure{"invalid_request", "state is missing. This provider demands one (RFC 6749 section 10.12)."}
	case d.openID && asked.Get("prompt") == "none":
		return nil, &failure{"interaction_required", "This provider always asks (OIDC Core section 3.1.2.6)."}
	case d.openID && asked.Has("request"):
		return nil, &failure{"request_not_supported", "Request objects are not supported (OIDC Core section 6.1)."}
	case d.openID && asked.Has("request_uri"):
		return nil, &failure{"request_uri_not_supported", "Request objects are not supported (OIDC Core section 6.2)."}
	}
	if f := d.checkPKCE(client, asked); f != nil {
		return nil, f
	}
	return d.checkScopes(d.split(asked.Get("scope")))
}

func (d *dialect) checkPKCE(client *Client, asked url.Values) *failure {
	openID := d.openID && slices.Contains(d.split(asked.Get("scope")), "openid")
	challenge, err := base64.RawURLEncoding.Strict().DecodeString(asked.Get("code_challenge"))
	switch {
	case d.dropsChallenge:
	case !asked.Has("code_challenge") && !asked.Has("code_challenge_method") && client.WithoutPKCE:
		if openID && asked.Get("nonce") == "" {
			return &failure{"invalid_request", "nonce is missing. Without PKCE an OpenID client needs one (RFC 9700 section 2.1.1)."}
		}
	case asked.Get("code_challenge") == "":
		return &failure{"invalid_request", "code_challenge is missing. This provider demands one (RFC 9700 section 2.1.1)."}
	case asked.Get("code_challenge_method") != "S256":
		return &failure{"invalid_request", "code_challenge_method must be S256 (RFC 9700 section 2.1.1)."}
	case err != nil || len(challenge) != 32 || len(asked.Get("code_challenge")) != 43: // both lengths, because the decoder skips line ends
		return &failure{"invalid_request", "code_challenge is not base64url of a SHA-256 hash, 43 characters (RFC 7636 section 4.2)."}
	}
	return nil
}

func (d *dialect) checkScopes(names []string) ([]scope, *failure) {
	var scopes []scope
	for _, name := range names {
		s, ok := d.known(name)
		if ok && !slices.Contains(scopes, s) { // unknown ones are ignored (OIDC Core §3.1.2.1); the reply names what was granted
			scopes = append(scopes, s)
		}
	}
	for _, s := range d.scopes {
		if s.Needed && !slices.Contains(scopes, s) {
			return nil, &failure{"invalid_scope", "The scope " + s.Name + " is missing."}
		}
	}
	return scopes, nil
}

// decide takes the user's answer, and sends the browser back.
func (s *Server) decide(w http.ResponseWriter, r *http.Request, d *dialect, client *Client, asked url.Values, scopes []scope) {
	decision, ok := readDecision(w, r)
	if !ok {
		return
	}
	if !decision.allowed {
		d.redirect(w, r, asked, maps.Clone(d.refusal))
		return
	}
	var granted []string
	for _, sc := range scopes {
		if sc.Always || slices.Contains(decision.scopes, sc.Name) {
			granted = append(granted, sc.Name)
		}
	}
	code := s.grants.open(&grant{
		client: client, dialect: d, user: decision.user, scopes: granted,
		redirectURI: asked.Get("redirect_uri"), challenge: asked.Get("code_challenge"), nonce: asked.Get("nonce"), maxAge: asked.Has("max_age"),
		refreshable: d.refreshes != nil && d.refreshes(asked, granted),
	})
	params := url.Values{"code": {code}}
	d.callback(params, asked, granted)
	d.redirect(w, r, asked, params)
}

// redirect sends the browser back to the client: the authorization response (RFC 6749 §4.1.2).
func (d *dialect) redirect(w http.ResponseWriter, r *http.Request, asked, params url.Values) {
	if state := asked["state"]; len(state) == 1 && state[0] != "" {
		params.Set("state", state[0])
	}
	if d.issuer != "" {
		params.Set("iss", d.issuer) // on error responses too (RFC 9207 §2)
	}
	sendBack(w, r, asked.Get("redirect_uri"), params, d.fragment)
}

func sendBack(w http.ResponseWriter, r *http.Request, redirectURI string, params url.Values, fragment string) {
	// As text, because a url.URL would spell it in another way.
	to, query, _ := strings.Cut(redirectURI, "?")
	if query != "" {
		query += "&" // its own query is kept (RFC 6749 §3.1.2)
	}
	to += "?" + query + params.Encode() + fragment
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusSeeOther) // never 307, which repeats the form's POST to the client (RFC 9700 §4.12)
}
