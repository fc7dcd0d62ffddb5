package faults

import (
	"net/http"
	"net/url"
	"strings"
)

// blanks in front of a JSON value mean nothing; these are more bytes than any honest reply has.
var blanks = strings.Repeat(" ", 1<<20)

// tokenFaults is step 3: the code, and the token reply except its ID token.
var tokenFaults = []Fault{
	{Name: "pkce-code-stolen", Provider: "github", Step: 3, Stops: Refusal, Spec: "RFC 7636 §4.6; RFC 9700 §4.5.3.1",
		Does:  "You play the attacker. You have stolen a code of Ada's, and put it into the callback of your own sign-in. At the provider, choose Mallory.",
		Gains: "You would be signed in as Ada. But the provider compares verifier and challenge. The app sends the verifier of your sign-in, and the code belongs to the challenge of hers.",
		hook:  codeOfAnother(url.Values{"code_challenge": {strings.Repeat("A", 43)}})},
	{Name: "pkce-dropped", Provider: "facebook", Step: 3, Stops: Nothing, Spec: "RFC 9700 §4.5", hook: codeOfAnother(nil),
		Does:  "You play the attacker again, now at Facebook, which runs without PKCE. You have stolen a code of Ada's, and put it into the callback of your own sign-in. At the provider, choose Mallory.",
		Gains: "You are signed in as Ada: without PKCE, nothing ties a code to one sign-in. Client secret and state do not stop this. The client secret only makes sure that no other app can use the code. The state only makes sure that no attacker can make your browser bring their code."},
	{Name: "token-hang", Step: 3, Stops: "reply-received", hook: at(inToken, func(r *reply) { <-r.request.Context().Done() }),
		Does:  "The token endpoint takes the code and the client secret, and never answers. The app gives up after ten seconds.",
		Gains: "Every sign-in would hold a connection and memory for ever."},
	{Name: "token-huge", Step: 3, Stops: "reply-size", hook: text(inToken, func(body string) string { return blanks + body }),
		Does:  "The token reply begins with a megabyte of blanks.",
		Gains: "A few such replies at once would use up the app's memory."},
	{Name: "token-redirect", Step: 3, Stops: "reply-status-200", Spec: "RFC 9700 §4.12",
		Does:  "The token endpoint redirects to the attacker with status 307, which repeats the request with its body.",
		Gains: "The attacker would get the code, the verifier and the client secret.",
		hook: at(inToken, func(r *reply) {
			r.status, r.body = http.StatusTemporaryRedirect, ""
			r.header.Set("Location", "https://evil.example/")
		})},
	{Name: "token-twice", Step: 3, Stops: "reply-json",
		Does:  "The reply has two access tokens, the attacker's and yours.",
		Gains: "One program would look at the first, and another would use the second.",
		hook:  text(inToken, func(body string) string { return `{"access_token":"ya29.attacker",` + strings.TrimPrefix(body, "{") })},
	{Name: "token-error-200", Provider: "github", Step: 3, Stops: Refusal, Spec: "RFC 6749 §5.2",
		Does:  "The reply is an error with status 200, as GitHub's errors are. It also has an access token.",
		Gains: "A client that looks only at the status would take the error for a success.",
		hook:  members(inToken, object{"error": "bad_verification_code"})},
	{Name: "access-token-number", Step: 3, Stops: "token-members", hook: members(inToken, object{"access_token": 1}),
		Does:  "The access token is a number.",
		Gains: "A client that accepts any type would turn the number into a text of its own, and use that."},
	{Name: "access-token-lines", Step: 3, Stops: "token-access", Spec: "RFC 6749 Appendix A.12",
		Does:  "The access token has a line break, followed by a header of the attacker's.",
		Gains: "The attacker would add a header to each request that carries the token.",
		hook:  members(inToken, object{"access_token": "x\r\nX-Admin: true"})},
	{Name: "token-type-mac", Step: 3, Stops: "token-type", hook: members(inToken, object{"token_type": "mac"}),
		Does:  "The token is of a kind that must be used together with a key.",
		Gains: "The app would send the token without the proof of a key, and so lose the protection that the key gives."},
	{Name: "expires-in-negative", Step: 3, Spec: "RFC 6749 §5.1, Appendix A.14", hook: members(inToken, object{"expires_in": -1}),
		Does:  "The token expires in minus one second.",
		Gains: "Nothing: the app then does not know when the token expires. A client that refuses the whole reply loses the refresh token in it."},
	{Name: "id-token-missing", Step: 3, Stops: "token-id-token", hook: members(inToken, object{"id_token": nil}),
		Does:  "The reply has no ID token.",
		Gains: "Any access token would sign in, even one that was issued to an app of the attacker's."},
	{Name: "token-type-upper", Step: 3, Spec: "RFC 6749 §5.1", hook: members(inToken, object{"token_type": "BEARER"}),
		Does:  "The token type is BEARER.",
		Gains: "Nothing: upper and lower case mean the same here, and honest providers use both."},
	{Name: "expires-in-text", Step: 3, Spec: "RFC 6749 Appendix A.14", hook: members(inToken, object{"expires_in": "3599"}),
		Does:  "The lifetime is a text, \"3599\".",
		Gains: "Nothing: some honest providers send a text."},
	{Name: "token-wrapped", Provider: "instagram", Step: 3, Spec: "Instagram, business login",
		Does:  "The reply is wrapped in a list, as in Instagram's guide. Its servers do not do that.",
		Gains: "Nothing: the provider entry takes both shapes.",
		hook:  text(inToken, func(body string) string { return `{"data":[` + body + `]}` })},
}

// profileFaults is step 5.
var profileFaults = []Fault{
	{Name: "userinfo-sub-other", Step: 5, Stops: "userinfo-sub", hook: members(inProfile, object{"sub": "110248495921238986421"}),
		Does:  "The profile and the ID token are about two different users.",
		Gains: "An attacker who swaps the access token on its way could make the app show you their profile, or show them yours."},
	{Name: "userinfo-refused", Step: 5, Stops: Refusal, Spec: "RFC 6750 §3.1", hook: answer(inProfile, 401, `{"error":"invalid_token"}`),
		Does:  "The provider refuses the access token that it has just issued.",
		Gains: "A client that then tries again would never stop."},
	{Name: "userinfo-name-list", Provider: "oidc", Step: 5, Stops: "profile-members",
		Does:  "The name is a list of names.",
		Gains: "A client that accepts any type would show a name of its own making.",
		hook:  members(inProfile, object{"name": []string{"Ada", "Mallory"}})},
	{Name: "id-missing", Provider: "github", Step: 5, Stops: "profile-subject",
		Does:  "The profile has no id.",
		Gains: "All people without an id would be one and the same user.",
		hook: at(inProfile, func(r *reply) {
			if strings.HasSuffix(r.request.URL.Path, "/user") {
				r.body = changed(r.body, object{"id": nil})
			}
		})},
	{Name: "userinfo-other-claims", Step: 5, Spec: "OIDC Core §5.3.2",
		Does:  "The profile has another name than the ID token, and names another issuer.",
		Gains: "Nothing: the signed ID token stands, and the profile only adds to it.",
		hook:  members(inProfile, object{"name": "Mallory", "iss": "https://evil.example"})},
	{Name: "email-verified-text", Provider: "oidc", Step: 5, Spec: "OIDC Core §5.1",
		Does:  "email_verified is the text \"true\" instead of a boolean.",
		Gains: "Nothing: the address then counts as not verified, and everything else is in order.",
		hook:  members(inProfile, object{"email_verified": "true"})},
}

// laterFaults is steps 6 and 7: what becomes of tokens after the sign-in.
var laterFaults = []Fault{
	{Name: "refresh-sub-other", Step: 6, Stops: "refresh-sub", How: Refresh, hook: refreshed(object{"sub": "110248495921238986421"}),
		Does:  "The refreshed tokens come with an ID token about another user.",
		Gains: "Your session would go on with somebody else's data."},
	{Name: "refresh-iss-other", Step: 6, Stops: "refresh-iss", How: Refresh, local: true,
		Does:  "The refreshed ID token names the issuer accounts.google.com, and the first one https://accounts.google.com.",
		Gains: "The app would take two issuers for one. Two users with the same subject, one at each issuer, would become one user.",
		hook:  refreshed(object{"iss": "accounts.google.com"})},
	{Name: "refresh-auth-time", Step: 6, Stops: "refresh-auth-time", How: Refresh, hook: refreshed(object{"auth_time": 253402300799}),
		Does:  "The refreshed ID token says that you signed in at a time in the future.",
		Gains: "The app would believe that you have signed in again, but nobody asked you."},
	{Name: "refresh-ended", Step: 6, Stops: Refusal, How: Refresh, Spec: "RFC 6749 §5.2",
		Does:  "The provider says that the grant has ended: a thief used it, or you revoked it.",
		Gains: "A client that tries again would try for ever: only a new sign-in helps.",
		hook:  answer(inRefresh, 400, `{"error":"invalid_grant"}`)},
	{Name: "refresh-bare", Step: 6, How: Refresh, Spec: "OIDC Core §12.2; RFC 6749 §6",
		Does:  "The reply to the refresh has no ID token and no refresh token.",
		Gains: "Nothing: both are optional, and the old refresh token stays valid.",
		hook:  members(inRefresh, object{"id_token": nil, "refresh_token": nil})},
	{Name: "revoke-busy", Step: 7, Stops: "revoke-done", How: Disconnect, Spec: "RFC 7009 §2.2.1", hook: answer(inRevoke, 503, ""),
		Does:  "The provider is too busy to revoke the tokens.",
		Gains: "You would believe that the access has ended, but it goes on."},
}
