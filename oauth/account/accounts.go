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
	User        User
	Identity    Identity
	Profile     oauth.Profile
	NewUser     bool
	NewIdentity bool // also where a user who was here before connected it
}

// NewAccounts returns the accounts in store, sealed under a key derived from root
// (32 random bytes). hook is called after each sign-in and each connected account, when
// the grant is stored: to send a welcome, to count. The user waits for it, and several
// may call it at once. It may be nil.
func NewAccounts(store Store, root []byte, log *slog.Logger, hook func(SignedIn)) (*Accounts, error) {
	sealer, err := oauth.NewSealer(root, "tokens")
	if hook == nil {
		hook = func(SignedIn) {}
	}
	return &Accounts{
		store:   store,
		sealer:  sealer,
		log:     log,
		hook:    hook,
		flights: make(map[string]*flight),
		unsaved: make(map[string]unsaved),
	}, err
}

// SignIn returns the user whose account at the provider key names, with the grant
// stored; at the first sign-in that user is made.
func (a *Accounts) SignIn(ctx context.Context, key Key, grant Grant) (User, error) {
	return a.arrive(ctx, SignedIn{User: User{rand.Text(), now()}, NewUser: true}, key, grant)
}

// Connect adds the account that key names to the user's own. It is ErrTaken where it
// is another user's: only that user can free it, by disconnecting it there. Where
// the user has it already, the new grant takes the old one's place.
func (a *Accounts) Connect(ctx context.Context, userID string, key Key, grant Grant) error {
	user, _, err := a.store.User(ctx, userID)
	if err == nil {
		_, err = a.arrive(ctx, SignedIn{User: user}, key, grant)
	}
	return err
}

func (a *Accounts) arrive(ctx context.Context, in SignedIn, key Key, grant Grant) (User, error) {
	// Whoever the tokens are about later, it must be the same.
	grant.Tokens.Subject, grant.Credentials.Subject = key.Subject, key.Subject
	in.Identity = Identity{Key: key, UserID: in.User.ID, Created: now()}
	in.Profile, in.NewIdentity = grant.Profile, true
	var err error
	if in.Identity.Sealed, err = a.seal(in.Identity, grant); err != nil {
		return User{}, err
	}
	// Whether it is there already is not asked first: two tabs may ask at once.
	err = a.store.AddIdentity(ctx, in.User, in.Identity)
	if errors.Is(err, ErrTaken) {
		in, err = a.comeBack(ctx, in, grant)
	}
	if err != nil {
		return User{}, err
	}
	a.hook(in)
	return in.User, nil
}

// comeBack stores the grant of an identity that is there already.
func (a *Accounts) comeBack(ctx context.Context, in SignedIn, grant Grant) (SignedIn, error) {
	identity, err := a.store.Identity(ctx, in.Identity.Key)
	if err != nil {
		return SignedIn{}, err
	}
	if !in.NewUser && identity.UserID != in.User.ID {
		return SignedIn{}, ErrTaken
	}
	// What is replaced must open: an identity that somebody pointed at another user in
	// the store signs nobody in as that user.
	if err := a.update(ctx, identity, func(Identity, Grant) (Grant, error) { return grant, nil }); err != nil {
		return SignedIn{}, err
	}
	user, _, err := a.store.User(ctx, identity.UserID)
	user.ID = identity.UserID // which the seal is about, and nothing else that the store says of the user
	return SignedIn{User: user, Identity: identity, Profile: grant.Profile}, err
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// User returns a user and the identities.
func (a *Accounts) User(ctx context.Context, id string) (User, []Identity, error) {
	return a.store.User(ctx, id)
}

// Disconnect forgets an identity. Then revoke gives the grant, which the caller has
// opened before, back to the provider (step 7): in this order nothing is given back
// twice, or given back and kept. The identity is gone also where revoke fails, and the
// first error says how. The last identity stays ([ErrLast]), since without it nobody
// could sign in as this user again.
func (a *Accounts) Disconnect(ctx context.Context, identity Identity, revoke func() error) (revoked, err error) {
	if err := a.store.RemoveIdentity(ctx, identity.UserID, identity.Key); err != nil {
		return nil, err
	}
	a.mu.Lock()
	delete(a.unsaved, place(identity))
	a.mu.Unlock()
	return revoke(), nil
}

// Open returns the grant of an identity as it is stored, perhaps expired.
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

// update stores what change makes of an identity's grant, under the store's lock.
func (a *Accounts) update(ctx context.Context, identity Identity, change func(Identity, Grant) (Grant, error)) error {
	var replaced string
	err := a.store.UpdateTokens(ctx, identity.Key, func(stored string) (string, error) {
		identity.Sealed, replaced = stored, stored
		grant, err := a.Open(identity)
		if err == nil {
			grant, err = change(identity, grant)
		}
		if err != nil {
			return "", err
		}
		return a.seal(identity, grant)
	})
	if err == nil {
		a.mu.Lock()
		if a.unsaved[place(identity)].replaces == replaced { // and no newer one
			delete(a.unsaved, place(identity))
		}
		a.mu.Unlock()
	}
	return err
}
