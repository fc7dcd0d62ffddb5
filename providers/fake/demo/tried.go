package demo

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers/fake/faults"
)

// Tried is a fault with how it ended for this visitor.
type Tried struct {
	faults.Fault
	Ended string // the last time: "", stopped or passed
	Part  string // the part of the fault that the page is about: "", "first" or "last"
}

// Result is the verdict if nothing was stopped: tolerated, unfinished (there is a second
// part), not stopped, or "" on a page that is not about the fault.
func (t Tried) Result() string {
	switch {
	case t.Part == "":
		return ""
	case t.Part == "first":
		return "unfinished"
	case t.Stops == "":
		return "tolerated"
	}
	return "not stopped"
}

// Next says what to do after the first part.
func (t Tried) Next() string {
	return map[string]string{
		faults.Again:      "Sign out, and choose this attack once more.",
		faults.Refresh:    "Press “Refresh now”.",
		faults.Disconnect: "Connect a second account, and press “Disconnect” at this one.",
	}[t.How]
}

// part says which part of the fault has passed with this action.
func (t Tried) part(action string) string {
	last := true
	switch t.How {
	case faults.Again:
		last = t.Ended == passed // the first time
	case faults.Refresh, faults.Disconnect:
		last = action != "callback"
	}
	if last {
		return "last"
	}
	return "first"
}

const (
	stopped = "s"
	passed  = "p"
)

// triedCookie remembers which faults a visitor has tried, and how each ended:
// "alg-none.s_nonce-replayed.p". It decides nothing but what the pages show.
func (d *Demo) triedCookie(value string) *http.Cookie {
	return oauth.Cookie(d.base.Scheme == "https", "tried", value, 12*time.Hour)
}

// tried returns how a fault ended before, or "".
func (d *Demo) tried(r *http.Request) map[string]string {
	ended := make(map[string]string)
	cookie, err := r.Cookie(d.triedCookie("").Name)
	if err != nil {
		return ended
	}
	for entry := range strings.SplitSeq(cookie.Value, "_") {
		if name, how, ok := strings.Cut(entry, "."); ok && slices.ContainsFunc(d.faults, func(f faults.Fault) bool { return f.Name == name }) {
			ended[name] = how
		}
	}
	return ended
}

// remember notes how a fault ended.
func (d *Demo) remember(w http.ResponseWriter, r *http.Request, fault, how string) {
	ended := d.tried(r)
	ended[fault] = how
	var entries []string
	for _, f := range d.faults {
		if how := ended[f.Name]; how != "" {
			entries = append(entries, f.Name+"."+how)
		}
	}
	http.SetCookie(w, d.triedCookie(strings.Join(entries, "_")))
}
