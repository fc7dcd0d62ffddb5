// Package providers has one file for each provider. The file returns the provider's entry, an
// [oauth.Provider]: its endpoints, its scopes, what is special about it, and the function that
// reads a profile. Each entry names its sources and the day on which they were read. If that
// day is long ago, read the sources again.
//
// To add a provider, write its entry in a file of its own and list it in [All]. Then it works
// with credentials. For the simulated demo and the tests, package fake must also play the
// provider: write a dialect (fake/dialect.go), its URLs (fake/routes.go) and a subject for each
// user (fake/users.go).
package providers

import (
	"encoding/json"
	"maps"
	"slices"

	"example.com/oauthbyhand/oauth"
)

// All returns the entries of OAuth 2.0 that need no issuer from you, in the order of the demo's
// buttons. [OpenID] makes the entry of any other OpenID provider. X by OAuth 1.0a
// is [X].
func All() []oauth.Provider {
	return []oauth.Provider{Google(), GitHub(), Facebook(), Instagram(), Spotify(), X2()}
}

// members maps the names of members of a JSON object to pointers. The function read stores the values there.
type members map[string]any

// read reads members of a profile reply, which must be a JSON object. The client has already
// checked that no name occurs twice in it.
func read(reply json.RawMessage, into members) error {
	var o oauth.Object
	if err := json.Unmarshal(reply, &o); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(into)) { // in order, so that the error is always the same
		if err := o.Read(name, into[name]); err != nil {
			return err
		}
	}
	return nil
}
