package fake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// Facebook and Instagram: neither has refresh tokens, and the exchange of a token for one that lives
// longer is not here.

func (s *Server) facebookMe(w http.ResponseWriter, r *http.Request, i *issued) {
	me := map[string]any{
		"id":   i.user.Subjects["facebook"], // of this user for this app: another app sees another id
		"name": i.user.Name,
		"picture": map[string]any{"data": map[string]any{
			"height": 50, "width": 50, "is_silhouette": false, "url": s.picture(i.user)}},
		"email": nil,
	}
	if slices.Contains(i.scopes, "email") && i.user.Email != "" {
		me["email"] = i.user.Email // nothing says whether it was verified
	}
	sendFields(w, r, i.dialect, me, "id,name")
}

// facebookRevoke takes back all that the user gave to the app.
func (s *Server) facebookRevoke(w http.ResponseWriter, r *http.Request, i *issued) {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	s.grants.revokeToken(i.dialect, i.client, token, true)
	sendJSON(w, http.StatusOK, map[string]any{"success": true})
}

// instagramTokenReply has neither token_type nor expires_in. Meta documents another shape, that of the
// fault token-wrapped; code that runs in production reads this one, in which user_id is a number above 2^53.
func instagramTokenReply(_ map[string]any, t tokens) map[string]any {
	return map[string]any{
		"access_token": t.access, "user_id": json.Number(t.user.InstagramTokenID), "permissions": t.scopes}
}

func (s *Server) instagramMe(w http.ResponseWriter, r *http.Request, i *issued) {
	me := map[string]any{
		"id":                  i.user.InstagramID,
		"user_id":             i.user.Subjects["instagram"], // not the user_id of the token reply
		"username":            i.user.Login,
		"name":                i.user.Name,
		"account_type":        "BUSINESS",
		"profile_picture_url": s.picture(i.user),
	}
	sendFields(w, r, i.dialect, me, "id")
}

// sendFields answers with the fields that the query asks for. One that the user does not have, nil, is
// left out; id is always there.
func sendFields(w http.ResponseWriter, r *http.Request, d *dialect, all map[string]any, byDefault string) {
	asked := r.URL.Query().Get("fields")
	if asked == "" {
		asked = byDefault
	}
	answer := map[string]any{"id": all["id"]}
	for field := range strings.SplitSeq(asked, ",") {
		value, known := all[field]
		if !known {
			d.refuse(w, http.StatusBadRequest, &failure{"", "Tried accessing a nonexisting field."})
			return
		}
		if value != nil {
			answer[field] = value
		}
	}
	sendJSON(w, http.StatusOK, answer)
}
