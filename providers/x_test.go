package providers

import (
	"encoding/json"
	"testing"

	"example.com/oauthbyhand/oauth"
	"github.com/google/go-cmp/cmp"
)

func TestXProfiles(t *testing.T) {
	token := oauth.Object{"user_id": json.RawMessage(`"2244994945"`), "screen_name": json.RawMessage(`"XDevelopers"`)}
	for name, row := range map[string]struct {
		reply  json.RawMessage
		want   oauth.Profile
		reason string
	}{
		"as recorded": {
			recorded(t, "x"),
			oauth.Profile{Subject: "2244994945", Name: "X Dev", Email: "dev@example.com", EmailVerified: true, Picture: "https://pbs.twimg.com/profile_images/1/a.jpg"},
			"an address is there only if it is verified; the picture in its full size",
		},
		"id above 2^53": {
			recorded(t, "x-large-id"),
			oauth.Profile{Subject: "1795176000000000001", Name: "X Dev", Email: "dev@example.com", EmailVerified: true, Picture: "https://pbs.twimg.com/profile_images/1/a.jpg"},
			"as a float64 it would be another user's",
		},
		"no e-mail": {
			recorded(t, "x-no-email"),
			oauth.Profile{Subject: "2244994945", Name: "X Dev", Picture: "https://pbs.twimg.com/profile_images/1/a.jpg"},
			"null is no address",
		},
		"closed": {
			nil,
			oauth.Profile{Subject: "2244994945", Name: "XDevelopers"},
			"the token reply names the user too",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := X().Profile(oauth.ProfileInput{Token: token, API: []json.RawMessage{row.reply}})
			if err != nil {
				t.Fatalf("%s: %v", row.reason, err)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.reason, diff)
			}
		})
	}
}

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
			if got := X().ProfileClosed(&refusal); got != want {
				t.Errorf("%v: %v", refusal, got)
			}
		}
	}
}
