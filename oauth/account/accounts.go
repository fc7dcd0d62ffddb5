package account

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"example.com/oauthbyhand/oauth"
)

// maxRead limits the bytes of an identity's profile and replies, and also those of its claims.
const maxRead = 64 << 10

// compared are the claims that a refresh compares (OIDC Core §12.2). They are always kept.
var compared = []string{"iss", "sub", "aud", "azp", "nonce", "auth_time"}

// Accounts signs users in, connects their accounts and keeps their tokens. It is safe for
// concurrent use.
type Accounts struct {
	store  Store
	sealer *oauth.Sealer
	log    *slog.Logger
	hook   func(SignedIn)

	mu      sync.Mutex
	flights map[string]*flight // refreshes under way, by sealContext
}

// SignedIn is what the hook of [NewAccounts] gets.
type SignedIn struct {
	Identity    Identity // which names the user
	Profile     oauth.Profile
	NewUser     bool
	NewIdentity bool // also if an existing user connected it
}

// NewAccounts returns the accounts in store, sealed under a key derived from root. It
// returns an error if root does not have 32 bytes, which must be random. hook is called
// after each sign-in and each connected account, when the grant is stored: use it to send
// a welcome. The user waits for it, and several goroutines may call it. log gets what the
// user is not told: tokens that could not be refreshed yet, and panics.
func NewAccounts(store Store, root []byte, log *slog.Logger, hook func(SignedIn)) (*Accounts, error) {
	sealer, err := oauth.NewSealer(root, "tokens")
	if err != nil {
		return nil, err
	}
	return &Accounts{store: store, sealer: sealer, log: log, hook: hook, flights: make(map[string]*flight)}, nil
}

// SignIn stores the grant and returns the id of the user who has the account that key
// names. At the first sign-in it makes that user.
func (a *Accounts) SignIn(ctx context.Context, key Key, grant Grant) (userID string, err error) {
	return a.storeGrant(ctx, Identity{Key: key, UserID: rand.Text(), Created: now()}, true, grant)
}

// Connect adds the account that key names to a user. If the user has it already, the new
// grant replaces the old one. It returns ErrTaken if another user has it: only that user
// can free it, by disconnecting it. It returns ErrNotFound if the user is gone.
func (a *Accounts) Connect(ctx context.Context, userID string, key Key, grant Grant) error {
	all, err := a.store.Identities(ctx, userID)
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return err
	}
	_, err = a.storeGrant(ctx, Identity{Key: key, UserID: userID, Created: now()}, false, grant)
	return err
}

func (a *Accounts) storeGrant(ctx context.Context, identity Identity, signIn bool, grant Grant) (userID string, err error) {
	userID = identity.UserID
	// Later profiles must be about the same subject.
	grant.Tokens.Subject, grant.Credentials.Subject = identity.Subject, identity.Subject
	if identity.Sealed, err = a.seal(identity, grant); err != nil {
		return "", err
	}
	// Do not look first: two tabs may sign in at once, and only the store can tell which of
	// them made the user.
	err = a.store.AddIdentity(ctx, identity)
	added := err == nil
	if errors.Is(err, ErrTaken) {
		if identity, err = a.store.Identity(ctx, identity.Key); err != nil {
			return "", err
		}
		if !signIn && identity.UserID != userID {
			return "", ErrTaken
		}
		// The stored grant must open: if an attacker has pointed the identity at another user
		// in the store, nobody is signed in as that user.
		err = a.Update(ctx, identity, func(stored *Grant) error {
			t := &grant.Tokens
			if t.RefreshToken == "" && t.Provider == stored.Tokens.Provider {
				t.RefreshToken = stored.Tokens.RefreshToken // Google gives one only with the first consent
			}
			*stored = grant
			return nil
		})
	}
	if err != nil {
		return "", err
	}
	a.hook(SignedIn{Identity: identity, Profile: grant.Profile, NewUser: added && signIn, NewIdentity: added})
	return identity.UserID, nil
}

// now returns the time, as exact as databases keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Identities returns a user's identities in the order in which they were added.
func (a *Accounts) Identities(ctx context.Context, userID string) ([]Identity, error) {
	return a.store.Identities(ctx, userID)
}

// Update changes the stored grant of an identity, which is locked meanwhile. If change
// fails nothing is stored, and Update returns its error. It returns ErrNotFound if the user
// does not have the identity any more.
func (a *Accounts) Update(ctx context.Context, identity Identity, change func(*Grant) error) error {
	err := a.store.UpdateTokens(ctx, identity.Key, func(stored string) (string, error) {
		identity.Sealed = stored
		grant, err := a.Open(identity)
		if err == nil {
			err = change(&grant)
		}
		if err != nil {
			return "", err
		}
		return a.seal(identity, grant)
	})
	if err != nil {
		if now, failed := a.store.Identity(ctx, identity.Key); failed == nil && now.UserID != identity.UserID {
			return ErrNotFound // it was disconnected, and belongs to another user now
		}
	}
	return err
}

// Disconnect removes an identity and ends all sessions that began with it. With the last
// identity the user is gone. It returns ErrNotFound if the identity is gone already.
//
// To revoke the grant at the provider as well (step 7, [oauth.Client.Revoke]), open it before
// Disconnect and revoke it afterwards. Then it is not revoked twice, and it is not kept
// after it is revoked.
func (a *Accounts) Disconnect(ctx context.Context, identity Identity) error {
	return a.store.RemoveIdentity(ctx, identity.UserID, identity.Key)
}

// Open returns the grant of an identity as it is stored, perhaps expired. It returns an
// error if the record was changed, or sealed under another key.
func (a *Accounts) Open(identity Identity) (grant Grant, err error) {
	plaintext, err := a.sealer.Open(identity.Sealed, sealContext(identity))
	if err == nil {
		err = json.Unmarshal(plaintext, &grant)
	}
	if err != nil {
		return Grant{}, fmt.Errorf("account: the record of %s at %s was changed, or sealed under another key: %w", identity.Subject, identity.Provider, err)
	}
	return grant, nil
}

// sealContext binds a sealed grant to its user and key. Because it quotes them, no two
// identities have the same text.
func sealContext(i Identity) string { return fmt.Sprintf("%q %q %q", i.UserID, i.Provider, i.Subject) }

// seal returns the sealed grant of identity. It leaves out what is too long (see [Grant]).
func (a *Accounts) seal(identity Identity, grant Grant) (string, error) {
	p := &grant.Profile
	size := len(p.Name) + len(p.Email) + len(p.Picture)
	if size > maxRead {
		*p, size = oauth.Profile{Subject: p.Subject}, 0
	}
	for i, reply := range grant.Replies {
		if size += len(reply.URL) + len(reply.Body); size > maxRead {
			grant.Replies = grant.Replies[:i]
			break
		}
	}
	size = 0
	for name, value := range grant.Tokens.IDToken {
		size += len(name) + len(value)
	}
	if size > maxRead {
		grant.Tokens.IDToken = maps.Clone(grant.Tokens.IDToken)
		maps.DeleteFunc(grant.Tokens.IDToken, func(name string, _ json.RawMessage) bool { return !slices.Contains(compared, name) })
	}
	plaintext, err := json.Marshal(grant)
	if err != nil {
		return "", err
	}
	return a.sealer.Seal(plaintext, sealContext(identity)), nil
}
