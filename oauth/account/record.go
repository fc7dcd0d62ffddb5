package account

import (
	"errors"
	"fmt"
	"slices"
)

// user is what belongs to a user: no change looks further.
type user struct {
	keys     []Key    // of the identities
	sessions []string // their hashes; the oldest first, and maxSessions at most
}

// record is one change: what it does, and as much of the others as that needs.
type record struct {
	Op       string
	Header   header   `json:",omitzero"`
	Identity Identity `json:",omitzero"`
	Session  Session  `json:",omitzero"`
}

const (
	opHeader         = "header" // of a File
	opAddIdentity    = "add identity"
	opUpdateTokens   = "update tokens"
	opRemoveIdentity = "remove identity"
	opAddSession     = "add session"
	opSeeSession     = "see session"
	opRemoveSession  = "remove session"
	opRemoveSessions = "remove sessions" // of a user
)

// plan returns what has to be done for r, nil if nothing has, or an error if it may
// not be done. m.changing is held, so nothing moves in between.
func (m *Memory) plan(r record) (apply func(), err error) {
	i, known := m.identity[r.Identity.Key]
	s, begun := m.sessions[r.Session.Hash]
	switch r.Op {
	case opAddIdentity:
		if known {
			return nil, ErrTaken
		}
		return func() { m.addIdentity(r.Identity) }, nil
	case opUpdateTokens:
		if !known {
			return nil, ErrNotFound
		}
		i.Sealed = r.Identity.Sealed
		return func() { m.identity[i.Key] = i }, nil
	case opRemoveIdentity:
		if !known || i.UserID != r.Identity.UserID {
			return nil, ErrNotFound
		}
		if len(m.users[i.UserID].keys) == 1 {
			return nil, ErrLast
		}
		return func() { m.removeIdentity(i) }, nil
	case opAddSession:
		if m.users[r.Session.UserID] == nil {
			return nil, ErrNotFound
		}
		if begun {
			return nil, errors.New("account: there is a session with this hash")
		}
		return func() { m.addSession(r.Session) }, nil
	case opSeeSession:
		if !begun {
			return nil, nil
		}
		s.Seen = r.Session.Seen
		return func() { m.sessions[s.Hash] = s }, nil
	case opRemoveSession:
		if !begun {
			return nil, nil
		}
		return func() { m.removeSession(s) }, nil
	case opRemoveSessions:
		u := m.users[r.Session.UserID]
		if u == nil || len(u.sessions) == 0 {
			return nil, nil
		}
		return func() {
			for _, hash := range u.sessions {
				delete(m.sessions, hash)
			}
			u.sessions = nil
		}, nil
	}
	return nil, fmt.Errorf("account: a record that this app does not know: %q", r.Op)
}

func (m *Memory) addIdentity(i Identity) {
	u := m.users[i.UserID]
	if u == nil {
		u = new(user)
		m.users[i.UserID] = u
	}
	u.keys = append(u.keys, i.Key)
	m.identity[i.Key] = i
}

func (m *Memory) removeIdentity(i Identity) {
	delete(m.identity, i.Key)
	u := m.users[i.UserID]
	u.keys = slices.DeleteFunc(u.keys, func(k Key) bool { return k == i.Key })
}

// maxSessions is how many sessions a user can have: a new one ends the oldest.
const maxSessions = 50

// addSession also drops the user's sessions whose time is over.
func (m *Memory) addSession(s Session) {
	u := m.users[s.UserID]
	for _, hash := range slices.Clone(u.sessions) {
		if other := m.sessions[hash]; len(u.sessions) == maxSessions || other.ended(s.Begun) {
			m.removeSession(other)
		}
	}
	u.sessions = append(u.sessions, s.Hash)
	m.sessions[s.Hash] = s
}

func (m *Memory) removeSession(s Session) {
	delete(m.sessions, s.Hash)
	u := m.users[s.UserID]
	u.sessions = slices.DeleteFunc(u.sessions, func(hash string) bool { return hash == s.Hash })
}
