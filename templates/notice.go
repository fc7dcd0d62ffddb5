package templates

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/templates/trace"
)

// notice is one line that says what a button did. It waits in a cookie for the page to
// which the button's answer redirects.
type notice struct {
	Text  string
	Trace string // its number; empty if nothing was recorded
}

// Notify shows text once, on the next page that this browser opens, with a link to the
// trace of r if there is one. The cookie is sealed, so that nobody can put words of
// their own on a page of this app.
func (s *Site) Notify(w http.ResponseWriter, r *http.Request, text string) {
	number := ""
	if t := trace.End(r.Context(), ""); t != nil { // "" leaves it open
		number = strconv.Itoa(t.Number)
	}
	http.SetCookie(w, s.noticeCookie(s.Notices.Seal([]byte(number+" "+text), "notice"), time.Minute))
}

// notice takes the waiting notice out of the browser. It is empty if there is none.
func (s *Site) notice(w http.ResponseWriter, r *http.Request) notice {
	cookie, err := r.Cookie(s.noticeCookie("", 0).Name)
	if err != nil {
		return notice{}
	}
	http.SetCookie(w, s.noticeCookie("", -time.Second))
	plain, err := s.Notices.Open(cookie.Value, "notice")
	if err != nil { // this app did not seal it, or was restarted since
		return notice{}
	}
	number, text, _ := strings.Cut(string(plain), " ")
	return notice{text, number}
}

func (s *Site) noticeCookie(value string, life time.Duration) *http.Cookie {
	return oauth.Cookie(s.Base.Scheme == "https", "notice", value, life)
}
