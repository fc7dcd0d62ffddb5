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

// members names members of a JSON object, and for each the variable that it is read into, by its address.
type members map[string]any

// read reads a profile reply, which must be a JSON object. The client has already checked that no
// name occurs twice.
func read(reply json.RawMessage, into members) error {
	var o oauth.Object
	if err := json.Unmarshal(reply, &o); err != nil {
		return err
	}
	for name, variable := range into {
		if err := o.Read(name, variable); err != nil {
			return err
		}
	}
	return nil
}
