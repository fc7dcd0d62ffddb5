package faults

import (
	"fmt"
	"net/url"
)

// metadataFaults is step 0.
func metadataFaults() []Fault {
	return []Fault{
		{Name: "metadata-redirect", Provider: "google", Step: 0, Stops: "reply-status-200", Spec: "OIDC Discovery §4.2",
			Does:  "An attacker found a page on the provider's host that redirects anywhere, and made the metadata's URL use it.",
			Gains: "The attacker's server would say to which URLs your codes and secrets are sent.",
			hook:  redirect(inMetadata, 302)},
		{Name: "metadata-uploaded", Provider: "google", Step: 0, Stops: "reply-media-type", Spec: "OIDC Discovery §4.2",
			Does:  "A user of the provider uploaded a text file to the metadata's URL.",
			Gains: "That user would say to which URLs your codes and secrets are sent.",
			hook:  at(inMetadata, func(r *reply) { r.header.Set("Content-Type", "text/plain") })},
		{Name: "metadata-twice", Provider: "google", Step: 0, Stops: "reply-json",
			Does:  "The metadata name the issuer twice: first the attacker, then the provider.",
			Gains: "One program would check the second issuer, and another would use the first.",
			hook:  text(inMetadata, with(`"issuer":"https://evil.example"`))},
		{Name: "metadata-issuer-other", Provider: "google", Step: 0, Stops: "discovery-issuer",
			Does:  "The metadata are those of another provider: they name another issuer.",
			Gains: "The app would use the attacker's endpoints under the honest provider's name, and send its codes there.",
			hook:  members(inMetadata, func(o object) { o["issuer"] = "https://evil.example" })},
		{Name: "metadata-issuer-number", Provider: "google", Step: 0, Stops: "discovery-members",
			Does:  "The issuer is a number.",
			Gains: "A client that accepts any type would compare some text that it made up itself.",
			hook:  members(inMetadata, func(o object) { o["issuer"] = 1 })},
		{Name: "metadata-endpoint-missing", Provider: "google", Step: 0, Stops: "discovery-endpoints",
			Does:  "The metadata have no token endpoint.",
			Gains: "You would press Allow, and only then would the sign-in fail.",
			hook:  members(inMetadata, func(o object) { delete(o, "token_endpoint") })},
		{Name: "metadata-endpoint-http", Provider: "google", Step: 0, Stops: "endpoint-https",
			Does:  "The token endpoint uses plain http.",
			Gains: "Anyone on the network path would read the code, the verifier and the client secret.",
			hook:  members(inMetadata, func(o object) { o["token_endpoint"] = "http://evil.example/token" })},
		{Name: "metadata-client-auth", Provider: "oidc", Step: 0, Stops: "token-client-auth",
			Does:  "The metadata list only ways of client authentication that this client does not know.",
			Gains: "The secret would be sent in a way that the provider never asked for.",
			hook:  members(inMetadata, func(o object) { o["token_endpoint_auth_methods_supported"] = []string{"private_key_jwt"} })},
		{Name: "metadata-alg-none", Provider: "google", Step: 0, Spec: "RFC 8725 §3.1",
			Does:  "The metadata offer ID tokens without a signature, and with a shared secret.",
			Gains: "Nothing: the client decides itself which algorithms it accepts. A client that stops here locks everybody out.",
			hook:  members(inMetadata, func(o object) { o["id_token_signing_alg_values_supported"] = []string{"none", "HS256", "RS256"} })},
	}
}

// callbackFaults is step 2.
func callbackFaults() []Fault {
	return []Fault{
		{Name: "state-missing", Provider: "google", Step: 2, Stops: "callback-state",
			Does:  "Your browser comes back without a state.",
			Gains: "An attacker could send your browser a code of theirs, and you would be signed in as the attacker.",
			hook:  sentBack(func(q url.Values) { q.Del("state") })},
		{Name: "state-other", Provider: "google", Step: 2, Stops: "attempt-found",
			Does:  "Your browser comes back with the state of the attacker's sign-in.",
			Gains: "Your browser would finish the attacker's sign-in, and you would be signed in as the attacker.",
			hook:  sentBack(func(q url.Values) { q.Set("state", "ATTACKERSSTATE234567ABCDEFG") })},
		{Name: "state-prefix", Provider: "google", Step: 2, Stops: "callback-state",
			Does:  "The first 8 characters of the state are right. They are in the name of the attempt's cookie. All others are wrong.",
			Gains: "An attacker can guess 40 bits, but not 130: the whole state must agree.",
			hook:  sentBack(func(q url.Values) { q.Set("state", fmt.Sprintf("%.8sAAAAAAAAAAAAAAAAAA", q.Get("state"))) })},
		{Name: "state-twice", Provider: "google", Step: 2, Stops: "callback-once",
			Does:  "The callback carries two states, yours and the attacker's.",
			Gains: "A proxy in front of the app would check the first, and the app would use the second.",
			hook:  sentBack(func(q url.Values) { q.Add("state", "ATTACKERSSTATE234567ABCDEFG") })},
		{Name: "code-missing", Provider: "google", Step: 2, Stops: "callback-code",
			Does:  "The callback has neither a code nor an error.",
			Gains: "Nothing. But the app would send a token request that can only fail, and show a misleading error.",
			hook:  sentBack(func(q url.Values) { q.Del("code") })},
		{Name: "callback-iss-wrong", Provider: "google", Step: 2, Stops: "callback-issuer",
			Does:  "The callback says that another provider sent it.",
			Gains: "The app would send the honest provider's code to the attacker's provider, which would sign in as you (mix-up).",
			hook:  sentBack(func(q url.Values) { q.Set("iss", "https://evil.example") })},
		{Name: "mix-up", Provider: "oidc", Step: 2, Stops: "attempt-client", local: true,
			Does:  "You chose the attacker's provider. It sends your browser on to Google, and Google's answer arrives at Google's callback.",
			Gains: "The app would send Google's code to the attacker's provider, which would sign in as you.",
			hook: at(inCallback, func(r *reply) {
				to, _ := url.Parse(r.header.Get("Location"))
				to.Path = "/callback/google"
				to.RawQuery += "&fault=mix-up"
				r.header.Set("Location", to.String())
			})},
		{Name: "error-script", Provider: "google", Step: 2, Stops: Refusal, Spec: "RFC 6749 §10.14",
			Does:  "The error in the callback has a script as its description.",
			Gains: "The script would run in the app's page, with the app's cookies.",
			hook: sentBack(func(q url.Values) {
				q.Set("error", "server_error")
				q.Set("error_description", "<script>alert(document.cookie)</script>")
			})},
		{Name: "callback-late", Provider: "google", Step: 2, Stops: "attempt-fresh", How: Late,
			Does:  "The callback arrives eleven minutes after the sign-in began.",
			Gains: "At a shared computer, the next person would finish a sign-in that you forgot.",
		},
		{Name: "callback-replayed", Provider: "google", Step: 2, Stops: "attempt-unused", How: Again,
			Does:  "Your second sign-in gets the callback of your first, from a log.",
			Gains: "Anyone who reads a callback in a history or a log would sign in with it again.",
			hook: at(inCallback, func(r *reply) {
				if r.first != nil {
					r.header = r.first.header
				}
			})},
		{Name: "connect-swapped", Provider: "google", Step: 2, Stops: "attempt-user", How: Connect,
			Does:  "You begin to connect an account to your user. Before you come back, somebody else uses the browser.",
			Gains: "Your account would be connected to their user, and they could sign in as you."},
		{Name: "callback-more", Provider: "google", Step: 2, Spec: "RFC 6749 §4.1.2",
			Does:  "The callback carries parameters that nobody asked for.",
			Gains: "Nothing: providers add some. A client that refuses them breaks one day.",
			hook: sentBack(func(q url.Values) {
				q.Set("session_state", "x")
				q.Set("hd", "example.com")
			})},
	}
}
