package fake

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
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
	d.accessLife = 5183944 * time.Second // sixty days, less a minute
	d.refreshes = nil
	d.fragment = "#_=_"
	d.refusal = url.Values{
		"error": {"access_denied"}, "error_code": {"200"},
		"error_description": {"Permissions error"}, "error_reason": {"user_denied"},
	}
	// Here Facebook names what was granted, if asked to. In the token reply it does not.
	d.callback = func(params, asked url.Values, granted []string) {
		if asked.Get("return_scopes") != "true" {
			return
		}
		denied := slices.DeleteFunc(d.split(asked.Get("scope")), func(name string) bool { return slices.Contains(granted, name) })
		params.Set("granted_scopes", strings.Join(granted, ","))
		params.Set("denied_scopes", strings.Join(denied, ","))
	}
	d.tokenReply = func(reply object, _ tokens) {
		reply["token_type"] = "bearer"
		delete(reply, "scope")
	}
	d.tokenFailure = func(f *failure) (int, object) { return 400, graphFailure(400, f) }
	d.apiFailure = graphFailure
	d.needsAppProof = true
	return d
}

// graphFailure makes an error of Meta's Graph API: the member "error" is an object.
func graphFailure(status int, f *failure) object {
	code := 100
	switch {
	case status == 401:
		code = 190 // the access token is unknown, expired or revoked
	case f == verifierAlone:
		code = 1
	}
	return object{"error": object{"message": f.description, "type": "OAuthException", "code": code, "fbtrace_id": "Asimulated"}}
}

func instagram() *dialect {
	d := openIDProvider("")
	d.name, d.title, d.openID = "instagram", "Instagram", false
	d.scopes = []scope{{Name: "instagram_business_basic", Says: "see the profile of your professional account", Needed: true, Always: true}}
	d.commas = true
	d.basic = false
	d.dropsChallenge, d.dropsVerifier = true, true
	d.refreshes = nil
	d.fragment = "#_"
	d.refusal = url.Values{
		"error": {"access_denied"}, "error_reason": {"user_denied"},
		"error_description": {"The user denied your request"},
	}
	// The reply has neither token_type nor expires_in. Meta documents another shape, a list under "data"; code that
	// runs in production reads this one, in which user_id is a number above 2^53.
	d.tokenReply = func(reply object, t tokens) {
		clear(reply)
		reply["access_token"] = t.access
		reply["user_id"] = json.Number(t.user.InstagramTokenID)
		reply["permissions"] = t.scopes
	}
	d.tokenFailure = func(f *failure) (int, object) {
		return 400, object{"error_type": "OAuthException", "code": 400, "error_message": f.description}
	}
	d.apiFailure = graphFailure
	return d
}

func (s *Server) facebookMe(w http.ResponseWriter, r *http.Request, i *issued) {
	me := object{
		"id":   i.user.Subjects["facebook"], // of this user for this app: another app sees another id
		"name": i.user.Name,
		"picture": object{"data": object{
			"height": 50, "width": 50, "is_silhouette": false, "url": s.picture(i.user)}},
		"email": nil,
	}
	if slices.Contains(i.scopes, "email") && i.user.Email != "" {
		me["email"] = i.user.Email // nothing says whether it was verified
	}
	i.sendFields(w, r, me, "name")
}

// facebookRevoke revokes all that the user granted to the app.
func (s *Server) facebookRevoke(w http.ResponseWriter, r *http.Request, i *issued) {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	s.grants.revokeToken(i.dialect, i.client, token, true)
	sendJSON(w, http.StatusOK, object{"success": true})
}

func (s *Server) instagramMe(w http.ResponseWriter, r *http.Request, i *issued) {
	me := object{
		"id":                  i.user.InstagramID,
		"user_id":             i.user.Subjects["instagram"], // not the user_id of the token reply
		"username":            i.user.Login,
		"name":                i.user.Name,
		"account_type":        "BUSINESS",
		"profile_picture_url": s.picture(i.user),
	}
	i.sendFields(w, r, me, "id")
}

// sendFields answers with id and the fields that the query asks for.
func (i *issued) sendFields(w http.ResponseWriter, r *http.Request, all object, byDefault string) {
	if answer := i.choose(w, all, "id,"+cmp.Or(r.URL.Query().Get("fields"), byDefault)); answer != nil {
		sendJSON(w, http.StatusOK, answer)
	}
}

// choose returns those fields of all whose names are listed. A field that the user does not have, nil, is left out. If one is
// unknown, choose refuses the request and returns nil.
func (i *issued) choose(w http.ResponseWriter, all object, names string) object {
	chosen := object{}
	for name := range strings.SplitSeq(names, ",") {
		value, known := all[name]
		if !known {
			i.dialect.refuse(w, http.StatusBadRequest, &failure{"", "The request asks for a field that does not exist."})
			return nil
		}
		if value != nil {
			chosen[name] = value
		}
	}
	return chosen
}
