package faults_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
	"example.com/oauthbyhand/providers/fake/faults"
)

// What your client does when the provider is dishonest: a fault is an issuer of its own. Put your own client in the
// place of this one.
func Example() {
	for _, fault := range []string{"nonce-wrong", "exp-past", "aud-list"} {
		provider := faults.New(fake.New(fake.Options{}), "http://127.0.0.1:9000")
		internet := fake.Net{"127.0.0.1:9000": provider}
		row := providers.OpenID("http://127.0.0.1:9000/~" + fault)
		client, err := oauth.NewClient(row, fake.TestID, fake.TestSecret, "http://localhost:8080/callback", internet)
		if err != nil {
			log.Fatal(err)
		}
		_, err = signIn(context.Background(), client, internet)
		failed, _ := errors.AsType[*oauth.CheckError](err)
		fmt.Println(fault, failed != nil)
	}
	// Output:
	// nonce-wrong true
	// exp-past true
	// aud-list false
}

// signIn is a whole sign-in, for which Ada allows everything that the browser is asked.
func signIn(ctx context.Context, client *oauth.Client, internet http.RoundTripper) (oauth.Tokens, error) {
	attempt, to, err := client.Begin(ctx)
	if err != nil {
		return oauth.Tokens{}, err
	}
	browser := &http.Client{Transport: internet, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	back, err := browser.PostForm(to, url.Values{"user": {"ada"}, "decision": {"allow"}, "scope": {"email", "profile", "offline_access"}})
	if err != nil {
		return oauth.Tokens{}, err
	}
	back.Body.Close()
	at, err := back.Location()
	if err != nil {
		return oauth.Tokens{}, err
	}
	callback, err := client.ParseCallback(ctx, attempt, at.RawQuery)
	if err != nil {
		return oauth.Tokens{}, err
	}
	unverified, err := client.Exchange(ctx, callback)
	if err != nil {
		return oauth.Tokens{}, err
	}
	tokens, err := client.VerifyIDToken(ctx, unverified)
	if err != nil {
		return oauth.Tokens{}, err
	}
	_, err = client.UserInfo(ctx, tokens)
	return tokens, err
}
