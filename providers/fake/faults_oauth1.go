package fake

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
)

// oauth1Faults are those of X, which speaks OAuth 1.0a, in its steps 1, 2, 3 and 5.
func oauth1Faults() []Fault {
	return []Fault{
		{Name: "o1-callback-unconfirmed", Provider: "x", Step: 1, Stops: "callback-confirmed",
			Does:  "The provider does not confirm the callback URL: it speaks OAuth 1.0, without the a.",
			Gains: "An attacker begins a sign-in, has you finish it at the provider, and is signed in as you.",
			hook:  form(inTemporary, func(v url.Values) { v.Del("oauth_callback_confirmed") })},
		{Name: "o1-token-missing", Provider: "x", Step: 1, Stops: "temporary-credentials",
			Does:  "The reply to the first request has no token.",
			Gains: "Nothing, but a user who is sent to the provider for a sign-in that cannot end.",
			hook:  form(inTemporary, func(v url.Values) { v.Del("oauth_token") })},
		{Name: "o1-secret-missing", Provider: "x", Step: 1, Stops: "temporary-credentials",
			Does:  "The reply to the first request has no secret.",
			Gains: "The next request is signed with the client's secret alone.",
			hook:  form(inTemporary, func(v url.Values) { v.Del("oauth_token_secret") })},
		{Name: "o1-token-twice", Provider: "x", Step: 1, Stops: "temporary-credentials", Spec: "RFC 5849 §2.1",
			Does:  "The reply to the first request has two tokens, yours and the attacker's.",
			Gains: "Your browser is sent to allow the attacker's request.",
			hook:  form(inTemporary, func(v url.Values) { v.Add("oauth_token", "ATTACKERS") })},
		{Name: "o1-request-500", Provider: "x", Step: 1, Stops: "reply-status-200",
			Does:  "The provider is broken, and says so with a page for people.",
			Gains: "Parts of an error page are read as credentials.",
			hook:  answer(inTemporary, 500, "text/html", "oauth_token=a&oauth_token_secret=b&oauth_callback_confirmed=true")},
		{Name: "o1-token-swapped", Provider: "x", Step: 2, Stops: "attempt-found",
			Does:  "The browser comes back with the token of the attacker's sign-in.",
			Gains: "Your browser ends it, and is signed in as the attacker.",
			hook:  sentBack(func(q url.Values) { q.Set("oauth_token", "ATTACKERS") })},
		{Name: "o1-token-hidden", Provider: "x", Step: 2, Stops: "callback-token",
			Does:  "The callback finds your attempt by one parameter, and brings the attacker's token in another.",
			Gains: "The attacker's authorization ends your sign-in.",
			hook: sentBack(func(q url.Values) {
				hash := sha256.Sum256([]byte(q.Get("oauth_token")))
				q.Set("state", base64.RawURLEncoding.EncodeToString(hash[:]))
				q.Set("oauth_token", "ATTACKERS")
			})},
		{Name: "o1-verifier-missing", Provider: "x", Step: 2, Stops: "callback-verifier",
			Does:  "The browser comes back without the verifier.",
			Gains: "A sign-in in which nobody was asked: the verifier is what shows that somebody was.",
			hook:  sentBack(func(q url.Values) { q.Del("oauth_verifier") })},
		{Name: "o1-verifier-other", Provider: "x", Step: 3, Stops: Refusal, Spec: "RFC 5849 §2.3",
			Does:  "The browser comes back with a verifier that was guessed.",
			Gains: "Nothing as long as the provider compares it; that is its part.",
			hook:  sentBack(func(q url.Values) { q.Set("oauth_verifier", "GUESSED") })},
		{Name: "o1-credentials-missing", Provider: "x", Step: 3, Stops: "token-credentials",
			Does:  "The token reply has a token, and no secret.",
			Gains: "Half of the credentials is stored, and every request with them fails.",
			hook:  form(inToken, func(v url.Values) { v.Del("oauth_token_secret") })},
		{Name: "o1-id-number", Provider: "x", Step: 5, Stops: "profile-members",
			Does:  "id_str is a number.",
			Gains: "A float64 has no room for its last digits: two users become one.",
			hook:  members(inProfile, func(o object) { o["id_str"] = o["id"] })},
		{Name: "o1-id-long", Provider: "x", Step: 5, Stops: "profile-subject",
			Does:  "id_str has 256 characters.",
			Gains: "A database cuts it off, and two users become one.",
			hook:  members(inProfile, func(o object) { o["id_str"] = strings.Repeat("1", 256) })},
		{Name: "o1-profile-closed", Provider: "x", Step: 5, Spec: "X, error 453",
			Does:  "The app's plan does not include the profile.",
			Gains: "Nothing: the token reply has id and name, too.",
			hook:  answer(inProfile, 403, "application/json", `{"errors":[{"code":453,"message":"You currently have access to a subset of X API V2 endpoints"}]}`)},
	}
}
