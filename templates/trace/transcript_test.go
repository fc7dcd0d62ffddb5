package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers/fake"
	"example.com/oauthbyhand/providers/registered"
)

// wire is the shortest app that signs in with one provider, and writes down what
// goes over the wire.
type wire struct {
	registered.Provider
	t        *testing.T
	attempts *oauth.Attempts
	fake     *fake.Server
	back     func(*http.Request) (*http.Response, error) // answers the app's own requests

	mu     sync.Mutex
	events []oauth.Event
	tokens oauth.Tokens
	err    error
}

// newWire returns the app of one of our providers.
func newWire(t *testing.T, name string, scopes ...string) *wire {
	t.Helper()
	all := registered.All("https://openid.example", scopes...)
	a := &wire{t: t, Provider: all[slices.IndexFunc(all, func(p registered.Provider) bool { return p.Name == name })]}
	a.signedWith("RS256")
	a.back = func(r *http.Request) (*http.Response, error) { return a.fake.Net().RoundTrip(r) }
	a.attempts = must(oauth.NewAttempts(make([]byte, 32), true))
	if err := a.Connect("demo-"+name, "the secret of this app", "https://app.example/callback/"+name, a); err != nil {
		t.Fatal(err)
	}
	return a
}

// signedWith starts the provider anew.
func (a *wire) signedWith(alg string) {
	a.fake = fake.New(fake.Options{Clients: []fake.Client{{
		Provider: a.Name, ID: "demo-" + a.Name, Secret: "the secret of this app", RedirectURIs: []string{"https://app.example/callback/" + a.Name}, SignedResponseAlg: alg,
	}}})
}

func (a *wire) steps(ctx context.Context, attempt oauth.Attempt, rawQuery string) {
	if c := a.Client1; c != nil {
		must(c.UserInfo(ctx, must(c.Exchange(ctx, must(c.ParseCallback(ctx, attempt, rawQuery))))))
		return
	}
	unverified := must(a.Client.Exchange(ctx, must(a.Client.ParseCallback(ctx, attempt, rawQuery))))
	a.tokens = must(a.Client.VerifyIDToken(ctx, unverified))
	must(a.Client.UserInfo(ctx, a.tokens))
}

func (a *wire) RoundTrip(r *http.Request) (*http.Response, error) { return a.back(r) }

func (a *wire) record(e oauth.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

func (a *wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() { a.err, _ = recover().(error) }()
	r = r.WithContext(oauth.WithTrace(r.Context(), a.record))
	if r.URL.Path != "/login" {
		a.steps(r.Context(), must(a.attempts.Take(w, r)), r.URL.RawQuery)
		return
	}
	attempt, authorizationURL, err := a.Begin(r.Context())
	if err == nil {
		err = a.attempts.Put(w, r, attempt)
	}
	must(attempt, err)
	http.Redirect(w, r, a.fake.Front(authorizationURL), http.StatusSeeOther)
}

// signIn signs in as Ada with a new browser, and allows everything.
func (a *wire) signIn() {
	a.t.Helper()
	if a.answer("allow"); a.err != nil {
		a.t.Fatal(a.err)
	}
}

// answer is signIn up to its failure: the user allows everything or refuses.
func (a *wire) answer(decision string) {
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Transport: fake.Net{"app.example": a, "127.0.0.1:9000": a.fake}}
	consent := must(browser.Get("https://app.example/login"))
	answer := url.Values{"user": {"ada"}, "decision": {decision}}
	if a.Client != nil {
		answer["scope"] = a.Client.Scopes
	}
	must(browser.PostForm(consent.Request.URL.String(), answer))
}

// golden compares the transcript with testdata/wire/name.golden, or writes it there. It fails
// if words.txt lacks a name that the page shows, except names that only the provider could list.
func (a *wire) golden(name, about string) {
	a.t.Helper()
	text, m, last := about+"\n", placeholders(), before
	for _, e := range a.events {
		h := newHop(e, m)
		text += h.after(last)
		last = h
		for _, p := range h.Parts {
			for _, v := range p.Values {
				received := len(h.Lanes) == 2 && h.Lanes[0] == provider
				if v.Name != "" && v.About == "" && !(received && open[replyPlaces[h.Step]] && p.JSON) {
					a.t.Errorf("step %d, %s: no word on %s", h.Step, p.Title, v.Name)
				}
			}
		}
	}
	file := filepath.Join("..", "..", "testdata", "wire", name+".golden")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			a.t.Fatal(err)
		}
	}
	want, _ := os.ReadFile(file) // a file that is not there yet is out of date
	wantEqual(a.t, string(want), text, file+" is out of date; UPDATE=1 go test -count=1 ./... rewrites it")
}

// placeholders puts ‹name› for what is secret, random or made from such values, and ‹name 2›
// for another value of that name, so that two sign-ins read the same.
func placeholders() *Mask {
	values := make(map[string]int)
	return &Mask{seen: make(map[string]string), hide: func(name, value string) string {
		if name == "sealed" {
			return fmt.Sprintf("‹sealed, %d bytes›", len(value))
		}
		if values[name]++; values[name] > 1 {
			name = fmt.Sprint(name, " ", values[name])
		}
		return "‹" + name + "›"
	}}
}

// The transcripts are what the README calls "what goes over the wire".
func TestWire(t *testing.T) {
	for _, p := range registered.All("https://openid.example") {
		synctest.Test(t, func(t *testing.T) {
			a := newWire(t, p.Name)
			a.signIn()
			a.golden(p.Name, "A whole sign-in with "+p.Title+".")
		})
	}
	synctest.Test(t, func(t *testing.T) {
		a := newWire(t, "oidc")
		a.answer("refuse")
		if refusal, ok := a.err.(*oauth.Refusal); !ok || !refusal.ByUser() {
			t.Fatalf("got %v, want the user's refusal", a.err)
		}
		a.golden("refused", "The user says no.")
	})
}

// A refresh token is good once.
func TestWireRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWire(t, "oidc", "offline_access")
		a.signIn()
		a.events = nil
		ctx := oauth.WithTrace(t.Context(), a.record)
		for range 2 {
			time.Sleep(25 * time.Minute)
			fresh, err := a.Client.Refresh(ctx, a.tokens)
			if err != nil || fresh.RefreshToken == a.tokens.RefreshToken {
				t.Fatalf("%v, or the provider has not rotated the refresh token", err)
			}
			a.tokens = fresh
		}
		a.golden("refresh", "Two refreshes of an OpenID provider's tokens. Each brings the next refresh token, and an ID token about the same user.")
	})
}

func TestWireRevoke(t *testing.T) {
	for name, about := range map[string]string{"google": "Google, by RFC 7009", "github": "GitHub, in a way of its own"} {
		synctest.Test(t, func(t *testing.T) {
			a := newWire(t, name)
			a.signIn()
			a.events = nil
			if err := a.Client.Revoke(oauth.WithTrace(t.Context(), a.record), a.tokens); err != nil {
				t.Fatal(err)
			}
			a.golden("revoke-"+name, "What the user granted is revoked at "+about+".")
		})
	}
}

// Between two sign-ins the provider changes its key. The app does not know the new key, and
// fetches the keys again. The transcript has steps 0 and 4 of both.
func TestWireKeyRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWire(t, "oidc")
		before := a.back
		a.back = func(r *http.Request) (*http.Response, error) {
			response, err := before(r)
			if err == nil && r.URL.Path == "/jwks" { // one key only
				var set struct {
					Keys []json.RawMessage `json:"keys"`
				}
				if err = json.NewDecoder(response.Body).Decode(&set); err == nil {
					set.Keys = set.Keys[:1]
					body, _ := json.Marshal(set)
					response.Body = io.NopCloser(bytes.NewReader(body))
				}
			}
			return response, err
		}
		a.signIn()
		a.back = before
		a.signedWith("ES256")
		a.signIn()
		a.events = slices.DeleteFunc(a.events, func(e oauth.Event) bool { return e.Step != 0 && e.Step != 4 })
		a.golden("discovery", "Steps 0 and 4 of two sign-ins. Between them the provider changes its keys: the second token names one that the app does not know, so it asks again, once.")
	})
}

// Each transcript can be found from the README.
func TestREADMELinksTranscripts(t *testing.T) {
	readme := must(os.ReadFile("../../README.md"))
	transcripts, _ := filepath.Glob("../../testdata/wire/*.golden")
	if len(transcripts) == 0 {
		t.Fatal("no transcripts")
	}
	for _, name := range transcripts {
		if link := "(testdata/wire/" + filepath.Base(name) + ")"; !strings.Contains(string(readme), link) {
			t.Errorf("README.md does not link %s", link)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
