package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"example.com/oauthbyhand/oauth"
)

const (
	idleLife     = time.Hour        // a session that nobody uses ends
	absoluteLife = 12 * time.Hour   // and so does any other
	seenEvery    = 10 * time.Minute // how exactly its last use is known
)

// ended reports whether the session's time is over.
func (s Session) ended(now time.Time) bool {
	return now.Sub(s.Seen) > idleLife || now.Sub(s.Begun) > absoluteLife
}

// Sessions is who is signed in, and in which browser. Tokens stay on the server; the
// browser only gets the session's random id. A session ends an hour after its last use,
// which is known to ten minutes, and 12 hours after it began.
type Sessions struct {
	store  Store
	sealer *oauth.Sealer
	secure bool
}

// NewSessions returns the sessions in store, whose records are proved under a key
// derived from root (32 random bytes, or there is an error). secure says that the app is
// served over https: the cookie then is one that only this host can set, and is sent
// over https only.
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
// fixation). key is the identity with which the user has signed in, and which the store
// must have: when it is disconnected the session ends. It is ErrNotFound where there is
// no such user.
func (s *Sessions) Begin(w http.ResponseWriter, r *http.Request, userID string, key Key) error {
	if err := s.End(w, r); err != nil {
		return err
	}
	id := rand.Text() + rand.Text() // 260 bits
	session := Session{Hash: hash(id), UserID: userID, Key: key, Begun: now(), Seen: now()}
	if err := s.add(r.Context(), session); err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(id, int(absoluteLife.Seconds())))
	return nil
}

// Continue lets a session go on with another identity of its user, when the one with
// which it began is about to be disconnected. Its 12 hours begin anew. One that has
// ended meanwhile is ErrNotFound.
func (s *Sessions) Continue(ctx context.Context, session Session, other Key) error {
	if _, err := s.store.Session(ctx, session.Hash); err != nil {
		return err
	}
	if err := s.store.RemoveSession(ctx, session.Hash); err != nil {
		return err
	}
	session.Key, session.Begun = other, now()
	return s.add(ctx, session)
}

func (s *Sessions) add(ctx context.Context, session Session) error {
	session.Proof = s.sealer.Seal(nil, proved(session))
	return s.store.AddSession(ctx, session)
}

// Get returns the session of the browser that sent r, or ErrNotFound where there is none
// or its time is over.
func (s *Sessions) Get(r *http.Request) (Session, error) {
	hashes := s.hashes(r)
	if len(hashes) != 1 { // of two, one is somebody else's
		return Session{}, ErrNotFound
	}
	session, err := s.get(r.Context(), hashes[0])
	if now := now(); err == nil && now.Sub(session.Seen) > seenEvery {
		s.store.SeeSession(r.Context(), session.Hash, now) // where it fails, the session ends early
	}
	return session, err
}

func (s *Sessions) get(ctx context.Context, hash string) (Session, error) {
	session, err := s.store.Session(ctx, hash)
	if err != nil {
		return Session{}, err
	}
	// A record that somebody wrote into the store, or pointed at another user, is none.
	if _, err := s.sealer.Open(session.Proof, proved(session)); err != nil || session.ended(now()) {
		return Session{}, ErrNotFound
	}
	// And none is a session whose identity was disconnected, and perhaps connected anew
	// since: whoever had got into the account at the provider is out with it.
	identity, err := s.store.Identity(ctx, session.Key)
	if err == nil && (identity.UserID != session.UserID || session.Begun.Before(identity.Created)) {
		err = ErrNotFound
	}
	if err != nil {
		return Session{}, err
	}
	return session, nil
}

// End signs the browser out: on the server, where it counts, and in the browser. Each
// cookie of the name counts: with one that somebody planted beside the user's own, the
// user is signed out all the same.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) error {
	var errs error
	hashes := s.hashes(r)
	for _, hash := range hashes {
		errs = errors.Join(errs, s.store.RemoveSession(r.Context(), hash))
	}
	if len(hashes) > 0 {
		http.SetCookie(w, s.cookie("", -1))
	}
	return errs
}

// EndAll signs the user of this browser out everywhere.
func (s *Sessions) EndAll(w http.ResponseWriter, r *http.Request) error {
	for _, hash := range s.hashes(r) {
		session, err := s.get(r.Context(), hash)
		if err == nil {
			err = s.store.RemoveSessions(r.Context(), session.UserID)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return s.End(w, r)
}

// hashes returns the hashes of the session ids that r brings. The store knows no more
// than these, so that who reads it cannot sign in with what is there.
func (s *Sessions) hashes(r *http.Request) (all []string) {
	for _, cookie := range r.CookiesNamed(s.cookie("", 0).Name) {
		all = append(all, hash(cookie.Value))
	}
	return all
}

func hash(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// proved is what a session's proof is about: all but its last use.
func proved(s Session) string {
	return fmt.Sprintf("%q %q %s", s.Hash, s.Begun.UTC().Format(time.RFC3339Nano), place(Identity{UserID: s.UserID, Key: s.Key}))
}
