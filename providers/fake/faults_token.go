package fake

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// blanks before a JSON value mean nothing; these are more than any honest reply has bytes.
var blanks = strings.Repeat(" ", 1<<20)

// tokenFaults is step 3: what is wrong with the token reply, but for the ID token in it.
func tokenFaults() []Fault {
	return []Fault{
		{Name: "token-hang", Provider: "google", Step: 3, Stops: "reply-received",
			Does:  "The token endpoint takes code and secret and never answers (the app gives up after ten seconds).",
			Gains: "Every sign-in holds a connection and a place in memory, for ever.",
			hook:  hang(inToken)},
		{Name: "token-dropped", Provider: "google", Step: 3, Stops: "reply-received",
			Does:  "The connection breaks before the reply.",
			Gains: "A client that tries again sends the code a second time, and the provider takes back what the first gave.",
			hook:  at(inToken, func(*reply) { panic(http.ErrAbortHandler) })},
		{Name: "token-huge", Provider: "google", Step: 3, Stops: "reply-size",
			Does:  "The token reply has a megabyte of blanks in front.",
			Gains: "Enough of such replies at once, and the app has no memory left.",
			hook:  text(inToken, func(body string) string { return blanks + body })},
		{Name: "token-500", Provider: "google", Step: 3, Stops: "reply-status-200",
			Does:  "The provider is broken, and says so with a page for people.",
			Gains: "Parts of an error page are read as the answer.",
			hook:  answer(inToken, 500, "text/html", "<h1>Internal Server Error</h1>")},
		{Name: "token-redirect", Provider: "google", Step: 3, Stops: "reply-status-200", Spec: "RFC 9700 §4.12",
			Does:  "The token endpoint redirects to the attacker with 307, which repeats the request as it was.",
			Gains: "Code, verifier and client secret.",
			hook:  redirect(inToken, 307)},
		{Name: "token-html", Provider: "google", Step: 3, Stops: "reply-media-type",
			Does:  "The token reply says that it is a web page.",
			Gains: "A page to which users can add is read as the provider's answer.",
			hook:  at(inToken, func(r *reply) { r.header.Set("Content-Type", "text/html") })},
		{Name: "token-cut", Provider: "google", Step: 3, Stops: "reply-json",
			Does:  "The token reply ends in the middle.",
			Gains: "Half a token is stored as if it were whole.",
			hook:  text(inToken, func(body string) string { return body[:len(body)/2] })},
		{Name: "token-twice", Provider: "google", Step: 3, Stops: "reply-json",
			Does:  "The reply has two access tokens, the attacker's and yours.",
			Gains: "One program looks at the one, and another uses the other.",
			hook:  text(inToken, with(`"access_token":"ya29.attacker"`))},
		{Name: "token-trailing", Provider: "google", Step: 3, Stops: "reply-json",
			Does:  "A second reply stands behind the first.",
			Gains: "A reader of streams stops after one of them; which, depends on the reader.",
			hook:  text(inToken, func(body string) string { return body + `{"access_token":"ya29.attacker"}` })},
		{Name: "token-deep", Provider: "google", Step: 3, Stops: "reply-json", Spec: "RFC 8259 §9",
			Does:  "The reply has a list in a list in a list, a thousand deep.",
			Gains: "A program that goes down into each one runs out of memory.",
			hook:  text(inToken, with(`"ext":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)))},
		{Name: "token-error-200", Provider: "github", Step: 3, Stops: Refusal,
			Does:  "The reply is an error with status 200, as GitHub's are, and has an access token beside it.",
			Gains: "A no is taken for a yes.",
			Spec:  "RFC 6749 §5.2",
			hook:  members(inToken, func(o object) { o["error"] = "bad_verification_code" })},
		{Name: "access-token-missing", Provider: "google", Step: 3, Stops: "token-access",
			Does:  "The reply has no access token.",
			Gains: "The next request goes out with an empty one, and its failure misleads.",
			hook:  members(inToken, func(o object) { delete(o, "access_token") })},
		{Name: "access-token-case", Provider: "google", Step: 3, Stops: "token-access",
			Does:  "The reply calls it ACCESS_TOKEN.",
			Gains: "Two programs that differ in how they treat case see two replies.",
			hook: members(inToken, func(o object) {
				o["ACCESS_TOKEN"] = o["access_token"]
				delete(o, "access_token")
			})},
		{Name: "access-token-number", Provider: "google", Step: 3, Stops: "token-members",
			Does:  "The access token is a number.",
			Gains: "It is turned into some text, and used.",
			hook:  members(inToken, func(o object) { o["access_token"] = 1 })},
		{Name: "access-token-lines", Provider: "google", Step: 3, Stops: "token-access", Spec: "RFC 6749 Appendix A.12",
			Does:  "The access token has a line break, and a header of the attacker's behind it.",
			Gains: "A header of their own in each request that carries the token.",
			hook:  members(inToken, func(o object) { o["access_token"] = "x\r\nX-Admin: true" })},
		{Name: "token-type-mac", Provider: "google", Step: 3, Stops: "token-type",
			Does:  "The token is of a kind that must be used with a key.",
			Gains: "Sent as a plain bearer token it is open to whoever sees it.",
			hook:  members(inToken, func(o object) { o["token_type"] = "mac" })},
		{Name: "token-type-missing", Provider: "google", Step: 3, Stops: "token-type", Spec: "RFC 6749 §5.1",
			Does:  "The reply does not say of which kind the token is.",
			Gains: "It is used in a way that it may not be made for.",
			hook:  members(inToken, func(o object) { delete(o, "token_type") })},
		{Name: "expires-in-negative", Provider: "google", Step: 3, Stops: "token-expires-in",
			Does:  "The token has minus one second to live.",
			Gains: "Read without a sign, that is for ever.",
			hook:  members(inToken, func(o object) { o["expires_in"] = -1 })},
		{Name: "expires-in-huge", Provider: "google", Step: 3, Stops: "token-expires-in",
			Does:  "The token has 10^18 seconds to live.",
			Gains: "The sum overflows, and the token died long ago, or never does.",
			hook:  members(inToken, func(o object) { o["expires_in"] = 1_000_000_000_000_000_000 })},
		{Name: "id-token-missing", Provider: "google", Step: 3, Stops: "token-id-token",
			Does:  "The reply has no ID token.",
			Gains: "Any access token, also one that was issued to the attacker's own app, would sign in.",
			hook:  members(inToken, func(o object) { delete(o, "id_token") })},
		{Name: "token-type-upper", Provider: "google", Step: 3, Spec: "RFC 6749 §5.1",
			Does:  "The token type is BEARER.",
			Gains: "Nothing: the name has no case. Honest providers write it in each way.",
			hook:  members(inToken, func(o object) { o["token_type"] = "BEARER" })},
		{Name: "expires-in-text", Provider: "google", Step: 3, Spec: "RFC 6749 Appendix A.14",
			Does:  "The lifetime is a text, \"3599\".",
			Gains: "Nothing: some providers write it so.",
			hook:  members(inToken, func(o object) { o["expires_in"] = "3599" })},
		{Name: "expires-in-missing", Provider: "google", Step: 3, Spec: "RFC 6749 §5.1",
			Does:  "The reply does not say how long the token lives.",
			Gains: "Nothing: it need not.",
			hook:  members(inToken, func(o object) { delete(o, "expires_in") })},
		{Name: "scope-missing", Provider: "google", Step: 3, Spec: "RFC 6749 §5.1",
			Does:  "The reply does not say what was granted.",
			Gains: "Nothing: what was asked for, then.",
			hook:  members(inToken, func(o object) { delete(o, "scope") })},
		{Name: "token-more", Provider: "google", Step: 3, Spec: "RFC 6749 §5.1",
			Does:  "The reply has members that no specification knows.",
			Gains: "Nothing: they are not read.",
			hook:  members(inToken, func(o object) { o["ext"] = object{"user": "mallory"} })},
		{Name: "token-form", Provider: "github", Step: 3, Spec: "GitHub, authorizing OAuth apps",
			Does:  "The reply is form-encoded, as GitHub's is where nobody asks for JSON.",
			Gains: "Nothing: GitHub's row says that it may be.",
			hook: at(inToken, func(r *reply) {
				values := url.Values{}
				for name, value := range parse(r.body) {
					values.Set(name, fmt.Sprint(value))
				}
				r.body = values.Encode()
				r.header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			})},
		{Name: "token-wrapped", Provider: "instagram", Step: 3, Spec: "Instagram, business login",
			Does:  "The reply is wrapped in a list, as Instagram's guide has it and its servers have not.",
			Gains: "Nothing: the row takes both shapes.",
			hook:  text(inToken, func(body string) string { return `{"data":[` + body + `]}` })},
	}
}

// profileFaults is step 5.
func profileFaults() []Fault {
	return []Fault{
		{Name: "userinfo-sub-other", Provider: "google", Step: 5, Stops: "userinfo-sub",
			Does:  "The profile is about another user than the ID token.",
			Gains: "An access token that was exchanged on its way signs you in with the attacker's profile, or the attacker with yours.",
			hook:  members(inProfile, func(o object) { o["sub"] = "110248495921238986421" })},
		{Name: "userinfo-sub-missing", Provider: "google", Step: 5, Stops: "userinfo-sub",
			Does:  "The profile does not say about whom it is.",
			Gains: "It could be anybody's.",
			hook:  members(inProfile, func(o object) { delete(o, "sub") })},
		{Name: "userinfo-twice", Provider: "google", Step: 5, Stops: "reply-json",
			Does:  "The profile has two subjects, the attacker's and yours.",
			Gains: "The check sees the one, and the account is found by the other.",
			hook:  text(inProfile, with(`"sub":"110248495921238986421"`))},
		{Name: "userinfo-redirect", Provider: "google", Step: 5, Stops: "reply-status-200", Spec: "RFC 9700 §4.9.1",
			Does:  "The userinfo endpoint redirects to the attacker.",
			Gains: "The access token, and the say about who you are.",
			hook:  redirect(inProfile, 302)},
		{Name: "userinfo-jwt", Provider: "google", Step: 5, Stops: "reply-media-type", Spec: "OIDC Core §5.3.2",
			Does:  "The profile is a signed token, which this client never asked for.",
			Gains: "Nothing here. A client that reads it has to verify it as well, and may not.",
			hook:  answer(inProfile, 200, "application/jwt", "eyJhbGciOiJub25lIn0.e30.")},
		{Name: "userinfo-refused", Provider: "google", Step: 5, Stops: Refusal, Spec: "RFC 6750 §3.1",
			Does:  "The provider says that the access token is not good, right after it has given it.",
			Gains: "A client that asks again and again never comes to an end.",
			hook:  answer(inProfile, 401, "application/json", `{"error":"invalid_token"}`)},
		{Name: "userinfo-name-list", Provider: "oidc", Step: 5, Stops: "profile-members",
			Does:  "The name is a list of names.",
			Gains: "It is turned into some text that nobody has looked at.",
			hook:  members(inProfile, func(o object) { o["name"] = []string{"Ada", "Mallory"} })},
		{Name: "id-missing", Provider: "github", Step: 5, Stops: "profile-subject",
			Does:  "The profile has no id.",
			Gains: "Everybody without an id would be one and the same user.",
			hook: at(inProfile, func(r *reply) {
				if r.request.URL.Path == "/user" {
					r.body = changed(r.body, func(o object) { delete(o, "id") })
				}
			})},
		{Name: "userinfo-other-claims", Provider: "google", Step: 5, Spec: "OIDC Core §5.3.2",
			Does:  "The profile has another name than the ID token, and an issuer of its own.",
			Gains: "Nothing: what is signed stands, and the profile only adds to it.",
			hook:  members(inProfile, func(o object) { o["name"], o["iss"] = "Mallory", "https://evil.example" })},
		{Name: "email-verified-text", Provider: "oidc", Step: 5, Spec: "OIDC Core §5.1",
			Does:  "email_verified is the text \"true\", and no boolean.",
			Gains: "Nothing: the address then counts as not verified, and everything else is in order.",
			hook:  members(inProfile, func(o object) { o["email_verified"] = "true" })},
	}
}
