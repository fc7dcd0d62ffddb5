package account

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxSessions = 50  // of a user; one more ends the oldest
	maxBatch    = 100 // changes that can share a write
)

// LocalStore is a [Store] for one process, in memory and perhaps in a file as well. It
// searches all records one by one, which is fast enough for thousands of users. A user has
// at most 50 sessions.
type LocalStore struct {
	file    *file                   // nil: in memory only
	records atomic.Pointer[records] // replaced, never changed

	queue   chan *change
	writing sync.Mutex // held while changes are made and written

	locks sync.Map // Key to chan struct{}, which is full while the identity is locked
}

// records are all that a store holds, in the form of the file.
type records struct {
	Version    int
	Simulated  bool       // the users are the fake provider's, and must not sign in at a real one
	KeyCheck   string     // opens only under the key that sealed the records
	Identities []Identity // the oldest first
	Sessions   []Session  // the newest first
}

func (r *records) identity(key Key) int {
	return slices.IndexFunc(r.Identities, func(i Identity) bool { return i.Key == key })
}

// identityOf finds an identity of this user only.
func (r *records) identityOf(userID string, key Key) int {
	return slices.IndexFunc(r.Identities, func(i Identity) bool { return i.UserID == userID && i.Key == key })
}

func (r *records) session(hash string) int {
	return slices.IndexFunc(r.Sessions, func(s Session) bool { return s.Hash == hash })
}

// copy returns records whose lists can be changed.
func (r *records) copy() *records {
	c := *r
	c.Identities, c.Sessions = slices.Clone(r.Identities), slices.Clone(r.Sessions)
	return &c
}

// NewMemory returns an empty store that is gone with the process.
func NewMemory() *LocalStore {
	l := &LocalStore{queue: make(chan *change, maxBatch)}
	l.records.Store(&records{})
	return l
}

// Close gives up the directory, so that another process can open it. Later writes to the file fail.
func (l *LocalStore) Close() (err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.file != nil && l.file.lock != nil {
		err = l.file.lock.Close()
		l.file.lock = nil
	}
	return err
}

type change struct {
	apply func(*records) error // if it fails, it has changed nothing
	err   error
}

// change makes a change, and returns when it is written. Changes that wait for a write share
// the next one. They change a copy, which replaces the records only after it is written.
func (l *LocalStore) change(apply func(*records) error) error {
	own := &change{apply: apply}
	l.queue <- own
	l.writing.Lock()
	defer l.writing.Unlock()
	old := l.records.Load()
	next, changed := old.copy(), false
	var batch []*change
	for range len(l.queue) { // another caller may have made this change already
		c := <-l.queue
		c.err = c.apply(next)
		changed = changed || c.err == nil
		batch = append(batch, c)
	}
	if !changed {
		return own.err
	}
	if err := l.file.write(next); err != nil {
		l.file.write(old) // the new file may be in place already
		for _, c := range batch {
			c.err = fmt.Errorf("account: not stored: %w", err)
		}
		return own.err
	}
	l.records.Store(next)
	return own.err
}

// AddIdentity implements [Store].
func (l *LocalStore) AddIdentity(_ context.Context, identity Identity) error {
	return l.change(func(r *records) error {
		if r.identity(identity.Key) >= 0 {
			return ErrTaken
		}
		r.Identities = append(r.Identities, identity)
		return nil
	})
}

// Identity implements [Store].
func (l *LocalStore) Identity(_ context.Context, key Key) (Identity, error) {
	r := l.records.Load()
	if i := r.identity(key); i >= 0 {
		return r.Identities[i], nil
	}
	return Identity{}, ErrNotFound
}

// Identities implements [Store].
func (l *LocalStore) Identities(_ context.Context, userID string) (all []Identity, err error) {
	for _, identity := range l.records.Load().Identities {
		if identity.UserID == userID {
			all = append(all, identity)
		}
	}
	return all, nil
}

// UpdateTokens implements [Store].
func (l *LocalStore) UpdateTokens(ctx context.Context, userID string, key Key, update func(string) (string, error)) error {
	stored, _ := l.locks.LoadOrStore(key, make(chan struct{}, 1))
	lock := stored.(chan struct{})
	select {
	case lock <- struct{}{}:
		defer func() { <-lock }()
	case <-ctx.Done(): // the holder of the lock may be waiting for a provider
		return ctx.Err()
	}
	r := l.records.Load()
	i := r.identityOf(userID, key)
	if i < 0 {
		return ErrNotFound
	}
	old := r.Identities[i]
	sealed, err := update(old.Sealed)
	if err != nil {
		return err
	}
	return l.change(func(r *records) error {
		i := slices.Index(r.Identities, old)
		if i < 0 { // it was removed meanwhile
			return ErrNotFound
		}
		r.Identities[i].Sealed = sealed
		return nil
	})
}

// RemoveIdentity implements [Store].
func (l *LocalStore) RemoveIdentity(_ context.Context, userID string, key Key) error {
	return l.change(func(r *records) error {
		i := r.identityOf(userID, key)
		if i < 0 {
			return ErrNotFound
		}
		r.Identities = slices.Delete(r.Identities, i, i+1)
		r.Sessions = slices.DeleteFunc(r.Sessions, func(s Session) bool { return s.Key == key })
		return nil
	})
}

// AddSession implements [Store]. It also removes sessions that have ended.
func (l *LocalStore) AddSession(_ context.Context, session Session) error {
	return l.change(func(r *records) error {
		if r.identityOf(session.UserID, session.Key) < 0 {
			return ErrNotFound
		}
		own := 0
		r.Sessions = slices.DeleteFunc(slices.Insert(r.Sessions, 0, session), func(s Session) bool {
			if s.UserID == session.UserID && !s.ended(session.Begun) {
				own++
			}
			return s.ended(session.Begun) || own > maxSessions && s.UserID == session.UserID
		})
		return nil
	})
}

// Session implements [Store].
func (l *LocalStore) Session(_ context.Context, hash string) (Session, error) {
	r := l.records.Load()
	if i := r.session(hash); i >= 0 {
		return r.Sessions[i], nil
	}
	return Session{}, ErrNotFound
}

// SeeSession implements [Store]. The time is written with the next change. While a change is
// being written, SeeSession does nothing: a later request will call it again.
func (l *LocalStore) SeeSession(_ context.Context, hash string, at time.Time) error {
	if !l.writing.TryLock() {
		return nil
	}
	defer l.writing.Unlock()
	next := l.records.Load().copy()
	if i := next.session(hash); i >= 0 {
		next.Sessions[i].Seen = at
		l.records.Store(next)
	}
	return nil
}

// RemoveSession implements [Store].
func (l *LocalStore) RemoveSession(_ context.Context, hash string) error {
	return l.removeSessions(func(s Session) bool { return s.Hash == hash })
}

// RemoveSessions implements [Store].
func (l *LocalStore) RemoveSessions(_ context.Context, userID string) error {
	return l.removeSessions(func(s Session) bool { return s.UserID == userID })
}

func (l *LocalStore) removeSessions(which func(Session) bool) error {
	if !slices.ContainsFunc(l.records.Load().Sessions, which) {
		return nil // nothing to write
	}
	return l.change(func(r *records) error {
		r.Sessions = slices.DeleteFunc(r.Sessions, which)
		return nil
	})
}
