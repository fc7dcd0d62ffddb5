package account_test

import (
	"bytes"
	"encoding/json"
	"errors"
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
	mu       sync.Mutex
	hooked   []account.SignedIn

	refreshes atomic.Int32                                                      // requests for a refresh
	onRefresh func(w http.ResponseWriter, r *http.Request, honest http.Handler) // answers them
}

func honest(w http.ResponseWriter, r *http.Request, honest http.Handler) { honest.ServeHTTP(w, r) }

func newWorld(t testing.TB, store account.Store) *world {
	w := &world{t: t, clients: make(map[string]*oauth.Client), net: fake.Net{}, onRefresh: honest}
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
		client, err := oauth.NewClient(entry, "app", "s3cret", registered[i].RedirectURIs[0], w.net)
		if err != nil {
			t.Fatal(err)
		}
		w.clients[entry.Name] = client
	}
	w.start(store)
	return w
}

// start starts the app with what is in the store.
func (w *world) start(store account.Store) {
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

// open returns the grant as it is stored now.
func (w *world) open(key account.Key) account.Grant {
	w.t.Helper()
	grant, err := w.accounts.Open(w.stored(key))
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

// TestProviderKey: two entries of one provider can share a key.
func TestProviderKey(t *testing.T) {
	google, github := providers.Google(), providers.GitHub()
	shared := github
	shared.Name, shared.AccountKey = "github2", "github"
	for want, p := range map[string][]oauth.Provider{"https://accounts.google.com": {google}, "github": {github, shared}} {
		for _, p := range p {
			if got := account.ProviderKey(p); got != want {
				t.Errorf("%s has key %q, want %q", p.Name, got, want)
			}
		}
	}
}

func TestLinking(t *testing.T) {
	w := newWorld(t, account.NewMemory())
	ctx := t.Context()
	ada := w.signIn("google", "ada")
	if again := w.signIn("google", "ada"); again.UserID != ada.UserID {
		t.Error("a second sign-in made a second user")
	}
	mallory := w.signIn("github", "mallory") // who claims Ada's address at every provider
	if mallory.UserID == ada.UserID {
		t.Error("two accounts with one e-mail address became one user")
	}
	key, grant := w.grant("spotify", "ada")
	wantError(t, w.accounts.Connect(ctx, ada.UserID, key, grant), nil, "connected")
	if spotify := w.signIn("spotify", "ada"); spotify.UserID != ada.UserID {
		t.Error("a sign-in with the connected account is another user")
	}
	spotify := w.stored(key)
	for _, created := range []time.Time{ada.Created, spotify.Created} {
		if created.Nanosecond()%1000 != 0 || created.Location() != time.UTC || time.Since(created) > time.Minute {
			t.Errorf("created %v, want now, in whole microseconds and UTC", created)
		}
	}
	key, grant = w.grant("github", "mallory")
	wantError(t, w.accounts.Connect(ctx, ada.UserID, key, grant), account.ErrTaken, "an account of another user")
	if d := cmp.Diff(mallory, w.stored(key)); d != "" {
		t.Errorf("the refused connection changed the other user's account: %s", d)
	}

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
	if d := cmp.Diff([]hooked{
		{"https://accounts.google.com", true, true, true},
		{"https://accounts.google.com", true, false, false},
		{"github", false, true, true},
		{"spotify", true, false, true},
		{"spotify", true, false, false},
		{"https://accounts.google.com", false, true, true},
	}, got); d != "" {
		t.Errorf("the hook (-want +got):\n%s", d)
	}
}

// TestTampered: an attacker who can write to the store, but has no key, gets nobody's
// account.
func TestTampered(t *testing.T) {
	w := newWorld(t, account.NewMemory())
	ada, mallory := w.signIn("google", "ada"), w.signIn("google", "mallory")
	key, grant := w.grant("google", "mallory")
	flipped := "A"
	if strings.HasPrefix(mallory.Sealed, "A") {
		flipped = "B"
	}
	for _, row := range []struct{ reason, user, sealed string }{
		{"another user's tokens under one's own account", mallory.UserID, ada.Sealed},
		{"one's own account pointed at another user", ada.UserID, mallory.Sealed},
		{"pointed at another user, with that user's tokens", ada.UserID, ada.Sealed},
		{"one letter changed", mallory.UserID, flipped + mallory.Sealed[1:]},
		{"nothing", mallory.UserID, ""},
	} {
		w.start(account.NewMemory())
		tampered := account.Identity{Key: mallory.Key, UserID: row.user, Sealed: row.sealed}
		if err := errors.Join(w.store.AddIdentity(t.Context(), ada), w.store.AddIdentity(t.Context(), tampered)); err != nil {
			t.Fatal(err)
		}
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

// TestUpdate: a change of a grant replaces what it changes and nothing else, and a change
// that fails nothing.
func TestUpdate(t *testing.T) {
	w := newWorld(t, account.NewMemory())
	identity := w.signIn("google", "ada")
	want := w.open(identity.Key)
	failed := errors.New("failed")
	for _, result := range []error{failed, nil} {
		wantError(t, w.accounts.Update(t.Context(), identity, func(grant *account.Grant) error {
			grant.Profile.Name = "Ada King"
			return result
		}), result, "update")
		if result == nil {
			want.Profile.Name = "Ada King"
		}
		if d := cmp.Diff(want, w.open(identity.Key)); d != "" {
			t.Errorf("the change returned %v: %s", result, d)
		}
	}
}

// TestBounded: of profile and replies at most 64 KiB are kept, and the subject always.
func TestBounded(t *testing.T) {
	profile := oauth.Profile{Subject: "1", Name: "Ada", Email: "ada@example.com", EmailVerified: true, Picture: "p"}
	reply := func(size int) oauth.Reply {
		return oauth.Reply{URL: "u", Body: []byte(`"` + strings.Repeat("x", size-len(`u""`)) + `"`)}
	}
	const left = 64<<10 - len("Adaada@example.comp")
	most := profile
	most.Name = strings.Repeat("n", 64<<10-len("ada@example.comp"))
	more := most
	more.Picture = "pp"
	for name, row := range map[string]struct {
		given, want oauth.Profile
		replies     []oauth.Reply
		kept        int // replies
	}{
		"all of 64 KiB":         {profile, profile, []oauth.Reply{reply(left - 10), reply(10)}, 2},
		"one byte more":         {profile, profile, []oauth.Reply{reply(left - 10), reply(11)}, 1},
		"one long reply":        {profile, profile, []oauth.Reply{reply(left + 1), reply(10)}, 0},
		"a profile of 64 KiB":   {most, most, []oauth.Reply{reply(10)}, 0},
		"and a byte more of it": {more, oauth.Profile{Subject: "1"}, []oauth.Reply{reply(64 << 10)}, 1},
	} {
		w := newWorld(t, account.NewMemory())
		key := account.Key{Provider: "p", Subject: "1"}
		if _, err := w.accounts.SignIn(t.Context(), key, account.Grant{Profile: row.given, Replies: row.replies}); err != nil {
			t.Fatal(err)
		}
		got := w.open(key)
		if got.Profile != row.want {
			t.Errorf("%s: profile %.300v", name, got.Profile)
		}
		if d := cmp.Diff(row.replies[:row.kept], got.Replies); d != "" {
			t.Errorf("%s: replies (-want +got): %.500s", name, d)
		}
	}
}

// TestBoundedClaims: of an ID token's claims at most 64 KiB are kept, or else those that a
// refresh compares. A user may have written the others, and each change writes all accounts.
func TestBoundedClaims(t *testing.T) {
	for size, whole := range map[int]bool{64 << 10: true, 64<<10 + 1: false} {
		needed := oauth.Object{}
		left := size - len("motto")
		for _, name := range []string{"iss", "sub", "aud", "azp", "nonce", "auth_time"} {
			needed[name] = json.RawMessage(`"1"`)
			left -= len(name) + len(`"1"`)
		}
		given := maps.Clone(needed)
		given["motto"] = json.RawMessage(`"` + strings.Repeat("x", left-2) + `"`)
		w := newWorld(t, account.NewMemory())
		key := account.Key{Provider: "p", Subject: "1"}
		if _, err := w.accounts.SignIn(t.Context(), key, account.Grant{Tokens: oauth.Tokens{IDToken: given}}); err != nil {
			t.Fatal(err)
		}
		want := map[bool]oauth.Object{true: given, false: needed}[whole]
		if d := cmp.Diff(want, w.open(key).Tokens.IDToken); d != "" {
			t.Errorf("%d bytes (-want +got): %.500s", size, d)
		}
		if len(given) != len(needed)+1 {
			t.Error("the caller's claims were changed")
		}
	}
}

// TestRefreshTokenKept: a sign-in without a refresh token keeps the stored one, if that is
// of the same client.
func TestRefreshTokenKept(t *testing.T) {
	w := newWorld(t, account.NewMemory())
	key := account.Key{Provider: "p", Subject: "1"}
	for _, row := range []struct{ provider, given, want string }{
		{"google", "r1", "r1"}, {"google", "", "r1"}, {"google", "r2", "r2"}, {"google~2", "", ""}, {"google~2", "r3", "r3"},
	} {
		tokens := oauth.Tokens{Provider: row.provider, AccessToken: row.provider + row.given, RefreshToken: row.given}
		if _, err := w.accounts.SignIn(t.Context(), key, account.Grant{Tokens: tokens}); err != nil {
			t.Fatal(err)
		}
		if subject := w.open(key).Credentials.Subject; subject != "1" {
			t.Errorf("%v: token credentials of subject %q, want 1", row, subject)
		}
		tokens.RefreshToken, tokens.Subject = row.want, "1"
		if d := cmp.Diff(tokens, w.open(key).Tokens); d != "" {
			t.Errorf("%v: %s", row, d)
		}
	}
}
