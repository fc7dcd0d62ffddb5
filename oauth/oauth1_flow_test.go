package oauth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
	"github.com/google/go-cmp/cmp"
)

const xBack = "http://127.0.0.1:8080/callback/x"

// Whole sign-ins with X: with the row as it is, the attempt in its cookie, and at
// the other end a provider that computes each signature by other code.
func TestSignInWithX(t *testing.T) {
	provider := fake.New(fake.Options{Clients: []fake.Client{{Provider: "x", ID: "key", Secret: "se+cr&t", RedirectURIs: []string{xBack}}}})
	client, err := oauth.NewClient1(providers.X(), "key", "se+cr&t", xBack, provider.Net())
	if err != nil {
		t.Fatal(err)
	}
	attempts, err := oauth.NewAttempts(make([]byte, 32), false)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Transport: provider.Net(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	// until begins a sign-in and has the user answer. It returns the callback as the
	// app receives it.
	until := func(answer url.Values) *http.Request {
		t.Helper()
		attempt, authorizationURL, err := client.Begin(t.Context()) // 1
		if err != nil {
			t.Fatal(err)
		}
		login := httptest.NewRecorder()
		if err := attempts.Put(login, httptest.NewRequest("GET", "/login/x", nil), attempt); err != nil {
			t.Fatal(err)
		}
		page, err := browser.PostForm(authorizationURL, answer)
		if err != nil {
			t.Fatal(err)
		}
		back, err := page.Location()
		if err != nil || !strings.HasPrefix(back.String(), xBack+"?") {
			t.Fatalf("sent back to %v, %v", back, err)
		}
		callback := httptest.NewRequestWithContext(t.Context(), "GET", back.String(), nil)
		for _, cookie := range login.Result().Cookies() {
			callback.AddCookie(cookie)
		}
		return callback
	}

	t.Run("allowed", func(t *testing.T) {
		for user, want := range map[string]oauth.Profile{
			"ada":     {Subject: "1795176000000000001", Name: "Ada Lovelace", Email: "ada@example.com", EmailVerified: true, Picture: "http://127.0.0.1:9000/picture/ada.svg"},
			"mallory": {Subject: "1795176000000000002", Name: "Mallory", Picture: "http://127.0.0.1:9000/picture/mallory.svg"},
			"unal":    {Subject: "1795176000000000003", Name: "Ünal Öz", Picture: "http://127.0.0.1:9000/picture/unal.svg"},
		} {
			r := until(url.Values{"user": {user}, "decision": {"allow"}})
			ctx := t.Context()
			attempt, err := attempts.Take(httptest.NewRecorder(), r)
			if err != nil {
				t.Fatal(err)
			}
			callback, err := client.ParseCallback(ctx, attempt, r.URL.RawQuery) // 2
			if err != nil {
				t.Fatal(err)
			}
			credentials, err := client.Exchange(ctx, callback) // 3
			if err != nil {
				t.Fatal(err)
			}
			info, err := client.UserInfo(ctx, credentials) // 5
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, info.Profile); diff != "" {
				t.Errorf("%s (-want +got)\n%s", user, diff)
			}
			// Any URL of the API, with whatever its query holds; only ; must be encoded, as some parsers split there.
			if _, err := client.Get(ctx, credentials, "https://api.x.com/1.1/account/verify_credentials.json?q=a+b%20c&q=%2B&q=%3B~*!'()&Z&é=ü"); err != nil {
				t.Error(err)
			}
			// The verifier worked once.
			_, err = client.Exchange(ctx, callback)
			if refusal, ok := errors.AsType[*oauth.Refusal](err); !ok || refusal.Step != 3 || refusal.Code != "89" {
				t.Errorf("used twice: %v", err)
			}
		}
	})

	t.Run("refused", func(t *testing.T) {
		r := until(url.Values{"decision": {"refuse"}})
		attempt, err := attempts.Take(httptest.NewRecorder(), r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.ParseCallback(t.Context(), attempt, r.URL.RawQuery)
		if refusal, ok := errors.AsType[*oauth.Refusal](err); !ok || !refusal.ByUser() {
			t.Errorf("%v is no refusal by the user", err)
		}
	})

	t.Run("a wrong secret", func(t *testing.T) {
		wrong, err := oauth.NewClient1(providers.X(), "key", "se cr&t", xBack, provider.Net())
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = wrong.Begin(t.Context())
		if refusal, ok := errors.AsType[*oauth.Refusal](err); !ok || refusal.Step != 1 || refusal.Code != "32" {
			t.Errorf("%v is no refusal of step 1", err)
		}
	})

	t.Run("a callback that is not registered", func(t *testing.T) {
		wrong, err := oauth.NewClient1(providers.X(), "key", "se+cr&t", xBack+"/", provider.Net())
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = wrong.Begin(t.Context())
		if refusal, ok := errors.AsType[*oauth.Refusal](err); !ok || refusal.Step != 1 || refusal.Code != "415" {
			t.Errorf("%v is no refusal of step 1", err)
		}
	})
}

// The trace shows each value on the way to a signature, and no secret that signs.
func TestTrace1(t *testing.T) {
	var events []oauth.Event
	ctx := oauth.WithTrace(t.Context(), func(e oauth.Event) { events = append(events, e) })
	p := honestX()
	attempt, authorizationURL, err := p.client(t).Begin(ctx)
	if err != nil || attempt.Begun.Location() != time.UTC {
		t.Fatalf("begun at %s, %v", attempt.Begun, err)
	}
	if diff := cmp.Diff(any(oauth.RedirectOut{URL: authorizationURL}), events[len(events)-1].What); diff != "" {
		t.Errorf("the last event (-want +got)\n%s", diff)
	}
	for _, e := range events {
		s, ok := e.What.(oauth.Signed)
		if !ok {
			continue
		}
		if e.Step != 1 || e.Function != "Client1.Begin" || e.File != "oauth1.go" {
			t.Errorf("event of step %d in %s, %s", e.Step, e.Function, e.File)
		}
		encoded := strings.NewReplacer("%", "%25", "&", "%26", "=", "%3D").Replace(s.Normalized)
		if want := "POST&https%3A%2F%2Fapi.x.com%2Foauth%2Frequest_token&" + encoded; s.BaseString != want {
			t.Errorf("base string\n got %s\nwant %s", s.BaseString, want)
		}
		if len(s.Parameters) != 6 || !strings.HasPrefix(s.Normalized, "oauth_callback=") || len(s.Signature) != 28 || s.Header != p.asked[0].Header.Get("Authorization") {
			t.Errorf("%+v", s)
		}
		return
	}
	t.Error("nothing says how the request was signed")
}
