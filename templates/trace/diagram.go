package trace

import (
	"fmt"
	"slices"
	"strings"
)

// A diagram is a sign-in at a glance: three lanes, and one arrow per message. It is also a
// list of messages for screen readers.
type diagram struct {
	Provider string
	Page     string // the path of the page with the details; empty if they are on this page
	Stages   []stage
}

// Lane returns the name of a lane.
func (d diagram) Lane(lane string) string {
	if lane == provider {
		return d.Provider
	}
	return lane
}

// stage is a step in the diagram.
type stage struct {
	Number   int // atUser if the step is the user's
	Name     string
	Anchor   string // of its details; empty if there are none
	Note     string // in place of messages
	Passed   int    // checks
	Failed   string // the name of the check that stopped the sign-in
	FailedAt string // the anchor of its details
	Arrows   []arrow
}

// arrow is a message from one lane to another.
type arrow struct {
	From, To string
	Label    string   // method and host, or the status
	Carries  []string // the values that matter, by name
	Anchor   string
}

// Way is the class of the arrow in the stylesheet.
func (a arrow) Way() string { return strings.ToLower(a.From + "-" + a.To) }

// Diagram returns the trace as a diagram.
func (t *Trace) Diagram() diagram {
	d := diagram{Provider: t.Provider}
	for _, s := range t.Steps() {
		g := stage{Number: s.Number, Name: s.Name, Anchor: s.Anchor, Arrows: s.arrows()}
		for i, h := range s.Hops {
			g.Passed += h.Held()
			for _, failed := range h.Failed() {
				g.Failed, g.FailedAt = failed.Check.Name, s.HopAnchor(i)
			}
		}
		switch {
		case s.Took != "":
			g.Note = s.Took + " at " + t.Provider + ", which the app does not see"
		case len(s.Hops) == 0 || s.stepWords == noIDToken:
			g.Note = "not needed here"
		}
		d.Stages = append(d.Stages, g)
	}
	return d
}

// Elsewhere returns the diagram with links to the page of the trace.
func (t *Trace) Elsewhere() diagram {
	d := t.Diagram()
	d.Page = fmt.Sprintf("/trace?number=%d", t.Number)
	return d
}

// arrows are the messages of the step. A cookie travels in the same message as the redirect
// next to it, so it is no arrow of its own.
func (s step) arrows() []arrow {
	var all []arrow
	var cookie []string
	for i, h := range s.Hops {
		anchor := s.HopAnchor(i)
		switch last := len(all) - 1; {
		case strings.HasPrefix(h.Line, "Set-Cookie: "):
			cookie = []string{"sealed cookie"}
		case strings.HasPrefix(h.Line, "Cookie: ") && last >= 0:
			all[last].Carries = append(all[last].Carries, "sealed cookie")
		case len(h.Lanes) == 3 && h.Lanes[0] == app:
			all = append(all, arrow{app, browser, "redirect", cookie, anchor}, arrow{browser, provider, h.label(), h.carries(), anchor})
		case len(h.Lanes) == 3:
			all = append(all, arrow{provider, browser, "redirect", h.carries(), anchor}, arrow{browser, app, h.label(), h.carries(), anchor})
		case len(h.Lanes) == 2:
			all = append(all, arrow{h.Lanes[0], h.Lanes[1], h.label(), h.carries(), anchor})
		}
	}
	return all
}

// label is the first line of a message, with the host in place of a whole URL.
func (h hop) label() string {
	method, address, ok := strings.Cut(h.Line, " https://")
	if !ok {
		method, address, ok = strings.Cut(h.Line, " http://")
	}
	if !ok {
		return h.Line
	}
	host, _, _ := strings.Cut(address, "/")
	return method + " " + host
}

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
	if len(names) == 0 && h.Lanes[0] == provider && strings.HasPrefix(h.Line, "200 ") {
		if place := replyPlaces[h.Step]; place == inMetadata || place == inKeys || place == inProfile {
			names = append(names, place)
		}
	}
	return names
}

// sample returns a sign-in with OpenID Connect in its fewest messages, for the home page.
func sample() diagram {
	return diagram{Provider: provider, Stages: []stage{
		{Number: 1, Name: "request", Arrows: []arrow{
			{From: app, To: browser, Label: "redirect", Carries: []string{"sealed cookie"}},
			{From: browser, To: provider, Label: "Who is this?", Carries: []string{"state", "nonce", "code_challenge"}},
		}},
		{Number: atUser, Name: chapters[atUser].Name, Note: "password, consent: the app does not see it"},
		{Number: 2, Name: "callback", Arrows: []arrow{
			{From: provider, To: browser, Label: "redirect", Carries: []string{"code", "state"}},
			{From: browser, To: app, Label: "the answer", Carries: []string{"code", "state", "sealed cookie"}},
		}},
		{Number: 3, Name: "token", Arrows: []arrow{
			{From: app, To: provider, Label: "redeem the code", Carries: []string{"code", "code_verifier", "client_secret"}},
			{From: provider, To: app, Label: "tokens", Carries: []string{"access_token", "id_token"}},
		}},
		{Number: 4, Name: "ID token", Note: "the app checks signature and claims"},
		{Number: 5, Name: "profile", Arrows: []arrow{
			{From: app, To: provider, Label: "read the profile", Carries: []string{"access_token"}},
			{From: provider, To: app, Label: "name, e-mail"},
		}},
	}}
}
