package trace

import (
	"regexp"
	"slices"
	"strings"
)

// diagram is a sign-in at a glance: three lanes, and one arrow per message. To screen readers
// it is a list of messages.
type diagram struct {
	Provider string
	Page     string // the path of the page with the details; empty if they are on this page
	Steps    []step
}

// Diagram returns the trace as a diagram whose links lead to page.
func (t *Trace) Diagram(page string) diagram { return diagram{t.Provider, page, t.Steps()} }

// arrow is a message from one lane to another.
type arrow struct {
	From, To string
	Label    string   // method and host, or the status
	Carries  []string // the values that matter, by name
	Anchor   string   // of its details; empty if there are none
}

// Way is the class of the arrow in the stylesheet.
func (a arrow) Way() string { return strings.ToLower(a.From + "-" + a.To) }

// arrows are the messages among the hops. A cookie travels in the same message as the
// redirect before it, so it is no arrow of its own.
func arrows(hops []hop) []arrow {
	var all []arrow
	for _, h := range hops {
		cookie := -1 // the arrow that it travels with
		switch {
		case strings.HasPrefix(h.Message, "Set-Cookie: "):
			cookie = len(all) - 2 // the first half of the redirect
		case strings.HasPrefix(h.Message, "Cookie: "):
			cookie = len(all) - 1
		default:
			for i := range len(h.Lanes) - 1 {
				a := arrow{h.Lanes[i], h.Lanes[i+1], hostOnly.ReplaceAllString(h.Message, "$1 $2"), h.carries(), h.Anchor}
				if len(h.Lanes) == 3 && i == 0 {
					a.Label = "redirect"
				}
				all = append(all, a)
			}
		}
		if cookie >= 0 {
			all[cookie].Carries = append(all[cookie].Carries, "sealed cookie")
		}
	}
	return all
}

// hostOnly matches the first line of a request, with its method and host.
var hostOnly = regexp.MustCompile(`^(\w+) https?://([^/]*).*`)

// carries names what matters in a message: what is secret or random, or else what a reply is.
func (h hop) carries() []string {
	var names []string
	for _, p := range h.Parts {
		for _, v := range p.Values {
			if v.Secret != "" && !slices.Contains(names, v.Secret) {
				names = append(names, v.Secret)
			}
		}
	}
	if place := replyPlaces[h.Step]; names == nil && open[place] && strings.HasPrefix(h.Message, "200 ") {
		names = []string{place}
	}
	return names
}
