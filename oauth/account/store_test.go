package account_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"example.com/oauthbyhand/oauth/account"
	"github.com/google/go-cmp/cmp"
)

func TestStores(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		testStore(t, func(t *testing.T) account.Store { return account.NewMemory() })
	})
	t.Run("file", func(t *testing.T) {
		testStore(t, func(t *testing.T) account.Store {
			store, _, err := account.Open(filepath.Join(t.TempDir(), "data"), true, "")
			wantError(t, err, nil, "open")
			t.Cleanup(func() { store.Close() })
			return store
		})
	})
}

var day = time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)

func identity(user, provider, subject string, after time.Duration) account.Identity {
	return account.Identity{Key: account.Key{Provider: provider, Subject: subject}, UserID: user, Created: day.Add(after), Sealed: "sealed " + subject}
}

func session(user, hash string) account.Session {
	return account.Session{Hash: hash, UserID: user, Key: account.Key{Provider: "p", Subject: "1"}, Begun: day, Seen: day, Proof: "proof"}
}

// testStore has the tests that every Store must pass.
func testStore(t *testing.T, empty func(*testing.T) account.Store) {
	ctx := context.Background()
	must := func(t *testing.T, err, want error) {
		t.Helper()
		wantError(t, err, want, "on this line")
	}
	first, second := identity("ada", "p", "1", 0), identity("ada", "q", "1", 0)
	open := func(t *testing.T, holds ...account.Identity) account.Store {
		t.Helper()
		s := empty(t)
		for _, i := range holds {
			must(t, s.AddIdentity(ctx, i), nil)
		}
		return s
	}
	sessions := func(t *testing.T, s account.Store, want error, hashes ...string) {
		t.Helper()
		for _, hash := range hashes {
			_, err := s.Session(ctx, hash)
			must(t, err, want)
		}
	}

	t.Run("identities", func(t *testing.T) {
		s := open(t, first, second)
		user := func(id string, want ...account.Identity) {
			t.Helper()
			all, err := s.Identities(ctx, id)
			must(t, err, nil)
			wantEqual(t, want, all, id)
		}
		_, err := s.Identity(ctx, account.Key{Provider: "p", Subject: "2"})
		must(t, err, account.ErrNotFound)
		must(t, s.AddIdentity(ctx, first), account.ErrTaken)
		must(t, s.AddIdentity(ctx, identity("mallory", "p", "1", 0)), account.ErrTaken)
		got, err := s.Identity(ctx, first.Key)
		must(t, err, nil)
		wantEqual(t, first, got, "the first stays")
		user("ada", first, second)
		user("mallory")
	})
	t.Run("one of many at once", func(t *testing.T) {
		s := open(t)
		var wg sync.WaitGroup
		added := make(chan string, 20)
		for n := range 20 {
			wg.Go(func() {
				id := fmt.Sprint("user", n)
				err := s.AddIdentity(ctx, identity(id, "p", "1", 0))
				if err == nil {
					added <- id
				} else if !errors.Is(err, account.ErrTaken) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(added) != 1 {
			t.Fatalf("%d of 20 got the same identity", len(added))
		}
		got, err := s.Identity(ctx, first.Key)
		must(t, err, nil)
		wantEqual(t, <-added, got.UserID, "it belongs to the one who was told so")
	})
	t.Run("remove", func(t *testing.T) {
		s := open(t, first, second)
		must(t, s.RemoveIdentity(ctx, "mallory", first.Key), account.ErrNotFound)
		with := session("ada", "h2")
		with.Key = second.Key
		must(t, s.AddSession(ctx, session("ada", "h1")), nil)
		must(t, s.AddSession(ctx, with), nil)
		must(t, s.RemoveIdentity(ctx, "ada", first.Key), nil)
		must(t, s.RemoveIdentity(ctx, "ada", first.Key), account.ErrNotFound)
		sessions(t, s, account.ErrNotFound, "h1") // it began with the identity
		sessions(t, s, nil, "h2")
		must(t, s.AddSession(ctx, session("ada", "h3")), account.ErrNotFound)
		must(t, s.RemoveIdentity(ctx, "ada", second.Key), nil)
		sessions(t, s, account.ErrNotFound, "h2")
		must(t, s.AddSession(ctx, with), account.ErrNotFound)          // the user is gone
		must(t, s.AddIdentity(ctx, identity("eve", "p", "1", 0)), nil) // it is free again
	})
	t.Run("two removed at once", func(t *testing.T) {
		s := open(t, first, second)
		errs := make(chan error, 4)
		for _, key := range []account.Key{first.Key, second.Key, first.Key, second.Key} {
			go func() { errs <- s.RemoveIdentity(ctx, "ada", key) }()
		}
		removed := 0
		for range cap(errs) {
			if err := <-errs; err == nil {
				removed++
			} else {
				must(t, err, account.ErrNotFound)
			}
		}
		wantEqual(t, 2, removed, "each is removed once")
	})
	t.Run("tokens", func(t *testing.T) {
		s := open(t, first)
		must(t, s.UpdateTokens(ctx, "ada", second.Key, func(string) (string, error) { return "", nil }), account.ErrNotFound)
		must(t, s.UpdateTokens(ctx, "ada", first.Key, func(old string) (string, error) { return old + ", changed", nil }), nil)
		must(t, s.UpdateTokens(ctx, "mallory", first.Key, func(string) (string, error) { return "mine", nil }), account.ErrNotFound)
		failed := errors.New("failed")
		must(t, s.UpdateTokens(ctx, "ada", first.Key, func(string) (string, error) { return "lost", failed }), failed)
		got, err := s.Identity(ctx, first.Key)
		must(t, err, nil)
		wantEqual(t, "sealed 1, changed", got.Sealed, "only the user's own update counts, if it does not fail")
	})
	t.Run("tokens updated one after the other", func(t *testing.T) {
		s := open(t, first)
		must(t, s.UpdateTokens(ctx, "ada", first.Key, func(string) (string, error) { return "", nil }), nil)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if err := s.UpdateTokens(ctx, "ada", first.Key, func(old string) (string, error) {
					time.Sleep(time.Millisecond) // as a request to the provider would
					return old + "x", nil
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, err := s.Identity(ctx, first.Key)
		must(t, err, nil)
		wantEqual(t, "xxxxxxxxxx", got.Sealed, "ten updates")
	})
	t.Run("waiting for tokens ends with the context", func(t *testing.T) {
		s := open(t, first)
		held, release := make(chan bool), make(chan bool)
		done := make(chan error)
		go func() {
			done <- s.UpdateTokens(ctx, "ada", first.Key, func(old string) (string, error) { close(held); <-release; return "new", nil })
		}()
		<-held
		gone, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		if err := s.UpdateTokens(gone, "ada", first.Key, func(string) (string, error) { return "mine", nil }); err == nil {
			t.Error("an update did not wait for another one")
		}
		close(release)
		must(t, <-done, nil)
	})
	t.Run("sessions", func(t *testing.T) {
		s := open(t, first, identity("eve", "p", "2", 0))
		eves := session("eve", "h4")
		must(t, s.AddSession(ctx, eves), account.ErrNotFound) // the session names Ada's identity
		eves.Key.Subject = "2"
		for _, x := range []account.Session{session("ada", "h1"), session("ada", "h2"), session("ada", "h3"), eves} {
			must(t, s.AddSession(ctx, x), nil)
		}
		must(t, s.SeeSession(ctx, "h2", day.Add(20*time.Minute)), nil)
		must(t, s.RemoveSession(ctx, "h1"), nil)
		must(t, s.RemoveSession(ctx, "h1"), nil)
		must(t, s.SeeSession(ctx, "h1", day.Add(time.Hour)), nil)
		sessions(t, s, account.ErrNotFound, "h1") // seen after its end, it stays ended
		got, err := s.Session(ctx, "h2")
		must(t, err, nil)
		want := session("ada", "h2")
		want.Seen = day.Add(20 * time.Minute)
		wantEqual(t, want, got, "only the time of the last use changes")
		must(t, s.RemoveSessions(ctx, "ada"), nil)
		must(t, s.RemoveSessions(ctx, "nobody"), nil)
		sessions(t, s, account.ErrNotFound, "h2", "h3")
		sessions(t, s, nil, "h4")
	})
	t.Run("strange names", func(t *testing.T) {
		odd := identity("ada", "https://op.example/a?b", "Ünal \"'\\ \n$1 <&>", 0)
		s := open(t, odd, identity("ada", "https://op.example/a?b", "ünal \"'\\ \n$1 <&>", time.Hour)) // case matters
		got, err := s.Identity(ctx, odd.Key)
		must(t, err, nil)
		wantEqual(t, odd, got, "no other name")
	})
}

func wantEqual[T any](t testing.TB, want, got T, reason string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%swhy: %s", diff, reason)
	}
}

func wantError(t testing.TB, err, want error, reason string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", reason, err, want)
	}
}
