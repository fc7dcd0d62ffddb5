package account_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
)

// brittleStore fails in the operations that are set. Its times are of another zone.
type brittleStore struct {
	account.Store
	fails map[string]error
}

func (s brittleStore) AddIdentity(ctx context.Context, i account.Identity) error {
	if err := s.fails["AddIdentity"]; err != nil {
		return err
	}
	return s.Store.AddIdentity(ctx, i)
}

func (s brittleStore) Identity(ctx context.Context, key account.Key) (account.Identity, error) {
	if err := s.fails["Identity"]; err != nil {
		return account.Identity{}, err
	}
	return s.Store.Identity(ctx, key)
}

func (s brittleStore) Identities(ctx context.Context, userID string) ([]account.Identity, error) {
	all, err := s.Store.Identities(ctx, userID)
	return all, errors.Join(err, s.fails["Identities"])
}

func (s brittleStore) UpdateTokens(ctx context.Context, key account.Key, update func(string) (string, error)) error {
	if err := s.fails["UpdateTokens"]; err != nil {
		return err
	}
	return s.Store.UpdateTokens(ctx, key, update)
}

func (s brittleStore) Session(ctx context.Context, hash string) (account.Session, error) {
	session, err := s.Store.Session(ctx, hash)
	session.Begun = session.Begun.In(time.FixedZone("", 3600))
	return session, errors.Join(err, s.fails["Session"])
}

func (s brittleStore) RemoveSession(ctx context.Context, hash string) error {
	if err := s.fails["RemoveSession"]; err != nil {
		delete(s.fails, "RemoveSession") // once
		return err
	}
	return s.Store.RemoveSession(ctx, hash)
}

var errDisk = errors.New("the disk is broken")

// TestStoreFails: what the store says is what the caller gets, and nobody is signed in.
func TestStoreFails(t *testing.T) {
	fails := map[string]error{}
	w := newWorld(t, brittleStore{account.NewMemory(), fails})
	ada := w.signIn("google", "ada")
	key, grant := w.grant("google", "ada")
	other, _ := w.grant("github", "ada")
	sessions, err := account.NewSessions(w.store, make([]byte, 32), false)
	if err != nil {
		t.Fatal(err)
	}
	cookie := begin(t, sessions, ada)
	planted := *cookie
	planted.Value = "planted"
	all := withCookies(cookie, &planted)
	for _, row := range []struct {
		operation string
		do        func() error
	}{
		{"AddIdentity", func() error { _, err := w.accounts.SignIn(t.Context(), other, grant); return err }},
		{"AddIdentity", func() error { return w.accounts.Connect(t.Context(), ada.UserID, other, grant) }},
		{"Identity", func() error { _, err := w.accounts.SignIn(t.Context(), key, grant); return err }},
		{"UpdateTokens", func() error {
			fails["Identity"] = errors.New("the disk is broken here, too")
			defer delete(fails, "Identity")
			return w.accounts.Update(t.Context(), ada, func(*account.Grant) error { return nil })
		}},
		{"Identities", func() error { return w.accounts.Connect(t.Context(), "nobody", other, grant) }},
		{"Session", func() error { _, err := sessions.Get(withCookies(cookie)); return err }},
		{"RemoveSession", func() error { return sessions.EndAll(httptest.NewRecorder(), withCookies(begin(t, sessions, ada))) }},
		{"RemoveSession", func() error { return sessions.End(httptest.NewRecorder(), all) }},
	} {
		hooked := len(w.hooked)
		fails[row.operation] = errDisk
		wantError(t, row.do(), errDisk, row.operation)
		delete(fails, row.operation)
		if len(w.hooked) > hooked {
			t.Errorf("%s: somebody was signed in all the same", row.operation)
		}
	}
	// A time as another zone writes it is the same time.
	if _, err := sessions.Get(withCookies(begin(t, sessions, ada))); err != nil {
		t.Errorf("a store of another time zone: %v", err)
	}
}

// TestNoStoreNeeded: a token that is good is used, whatever the store does.
func TestNoStoreNeeded(t *testing.T) {
	fails := map[string]error{}
	w := newWorld(t, brittleStore{account.NewMemory(), fails})
	ada := w.signIn("google", "ada")
	fails["UpdateTokens"] = errDisk
	if _, err := w.accounts.Grant(t.Context(), ada, w.clients["google"]); err != nil || w.log.Len() > 0 {
		t.Errorf("%v, and in the log %s", err, &w.log)
	}
}

// TestWhatCannotBeKept: neither a key of another length nor a grant that cannot be written.
func TestWhatCannotBeKept(t *testing.T) {
	_, err := account.NewAccounts(account.NewMemory(), []byte("short"), slog.New(slog.DiscardHandler), nil)
	_, err2 := account.NewSessions(account.NewMemory(), []byte("short"), true)
	for _, err := range []error{err, err2} {
		if err == nil || err.Error() != "oauth: root key of 5 bytes, want 32" {
			t.Errorf("a short key: %v", err)
		}
	}
	w := newWorld(t, account.NewMemory())
	key, grant := w.grant("google", "ada")
	grant.Read = time.Unix(1<<40, 0) // a year of five digits
	if user, err := w.accounts.SignIn(t.Context(), key, grant); err == nil || len(w.hooked) > 0 {
		t.Errorf("signed in as %q with a grant that cannot be stored", user)
	}
}

// TestCopyTampered: an identity in hand that does not open is not used, although the stored
// one would do.
func TestCopyTampered(t *testing.T) {
	w := newWorld(t, account.NewMemory())
	ada, client := w.signIn("google", "ada"), w.clients["google"]
	ada.Sealed = w.signIn("google", "mallory").Sealed
	const want = "was changed, or sealed under another key: cipher: message authentication failed"
	if _, err := w.accounts.Grant(t.Context(), ada, client); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	err := w.accounts.Call(t.Context(), ada, client, func(oauth.Tokens) error { t.Error("called"); return nil })
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

// TestSecondCall: the caller gets the error of the second call, or that of the refresh
// before it.
func TestSecondCall(t *testing.T) {
	w := newWorld(t, account.NewMemory())
	results := []error{&oauth.Refusal{Step: 5, Status: 401}, errDisk}
	wantError(t, w.accounts.Call(t.Context(), w.signIn("github", "ada"), w.clients["github"], func(oauth.Tokens) error {
		err := results[0]
		results = results[1:]
		return err
	}), errDisk, "the second call")
	w.onRefresh = func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
		http.Error(rw, "down", http.StatusServiceUnavailable)
	}
	err := w.accounts.Call(t.Context(), w.signIn("github", "ada"), w.clients["github"], func(oauth.Tokens) error { return &oauth.Refusal{Step: 5, Status: 401} })
	if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "reply-status-200" {
		t.Errorf("no refresh, no second call: %v", err)
	}
}

// TestOneFailure: requests at once share a failure as well, and a provider that is down is
// asked once. Without an access token the refresh token is used all the same.
func TestOneFailure(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		w.onRefresh = func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
			time.Sleep(time.Second)
			http.Error(rw, "down", http.StatusServiceUnavailable)
		}
		time.Sleep(9 * time.Hour)
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := w.accounts.Grant(t.Context(), identity, client); err == nil {
					t.Error("no error")
				}
			})
		}
		all.Wait()
		if n := w.refreshes.Load(); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
		w.onRefresh = honest
		err := w.accounts.Update(t.Context(), identity, func(grant *account.Grant) error { grant.Tokens.AccessToken = ""; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if grant, err := w.accounts.Grant(t.Context(), w.stored(identity.Key), client); err != nil || !w.works("github", grant.Tokens) {
			t.Errorf("with a refresh token alone: %v", err)
		}
	})
}
