// Package account is the app's own side of a sign-in: its users, the accounts that
// they have at providers, the tokens that those gave, and who is signed in.
//
//	account.go   the records, and the Store that keeps them
//	accounts.go  signing in, connecting a second account, disconnecting
//	tokens.go    tokens that are refreshed before they are used
//	session.go   who is signed in, and in which browser
//	memory.go    a Store in memory; record.go has the changes that it knows
//	file.go      a Store in a file that survives crashes; line.go, dir.go, lock_*.go
//
// Above the Store, [Accounts] and [Sessions] seal what must not be read or moved:
// whoever can read the store gets no token out of it, and whoever can write to it
// can make no record that leads into somebody else's account. That holds only where
// the key is kept elsewhere (SESSION_KEY, and not the file key in DIR); and nothing
// here notices an old record that is put back, such as a session that was ended or an
// identity that was disconnected.
package account

import (
	"context"
	"errors"
	"time"

	"example.com/oauthbyhand/oauth"
)

// Key names an account at a provider, for good. An e-mail address does not: it can
// change hands, and whoever registers the victim's at a careless provider would be
// the victim (OIDC Core §5.7).
type Key struct {
	Provider string // as ProviderKey says
	Subject  string
}

// ProviderKey is what a provider is called in a [Key]: the issuer with OpenID
// Connect, within which subjects are unique (OIDC Core §2), and otherwise its name.
// It is the row's, never from a reply: no provider can speak for another.
func ProviderKey(p oauth.Provider) string {
	if p.OpenID {
		return p.Issuer
	}
	return p.Name
}

// Identity is a user's account at a provider. A user is the UserID that one or more
// identities share, and nothing else: whatever else an app knows of its users goes into
// a table of its own under this id.
type Identity struct {
	Key
	UserID  string    `json:",omitzero"` // random, made at the first sign-in
	Created time.Time `json:",omitzero"`
	Sealed  string    `json:",omitzero"` // a Grant, which opens for this user and key only
}

// Grant is what the provider gave: who the user is there, and the tokens of OAuth 2.0
// or else the token credentials of OAuth 1.0a.
type Grant struct {
	Profile     oauth.Profile
	Tokens      oauth.Tokens
	Credentials oauth.TokenCredentials
}

// Session says that a browser is signed in.
type Session struct {
	Hash   string    // SHA-256 of the id in the browser's cookie; the id is kept nowhere else
	UserID string    `json:",omitzero"`
	Key    Key       `json:",omitzero"` // with which the user signed in
	Begun  time.Time `json:",omitzero"`
	Seen   time.Time `json:",omitzero"` // last use, known to ten minutes
	Proof  string    `json:",omitzero"` // that this app wrote the record, all of it but Seen
}

// Errors of a [Store], and of [Accounts] and [Sessions] above it.
var (
	ErrNotFound = errors.New("account: no such record")
	ErrTaken    = errors.New("account: this account at the provider is somebody else's")
	ErrLast     = errors.New("account: the last identity of a user cannot be removed")
)

// Store keeps the records. [Memory] and [File] are stores on one machine;
// example_sql_test.go has one in a database. What a method has returned without
// an error stays; with one, nothing has changed, though a change that failed only as
// it was committed may be there after a crash. A Store may be used by several
// goroutines.
type Store interface {
	// AddIdentity adds an identity, and its user where that is new. It is ErrTaken
	// where there is one with this key.
	AddIdentity(ctx context.Context, identity Identity) error
	Identity(ctx context.Context, key Key) (Identity, error) // or ErrNotFound
	// Identities are a user's, in the order in which they were added.
	Identities(ctx context.Context, userID string) ([]Identity, error)
	// UpdateTokens puts what update makes of an identity's Sealed in its place, or is
	// ErrNotFound. The identity is locked meanwhile, for every process that uses the
	// store: update may spend a refresh token that works once. If update fails nothing
	// changes, and its error comes back.
	UpdateTokens(ctx context.Context, key Key, update func(old string) (sealed string, err error)) error
	// RemoveIdentity is ErrNotFound where the user has no such identity, and ErrLast
	// where it is the only one.
	RemoveIdentity(ctx context.Context, userID string, key Key) error

	// AddSession is ErrNotFound where there is no such user. It may forget sessions
	// whose time is over (see [Sessions]), and the oldest of a user who has very many.
	AddSession(ctx context.Context, session Session) error
	Session(ctx context.Context, hash string) (Session, error) // or ErrNotFound
	// SeeSession notes that a session was used; where there is none, nothing.
	SeeSession(ctx context.Context, hash string, seen time.Time) error
	// RemoveSession, and RemoveSessions of a user: it is no error if there was none. With
	// an error, sessions may have ended all the same, up to the next start.
	RemoveSession(ctx context.Context, hash string) error
	RemoveSessions(ctx context.Context, userID string) error
}
