package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"example.com/oauthbyhand/oauth"
)

const (
	idleLife     = time.Hour        // a session that nobody uses ends
	absoluteLife = 12 * time.Hour   // and so does any other
	seenEvery    = 10 * time.Minute // how exactly its last use is known
)

// Ended reports whether the session's time is over.
func (s Session) Ended(now time.Time) bool {
	return now.Sub(s.Seen) > idleLife || now.Sub(s.Begun) > absoluteLife
}

// Sessions is who is signed in in which browser. Tokens stay on the server; the
// browser only gets the session's random id.
type Sessions struct {
	store  Store
	sealer *oauth.Sealer
	secure bool
}

// NewSessions returns the sessions in store, whose records are proved under a key
// derived from root. secure says that the app is served over https.
func NewSessions(store Store, root []byte, secure bool) (*Sessions, error) {
	sealer, err := oauth.NewSealer(root, "session")
	return &Sessions{store, sealer, secure}, err
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
	http.SetCookie(w, s.cookie(id, int(absoluteLife.Seconds())))
	return nil
}

// Get returns the session of the browser that sent r, or ErrNotFound.
func (s *Sessions) Get(r *http.Request) (Session, error) {
	hash, ok := s.hash(r)
	if !ok {
		return Session{}, ErrNotFound
	}
	session, err := s.store.Session(r.Context(), hash)
	if err != nil {
		return Session{}, err
	}
	now := now()
	// A record that somebody wrote into the store, or pointed at another user, is none.
	if _, err := s.sealer.Open(session.Proof, proved(session)); err != nil || session.Ended(now) {
		return Session{}, ErrNotFound
	}
	if now.Sub(session.Seen) > seenEvery {
		s.store.SeeSession(r.Context(), hash, now) // where it fails, the session ends early
	}
	return session, nil
}

// End signs the browser out: on the server, where it counts, and in the browser.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) error {
	hash, ok := s.hash(r)
	if !ok {
		return nil
	}
	http.SetCookie(w, s.cookie("", -1))
	return s.store.RemoveSession(r.Context(), hash)
}

// EndAll signs the user of this browser out everywhere.
func (s *Sessions) EndAll(w http.ResponseWriter, r *http.Request) error {
	session, err := s.Get(r)
	if err != nil {
		return s.End(w, r)
	}
	http.SetCookie(w, s.cookie("", -1))
	return s.store.RemoveSessions(r.Context(), session.UserID)
}

// hash is by what the store knows the session of r: who reads the store cannot sign
// in with it.
func (s *Sessions) hash(r *http.Request) (string, bool) {
	cookies := r.CookiesNamed(s.cookie("", 0).Name)
	if len(cookies) != 1 { // of two, one is somebody else's
		return "", false
	}
	return hash(cookies[0].Value), true
}

func hash(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// proved is what a session's proof is about: all but its last use.
func proved(s Session) string {
	return s.Hash + " " + s.Begun.UTC().Format(time.RFC3339) + " " + place(Identity{UserID: s.UserID, Key: s.Key})
}
