package templates

import (
	"net/http"
	"slices"
	"strings"

	"example.com/oauthbyhand/oauth"
)

// advice is for people: what happened, and what to do about it.
type advice struct{ Happened, Remedy string }

const (
	again    = "Nothing is lost. Sign in again."
	clocks   = "Compare this machine's clock with the real time. If it is right, the provider's clock is wrong. Then sign in again."
	theirs   = "Try again. If it happens again, the provider must fix it."
	attacked = "Sign in again. If it happens again, somebody may be between you and the provider. This app was right to stop."
	owners   = "If this app is yours, change it as described, and start the app again. Otherwise tell its owner."
)

var noMetadata = advice{"There is no metadata at the provider's issuer. In the setup of this app, OIDC_ISSUER is wrong: it must be the issuer's URL, to the letter.", owners}

// adviceOn returns what happened and what to do, for a check that failed in this step.
func adviceOn(c oauth.Check, got string) advice {
	switch a, ok := byCheck[c.Name]; {
	case c.Name == "callback-state" && strings.HasPrefix(got, "error="):
		return advice{"What your browser brought back is an error, but it does not say to which sign-in it belongs. So it may be made up. Some providers answer like this if the app is not registered as it should be.", "Sign in again. If it happens again, look up the error in the provider's documents."}
	case ok:
		return a
	case c.Step == 0 && (c.Name == "reply-status-200" && got == "404" || c.Name == "reply-media-type"):
		return noMetadata
	case c.Name == "reply-status-200" && c.Step == 0 && strings.HasPrefix(got, "3"):
		return advice{"The address of the provider's metadata redirects to another address, and this app follows no redirects. OIDC_ISSUER must be exactly the issuer's URL.", owners}
	case c.Name == "reply-media-type" && c.Step == 5 && got == "application/jwt":
		return advice{"The provider answers with a signed profile, which this app does not read. At the app's registration, switch signed userinfo replies off.", owners}
	case c.Status() == http.StatusBadRequest:
		return advice{"What your browser brought back from the provider did not pass a check.", again}
	}
	return advice{"What the provider answered did not pass a check, so it was not used.", theirs}
}

// adviceOnRefusal returns advice for the app's owner. It is empty if the provider's own words
// say enough.
func adviceOnRefusal(r *oauth.Refusal) advice {
	switch {
	case r.Step == 0 && (r.Status == http.StatusNotFound || r.Status == http.StatusBadRequest): // Keycloak, Microsoft
		return noMetadata
	case slices.Contains([]string{"invalid_client", "unauthorized_client", "incorrect_client_credentials"}, r.Code): // Keycloak says the second, GitHub the third
		return advice{"The provider does not accept the client id and the client secret of this app, or not in the way in which this app shows them. Compare both with the app's registration, which must be for client_secret_basic or client_secret_post.", owners}
	case r.Code == "invalid_scope":
		return advice{"The provider does not let this app ask for one of the scopes. Allow them at the app's registration, or correct OIDC_SCOPES.", owners}
	}
	return advice{}
}

// byCheck is advice for three kinds of checks: those that fail in honest use, by a mistake in
// the app's own setup, or only by an attack. If another check fails, the provider is broken.
var byCheck = map[string]advice{
	"attempt-found": {
		"Your browser has no sign-in under way for this callback: the cookie is missing. There are several possible reasons. Cookies are blocked, or were cleared. The sign-in began in another browser, at another address of this app, or more than an hour ago. Eight newer sign-ins were begun in this browser. Or you followed somebody else's link.",
		"Open the app at its own address and begin again there.",
	},
	"attempt-opens": {
		"The sign-in was begun, but its cookie does not open: the app was restarted since, or the cookie was changed.",
		again,
	},
	"attempt-fresh": {
		"The sign-in is too old: you have ten minutes to finish one.",
		again,
	},
	"attempt-unused": {
		"This sign-in has already ended. If you reload the page or go back, your browser sends its callback once more.",
		again,
	},
	"callback-state": {
		"The callback does not carry the state that this browser was given, so it may belong to somebody else's sign-in. Either it is an attack, or a part of the link was cut off.",
		again,
	},
	"attempt-user": {
		"You began to connect an account, but you are no longer signed in as the same user.",
		"Sign in as before, and connect the account from your profile.",
	},
	"reply-received": {
		"The provider did not answer.",
		"Try again in a moment. The other providers are not affected.",
	},
	"claim-exp":       {"By this machine's clock, the ID token has expired, or it does not say when it expires.", clocks},
	"claim-iat":       {"By this machine's clock, the ID token was issued in the future, or it does not say when it was issued.", clocks},
	"claim-iat-fresh": {"By this machine's clock, the ID token was issued before you began to sign in.", clocks},
	"claim-nbf":       {"By this machine's clock, the ID token is not valid yet.", clocks},

	"discovery-issuer": {
		"The metadata names another issuer than this app is set up for. OIDC_ISSUER must be what the metadata says, to the letter: look for a slash at the end.",
		owners,
	},
	"token-client-auth": {
		"The provider takes neither of the two ways in which this app can show its secret. At the app's registration, choose client_secret_basic or client_secret_post.",
		owners,
	},
	"header-alg": {
		"The ID token is not signed with RS256 or ES256. That is an attack, unless the app is registered for another algorithm: then choose RS256 there.",
		owners,
	},
	"claim-aud-only": {
		"The ID token is for this app and for another one, which could use it here. At the app's registration, remove the second audience.",
		owners,
	},

	"callback-issuer":    {"The callback says that another provider sent it.", attacked},
	"attempt-client":     {"The callback belongs to a sign-in with another provider.", attacked},
	"claim-iss":          {"The ID token comes from another provider.", attacked},
	"claim-aud":          {"The ID token is for another app.", attacked},
	"claim-nonce":        {"The ID token belongs to another sign-in.", attacked},
	"id-token-signature": {"The signature of the ID token is not the provider's.", attacked},
	"userinfo-sub":       {"The profile and the ID token are about two different users.", attacked},
	"refresh-sub":        {"The refreshed tokens belong to another user.", attacked},
}
