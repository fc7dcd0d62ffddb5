package account_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
	"github.com/google/go-cmp/cmp"
)

// world is an app with its accounts, and the fake providers, in memory.
type world struct {
	t        testing.TB
	store    account.Store
	accounts *account.Accounts
	clients  map[string]*oauth.Client
	net      fake.Net
	log      bytes.Buffer
	hooked   []account.SignedIn

	mu        sync.Mutex
	asked     map[string]int                                    // "POST host/path", and "… refresh_token" behind it for refreshes
	intercept func(w http.ResponseWriter, r *http.Request) bool // answers in a provider's place
}

func newWorld(t testing.TB, store account.Store) *world {
	w := &world{t: t, clients: make(map[string]*oauth.Client), net: fake.Net{}, asked: make(map[string]int)}
	w.intercept = func(http.ResponseWriter, *http.Request) bool { return false }
	rows := append(providers.All(), providers.OpenID("https://openid.example"))
	var registered []fake.Client
	for _, row := range rows {
		registered = append(registered, fake.Client{Provider: row.Name, ID: "app-" + row.Name, Secret: "s3cret", RedirectURIs: []string{"https://app.example/callback/" + row.Name}})
	}
	for host, handler := range fake.New(fake.Options{Clients: registered}).Net() {
		w.net[host] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			w.mu.Lock()
			name := r.Method + " " + host + r.URL.Path
			w.asked[name]++
			if strings.Contains(string(body), "grant_type=refresh_token") {
				w.asked[name+" refresh_token"]++
			}
			intercept := w.intercept
			w.mu.Unlock()
			if !intercept(rw, r) {
				handler.ServeHTTP(rw, r)
			}
		})
	}
	for i, row := range rows {
		client, err := oauth.NewClient(row, registered[i].ID, "s3cret", registered[i].RedirectURIs[0], w.net)
		if err != nil {
			t.Fatal(err)
		}
		w.clients[row.Name] = client
	}
	w.restart(store)
	return w
}

// restart begins anew with what is in the store.
func (w *world) restart(store account.Store) {
	var err error
	w.store = store
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	w.accounts, err = account.NewAccounts(store, make([]byte, 32), log, func(in account.SignedIn) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.hooked = append(w.hooked, in)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(request string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[request]
}

// at makes requests to a URL be answered by f.
func (w *world) at(where string, f http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.intercept = func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method+" "+r.Host+r.URL.Path != where {
			return false
		}
		f(rw, r)
		return true
	}
}

func (w *world) honest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.intercept = func(http.ResponseWriter, *http.Request) bool { return false }
}

// grant signs a user of the fake in at a provider, as far as the protocol goes.
func (w *world) grant(provider, user string) (account.Key, account.Grant) {
	w.t.Helper()
	ctx, client := w.t.Context(), w.clients[provider]
	attempt, where, err := client.Begin(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	browser := http.Client{Transport: w.net, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	allowed, err := browser.PostForm(where, url.Values{"user": {user}, "decision": {"allow"}, "scope": attempt.Scopes})
	if err != nil {
		w.t.Fatal(err)
	}
	back, _ := url.Parse(allowed.Header.Get("Location"))
	callback, err := client.ParseCallback(ctx, attempt, back.RawQuery)
	if err != nil {
		w.t.Fatal(err)
	}
	unverified, err := client.Exchange(ctx, callback)
	if err != nil {
		w.t.Fatal(err)
	}
	tokens, err := client.VerifyIDToken(ctx, unverified)
	if err != nil {
		w.t.Fatal(err)
	}
	info, err := client.UserInfo(ctx, tokens)
	if err != nil {
		w.t.Fatal(err)
	}
	return account.Key{Provider: account.ProviderKey(client.Provider), Subject: info.Profile.Subject}, account.Grant{Profile: info.Profile, Tokens: tokens}
}

// signIn signs a user of the fake in, and returns the identity as it is stored.
func (w *world) signIn(provider, user string) account.Identity {
	w.t.Helper()
	key, grant := w.grant(provider, user)
	if _, err := w.accounts.SignIn(w.t.Context(), key, grant); err != nil {
		w.t.Fatal(err)
	}
	return w.stored(key)
}

func (w *world) stored(key account.Key) account.Identity {
	w.t.Helper()
	identity, err := w.store.Identity(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	return identity
}

func (w *world) open(identity account.Identity) account.Grant {
	w.t.Helper()
	grant, err := w.accounts.Open(identity)
	if err != nil {
		w.t.Fatal(err)
	}
	return grant
}

// works reports whether the provider takes an access token.
func (w *world) works(provider string, t oauth.Tokens) bool {
	_, err := w.clients[provider].UserInfo(w.t.Context(), t)
	return err == nil
}

func wantError(t testing.TB, err, want error, reason string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", reason, err, want)
	}
}

func TestLinking(t *testing.T) {
	w := newWorld(t, account.NewMemory())
	ctx := t.Context()
	ada := w.signIn("google", "ada")
	again := w.signIn("google", "ada")
	if ada.UserID != again.UserID {
		t.Error("a second sign-in made a second user")
	}

	// Mallory claims Ada's address at every provider.
	mallory := w.signIn("github", "mallory")
	if mallory.UserID == ada.UserID {
		t.Error("two accounts with one e-mail address became one user")
	}

	key, grant := w.grant("spotify", "ada")
	if err := w.accounts.Connect(ctx, ada.UserID, key, grant); err != nil {
		t.Fatal(err)
	}
	spotify := w.stored(key)
	if spotify.UserID != ada.UserID {
		t.Error("the connected account is not the user's")
	}
	if signedIn := w.signIn("spotify", "ada"); signedIn.UserID != ada.UserID {
		t.Error("a sign-in with the connected account is another user")
	}

	key, grant = w.grant("github", "mallory")
	wantError(t, w.accounts.Connect(ctx, ada.UserID, key, grant), account.ErrTaken, "an account that is somebody else's")
	if after := w.stored(key); after.UserID != mallory.UserID || after.Sealed != mallory.Sealed {
		t.Error("the refused connection changed the other user's account")
	}

	wantError(t, w.accounts.Disconnect(ctx, ada), nil, "one of two")
	if _, err := w.store.Identity(ctx, ada.Key); !errors.Is(err, account.ErrNotFound) {
		t.Error("a disconnected account is still there")
	}
	wantError(t, w.accounts.Disconnect(ctx, spotify), nil, "the last one")
	wantError(t, w.accounts.Disconnect(ctx, spotify), account.ErrNotFound, "once more")
	wantError(t, w.accounts.Connect(ctx, ada.UserID, key, grant), account.ErrNotFound, "connected to a user who is gone")
	if fresh := w.signIn("google", "ada"); fresh.UserID == ada.UserID {
		t.Error("an account that was disconnected still leads to the user")
	}

	type hooked struct {
		provider             string
		sameUser, user, iden bool // is it Ada's first user; are they new
	}
	var got []hooked
	for _, in := range w.hooked {
		got = append(got, hooked{in.Identity.Provider, in.Identity.UserID == ada.UserID, in.NewUser, in.NewIdentity})
	}
	if d := cmp.Diff([]hooked{
		{"https://accounts.google.com", true, true, true},
		{"https://accounts.google.com", true, false, false},
		{"github", false, true, true},
		{"spotify", true, false, true},
		{"spotify", true, false, false},
		{"https://accounts.google.com", false, true, true},
	}, got, cmp.AllowUnexported(hooked{})); d != "" {
		t.Errorf("the hook (-want +got):\n%s", d)
	}
}

// TestFirstSignInTwice: two tabs that sign in for the first time make one user.
func TestFirstSignInTwice(t *testing.T) {
	w := newWorld(t, account.NewMemory())
	key, grant := w.grant("google", "ada")
	users := make(chan string, 10)
	for range cap(users) {
		go func() {
			user, err := w.accounts.SignIn(context.Background(), key, grant)
			if err != nil {
				t.Error(err)
			}
			users <- user
		}()
	}
	first := <-users
	for range cap(users) - 1 {
		if other := <-users; other != first {
			t.Fatalf("users %s and %s for one account", first, other)
		}
	}
}

// TestTampered: who can write to the store, but has no key, gets nobody's account.
func TestTampered(t *testing.T) {
	rows := []struct {
		reason string
		change func(ada, mallory account.Identity) account.Identity // what is put in the place of Mallory's
	}{
		{"another user's tokens under one's own account", func(ada, mallory account.Identity) account.Identity {
			mallory.Sealed = ada.Sealed
			return mallory
		}},
		{"one's own account pointed at another user", func(ada, mallory account.Identity) account.Identity {
			mallory.UserID = ada.UserID
			return mallory
		}},
		{"pointed at another user, with that user's tokens", func(ada, mallory account.Identity) account.Identity {
			mallory.UserID, mallory.Sealed = ada.UserID, ada.Sealed
			return mallory
		}},
		{"one letter changed", func(_, mallory account.Identity) account.Identity {
			letter := "A"
			if strings.HasPrefix(mallory.Sealed, letter) {
				letter = "B"
			}
			mallory.Sealed = letter + mallory.Sealed[1:]
			return mallory
		}},
		{"nothing", func(_, mallory account.Identity) account.Identity {
			mallory.Sealed = ""
			return mallory
		}},
	}
	for _, row := range rows {
		t.Run(row.reason, func(t *testing.T) {
			w := newWorld(t, account.NewMemory())
			ada, mallory := w.signIn("google", "ada"), w.signIn("google", "mallory")
			tampered := account.NewMemory()
			for _, identity := range []account.Identity{ada, row.change(ada, mallory)} {
				if err := tampered.AddIdentity(t.Context(), identity); err != nil {
					t.Fatal(err)
				}
			}
			w.restart(tampered)
			identity := w.stored(mallory.Key)
			if _, err := w.accounts.Grant(t.Context(), identity, w.clients["google"]); err == nil {
				t.Error("its tokens are given out")
			}
			if _, err := w.accounts.Refresh(t.Context(), identity, w.clients["google"], "t"); err == nil {
				t.Error("its tokens are refreshed")
			}
			key, grant := w.grant("google", "mallory")
			if user, err := w.accounts.SignIn(t.Context(), key, grant); err == nil {
				t.Errorf("signed in as %v", user)
			}
		})
	}
}

// in runs f in a bubble of time, with a user of the fake signed in.
func in(t *testing.T, provider string, f func(t *testing.T, w *world, identity account.Identity)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, account.NewMemory())
		f(t, w, w.signIn(provider, "ada"))
	})
}

const (
	githubToken = "POST github.com/login/oauth/access_token"
	googleToken = "POST oauth2.googleapis.com/token"
)

func TestRefresh(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity) {
		client, before := w.clients["github"], w.open(identity).Tokens
		time.Sleep(8*time.Hour - 61*time.Second)
		grant, err := w.accounts.Grant(t.Context(), identity, client)
		if err != nil || grant.Tokens.AccessToken != before.AccessToken {
			t.Fatalf("refreshed with 61 seconds left: %v", err)
		}
		time.Sleep(2 * time.Second)
		grant, err = w.accounts.Grant(t.Context(), identity, client)
		if err != nil {
			t.Fatal(err)
		}
		after := grant.Tokens
		if after.AccessToken == before.AccessToken || after.RefreshToken == before.RefreshToken || !w.works("github", after) {
			t.Error("with 59 seconds left there is no new pair that works")
		}
		if d := cmp.Diff(before.Expiry.Add(8*time.Hour-59*time.Second), after.Expiry); d != "" {
			t.Errorf("expiry: %s", d)
		}
		if d := cmp.Diff([][]string{before.Scopes, before.Asked}, [][]string{after.Scopes, after.Asked}); d != "" {
			t.Errorf("scopes: %s", d)
		}
		if stored := w.open(w.stored(identity.Key)); stored.Tokens.RefreshToken != after.RefreshToken {
			t.Error("the new pair is not stored")
		}
		// The identity in hand is an old copy; it leads to the new pair all the same.
		if again, err := w.accounts.Grant(t.Context(), identity, client); err != nil || again.Tokens.AccessToken != after.AccessToken {
			t.Errorf("asked once more: %v", err)
		}
		if n := w.count(githubToken + " refresh_token"); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
	})
}

// TestRefreshKeepsTheOldToken: Google does not rotate.
func TestRefreshKeepsTheOldToken(t *testing.T) {
	in(t, "google", func(t *testing.T, w *world, identity account.Identity) {
		before := w.open(identity).Tokens
		time.Sleep(time.Hour)
		grant, err := w.accounts.Grant(t.Context(), identity, w.clients["google"])
		if err != nil {
			t.Fatal(err)
		}
		if after := grant.Tokens; after.AccessToken == before.AccessToken || after.RefreshToken != before.RefreshToken || after.Subject != before.Subject {
			t.Errorf("after a reply without a refresh token: %+v", after)
		}
	})
}

func TestFiftyAtOnce(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity) {
		time.Sleep(9 * time.Hour)
		w.slow(githubToken)
		results := make(chan string, 50)
		for range cap(results) {
			go func() {
				grant, err := w.accounts.Grant(t.Context(), identity, w.clients["github"])
				if err != nil {
					t.Error(err)
				}
				results <- grant.Tokens.AccessToken
			}()
		}
		first := <-results
		for range cap(results) - 1 {
			if other := <-results; other != first {
				t.Fatal("two of them got different tokens")
			}
		}
		if n := w.count(githubToken + " refresh_token"); n != 1 || !w.works("github", oauth.Tokens{Provider: "github", AccessToken: first}) {
			t.Errorf("%d refreshes for 50 requests, want one whose token works", n)
		}
	})
}

// slow makes the provider take two seconds for a request.
func (w *world) slow(where string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.intercept = func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method+" "+r.Host+r.URL.Path == where {
			time.Sleep(2 * time.Second)
		}
		return false
	}
}

// TestLeaderGoesAway: whose request began the refresh may close the browser.
func TestLeaderGoesAway(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity) {
		time.Sleep(9 * time.Hour)
		w.slow(githubToken)
		leader, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gone := make(chan error)
		go func() {
			_, err := w.accounts.Grant(leader, identity, w.clients["github"])
			gone <- err
		}()
		synctest.Wait()
		grant, err := w.accounts.Grant(t.Context(), identity, w.clients["github"])
		if err != nil || !w.works("github", grant.Tokens) {
			t.Errorf("who waited got: %v", err)
		}
		wantError(t, <-gone, context.DeadlineExceeded, "who went away")
		if n := w.count(githubToken + " refresh_token"); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
		if stored := w.open(w.stored(identity.Key)); stored.Tokens.AccessToken != grant.Tokens.AccessToken {
			t.Error("not stored")
		}
	})
}

func TestProviderDown(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity) {
		client, before := w.clients["github"], w.open(identity).Tokens
		w.at(githubToken, func(rw http.ResponseWriter, r *http.Request) { http.Error(rw, "down", http.StatusServiceUnavailable) })
		time.Sleep(8*time.Hour - 30*time.Second)
		if grant, err := w.accounts.Grant(t.Context(), identity, client); err != nil || grant.Tokens.AccessToken != before.AccessToken {
			t.Errorf("the token still has 30 seconds: %v", err)
		}
		time.Sleep(time.Minute)
		_, err := w.accounts.Grant(t.Context(), identity, client)
		if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "reply-status-200" || failed.Check.Step != 6 {
			t.Errorf("error %v, want reply-status-200 of step 6", err)
		}
		if errors.Is(err, account.ErrSignInAgain) {
			t.Error("a provider that is down is taken for the end of the grant")
		}
		w.honest()
		if grant, err := w.accounts.Grant(t.Context(), identity, client); err != nil || !w.works("github", grant.Tokens) {
			t.Errorf("once it is back: %v", err)
		}
	})
}

// TestGrantEnded: at each provider that refreshes, "no" means to sign in again, and is
// asked for once.
func TestGrantEnded(t *testing.T) {
	for provider, refresh := range map[string]string{
		"google":  googleToken,
		"github":  githubToken,
		"spotify": "POST accounts.spotify.com/api/token",
	} {
		t.Run(provider, func(t *testing.T) {
			in(t, provider, func(t *testing.T, w *world, identity account.Identity) {
				client := w.clients[provider]
				time.Sleep(200 * 24 * time.Hour) // all that was given is dead by then
				before := w.count(refresh)
				for range 3 {
					_, err := w.accounts.Grant(t.Context(), identity, client)
					wantError(t, err, account.ErrSignInAgain, "after its end")
					identity = w.stored(identity.Key)
				}
				if n := w.count(refresh) - before; n != 1 {
					t.Errorf("the provider was asked %d times, want once", n)
				}
				if after := w.open(identity); after.Profile.Name == "" || after.Tokens.RefreshToken != "" {
					t.Errorf("what is kept: %+v", after)
				}
				again := w.signIn(provider, "ada")
				if grant, err := w.accounts.Grant(t.Context(), again, client); err != nil || again.UserID != identity.UserID || !w.works(provider, grant.Tokens) {
					t.Errorf("after signing in again: %v", err)
				}
			})
		})
	}
}

// TestStolenRefreshToken: somebody else used it first. The fake sees it twice, and
// ends the grant for both.
func TestStolenRefreshToken(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity) {
		stolen, err := w.clients["github"].Refresh(t.Context(), w.open(identity).Tokens)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Hour)
		_, err = w.accounts.Grant(t.Context(), identity, w.clients["github"])
		wantError(t, err, account.ErrSignInAgain, "a refresh token that was used before")
		if _, err := w.clients["github"].Refresh(t.Context(), stolen); err == nil {
			t.Error("what the thief got still works")
		}
	})
}

// TestChangedSubject: the provider's reply to a refresh is about somebody else.
func TestChangedSubject(t *testing.T) {
	in(t, "google", func(t *testing.T, w *world, identity account.Identity) {
		mallory := w.open(w.signIn("google", "mallory")).Tokens.RefreshToken
		ada := w.open(identity).Tokens.RefreshToken
		w.mu.Lock()
		w.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
			body, _ := io.ReadAll(r.Body)
			swapped := strings.Replace(string(body), url.QueryEscape(ada), url.QueryEscape(mallory), 1)
			r.Body = io.NopCloser(strings.NewReader(swapped))
			return false
		}
		w.mu.Unlock()
		time.Sleep(2 * time.Hour)
		_, err := w.accounts.Grant(t.Context(), identity, w.clients["google"])
		if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "refresh-sub" {
			t.Errorf("error %v, want refresh-sub", err)
		}
		if w.stored(identity.Key).Sealed != identity.Sealed {
			t.Error("something of it was stored")
		}
	})
	// Without ID tokens it is the profile that shows it.
	in(t, "github", func(t *testing.T, w *world, identity account.Identity) {
		mallory := w.open(w.signIn("github", "mallory")).Tokens
		mallory.Subject = w.open(identity).Tokens.Subject
		_, err := w.clients["github"].UserInfo(t.Context(), mallory)
		if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "userinfo-sub" {
			t.Errorf("error %v, want userinfo-sub", err)
		}
	})
}

// TestNoRefreshToken: Meta has none, and the generic provider gives one for offline_access only.
func TestNoRefreshToken(t *testing.T) {
	for provider, life := range map[string]time.Duration{"oidc": time.Hour, "instagram": time.Hour, "facebook": 5183944 * time.Second} {
		in(t, provider, func(t *testing.T, w *world, identity account.Identity) {
			time.Sleep(life - 30*time.Second)
			if _, err := w.accounts.Grant(t.Context(), identity, w.clients[provider]); err != nil {
				t.Errorf("%s, with 30 seconds left: %v", provider, err)
			}
			time.Sleep(time.Minute)
			_, err := w.accounts.Grant(t.Context(), identity, w.clients[provider])
			wantError(t, err, account.ErrSignInAgain, provider+": expired, and nothing to refresh it with")
			wantError(t, err, account.ErrNoRefresh, provider+": that is the reason")
			if errors.Is(err, account.ErrGrantEnded) {
				t.Errorf("%s: the provider is said to have ended the grant: %v", provider, err)
			}
		})
	}
}

func TestCall(t *testing.T) {
	rows := []struct {
		reason    string
		refused   int // so many calls
		with      int
		calls     int
		refreshes int
		want      error
	}{
		{"a good token", 0, 401, 1, 0, nil},
		{"one 401: refreshed, and called again", 1, 401, 2, 1, nil},
		{"and again: no loop", 9, 401, 2, 1, account.ErrSignInAgain},
		{"403 is no word about the token", 1, 403, 1, 0, nil},
	}
	for _, row := range rows {
		t.Run(row.reason, func(t *testing.T) {
			w := newWorld(t, account.NewMemory())
			identity := w.signIn("github", "ada")
			calls := 0
			err := w.accounts.Call(t.Context(), identity, w.clients["github"], func(oauth.Tokens) error {
				if calls++; calls > row.refused {
					return nil
				}
				return &oauth.Refusal{Step: 5, Status: row.with}
			})
			if row.want != nil || row.with == 401 {
				wantError(t, err, row.want, "the call")
			}
			if n := w.count(githubToken + " refresh_token"); calls != row.calls || n != row.refreshes {
				t.Errorf("%d calls and %d refreshes, want %d and %d", calls, n, row.calls, row.refreshes)
			}
		})
	}
}

// TestTwoGotA401: both were refused the same token; the second finds the new one.
func TestTwoGotA401(t *testing.T) {
	w := newWorld(t, account.NewMemory())
	identity := w.signIn("github", "ada")
	refused := w.open(identity).Tokens.AccessToken
	first, err := w.accounts.Refresh(t.Context(), identity, w.clients["github"], refused)
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.accounts.Refresh(t.Context(), identity, w.clients["github"], refused)
	if err != nil || first.Tokens.AccessToken != second.Tokens.AccessToken {
		t.Errorf("the second one: %v", err)
	}
	if n := w.count(githubToken + " refresh_token"); n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
}

// fullStore cannot store tokens while it is full.
type fullStore struct {
	account.Store
	full bool
}

var errFull = errors.New("no space left on the disk")

func (s *fullStore) UpdateTokens(ctx context.Context, key account.Key, update func(string) (string, error)) error {
	return s.Store.UpdateTokens(ctx, key, func(old string) (string, error) {
		sealed, err := update(old)
		if err == nil && s.full {
			err = errFull
		}
		return sealed, err
	})
}

// TestNotStored: a new pair that cannot be stored is used, and stored at the next
// chance. If there is none before the app ends, one has to sign in again.
func TestNotStored(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store := &fullStore{Store: account.NewMemory()}
			w := newWorld(t, store)
			identity, client := w.signIn("github", "ada"), w.clients["github"]
			time.Sleep(9 * time.Hour)
			store.full = true
			grant, err := w.accounts.Grant(t.Context(), identity, client)
			if err != nil || !w.works("github", grant.Tokens) {
				t.Fatalf("not stored, and so not used: %v", err)
			}
			again, err := w.accounts.Grant(t.Context(), w.stored(identity.Key), client)
			if err != nil || again.Tokens.AccessToken != grant.Tokens.AccessToken {
				t.Fatalf("the second use: %v", err)
			}
			if !strings.Contains(w.log.String(), errFull.Error()) {
				t.Error("the log does not say it")
			}
			store.full = false
			if restarted {
				w.restart(store)
				_, err := w.accounts.Grant(t.Context(), w.stored(identity.Key), client)
				wantError(t, err, account.ErrSignInAgain, "after a restart in between")
				return
			}
			if _, err := w.accounts.Grant(t.Context(), w.stored(identity.Key), client); err != nil {
				t.Fatal(err)
			}
			w.restart(store)
			if kept := w.open(w.stored(identity.Key)); kept.Tokens.RefreshToken != grant.Tokens.RefreshToken {
				t.Error("not stored at the next chance")
			}
			if n := w.count(githubToken + " refresh_token"); n != 1 {
				t.Errorf("%d refreshes, want 1", n)
			}
		})
	}
}

// TestSignInOverNotStored: what a sign-in brings is newer than what could not be
// stored before, also where another process on the same store stored it.
func TestSignInOverNotStored(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store := &fullStore{Store: account.NewMemory()}
			w := newWorld(t, store)
			identity, client := w.signIn("github", "ada"), w.clients["github"]
			time.Sleep(9 * time.Hour)
			store.full = true
			if _, err := w.accounts.Grant(t.Context(), identity, client); err != nil {
				t.Fatal(err)
			}
			key, fresh := w.grant("github", "ada")
			_, err := w.accounts.SignIn(t.Context(), key, fresh)
			wantError(t, err, errFull, "a sign-in that cannot be stored is refused")
			store.full = false
			first := w.accounts
			if elsewhere {
				w.restart(store)
			}
			if _, err = w.accounts.SignIn(t.Context(), key, fresh); err != nil {
				t.Fatal(err)
			}
			if grant, err := first.Grant(t.Context(), w.stored(key), client); err != nil || grant.Tokens.AccessToken != fresh.Tokens.AccessToken {
				t.Errorf("the tokens of the sign-in are not those that are used: %v", err)
			}
		})
	}
}

// TestSessionRecords: who can write to the store gets into nobody's session.
func TestSessionRecords(t *testing.T) {
	key := account.Key{Provider: "p", Subject: "1"}
	rows := []struct {
		reason string
		change func(account.Session) account.Session
		valid  bool
	}{
		{"as it was", func(s account.Session) account.Session { return s }, true},
		{"pointed at another user", func(s account.Session) account.Session { s.UserID, s.Key.Subject = "eve", "2"; return s }, false},
		{"with another account", func(s account.Session) account.Session { s.Key.Subject = "3"; return s }, false},
		{"made younger", func(s account.Session) account.Session { s.Begun = s.Begun.Add(time.Hour); return s }, false},
		{"made up", func(s account.Session) account.Session { s.Proof = ""; return s }, false},
	}
	for _, row := range rows {
		t.Run(row.reason, func(t *testing.T) {
			store := account.NewMemory()
			sessions, err := account.NewSessions(store, make([]byte, 32), true)
			if err != nil {
				t.Fatal(err)
			}
			for subject, id := range map[string]string{"1": "ada", "2": "eve", "3": "ada"} {
				if err := store.AddIdentity(t.Context(), identity(id, "p", subject, 0)); err != nil {
					t.Fatal(err)
				}
			}
			request := withCookies(begin(t, sessions, "ada", key))
			session, err := sessions.Get(request)
			if err != nil {
				t.Fatal(err)
			}
			if err := store.RemoveSession(t.Context(), session.Hash); err != nil {
				t.Fatal(err)
			}
			if err := store.AddSession(t.Context(), row.change(session)); err != nil {
				t.Fatal(err)
			}
			if _, err := sessions.Get(request); (err == nil) != row.valid {
				t.Errorf("error %v, want it valid: %v", err, row.valid)
			}
		})
	}
}

// begin signs a new browser in, and returns its cookie.
func begin(t *testing.T, sessions *account.Sessions, user string, key account.Key, before ...*http.Cookie) *http.Cookie {
	t.Helper()
	answer := httptest.NewRecorder()
	if err := sessions.Begin(answer, withCookies(before...), user, key); err != nil {
		t.Fatal(err)
	}
	cookies := answer.Result().Cookies()
	return cookies[len(cookies)-1]
}

func withCookies(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest("GET", "https://app.example/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// TestEndAllSignedOut: without a live session nobody is signed out everywhere, and the
// page must be able to say so.
func TestEndAllSignedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ada := account.NewMemory(), identity("ada", "p", "1", 0)
		sessions, err := account.NewSessions(store, make([]byte, 32), false)
		if err == nil {
			err = store.AddIdentity(t.Context(), ada)
		}
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, sessions.EndAll(httptest.NewRecorder(), withCookies()), account.ErrNotFound, "without a cookie")
		here := begin(t, sessions, "ada", ada.Key)
		time.Sleep(50 * time.Minute)
		there := begin(t, sessions, "ada", ada.Key)
		time.Sleep(20 * time.Minute)
		wantError(t, sessions.EndAll(httptest.NewRecorder(), withCookies(here)), account.ErrNotFound, "with a session that has ended")
		if _, err := sessions.Get(withCookies(there)); err != nil {
			t.Errorf("the other browser: %v", err)
		}
		wantError(t, sessions.EndAll(httptest.NewRecorder(), withCookies(there)), nil, "with a live session")
		_, err = sessions.Get(withCookies(there))
		wantError(t, err, account.ErrNotFound, "after signing out everywhere")
	})
}

// TestSessionLimits: an hour after its last use, which is known to ten minutes, and twelve
// hours after its begin, a session has ended.
func TestSessionLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, ada := account.NewMemory(), identity("ada", "p", "1", 0)
		sessions, err := account.NewSessions(store, make([]byte, 32), false)
		if err == nil {
			err = store.AddIdentity(t.Context(), ada)
		}
		if err != nil {
			t.Fatal(err)
		}
		used, idle := begin(t, sessions, "ada", ada.Key), begin(t, sessions, "ada", ada.Key)
		for elapsed := time.Duration(0); elapsed < 12*time.Hour; elapsed += time.Hour {
			if _, err := sessions.Get(withCookies(used)); err != nil {
				t.Fatalf("after %v: %v", elapsed, err)
			}
			time.Sleep(time.Hour)
		}
		if _, err := sessions.Get(withCookies(used)); err != nil {
			t.Errorf("after exactly twelve hours: %v", err)
		}
		time.Sleep(time.Microsecond)
		_, err = sessions.Get(withCookies(used))
		wantError(t, err, account.ErrNotFound, "after twelve hours")
		_, err = sessions.Get(withCookies(idle))
		wantError(t, err, account.ErrNotFound, "unused for an hour")
	})
}

// TestTwoCookies: a cookie that somebody planted beside the user's own keeps nobody
// signed in.
func TestTwoCookies(t *testing.T) {
	ada, eve := identity("ada", "p", "1", 0), identity("eve", "p", "2", 0)
	for name, row := range map[string]struct {
		end  func(*account.Sessions, http.ResponseWriter, *http.Request) error
		want []bool // is Ada signed in here, and in her other browser; and Eve in hers
	}{
		"end":     {(*account.Sessions).End, []bool{false, true, true}},
		"end all": {(*account.Sessions).EndAll, []bool{false, false, true}},
		"begin": {func(s *account.Sessions, w http.ResponseWriter, r *http.Request) error {
			return s.Begin(w, r, "ada", ada.Key)
		}, []bool{false, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			store := account.NewMemory()
			sessions, err := account.NewSessions(store, make([]byte, 32), false)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range []account.Identity{ada, eve} {
				if err := store.AddIdentity(t.Context(), i); err != nil {
					t.Fatal(err)
				}
			}
			here, there, eves := begin(t, sessions, "ada", ada.Key), begin(t, sessions, "ada", ada.Key), begin(t, sessions, "eve", eve.Key)
			planted, empty := *here, *here
			planted.Value, empty.Value = "planted", ""
			answer := httptest.NewRecorder()
			if err := row.end(sessions, answer, withCookies(&planted, &empty, here)); err != nil {
				t.Fatal(err)
			}
			if cookies := answer.Result().Cookies(); len(cookies) == 0 || cookies[0].MaxAge >= 0 {
				t.Errorf("the browser's cookie stays: %v", cookies)
			}
			var got []bool
			for _, c := range []*http.Cookie{here, there, eves} {
				_, err := sessions.Get(withCookies(c))
				got = append(got, err == nil)
			}
			if d := cmp.Diff(row.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestSessionOfDisconnected: a disconnected identity takes its sessions along, also if it
// is connected again later. Sessions with another identity of the user go on.
func TestSessionOfDisconnected(t *testing.T) {
	w := newWorld(t, account.NewMemory())
	sessions, err := account.NewSessions(w.store, make([]byte, 32), false)
	if err != nil {
		t.Fatal(err)
	}
	ada := w.signIn("google", "ada")
	github, grant := w.grant("github", "ada")
	connect := func() {
		t.Helper()
		if err := w.accounts.Connect(t.Context(), ada.UserID, github, grant); err != nil {
			t.Fatal(err)
		}
	}
	connect()
	own, thief := begin(t, sessions, ada.UserID, ada.Key), begin(t, sessions, ada.UserID, github)
	if err := w.accounts.Disconnect(t.Context(), w.stored(github)); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"disconnected", "connected again"} {
		_, err := sessions.Get(withCookies(thief))
		wantError(t, err, account.ErrNotFound, "a session of an identity that was "+when)
		if session, err := sessions.Get(withCookies(own)); err != nil || session.Key != ada.Key {
			t.Errorf("%s: the session with another identity: %v, %v", when, session.Key, err)
		}
		connect()
	}
	for _, identity := range []account.Identity{w.stored(github), ada} {
		if err := w.accounts.Disconnect(t.Context(), identity); err != nil {
			t.Fatal(err)
		}
	}
	_, err = sessions.Get(withCookies(own))
	wantError(t, err, account.ErrNotFound, "a session of a user who is gone")
}

// TestWait: the app ends when the pair that the provider gives is stored.
func TestWait(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity) {
		time.Sleep(9 * time.Hour)
		w.slow(githubToken)
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.accounts.Grant(gone, identity, w.clients["github"]); err == nil {
			t.Fatal("the refresh was not slow")
		}
		w.accounts.Wait()
		if w.stored(identity.Key).Sealed == identity.Sealed {
			t.Error("Wait returned before the new pair was stored")
		}
	})
}

// TestRefreshTokenKept: a sign-in without a refresh token keeps the stored one, if that is
// of the same client.
func TestRefreshTokenKept(t *testing.T) {
	for provider, want := range map[string]string{"google": "r1", "google~2": ""} {
		w := newWorld(t, account.NewMemory())
		key := account.Key{Provider: "p", Subject: "1"}
		first := account.Grant{Tokens: oauth.Tokens{Provider: "google", AccessToken: "a1", RefreshToken: "r1"}}
		second := account.Grant{Tokens: oauth.Tokens{Provider: provider, AccessToken: "a2"}}
		user, err := w.accounts.SignIn(t.Context(), key, first)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.accounts.SignIn(t.Context(), key, second); err != nil {
			t.Fatal(err)
		}
		if got := w.open(w.stored(key)).Tokens; got.AccessToken != "a2" || got.RefreshToken != want {
			t.Errorf("%s, signed in again: tokens %s and %s, want a2 and %q", provider, got.AccessToken, got.RefreshToken, want)
		}
		second.Tokens.RefreshToken = "r3"
		if err := w.accounts.Connect(t.Context(), user, key, second); err != nil {
			t.Fatal(err)
		}
		if got := w.open(w.stored(key)).Tokens.RefreshToken; got != "r3" {
			t.Errorf("%s, connected again with a new refresh token: %s, want r3", provider, got)
		}
	}
}

// TestOnlySignInHelps: these refusals of a refresh mean that the user must sign in again,
// and the provider is asked once.
func TestOnlySignInHelps(t *testing.T) {
	for code, asked := range map[string]int{"invalid_grant": 1, "interaction_required": 1, "consent_required": 1, "login_required": 1, "server_error": 2} {
		in(t, "google", func(t *testing.T, w *world, identity account.Identity) {
			time.Sleep(2 * time.Hour)
			n := 0
			w.at(googleToken, func(rw http.ResponseWriter, r *http.Request) {
				n++
				rw.Header().Set("Content-Type", "application/json")
				rw.WriteHeader(http.StatusBadRequest)
				io.WriteString(rw, `{"error":"`+code+`"}`)
			})
			for range 2 {
				_, err := w.accounts.Grant(t.Context(), w.stored(identity.Key), w.clients["google"])
				ended := errors.Is(err, account.ErrSignInAgain) && errors.Is(err, account.ErrGrantEnded) && !errors.Is(err, account.ErrNoRefresh)
				if ended != (asked == 1) {
					t.Errorf("%s: %v", code, err)
				}
			}
			if n != asked {
				t.Errorf("%s: the provider was asked %d times, want %d", code, n, asked)
			}
		})
	}
}

// TestPanicInRefresh: a provider entry that panics is an error for those who wait.
func TestPanicInRefresh(t *testing.T) {
	in(t, "google", func(t *testing.T, w *world, identity account.Identity) {
		time.Sleep(2 * time.Hour)
		entry := w.clients["google"].Provider
		entry.TokenReply = func(oauth.Object) (oauth.Object, error) { panic("a mistake") }
		client, err := oauth.NewClient(entry, "app-google", "s3cret", "https://app.example/callback/google", w.net)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.accounts.Grant(t.Context(), identity, client)
		if err == nil || !strings.Contains(err.Error(), "panicked") || !strings.Contains(w.log.String(), "a mistake") {
			t.Errorf("error %v, and in the log %s", err, &w.log)
		}
		if _, err := w.accounts.Grant(t.Context(), identity, w.clients["google"]); err != nil {
			t.Errorf("the identity is still locked: %v", err)
		}
	})
}

// TestKeep: what is read again replaces profile and replies, and no token.
func TestKeep(t *testing.T) {
	in(t, "google", func(t *testing.T, w *world, identity account.Identity) {
		want := w.open(identity)
		if !want.Read.Equal(time.Now()) {
			t.Errorf("read at the sign-in at %v, want now", want.Read)
		}
		time.Sleep(time.Hour)
		info := oauth.Info{
			Profile: oauth.Profile{Subject: identity.Subject, Name: "Ada King"},
			Replies: []oauth.Reply{{URL: "https://api.example/me", Body: []byte(`{"n":1}`)}},
		}
		if err := w.accounts.Keep(t.Context(), identity, info); err != nil {
			t.Fatal(err)
		}
		want.Profile, want.Replies, want.Read = info.Profile, info.Replies, time.Now()
		if d := cmp.Diff(want, w.open(w.stored(identity.Key))); d != "" {
			t.Error(d)
		}
	})
}

// TestBounded: of profile and replies at most 64 KiB are kept, and the subject always.
func TestBounded(t *testing.T) {
	profile := oauth.Profile{Subject: "1", Name: strings.Repeat("n", 2048), Email: "ada@example.com", EmailVerified: true}
	long := profile
	long.Name, long.Email, long.Picture = long.Name+"n", strings.Repeat("e", 2049), strings.Repeat("p", 1<<20)
	encoded, err := json.Marshal([]any{profile, []oauth.Reply{{URL: "u", Body: []byte(`""`)}}})
	if err != nil {
		t.Fatal(err)
	}
	fits := oauth.Reply{URL: "u", Body: []byte(`"` + strings.Repeat("x", 64<<10-len(encoded)) + `"`)}
	tooLong := oauth.Reply{URL: "u", Body: []byte(`"x` + string(fits.Body[1:]))}
	small := oauth.Reply{URL: "v", Body: []byte(`1`)}
	for name, row := range map[string]struct {
		profile oauth.Profile
		replies []oauth.Reply
		want    oauth.Profile
		kept    []oauth.Reply
	}{
		"all of 64 KiB":      {profile, []oauth.Reply{fits}, profile, []oauth.Reply{fits}},
		"one byte more":      {profile, []oauth.Reply{tooLong}, profile, []oauth.Reply{}},
		"the last reply":     {profile, []oauth.Reply{small, fits}, profile, []oauth.Reply{small}},
		"members of 2 KiB+1": {long, []oauth.Reply{small}, oauth.Profile{Subject: "1"}, []oauth.Reply{small}},
	} {
		w := newWorld(t, account.NewMemory())
		key := account.Key{Provider: "p", Subject: "1"}
		if _, err := w.accounts.SignIn(t.Context(), key, account.Grant{Profile: row.profile, Replies: row.replies}); err != nil {
			t.Fatal(err)
		}
		got := w.open(w.stored(key))
		if d := cmp.Diff(row.want, got.Profile); d != "" {
			t.Errorf("%s: profile: %s", name, d)
		}
		if d := cmp.Diff(row.kept, got.Replies); d != "" {
			t.Errorf("%s: replies (-want +got): %.500s", name, d)
		}
	}
}
