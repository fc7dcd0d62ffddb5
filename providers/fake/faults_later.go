package fake

// laterFaults are steps 6 and 7: what becomes of tokens after the sign-in.
func laterFaults() []Fault {
	return []Fault{
		{Name: "refresh-sub-other", Provider: "google", Step: 6, Stops: "refresh-sub", How: Refresh,
			Does:  "The refreshed tokens come with an ID token about another user.",
			Gains: "Under your session, the app goes on with somebody else's data.",
			hook:  claimsIn(inRefresh, func(c object) { c["sub"] = "110248495921238986421" })},
		{Name: "refresh-iss-other", Provider: "google", Step: 6, Stops: "refresh-iss", How: Refresh, local: true,
			Does:  "The refreshed ID token names the issuer in the provider's other spelling.",
			Gains: "Two issuers are taken for one, and with them two users.",
			hook:  claimsIn(inRefresh, func(c object) { c["iss"] = "accounts.google.com" })},
		{Name: "refresh-auth-time", Provider: "google", Step: 6, Stops: "refresh-auth-time", How: Refresh,
			Does:  "The refreshed ID token says that you have signed in just now.",
			Gains: "A refresh, at which nobody was present, passes for a new sign-in.",
			hook:  claimsIn(inRefresh, func(c object) { c["auth_time"] = c["iat"] })},
		{Name: "refresh-nonce-other", Provider: "google", Step: 4, Stops: "claim-nonce", How: Refresh, Spec: "OIDC Core §12.2",
			Does:  "The refreshed ID token carries the nonce of another attempt.",
			Gains: "A token of somebody else's sign-in is put into yours.",
			hook:  claimsIn(inRefresh, func(c object) { c["nonce"] = "OFANOTHERATTEMPT" })},
		{Name: "refresh-hang", Provider: "google", Step: 6, Stops: "reply-received", How: Refresh,
			Does:  "The refresh is never answered (the app gives up after ten seconds).",
			Gains: "All who wait for these tokens wait for ever.",
			hook:  hang(inRefresh)},
		{Name: "refresh-access-missing", Provider: "google", Step: 6, Stops: "token-access", How: Refresh,
			Does:  "The reply to the refresh has no access token.",
			Gains: "Good tokens are replaced by none.",
			hook:  members(inRefresh, func(o object) { delete(o, "access_token") })},
		{Name: "refresh-ended", Provider: "google", Step: 6, Stops: Refusal, How: Refresh, Spec: "RFC 6749 §5.2",
			Does:  "The provider says that the grant has ended: it was used by a thief, or taken back.",
			Gains: "A client that tries again and again locks the user out, or itself. Only a new sign-in helps.",
			hook:  answer(inRefresh, 400, "application/json", `{"error":"invalid_grant"}`)},
		{Name: "refresh-bare", Provider: "google", Step: 6, How: Refresh, Spec: "OIDC Core §12.2; RFC 6749 §6",
			Does:  "The reply to the refresh has no ID token and no refresh token.",
			Gains: "Nothing: it need not, and the old refresh token stays good.",
			hook: members(inRefresh, func(o object) {
				delete(o, "id_token")
				delete(o, "refresh_token")
			})},
		{Name: "revoke-busy", Provider: "google", Step: 7, Stops: "revoke-done", How: Disconnect, Spec: "RFC 7009 §2.2.1",
			Does:  "The provider is too busy to take the tokens back.",
			Gains: "You believe that the access has ended, and it goes on.",
			hook:  answer(inRevoke, 503, "text/plain", "Try later")},
	}
}
