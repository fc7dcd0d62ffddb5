package fake

import (
	"cmp"
	"crypto/rand"
	"sync"
	"time"
)

// kind is what a value was given out as.
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
	maxAge                        bool // max_age was asked for
	began                         time.Time
	over                          bool // revoked: none of its codes and tokens is known any more
}

// issued is one code or token.
type issued struct {
	*grant
	kind  kind
	ends  time.Time
	spent bool // used, and remembered so that a second use is noticed
}

// tokens are what a token request returns.
type tokens struct {
	*grant
	access, refresh string
}

// grants are what the fake remembers of OAuth 2.0.
type grants struct {
	mu     sync.Mutex
	issued recent[*issued]
}

// open starts a grant and returns its code.
func (s *grants) open(g *grant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.began = time.Now()
	return s.give(g, codeKind, g.dialect.codeLife)
}

// give makes a value that nobody can guess (RFC 6749 §10.10). It has a slash, as Google's codes have, so that a
// client that forgets to encode or decode it fails. s.mu is held.
func (s *grants) give(g *grant, k kind, life time.Duration) string {
	value := rand.Text() + "/" + rand.Text()
	s.issued.put(value, &issued{grant: g, kind: k, ends: time.Now().Add(life)})
	return value
}

// giveTokens makes the tokens of a reply. s.mu is held.
func (s *grants) giveTokens(g *grant, withRefresh bool) tokens {
	t := tokens{grant: g, access: s.give(g, accessKind, g.dialect.accessLife)}
	if withRefresh {
		life := sixMonths
		if g.dialect.refreshEnds {
			life -= time.Since(g.began)
		}
		t.refresh = s.give(g, refreshKind, life)
	}
	return t
}

// find looks a value up for the provider that gave it. It finds nothing that has expired or was revoked. It
// finds a used value also after it has expired, because a second use must be noticed. s.mu is held.
func (s *grants) find(d *dialect, k kind, value string) *issued {
	i, ok := s.issued.all[value]
	if !ok || i.over || i.kind != k || i.dialect != d || !i.spent && !time.Now().Before(i.ends) {
		return nil
	}
	return i
}

// unspent finds a value for the client that it was given to. A second use means that somebody has stolen the value, so
// the whole grant is revoked (RFC 6749 §4.1.2 for codes, RFC 9700 §4.14.2 for refresh tokens). s.mu is held.
func (s *grants) unspent(d *dialect, k kind, value string, c *Client) *issued {
	i := s.find(d, k, value)
	if i == nil || i.client != c {
		return nil
	}
	if i.spent {
		i.over = true
		return nil
	}
	return i
}

// bearer finds the access token that a request presents.
func (s *grants) bearer(d *dialect, token string) *issued {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(d, accessKind, token)
}

// revokeToken revokes the grant of an access or refresh token, or all grants of its user to its
// client.
func (s *grants) revokeToken(d *dialect, client *Client, token string, all bool) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := cmp.Or(s.find(d, accessKind, token), s.find(d, refreshKind, token))
	if i == nil {
		return unknownToken
	}
	if i.client != client {
		return &failure{"invalid_grant", "The token was given to another client."} // RFC 7009 §2.1: refused
	}
	i.over = true
	for _, other := range s.issued.all {
		if all && other.client == i.client && other.user.ID == i.user.ID {
			other.over = true
		}
	}
	return nil
}
