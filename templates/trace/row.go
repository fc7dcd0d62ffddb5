package trace

import (
	"cmp"
	"slices"
	"strings"

	"example.com/oauthbyhand/oauth"
)

// row is the outcome of a check as the page shows it.
type row struct {
	oauth.Outcome
	Anchor string // of the line that makes the check; empty if the page does not show it
}

// Meaning is the outcome in one word, and its class in the stylesheet.
func (r row) Meaning() string {
	switch {
	case r.Skipped:
		return "skipped"
	case r.OK:
		return "held"
	}
	return "failed"
}

// Mark is what the row begins with.
func (r row) Mark() string {
	return map[string]string{"skipped": "–", "held": "✓", "failed": "✗"}[r.Meaning()]
}

// Found says what the check looked at, as far as it kept that.
func (r row) Found() string {
	switch {
	case r.Skipped:
		return "does not apply here"
	case r.OK:
		return r.Got
	case r.Want == "":
		return cmp.Or(r.Got, "does not hold")
	}
	return cmp.Or(r.Got, "missing") + ", want " + r.Want
}

type rows []row

// Are returns the rows with one of these meanings.
func (all rows) Are(meanings ...string) rows {
	return slices.DeleteFunc(slices.Clone(all), func(r row) bool { return !slices.Contains(meanings, r.Meaning()) })
}

// once returns the rows with each check once: as failed, or held, or skipped.
func (all rows) once() rows {
	var once rows
	for _, r := range all {
		i := slices.IndexFunc(once, func(other row) bool { return other.Check.Name == r.Check.Name })
		switch {
		case i < 0:
			once = append(once, r)
		case r.Meaning() == "failed" || once[i].Skipped:
			once[i] = r
		}
	}
	return once
}

// compared says what the checks compare that tie the messages of a sign-in together: in
// words for the diagram, and, if neither is a secret that the trace withholds, the names of
// both values in the message and in the attempt. The user who is signed in is in no message.
var compared = map[string]struct{ words, message, attempt string }{
	"callback-state": {"state: URL = cookie", "state", "State"},
	"callback-token": {"oauth_token: URL = cookie", "oauth_token", "TemporaryToken"},
	"claim-nonce":    {"nonce: ID token = cookie", "nonce", "Nonce"},
	"attempt-user":   {"", "", "User"},
	"userinfo-sub":   {"sub: profile = ID token", "", ""},
}

// addValues gives the failed checks of h the values that they compared, as far as hops, which
// came before, have them.
func (h hop) addValues(hops []hop) {
	for i, r := range h.Checks {
		if c, ok := compared[r.Check.Name]; ok && r.Meaning() == "failed" {
			if r.Got != "" { // else it is missing
				h.Checks[i].Got = cmp.Or(valueOf(hops, c.message), r.Got)
			}
			h.Checks[i].Want = cmp.Or(valueOf(hops, c.attempt), r.Want)
		}
	}
}

// valueOf returns the latest value of that name.
func valueOf(hops []hop, name string) string {
	for _, h := range slices.Backward(hops) {
		for _, p := range h.Parts {
			if i := slices.IndexFunc(p.Values, func(v item) bool { return v.Name == name }); i >= 0 {
				return strings.Trim(p.Values[i].Value, `"`) // of JSON
			}
		}
	}
	return ""
}
