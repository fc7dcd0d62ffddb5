package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// api guards every protected resource: a request needs a live access token of this provider, in the Authorization
// header (RFC 6750 §2.1) and nowhere else.
func (s *Server) api(answer func(w http.ResponseWriter, r *http.Request, i *issued)) handler {
	return func(d *dialect, w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		i := s.grants.bearer(d, token)
		switch {
		case d.name == "github" && r.UserAgent() == "":
			d.refuse(w, http.StatusForbidden, &failure{"", "Request forbidden by administrative rules. Please make sure your request has a User-Agent header."})
		case r.URL.Query().Has("access_token"): // URLs get into logs and histories (RFC 9700 §4.3.2)
			d.refuse(w, http.StatusBadRequest, &failure{"invalid_request", "An access token does not belong in a URL."})
		case scheme == "":
			w.Header().Set("WWW-Authenticate", "Bearer") // without an error, because no token was presented (RFC 6750 §3.1)
			d.refuse(w, http.StatusUnauthorized, &failure{"invalid_token", "An access token is needed."})
		case i == nil || !strings.EqualFold(scheme, "Bearer"):
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			d.refuse(w, http.StatusUnauthorized, &failure{"invalid_token", "The access token is unknown, expired or revoked."})
		case d.needsAppProof && !same(r.URL.Query().Get("appsecret_proof"), appSecretProof(i.client.Secret, token)):
			d.refuse(w, http.StatusBadRequest, &failure{"", "API calls from the server require an appsecret_proof argument"})
		default:
			answer(w, r, i)
		}
	}
}

func (d *dialect) refuse(w http.ResponseWriter, status int, f *failure) {
	sendJSON(w, status, d.apiFailure(status, f))
}

// appSecretProof shows that the bearer of a token also knows the app's secret ("Require App Secret").
func appSecretProof(secret, token string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// userinfo is the UserInfo endpoint (OIDC Core §5.3), of Google and of the generic provider.
func (s *Server) userinfo(w http.ResponseWriter, r *http.Request, i *issued) {
	claims := s.profile(i.user, i.scopes)
	claims["sub"] = i.user.Subjects[i.dialect.name]
	sendJSON(w, http.StatusOK, claims)
}

func (s *Server) githubUser(w http.ResponseWriter, r *http.Request, i *issued) {
	sendJSON(w, http.StatusOK, object{
		"login":      i.user.Login,
		"id":         json.Number(i.user.Subjects["github"]),
		"avatar_url": s.picture(i.user),
		"name":       i.user.Name,
		"email":      nil, // private: addresses are at /user/emails
		"type":       "User",
	})
}

func (s *Server) githubEmails(w http.ResponseWriter, r *http.Request, i *issued) {
	if !slices.Contains(i.scopes, "user:email") {
		i.dialect.refuse(w, http.StatusNotFound, &failure{"", "Not Found"})
		return
	}
	u := i.user
	emails := []object{}
	if u.EmailVerified { // before the primary one, so that a client that simply takes the first address fails
		emails = append(emails, object{"email": u.Subjects["github"] + "+" + u.Login + "@users.noreply.github.com",
			"primary": false, "verified": true, "visibility": nil})
	}
	if u.Email != "" {
		emails = append(emails, object{"email": u.Email,
			"primary": true, "verified": u.EmailVerified, "visibility": "private"})
	}
	sendJSON(w, http.StatusOK, emails)
}

func (s *Server) spotifyMe(w http.ResponseWriter, r *http.Request, i *issued) {
	me := object{
		"account_id":   i.user.Subjects["spotify"],
		"id":           i.user.SpotifyID,
		"display_name": i.user.Name,
		"images":       []object{{"url": s.picture(i.user), "height": 64, "width": 64}},
		"type":         "user",
		"uri":          "spotify:user:" + i.user.SpotifyID,
	}
	if slices.Contains(i.scopes, "user-read-email") && i.user.Email != "" {
		me["email"] = i.user.Email // Spotify has not verified it, and leaves it out for apps in development mode
	}
	if slices.Contains(i.scopes, "user-read-private") {
		me["product"] = "free"
	}
	sendJSON(w, http.StatusOK, me)
}
