package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxSessions is how many sessions a user can have. One more ends the oldest.
const maxSessions = 50

// errUnchanged ends a change that finds nothing to do. For the caller it is no error.
var errUnchanged = errors.New("account: nothing to change")

// Memory is a [Store] that is gone with the process. It looks records up one after the
// other, which is fast enough for thousands of users. A user has at most 50 sessions.
type Memory struct {
	write func(records) error // writes all records to the disk; without a disk, nothing

	queueMu  sync.Mutex
	queue    []*change
	changing sync.Mutex // held while changes are made and written

	mu      sync.RWMutex
	records records
	locks   map[Key]chan struct{} // of each identity that was ever locked; full while it is
}

// records are all that a store holds, the oldest first.
type records struct {
	Identities []Identity
	Sessions   []Session
}

func (r records) identity(key Key) int {
	return slices.IndexFunc(r.Identities, func(i Identity) bool { return i.Key == key })
}

func (r records) session(hash string) int {
	return slices.IndexFunc(r.Sessions, func(s Session) bool { return s.Hash == hash })
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{write: func(records) error { return nil }, locks: make(map[Key]chan struct{})}
}

type change struct {
	apply func(*records) error // if it fails it leaves the records as they are
	err   error
}

// change makes a change, and returns when it is written. Changes that wait while others
// are written share the next write.
func (m *Memory) change(apply func(*records) error) error {
	c := &change{apply: apply}
	m.queueMu.Lock()
	m.queue = append(m.queue, c)
	m.queueMu.Unlock()

	m.changing.Lock()
	defer m.changing.Unlock()
	m.queueMu.Lock()
	batch := m.queue // empty if an earlier caller has made c as well
	m.queue = nil
	m.queueMu.Unlock()
	m.commit(batch)
	if c.err == errUnchanged {
		return nil
	}
	return c.err
}

// commit applies changes to a copy of the records. If all of it can be written, the copy
// takes their place; otherwise no change is made. So readers never see a change that may
// still be dropped.
func (m *Memory) commit(batch []*change) {
	next := records{slices.Clone(m.records.Identities), slices.Clone(m.records.Sessions)}
	changed := false
	for _, c := range batch {
		c.err = c.apply(&next)
		changed = changed || c.err == nil
	}
	if !changed {
		return
	}
	if err := m.write(next); err != nil {
		m.write(m.records) // if the new file is in place already, the old one comes back
		for _, c := range batch {
			c.err = fmt.Errorf("account: not stored: %w", err)
		}
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = next
}

// AddIdentity implements [Store].
func (m *Memory) AddIdentity(_ context.Context, identity Identity) error {
	return m.change(func(r *records) error {
		if r.identity(identity.Key) >= 0 {
			return ErrTaken
		}
		r.Identities = append(r.Identities, identity)
		return nil
	})
}

// Identity implements [Store].
func (m *Memory) Identity(_ context.Context, key Key) (Identity, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	i := m.records.identity(key)
	if i < 0 {
		return Identity{}, ErrNotFound
	}
	return m.records.Identities[i], nil
}

// Identities implements [Store].
func (m *Memory) Identities(_ context.Context, userID string) (all []Identity, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, identity := range m.records.Identities {
		if identity.UserID == userID {
			all = append(all, identity)
		}
	}
	return all, nil
}

// UpdateTokens implements [Store].
func (m *Memory) UpdateTokens(ctx context.Context, key Key, update func(string) (string, error)) error {
	unlock, err := m.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	identity, err := m.Identity(ctx, key)
	if err != nil {
		return err
	}
	if identity.Sealed, err = update(identity.Sealed); err != nil {
		return err
	}
	return m.change(func(r *records) error {
		r.Identities[r.identity(key)] = identity // which is there: it is locked
		return nil
	})
}

// RemoveIdentity implements [Store].
func (m *Memory) RemoveIdentity(ctx context.Context, userID string, key Key) error {
	unlock, err := m.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	return m.change(func(r *records) error {
		i := r.identity(key)
		if i < 0 || r.Identities[i].UserID != userID {
			return ErrNotFound
		}
		r.Identities = slices.Delete(r.Identities, i, i+1)
		r.Sessions = slices.DeleteFunc(r.Sessions, func(s Session) bool { return s.Key == key })
		return nil
	})
}

// lock locks an identity. Waiting ends with ctx, because the holder may be waiting for a
// provider.
func (m *Memory) lock(ctx context.Context, key Key) (unlock func(), err error) {
	m.mu.Lock()
	held := m.locks[key]
	if held == nil {
		held = make(chan struct{}, 1)
		m.locks[key] = held
	}
	m.mu.Unlock()
	select {
	case held <- struct{}{}:
		return func() { <-held }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// AddSession implements [Store]. It also removes sessions that have ended.
func (m *Memory) AddSession(_ context.Context, session Session) error {
	return m.change(func(r *records) error {
		if i := r.identity(session.Key); i < 0 || r.Identities[i].UserID != session.UserID {
			return ErrNotFound
		}
		if r.session(session.Hash) >= 0 {
			return errors.New("account: there is a session with this hash")
		}
		r.Sessions = append(slices.DeleteFunc(r.Sessions, func(s Session) bool { return s.ended(session.Begun) }), session)
		count := 0
		for i, s := range slices.Backward(r.Sessions) {
			if s.UserID == session.UserID {
				count++
			}
			if count > maxSessions {
				r.Sessions = slices.Delete(r.Sessions, i, i+1)
				break
			}
		}
		return nil
	})
}

// Session implements [Store].
func (m *Memory) Session(_ context.Context, hash string) (Session, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	i := m.records.session(hash)
	if i < 0 {
		return Session{}, ErrNotFound
	}
	return m.records.Sessions[i], nil
}

// SeeSession implements [Store]. It is written with the next change. During a change it
// does nothing, and a later request will call it again.
func (m *Memory) SeeSession(_ context.Context, hash string, at time.Time) error {
	if !m.changing.TryLock() {
		return nil
	}
	defer m.changing.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.records.session(hash); i >= 0 {
		m.records.Sessions[i].Seen = at
	}
	return nil
}

// RemoveSession implements [Store].
func (m *Memory) RemoveSession(_ context.Context, hash string) error {
	return m.removeSessions(func(s Session) bool { return s.Hash == hash })
}

// RemoveSessions implements [Store].
func (m *Memory) RemoveSessions(_ context.Context, userID string) error {
	return m.removeSessions(func(s Session) bool { return s.UserID == userID })
}

func (m *Memory) removeSessions(which func(Session) bool) error {
	return m.change(func(r *records) error {
		before := len(r.Sessions)
		if r.Sessions = slices.DeleteFunc(r.Sessions, which); len(r.Sessions) == before {
			return errUnchanged
		}
		return nil
	})
}
