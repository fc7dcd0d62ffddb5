package account

import (
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
	if len(m.records.Load().Sessions) != 7 {
		t.Errorf("%d sessions, want 7", len(m.records.Load().Sessions))
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
	if len(m.records.Load().Sessions) != 51 {
		t.Errorf("%d sessions, want 50 and one", len(m.records.Load().Sessions))
	}
	for _, hash := range []string{"eve's", "950", "999"} {
		if _, err := m.Session(t.Context(), hash); err != nil {
			t.Errorf("%s is gone", hash)
		}
	}
	if err := m.RemoveSessions(t.Context(), "ada"); err != nil || len(m.records.Load().Sessions) != 1 {
		t.Errorf("signed out everywhere: %d sessions, %v", len(m.records.Load().Sessions), err)
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
