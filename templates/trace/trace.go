// Package trace records what happens during a sign-in, and shows it: as a page with a
// diagram, and as a transcript.
//
//	recorder.go    the events of each sign-in
//	visitor.go     which requests are recorded, and who sees what
//	hop.go         an event in words
//	words.txt      what each name on the wire is for, and what happens in each step
//	mask.go        what of a secret is kept
//	trace.go       the events, step by step, and the outcomes of checks
//	source.go      the code of each step
//	page.go        the messages as arrows, and what else the page needs
//	transcript.go  the same as text
package trace

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/oauthbyhand/oauth"
)

// Trace is a sign-in, step by step, as the page "trace" and its diagram show it.
type Trace struct {
	Number   int
	Provider string
	Begun    time.Time
	Outcome  string // empty while it is under way
	Open     bool   // show all details
	Page     string // the path of the page with the details; empty if this page has them
	Stopped  hop    // the hop with the failed check; empty if no check failed
	hops     []hop
	size     int // of the hops, in bytes
	source   *source
	success  string   // the outcome if all goes well
	attempt  string   // the hash of what the callback brings back in its URL, once that is known
	cookie   string   // the attempt's, which only this browser brings back
	visitor  string   // the hash of the cookie that shows it
	answers  []string // hashes of cookies that do so too: of the answers to its callback
	underWay int      // requests: until they end, nobody sees the trace
}

// step is a step of a trace.
type step struct {
	Number int // atUser if it is the user's
	Anchor string
	stepWords
	Note   string // in the diagram
	Hops   []hop
	Checks rows // that the hops made, once each
	Arrows []arrow
}

// Ending says in words what the outcome means, if all went well.
func (t *Trace) Ending() string { return words["ending "+t.Outcome].About }

// Good reports whether the trace ended as it should.
func (t *Trace) Good() bool { return t.Outcome != "" && t.Outcome == t.success }

// Steps groups the hops by step, and says in words why a step is not there.
func (t *Trace) Steps() []step {
	var all []step
	last := before
	for i, h := range t.hops {
		if h.Step != last.Step {
			s := newStep(h, h.Step, "", "")
			switch {
			case i == 0 && h.Step == 1:
				all = append(all, newStep(h, 0, " if known", "nothing to ask"))
			case last.Step == 1 && h.Step == 2:
				note := h.Time.Sub(last.Time).Round(time.Second/10).String() + " at " + t.Provider + ", which the app does not see"
				all = append(all, newStep(h, atUser, "", note))
			case last.Step == 3 && h.Step == 5: // OAuth 1.0a
				all = append(all, newStep(h, 4, " if none", "nothing to verify"))
			case h.Step == 4 && i+1 < len(t.hops) && t.hops[i+1].Step == 5:
				s = newStep(h, 4, " if none", "nothing to verify")
			}
			all = append(all, s)
		}
		all[len(all)-1].add(h)
		last = h
	}
	for i := range all {
		all[i].finish(fmt.Sprintf("step-%d-%d", all[i].Number, i), t.source)
	}
	return all
}

// newStep returns a step of h's trace. For a step that does not happen, the parameter why ends the name of its words.
func newStep(h hop, number int, why, note string) step {
	return step{Number: number, Note: note, stepWords: wordsOf(strconv.Itoa(number)+why, h.oauth1)}
}

func (s *step) add(h hop) {
	s.Note = cmp.Or(s.Note, h.Note)
	if last := len(s.Hops) - 1; last >= 0 && h.goesOn(s.Hops[last]) {
		s.Hops[last].Checks = slices.Concat(s.Hops[last].Checks, h.Checks)
		return
	}
	s.Hops = append(s.Hops, h)
}

// finish adds what follows from the hops.
func (s *step) finish(anchor string, source *source) {
	s.Anchor = anchor
	for i := range s.Hops {
		h := &s.Hops[i]
		h.Anchor = fmt.Sprintf("%s-%d", anchor, i+1)
		h.Checks = h.Checks.once()
		for j, r := range h.Checks {
			h.Checks[j].Anchor = source.lineOf(*h, r.Check.Name)
		}
		s.Checks = append(s.Checks, h.Checks...)
	}
	s.Checks = s.Checks.once()
	s.Arrows = arrows(s.Hops)
}

// before stands for the hop before the first.
var before = hop{Event: oauth.Event{Step: atUser}}

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

// Mark is the sign with which the row begins.
func (r row) Mark() string {
	return map[string]string{"skipped": "–", "held": "✓", "failed": "✗"}[r.Meaning()]
}

// Found says what the check found, if the check reports it.
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

// once returns each check once: as failed if it ever failed, or else as held if it ever held. Of two
// outcomes that held, it prefers one that found more than isThere.
func (all rows) once() rows {
	var once rows
	for _, r := range all {
		i := slices.IndexFunc(once, func(other row) bool { return other.Check.Name == r.Check.Name })
		switch {
		case i < 0:
			once = append(once, r)
		case r.Meaning() == "failed" || once[i].Skipped || once[i].Got == isThere && r.Got != "" && !r.Skipped:
			once[i] = r
		}
	}
	return once
}

// compared has the checks that tie the messages of a sign-in together. Each compares two values.
// words is what the diagram says. message and attempt are the names of the two values in the trace,
// if it has them. (The user who is signed in is in no message.)
var compared = map[string]struct{ words, message, attempt string }{
	"callback-state": {"state: URL = cookie", "state", "State"},
	"callback-token": {"oauth_token: URL = cookie", "oauth_token", "TemporaryToken"},
	"claim-nonce":    {"nonce: ID token = cookie", "nonce", "Nonce"},
	"attempt-user":   {"", "", "User"},
	"userinfo-sub":   {"sub: profile = ID token", "", ""},
}

// isThere is the Got of a check that saw only that a value exists.
const isThere = "is there"

// Compared says what a check has compared, if it is one of those.
func (r row) Compared() string {
	if r.Got == isThere {
		return ""
	}
	return compared[r.Check.Name].words
}

// addValues gives the failed checks of h the values that they compared, if hops, the earlier
// ones, have them.
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
			if i := slices.IndexFunc(p.Values, func(v item) bool { return v.Name == name && name != "" }); i >= 0 {
				return strings.Trim(p.Values[i].Value, `"`) // which JSON adds
			}
		}
	}
	return ""
}
