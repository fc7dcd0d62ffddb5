// Package providers has one file for each provider. Its entry, an [oauth.Provider], is data:
// endpoints, scopes, what is special, and the function that reads a profile. Each entry names
// its sources and the day on which they were read. If that is long ago, look again.
//
// To add a provider, write its entry in a file of its own and list it in [All]. With
// credentials it works then. For the simulated demo and the tests, package fake needs the
// other side: a dialect (fake/dialect.go), its URLs (fake/routes.go) and a subject for each
// user (fake/users.go).
package providers

import (
	"encoding/json"

	"example.com/oauthbyhand/oauth"
)

// All returns the entries of the providers whose endpoints are known in advance, in the order
// of the demo's buttons. [OpenID] makes the entry of any other OpenID provider.
func All() []oauth.Provider {
	return []oauth.Provider{Google(), GitHub(), Facebook(), Instagram(), Spotify(), X2()}
}

// object reads a profile reply as the JSON object that it must be. The client has already
// checked that no name occurs twice.
func object(reply json.RawMessage) (o oauth.Object, err error) {
	err = json.Unmarshal(reply, &o)
	return o, err
}
