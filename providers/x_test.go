package providers

import (
	"testing"

	"example.com/oauthbyhand/oauth"
)

// Only these refusals are about the app. Any other is about the user or the request. A
// suspended or locked user must not be signed in.
func TestXProfileClosed(t *testing.T) {
	for want, refusals := range map[bool][]oauth.Refusal{
		true: {{Status: 403, Code: "453"}, {Status: 402}, {Status: 402, Code: "CreditsDepleted"}},
		false: {
			{Status: 403, Code: "64"}, {Status: 403, Code: "63"}, {Status: 403, Code: "326"}, // suspended, suspended, locked
			{Status: 403}, {Status: 401, Code: "453"}, {Status: 429, Code: "88"}, {Status: 400}, {Status: 500}, {},
		},
	} {
		for _, refusal := range refusals {
			wantEqual(t, want, X().ProfileClosed(&refusal), refusal.Error())
		}
	}
}
