package account

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"example.com/oauthbyhand/oauth"
)

// refreshTimeout is for the whole of a refresh: nobody's request bounds it.
const refreshTimeout = 15 * time.Second

// ErrSignInAgain says that what the provider granted has ended, which only the user
// can mend.
var ErrSignInAgain = errors.New("account: the provider's grant has ended: sign in again")

// errFresh ends an update in which there is nothing to change.
var errFresh = errors.New("account: nothing to refresh")

// flight is a refresh under way. However many requests want the tokens, one refresh
// is made: a provider that sees a refresh token twice takes it for stolen, and ends
// the grant (RFC 9700 §4.14.2).
type flight struct {
	done  chan struct{} // closed when the rest is there
	grant Grant
	err   error
}

// unsaved is a grant that was refreshed and could not be stored. The old refresh
// token may be spent, so this one is all there is: it is used, and stored at the next
// chance. If the app ends before, the user has to sign in again.
type unsaved struct {
	replaces string // what is stored in its place
	grant    Grant
}

// Grant returns the grant of an identity with an access token that is good for a
// request: refreshed first where that is due ([oauth.Tokens.RefreshDue]). It is
// ErrSignInAgain where the token has expired and nothing can refresh it.
func (a *Accounts) Grant(ctx context.Context, identity Identity, client *oauth.Client) (Grant, error) {
	grant, err := a.Open(identity)
	if err != nil {
		return Grant{}, err
	}
	if _, kept := a.keptFor(identity); kept { // the next chance
		if _, err := a.update(ctx, identity, func(grant Grant) (Grant, error) { return grant, nil }); err != nil {
			a.log.Error("refreshed tokens are still not stored", "provider", client.Name, "err", err)
		}
	}
	t := grant.Tokens
	alive := t.AccessToken != "" && (t.Expiry.IsZero() || time.Now().Before(t.Expiry))
	if alive && (!t.RefreshDue() || t.RefreshToken == "") {
		return grant, nil
	}
	fresh, err := a.Refresh(ctx, identity, client, "")
	if err != nil && alive && !errors.Is(err, ErrSignInAgain) {
		a.log.Warn("not refreshed yet", "provider", client.Name, "err", err)
		return grant, nil // good for a little longer
	}
	return fresh, err
}

// keptFor returns the grant that could not be stored in the place of identity's.
func (a *Accounts) keptFor(identity Identity) (Grant, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	kept, ok := a.unsaved[place(identity)]
	return kept.grant, ok && kept.replaces == identity.Sealed
}

// Call calls the provider's API as the user: call with tokens that are good, and once
// more with new ones where the provider refuses these after all (RFC 6750 §3.1). It is
// ErrSignInAgain where there are none to be had, or these are refused, too.
func (a *Accounts) Call(ctx context.Context, identity Identity, client *oauth.Client, call func(oauth.Tokens) error) error {
	grant, err := a.Grant(ctx, identity, client)
	if err != nil {
		return err
	}
	if err = call(grant.Tokens); !client.TokenRefused(err) {
		return err
	}
	if grant, err = a.Refresh(ctx, identity, client, grant.Tokens.AccessToken); err != nil {
		return err
	}
	if err = call(grant.Tokens); client.TokenRefused(err) {
		err = fmt.Errorf("%w: %w", ErrSignInAgain, err)
	}
	return err
}

// Refresh returns the grant of an identity with a new access token, step 6. refused is
// the access token that the provider no longer takes, or "": where another request has
// replaced it meanwhile, nothing is asked. Those who want one at the same time get the
// same. It goes on when the one who began it goes away: the provider has spent the
// refresh token by then. ErrSignInAgain is the provider's no, or that there is nothing
// to refresh with.
func (a *Accounts) Refresh(ctx context.Context, identity Identity, client *oauth.Client, refused string) (Grant, error) {
	a.mu.Lock()
	f := a.flights[place(identity)]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		a.flights[place(identity)] = f
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
			defer cancel()
			f.grant, f.err = a.refreshStored(ctx, identity, client, refused)
			a.mu.Lock()
			delete(a.flights, place(identity))
			a.mu.Unlock()
			close(f.done)
		}()
	}
	a.mu.Unlock()
	select {
	case <-f.done:
		return f.grant, f.err
	case <-ctx.Done():
		return Grant{}, ctx.Err()
	}
}

// refreshStored refreshes under the store's lock, so that another process on the same
// store waits and then finds the new tokens. They are stored before anybody uses
// them: after a crash the stored ones are the newest there are.
func (a *Accounts) refreshStored(ctx context.Context, identity Identity, client *oauth.Client, refused string) (Grant, error) {
	var grant Grant
	var ended error
	refreshed := false
	before, err := a.update(ctx, identity, func(stored Grant) (Grant, error) {
		grant = stored
		t := stored.Tokens
		switch {
		case t.RefreshToken == "":
			return Grant{}, ErrSignInAgain
		case t.AccessToken != refused && !t.RefreshDue(): // somebody else was quicker
			return Grant{}, errFresh
		}
		fresh, err := client.Refresh(ctx, t)
		if refusal, ok := errors.AsType[*oauth.Refusal](err); ok && refusal.Code == "invalid_grant" {
			// Forgotten, so that nobody asks the provider for it again and again.
			ended = fmt.Errorf("%w: %w", ErrSignInAgain, err)
			fresh, err = oauth.Tokens{Provider: t.Provider, Asked: t.Asked, Scopes: t.Scopes}, nil
		}
		if err != nil {
			return Grant{}, err
		}
		grant.Tokens, refreshed = fresh, true
		return grant, nil
	})
	switch {
	case errors.Is(err, errFresh):
		return grant, nil
	case err != nil && !refreshed:
		return Grant{}, err
	case err != nil:
		a.log.Error("refreshed tokens are not stored yet", "provider", client.Name, "err", err)
		a.mu.Lock()
		a.unsaved[place(identity)] = unsaved{before, grant}
		a.mu.Unlock()
	}
	if ended != nil {
		return Grant{}, ended
	}
	return grant, nil
}

// Wait returns when no refresh is under way: a pair that the provider has just given
// should be stored before the app ends. It takes 15 s at most.
func (a *Accounts) Wait() {
	a.mu.Lock()
	flights := slices.Collect(maps.Values(a.flights))
	a.mu.Unlock()
	for _, f := range flights {
		<-f.done
	}
}

// Expire makes the tokens of an identity look as if their time had passed, for who wants
// to see what happens then.
func (a *Accounts) Expire(ctx context.Context, identity Identity) error {
	_, err := a.update(ctx, identity, func(grant Grant) (Grant, error) {
		grant.Tokens.Expiry = time.Now().Add(-time.Second)
		return grant, nil
	})
	return err
}
