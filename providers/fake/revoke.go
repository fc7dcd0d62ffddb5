package fake

import (
	"encoding/json"
	"net/http"
)

var unknownToken = &failure{"invalid_token", "The token is unknown."}

// revoke is the revocation endpoint (RFC 7009 §2) of Google, X and the generic provider. Each
// token revokes the whole grant.
func (s *Server) revoke(d *dialect, w http.ResponseWriter, r *http.Request) {
	form, client, f := s.clientForm(w, r, d)
	if f == nil && form.Get("token") == "" {
		f = &failure{"invalid_request", "token is missing."}
	}
	if f == nil {
		f = s.grants.revokeToken(d, client, form.Get("token"), false)
	}
	// An unknown token is no error: it does not work, which is all that the client wants (RFC 7009 §2.2). But Google
	// answers with an error (seen in https://github.com/customeros/customeros/pull/11611).
	if f != nil && (f != unknownToken || d.name == "google") {
		d.sendFailure(w, r, f)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// githubRevoke revokes all that the token's user granted to the app.
func (s *Server) githubRevoke(d *dialect, w http.ResponseWriter, r *http.Request) {
	var body struct {
		AccessToken string `json:"access_token"`
	}
	client, f := s.authenticate(d, r, nil)
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&body)
	switch {
	case f != nil || client.ID != r.PathValue("client_id"):
		d.refuse(w, http.StatusUnauthorized, &failure{"", "Requires authentication"})
	case err != nil:
		d.refuse(w, http.StatusBadRequest, &failure{"", "Problems parsing JSON"})
	case s.grants.revokeToken(d, client, body.AccessToken, true) != nil:
		d.refuse(w, http.StatusNotFound, &failure{"", "Not Found"})
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
