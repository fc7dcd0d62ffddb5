// Package faults has attacks, and mistakes of a provider. They are played in front of an honest [fake.Server]. Each
// names the check that stops it, if there is one. A good client stops what it should, and copes with the rest.
//
// To test a client of your own, use the issuer Origin/~nonce-wrong: it is an OpenID provider with that fault. For
// the other providers the fault's name comes before the host: Origin/~o1-token-missing/api.x.com/oauth/request_token.
// Origin/~ lists those that any client can try.
//
//	table*.go   what attackers do, step by step: one table
//	server.go   which URL meets which fault
//	wire.go     the honest replies, on their way out
//	hooks.go    how a fault changes them
//	attacker.go what attackers do in the user's browser, from a page of theirs
package faults

import (
	"cmp"
	"slices"
)

// Fault is one attack, or one mistake, of a provider or of another site in the user's browser. Each fault has a client
// of its own, named [Fault.Client], and happens to no other sign-in.
type Fault struct {
	Name     string // "nonce-wrong"
	Provider string // the provider that plays it; in the table, "" is google
	Step     int    // the step that stops it or copes with it, numbered as in package oauth
	Does     string // what the attacker does
	Gains    string // what they would gain; or why it is harmless, or what a client would lose by refusing it
	Stops    string // the name of the Check that stops it; [Refusal]; [Nothing]; or "" if a good client copes with it
	Spec     string // the section, if it is not the one of the check

	How string // what else the user does, one of the texts below; "" if the user only signs in

	hook  hook // what happens to the provider's replies
	lure  lure // what another site does
	local bool // works only at Provider, with this project's app
}

// What a user does so that a fault can happen.
const (
	Again      = "Sign in, sign out, and choose this attack once more."
	Late       = "Wait for eleven minutes before you press Allow."
	First      = "Sign in first."
	Connect    = "Sign in first. Then choose this attack, and sign out in another tab before you press Allow."
	Refresh    = "Sign in. Then press “Refresh now”."
	Disconnect = "Sign in, and connect a second account. Then press “Disconnect” at the first one."
)

// Other values of Stops.
const (
	Refusal = "refusal" // the provider's error answer ends the sign-in
	Nothing = "nothing" // the attack succeeds; Gains says why, and what stops it elsewhere
)

// All returns the table, in the order of the steps.
func All() []Fault {
	all := slices.Concat(metadataFaults, callbackFaults, browserFaults, tokenFaults,
		idTokenFaults, claimFaults, profileFaults, laterFaults, oauth1Faults)
	for i := range all {
		all[i].Provider = cmp.Or(all[i].Provider, "google")
	}
	return all
}

// Client is the name of the client that meets the fault.
func (f Fault) Client() string { return f.Provider + "~" + f.Name }

// Attacked reports whether the fault begins at a page of the attacker's, and not at the app.
func (f Fault) Attacked() bool { return f.lure.method != "" }

// Neighbour reports whether that page is on the app's host, on another port.
func (f Fault) Neighbour() bool { return f.lure.cookie != "" }

// Anywhere reports whether any OpenID provider could do it to any client. Then it is also played at the issuer
// Origin/~Name, for clients that expect RS256.
func (f Fault) Anywhere() bool {
	return f.hook != nil && !f.local && (f.Provider == "google" || f.Provider == "oidc")
}
