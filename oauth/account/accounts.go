package account

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"example.com/oauthbyhand/oauth"
)

// Accounts is what the app does with users and identities. It may be used by
// several goroutines.
type Accounts struct {
	store  Store
	sealer *oauth.Sealer
	log    *slog.Logger
	hook   func(SignedIn)

	mu      sync.Mutex
	flights map[string]*flight // refreshes under way, by place
	unsaved map[string]unsaved // and what came of those that could not be stored
}

// SignedIn is what the hook of [NewAccounts] gets.
type SignedIn struct {
	Identity    Identity // and in it the user
	Profile     oauth.Profile
	NewUser     bool
	NewIdentity bool // also where a user who was here before connected it
}

// NewAccounts returns the accounts in store, sealed under a key derived from root
// (32 random bytes, or there is an error). hook is called after each sign-in and each
// connected account, when the grant is stored: to send a welcome, to count. The user
// waits for it, and it may be called by several goroutines. log gets what the user is
// not told of: tokens not refreshed yet, or not stored.
func NewAccounts(store Store, root []byte, log *slog.Logger, hook func(SignedIn)) (*Accounts, error) {
	sealer, err := oauth.NewSealer(root, "tokens")
	return &Accounts{
		store:   store,
		sealer:  sealer,
		log:     log,
		hook:    hook,
		flights: make(map[string]*flight),
		unsaved: make(map[string]unsaved),
	}, err
}

// SignIn returns the id of the user whose account at the provider key names, with the
// grant stored; at the first sign-in that user is made.
func (a *Accounts) SignIn(ctx context.Context, key Key, grant Grant) (userID string, err error) {
	return a.arrive(ctx, Identity{Key: key, UserID: rand.Text(), Created: now()}, true, grant)
}

// Connect adds the account that key names to the user who is signed in. It is ErrTaken
// where it is another user's: only that user can free it, by disconnecting it there.
// Where the user has it already, the new grant takes the old one's place.
func (a *Accounts) Connect(ctx context.Context, userID string, key Key, grant Grant) error {
	_, err := a.arrive(ctx, Identity{Key: key, UserID: userID, Created: now()}, false, grant)
	return err
}

// arrive stores the grant of an identity. Where the identity is there already, a sign-in
// is as the user who has it, and connecting is refused to any other user.
func (a *Accounts) arrive(ctx context.Context, identity Identity, signIn bool, grant Grant) (userID string, err error) {
	userID = identity.UserID
	// Whoever the tokens are about later, it must be the same.
	grant.Tokens.Subject, grant.Credentials.Subject = identity.Subject, identity.Subject
	if identity.Sealed, err = a.seal(identity, grant); err != nil {
		return "", err
	}
	// Whether it is there already is not asked first: two tabs may ask at once.
	err = a.store.AddIdentity(ctx, identity)
	added := err == nil
	if errors.Is(err, ErrTaken) {
		if identity, err = a.store.Identity(ctx, identity.Key); err != nil {
			return "", err
		}
		if !signIn && identity.UserID != userID {
			return "", ErrTaken
		}
		// What is replaced must open: an identity that somebody pointed at another user
		// in the store signs nobody in as that user.
		_, err = a.update(ctx, identity, func(Grant) (Grant, error) { return grant, nil })
	}
	if err != nil {
		return "", err
	}
	a.hook(SignedIn{Identity: identity, Profile: grant.Profile, NewUser: added && signIn, NewIdentity: added})
	return identity.UserID, nil
}

// now is as exact as databases keep a time.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Identities returns a user's identities, the first one first.
func (a *Accounts) Identities(ctx context.Context, userID string) ([]Identity, error) {
	return a.store.Identities(ctx, userID)
}

// Disconnect forgets an identity, or is ErrNotFound where it is not there any more.
// The last one stays ([ErrLast]): without it nobody could sign in as this user again.
//
// Open the grant before, and give it back to the provider afterwards (step 7,
// [oauth.Client.Revoke]): in this order nothing is given back twice, or given back and
// kept.
func (a *Accounts) Disconnect(ctx context.Context, identity Identity) error {
	err := a.store.RemoveIdentity(ctx, identity.UserID, identity.Key)
	if err == nil {
		a.mu.Lock()
		delete(a.unsaved, place(identity))
		a.mu.Unlock()
	}
	return err
}

// Open returns the grant of an identity as it is stored, perhaps expired. An error says
// that the record was changed, or sealed under another key.
func (a *Accounts) Open(identity Identity) (Grant, error) {
	if kept, ok := a.keptFor(identity); ok {
		return kept, nil
	}
	var grant Grant
	plaintext, err := a.sealer.Open(identity.Sealed, place(identity))
	if err != nil {
		return Grant{}, fmt.Errorf("account: the record of %s at %s was changed, or sealed under another key", identity.Subject, identity.Provider)
	}
	return grant, json.Unmarshal(plaintext, &grant)
}

// place is where an identity's grant opens. Quoted, no two identities have the same.
func place(i Identity) string { return fmt.Sprintf("%q %q %q", i.UserID, i.Provider, i.Subject) }

func (a *Accounts) seal(identity Identity, grant Grant) (string, error) {
	plaintext, err := json.Marshal(grant)
	if err != nil {
		return "", err
	}
	return a.sealer.Seal(plaintext, place(identity)), nil
}

// update stores what change makes of an identity's grant, under the store's lock. It
// returns what was stored before.
func (a *Accounts) update(ctx context.Context, identity Identity, change func(Grant) (Grant, error)) (before string, err error) {
	err = a.store.UpdateTokens(ctx, identity.Key, func(stored string) (string, error) {
		identity.Sealed, before = stored, stored
		grant, err := a.Open(identity)
		if err == nil {
			grant, err = change(grant)
		}
		if err != nil {
			return "", err
		}
		return a.seal(identity, grant)
	})
	if err == nil {
		a.mu.Lock()
		if a.unsaved[place(identity)].replaces == before { // and no newer one
			delete(a.unsaved, place(identity))
		}
		a.mu.Unlock()
	}
	return before, err
}
