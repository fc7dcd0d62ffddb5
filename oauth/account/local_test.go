package account

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSessionsKept: sessions that have ended do not pile up. A user's 51st live session ends
// the oldest, and nobody else's.
func TestSessionsKept(t *testing.T) {
	l, begun := NewMemory(), time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)
	add := func(user, hash string) {
		noError(t, l.AddSession(t.Context(), Session{Hash: hash, UserID: user, Key: Key{"p", user}, Begun: begun, Seen: begun}))
	}
	want := func(reason string, number int, hashes ...string) {
		if got := len(l.records.Load().Sessions); got != number {
			t.Errorf("%s: %d sessions, want %d", reason, got, number)
		}
		for _, hash := range hashes {
			if _, err := l.Session(t.Context(), hash); err != nil {
				t.Errorf("%s: %s is gone", reason, hash)
			}
		}
	}
	for _, user := range []string{"ada", "eve"} {
		noError(t, l.AddIdentity(t.Context(), Identity{Key: Key{"p", user}, UserID: user}))
	}
	for n := range 1000 {
		begun = begun.Add(10 * time.Minute)
		add("ada", strconv.Itoa(n))
	}
	want("one lives for an hour, so the seventh after it ends it", 7, "993")
	for n := range 1001 {
		if n%990 == 0 {
			add("eve", "eve's "+strconv.Itoa(n))
		}
		add("ada", strconv.Itoa(n))
	}
	want("many at once", 52, "eve's 0", "eve's 990", "951", "1000")
	noError(t, l.RemoveSessions(t.Context(), "ada"))
	want("signed out everywhere", 2, "eve's 0", "eve's 990")
	for n := range 50 {
		add("ada", "of the morning "+strconv.Itoa(n))
	}
	begun = begun.Add(2 * time.Hour)
	noError(t, l.SeeSession(t.Context(), "of the morning 0", begun))
	add("ada", "new")
	want("sessions that have ended do not count", 2, "of the morning 0", "new")
}

// TestNothingLeft: a removed record leaves nothing behind, records that were read do not change,
// and each of the changes that share a write has its own result.
func TestNothingLeft(t *testing.T) {
	l := NewMemory()
	for _, op := range operations(t)[:3] {
		noError(t, op.do(l))
	}
	before := l.records.Load()
	begun := before.Sessions[0].Begun
	noError(t, l.SeeSession(t.Context(), "h1", begun.Add(time.Minute)))
	if !before.Sessions[0].Seen.Equal(begun) {
		t.Errorf("what was read before has changed to %v", before.Sessions)
	}
	noError(t, l.RemoveIdentity(t.Context(), "ada", Key{"p", "1"}))
	if r := l.records.Load(); len(r.Identities) != 1 || len(r.Sessions) > 0 {
		t.Errorf("left: %+v", *r)
	}
	l.queue <- &change{apply: func(*records) error { return nil }} // of another goroutine
	if err := l.change(func(*records) error { return ErrTaken }); !errors.Is(err, ErrTaken) {
		t.Errorf("with another change, which succeeds: %v", err)
	}
}

// TestRemovedMeanwhile: if an identity is removed during a refresh, the new tokens are not
// stored, even if another user has added the identity by then.
func TestRemovedMeanwhile(t *testing.T) {
	l, key := NewMemory(), Key{"p", "1"}
	mallory := Identity{Key: key, UserID: "mallory", Sealed: "mallory's"}
	noError(t, l.AddIdentity(t.Context(), Identity{Key: key, UserID: "ada", Sealed: "ada's"}))
	err := l.UpdateTokens(t.Context(), "ada", key, func(string) (string, error) {
		return "ada's new", errors.Join(l.RemoveIdentity(t.Context(), "ada", key), l.AddIdentity(t.Context(), mallory))
	})
	if got := l.identityOf(key); !errors.Is(err, ErrNotFound) || got != mallory {
		t.Errorf("stored %+v, %v", got, err)
	}
}

// TestUnusable: a file that cannot be opened, written or closed leads to an error.
func TestUnusable(t *testing.T) {
	dir := newDir(t)
	noError(t, os.MkdirAll(filepath.Join(dir, fileName+".new", "x"), 0o700))
	if _, _, err := Open(dir, true, strings.Repeat("00", 32)); err == nil || !strings.Contains(err.Error(), fileName+".new: ") {
		t.Errorf("a directory in the temporary file's place: %v", err)
	}
	l := reopen(t, newDir(t))
	if err := l.AddIdentity(t.Context(), Identity{Created: time.Unix(1<<40, 0)}); err == nil || len(l.records.Load().Identities) > 0 {
		t.Errorf("a time that cannot be written: %v", err)
	}
	noError(t, l.file.lock.Close())
	if err := l.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a lock that cannot be given back: %v", err)
	}
	for path, self := range map[string]int{"local.go/x": os.Geteuid(), l.file.path("lock"): os.Geteuid() + 1} {
		if err := checkPrivate(path, self); err == nil && runtime.GOOS != "windows" {
			t.Errorf("%s is private, although it cannot be looked at or is another user's", path)
		}
	}
}

// TestSealContext: no two identities have the same text.
func TestSealContext(t *testing.T) {
	one := Identity{UserID: "u", Key: Key{"p", "q 1"}}
	for _, other := range []Identity{{UserID: "u p", Key: Key{"q", "1"}}, {UserID: "u", Key: Key{"p q", "1"}}, {UserID: `u" "p`, Key: Key{"q", "1"}}} {
		if sealContext(one) == sealContext(other) {
			t.Errorf("%+v and %+v: %s", one, other, sealContext(one))
		}
	}
}
