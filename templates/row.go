package templates

import (
	"cmp"

	"example.com/oauthbyhand/oauth"
)

// Row is a check, or several of one name in a row that all held.
type Row struct {
	oauth.Outcome
	Times int
}

// Rows are the hop's checks for people.
func (h Hop) Rows() []Row {
	var rows []Row
	for _, o := range h.Checks {
		if last := len(rows) - 1; last >= 0 && o.OK && rows[last].Check.Name == o.Check.Name && rows[last].OK && !o.NotOwed {
			rows[last].Times++
			continue
		}
		rows = append(rows, Row{o, 1})
	}
	return rows
}

// Mark is what a row begins with.
func (r Row) Mark() string {
	switch {
	case r.NotOwed:
		return "–"
	case r.OK:
		return "✓"
	}
	return "✗"
}

// Found says what a check looked at, where it may be told.
func (r Row) Found() string {
	switch {
	case r.NotOwed:
		return "does not apply here"
	case r.OK:
		return r.Got
	case r.Got == "" && r.Want == "":
		return "does not hold"
	case r.Want == "":
		return r.Got
	}
	return cmp.Or(r.Got, "missing") + ", want " + r.Want
}

// goesOn reports whether h are more checks of the function that made those of last.
func (h Hop) goesOn(last Hop) bool {
	return len(h.Checks) > 0 && len(last.Checks) > 0 && h.Step == last.Step && h.Function == last.Function
}
