package templates

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"time"

	"example.com/oauthbyhand/oauth"
)

func (rec *Recorder) cookieName() string { return oauth.CookiePrefix(rec.secure) + "visitor" }

// visitor returns who sent r.
func (rec *Recorder) visitor(r *http.Request) (hash [sha256.Size]byte, ok bool) {
	cookies := r.CookiesNamed(rec.cookieName())
	if len(cookies) != 1 { // of two, one is somebody else's
		return hash, false
	}
	return visitorOf(cookies[0]), true
}

func visitorOf(cookie *http.Cookie) [sha256.Size]byte { return sha256.Sum256([]byte(cookie.Value)) }

func (rec *Recorder) newVisitor(w http.ResponseWriter) [sha256.Size]byte {
	cookie := &http.Cookie{
		Name:     rec.cookieName(),
		Value:    rand.Text(),
		Path:     "/",
		MaxAge:   int((12 * time.Hour).Seconds()),
		Secure:   rec.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
	http.SetCookie(w, cookie)
	return visitorOf(cookie)
}
