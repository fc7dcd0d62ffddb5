package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
)

// Whole sign-ins with X: with the provider entry as it is, and at the other end a provider
// that computes each signature by other code.
func TestSignInWithX(t *testing.T) {
	const back = "http://127.0.0.1:8080/callback/x"
	ctx := t.Context()
	provider := fake.New(fake.Options{Clients: []fake.Client{{Provider: "x", ID: "key", Secret: "se+cr&t", RedirectURIs: []string{back}}}})
	browser := &http.Client{Transport: provider.Net(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	newClient := func(secret, back string) *oauth.Client1 {
		return must(oauth.NewClient1(providers.X(), "key", secret, back, provider.Net()))
	}
	wantRefusal := func(err error, step int, code string) {
		t.Helper()
		if refusal, ok := errors.AsType[*oauth.Refusal](err); !ok || refusal.Step != step || refusal.Code != code {
			t.Errorf("got %v, want the refusal %s of step %d", err, code, step)
		}
	}
	client := newClient("se+cr&t", back)
	// until begins a sign-in and has the user answer. It returns what step 2 says.
	until := func(answer url.Values) (oauth.Callback, error) {
		t.Helper()
		attempt, authorizationURL, err := client.Begin(ctx) // 1
		if err != nil {
			t.Fatal(err)
		}
		page := must(browser.PostForm(authorizationURL, answer))
		callback := must(page.Location())
		return client.ParseCallback(ctx, attempt, callback.RawQuery) // 2
	}

	callback := must(until(url.Values{"user": {"unal"}, "decision": {"allow"}}))
	credentials := must(client.Exchange(ctx, callback)) // 3
	info, err := client.UserInfo(ctx, credentials)      // 5
	if err != nil || info.Profile.Name != "Ünal Öz" {
		t.Errorf("%+v, %v", info.Profile, err)
	}
	// Any URL of the API, with whatever its query holds.
	if _, err := client.Get(ctx, credentials, "https://api.x.com/1.1/account/verify_credentials.json?q=a+b%20c&q=%2B&q=%3B~*!'()&Z&é=ü"); err != nil {
		t.Error(err)
	}
	_, err = client.Exchange(ctx, callback)
	wantRefusal(err, 3, "89") // the verifier worked once
	_, err = until(url.Values{"decision": {"refuse"}})
	wantRefusal(err, 2, "denied")
	_, _, err = newClient("se cr&t", back).Begin(ctx)
	wantRefusal(err, 1, "32")
	_, _, err = newClient("se+cr&t", back+"/").Begin(ctx)
	wantRefusal(err, 1, "415") // not the registered callback
}
