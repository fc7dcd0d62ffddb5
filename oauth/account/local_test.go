package account

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
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
	for n := range 1001 {
		add("ada", strconv.Itoa(n))
	}
	if len(m.records.Load().Sessions) != 51 {
		t.Errorf("%d sessions, want 50 and one", len(m.records.Load().Sessions))
	}
	for _, hash := range []string{"eve's", "951", "1000"} {
		if _, err := m.Session(t.Context(), hash); err != nil {
			t.Errorf("%s is gone", hash)
		}
	}
	if err := m.RemoveSessions(t.Context(), "ada"); err != nil || len(m.records.Load().Sessions) != 1 {
		t.Errorf("signed out everywhere: %d sessions, %v", len(m.records.Load().Sessions), err)
	}
}

// TestNothingLeft: what is removed leaves no empty record, what is read does not change, and
// each change has its own result.
func TestNothingLeft(t *testing.T) {
	l, key := NewMemory(), Key{"p", "1"}
	begun := time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)
	err := l.AddIdentity(t.Context(), Identity{Key: key, UserID: "ada"})
	err = errors.Join(err, l.AddSession(t.Context(), Session{Hash: "h", UserID: "ada", Key: key, Begun: begun, Seen: begun}))
	before := l.records.Load()
	err = errors.Join(err, l.SeeSession(t.Context(), "h", begun.Add(time.Minute)))
	if err != nil || !before.Sessions[0].Seen.Equal(begun) {
		t.Errorf("%v, and what was read before has changed to %v", err, before.Sessions)
	}
	if err := l.RemoveIdentity(t.Context(), "ada", key); err != nil {
		t.Fatal(err)
	}
	if r := l.records.Load(); len(r.Identities) > 0 || len(r.Sessions) > 0 {
		t.Errorf("left: %+v", *r)
	}
	l.queue = []*change{{apply: func(*records) error { return nil }}} // of another goroutine
	if err := l.change(func(*records) error { return ErrTaken }); !errors.Is(err, ErrTaken) {
		t.Errorf("with another change, which succeeds: %v", err)
	}
}

// failingLock cannot be given back.
type failingLock struct{}

func (failingLock) Close() error { return fs.ErrInvalid }

// TestUnusable: what cannot be opened, written or closed is an error.
func TestUnusable(t *testing.T) {
	dir := newDir(t)
	if err := os.MkdirAll(filepath.Join(dir, fileName+".new", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, true, strings.Repeat("00", 32)); err == nil || !strings.Contains(err.Error(), fileName+".new: ") {
		t.Errorf("a directory in the temporary file's place: %v", err)
	}
	l := reopen(t, newDir(t))
	if err := l.AddIdentity(t.Context(), Identity{Created: time.Unix(1<<40, 0)}); err == nil || len(l.records.Load().Identities) > 0 {
		t.Errorf("a time that cannot be written: %v", err)
	}
	lock := l.file.lock
	l.file.lock = failingLock{}
	if err := errors.Join(l.Close(), lock.Close()); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("closed: %v", err)
	}
	if err := checkPrivate("local.go/x", os.Geteuid()); runtime.GOOS != "windows" && err == nil {
		t.Error("what cannot be looked at is private")
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
