// Package account keeps an app's users: their accounts at providers (identities), the
// tokens that the providers gave, and the sessions of signed-in browsers.
//
//	account.go   the records, and the Store that keeps them
//	accounts.go  sign in, connect a second account, disconnect
//	tokens.go    tokens, refreshed before they are used
//	session.go   which browser is signed in as which user
//	local.go     a Store in memory
//	file.go      keeps that Store in a file as well; system_*.go lock and check the file
//
// [Accounts] and [Sessions] seal records before they store them. An attacker who can read
// the store gets no tokens. An attacker who can write to it cannot make a record that
// leads into another user's account. Both promises need a key that is not kept with the
// store: set SESSION_KEY, because otherwise [Open] makes a file named key in the same directory.
// This package does not notice if an attacker puts an old record back, such as a session
// that has ended.
package account

import (
	"cmp"
	"context"
	"errors"
	"time"

	"example.com/oauthbyhand/oauth"
)

// Key is the permanent name of an account at a provider. An e-mail address is no such name:
// it can pass to another person (OIDC Core §5.7), and an attacker could register a victim's
// address at a provider that does not check it.
type Key struct {
	Provider string // see ProviderKey
	Subject  string
}

// ProviderKey returns the provider's name in a [Key]. With OpenID Connect it is the
// issuer, because subjects are unique within an issuer (OIDC Core §2). Otherwise it is the
// entry's name, or the AccountKey that two entries of one provider share. It comes from the
// provider entry, never from a reply, so no provider can speak for another.
func ProviderKey(p oauth.Provider) string {
	if p.OpenID {
		return p.Issuer
	}
	return cmp.Or(p.AccountKey, p.Name)
}

// Identity is a user's account at a provider. A user is nothing more than the UserID that
// one or more identities share. If your app knows more about its users, keep that in a
// table of its own, under the UserID.
type Identity struct {
	Key
	UserID  string // random, made at the first sign-in
	Created time.Time
	Sealed  string // a sealed Grant, which opens only with this UserID and Key
}

// Grant is what the provider gave and said: tokens (OAuth 2.0) or token credentials (OAuth
// 1.0a), and what step 5 read. If its JSON is longer than 64 KiB, [Accounts] stores it
// without the replies. If that is still too long, it keeps only the subject of the profile,
// and only those claims of the ID token that a refresh compares.
type Grant struct {
	Profile     oauth.Profile
	Replies     []oauth.Reply
	Read        time.Time // when profile and replies were read
	Tokens      oauth.Tokens
	Credentials oauth.TokenCredentials
}

// Session says that a browser is signed in.
type Session struct {
	Hash   string // SHA-256 of the id in the browser's cookie, which is not stored
	UserID string
	Key    Key // the identity that the user signed in with
	Begun  time.Time
	Seen   time.Time // last use, noted at most once in ten minutes
	Proof  string    // shows that this app wrote all other fields, except Seen
}

// Errors of a [Store], and of [Accounts] and [Sessions] above it.
var (
	ErrNotFound = errors.New("account: no such record")
	ErrTaken    = errors.New("account: this account at the provider belongs to another user")
)

// Store keeps the records. [NewMemory] and [Open] return stores for one process.
// example_sql_test.go has a store in a database. If a method returns no error, its change
// lasts. If it returns an error, nothing has changed. Stores are safe for concurrent use.
type Store interface {
	// AddIdentity adds an identity, and its user if that is new. It returns ErrTaken if
	// there is an identity with this key.
	AddIdentity(ctx context.Context, identity Identity) error
	Identity(ctx context.Context, key Key) (Identity, error) // or ErrNotFound
	// Identities returns a user's identities in the order in which they were added.
	Identities(ctx context.Context, userID string) ([]Identity, error)
	// UpdateTokens replaces an identity's Sealed with what update returns. Until then it
	// locks the identity for every process that uses the store, because update may spend
	// a refresh token that works once. If update fails, nothing changes and UpdateTokens
	// returns its error. It returns ErrNotFound if the user has no such identity, or if the
	// identity is removed before the new tokens are stored.
	UpdateTokens(ctx context.Context, userID string, key Key, update func(old string) (sealed string, err error)) error
	// RemoveIdentity removes an identity and all sessions that began with it. A user
	// without identities is gone. It returns ErrNotFound if the user has no such identity.
	RemoveIdentity(ctx context.Context, userID string, key Key) error

	// AddSession returns ErrNotFound if the session's user does not have its identity. It
	// may forget sessions that have ended (see [Sessions]), and the oldest sessions of a
	// user who has very many.
	AddSession(ctx context.Context, session Session) error
	Session(ctx context.Context, hash string) (Session, error) // or ErrNotFound
	// SeeSession notes a session's last use. A crash may lose the note: a store may write
	// it together with the next change.
	SeeSession(ctx context.Context, hash string, seen time.Time) error
	// RemoveSession ends a session, and RemoveSessions ends all sessions of a user. If there
	// is none, they return no error.
	RemoveSession(ctx context.Context, hash string) error
	RemoveSessions(ctx context.Context, userID string) error
}
