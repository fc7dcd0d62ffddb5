package oauth_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/url"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
)

// app is a whole app in which people sign in with Google: two handlers, and between them
// the attempt in a cookie. What comes after the last line, users and sessions, is in
// package account. In your own app transport is nil, which means the internet.
func app(clientID, clientSecret string, transport http.RoundTripper) http.Handler {
	google, err := oauth.NewClient(providers.Google(), clientID, clientSecret, "https://app.example/callback/google", transport)
	if err != nil {
		log.Fatal(err)
	}
	key := make([]byte, 32)
	rand.Read(key) // or one that is kept: sign-ins under way would survive a restart
	attempts, err := oauth.NewAttempts(key, true)
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/google", func(w http.ResponseWriter, r *http.Request) {
		attempt, authorizationURL, err := google.Begin(r.Context()) // 1
		if err == nil {
			err = attempts.Put(w, r, attempt)
		}
		if err != nil {
			fail(w, err)
			return
		}
		http.Redirect(w, r, authorizationURL, http.StatusSeeOther)
	})
	mux.HandleFunc("GET /callback/google", func(w http.ResponseWriter, r *http.Request) {
		info, err := signedIn(w, r, attempts, google)
		if err != nil {
			fail(w, err)
			return
		}
		fmt.Fprintf(w, "Hello, %s. Here you are google %s.", info.Profile.Name, info.Profile.Subject)
	})
	return mux
}

// signedIn returns who has come back.
func signedIn(w http.ResponseWriter, r *http.Request, attempts *oauth.Attempts, client *oauth.Client) (oauth.Info, error) {
	ctx := r.Context()
	attempt, err := attempts.Take(w, r) // 2
	if err != nil {
		return oauth.Info{}, err
	}
	callback, err := client.ParseCallback(ctx, attempt, r.URL.RawQuery) // 2
	if err != nil {
		return oauth.Info{}, err
	}
	unverified, err := client.Exchange(ctx, callback) // 3
	if err != nil {
		return oauth.Info{}, err
	}
	tokens, err := client.VerifyIDToken(ctx, unverified) // 4
	if err != nil {
		return oauth.Info{}, err
	}
	return client.UserInfo(ctx, tokens) // 5
}

// fail tells the user in a few words, and the log which check failed. No error of this
// package holds a secret.
func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	status := http.StatusInternalServerError
	if failed, ok := errors.AsType[*oauth.CheckError](err); ok {
		status = failed.Check.Status()
	}
	if refusal, ok := errors.AsType[*oauth.Refusal](err); ok && refusal.ByUser() {
		status = http.StatusOK
	}
	http.Error(w, "You are not signed in. Nothing is lost: sign in again.", status)
}

// A whole app, used by a browser that keeps cookies. Google is the fake one.
func Example_app() {
	simulator := fake.New(fake.Options{Clients: []fake.Client{
		{Provider: "google", ID: "app", Secret: "secret", RedirectURIs: []string{"https://app.example/callback/google"}},
	}})
	net := simulator.Net()
	net["app.example"] = app("app", "secret", simulator.Net())
	jar, _ := cookiejar.New(nil)
	browser := http.Client{Transport: net, Jar: jar}

	consent, err := browser.Get("https://app.example/login/google")
	if err != nil {
		log.Fatal(err)
	}
	page, err := browser.PostForm(consent.Request.URL.String(), url.Values{
		"user": {"ada"}, "scope": {"openid", "email", "profile"}, "decision": {"allow"},
	})
	if err != nil {
		log.Fatal(err)
	}
	body, _ := io.ReadAll(page.Body)
	fmt.Println(page.Status, string(body))
	// Output: 200 OK Hello, Ada Lovelace. Here you are google 110248495921238986420.
}
