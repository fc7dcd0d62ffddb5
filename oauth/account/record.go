package account

import (
	"errors"
	"fmt"
	"slices"
)

// userRecords are a user and what belongs to it: no change looks further.
type userRecords struct {
	User
	keys     []Key
	sessions []string
}

// record is one change: what it does, and as much of the others as that needs.
type record struct {
	Op       op
	Header   header   `json:",omitzero"`
	User     User     `json:",omitzero"`
	Identity Identity `json:",omitzero"`
	Session  Session  `json:",omitzero"`
}

type op string

const (
	opHeader         op = "header" // of a File
	opAddIdentity    op = "add identity"
	opUpdateTokens   op = "update tokens"
	opRemoveIdentity op = "remove identity"
	opAddSession     op = "add session"
	opSeeSession     op = "see session"
	opRemoveSession  op = "remove session"
	opRemoveSessions op = "remove sessions"
)

// plan returns what has to be done for r, nil if nothing has, or an error if it may
// not be done. m.changing is held, so nothing moves in between.
func (m *Memory) plan(r record) (apply func(), err error) {
	i, known := m.identity[r.Identity.Key]
	s, begun := m.sessions[r.Session.Hash]
	switch r.Op {
	case opAddIdentity:
		if r.User.ID != r.Identity.UserID { // the seal knows the second one only
			return nil, errors.New("account: an identity that is not its user's")
		}
		if known {
			return nil, ErrTaken
		}
		return func() { m.addIdentity(r.User, r.Identity) }, nil
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
		return func() { m.removeSession(s.Hash) }, nil
	case opRemoveSessions:
		if u := m.users[r.User.ID]; u == nil || len(u.sessions) == 0 {
			return nil, nil
		}
		return func() { m.removeSessions(m.users[r.User.ID]) }, nil
	}
	return nil, fmt.Errorf("account: a record that this app does not know: %q", r.Op)
}

func (m *Memory) addIdentity(user User, i Identity) {
	u := m.users[i.UserID]
	if u == nil {
		u = &userRecords{User: user}
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

// addSession also drops sessions whose time is over: two at most, which is enough
// when each new one does it, and takes no sign-in long.
func (m *Memory) addSession(s Session) {
	_, replaces := m.sessions[s.Hash]
	m.sessions[s.Hash] = s
	if replaces {
		return
	}
	u := m.users[s.UserID]
	u.sessions = append(u.sessions, s.Hash)
	if len(u.sessions) > maxSessions {
		m.removeSession(u.sessions[0])
	}
	m.begun = append(m.begun, s.Hash)
	for range min(2, len(m.begun)-1) {
		if oldest, ok := m.sessions[m.begun[0]]; ok && !oldest.Ended(s.Begun) {
			return
		}
		m.removeSession(m.begun[0])
		m.begun = m.begun[1:]
	}
}

func (m *Memory) removeSession(hash string) {
	if s, ok := m.sessions[hash]; ok {
		delete(m.sessions, hash)
		u := m.users[s.UserID]
		u.sessions = slices.DeleteFunc(u.sessions, func(h string) bool { return h == hash })
	}
}

func (m *Memory) removeSessions(u *userRecords) {
	for _, hash := range u.sessions {
		delete(m.sessions, hash)
	}
	u.sessions = nil
}
