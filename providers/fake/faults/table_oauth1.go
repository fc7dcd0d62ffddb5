package faults

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
)

// oauth1Faults are those of X by OAuth 1.0a, in its steps 1, 2, 3 and 5.
var oauth1Faults = []Fault{
	{Name: "o1-callback-unconfirmed", Provider: "x", Step: 1, Stops: "callback-confirmed",
		Does:  "The provider does not confirm the callback URL: it speaks the older OAuth 1.0, not 1.0a.",
		Gains: "An attacker would begin a sign-in, make you finish it at the provider, and be signed in as you.",
		hook:  form(inTemporary, url.Values{"oauth_callback_confirmed": nil})},
	{Name: "o1-token-missing", Provider: "x", Step: 1, Stops: "temporary-credentials", hook: form(inTemporary, url.Values{"oauth_token": nil}),
		Does:  "The reply to the first request has no token.",
		Gains: "Nothing. But you would be sent to the provider for a sign-in that cannot end."},
	{Name: "o1-token-swapped", Provider: "x", Step: 2, Stops: "attempt-found", hook: query(url.Values{"oauth_token": {"ATTACKERS"}}),
		Does:  "Your browser comes back with the token of the attacker's sign-in.",
		Gains: "Your browser would finish that sign-in, and you would be signed in as the attacker."},
	{Name: "o1-token-hidden", Provider: "x", Step: 2, Stops: "callback-token",
		Does:  "The callback names your attempt in one parameter, and the attacker's token in another.",
		Gains: "Your sign-in would end with the attacker's account.",
		hook: sentBack(func(q url.Values) {
			hash := sha256.Sum256([]byte(q.Get("oauth_token")))
			q.Set("state", base64.RawURLEncoding.EncodeToString(hash[:]))
			q.Set("oauth_token", "ATTACKERS")
		})},
	{Name: "o1-verifier-missing", Provider: "x", Step: 2, Stops: "callback-verifier", hook: query(url.Values{"oauth_verifier": nil}),
		Does:  "Your browser comes back without the verifier.",
		Gains: "The sign-in would succeed although nobody was asked: only the verifier shows that you pressed Allow."},
	{Name: "o1-credentials-missing", Provider: "x", Step: 3, Stops: "token-credentials",
		Does:  "The token reply has a token, and no secret.",
		Gains: "The app would store half of the credentials, and every request with them would fail.",
		hook:  form(inToken, url.Values{"oauth_token_secret": nil})},
	{Name: "o1-profile-closed", Provider: "x", Step: 5, Spec: "X, error 453",
		Does:  "X does not show this app the profile, because the app's plan does not include it.",
		Gains: "Nothing: the app takes id and name from the token reply.",
		hook:  answer(inProfile, 403, `{"errors":[{"code":453,"message":"You currently have access to a subset of X API V2 endpoints"}]}`)},
}
