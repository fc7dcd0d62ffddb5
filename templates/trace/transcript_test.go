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
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
	"github.com/google/go-cmp/cmp"
)

// wire is the shortest app that signs in with one provider, and writes down what
// goes over the wire.
type wire struct {
	t        *testing.T
	about    oauth.About
	client   *oauth.Client // nil with OAuth 1.0a
	begin    func(context.Context) (oauth.Attempt, string, error)
	steps    func(ctx context.Context, attempt oauth.Attempt, rawQuery string) error
	attempts *oauth.Attempts
	fake     *fake.Server
	back     func(*http.Request) (*http.Response, error) // answers the app's own requests

	mu     sync.Mutex
	events []oauth.Event
	tokens oauth.Tokens
	err    error
}

const secret = "the secret of this app"

func newWire(t *testing.T, about oauth.About, alg string) *wire {
	t.Helper()
	a := &wire{t: t, about: about}
	a.fake = fake.New(fake.Options{Clients: []fake.Client{{
		Provider: about.Name, ID: "demo-" + about.Name, Secret: secret, RedirectURIs: []string{a.callbackURL()}, SignedResponseAlg: alg,
	}}})
	a.back = func(r *http.Request) (*http.Response, error) { return a.fake.Net().RoundTrip(r) }
	var err error
	if a.attempts, err = oauth.NewAttempts(make([]byte, 32), true); err != nil {
		t.Fatal(err)
	}
	return a
}

func newWire2(t *testing.T, row oauth.Provider) *wire {
	t.Helper()
	a := newWire(t, row.About, "")
	client, err := oauth.NewClient(row, "demo-"+row.Name, secret, a.callbackURL(), a)
	if err != nil {
		t.Fatal(err)
	}
	a.client, a.begin = client, client.Begin
	a.steps = func(ctx context.Context, attempt oauth.Attempt, rawQuery string) error {
		callback, err := client.ParseCallback(ctx, attempt, rawQuery)
		if err != nil {
			return err
		}
		unverified, err := client.Exchange(ctx, callback)
		if err != nil {
			return err
		}
		if a.tokens, err = client.VerifyIDToken(ctx, unverified); err != nil {
			return err
		}
		_, err = client.UserInfo(ctx, a.tokens)
		return err
	}
	return a
}

func newWire1(t *testing.T, row oauth.Provider1) *wire {
	t.Helper()
	a := newWire(t, row.About, "")
	client, err := oauth.NewClient1(row, "demo-"+row.Name, secret, a.callbackURL(), a)
	if err != nil {
		t.Fatal(err)
	}
	a.begin = client.Begin
	a.steps = func(ctx context.Context, attempt oauth.Attempt, rawQuery string) error {
		callback, err := client.ParseCallback(ctx, attempt, rawQuery)
		if err != nil {
			return err
		}
		credentials, err := client.Exchange(ctx, callback)
		if err != nil {
			return err
		}
		_, err = client.UserInfo(ctx, credentials)
		return err
	}
	return a
}

func (a *wire) callbackURL() string { return "https://app.example/callback/" + a.about.Name }

func (a *wire) RoundTrip(r *http.Request) (*http.Response, error) { return a.back(r) }

func (a *wire) record(e oauth.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

func (a *wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = r.WithContext(oauth.WithTrace(r.Context(), a.record))
	var attempt oauth.Attempt
	if r.URL.Path != "/login" {
		if attempt, a.err = a.attempts.Take(w, r); a.err == nil {
			a.err = a.steps(r.Context(), attempt, r.URL.RawQuery)
		}
		return
	}
	var authorizationURL string
	if attempt, authorizationURL, a.err = a.begin(r.Context()); a.err == nil {
		a.err = a.attempts.Put(w, r, attempt)
		http.Redirect(w, r, a.fake.Front(authorizationURL), http.StatusSeeOther)
	}
}

// signIn signs in as Ada with a new browser, and allows everything or refuses.
func (a *wire) signIn(decision string) error {
	a.t.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Transport: fake.Net{"app.example": a, "127.0.0.1:9000": a.fake}}
	consent, err := browser.Get("https://app.example/login")
	if err != nil {
		a.t.Fatal(err)
	}
	consent.Body.Close()
	answer := url.Values{"user": {"ada"}, "decision": {decision}}
	if a.client != nil {
		answer["scope"] = a.client.Scopes
	}
	done, err := browser.PostForm(consent.Request.URL.String(), answer)
	if err != nil {
		a.t.Fatal(err)
	}
	done.Body.Close()
	return a.err
}

// golden compares got with testdata/wire/name.golden, or writes it there.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("..", "..", "testdata", "wire", name+".golden")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is out of date; UPDATE=1 go test -count=1 ./... rewrites it (-want +got):\n%s", file, diff)
	}
}

// inWords demands a word on each name that the page shows, but for those that only
// the provider itself could list.
func (a *wire) inWords() {
	a.t.Helper()
	for _, e := range a.events {
		h := newHop(e, Whole())
		for _, p := range h.Parts {
			for _, v := range p.Values {
				received := len(h.Lanes) == 2 && h.Lanes[0] == provider
				if v.About == "" && !(received && open[replyPlaces[h.Step]] && p.JSON) {
					a.t.Errorf("step %d, %s: no word on %s", h.Step, p.Title, v.Name)
				}
			}
		}
	}
}

func (a *wire) transcript(about string) string {
	text, m, last := about+"\n", placeholders(), before
	for _, e := range a.events {
		h := newHop(e, m)
		text += h.after(last)
		last = h
	}
	return text
}

// placeholders puts ‹name› for what is secret, random or made from such, and ‹name 2›
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
	for _, row := range append(providers.All(), providers.OpenID("https://openid.example")) {
		t.Run(row.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newWire2(t, row)
				if err := a.signIn("allow"); err != nil {
					t.Fatal(err)
				}
				golden(t, row.Name, a.transcript("A whole sign-in with "+row.Title+"."))
				a.inWords()
			})
		})
	}
}

func TestWireOAuth1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWire1(t, providers.X())
		if err := a.signIn("allow"); err != nil {
			t.Fatal(err)
		}
		golden(t, "x", a.transcript("A whole sign-in with X, by OAuth 1.0a."))
		a.inWords()
	})
}

func TestWireRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newWire2(t, providers.OpenID("https://openid.example"))
		refusal, ok := a.signIn("refuse").(*oauth.Refusal)
		if !ok || !refusal.ByUser() {
			t.Fatalf("got %v, want the user's refusal", a.err)
		}
		golden(t, "refused", a.transcript("The user says no."))
	})
}

// A refresh token is good once.
func TestWireRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		row := providers.OpenID("https://openid.example")
		row.Scopes = append(row.Scopes, "offline_access")
		a := newWire2(t, row)
		if err := a.signIn("allow"); err != nil {
			t.Fatal(err)
		}
		a.events = nil
		ctx := oauth.WithTrace(t.Context(), a.record)
		for range 2 {
			time.Sleep(25 * time.Minute)
			fresh, err := a.client.Refresh(ctx, a.tokens)
			if err != nil {
				t.Fatal(err)
			}
			if fresh.RefreshToken == a.tokens.RefreshToken {
				t.Fatal("the provider has not rotated the refresh token")
			}
			a.tokens = fresh
		}
		golden(t, "refresh", a.transcript("Two refreshes of an OpenID provider's tokens. Each brings the next refresh token, and an ID token about the same user."))
		a.inWords()
	})
}

func TestWireRevoke(t *testing.T) {
	for _, row := range []oauth.Provider{providers.Google(), providers.GitHub()} {
		t.Run(row.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newWire2(t, row)
				if err := a.signIn("allow"); err != nil {
					t.Fatal(err)
				}
				a.events = nil
				if err := a.client.Revoke(oauth.WithTrace(t.Context(), a.record), a.tokens); err != nil {
					t.Fatal(err)
				}
				about := map[string]string{"google": "by RFC 7009", "github": "in a way of its own"}[row.Name]
				golden(t, "revoke-"+row.Name, a.transcript("What the user granted is revoked at "+row.Title+", "+about+"."))
				a.inWords()
			})
		})
	}
}

// The provider signs with another key than at the sign-in before: the app does not
// know it, and asks once more. Steps 0 and 4 of two sign-ins.
func TestWireKeyRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		row := providers.OpenID("https://openid.example")
		a := newWire2(t, row)
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
		if err := a.signIn("allow"); err != nil {
			t.Fatal(err)
		}
		first := len(a.events)
		a.fake, a.back = newWire(t, row.About, "ES256").fake, before
		if err := a.signIn("allow"); err != nil {
			t.Fatal(err)
		}
		fetches := 0
		for _, e := range a.events[first:] {
			if sent, ok := e.What.(oauth.RequestSent); ok && (e.Step == 0 || e.Step == 4) {
				fetches++
				if sent.URL != "https://openid.example/jwks" {
					t.Errorf("the second sign-in fetches %s", sent.URL)
				}
			}
		}
		if fetches != 1 {
			t.Errorf("%d fetches in the second sign-in, want one", fetches)
		}
		a.events = slices.DeleteFunc(a.events, func(e oauth.Event) bool { return e.Step != 0 && e.Step != 4 })
		golden(t, "discovery", a.transcript("Steps 0 and 4 of two sign-ins. Between them the provider changes its keys: the second token names one that the app does not know, so it asks again, once."))
	})
}

// Each transcript can be found from the README.
func TestREADMELinksTranscripts(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
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
