package account

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"example.com/oauthbyhand/oauth"
)

const (
	idleLife     = time.Hour        // how long a session lives after its last use
	absoluteLife = 12 * time.Hour   // how long it lives at most after it began
	seenEvery    = 10 * time.Minute // its last use is noted at most this often
)

// ended reports whether the session's time is over.
func (s Session) ended(now time.Time) bool {
	return now.Sub(s.Seen) > idleLife || now.Sub(s.Begun) > absoluteLife
}

// Sessions says which browser is signed in as which user. Tokens stay on the server. The
// browser gets only the session's random id. A session ends 50 to 60 minutes after its last
// use, and at the latest 12 hours after it began.
type Sessions struct {
	store  Store
	sealer *oauth.Sealer
	secure bool
}

// NewSessions returns the sessions in store. A key derived from root proves that this app
// wrote their records. NewSessions returns an error if root does not have 32 bytes, which
// must be random. secure says that the app is served over https: then only this host can
// set the cookie, and browsers send it over https only.
func NewSessions(store Store, root []byte, secure bool) (*Sessions, error) {
	sealer, err := oauth.NewSealer(root, "session")
	if err != nil {
		return nil, err
	}
	return &Sessions{store, sealer, secure}, nil
}

// Begin signs the browser in under a new session id and ends its old session, so an id
// that an attacker planted in the browser beforehand is worthless (session fixation). key
// is the identity that the user signed in with: if it is disconnected, the session
// ends. Begin returns ErrNotFound if the user does not have this identity.
func (s *Sessions) Begin(w http.ResponseWriter, r *http.Request, userID string, key Key) error {
	if err := s.End(w, r); err != nil {
		return err
	}
	id := rand.Text() + rand.Text() // 260 bits
	session := Session{Hash: hash(id), UserID: userID, Key: key, Begun: now(), Seen: now()}
	session.Proof = s.sealer.Seal(nil, proved(session))
	if err := s.store.AddSession(r.Context(), session); err != nil {
		return err
	}
	http.SetCookie(w, oauth.Cookie(s.secure, "session", id, absoluteLife))
	return nil
}

// Get returns the session of the browser that sent r. It returns ErrNotFound if the browser
// has no session, or if the session has ended.
func (s *Sessions) Get(r *http.Request) (Session, error) {
	hashes := s.hashes(r)
	if len(hashes) != 1 { // if there are two cookies, an attacker may have planted one
		return Session{}, ErrNotFound
	}
	session, err := s.store.Session(r.Context(), hashes[0])
	if err != nil {
		return Session{}, err
	}
	// An attacker may have written this record into the store, or changed its user.
	now := now()
	if _, err := s.sealer.Open(session.Proof, proved(session)); err != nil || session.ended(now) {
		return Session{}, ErrNotFound
	}
	if now.Sub(session.Seen) > seenEvery {
		s.store.SeeSession(r.Context(), session.Hash, now) // if it fails, the session ends early
	}
	return session, nil
}

// End signs the browser out. It ends the session of each session cookie: if an attacker
// planted one next to the user's own, the user is still signed out. If the store fails, End
// returns an error and removes the browser's cookie anyway. Nobody can use the session from
// this browser then, but a copied cookie works until the session's time is over.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) error {
	var errs error
	hashes := s.hashes(r)
	for _, hash := range hashes {
		errs = errors.Join(errs, s.store.RemoveSession(r.Context(), hash))
	}
	if len(hashes) > 0 {
		http.SetCookie(w, oauth.Cookie(s.secure, "session", "", -time.Second))
	}
	return errs
}

// EndAll signs the user of this browser out everywhere. If [Sessions.Get] finds no session,
// EndAll returns ErrNotFound and signs nobody out: tell the user to sign in first. If the
// store fails, the browser stays signed in and the user can try again.
func (s *Sessions) EndAll(w http.ResponseWriter, r *http.Request) error {
	session, err := s.Get(r)
	if err == nil {
		err = s.store.RemoveSessions(r.Context(), session.UserID)
	}
	if err != nil {
		return err
	}
	return s.End(w, r)
}

// hashes returns the hashes of the session ids in r's cookies. The store knows only these
// hashes, so an attacker who reads it cannot sign in with what is there.
func (s *Sessions) hashes(r *http.Request) (all []string) {
	for _, cookie := range r.CookiesNamed(oauth.Cookie(s.secure, "session", "", 0).Name) {
		all = append(all, hash(cookie.Value))
	}
	return all
}

func hash(id string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(id))) }

// proved is the text that a session's proof is for: all its fields, except Seen and Proof.
func proved(s Session) string {
	return fmt.Sprintf("%q %q %s", s.Hash, s.Begun.UTC().Format(time.RFC3339Nano), sealContext(Identity{UserID: s.UserID, Key: s.Key}))
}
