package demo

import (
	"net/http"
	"net/url"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers/fake/faults"
)

// Tried is a fault with how it ended for this visitor.
type Tried struct {
	faults.Fault
	Ended string // the last time: "", stopped or passed
	Part  string // the part of the fault that has just passed: "first", "last", or "" on a page that is not about the fault
}

// part says which part of the fault has passed with this action.
func (t Tried) part(action string) string {
	if t.How == faults.Again && t.Ended != passed { // the first of two sign-ins
		return "first"
	}
	if action == "callback" && (t.How == faults.Refresh || t.How == faults.Disconnect) { // the sign-in before the button
		return "first"
	}
	return "last"
}

const (
	stopped = "s"
	passed  = "p"
)

// triedCookie remembers which faults a visitor has tried, and how each ended:
// "alg-none=s&nonce-replayed=p". Only the pages use it.
func (d *Demo) triedCookie(value string) *http.Cookie {
	return oauth.Cookie(d.base.Scheme == "https", "tried", value, 12*time.Hour)
}

// tried returns how each fault ended before.
func (d *Demo) tried(r *http.Request) url.Values {
	cookie, err := r.Cookie(d.triedCookie("").Name)
	if err != nil {
		return url.Values{}
	}
	ended, _ := url.ParseQuery(cookie.Value) // if the cookie is broken, what can be read of it
	return ended
}

// remember notes how a fault ended.
func (d *Demo) remember(w http.ResponseWriter, r *http.Request, fault, how string) {
	ended := d.tried(r)
	ended.Set(fault, how)
	http.SetCookie(w, d.triedCookie(ended.Encode()))
}
