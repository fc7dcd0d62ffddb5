package fake

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Facebook and Instagram have no refresh tokens. The exchange of a token for one that lives longer is left out.

func facebook() *dialect {
	d := openIDProvider("")
	d.name, d.title, d.openID = "facebook", "Facebook", false
	d.scopes = []scope{
		{Name: "public_profile", Says: "see your name and picture", Needed: true, Always: true},
		{Name: "email", Says: "see your e-mail address"},
	}
	d.commas = true
	d.basic = false
	d.dropsChallenge = true
	d.accessLife = sixtyDays
	d.refreshes = nil
	d.fragment = "_=_"
	d.refusal = url.Values{
		"error": {"access_denied"}, "error_code": {"200"},
		"error_description": {"Permissions error"}, "error_reason": {"user_denied"},
	}
	// Facebook names what was granted here, if asked to, and not in the token reply.
	d.callback = func(params, asked url.Values, granted []string) {
		if asked.Get("return_scopes") != "true" {
			return
		}
		denied := slices.DeleteFunc(d.split(asked.Get("scope")), func(name string) bool { return slices.Contains(granted, name) })
		params.Set("granted_scopes", strings.Join(granted, ","))
		params.Set("denied_scopes", strings.Join(denied, ","))
	}
	d.tokenReply = func(reply map[string]any, _ tokens) map[string]any {
		reply["token_type"] = "bearer"
		delete(reply, "scope")
		return reply
	}
	d.tokenFailure = func(f *failure, _ string) (int, map[string]any) {
		return 400, graphFailure(400, f)
	}
	d.apiFailure = graphFailure
	d.needsAppProof = true
	return d
}

// graphFailure is an error of Meta's Graph API: the member "error" is an object.
func graphFailure(status int, f *failure) map[string]any {
	code := 100
	switch {
	case status == 401:
		code = 190 // the access token is not, or no longer, good
	case f == verifierAlone:
		code = 1
	}
	return map[string]any{"error": map[string]any{"message": f.description, "type": "OAuthException", "code": code, "fbtrace_id": "Asimulated"}}
}

func instagram() *dialect {
	d := openIDProvider("")
	d.name, d.title, d.openID = "instagram", "Instagram", false
	d.scopes = []scope{{Name: "instagram_business_basic", Says: "see the profile of your professional account", Needed: true, Always: true}}
	d.commas = true
	d.basic = false
	d.dropsChallenge, d.dropsVerifier = true, true
	d.refreshes = nil
	d.fragment = "_"
	d.refusal = url.Values{
		"error": {"access_denied"}, "error_reason": {"user_denied"},
		"error_description": {"The user denied your request"},
	}
	d.tokenReply = instagramTokenReply
	d.tokenFailure = func(f *failure, _ string) (int, map[string]any) {
		return 400, map[string]any{"error_type": "OAuthException", "code": 400, "error_message": f.description}
	}
	d.apiFailure = graphFailure
	return d
}

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

// facebookRevoke revokes all that the user granted to the app.
func (s *Server) facebookRevoke(w http.ResponseWriter, r *http.Request, i *issued) {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	s.grants.revokeToken(i.dialect, i.client, token, true)
	sendJSON(w, http.StatusOK, map[string]any{"success": true})
}

// instagramTokenReply has neither token_type nor expires_in. Meta documents another shape, a list under
// "data"; code that runs in production reads this one, in which user_id is a number above 2^53.
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

// sendFields answers with id and the fields that the query asks for.
func sendFields(w http.ResponseWriter, r *http.Request, d *dialect, all object, byDefault string) {
	answer := object{"id": all["id"]}
	if !choose(answer, all, cmp.Or(r.URL.Query().Get("fields"), byDefault)) {
		d.refuse(w, http.StatusBadRequest, &failure{"", "Tried accessing a nonexisting field."})
		return
	}
	sendJSON(w, http.StatusOK, answer)
}

// choose adds the fields that a query names to answer, and reports whether all are known. A field that the user
// does not have, nil, is left out.
func choose(answer, all object, fields string) bool {
	for field := range strings.SplitSeq(fields, ",") {
		value, known := all[field]
		if !known {
			return false
		}
		if value != nil {
			answer[field] = value
		}
	}
	return true
}
