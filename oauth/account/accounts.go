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

const (
	maxRead   = 64 << 10 // of profile and replies that are kept for an identity, in bytes of JSON
	maxMember = 2 << 10  // of a name, an address or a picture's URL
)

// Accounts is what the app does with users and identities. It is safe for concurrent use.
type Accounts struct {
	store  Store
	sealer *oauth.Sealer
	log    *slog.Logger
	hook   func(SignedIn)

	mu      sync.Mutex
	flights map[string]*flight // refreshes under way, by sealContext
	unsaved map[string]unsaved // refreshed grants that could not be stored
}

// SignedIn is what the hook of [NewAccounts] gets.
type SignedIn struct {
	Identity    Identity // which names the user
	Profile     oauth.Profile
	NewUser     bool
	NewIdentity bool // also if an existing user connected it
}

// NewAccounts returns the accounts in store, sealed under a key derived from root (32
// random bytes, or there is an error). After each sign-in and each connected account,
// when the grant is stored, it calls hook: to send a welcome, to count. The user waits for
// hook, and several goroutines may call it. log gets what the user is not told: tokens
// that are not refreshed yet, or not stored.
func NewAccounts(store Store, root []byte, log *slog.Logger, hook func(SignedIn)) (*Accounts, error) {
	sealer, err := oauth.NewSealer(root, "tokens")
	if err != nil {
		return nil, err
	}
	return &Accounts{
		store:   store,
		sealer:  sealer,
		log:     log,
		hook:    hook,
		flights: make(map[string]*flight),
		unsaved: make(map[string]unsaved),
	}, nil
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
	if grant.Read.IsZero() {
		grant.Read = now()
	}
	if identity.Sealed, err = a.seal(identity, grant); err != nil {
		return "", err
	}
	// There is no look before: two tabs may sign in at once, and only the store can tell
	// which of them is the first.
	err = a.store.AddIdentity(ctx, identity)
	added := err == nil
	if errors.Is(err, ErrTaken) {
		if identity, err = a.store.Identity(ctx, identity.Key); err != nil {
			return "", err
		}
		if !signIn && identity.UserID != userID {
			return "", ErrTaken
		}
		// The stored grant must open. An identity that somebody pointed at another user in
		// the store therefore signs nobody in as that user.
		_, err = a.update(ctx, identity, func(old Grant) (Grant, error) {
			t := &grant.Tokens
			if t.RefreshToken == "" && t.Provider == old.Tokens.Provider {
				t.RefreshToken = old.Tokens.RefreshToken // Google gives one only with the first consent
			}
			return grant, nil
		})
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

// Keep stores what was read again, info, as the identity's profile and replies.
func (a *Accounts) Keep(ctx context.Context, identity Identity, info oauth.Info) error {
	_, err := a.update(ctx, identity, func(grant Grant) (Grant, error) {
		grant.Profile, grant.Replies, grant.Read = info.Profile, info.Replies, now()
		return grant, nil
	})
	return err
}

// Disconnect forgets an identity and ends all sessions that began with it. With the last
// identity the user is gone. It returns ErrNotFound if the identity is gone already.
//
// Open the grant before, and revoke it afterwards (step 7, [oauth.Client.Revoke]). In this
// order no grant is revoked twice, or revoked and kept.
func (a *Accounts) Disconnect(ctx context.Context, identity Identity) error {
	if err := a.store.RemoveIdentity(ctx, identity.UserID, identity.Key); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.unsaved, sealContext(identity))
	return nil
}

// Open returns the grant of an identity as it is stored, perhaps expired. It returns an
// error if the record was changed, or sealed under another key.
func (a *Accounts) Open(identity Identity) (Grant, error) {
	if kept, ok := a.unsavedFor(identity); ok {
		return kept, nil
	}
	plaintext, err := a.sealer.Open(identity.Sealed, sealContext(identity))
	if err != nil {
		return Grant{}, fmt.Errorf("account: the record of %s at %s was changed, or sealed under another key", identity.Subject, identity.Provider)
	}
	var grant Grant
	if err := json.Unmarshal(plaintext, &grant); err != nil {
		return Grant{}, fmt.Errorf("account: the record of %s at %s: %w", identity.Subject, identity.Provider, err)
	}
	return grant, nil
}

// sealContext binds a sealed grant to its user and key. Because it quotes them, no two
// identities have the same.
func sealContext(i Identity) string { return fmt.Sprintf("%q %q %q", i.UserID, i.Provider, i.Subject) }

func (a *Accounts) seal(identity Identity, grant Grant) (string, error) {
	grant, err := bounded(grant)
	if err != nil {
		return "", err
	}
	plaintext, err := json.Marshal(grant)
	if err != nil {
		return "", err
	}
	return a.sealer.Seal(plaintext, sealContext(identity)), nil
}

// bounded leaves out what is too long to be kept.
func bounded(grant Grant) (Grant, error) {
	p := &grant.Profile
	for _, member := range []*string{&p.Name, &p.Email, &p.Picture} {
		if len(*member) > maxMember {
			*member = ""
		}
	}
	p.EmailVerified = p.EmailVerified && p.Email != ""
	for {
		data, err := json.Marshal([]any{grant.Profile, grant.Replies})
		if err != nil || len(data) <= maxRead || len(grant.Replies) == 0 {
			return grant, err
		}
		grant.Replies = grant.Replies[:len(grant.Replies)-1]
	}
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
	if err != nil {
		return before, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unsaved[sealContext(identity)].replaces == before { // and no newer one
		delete(a.unsaved, sealContext(identity))
	}
	return before, nil
}
