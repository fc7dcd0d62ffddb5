// Package trace records what happens during a sign-in, and shows it: as a page with a
// diagram, and as a transcript.
//
//	recorder.go    the events of each sign-in
//	visitor.go     which requests are recorded, and who sees what
//	hop.go         an event in words
//	words.txt      what each name on the wire is for
//	mask.go        what of a secret is kept
//	trace.go       the events, step by step
//	diagram.go     the messages, as arrows
//	row.go         the outcomes of checks
//	source.go      the code of each step
//	transcript.go  the same as text
package trace

import (
	"cmp"
	"fmt"
	"math"
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
	hops     []hop
	size     int // of them, in bytes
	source   *source
	success  string // the outcome if all goes well
	attempt  string // the hash of what the callback brings back, once that is known
	visitor  string // the hash of the cookie
	renewed  string // the visitor's cookie after the sign-in
}

// step is a step of a trace.
type step struct {
	Number int // atUser if it is the user's
	Anchor string
	stepWords
	Note      string   // in the diagram
	Functions []string // "Client.Exchange in oauth/token.go:41"
	Hops      []hop
	Checks    rows     // that the hops made, once each
	Compared  []string // the comparisons that a reader looks for first, in words
	Arrows    []arrow
	Code      []function // empty if the page cannot show it
}

// endings say what an outcome means; others are failures.
var endings = map[string]string{
	"":             "Not finished: the browser has not come back.",
	"signed in":    "You are signed in. The app begins a session of its own under a new session id (Sessions.Begin in oauth/account/session.go). Your browser keeps the id in a cookie, and the app remembers that it is yours. The tokens stay with the app.",
	"connected":    "Connected. Signing in with this account leads to the same user from now on.",
	"read again":   "The app has read your profile again.",
	"refreshed":    "The refresh is over: the app uses the newest tokens that it has.",
	"disconnected": "Disconnected. The app has forgotten this account and its tokens.",
}

// Ending is the last line of the trace.
func (t *Trace) Ending() string {
	return cmp.Or(endings[t.Outcome], "It ended here: "+t.Outcome+".")
}

// Good reports whether it ended as it should.
func (t *Trace) Good() bool { return t.Outcome != "" && endings[t.Outcome] != "" }

// stopped returns the first hop with a failed check.
func (t *Trace) stopped() hop {
	for _, h := range t.hops {
		if len(h.Checks.Are("failed")) > 0 {
			return h
		}
	}
	return hop{}
}

// Failed is the check that failed, or empty if none did.
func (t *Trace) Failed() rows { return t.stopped().Checks.Are("failed") }

// Where names the function and the file of the check that failed, or nothing if none did.
func (t *Trace) Where() string { return t.stopped().Where() }

// Steps groups the hops by step, and says in words why a step is not there.
func (t *Trace) Steps() []step {
	var all []step
	last := before
	for i, h := range t.hops {
		if h.Step != last.Step {
			s := step{Number: h.Step, stepWords: wordsOf(h.Step, h.oauth1)}
			switch {
			case i == 0 && h.Step == 1:
				all = append(all, nothingToAsk)
			case last.Step == 1 && h.Step == 2:
				note := seconds(h.Time.Sub(last.Time)) + " at " + t.Provider + ", which the app does not see"
				all = append(all, step{Number: atUser, stepWords: wordsOf(atUser, h.oauth1), Note: note})
			case last.Step == 3 && h.Step == 5: // OAuth 1.0a
				all = append(all, noIDToken)
			case h.Step == 4 && i+1 < len(t.hops) && t.hops[i+1].Step == 5:
				s = noIDToken
			}
			all = append(all, s)
		}
		all[len(all)-1].add(h)
		last = h
	}
	for i := range all {
		anchor := "step-" + strings.Replace(strconv.Itoa(all[i].Number), strconv.Itoa(atUser), "user", 1)
		for slices.ContainsFunc(all[:i], func(s step) bool { return s.Anchor == anchor }) {
			anchor += "-again"
		}
		all[i].finish(anchor, t.source)
	}
	return all
}

func (s *step) add(h hop) {
	where := fmt.Sprintf("%s:%d", h.Where(), h.Line)
	if !slices.Contains(s.Functions, where) {
		s.Functions = append(s.Functions, where)
	}
	if h.noPKCE {
		s.Note = noPKCE
	}
	if last := len(s.Hops) - 1; last >= 0 && h.goesOn(s.Hops[last]) {
		s.Hops[last].Checks = slices.Concat(s.Hops[last].Checks, h.Checks)
		return
	}
	s.Hops = append(s.Hops, h)
}

// finish adds what follows from the hops.
func (s *step) finish(anchor string, source *source) {
	s.Anchor, s.Code = anchor, source.functionsOf(s.Hops)
	for i := range s.Hops {
		h := &s.Hops[i]
		h.Anchor = fmt.Sprintf("%s-%d", anchor, i+1)
		h.Checks = h.Checks.once()
		for j, r := range h.Checks {
			h.Checks[j].Anchor = s.lineOf(*h, source.checks[r.Check.Name])
		}
		s.Checks = append(s.Checks, h.Checks...)
	}
	s.Checks = s.Checks.once()
	s.Arrows = arrows(s.Hops)
	for _, r := range s.Checks.Are("held") {
		if words := compared[r.Check.Name].words; words != "" {
			s.Compared = append(s.Compared, words)
		}
	}
	if slices.ContainsFunc(s.Arrows, func(a arrow) bool { return slices.Contains(a.Carries, "code_verifier") }) {
		s.Compared = append(s.Compared, "code_verifier: checked by the provider")
	}
}

// seconds says for people how long d is.
func seconds(d time.Duration) string {
	if n := math.Round(d.Seconds()*10) / 10; n != 1 {
		return fmt.Sprint(n, " seconds")
	}
	return "1 second"
}

// before is before the first hop.
var before = hop{Event: oauth.Event{Step: atUser}}
