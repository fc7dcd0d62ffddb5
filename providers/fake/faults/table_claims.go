package faults

import (
	"encoding/json"
	"time"
)

// claimFaults is step 4: what the ID token says.
var claimFaults = []Fault{
	{Name: "iss-other", Step: 4, Stops: "claim-iss", hook: claims(object{"iss": "https://evil.example"}),
		Does:  "The ID token was issued by another provider.",
		Gains: "An attacker who runs a provider would sign in as anyone."},
	{Name: "aud-other", Step: 4, Stops: "claim-aud", hook: claims(object{"aud": "another-app", "azp": "another-app"}),
		Does:  "The ID token was issued to another app, in which you have signed in.",
		Gains: "The owner of that app would take your token from there, and sign in here as you."},
	{Name: "aud-many", Step: 4, Stops: "claim-aud-only", hook: claims(object{"aud": func(aud any) any { return []any{aud, "another-app"} }}),
		Does:  "The ID token was issued to this app and to another one.",
		Gains: "The owner of the other app also has the token, and would sign in here as you."},
	{Name: "azp-other", Step: 4, Stops: "claim-azp", hook: claims(object{"azp": "another-app"}),
		Does:  "The ID token was issued to this app, but another app asked for it.",
		Gains: "A sign-in at the other app would become one at this app."},
	{Name: "exp-past", Step: 4, Stops: "claim-exp", hook: claims(object{"exp": in(-time.Hour)}),
		Does:  "The ID token expired an hour ago.",
		Gains: "A token from a log or a backup would sign in for ever."},
	{Name: "iat-future", Step: 4, Stops: "claim-iat", hook: claims(object{"iat": in(time.Hour), "exp": in(2 * time.Hour)}),
		Does:  "The time of issue in the ID token is one hour in the future.",
		Gains: "An attacker who had the provider's key for a moment could make tokens for later."},
	{Name: "iat-old", Step: 4, Stops: "claim-iat-fresh", hook: claims(object{"iat": in(-time.Hour)}),
		Does:  "The ID token was issued an hour before you began to sign in.",
		Gains: "An attacker would use the token of an earlier sign-in again."},
	{Name: "nbf-future", Step: 4, Stops: "claim-nbf", hook: claims(object{"nbf": in(24 * time.Hour)}),
		Does:  "The ID token is valid from tomorrow on.",
		Gains: "The app would accept a token before it is valid."},
	{Name: "nonce-wrong", Step: 4, Stops: "claim-nonce", hook: claims(object{"nonce": "OFANOTHERATTEMPT"}),
		Does:  "The ID token carries the nonce of another attempt.",
		Gains: "An attacker who has stolen your code or your ID token would use it in a sign-in of their own, and be signed in as you."},
	{Name: "nonce-missing", Step: 4, Stops: "claim-nonce", hook: claims(object{"nonce": nil}),
		Does:  "The ID token carries no nonce.",
		Gains: "The token could belong to any attempt, also to an attacker's."},
	{Name: "nonce-replayed", Step: 4, Stops: "claim-nonce", How: Again,
		Does:  "Your second sign-in gets the whole token reply of your first.",
		Gains: "An attacker who has once read an ID token would sign in with it again.",
		hook:  replayed(inToken)},
	{Name: "sub-missing", Step: 4, Stops: "claim-sub", hook: claims(object{"sub": nil}),
		Does:  "The ID token has no subject.",
		Gains: "All people without a subject would be one and the same user."},
	{Name: "sub-number", Step: 4, Stops: "claim-types", hook: claims(object{"sub": json.Number("110248495921238986420")}),
		Does:  "The subject is a number of 21 digits.",
		Gains: "As a float64 it loses its last digits, and two users would become one."},
	{Name: "at-hash-wrong", Step: 4, Stops: "claim-at-hash", hook: claims(object{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
		Does:  "The ID token belongs to another access token.",
		Gains: "You would be signed in as yourself, and see the attacker's data. Or the attacker would be signed in, and see yours."},
	{Name: "sub-twin", Step: 4, Spec: "RFC 7519 §10.1.1", hook: claims(object{"Sub": "110248495921238986421", "ſub": "110248495921238986421"}),
		Does:  "The ID token has a sub, and also a Sub that is the attacker's.",
		Gains: "Nothing: this client takes Sub and sub for two names. A client that uses encoding/json directly reads both into one field, and keeps the last one."},
	{Name: "iss-short", Step: 4, Spec: "Google, validating an ID token", local: true, hook: claims(object{"iss": "accounts.google.com"}),
		Does:  "The issuer is accounts.google.com, without https://.",
		Gains: "Nothing: Google documents both spellings, and its provider entry lists them."},
	{Name: "aud-list", Step: 4, Spec: "RFC 7519 §4.1.3", hook: claims(object{"aud": func(aud any) any { return []any{aud} }}),
		Does:  "The audience is a list with one name, this app's.",
		Gains: "Nothing: the specification allows it."},
	{Name: "clock-ahead", Step: 4, Spec: "RFC 7519 §4.1.4", hook: claims(object{"iat": in(50 * time.Second), "nbf": in(50 * time.Second)}),
		Does:  "The provider's clock is 50 seconds ahead.",
		Gains: "Nothing: the client allows 60 seconds."},
}

// in makes the NumericDate that is d after the moment of the reply.
func in(d time.Duration) func(any) any {
	return func(any) any { return time.Now().Add(d).Unix() }
}
