package templates

import (
	"cmp"
	"slices"

	"example.com/oauthbyhand/oauth"
)

// row is a check for people.
type row oauth.Outcome

// Rows are the hop's checks; several of one name in a row that all held are one.
func (h hop) Rows() []row {
	held := func(a, b row) bool { return a.Check.Name == b.Check.Name && a.Mark() == "✓" && b.Mark() == "✓" }
	return slices.CompactFunc(slices.Clone(h.Checks), held)
}

// Mark is what a row begins with.
func (r row) Mark() string {
	switch {
	case r.NotOwed:
		return "–"
	case r.OK:
		return "✓"
	}
	return "✗"
}

// Found says what a check looked at, where it may be told.
func (r row) Found() string {
	switch {
	case r.NotOwed:
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
