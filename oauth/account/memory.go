package account

import (
	"context"
	"sync"
	"time"
)

// Memory is a [Store] that is gone with the process. A user has 50 sessions at most: one
// more ends the oldest.
type Memory struct {
	write func(record) error // before a change is made; File keeps it

	changing sync.Mutex // held by one change at a time, from its check to its end
	mu       sync.RWMutex
	users    map[string]*user
	identity map[Key]Identity
	sessions map[string]Session
	locks    map[Key]chan struct{} // of each identity that was ever locked; full while it is
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		write:    func(record) error { return nil },
		users:    make(map[string]*user),
		identity: make(map[Key]Identity),
		sessions: make(map[string]Session),
		locks:    make(map[Key]chan struct{}),
	}
}

// change makes one change, if it may be made and can be written. Readers do not wait
// while it is written.
func (m *Memory) change(r record) error {
	m.changing.Lock()
	defer m.changing.Unlock()
	apply, err := m.plan(r)
	if err != nil || apply == nil {
		return err
	}
	err = m.write(r)
	if err != nil && r.Op != opRemoveSession && r.Op != opRemoveSessions {
		return err // whoever signs out is signed out also where the disk is full
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	apply()
	return err
}

// AddIdentity implements [Store].
func (m *Memory) AddIdentity(_ context.Context, identity Identity) error {
	return m.change(record{Op: opAddIdentity, Identity: identity})
}

// Identity implements [Store].
func (m *Memory) Identity(_ context.Context, key Key) (Identity, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	identity, ok := m.identity[key]
	if !ok {
		return Identity{}, ErrNotFound
	}
	return identity, nil
}

// Identities implements [Store].
func (m *Memory) Identities(_ context.Context, userID string) (all []Identity, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if u := m.users[userID]; u != nil {
		for _, key := range u.keys {
			all = append(all, m.identity[key])
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
	sealed, err := update(identity.Sealed)
	if err != nil {
		return err
	}
	return m.change(record{Op: opUpdateTokens, Identity: Identity{Key: key, Sealed: sealed}})
}

// RemoveIdentity implements [Store].
func (m *Memory) RemoveIdentity(ctx context.Context, userID string, key Key) error {
	unlock, err := m.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	return m.change(record{Op: opRemoveIdentity, Identity: Identity{Key: key, UserID: userID}})
}

// lock locks an identity. Whoever waits does so under a context of its own, because
// the holder may be waiting for a provider.
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

// AddSession implements [Store].
func (m *Memory) AddSession(_ context.Context, session Session) error {
	return m.change(record{Op: opAddSession, Session: session})
}

// Session implements [Store].
func (m *Memory) Session(_ context.Context, hash string) (Session, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	session, ok := m.sessions[hash]
	if !ok {
		return Session{}, ErrNotFound
	}
	return session, nil
}

// SeeSession implements [Store].
func (m *Memory) SeeSession(_ context.Context, hash string, at time.Time) error {
	return m.change(record{Op: opSeeSession, Session: Session{Hash: hash, Seen: at}})
}

// RemoveSession implements [Store].
func (m *Memory) RemoveSession(_ context.Context, hash string) error {
	return m.change(record{Op: opRemoveSession, Session: Session{Hash: hash}})
}

// RemoveSessions implements [Store].
func (m *Memory) RemoveSessions(_ context.Context, userID string) error {
	return m.change(record{Op: opRemoveSessions, Session: Session{UserID: userID}})
}
