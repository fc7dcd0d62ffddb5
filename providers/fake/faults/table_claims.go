package faults

import (
	"encoding/json"
	"time"
)

// claimFaults is step 4: what the ID token says.
func claimFaults() []Fault {
	return []Fault{
		{Name: "iss-other", Provider: "google", Step: 4, Stops: "claim-iss",
			Does:  "The ID token is another provider's.",
			Gains: "An attacker who runs a provider would sign in as anyone.",
			hook:  claims(func(c object) { c["iss"] = "https://evil.example" })},
		{Name: "aud-other", Provider: "google", Step: 4, Stops: "claim-aud",
			Does:  "The ID token was issued to another app, in which you have signed in.",
			Gains: "The owner of that app would take your token from there, and sign in here as you.",
			hook:  claims(func(c object) { c["aud"], c["azp"] = "another-app", "another-app" })},
		{Name: "aud-many", Provider: "google", Step: 4, Stops: "claim-aud-only",
			Does:  "The ID token was issued to this app and to another one.",
			Gains: "The owner of the other app also has the token, and would sign in here as you.",
			hook:  claims(func(c object) { c["aud"] = []any{c["aud"], "another-app"} })},
		{Name: "azp-other", Provider: "google", Step: 4, Stops: "claim-azp",
			Does:  "The ID token was issued to this app, but another app asked for it.",
			Gains: "A sign-in at the other app would become one at this app.",
			hook:  claims(func(c object) { c["azp"] = "another-app" })},
		{Name: "exp-past", Provider: "google", Step: 4, Stops: "claim-exp",
			Does:  "The ID token expired an hour ago.",
			Gains: "A token from a log or a backup would sign in for ever.",
			hook:  claims(func(c object) { c["exp"] = in(-time.Hour) })},
		{Name: "exp-text", Provider: "google", Step: 4, Stops: "claim-types",
			Does:  "The expiry is the text \"tomorrow\".",
			Gains: "A client that cannot read it, and takes that for no expiry, accepts the token for ever.",
			hook:  claims(func(c object) { c["exp"] = "tomorrow" })},
		{Name: "iat-future", Provider: "google", Step: 4, Stops: "claim-iat",
			Does:  "The time of issue in the ID token is one hour in the future.",
			Gains: "An attacker who once had the provider's key or clock would have tokens for later.",
			hook:  claims(func(c object) { c["iat"], c["exp"] = in(time.Hour), in(2*time.Hour) })},
		{Name: "iat-old", Provider: "google", Step: 4, Stops: "claim-iat-fresh",
			Does:  "The ID token was issued an hour before you began to sign in.",
			Gains: "An attacker would use the token of an earlier sign-in again.",
			hook:  claims(func(c object) { c["iat"] = in(-time.Hour) })},
		{Name: "nbf-future", Provider: "google", Step: 4, Stops: "claim-nbf",
			Does:  "The ID token is valid from tomorrow on.",
			Gains: "A token would be used before its time.",
			hook:  claims(func(c object) { c["nbf"] = in(24 * time.Hour) })},
		{Name: "nonce-wrong", Provider: "google", Step: 4, Stops: "claim-nonce",
			Does:  "The ID token carries the nonce of another attempt.",
			Gains: "An attacker who has stolen your code or your ID token would use it in a sign-in of their own, and be signed in as you.",
			hook:  claims(func(c object) { c["nonce"] = "OFANOTHERATTEMPT" })},
		{Name: "nonce-missing", Provider: "google", Step: 4, Stops: "claim-nonce",
			Does:  "The ID token carries no nonce.",
			Gains: "The token could belong to any attempt, also to an attacker's.",
			hook:  claims(func(c object) { delete(c, "nonce") })},
		{Name: "nonce-replayed", Provider: "google", Step: 4, Stops: "claim-nonce", How: Again,
			Does:  "Your second sign-in gets the whole token reply of your first.",
			Gains: "An attacker who has once read an ID token would sign in with it again.",
			hook: at(inToken, func(r *reply) {
				if r.first != nil {
					r.body = r.first.body
				}
			})},
		{Name: "sub-missing", Provider: "google", Step: 4, Stops: "claim-sub",
			Does:  "The ID token has no subject.",
			Gains: "All people without a subject would be one and the same user.",
			hook:  claims(func(c object) { delete(c, "sub") })},
		{Name: "sub-number", Provider: "google", Step: 4, Stops: "claim-types",
			Does:  "The subject is a number of 21 digits.",
			Gains: "As a float64 it loses its last digits, and two users would become one.",
			hook:  claims(func(c object) { c["sub"] = json.Number("110248495921238986420") })},
		{Name: "at-hash-wrong", Provider: "google", Step: 4, Stops: "claim-at-hash",
			Does:  "The ID token belongs to another access token.",
			Gains: "You would be signed in as yourself, but with the attacker's data; or the other way round.",
			hook:  claims(func(c object) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" })},
		{Name: "sub-twin", Provider: "google", Step: 4, Spec: "RFC 7519 §10.1.1",
			Does:  "The ID token has a sub, and also a Sub that is the attacker's.",
			Gains: "encoding/json reads both into one field, and the last one wins. This client takes them for two names.",
			hook:  claims(func(c object) { c["Sub"], c["ſub"] = "110248495921238986421", "110248495921238986421" })},
		{Name: "iss-short", Provider: "google", Step: 4, Spec: "Google, validating an ID token", local: true,
			Does:  "The issuer is accounts.google.com, without https://.",
			Gains: "Nothing: Google documents both spellings, and its provider entry lists them.",
			hook:  claims(func(c object) { c["iss"] = "accounts.google.com" })},
		{Name: "aud-list", Provider: "google", Step: 4, Spec: "RFC 7519 §4.1.3",
			Does:  "The audience is a list of one.",
			Gains: "Nothing: the specification allows it.",
			hook:  claims(func(c object) { c["aud"] = []any{c["aud"]} })},
		{Name: "clock-ahead", Provider: "google", Step: 4, Spec: "RFC 7519 §4.1.4",
			Does:  "The provider's clock is 50 seconds ahead.",
			Gains: "Nothing: the client allows 60 seconds.",
			hook:  claims(func(c object) { c["iat"], c["nbf"] = in(50*time.Second), in(50*time.Second) })},
	}
}

// in is a NumericDate.
func in(d time.Duration) int64 { return time.Now().Add(d).Unix() }
