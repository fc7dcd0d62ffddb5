package templates

import (
	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers/fake"
)

// Break is the Data of the page "break": the table of checks and the table of faults,
// put together.
type Break struct {
	Steps           []BrokenStep
	Checks, Attacks int // how many there are
}

// BrokenStep is a step with its checks, and the faults that no check stops.
type BrokenStep struct {
	Number   int
	Checks   []BrokenCheck
	Refused  []Attack // which are a "no" themselves
	Survived []Attack
}

// BrokenCheck is a check with the attacks that it stops.
type BrokenCheck struct {
	oauth.Check
	Attacks []Attack
}

// Attack is a fault with the URL at which it begins.
type Attack struct {
	fake.Fault
	URL string
}

// Connects reports whether it begins with a form, which connects an account.
func (a Attack) Connects() bool { return a.How == fake.Connect }

// NewBreak returns what the page shows. The attacker's pages are at attacker, or at
// neighbour, the app's own host.
func NewBreak(attacker, neighbour string) Break {
	b := Break{Checks: len(oauth.Checks()), Attacks: len(fake.Faults())}
	stoppedBy := func(check string, holds func(fake.Fault) bool) (attacks []Attack) {
		for _, f := range fake.Faults() {
			url := "/login/" + f.Client()
			switch {
			case f.How == fake.Connect:
				url = "/connect/" + f.Client()
			case f.Neighbour:
				url = neighbour + "/~" + f.Name
			case f.Attacked():
				url = attacker + "/~" + f.Name
			}
			if f.Stops == check && holds(f) {
				attacks = append(attacks, Attack{f, url})
			}
		}
		return attacks
	}
	for number := range len(chapters) - 1 { // without the user's
		here := func(f fake.Fault) bool { return f.Step == number }
		step := BrokenStep{Number: number, Refused: stoppedBy(fake.Refusal, here), Survived: stoppedBy("", here)}
		for _, c := range oauth.Checks() {
			if c.Step == number {
				step.Checks = append(step.Checks, BrokenCheck{c, stoppedBy(c.Name, func(fake.Fault) bool { return true })})
			}
		}
		if len(step.Checks)+len(step.Refused)+len(step.Survived) > 0 {
			b.Steps = append(b.Steps, step)
		}
	}
	return b
}
