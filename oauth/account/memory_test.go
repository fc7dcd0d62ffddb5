package account

import (
	"strconv"
	"testing"
	"time"
)

// TestEndedSessions: sessions whose time is over do not pile up, and live ones stay.
func TestEndedSessions(t *testing.T) {
	m := NewMemory()
	if err := m.AddIdentity(t.Context(), User{ID: "u"}, Identity{UserID: "u"}); err != nil {
		t.Fatal(err)
	}
	begun := time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)
	for n := range 1000 {
		begun = begun.Add(10 * time.Minute)
		if err := m.AddSession(t.Context(), Session{Hash: strconv.Itoa(n), UserID: "u", Begun: begun, Seen: begun}); err != nil {
			t.Fatal(err)
		}
	}
	// One that is used for an hour after its begin ends with its seventh successor.
	if len(m.sessions) != 7 || len(m.users["u"].sessions) != 7 || len(m.begun) != 7 {
		t.Errorf("%d sessions, %d of the user, %d in order: want 7", len(m.sessions), len(m.users["u"].sessions), len(m.begun))
	}
	if _, err := m.Session(t.Context(), "993"); err != nil {
		t.Error("the oldest that lives is gone")
	}
}
