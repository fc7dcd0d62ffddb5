package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"example.com/oauthbyhand/oauth"
)

// maxGrant is how many bytes a grant can have without losing parts (see [Grant]).
const maxGrant = 64 << 10

// compared are the claims that a refresh compares (OIDC Core §12.2). They are never left out.
var compared = []string{"iss", "sub", "aud", "azp", "nonce", "auth_time"}

// Accounts signs users in, connects their accounts and keeps their tokens. It is safe for
// concurrent use.
type Accounts struct {
	store  Store
	sealer *oauth.Sealer
	log    *slog.Logger
	hook   func(SignedIn)

	flights sync.Map    // sealContext to *flight
	ends    atomic.Bool // no refresh begins any more
}

// SignedIn is what the hook of [NewAccounts] gets.
type SignedIn struct {
	Identity    Identity // its UserID is the user
	Profile     oauth.Profile
	NewUser     bool
	NewIdentity bool // also true if an existing user connected the account
}

// NewAccounts returns the accounts in store, sealed under a key derived from root. It
// returns an error if root does not have 32 bytes, which must be random. hook is called
// after each sign-in and each connected account, when the grant is stored: use it to send
// a welcome. The user waits for the hook, and several goroutines may call it. log gets what the
// user is not told: tokens that could not be refreshed yet, and panics.
func NewAccounts(store Store, root []byte, log *slog.Logger, hook func(SignedIn)) (*Accounts, error) {
	sealer, err := oauth.NewSealer(root, "tokens")
	if err != nil {
		return nil, err
	}
	return &Accounts{store: store, sealer: sealer, log: log, hook: hook}, nil
}

// SignIn stores the grant and returns the id of the user who has the account that key
// names. At the first sign-in it makes that user.
func (a *Accounts) SignIn(ctx context.Context, key Key, grant Grant) (userID string, err error) {
	return a.storeGrant(ctx, key, "", grant)
}

// Connect adds the account that key names to a user. If the user has it already, the new
// grant replaces the old one. It returns ErrTaken if another user has it: only that user
// can free it, by disconnecting it. It returns ErrNotFound if the user is gone.
func (a *Accounts) Connect(ctx context.Context, userID string, key Key, grant Grant) error {
	all, err := a.store.Identities(ctx, userID)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return ErrNotFound
	}
	_, err = a.storeGrant(ctx, key, userID, grant)
	return err
}

// storeGrant stores the grant and returns its user. connectTo is the user who connects the
// account. At a sign-in connectTo is empty: then the grant goes to the user who has the
// account, or to a new user.
func (a *Accounts) storeGrant(ctx context.Context, key Key, connectTo string, grant Grant) (userID string, err error) {
	// Later profiles must be about the same subject.
	grant.Tokens.Subject, grant.Credentials.Subject = key.Subject, key.Subject
	identity, err := a.store.Identity(ctx, key)
	added := errors.Is(err, ErrNotFound)
	switch {
	case added:
		identity = Identity{Key: key, UserID: cmp.Or(connectTo, rand.Text()), Created: now()}
		if identity.Sealed, err = a.seal(identity, grant); err == nil {
			err = a.store.AddIdentity(ctx, identity)
		}
		if errors.Is(err, ErrTaken) { // another tab was quicker
			return a.storeGrant(ctx, key, connectTo, grant)
		}
	case err != nil:
	case connectTo != "" && connectTo != identity.UserID:
		err = ErrTaken
	default:
		// Update fails if the stored grant does not open. So if an attacker has written
		// another user into the identity, nobody is signed in as that user.
		err = a.Update(ctx, identity, func(stored *Grant) error {
			t := &grant.Tokens
			if t.RefreshToken == "" && t.Provider == stored.Tokens.Provider {
				t.RefreshToken = stored.Tokens.RefreshToken // Google gives one only when it asks for consent
			}
			*stored = grant
			return nil
		})
	}
	if err != nil {
		return "", err
	}
	a.hook(SignedIn{Identity: identity, Profile: grant.Profile, NewUser: added && connectTo == "", NewIdentity: added})
	return identity.UserID, nil
}

// now returns the time to the microsecond, because some databases keep no more.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Identities returns a user's identities in the order in which they were added.
func (a *Accounts) Identities(ctx context.Context, userID string) ([]Identity, error) {
	return a.store.Identities(ctx, userID)
}

// Update changes the stored grant of an identity, and locks the identity meanwhile. If change
// fails, nothing is stored and Update returns its error. It returns ErrNotFound if the user
// does not have the identity any more.
func (a *Accounts) Update(ctx context.Context, identity Identity, change func(*Grant) error) error {
	return a.store.UpdateTokens(ctx, identity.UserID, identity.Key, func(stored string) (string, error) {
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
}

// Disconnect removes an identity and ends all sessions that began with it. With the last
// identity the user is gone. It returns ErrNotFound if the identity is gone already.
//
// To revoke the grant at the provider as well (step 7, [oauth.Client.Revoke]), call Open
// before Disconnect, and Revoke after it. Then two requests do not revoke the grant twice,
// and the store never holds a revoked grant.
func (a *Accounts) Disconnect(ctx context.Context, identity Identity) error {
	return a.store.RemoveIdentity(ctx, identity.UserID, identity.Key)
}

// Open returns the grant of an identity as it is stored. Its access token may have expired.
// Open returns an error if the record was changed, or sealed under another key.
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

// sealContext binds a sealed grant to its user and key. It quotes them, so no two identities
// have the same text.
func sealContext(i Identity) string { return fmt.Sprintf("%q %q %q", i.UserID, i.Provider, i.Subject) }

// seal returns the sealed grant of identity. It leaves out what is too long (see [Grant]).
func (a *Accounts) seal(identity Identity, grant Grant) (string, error) {
	plaintext, err := json.Marshal(grant)
	if err == nil && len(plaintext) > maxGrant {
		grant.Replies = nil
		plaintext, err = json.Marshal(grant)
	}
	if err == nil && len(plaintext) > maxGrant {
		grant.Profile = oauth.Profile{Subject: grant.Profile.Subject}
		grant.Tokens.IDToken = maps.Clone(grant.Tokens.IDToken)
		maps.DeleteFunc(grant.Tokens.IDToken, func(name string, _ json.RawMessage) bool { return !slices.Contains(compared, name) })
		plaintext, err = json.Marshal(grant)
	}
	if err != nil {
		return "", err
	}
	return a.sealer.Seal(plaintext, sealContext(identity)), nil
}
