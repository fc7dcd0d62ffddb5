package faults

import (
	"fmt"
	"net/url"
	"strings"
)

// metadataFaults is step 0.
var metadataFaults = []Fault{
	{Name: "metadata-uploaded", Step: 0, Stops: "reply-media-type", Spec: "OIDC Discovery §4.2",
		Does:  "A user of the provider uploaded a text file to the metadata's URL.",
		Gains: "That user would decide to which URLs the app sends your codes and its secret.",
		hook:  at(inMetadata, func(r *reply) { r.header.Set("Content-Type", "text/plain") })},
	{Name: "metadata-issuer-other", Step: 0, Stops: "discovery-issuer", hook: members(inMetadata, object{"issuer": "https://evil.example"}),
		Does:  "The metadata is another provider's: it names another issuer.",
		Gains: "The app would use the attacker's endpoints under the honest provider's name, and send its codes there."},
	{Name: "metadata-issuer-number", Step: 0, Stops: "discovery-members", hook: members(inMetadata, object{"issuer": 1}),
		Does:  "The issuer is a number.",
		Gains: "A client that accepts any type would turn the number into a text of its own, and compare that."},
	{Name: "metadata-endpoint-missing", Step: 0, Stops: "discovery-endpoints", hook: members(inMetadata, object{"token_endpoint": nil}),
		Does:  "The metadata has no token endpoint.",
		Gains: "You would press Allow, and only then would the sign-in fail."},
	{Name: "metadata-endpoint-http", Step: 0, Stops: "endpoint-https",
		Does:  "The token endpoint uses plain http.",
		Gains: "Anyone on the network path would read the code, the verifier and the client secret.",
		hook:  members(inMetadata, object{"token_endpoint": "http://evil.example/token"})},
	{Name: "metadata-client-auth", Provider: "oidc", Step: 0, Stops: "token-client-auth",
		Does:  "The metadata lists only ways of client authentication that this client does not know.",
		Gains: "The app would send its secret in a way that the provider never asked for.",
		hook:  members(inMetadata, object{"token_endpoint_auth_methods_supported": []string{"private_key_jwt"}})},
	{Name: "metadata-alg-none", Step: 0, Spec: "RFC 8725 §3.1",
		Does:  "The metadata offers ID tokens without a signature, and ID tokens that are signed with a shared secret.",
		Gains: "Nothing: the client decides itself which algorithms it accepts. A client that refuses this metadata lets nobody in.",
		hook:  members(inMetadata, object{"id_token_signing_alg_values_supported": []string{"none", "HS256", "RS256"}})},
}

// callbackFaults is step 2.
var callbackFaults = []Fault{
	{Name: "state-missing", Step: 2, Stops: "callback-state", hook: query(url.Values{"state": nil}),
		Does:  "Your browser comes back without a state.",
		Gains: "An attacker could send your browser a code of theirs, and you would be signed in as the attacker."},
	{Name: "state-other", Step: 2, Stops: "attempt-found", hook: query(url.Values{"state": {"ATTACKERSSTATE234567ABCDEFG"}}),
		Does:  "Your browser comes back with the state of the attacker's sign-in.",
		Gains: "Your browser would finish the attacker's sign-in, and you would be signed in as the attacker."},
	{Name: "state-prefix", Step: 2, Stops: "callback-state",
		Does:  "The first 8 characters of the state are right. They are in the name of the attempt's cookie. All other characters are wrong.",
		Gains: "An attacker could guess 8 characters (40 bits), and you would be signed in as the attacker. Nobody can guess all 130 bits of a state.",
		hook:  sentBack(func(q url.Values) { q.Set("state", fmt.Sprintf("%.8sAAAAAAAAAAAAAAAAAA", q.Get("state"))) })},
	{Name: "state-twice", Step: 2, Stops: "callback-query",
		Does:  "The callback carries two states, yours and the attacker's.",
		Gains: "A proxy in front of the app would check the first, and the app would use the second.",
		hook:  sentBack(func(q url.Values) { q.Add("state", "ATTACKERSSTATE234567ABCDEFG") })},
	{Name: "code-missing", Step: 2, Stops: "callback-code", hook: query(url.Values{"code": nil}),
		Does:  "The callback has neither a code nor an error.",
		Gains: "Nothing. But the app would send a token request that can only fail, and show a misleading error."},
	{Name: "callback-iss-wrong", Step: 2, Stops: "callback-issuer", hook: query(url.Values{"iss": {"https://evil.example"}}),
		Does:  "The callback says that another provider sent it.",
		Gains: "In a real attack the sign-in began with the attacker's provider. The app would send the honest provider's code to it, and the attacker would sign in as you (mix-up)."},
	{Name: "mix-up", Provider: "oidc", Step: 2, Stops: "attempt-client", local: true,
		Does:  "You chose the attacker's provider. But the answer arrives at the app's callback for Google, as if the attacker's provider had sent your browser on to Google.",
		Gains: "In a real attack your browser does come from Google, and the app would send Google's code to the attacker's provider, which would sign in as you.",
		hook: at(inCallback, func(r *reply) {
			r.header.Set("Location", strings.Replace(r.header.Get("Location"), "/callback/oidc~mix-up?", "/callback/google?fault=mix-up&", 1))
		})},
	{Name: "error-script", Step: 2, Stops: Refusal, Spec: "RFC 6749 §10.14",
		Does:  "The error in the callback has a script as its description.",
		Gains: "If the page did not escape it, the script would run with the app's cookies.",
		hook:  query(url.Values{"error": {"server_error"}, "error_description": {"<script>alert(document.cookie)</script>"}})},
	{Name: "callback-late", Step: 2, Stops: "attempt-fresh", How: Late,
		Does:  "The callback arrives eleven minutes after the sign-in began.",
		Gains: "At a shared computer, the next person would finish a sign-in that you have left."},
	{Name: "callback-replayed", Step: 2, Stops: "attempt-unused", How: Again,
		Does:  "The callback of your first sign-in comes once more, from a log, in place of the callback of your second.",
		Gains: "Anyone who reads a callback in a history or a log would sign in with it again.",
		hook:  replayed(inCallback)},
	{Name: "connect-swapped", Step: 2, Stops: "attempt-user", How: Connect,
		Does:  "You begin to connect an account to your user. Before you come back, somebody else uses the browser.",
		Gains: "Your account would be connected to their user. They would see its data, and you would sign in as them."},
	{Name: "callback-more", Step: 2, Spec: "RFC 6749 §4.1.2",
		Does:  "The callback carries parameters that nobody asked for.",
		Gains: "Nothing: providers add parameters. A client that refuses unknown ones stops working one day.",
		hook:  query(url.Values{"session_state": {"x"}, "hd": {"example.com"}})},
}
