package fake

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// x2 is X by OAuth 2.0. Its users are those of X by OAuth 1.0a, under the same ids.
func x2() *dialect {
	d := openIDProvider("")
	d.name, d.title, d.openID = "x2", "X", false
	d.scopes = []scope{
		{Name: "users.read", Says: "see your profile", Needed: true, Always: true},
		{Name: "tweet.read", Says: "see your posts", Needed: true, Always: true},
		{Name: "users.email", Says: "see your e-mail address, if it is confirmed"},
		{Name: "offline.access", Says: "keep access while you are away"},
	}
	d.body = false
	d.codeLife = 30 * time.Second
	d.accessLife = 2 * time.Hour
	d.refusal = url.Values{"error": {"access_denied"}}
	d.refreshes = func(_ url.Values, granted []string) bool { return slices.Contains(granted, "offline.access") }
	d.tokenReply = func(reply object, _ tokens) { reply["token_type"] = "bearer" }
	// The error is that of RFC 9457, but X sends it as ordinary JSON.
	d.apiFailure = func(status int, f *failure) object {
		return object{"title": http.StatusText(status), "detail": f.description, "type": "about:blank", "status": status}
	}
	return d
}

// xMe tells id, name and username, and what user.fields asks for.
func (s *Server) xMe(w http.ResponseWriter, r *http.Request, i *issued) {
	me := object{
		"id":                i.user.Subjects["x"],
		"name":              i.user.Name,
		"username":          i.user.Login,
		"profile_image_url": strings.TrimSuffix(s.picture(i.user), ".svg") + "_normal.svg",
		"confirmed_email":   nil,
	}
	if i.user.EmailVerified && slices.Contains(i.scopes, "users.email") {
		me["confirmed_email"] = i.user.Email
	}
	if me := i.choose(w, me, "id,name,username,"+cmp.Or(r.URL.Query().Get("user.fields"), "id")); me != nil {
		sendJSON(w, http.StatusOK, object{"data": me})
	}
}
