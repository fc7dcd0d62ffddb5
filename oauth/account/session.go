// Package account is the app's own side of a sign-in: what it remembers of who
// signed in, after the protocol in package oauth is done.
package account

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"example.com/oauthbyhand/oauth"
)

const (
	idleLife     = time.Hour        // a session that nobody uses ends
	absoluteLife = 12 * time.Hour   // and so does any other
	seenEvery    = 10 * time.Minute // how exactly its last use is known
)

// SignIn is what a session remembers. Tokens stay on the server; the browser only
// gets the session's random id.
type SignIn struct {
	Provider string // the row's name
	Profile  oauth.Profile
	Tokens   oauth.Tokens
	Replies  []oauth.Reply
}

// Sessions keeps who is signed in, in memory.
type Sessions struct {
	secure bool

	mu      sync.Mutex
	byHash  map[[sha256.Size]byte]*session // by the hash of the id: who reads this memory cannot sign in with it
	sweepAt int
}

type session struct {
	signIn      SignIn
	begun, seen time.Time
}

// NewSessions returns an empty keeper. secure says that the app is served over https.
func NewSessions(secure bool) *Sessions {
	return &Sessions{secure: secure, byHash: make(map[[sha256.Size]byte]*session)}
}

func (s *Sessions) cookie(id string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name:     oauth.CookiePrefix(s.secure) + "session",
		Value:    id,
		Path:     "/",
		MaxAge:   maxAge,
		Secure:   s.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}

// Begin signs the browser in under a new session id and ends its old session: an
// id that somebody planted in the browser beforehand stays worthless (session
// fixation, RFC 9700 §4.7).
func (s *Sessions) Begin(w http.ResponseWriter, r *http.Request, signIn SignIn) {
	s.End(w, r)
	id := rand.Text() + rand.Text() // 260 bits
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byHash) >= s.sweepAt {
		s.sweep(now)
	}
	s.byHash[sha256.Sum256([]byte(id))] = &session{signIn, now, now}
	http.SetCookie(w, s.cookie(id, int(absoluteLife.Seconds())))
}

// sweep drops what has ended, so rarely that a sign-in does not pay for it.
func (s *Sessions) sweep(now time.Time) {
	for hash, session := range s.byHash {
		if session.ended(now) {
			delete(s.byHash, hash)
		}
	}
	s.sweepAt = 2*len(s.byHash) + 1000
}

func (s *session) ended(now time.Time) bool {
	return now.Sub(s.seen) > idleLife || now.Sub(s.begun) > absoluteLife
}

// Get returns who is signed in in the browser that sent r, if anybody.
func (s *Sessions) Get(r *http.Request) (SignIn, bool) {
	hash, ok := s.hash(r)
	if !ok {
		return SignIn{}, false
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.byHash[hash]
	if !ok || session.ended(now) {
		delete(s.byHash, hash)
		return SignIn{}, false
	}
	if now.Sub(session.seen) > seenEvery {
		session.seen = now
	}
	return session.signIn, true
}

// End signs the browser out: on the server, where it counts, and in the browser.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) {
	if hash, ok := s.hash(r); ok {
		s.mu.Lock()
		delete(s.byHash, hash)
		s.mu.Unlock()
		http.SetCookie(w, s.cookie("", -1))
	}
}

func (s *Sessions) hash(r *http.Request) ([sha256.Size]byte, bool) {
	cookies := r.CookiesNamed(s.cookie("", 0).Name)
	if len(cookies) != 1 { // of two, one is somebody else's
		return [sha256.Size]byte{}, false
	}
	return sha256.Sum256([]byte(cookies[0].Value)), true
}
