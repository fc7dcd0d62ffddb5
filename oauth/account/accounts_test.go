package account_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers"
	"example.com/oauthbyhand/providers/fake"
)

// world is an app with its accounts, and the fake providers, in memory.
type world struct {
	t        testing.TB
	store    account.Store
	fails    map[string]error // see faultyStore
	accounts *account.Accounts
	clients  map[string]*oauth.Client
	net      fake.Net
	log      bytes.Buffer
	mu       sync.Mutex
	hooked   []account.SignedIn

	refreshes atomic.Int32                                                      // requests for a refresh
	onRefresh func(w http.ResponseWriter, r *http.Request, honest http.Handler) // answers them
}

func honest(w http.ResponseWriter, r *http.Request, honest http.Handler) { honest.ServeHTTP(w, r) }

// faultyStore returns the errors in fails, by the name of the operation. Identity and all changes
// return an error once. The times of its sessions are in another time zone.
type faultyStore struct {
	account.Store
	fails map[string]error
}

func (s faultyStore) unless(name string, operation func() error) error {
	if err := s.fails[name]; err != nil {
		delete(s.fails, name)
		return err
	}
	return operation()
}

func (s faultyStore) AddIdentity(ctx context.Context, i account.Identity) error {
	return s.unless("AddIdentity", func() error { return s.Store.AddIdentity(ctx, i) })
}

func (s faultyStore) Identity(ctx context.Context, key account.Key) (i account.Identity, err error) {
	err = s.unless("Identity", func() error { i, err = s.Store.Identity(ctx, key); return err })
	return i, err
}

func (s faultyStore) Identities(ctx context.Context, userID string) ([]account.Identity, error) {
	all, err := s.Store.Identities(ctx, userID)
	return all, errors.Join(err, s.fails["Identities"])
}

func (s faultyStore) UpdateTokens(ctx context.Context, userID string, key account.Key, update func(string) (string, error)) error {
	return s.Store.UpdateTokens(ctx, userID, key, func(old string) (string, error) {
		sealed, err := update(old)
		return sealed, errors.Join(err, s.unless("UpdateTokens", func() error { return nil }))
	})
}

func (s faultyStore) Session(ctx context.Context, hash string) (account.Session, error) {
	session, err := s.Store.Session(ctx, hash)
	session.Begun = session.Begun.In(time.FixedZone("", 3600))
	return session, errors.Join(err, s.fails["Session"])
}

func (s faultyStore) SeeSession(ctx context.Context, hash string, seen time.Time) error {
	return s.unless("SeeSession", func() error { return s.Store.SeeSession(ctx, hash, seen) })
}

func (s faultyStore) RemoveSession(ctx context.Context, hash string) error {
	return s.unless("RemoveSession", func() error { return s.Store.RemoveSession(ctx, hash) })
}

func (s faultyStore) RemoveSessions(ctx context.Context, userID string) error {
	return s.unless("RemoveSessions", func() error { return s.Store.RemoveSessions(ctx, userID) })
}

var errDisk = errors.New("the disk is broken")

func newWorld(t testing.TB) *world {
	w := &world{t: t, fails: make(map[string]error), clients: make(map[string]*oauth.Client), net: fake.Net{}, onRefresh: honest}
	entries := append(providers.All(), providers.OpenID("https://openid.example"))
	var registered []fake.Client
	for _, entry := range entries {
		registered = append(registered, fake.Client{Provider: entry.Name, ID: "app", Secret: "s3cret", RedirectURIs: []string{"https://app.example/callback/" + entry.Name}})
	}
	for host, handler := range fake.New(fake.Options{Clients: registered}).Net() {
		w.net[host] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			if !strings.Contains(string(body), "grant_type=refresh_token") {
				handler.ServeHTTP(rw, r)
				return
			}
			w.refreshes.Add(1)
			w.onRefresh(rw, r, handler)
		})
	}
	for i, entry := range entries {
		w.clients[entry.Name] = must(oauth.NewClient(entry, "app", "s3cret", registered[i].RedirectURIs[0], w.net))
	}
	w.start(faultyStore{account.NewMemory(), w.fails})
	return w
}

// start starts the app on a store.
func (w *world) start(store account.Store) {
	w.store = store
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	w.accounts = must(account.NewAccounts(store, make([]byte, 32), log, func(in account.SignedIn) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.hooked = append(w.hooked, in)
	}))
}

// grant makes steps 1 to 5 for a user of the fake, and stores nothing.
func (w *world) grant(provider, user string) (account.Key, account.Grant) {
	ctx, client := w.t.Context(), w.clients[provider]
	attempt, where, err := client.Begin(ctx)
	wantError(w.t, err, nil, "step 1")
	browser := http.Client{Transport: w.net, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	allowed := must(browser.PostForm(where, url.Values{"user": {user}, "decision": {"allow"}, "scope": attempt.Scopes}))
	back := must(url.Parse(allowed.Header.Get("Location")))
	callback := must(client.ParseCallback(ctx, attempt, back.RawQuery))
	unverified := must(client.Exchange(ctx, callback))
	tokens := must(client.VerifyIDToken(ctx, unverified))
	info := must(client.UserInfo(ctx, tokens))
	return account.Key{Provider: account.ProviderKey(client.Provider), Subject: info.Profile.Subject}, account.Grant{Profile: info.Profile, Tokens: tokens}
}

// signIn signs a user of the fake in, and returns the stored identity.
func (w *world) signIn(provider, user string) account.Identity {
	key, grant := w.grant(provider, user)
	must(w.accounts.SignIn(w.t.Context(), key, grant))
	return w.stored(key)
}

func (w *world) stored(key account.Key) account.Identity {
	return must(w.store.Identity(w.t.Context(), key))
}

// open returns the stored grant.
func (w *world) open(key account.Key) account.Grant {
	return must(w.accounts.Open(w.stored(key)))
}

// works reports whether the provider accepts an access token.
func (w *world) works(provider string, t oauth.Tokens) bool {
	_, err := w.clients[provider].UserInfo(w.t.Context(), t)
	return err == nil
}

// must ends the test at an error that the test is not about.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// TestProviderKey: two entries of one provider can share a key.
func TestProviderKey(t *testing.T) {
	google, github := providers.Google(), providers.GitHub()
	shared := github
	shared.Name, shared.AccountKey = "github2", "github"
	got := []string{account.ProviderKey(google), account.ProviderKey(github), account.ProviderKey(shared)}
	wantEqual(t, []string{"https://accounts.google.com", "github", "github"}, got, "the issuer, the name, the shared key")
}

func TestLinking(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ada := w.signIn("google", "ada")
	wantEqual(t, ada.UserID, w.signIn("google", "ada").UserID, "a second sign-in makes no second user")
	mallory := w.signIn("github", "mallory") // who claims Ada's address at every provider
	if mallory.UserID == ada.UserID {
		t.Error("two accounts with one e-mail address became one user")
	}
	key, grant := w.grant("spotify", "ada")
	wantError(t, w.accounts.Connect(ctx, ada.UserID, key, grant), nil, "connected")
	wantEqual(t, ada.UserID, w.signIn("spotify", "ada").UserID, "a sign-in with the connected account")
	spotify := w.stored(key)
	for _, created := range []time.Time{ada.Created, spotify.Created} {
		if created.Nanosecond()%1000 != 0 || created.Location() != time.UTC || time.Since(created) > time.Minute {
			t.Errorf("created %v, want now, in whole microseconds and UTC", created)
		}
	}
	key, grant = w.grant("github", "mallory")
	wantError(t, w.accounts.Connect(ctx, ada.UserID, key, grant), account.ErrTaken, "an account of another user")
	wantEqual(t, mallory, w.stored(key), "the refused connection does not change the other user's account")

	wantError(t, w.accounts.Disconnect(ctx, ada), nil, "one of two")
	if all, err := w.accounts.Identities(ctx, ada.UserID); err != nil || len(all) != 1 || all[0].Key != spotify.Key {
		t.Errorf("after disconnecting Google: %v, %v", all, err)
	}
	wantError(t, w.accounts.Disconnect(ctx, spotify), nil, "the last one")
	wantError(t, w.accounts.Disconnect(ctx, spotify), account.ErrNotFound, "once more")
	wantError(t, w.accounts.Connect(ctx, ada.UserID, key, grant), account.ErrNotFound, "connected to a user who is gone")
	if fresh := w.signIn("google", "ada"); fresh.UserID == ada.UserID {
		t.Error("an account that was disconnected still leads to the user")
	}
	wantError(t, w.accounts.Update(ctx, ada, func(*account.Grant) error { return nil }), account.ErrNotFound, "by a request that began when it was still the user's")

	type hooked struct {
		Provider                  string
		Ada, NewUser, NewIdentity bool
	}
	var got []hooked
	for _, in := range w.hooked {
		got = append(got, hooked{in.Identity.Provider, in.Identity.UserID == ada.UserID, in.NewUser, in.NewIdentity})
	}
	wantEqual(t, []hooked{
		{"https://accounts.google.com", true, true, true},
		{"https://accounts.google.com", true, false, false},
		{"github", false, true, true},
		{"spotify", true, false, true},
		{"spotify", true, false, false},
		{"https://accounts.google.com", false, true, true},
	}, got, "the hook")
}

// TestTampered: an attacker who can write to the store, but has no key, gets nobody's
// account.
func TestTampered(t *testing.T) {
	w := newWorld(t)
	ada, mallory := w.signIn("google", "ada"), w.signIn("google", "mallory")
	key, grant := w.grant("google", "mallory")
	for _, row := range []struct{ reason, user, sealed string }{
		{"another user's tokens under one's own account", mallory.UserID, ada.Sealed},
		{"one's own account pointed at another user", ada.UserID, mallory.Sealed},
		{"pointed at another user, with that user's tokens", ada.UserID, ada.Sealed},
		{"one letter less", mallory.UserID, mallory.Sealed[1:]},
		{"nothing", mallory.UserID, ""},
	} {
		w.start(account.NewMemory())
		tampered := account.Identity{Key: mallory.Key, UserID: row.user, Sealed: row.sealed}
		wantError(t, errors.Join(w.store.AddIdentity(t.Context(), ada), w.store.AddIdentity(t.Context(), tampered)), nil, row.reason)
		if _, err := w.accounts.Grant(t.Context(), tampered, w.clients["google"]); err == nil {
			t.Errorf("%s: its tokens are given out", row.reason)
		}
		if _, err := w.accounts.Refresh(t.Context(), tampered, w.clients["google"], "t"); err == nil {
			t.Errorf("%s: its tokens are refreshed", row.reason)
		}
		if user, err := w.accounts.SignIn(t.Context(), key, grant); err == nil {
			t.Errorf("%s: signed in as %v", row.reason, user)
		}
	}
}

// TestBounded: if a grant is longer than 64 KiB, the replies are left out. If the rest is still
// too long, only what a refresh and the next sign-in need is kept.
func TestBounded(t *testing.T) {
	needed := make(oauth.Object)
	for _, name := range []string{"iss", "sub", "aud", "azp", "nonce", "auth_time"} {
		needed[name] = json.RawMessage(`"1"`)
	}
	claims := maps.Clone(needed)
	claims["motto"] = json.RawMessage(`"Festina lente"`)
	whole := account.Grant{
		Profile:     oauth.Profile{Subject: "1", Email: "ada@example.com", EmailVerified: true, Picture: "p"},
		Replies:     []oauth.Reply{{URL: "u", Body: json.RawMessage(`{"login":"ada"}`)}},
		Tokens:      oauth.Tokens{AccessToken: "a", RefreshToken: "r", Subject: "1", IDToken: claims},
		Credentials: oauth.TokenCredentials{Subject: "1"},
	}
	short, least := whole, whole
	short.Replies, least.Replies = nil, nil
	least.Profile, least.Tokens.IDToken = oauth.Profile{Subject: "1"}, needed
	left := func(g account.Grant) int { return 64<<10 - len(must(json.Marshal(g))) } // how long a name can be
	for _, row := range []struct {
		reason string
		name   int // its length
		want   account.Grant
	}{
		{"64 KiB", left(whole), whole},
		{"a byte more", left(whole) + 1, short},
		{"64 KiB without the replies", left(short), short},
		{"and a byte more", left(short) + 1, least},
	} {
		w, given := newWorld(t), whole
		given.Profile.Name = strings.Repeat("n", row.name)
		if row.want.Profile != least.Profile {
			row.want.Profile.Name = given.Profile.Name
		}
		key := account.Key{Provider: "p", Subject: "1"}
		must(w.accounts.SignIn(t.Context(), key, given))
		wantEqual(t, row.want, w.open(key), row.reason)
		wantEqual(t, len(needed)+1, len(claims), "the caller's claims stay as they are")
	}
}

// TestRefreshTokenKept: a sign-in without a refresh token keeps the stored one, if both are
// from the same provider entry.
func TestRefreshTokenKept(t *testing.T) {
	w := newWorld(t)
	key := account.Key{Provider: "p", Subject: "1"}
	for _, row := range []struct{ provider, given, want string }{
		{"google", "r1", "r1"}, {"google", "", "r1"}, {"google", "r2", "r2"}, {"google~2", "", ""}, {"google~2", "r3", "r3"},
	} {
		tokens := oauth.Tokens{Provider: row.provider, AccessToken: row.provider + row.given, RefreshToken: row.given}
		must(w.accounts.SignIn(t.Context(), key, account.Grant{Tokens: tokens}))
		wantEqual(t, "1", w.open(key).Credentials.Subject, fmt.Sprintf("%v: whose token credentials", row))
		tokens.RefreshToken, tokens.Subject = row.want, "1"
		wantEqual(t, tokens, w.open(key).Tokens, fmt.Sprint(row))
	}
}

// TestStoreFails: if the store fails, the caller gets its error, and nobody is signed in.
func TestStoreFails(t *testing.T) {
	w := newWorld(t)
	ada := w.signIn("google", "ada")
	key, grant := w.grant("google", "ada")
	other, _ := w.grant("github", "ada")
	signIn := func(key account.Key) error { _, err := w.accounts.SignIn(t.Context(), key, grant); return err }
	for _, row := range []struct {
		operation string
		do        func() error
	}{
		{"AddIdentity", func() error { return signIn(other) }},
		{"Identity", func() error { return signIn(key) }},
		{"UpdateTokens", func() error { return signIn(key) }},
		{"Identity", func() error { return w.accounts.Connect(t.Context(), ada.UserID, other, grant) }},
		{"Identities", func() error { return w.accounts.Connect(t.Context(), "nobody", other, grant) }},
	} {
		hooked := len(w.hooked)
		w.fails[row.operation] = errDisk
		wantError(t, row.do(), errDisk, row.operation)
		delete(w.fails, row.operation)
		if len(w.hooked) > hooked || w.stored(key) != ada {
			t.Errorf("%s: somebody was signed in all the same", row.operation)
		}
	}
}

// TestTwoTabs: if two tabs sign in for the first time at once, both sign in as one user.
func TestTwoTabs(t *testing.T) {
	w := newWorld(t)
	ada := w.signIn("google", "ada")
	w.fails["Identity"] = account.ErrNotFound
	if again := w.signIn("google", "ada"); again.UserID != ada.UserID || w.hooked[1].NewUser || w.hooked[1].NewIdentity {
		t.Errorf("user %s and then %+v", ada.UserID, w.hooked[1])
	}
}

// TestWhatCannotBeKept: a key of another length is refused, and a grant that JSON cannot hold.
func TestWhatCannotBeKept(t *testing.T) {
	_, err := account.NewAccounts(account.NewMemory(), []byte("short"), slog.New(slog.DiscardHandler), nil)
	_, err2 := account.NewSessions(account.NewMemory(), []byte("short"), true)
	const short = "oauth: root key of 5 bytes, want 32"
	wantEqual(t, []string{short, short}, []string{fmt.Sprint(err), fmt.Sprint(err2)}, "a short key")
	w := newWorld(t)
	key, grant := w.grant("google", "ada")
	grant.Read = time.Unix(1<<40, 0) // a year of five digits
	if user, err := w.accounts.SignIn(t.Context(), key, grant); err == nil || len(w.hooked) > 0 {
		t.Errorf("signed in as %q with a grant that cannot be stored", user)
	}
}
