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
	"sync"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/web"
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
)

// app returns a whole app in which people sign in with Google. Two handlers are the sign-in,
// and a third greets the signed-in user. The sessions are in memory. Package account can
// store users and sessions instead. In your own app, pass nil as transport: then requests
// go over the internet.
func app(clientID, clientSecret string, transport http.RoundTripper) http.Handler {
	google, err := oauth.NewClient(providers.Google(), clientID, clientSecret, "https://app.example/callback/google", transport)
	if err != nil {
		log.Fatal(err)
	}
	key := make([]byte, 32)
	rand.Read(key) // if you store the key, sign-ins under way survive a restart
	attempts, err := oauth.NewAttempts(key, true)
	if err != nil {
		log.Fatal(err)
	}
	var sessions sync.Map // from a session's random id to the user's profile

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
	// A HEAD request gets status 405, because it must not use up the attempt.
	mux.HandleFunc("GET /callback/google", web.GetOnly(func(w http.ResponseWriter, r *http.Request) {
		// The browser may bring the callback twice. oauth.Once runs the steps only the first time.
		info, err := oauth.Once(attempts, w, r, func(r *http.Request) (oauth.Info, error) {
			return signedIn(w, r, attempts, google)
		})
		if err != nil {
			fail(w, err)
			return
		}
		id := rand.Text() // new at each sign-in, so that nobody knew it before
		sessions.Store(id, info.Profile)
		time.AfterFunc(time.Hour, func() { sessions.Delete(id) })
		http.SetCookie(w, &http.Cookie{Name: "__Host-session", Value: id, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(w, r, "/", http.StatusSeeOther) // to a URL without the code
	}))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		var user any // nil if nobody is signed in
		if cookie, err := r.Cookie("__Host-session"); err == nil {
			user, _ = sessions.Load(cookie.Value)
		}
		if profile, ok := user.(oauth.Profile); ok {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8") // a name cannot add HTML to plain text
			fmt.Fprintf(w, "Hello, %s. Your account here is google %s.", profile.Name, profile.Subject)
			return
		}
		http.Redirect(w, r, "/login/google", http.StatusSeeOther)
	})
	return mux
}

// signedIn runs steps 2 to 5. It returns the user who has come back from Google.
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

// fail logs err, which says what failed, and tells the user only to sign in again. An error of
// package oauth may be logged, because it holds no secret.
func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	status := http.StatusInternalServerError
	if failed, ok := errors.AsType[*oauth.CheckError](err); ok {
		status = failed.Check.Status()
	}
	if refusal, ok := errors.AsType[*oauth.Refusal](err); ok && refusal.ByUser() {
		status = http.StatusOK
	}
	http.Error(w, "The sign-in failed. Nothing is lost: sign in again.", status)
}

// A browser signs in to the app above. The fake provider plays Google.
func Example_app() {
	simulator := fake.New(fake.Options{Clients: []fake.Client{
		{Provider: "google", ID: "app", Secret: "secret", RedirectURIs: []string{"https://app.example/callback/google"}},
	}})
	net := simulator.Net()
	net["app.example"] = app("app", "secret", simulator.Net())
	jar, _ := cookiejar.New(nil)
	browser := http.Client{Transport: net, Jar: jar}

	consent, err := browser.Get("https://app.example/") // ends at Google's page
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
	fmt.Println(page.Status, page.Request.URL, string(body))
	// Output: 200 OK https://app.example/ Hello, Ada Lovelace. Your account here is google 110248495921238986420.
}
