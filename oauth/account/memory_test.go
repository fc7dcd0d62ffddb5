package account

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"
)

// TestEndedSessions: sessions that have ended do not pile up, and live ones stay.
func TestEndedSessions(t *testing.T) {
	m := NewMemory()
	if err := m.AddIdentity(t.Context(), Identity{UserID: "u"}); err != nil {
		t.Fatal(err)
	}
	begun := time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)
	for n := range 1000 {
		begun = begun.Add(10 * time.Minute)
		if err := m.AddSession(t.Context(), Session{Hash: strconv.Itoa(n), UserID: "u", Begun: begun, Seen: begun}); err != nil {
			t.Fatal(err)
		}
	}
	// A session lives for an hour after its begin, and so ends with its seventh successor.
	if len(m.records.Sessions) != 7 {
		t.Errorf("%d sessions, want 7", len(m.records.Sessions))
	}
	if _, err := m.Session(t.Context(), "993"); err != nil {
		t.Error("the oldest live session is gone")
	}
}

// TestManySessions: a user's 51st session ends the oldest, and nobody else's.
func TestManySessions(t *testing.T) {
	m := NewMemory()
	begun := time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)
	for _, id := range []string{"eve", "ada"} {
		if err := m.AddIdentity(t.Context(), Identity{Key: Key{"p", id}, UserID: id}); err != nil {
			t.Fatal(err)
		}
	}
	add := func(user, hash string) {
		if err := m.AddSession(t.Context(), Session{Hash: hash, UserID: user, Key: Key{"p", user}, Begun: begun, Seen: begun}); err != nil {
			t.Fatal(err)
		}
	}
	add("eve", "eve's")
	for n := range 1000 {
		add("ada", strconv.Itoa(n))
	}
	if len(m.records.Sessions) != 51 {
		t.Errorf("%d sessions, want 50 and one", len(m.records.Sessions))
	}
	for _, hash := range []string{"eve's", "950", "999"} {
		if _, err := m.Session(t.Context(), hash); err != nil {
			t.Errorf("%s is gone", hash)
		}
	}
	if err := m.RemoveSessions(t.Context(), "ada"); err != nil || len(m.records.Sessions) != 1 {
		t.Errorf("signed out everywhere: %d sessions, %v", len(m.records.Sessions), err)
	}
}

// TestSealContext: no two identities have the same.
func TestSealContext(t *testing.T) {
	one := Identity{UserID: "u", Key: Key{"p", "q 1"}}
	for _, other := range []Identity{{UserID: "u p", Key: Key{"q", "1"}}, {UserID: "u", Key: Key{"p q", "1"}}, {UserID: `u" "p`, Key: Key{"q", "1"}}} {
		if sealContext(one) == sealContext(other) {
			t.Errorf("%+v and %+v: %s", one, other, sealContext(one))
		}
	}
}

// afterwards is a store in which something happens before an update returns.
type afterwards struct {
	Store
	then func()
}

func (s afterwards) UpdateTokens(ctx context.Context, key Key, update func(string) (string, error)) error {
	err := s.Store.UpdateTokens(ctx, key, update)
	s.then()
	return err
}

// TestUnsavedGoes: what could not be stored is forgotten when something else is in its
// place, or the identity is gone, and not when it is newer than what was stored.
func TestUnsavedGoes(t *testing.T) {
	ctx, store := t.Context(), NewMemory()
	a, err := NewAccounts(store, make([]byte, 32), slog.New(slog.DiscardHandler), func(SignedIn) {})
	if err != nil {
		t.Fatal(err)
	}
	var identity Identity
	for _, subject := range []string{"2", "1"} {
		identity = Identity{Key: Key{"p", subject}, UserID: "u"}
		if identity.Sealed, err = a.seal(identity, Grant{}); err == nil {
			err = store.AddIdentity(ctx, identity)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	keep := func(replaces string) { a.unsaved[sealContext(identity)] = unsaved{replaces: replaces} }
	update := func() {
		if _, err := a.update(ctx, identity, func(g Grant) (Grant, error) { return g, nil }); err != nil {
			t.Fatal(err)
		}
	}
	keep(identity.Sealed)
	if update(); len(a.unsaved) != 0 {
		t.Error("it is still there when it is stored")
	}
	a.store = afterwards{store, func() {
		identity, _ = store.Identity(ctx, identity.Key)
		keep(identity.Sealed)
	}}
	if update(); len(a.unsaved) != 1 {
		t.Error("one that came just after is gone")
	}
	if err := a.Disconnect(ctx, identity); err != nil || len(a.unsaved) != 0 {
		t.Errorf("it is still there without its identity: %v", err)
	}
}
