package providers_test

import (
	"encoding/json"
	"fmt"
	"log"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
)

// An entry says, for example, which scopes a sign-in asks for, at which hosts a callback URL may
// be http, and how replies become a profile.
func Example() {
	entry := providers.Spotify()
	fmt.Println(entry.Title, entry.Scopes, entry.CallbackHosts)
	profile, err := entry.Profile(oauth.ProfileInput{API: []json.RawMessage{
		[]byte(`{"account_id": "a1", "display_name": "Ada", "email": "ada@example.com"}`),
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(profile.Subject, profile.Name, profile.Email, profile.EmailVerified)
	// Output:
	// Spotify [user-read-email] [127.0.0.1 [::1]]
	// a1 Ada ada@example.com false
}
