package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"example.com/oauthbyhand/oauth"
)

// refreshTimeout limits a refresh, including its wait for the store's lock.
const refreshTimeout = 15 * time.Second

// Errors that mean that only a new sign-in helps. The last two match ErrSignInAgain as well.
var (
	ErrSignInAgain = errors.New("account: sign in again")
	// ErrGrantEnded says that the provider has ended the grant.
	ErrGrantEnded = fmt.Errorf("%w: the provider has ended the grant", ErrSignInAgain)
	// ErrNoRefresh says that a new access token is needed, and that there never was a refresh
	// token.
	ErrNoRefresh = fmt.Errorf("%w: the access token is no longer good and there is no refresh token: this app did not ask for offline access, or the provider gives none", ErrSignInAgain)
)

// endedCodes are errors after which no refresh helps, only a new sign-in: the grant has
// ended (RFC 6749 §5.2), or the provider wants to see the user (the names are those of OIDC
// Core §3.1.2.6).
var endedCodes = []string{"invalid_grant", "interaction_required", "consent_required", "login_required"}

// flight is a refresh under way. Requests of the same user for the same identity wait for its end.
type flight struct {
	done  chan struct{} // closed when the other fields are set
	asked bool          // the provider was asked; otherwise the stored tokens were new enough
	grant Grant
	err   error
}

// Grant returns the grant of an identity with an access token that is good for a request.
// It refreshes the token first if that is due ([oauth.Tokens.RefreshDue]). If the refresh
// fails, Grant returns the old token for as long as that is good. After that it returns the error.
// If only a new sign-in helps, Grant returns ErrSignInAgain at once.
func (a *Accounts) Grant(ctx context.Context, identity Identity, client *oauth.Client) (Grant, error) {
	grant, err := a.Open(identity)
	if err != nil {
		return Grant{}, err
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

// Call gives valid tokens to call, which uses the provider's API as the user. If the provider
// refuses the tokens anyway (RFC 6750 §3.1), Call refreshes them and calls call once more. It
// returns ErrSignInAgain if only a new sign-in can bring valid tokens, or if the provider
// refuses the refreshed tokens as well.
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
		err = fmt.Errorf("%w: %w", ErrGrantEnded, err)
	}
	return err
}

// Refresh returns the grant of an identity with a new access token (step 6). refused is the access
// token that the provider has refused. If it is "", Refresh acts only if a refresh is due. Refresh
// returns ErrSignInAgain if the provider has ended the grant, or if there is no refresh token.
//
// Many providers give a new refresh token each time. If the old one comes again, they take it for
// stolen and end the grant (RFC 9700 §4.14.2). So requests that come during a refresh share its
// result, also if it fails. The refresh goes on if ctx is cancelled, because the provider may have
// used up the refresh token by then. The store locks the identity meanwhile: other processes wait,
// and then find the new tokens. If they have waited for more than five seconds, and there are none,
// they fail: the answer might come too late.
//
// The new tokens are stored before anybody uses them: after a crash, nobody has used newer tokens
// than the stored ones. If they cannot be stored, the refresh fails. Then, if each refresh token of
// the provider works only once, the user must sign in again.
func (a *Accounts) Refresh(ctx context.Context, identity Identity, client *oauth.Client, refused string) (grant Grant, err error) {
	f, key := &flight{done: make(chan struct{}), err: errors.New("account: the refresh panicked")}, sealContext(identity)
	for other, waits := a.flights.LoadOrStore(key, f); waits; other, waits = a.flights.LoadOrStore(key, f) {
		before := other.(*flight)
		<-before.done // after at most 15 seconds
		if before.asked || before.err != nil {
			return before.grant, before.err
		}
	}
	defer close(f.done)
	defer a.flights.Delete(key)
	defer func() {
		if p := recover(); p != nil { // in a provider entry, for example
			a.log.Error("panic in a refresh", "provider", client.Name, "panic", p, "stack", string(debug.Stack()))
			grant, err = Grant{}, fmt.Errorf("account: the refresh at %s panicked; see the log", client.Name)
		}
		f.grant, f.err = grant, err
	}()
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	var ended error
	err = a.Update(ctx, identity, func(stored *Grant) error {
		t := &stored.Tokens
		switch {
		case t.AccessToken == "": // forgotten below
			return ErrGrantEnded
		case t.RefreshToken == "":
			return ErrNoRefresh
		case t.AccessToken != refused && !t.RefreshDue(): // another request has refreshed it
		case a.ends.Load():
			return errors.New("account: the app ends, so no refresh begins")
		case time.Since(began) > refreshTimeout-10*time.Second: // a request may take ten seconds
			return fmt.Errorf("account: the identity was locked for %v: %w", time.Since(began), context.DeadlineExceeded)
		default:
			f.asked = true
			fresh, err := client.Refresh(ctx, *t)
			if refusal, ok := errors.AsType[*oauth.Refusal](err); ok && slices.Contains(endedCodes, refusal.Code) {
				// The tokens are forgotten, so that nobody asks the provider again.
				ended = fmt.Errorf("%w: %w", ErrGrantEnded, err)
				fresh, err = oauth.Tokens{Provider: t.Provider, Asked: t.Asked, Scopes: t.Scopes, Subject: t.Subject}, nil
			}
			if err != nil {
				return err
			}
			*t = fresh
		}
		grant = *stored
		return nil
	})
	if err = cmp.Or(ended, err); err != nil {
		return Grant{}, err
	}
	return grant, nil
}

// Wait lets no further refresh begin, and waits at most 15 seconds for those under way. Call it
// before the app ends, so that tokens that a provider has just given are stored.
func (a *Accounts) Wait() {
	a.ends.Store(true)
	for _, f := range a.flights.Range {
		<-f.(*flight).done
	}
}
