package fake_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"

	"example.com/oauthbyhand/oauth"
	rows "example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
)

// A whole sign-in to an app, in memory: no port, and nothing to stop afterwards. The first two lines
// make the fake, and tell the app its address.
func Example() {
	internet := fake.New(fake.Options{}).Net()
	internet["localhost:8080"] = yourApp("http://127.0.0.1:9000", internet)

	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Transport: internet, Jar: jar}
	consent, err := browser.Get("http://localhost:8080/login") // ends at the provider, which asks
	if err != nil {
		log.Fatal(err)
	}
	done, err := browser.PostForm(consent.Request.URL.String(), url.Values{ // ends at the app
		"user": {"ada"}, "scope": {"openid", "email"}, "decision": {"allow"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Request.URL.Path, done.Header.Get("Signed-In"))
	// Output: /callback ada-1815 ada@example.com
}

// Over a socket, for an app that takes no http.RoundTripper. The issuer is the server's address, which
// is known only once it listens.
func ExampleNew() {
	provider := httptest.NewServer(nil)
	provider.Config.Handler = fake.New(fake.Options{Origin: provider.URL})
	provider.Close()
}

// yourApp stands for your own app, with your own client of OpenID Connect in the place of this one:
// [fake.TestID] and [fake.TestSecret] are in its configuration, with the issuer. It remembers one
// sign-in; a real one keeps that in the browser's cookie.
func yourApp(issuer string, transport http.RoundTripper) http.Handler {
	client, err := oauth.NewClient(rows.OpenID(issuer), fake.TestID, fake.TestSecret, "http://localhost:8080/callback", transport)
	if err != nil {
		log.Fatal(err)
	}
	var attempt oauth.Attempt
	app := http.NewServeMux()
	app.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		var to string
		if attempt, to, err = client.Begin(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	})
	app.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		info, err := finish(r.Context(), client, attempt, r.URL.RawQuery)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Signed-In", info.Profile.Subject+" "+info.Profile.Email)
	})
	return app
}

// finish is all that comes after the user's answer.
func finish(ctx context.Context, client *oauth.Client, attempt oauth.Attempt, rawQuery string) (oauth.Info, error) {
	callback, err := client.ParseCallback(ctx, attempt, rawQuery)
	if err != nil {
		return oauth.Info{}, err
	}
	unverified, err := client.Exchange(ctx, callback)
	if err != nil {
		return oauth.Info{}, err
	}
	tokens, err := client.VerifyIDToken(ctx, unverified)
	if err != nil {
		return oauth.Info{}, err
	}
	return client.UserInfo(ctx, tokens)
}
