package account_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
)

// An app does this after step 5, in which it gets to know the account at the provider.
func Example() {
	ctx, store, key := context.Background(), account.NewMemory(), make([]byte, 32) // in your app: 32 random bytes
	accounts, err := account.NewAccounts(store, key, slog.Default(), func(in account.SignedIn) {
		fmt.Printf("%s at %s: new user %t, new identity %t\n", in.Profile.Name, in.Identity.Provider, in.NewUser, in.NewIdentity)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := account.NewSessions(store, key, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	google := account.Key{Provider: "https://accounts.google.com", Subject: "110248495921238986420"}
	grant := account.Grant{Profile: oauth.Profile{Name: "Ada Lovelace"}} // in your app, also the tokens
	ada, err := accounts.SignIn(ctx, google, grant)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := httptest.NewRecorder()
	if err := sessions.Begin(answer, httptest.NewRequest("GET", "/callback/google", nil), ada, google); err != nil {
		fmt.Println(err)
		return
	}

	// A later request of the same browser connects a second account.
	request := httptest.NewRequest("GET", "/profile", nil)
	for _, cookie := range answer.Result().Cookies() {
		request.AddCookie(cookie)
	}
	session, err := sessions.Get(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = accounts.Connect(ctx, session.UserID, account.Key{Provider: "github", Subject: "990000001"}, grant)
	all, _ := accounts.Identities(ctx, ada)
	fmt.Println(len(all), "identities;", err)
	// Output:
	// Ada Lovelace at https://accounts.google.com: new user true, new identity true
	// Ada Lovelace at github: new user false, new identity true
	// 2 identities; <nil>
}
