package account_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"github.com/google/go-cmp/cmp"
)

// in runs f in a bubble of time, with a user of the fake signed in.
func in(t *testing.T, provider string, f func(t *testing.T, w *world, identity account.Identity, client *oauth.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, account.NewMemory())
		f(t, w, w.signIn(provider, "ada"), w.clients[provider])
	})
}

// TestRefresh: GitHub gives a new refresh token each time, and Google never.
func TestRefresh(t *testing.T) {
	for provider, rotates := range map[string]bool{"github": true, "google": false} {
		in(t, provider, func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
			before := w.open(identity.Key).Tokens
			life := time.Until(before.Expiry)
			time.Sleep(life - 61*time.Second)
			grant, err := w.accounts.Grant(t.Context(), identity, client)
			if err != nil || grant.Tokens.AccessToken != before.AccessToken {
				t.Fatalf("%s: refreshed with 61 seconds left: %v", provider, err)
			}
			time.Sleep(2 * time.Second)
			if grant, err = w.accounts.Grant(t.Context(), identity, client); err != nil {
				t.Fatal(err)
			}
			after := grant.Tokens
			if after.AccessToken == before.AccessToken || rotates == (after.RefreshToken == before.RefreshToken) || !w.works(provider, after) {
				t.Errorf("%s: with 59 seconds left there are no new tokens that work", provider)
			}
			want := before
			want.AccessToken, want.RefreshToken, want.Expiry, want.Issued, want.IDToken = after.AccessToken, after.RefreshToken, time.Now().Add(life), time.Now(), after.IDToken
			if d := cmp.Diff(want, after); d != "" {
				t.Errorf("%s (-want +got): %s", provider, d)
			}
			if d := cmp.Diff(grant, w.open(identity.Key)); d != "" {
				t.Errorf("%s: what is stored is not what is used: %s", provider, d)
			}
			// The identity in hand is an old copy. It leads to the new tokens all the same, and
			// so does a token that was refused just before another request replaced it.
			for _, refused := range []string{"", before.AccessToken} {
				if again, err := w.accounts.Refresh(t.Context(), identity, client, refused); err != nil || again.Tokens.AccessToken != after.AccessToken {
					t.Errorf("%s: asked once more: %v", provider, err)
				}
			}
			if n := w.refreshes.Load(); n != 1 {
				t.Errorf("%s: %d refreshes, want 1", provider, n)
			}
		})
	}
}

func slow(w http.ResponseWriter, r *http.Request, honest http.Handler) {
	time.Sleep(2 * time.Second)
	honest.ServeHTTP(w, r)
}

// TestOneRefresh: fifty requests at once share a refresh, also if the request that began
// it is cancelled.
func TestOneRefresh(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		time.Sleep(9 * time.Hour)
		w.onRefresh = slow
		leader, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gone, results := make(chan error), make(chan string, 50)
		go func() {
			_, err := w.accounts.Grant(leader, identity, client)
			gone <- err
		}()
		synctest.Wait()
		for range cap(results) {
			go func() {
				grant, err := w.accounts.Grant(t.Context(), identity, client)
				if err != nil {
					t.Error(err)
				}
				results <- grant.Tokens.AccessToken
			}()
		}
		wantError(t, <-gone, context.DeadlineExceeded, "the request that was cancelled")
		tokens := w.open(identity.Key).Tokens
		w.accounts.Wait() // as the app does before it ends
		if stored := w.open(identity.Key).Tokens; stored.AccessToken == tokens.AccessToken || !w.works("github", stored) {
			t.Error("Wait returned before the new tokens were stored")
		}
		for range cap(results) {
			if token := <-results; token != w.open(identity.Key).Tokens.AccessToken {
				t.Fatal("one of them got other tokens than those that are stored")
			}
		}
		if n := w.refreshes.Load(); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
	})
}

// TestProviderDown: the token is used until it expires. The grant is not over.
func TestProviderDown(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		w.onRefresh = func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
			http.Error(rw, "down", http.StatusServiceUnavailable)
		}
		time.Sleep(8*time.Hour - 30*time.Second)
		if _, err := w.accounts.Grant(t.Context(), identity, client); err != nil || !strings.Contains(w.log.String(), `level=WARN msg="not refreshed yet" provider=github err=`) {
			t.Errorf("the token still has 30 seconds: %v, and in the log %s", err, &w.log)
		}
		time.Sleep(time.Minute)
		_, err := w.accounts.Grant(t.Context(), identity, client)
		if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "reply-status-200" || failed.Check.Step != 6 || errors.Is(err, account.ErrSignInAgain) {
			t.Errorf("error %v, want reply-status-200 of step 6", err)
		}
		if w.stored(identity.Key) != identity {
			t.Error("something was stored")
		}
		w.onRefresh = honest
		if grant, err := w.accounts.Grant(t.Context(), identity, client); err != nil || !w.works("github", grant.Tokens) {
			t.Errorf("once it is up again: %v", err)
		}
	})
}

// hangingStore waits for a lock that nobody releases.
type hangingStore struct{ account.Store }

func (hangingStore) UpdateTokens(ctx context.Context, _ account.Key, _ func(string) (string, error)) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestHangingRefresh: a refresh gives up after 15 seconds.
func TestHangingRefresh(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		w.start(hangingStore{w.store})
		began := time.Now()
		_, err := w.accounts.Refresh(t.Context(), identity, client, "")
		wantError(t, err, context.DeadlineExceeded, "a lock that is never free")
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("it took %v, want 15s", took)
		}
	})
}

// TestGrantEnded: these refusals of a refresh mean that the user must sign in again, and
// the provider is asked once. No other refusal ends it.
func TestGrantEnded(t *testing.T) {
	for code, asked := range map[string]int32{"invalid_grant": 1, "interaction_required": 1, "consent_required": 1, "login_required": 1, "server_error": 2} {
		in(t, "google", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
			want := w.open(identity.Key).Tokens
			if asked == 1 {
				want = oauth.Tokens{Provider: want.Provider, Asked: want.Asked, Scopes: want.Scopes, Subject: want.Subject}
			}
			time.Sleep(time.Hour - 30*time.Second) // the access token is still good
			w.onRefresh = func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
				rw.Header().Set("Content-Type", "application/json")
				rw.WriteHeader(http.StatusBadRequest)
				io.WriteString(rw, `{"error":"`+code+`"}`)
			}
			for range 2 {
				_, err := w.accounts.Grant(t.Context(), w.stored(identity.Key), client)
				ended := errors.Is(err, account.ErrSignInAgain) && errors.Is(err, account.ErrGrantEnded) && !errors.Is(err, account.ErrNoRefresh)
				if ended != (asked == 1) || ended != (err != nil) {
					t.Errorf("%s: %v", code, err)
				}
			}
			if n := w.refreshes.Load(); n != asked {
				t.Errorf("%s: the provider was asked %d times, want %d", code, n, asked)
			}
			kept := w.open(identity.Key)
			if d := cmp.Diff(want, kept.Tokens); d != "" || kept.Profile.Name == "" {
				t.Errorf("%s: what is kept: %+v %s", code, kept.Profile, d)
			}
			w.onRefresh = honest
			again := w.signIn("google", "ada")
			if grant, err := w.accounts.Grant(t.Context(), again, client); err != nil || again.UserID != identity.UserID || !w.works("google", grant.Tokens) {
				t.Errorf("%s: after signing in again: %v", code, err)
			}
		})
	}
}

// TestNoRefreshToken: Meta has none, and the generic provider gives one for offline_access
// only.
func TestNoRefreshToken(t *testing.T) {
	for _, provider := range []string{"oidc", "facebook"} {
		in(t, provider, func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
			expiry := w.open(identity.Key).Tokens.Expiry
			never := func(grant *account.Grant) error { grant.Tokens.Expiry = time.Time{}; return nil }
			time.Sleep(time.Until(expiry) - 30*time.Second)
			_, err := w.accounts.Grant(t.Context(), identity, client)
			wantError(t, err, nil, provider+": with 30 seconds left")
			time.Sleep(30 * time.Second)
			_, err = w.accounts.Grant(t.Context(), identity, client)
			wantError(t, err, account.ErrSignInAgain, provider+": expired, and nothing to refresh it with")
			wantError(t, err, account.ErrNoRefresh, provider+": that is the reason")
			if errors.Is(err, account.ErrGrantEnded) {
				t.Errorf("%s: the provider is said to have ended the grant: %v", provider, err)
			}
			wantError(t, w.accounts.Update(t.Context(), identity, never), nil, provider+": update")
			_, err = w.accounts.Grant(t.Context(), w.stored(identity.Key), client)
			wantError(t, err, nil, provider+": a token that does not expire")
		})
	}
}

// TestCall: a refused token is refreshed once, and the call is made once more.
func TestCall(t *testing.T) {
	for _, row := range []struct {
		reason                            string
		refused, status, calls, refreshes int
		want                              error
	}{
		{"a good token", 0, 401, 1, 0, nil},
		{"one 401: refreshed, and called again", 1, 401, 2, 1, nil},
		{"and again: no loop", 9, 401, 2, 1, account.ErrGrantEnded},
		{"403 says nothing about the token", 1, 403, 1, 0, &oauth.Refusal{}},
	} {
		w := newWorld(t, account.NewMemory())
		calls := 0
		err := w.accounts.Call(t.Context(), w.signIn("github", "ada"), w.clients["github"], func(oauth.Tokens) error {
			if calls++; calls > row.refused {
				return nil
			}
			return &oauth.Refusal{Step: 5, Status: row.status}
		})
		if _, refused := errors.AsType[*oauth.Refusal](err); refused != (row.want != nil) || errors.Is(err, account.ErrSignInAgain) != (row.want == account.ErrGrantEnded) {
			t.Errorf("%s: error %v", row.reason, err)
		}
		if n := int(w.refreshes.Load()); calls != row.calls || n != row.refreshes {
			t.Errorf("%s: %d calls and %d refreshes, want %d and %d", row.reason, calls, n, row.calls, row.refreshes)
		}
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

// TestNotStored: new tokens that cannot be stored are not used. The fake has spent the old
// refresh token, so the user has to sign in again.
func TestNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fullStore{Store: account.NewMemory()}
		w := newWorld(t, store)
		identity, client := w.signIn("github", "ada"), w.clients["github"]
		time.Sleep(9 * time.Hour)
		store.full = true
		grant, err := w.accounts.Grant(t.Context(), identity, client)
		wantError(t, err, errFull, "tokens that cannot be stored")
		if grant.Tokens.AccessToken != "" {
			t.Error("they are given out")
		}
		key, fresh := w.grant("github", "ada")
		_, err = w.accounts.SignIn(t.Context(), key, fresh)
		wantError(t, err, errFull, "a sign-in that cannot be stored")
		if w.stored(key) != identity {
			t.Error("something of it was stored")
		}
		store.full = false
		_, err = w.accounts.Grant(t.Context(), identity, client)
		wantError(t, err, account.ErrGrantEnded, "a refresh token that is spent")
		if again := w.signIn("github", "ada"); again.UserID != identity.UserID {
			t.Error("after signing in again it is another user")
		}
	})
}

// TestPanicInRefresh: a provider entry that panics is an error for the requests that wait.
func TestPanicInRefresh(t *testing.T) {
	in(t, "google", func(t *testing.T, w *world, identity account.Identity, honest *oauth.Client) {
		time.Sleep(2 * time.Hour)
		entry := honest.Provider
		entry.TokenReply = func(oauth.Object) (oauth.Object, error) { panic("a mistake") }
		client, err := oauth.NewClient(entry, "app", "s3cret", "https://app.example/callback/google", w.net)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.accounts.Grant(t.Context(), identity, client)
		if err == nil || !strings.Contains(err.Error(), "the refresh at google panicked; see the log") || !strings.Contains(w.log.String(), `panic="a mistake" stack=`) || !strings.Contains(w.log.String(), "tokens_test.go:") {
			t.Errorf("error %v, and in the log %s", err, &w.log)
		}
		if _, err := w.accounts.Grant(t.Context(), identity, honest); err != nil {
			t.Errorf("the identity is still locked: %v", err)
		}
	})
}
