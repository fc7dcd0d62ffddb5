package templates

import (
	"slices"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers/fake"
)

// Break is the Data of the page "break": the table of checks and the table of faults.
type Break struct {
	Checks  []oauth.Check
	Attacks []Attack
}

// Attack is a fault with the URL at which it begins for the visitor.
type Attack struct {
	fake.Fault
	URL string
}

// Connects reports whether it begins with a form, which connects an account.
func (a Attack) Connects() bool { return a.How == fake.Connect }

// NewBreak returns what the page shows. attacker is the origin of the attacker's pages,
// neighbour that of those on the app's own host.
func NewBreak(attacker, neighbour string) Break {
	b := Break{Checks: oauth.Checks()}
	for _, f := range fake.Faults() {
		url := "/login/" + f.Client()
		switch {
		case f.How == fake.Connect:
			url = "/connect/" + f.Client()
		case f.Neighbour():
			url = neighbour + "/~" + f.Name
		case f.Attacked():
			url = attacker + "/~" + f.Name
		}
		b.Attacks = append(b.Attacks, Attack{f, url})
	}
	return b
}

// StoppedBy returns the attacks that a check stops.
func (b Break) StoppedBy(check string) []Attack {
	return slices.DeleteFunc(slices.Clone(b.Attacks), func(a Attack) bool { return a.Stops != check })
}

// Refused returns the attacks of a step that are a "no" themselves.
func (b Break) Refused(step int) []Attack { return b.in(step, fake.Refusal) }

// Survived returns the attacks of a step that nothing stops.
func (b Break) Survived(step int) []Attack { return b.in(step, "") }

func (b Break) in(step int, stops string) []Attack {
	return slices.DeleteFunc(b.StoppedBy(stops), func(a Attack) bool { return a.Step != step })
}
