package providers_test

import (
	"encoding/json"
	"fmt"
	"log"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
)

// A row is what is special about a provider: where one may come back to without https,
// and how its replies become a profile.
func Example() {
	for _, row := range providers.All() {
		fmt.Println(row.Title, row.CallbackHosts)
	}
	profile, err := providers.Spotify().Profile(oauth.Replies{API: []json.RawMessage{
		[]byte(`{"account_id": "a1", "display_name": "Ada", "email": "ada@example.com"}`),
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(profile.Subject, profile.Name, profile.Email, profile.EmailVerified)
	// Output:
	// Google [localhost 127.0.0.1 [::1]]
	// GitHub [localhost 127.0.0.1 [::1]]
	// Facebook [localhost]
	// Instagram []
	// Spotify [127.0.0.1 [::1]]
	// a1 Ada ada@example.com false
}
