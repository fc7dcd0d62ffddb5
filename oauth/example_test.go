package oauth_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
)

// A whole sign-in. In an app, the lines before the call of user are in one handler and those
// after it in another. In between, the attempt is in the browser's cookie: see
// [oauth.Attempts].
func Example() {
	client, user := demo()
	ctx := context.Background()

	attempt, authorizationURL, err := client.Begin(ctx) // 1
	if err != nil {
		log.Fatal(err)
	}

	rawQuery := user(authorizationURL, "allow") // the user, at the provider

	callback, err := client.ParseCallback(ctx, attempt, rawQuery) // 2
	if err != nil {
		log.Fatal(err)
	}
	unverified, err := client.Exchange(ctx, callback) // 3
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := client.VerifyIDToken(ctx, unverified) // 4
	if err != nil {
		log.Fatal(err)
	}
	info, err := client.UserInfo(ctx, tokens) // 5
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tokens.Provider, tokens.Subject)
	fmt.Println(info.Profile.Name, info.Profile.Email, info.Profile.EmailVerified)
	// Output:
	// google 110248495921238986420
	// Ada Lovelace ada@example.com true
}

// demo returns a client of Google, and a function that plays the user: it opens the
// authorization URL, allows or refuses, and returns the callback's query. Google is the fake one.
func demo() (client *oauth.Client, user func(authorizationURL, decision string) (rawQuery string)) {
	const callbackURL = "https://app.example/callback/google"
	simulator := fake.New(fake.Options{Clients: []fake.Client{
		{Provider: "google", ID: "app", Secret: "secret", RedirectURIs: []string{callbackURL}},
	}})
	client, err := oauth.NewClient(providers.Google(), "app", "secret", callbackURL, simulator.Net())
	if err != nil {
		log.Fatal(err)
	}
	browser := http.Client{
		Transport:     simulator.Net(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, func(authorizationURL, decision string) string {
		back, err := browser.PostForm(authorizationURL, url.Values{
			"user": {"ada"}, "scope": client.Scopes, "decision": {decision},
		})
		if err != nil {
			log.Fatal(err)
		}
		location, err := back.Location()
		if err != nil {
			log.Fatal(err)
		}
		return location.RawQuery
	}
}

// A callback of another attempt, as an attacker sends it: nothing in it is believed.
func ExampleClient_ParseCallback() {
	client, user := demo()
	ctx := context.Background()
	_, attackersURL, _ := client.Begin(ctx)
	attempt, _, _ := client.Begin(ctx) // of this browser

	_, err := client.ParseCallback(ctx, attempt, user(attackersURL, "allow"))
	fmt.Println(err)

	failed, _ := errors.AsType[*oauth.CheckError](err)
	fmt.Println("stops:", failed.Check.Stops)
	// Output:
	// oauth: step 2, callback-state: got another value, want the expected one (RFC 6749 §10.12)
	// stops: an attacker's code in this user's session (login CSRF)
}

// A denial by the user is not a failed check.
func ExampleRefusal() {
	client, user := demo()
	ctx := context.Background()
	attempt, authorizationURL, _ := client.Begin(ctx)

	_, err := client.ParseCallback(ctx, attempt, user(authorizationURL, "refuse"))
	refusal, _ := errors.AsType[*oauth.Refusal](err)
	fmt.Println(refusal.Code, refusal.ByUser())
	// Output: access_denied true
}

// The two handlers of an app, as far as the attempt goes: it leaves in a cookie, comes
// back in it, and can be taken once.
func ExampleAttempts() {
	root := []byte("32 random bytes, of crypto/rand ") // in an app: rand.Read
	attempts, err := oauth.NewAttempts(root, true)
	if err != nil {
		log.Fatal(err)
	}
	client, user := demo()
	attempt, authorizationURL, _ := client.Begin(context.Background())

	login := httptest.NewRecorder() // GET /login/google
	attempts.Put(login, httptest.NewRequest("GET", "/login/google", nil), attempt)
	cookie := login.Result().Cookies()[0]
	fmt.Println(cookie.HttpOnly, cookie.Secure, cookie.MaxAge)

	r := httptest.NewRequest("GET", "/callback/google?"+user(authorizationURL, "allow"), nil)
	r.AddCookie(cookie)
	taken, err := attempts.Take(httptest.NewRecorder(), r)
	fmt.Println(taken.State == attempt.State, err)

	_, err = attempts.Take(httptest.NewRecorder(), r)
	fmt.Println(err)
	// Output:
	// true true 3600
	// true <nil>
	// oauth: step 2, attempt-unused: does not hold (RFC 9700 §2.1, §4.2.4)
}

// What happens inside a step, as it happens.
func ExampleWithTrace() {
	client, user := demo()
	attempt, authorizationURL, _ := client.Begin(context.Background())

	ctx := oauth.WithTrace(context.Background(), func(e oauth.Event) {
		if checked, ok := e.What.(oauth.Checked); ok {
			for _, outcome := range checked {
				fmt.Println(e.Step, e.Function, outcome.Check.Name, outcome.OK)
			}
		}
	})
	forged := strings.Replace(user(authorizationURL, "allow"), "accounts.google.com", "evil.example", 1)
	client.ParseCallback(ctx, attempt, forged)
	// Output:
	// 2 Client.ParseCallback callback-query true
	// 2 Client.ParseCallback attempt-client true
	// 2 Client.ParseCallback callback-state true
	// 2 Client.ParseCallback callback-issuer false
}
