package trace

import (
	"cmp"
	"slices"
	"strings"

	"example.com/oauthbyhand/oauth"
)

// row is a check for people.
type row oauth.Outcome

// Rows are the hop's checks; several of one name in a row that all held are one.
func (h hop) Rows() []row {
	held := func(a, b row) bool { return a.Check.Name == b.Check.Name && a.Mark() == "✓" && b.Mark() == "✓" }
	return slices.CompactFunc(slices.Clone(h.Checks), held)
}

// once are the hop's checks with each name once: as failed, or held, or not applying.
func (h hop) once() []row {
	var rows []row
	for _, r := range h.Checks {
		i := slices.IndexFunc(rows, func(other row) bool { return other.Check.Name == r.Check.Name })
		switch {
		case i < 0:
			rows = append(rows, r)
		case r.failed() || rows[i].Skipped:
			rows[i] = r
		}
	}
	return rows
}

// Passed are the checks that held or do not apply, for the list that is folded.
func (h hop) Passed() []row { return slices.DeleteFunc(h.once(), row.failed) }

// Failed is the check that failed, if one did.
func (h hop) Failed() []row {
	return slices.DeleteFunc(h.once(), func(r row) bool { return !r.failed() })
}

// Held counts the checks that held.
func (h hop) Held() int {
	held := 0
	for _, r := range h.once() {
		if r.Mark() == "✓" {
			held++
		}
	}
	return held
}

// Skipped counts the checks that do not apply.
func (h hop) Skipped() int { return len(h.Passed()) - h.Held() }

func (r row) failed() bool { return r.Mark() == "✗" }

// Mark is what a row begins with.
func (r row) Mark() string {
	switch {
	case r.Skipped:
		return "–"
	case r.OK:
		return "✓"
	}
	return "✗"
}

// Meaning is the mark in words, and the class of the row in the stylesheet.
func (r row) Meaning() string {
	return map[string]string{"–": "skipped", "✓": "held", "✗": "failed"}[r.Mark()]
}

// Found says what a check looked at, where it may be told.
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

// goesOn reports whether h are more checks of the function that made those of last.
func (h hop) goesOn(last hop) bool {
	return len(h.Checks) > 0 && len(last.Checks) > 0 && h.Step == last.Step && h.Function == last.Function
}

// compared names, for a check that keeps no secret, the two values that it compares: in the
// message, and in the attempt. The trace has both, so the page can show them.
var compared = map[string]struct{ message, attempt string }{
	"callback-state": {"state", "State"},
	"callback-token": {"oauth_token", "TemporaryToken"},
	"claim-nonce":    {"nonce", "Nonce"},
}

// withValues returns the failed checks of h with the values that they compared, as far as
// hops, which came before, have them.
func (h hop) withValues(hops []hop) hop {
	h.Checks = slices.Clone(h.Checks)
	for i, r := range h.Checks {
		if c, ok := compared[r.Check.Name]; ok && r.failed() {
			if r.Got != "" { // else it is missing
				h.Checks[i].Got = cmp.Or(valueOf(hops, c.message), r.Got)
			}
			h.Checks[i].Want = cmp.Or(valueOf(hops, c.attempt), r.Want)
		}
	}
	return h
}

// valueOf returns the latest value of that name.
func valueOf(hops []hop, name string) string {
	for _, h := range slices.Backward(hops) {
		for _, p := range h.Parts {
			for _, v := range p.Values {
				if v.Name == name {
					return strings.Trim(v.Value, `"`) // of JSON
				}
			}
		}
	}
	return ""
}
