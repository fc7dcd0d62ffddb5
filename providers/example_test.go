package providers_test

import (
	"encoding/json"
	"fmt"
	"log"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
)

// A row is what is special about a provider: what a sign-in asks for, where one may come
// back to without https, and how its replies become a profile.
func Example() {
	row := providers.Spotify()
	fmt.Println(row.Title, row.Scopes, row.CallbackHosts)
	profile, err := row.Profile(oauth.Replies{API: []json.RawMessage{
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
