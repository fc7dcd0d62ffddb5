package fake

import (
	"fmt"
	"net/url"
	"slices"
)

// Fault is one attack, or one mistake, of a provider, or of another site in the user's browser. It
// belongs to a client: the one that is called [Fault.Client] meets a provider with this fault, and
// keeps what it learns there to itself.
//
// The same table drives the tests, the page /break, the fake's first page and the README.
type Fault struct {
	Name     string // "nonce-wrong"
	Provider string // at which it is played: "google"
	Step     int    // in which it is stopped, or passes; numbered as in package oauth
	Does     string // what the attacker does
	Gains    string // what they would have from it; in a fault that is survived, what a client that stops would lose
	Stops    string // the name of the Check that stops it; Refusal; or "" where an honest client must cope
	Spec     string // the section, where it is another than the check's

	How string // what the user does for it beside signing in, one of the words below; "" is nothing

	hook  hook // what the provider's side does
	lure  lure // what another site does
	local bool // makes sense only at Provider, and to this project's app
}

// What a user does so that a fault can happen.
const (
	Again      = "Sign in, sign out, and sign in once more, each time from this page."
	Late       = "Wait for eleven minutes before you press Allow."
	First      = "Sign in before."
	Leave      = "Begin to sign in before, and leave it."
	Connect    = "Sign in before. Then, in another tab, sign out before you press Allow."
	Refresh    = "Once signed in, press “Refresh now”."
	Disconnect = "Once signed in, connect a second account, and press “Disconnect” at this one."
)

// Refusal is what stops a fault that is itself a "no": it ends the sign-in, and no check has failed.
const Refusal = "refusal"

// Faults is the table, in the order of the steps.
func Faults() []Fault {
	return slices.Concat(metadataFaults(), callbackFaults(), browserFaults(), tokenFaults(),
		idTokenFaults(), keyFaults(), claimFaults(), profileFaults(), laterFaults(), oauth1Faults())
}

// Client is the name of the client to whom the fault happens: an ordinary row under another name.
func (f Fault) Client() string { return f.Provider + "~" + f.Name }

// Attacked reports whether the fault begins at a page of the attacker's, and not at the app.
func (f Fault) Attacked() bool { return f.lure.path != "" }

// Neighbour reports whether that page is at the app's host, on another port.
func (f Fault) Neighbour() bool { return f.lure.cookie != "" }

// Anywhere reports whether any OpenID provider could do it, to any client. It is then played at the
// issuer Origin/~Name too, for other people's clients (those of published keys: for ID tokens with RS256).
func (f Fault) Anywhere() bool {
	return f.hook != nil && !f.local && (f.Provider == "google" || f.Provider == "oidc")
}

// Metadata is step 0. A fault of every reply stands here once, and elsewhere where it gains more.
func metadataFaults() []Fault {
	return []Fault{
		{Name: "metadata-redirect", Provider: "google", Step: 0, Stops: "reply-status-200", Spec: "OIDC Discovery §4.2",
			Does:  "The provider's host has a page that redirects anywhere, and the metadata's URL now is one.",
			Gains: "The attacker's server says where codes and secrets are to be sent.",
			hook:  redirect(inMetadata, 302)},
		{Name: "metadata-uploaded", Provider: "google", Step: 0, Stops: "reply-media-type", Spec: "OIDC Discovery §4.2",
			Does:  "A user of the provider has uploaded a text file to where the metadata should be.",
			Gains: "That user says where codes and secrets are to be sent.",
			hook:  at(inMetadata, func(r *reply) { r.header.Set("Content-Type", "text/plain") })},
		{Name: "metadata-twice", Provider: "google", Step: 0, Stops: "reply-json",
			Does:  "The metadata names the issuer twice: the attacker first, the provider last.",
			Gains: "One program checks the one and another uses the other.",
			hook:  text(inMetadata, with(`"issuer":"https://evil.example"`))},
		{Name: "metadata-issuer-other", Provider: "google", Step: 0, Stops: "discovery-issuer",
			Does:  "The metadata is another provider's: it names another issuer.",
			Gains: "The attacker's endpoints are used under the honest provider's name, and get its codes.",
			hook:  members(inMetadata, func(o object) { o["issuer"] = "https://evil.example" })},
		{Name: "metadata-issuer-slash", Provider: "google", Step: 0, Stops: "discovery-issuer",
			Does:  "The issuer in the metadata has one slash more at its end.",
			Gains: "Two issuers are taken for one: an identifier is compared as it stands.",
			hook:  members(inMetadata, func(o object) { o["issuer"] = o["issuer"].(string) + "/" })},
		{Name: "metadata-issuer-number", Provider: "google", Step: 0, Stops: "discovery-members",
			Does:  "The issuer is a number.",
			Gains: "A reader that takes every type turns it into a text, or into nothing, and compares that.",
			hook:  members(inMetadata, func(o object) { o["issuer"] = 1 })},
		{Name: "metadata-endpoint-missing", Provider: "google", Step: 0, Stops: "discovery-endpoints",
			Does:  "The metadata has no token endpoint.",
			Gains: "The user says yes, and only then the sign-in breaks.",
			hook:  members(inMetadata, func(o object) { delete(o, "token_endpoint") })},
		{Name: "metadata-endpoint-http", Provider: "google", Step: 0, Stops: "endpoint-https",
			Does:  "The token endpoint is one with plain http.",
			Gains: "Whoever is on the way reads the code, the verifier and the client's secret.",
			hook:  members(inMetadata, func(o object) { o["token_endpoint"] = "http://evil.example/token" })},
		{Name: "metadata-userinfo-http", Provider: "google", Step: 0, Stops: "endpoint-https",
			Does:  "The userinfo endpoint is one with plain http.",
			Gains: "Whoever is on the way reads the access token, and uses it.",
			hook:  members(inMetadata, func(o object) { o["userinfo_endpoint"] = "http://evil.example/userinfo" })},
		{Name: "metadata-client-auth", Provider: "oidc", Step: 3, Stops: "token-client-auth",
			Does:  "The metadata lists only ways for the client to show who it is that this one does not know.",
			Gains: "The secret goes out in a way that nobody asked for.",
			hook:  members(inMetadata, func(o object) { o["token_endpoint_auth_methods_supported"] = []string{"private_key_jwt"} })},
		{Name: "metadata-issuer-twin", Provider: "google", Step: 0, Spec: "RFC 8259 §4",
			Does:  "Beside issuer there is an ISSUER, the attacker's.",
			Gains: "encoding/json reads both into one field, the last wins; to this client they are two names.",
			hook:  members(inMetadata, func(o object) { o["ISSUER"], o["JWKS_URI"] = "https://evil.example", "https://evil.example/jwks" })},
		{Name: "metadata-alg-none", Provider: "google", Step: 0, Spec: "RFC 8725 §3.1",
			Does:  "The metadata offers ID tokens without a signature, and with a shared secret.",
			Gains: "Nothing: what this client takes, it does not learn from others. To stop here would lock everybody out.",
			hook:  members(inMetadata, func(o object) { o["id_token_signing_alg_values_supported"] = []string{"none", "HS256", "RS256"} })},
	}
}

func callbackFaults() []Fault {
	return []Fault{
		{Name: "state-missing", Provider: "google", Step: 2, Stops: "callback-state",
			Does:  "The browser comes back without a state.",
			Gains: "With any code of their own, strangers sign your browser in as themselves.",
			hook:  sentBack(func(q url.Values) { q.Del("state") })},
		{Name: "state-other", Provider: "google", Step: 2, Stops: "attempt-found",
			Does:  "The browser comes back with a state that it was never given.",
			Gains: "It is the attacker's sign-in, and your browser ends it: you are signed in as them.",
			hook:  sentBack(func(q url.Values) { q.Set("state", "ATTACKERSSTATE234567ABCDEFG") })},
		{Name: "state-prefix", Provider: "google", Step: 2, Stops: "callback-state",
			Does:  "The state agrees in the 8 characters by which its cookie is found, and in no other.",
			Gains: "40 bits can be guessed; all 130 must agree.",
			hook:  sentBack(func(q url.Values) { q.Set("state", fmt.Sprintf("%.8sAAAAAAAAAAAAAAAAAA", q.Get("state"))) })},
		{Name: "state-twice", Provider: "google", Step: 2, Stops: "callback-once",
			Does:  "The callback carries two states, yours and the attacker's.",
			Gains: "A proxy in front checks the one, the app behind it the other.",
			hook:  sentBack(func(q url.Values) { q.Add("state", "ATTACKERSSTATE234567ABCDEFG") })},
		{Name: "code-missing", Provider: "google", Step: 2, Stops: "callback-code",
			Does:  "The callback has neither a code nor an error.",
			Gains: "Nothing, but a token request that can only fail, and an error that misleads.",
			hook:  sentBack(func(q url.Values) { q.Del("code") })},
		{Name: "code-garbled", Provider: "google", Step: 2, Stops: "callback-code", Spec: "RFC 6749 Appendix A.11",
			Does:  "The code has a line break in it.",
			Gains: "A line of their own in the app's log, or a header in a request.",
			hook:  sentBack(func(q url.Values) { q.Set("code", q.Get("code")+"\r\nlevel=INFO msg=\"signed in\"") })},
		{Name: "callback-iss-wrong", Provider: "google", Step: 2, Stops: "callback-issuer",
			Does:  "The callback says that another provider sent it.",
			Gains: "The attacker's provider is given a code of the honest one, which it redeems elsewhere (mix-up).",
			hook:  sentBack(func(q url.Values) { q.Set("iss", "https://evil.example") })},
		{Name: "callback-iss-missing", Provider: "oidc", Step: 2, Stops: "callback-issuer",
			Does:  "The provider has promised to name itself in each callback, and this one names nobody.",
			Gains: "Who wants to mix up two providers cuts iss away.",
			hook:  sentBack(func(q url.Values) { q.Del("iss") })},
		{Name: "mix-up", Provider: "oidc", Step: 2, Stops: "attempt-client", local: true,
			Does:  "You chose the attacker's provider; it sends your browser on to Google, whose answer comes to Google's callback.",
			Gains: "The attacker's provider is sent Google's code, and redeems it as you.",
			hook: at(inCallback, func(r *reply) {
				to, _ := url.Parse(r.header.Get("Location"))
				to.Path = "/callback/google"
				to.RawQuery += "&fault=mix-up"
				r.header.Set("Location", to.String())
			})},
		{Name: "error-forged", Provider: "google", Step: 2, Stops: "callback-state", Spec: "RFC 9207 §2.4",
			Does:  "Anybody's link to the callback, with an error in it.",
			Gains: "The app shows a stranger's text as if the provider had said it, and ends a sign-in under way.",
			hook: sentBack(func(q url.Values) {
				q.Del("state")
				q.Set("error", "server_error")
				q.Set("error_description", "Call this number at once")
			})},
		{Name: "error-and-code", Provider: "google", Step: 2, Stops: Refusal, Spec: "RFC 6749 §4.1.2.1",
			Does:  "The callback has an error, and a code beside it.",
			Gains: "A code that came in behind a no is redeemed all the same.",
			hook:  sentBack(func(q url.Values) { q.Set("error", "temporarily_unavailable") })},
		{Name: "error-script", Provider: "google", Step: 2, Stops: Refusal, Spec: "RFC 6749 §10.14",
			Does:  "The error's description is a script.",
			Gains: "It would run in the app's page, with the app's cookies.",
			hook: sentBack(func(q url.Values) {
				q.Set("error", "server_error")
				q.Set("error_description", "<script>alert(document.cookie)</script>")
			})},
		{Name: "callback-late", Provider: "google", Step: 2, Stops: "attempt-fresh", How: Late,
			Does:  "The callback is used eleven minutes after the sign-in began; it stood in a history.",
			Gains: "An old sign-in, forgotten at a shared computer, is finished by whoever sits there next."},
		{Name: "callback-replayed", Provider: "google", Step: 2, Stops: "attempt-unused", How: Again,
			Does:  "Your second sign-in gets the callback of your first, out of a log.",
			Gains: "Who finds a callback in a history or a log signs in with it again.",
			hook: at(inCallback, func(r *reply) {
				if r.first != nil {
					r.header = r.first.header
				}
			})},
		{Name: "connect-swapped", Provider: "google", Step: 2, Stops: "attempt-user", How: Connect,
			Does:  "You begin to connect an account to your user, and before you come back somebody else uses the browser.",
			Gains: "Your account is connected to their user, and they sign in as you; or theirs to yours."},
		{Name: "callback-more", Provider: "google", Step: 2, Spec: "RFC 6749 §4.1.2",
			Does:  "The callback carries parameters that nobody asked for.",
			Gains: "Nothing: providers add some. A client that refuses them breaks one day.",
			hook: sentBack(func(q url.Values) {
				q.Set("session_state", "x")
				q.Set("hd", "example.com")
			})},
	}
}
