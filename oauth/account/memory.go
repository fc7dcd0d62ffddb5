package account

import (
	"context"
	"sync"
	"time"
)

// Memory is a [Store] that is gone with the process.
type Memory struct {
	write func(record) error // before a change is made; File keeps it

	changing sync.Mutex // held by one change at a time, from its check to its end
	mu       sync.RWMutex
	users    map[string]*userRecords
	identity map[Key]Identity
	sessions map[string]Session
	begun    []string // hashes of sessions, oldest first
	locked   map[Key]chan struct{}
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		write:    func(record) error { return nil },
		users:    make(map[string]*userRecords),
		identity: make(map[Key]Identity),
		sessions: make(map[string]Session),
		locked:   make(map[Key]chan struct{}),
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

func (m *Memory) AddIdentity(_ context.Context, user User, identity Identity) error {
	return m.change(record{Op: opAddIdentity, User: user, Identity: identity})
}

func (m *Memory) Identity(_ context.Context, key Key) (Identity, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	identity, ok := m.identity[key]
	if !ok {
		return Identity{}, ErrNotFound
	}
	return identity, nil
}

func (m *Memory) User(_ context.Context, id string) (User, []Identity, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	u := m.users[id]
	if u == nil {
		return User{}, nil, ErrNotFound
	}
	var identities []Identity
	for _, key := range u.keys {
		identities = append(identities, m.identity[key])
	}
	return u.User, identities, nil
}

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
	mine := make(chan struct{})
	for {
		m.mu.Lock()
		held := m.locked[key]
		if held == nil {
			m.locked[key] = mine
		}
		m.mu.Unlock()
		if held == nil {
			return func() {
				m.mu.Lock()
				delete(m.locked, key)
				m.mu.Unlock()
				close(mine)
			}, nil
		}
		select {
		case <-held:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (m *Memory) AddSession(_ context.Context, session Session) error {
	return m.change(record{Op: opAddSession, Session: session})
}

func (m *Memory) Session(_ context.Context, hash string) (Session, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	session, ok := m.sessions[hash]
	if !ok {
		return Session{}, ErrNotFound
	}
	return session, nil
}

func (m *Memory) SeeSession(_ context.Context, hash string, at time.Time) error {
	return m.change(record{Op: opSeeSession, Session: Session{Hash: hash, Seen: at}})
}

func (m *Memory) RemoveSession(_ context.Context, hash string) error {
	return m.change(record{Op: opRemoveSession, Session: Session{Hash: hash}})
}

func (m *Memory) RemoveSessions(_ context.Context, userID string) error {
	return m.change(record{Op: opRemoveSessions, User: User{ID: userID}})
}
