package fake

import (
	"cmp"
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

const (
	codeLife  = 60 * time.Second // RFC 6749 §4.1.2: at most ten minutes; it is on its way for a second
	maxGrants = 10_000
	maxValues = 100 // codes and tokens that one grant remembers
)

// kind is what a value was given out as. It is also its place in dialect.prefixes.
type kind int

const (
	codeKind kind = iota
	accessKind
	refreshKind
)

// grant is what one press of "Allow" gave: to which client, for whom, for what.
type grant struct {
	client                        *Client
	dialect                       *dialect
	user                          User
	scopes                        []string
	redirectURI, challenge, nonce string
	refreshable                   bool
	maxAge                        bool      // max_age was asked for
	began, ends                   time.Time // ends: the last value that it gave is dead by then
	values                        []string
}

// issued is one code or token.
type issued struct {
	*grant
	kind   kind
	scopes []string // of a refreshed access token, maybe fewer than the grant's (RFC 6749 §6)
	ends   time.Time
	spent  bool // used, and remembered so that a second use is noticed
}

// tokens is what a token request earns.
type tokens struct {
	*grant
	access, refresh string
	scopes          []string
	life            time.Duration
}

// grants is all that the fake remembers. Taking a grant back means to forget it with all its values.
type grants struct {
	mu     sync.Mutex
	all    []*grant // oldest first
	issued map[string]*issued
}

// open starts a grant and returns its code.
func (s *grants) open(g *grant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.forget(func(old *grant) bool { return now.After(old.ends) })
	if len(s.all) >= maxGrants {
		s.forget(func(old *grant) bool { return old == s.all[0] })
	}
	g.began = now
	s.all = append(s.all, g)
	return s.give(g, codeKind, g.scopes, codeLife)
}

// forget takes grants back: every code and token of theirs is unknown from now on. s.mu is held.
func (s *grants) forget(which func(*grant) bool) {
	s.all = slices.DeleteFunc(s.all, func(g *grant) bool {
		gone := which(g)
		if gone {
			for _, value := range g.values {
				delete(s.issued, value)
			}
		}
		return gone
	})
}

// give makes a value that nobody can guess (RFC 6749 §10.10). s.mu is held.
func (s *grants) give(g *grant, k kind, scopes []string, life time.Duration) string {
	value := g.dialect.prefixes[k] + rand.Text() + rand.Text()
	ends := time.Now().Add(life)
	if ends.After(g.ends) {
		g.ends = ends
	}
	if len(g.values) == maxValues {
		delete(s.issued, g.values[0])
		g.values = g.values[1:]
	}
	g.values = append(g.values, value)
	s.issued[value] = &issued{grant: g, kind: k, scopes: scopes, ends: ends}
	return value
}

// giveTokens makes what a token reply carries. s.mu is held.
func (s *grants) giveTokens(g *grant, scopes []string, withRefresh bool) tokens {
	t := tokens{grant: g, scopes: scopes, life: g.dialect.accessLife}
	t.access = s.give(g, accessKind, scopes, t.life)
	if withRefresh {
		t.refresh = s.give(g, refreshKind, g.scopes, sixMonths)
	}
	return t
}

// find looks a value up for the provider that gave it. What is dead is not found, except what is
// spent: a second use has to be noticed while the grant lives. s.mu is held.
func (s *grants) find(d *dialect, k kind, value string) *issued {
	i := s.issued[value]
	if i == nil || i.kind != k || i.dialect != d || !i.spent && !time.Now().Before(i.ends) {
		return nil
	}
	return i
}

// spend finds a value that can be used once, by the client that it was given to. Its second use
// means that it was stolen, before or now: the whole grant is taken back
// (RFC 6749 §4.1.2 for codes, RFC 9700 §4.14.2 for refresh tokens). s.mu is held.
func (s *grants) spend(d *dialect, k kind, value string, c *Client, keep bool) *issued {
	i := s.find(d, k, value)
	if i == nil || i.client != c {
		return nil
	}
	if i.spent {
		s.forget(func(g *grant) bool { return g == i.grant })
		return nil
	}
	i.spent = !keep
	return i
}

// bearer finds who may be seen with an access token.
func (s *grants) bearer(d *dialect, token string) *issued {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(d, accessKind, token)
}

// revokeToken takes back the grant of an access or refresh token, or all grants of its user to its
// client. client nil is whoever holds the token.
func (s *grants) revokeToken(d *dialect, client *Client, token string, all bool) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := cmp.Or(s.find(d, accessKind, token), s.find(d, refreshKind, token))
	if i == nil {
		return unknownToken
	}
	if client != nil && i.client != client {
		return foreignToken
	}
	s.forget(func(g *grant) bool {
		return g == i.grant || all && g.client == i.client && g.user.ID == i.user.ID
	})
	return nil
}
