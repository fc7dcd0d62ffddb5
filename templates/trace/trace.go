package trace

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Trace is a sign-in, step by step, as the page "trace" and its diagram show it.
type Trace struct {
	Number   int
	Provider string
	Begun    time.Time
	Outcome  string // empty while it is under way
	Open     bool   // show all details
	hops     []hop
	size     int    // of them, in bytes
	visitor  string // the hash of the cookie
	user     string // the user it signed in, or who was signed in when it began
	source   *source
	attempt  string // the hash of what the callback brings back, once that is known
}

// step is a step of it.
type step struct {
	Number int // atUser where it is the user's
	Anchor string
	stepWords
	Took      string   // at the user's
	Functions []string // "Client.Exchange in oauth/token.go:41"
	Hops      []hop
	Code      []function // empty if the page cannot show it
	source    *source
}

// endings say what an outcome means; others are failures.
var endings = map[string]string{
	"":             "Not finished: the browser has not come back.",
	"signed in":    "Signed in. The app now begins a session of its own: a new random cookie in the browser, and in the app's memory whose it is. The tokens stay with the app.",
	"connected":    "Connected. Whoever signs in with this account is the same user here from now on.",
	"read again":   "The profile was read again.",
	"refreshed":    "The refresh is over: the app uses the newest tokens that it has.",
	"disconnected": "Disconnected. The app has forgotten this account and its tokens.",
}

// Ending is the last line of the trace.
func (t *Trace) Ending() string {
	return cmp.Or(endings[t.Outcome], "It ended here: "+t.Outcome+".")
}

// Good reports whether it ended as it should.
func (t *Trace) Good() bool { return t.Outcome != "" && endings[t.Outcome] != "" }

// Failed is the check that failed, if one did, with the values that it compared if the
// trace has them.
func (t *Trace) Failed() []row {
	for i, h := range t.hops {
		if failed := h.withValues(t.hops[:i]).Failed(); len(failed) > 0 {
			return failed
		}
	}
	return nil
}

// Where names the function and the file of the check that failed, or nothing if none did.
func (t *Trace) Where() string {
	for _, h := range t.hops {
		if slices.ContainsFunc(h.Checks, row.failed) {
			return h.Where()
		}
	}
	return ""
}

// chapterOf returns the words on the step of h.
func chapterOf(h hop) stepWords {
	if c, ok := chapters1[h.Step]; ok && h.oauth1 {
		return c
	}
	return chapters[h.Step]
}

// Steps groups the hops by step, and says in words where a step is not there.
func (t *Trace) Steps() []step {
	var all []step
	last := hop{Step: -1}
	for i, h := range t.hops {
		if h.Step != last.Step {
			s := step{Number: h.Step, stepWords: chapterOf(h)}
			switch {
			case i == 0 && h.Step == 1:
				all = append(all, step{Number: 0, stepWords: nothingToAsk})
			case last.Step == 1 && h.Step == 2:
				user := hop{Step: atUser, oauth1: h.oauth1}
				all = append(all, step{Number: atUser, stepWords: chapterOf(user), Took: seconds(h.After - last.After)})
			case last.Step == 3 && h.Step == 5: // OAuth 1.0a
				all = append(all, step{Number: 4, stepWords: noIDToken})
			case h.Step == 4 && i+1 < len(t.hops) && t.hops[i+1].Step == 5:
				s.stepWords = noIDToken
			}
			all = append(all, s)
		}
		all[len(all)-1].add(h.withValues(t.hops[:i]))
		last = h
	}
	anchors := make(map[string]bool)
	for i := range all {
		s := &all[i]
		s.source = t.source
		s.Code = t.source.functionsOf(s.Hops)
		s.Anchor = "step-" + strings.Replace(strconv.Itoa(s.Number), strconv.Itoa(atUser), "user", 1)
		for anchors[s.Anchor] { // a step can be there again
			s.Anchor += "-again"
		}
		anchors[s.Anchor] = true
	}
	return all
}

// HopAnchor is the anchor of the step's hop i.
func (s *step) HopAnchor(i int) string { return fmt.Sprintf("%s-%d", s.Anchor, i+1) }

// Checks are those that the step made, once each.
func (s *step) Checks() []row {
	var all hop
	for _, h := range s.Hops {
		all.Checks = slices.Concat(all.Checks, h.Checks)
	}
	return slices.DeleteFunc(all.once(), func(r row) bool { return r.Skipped })
}

// seconds says for people how long d is.
func seconds(d time.Duration) string {
	n := strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64)
	if n == "1" {
		return "1 second"
	}
	return n + " seconds"
}

func (s *step) add(h hop) {
	where := h.Where()
	if h.At > 0 {
		where += ":" + strconv.Itoa(h.At)
	}
	if !slices.Contains(s.Functions, where) {
		s.Functions = append(s.Functions, where)
	}
	last := len(s.Hops) - 1
	switch {
	case last >= 0 && h.goesOn(s.Hops[last]):
		s.Hops[last].Checks = slices.Concat(s.Hops[last].Checks, h.Checks)
	case last >= 0 && slices.Equal(h.Lanes, toBrowser): // in the reply that sends the browser on
		h.After = s.Hops[last].After
		s.Hops = slices.Insert(s.Hops, last, h)
	default:
		s.Hops = append(s.Hops, h)
	}
}

// link is a section of a specification.
type link struct{ Text, URL string }

var section = regexp.MustCompile(`^(?:(RFC|OIDC) ([0-9A-Za-z]+) )?(§|Appendix )([0-9A-Z][0-9.]*)( \([0-9]+\))?$`)

// links turns sections as a Check names them, "RFC 6749 §3.1, §3.2; OIDC Core §2",
// into links. What is no section has no URL.
func links(spec string) []link {
	var all []link
	document := ""
	for text := range strings.SplitSeq(strings.ReplaceAll(spec, ";", ","), ",") {
		l := link{Text: strings.TrimSpace(text)}
		if m := section.FindStringSubmatch(l.Text); m != nil {
			switch m[1] {
			case "RFC":
				document = "https://www.rfc-editor.org/rfc/rfc" + m[2] + "#section-"
			case "OIDC":
				document = "https://openid.net/specs/openid-connect-" + strings.ToLower(m[2]) + "-1_0.html#rfc.section."
			}
			l.URL = document + m[4]
			if m[3] == "Appendix " {
				l.URL = strings.Replace(l.URL, "#section-", "#appendix-", 1)
			}
		}
		all = append(all, l)
	}
	return all
}

// Elapsed says for people how long after the beginning the hop was.
func (h hop) Elapsed() string { return h.After.Round(100 * time.Microsecond).String() }

// foldFrom is the length, in bytes, from which the page folds a value.
const foldFrom = 110

// short is the beginning of a long value, on one line.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	runes := []rune(s)
	return fmt.Sprintf("%s… (%d characters)", string(runes[:min(len(runes), 40)]), len(runes))
}

// manyUnused is from how many values without an explanation the page folds them away.
const manyUnused = 5

// Unused are the values that this app does not use, if they are many beside others.
func (p part) Unused() []item {
	unused := slices.DeleteFunc(slices.Clone(p.Values), func(v item) bool { return v.About != "" })
	if len(unused) < manyUnused || len(unused) == len(p.Values) {
		return nil
	}
	return unused
}
