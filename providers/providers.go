// Package providers holds what is known of each provider: one file a provider, in
// it a row of data (an [oauth.Provider]), its quirks, and the mapping of its reply
// to a profile. Each fact has a source, and each row the day on which its sources
// were read; if that is long ago, look again.
//
// To add a provider, write its row in a file of its own and list it in [All]. With
// credentials it works then. For the simulated demo and the tests, package fake
// needs its side too: a dialect (fake/dialect.go), its URLs (fake/routes.go) and a
// subject for each user (fake/users.go).
package providers

import (
	"encoding/json"

	"example.com/oauthbyhand/oauth"
)

// All returns the rows of the providers whose endpoints are known beforehand, in
// the order in which the demo offers them. [OpenID] makes the row of any other
// that speaks OpenID Connect.
func All() []oauth.Provider {
	return []oauth.Provider{Google(), GitHub(), Facebook(), Instagram(), Spotify(), X2()}
}

// object reads a profile reply as the JSON object that it must be. Its names were
// checked when it was received: none occurs twice.
func object(reply json.RawMessage) (o oauth.Object, err error) {
	if reply != nil {
		err = json.Unmarshal(reply, &o)
	}
	return o, err
}
