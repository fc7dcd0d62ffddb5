package account_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
)

// in runs f in a bubble of package synctest, with a user of the fake signed in.
func in(t *testing.T, provider string, f func(t *testing.T, w *world, identity account.Identity, client *oauth.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f(t, w, w.signIn(provider, "ada"), w.clients[provider])
	})
}

// TestRefresh: GitHub gives a new refresh token each time, and Google never.
func TestRefresh(t *testing.T) {
	for provider, rotates := range map[string]bool{"github": true, "google": false} {
		in(t, provider, func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
			before := w.open(identity.Key).Tokens
			life := time.Until(before.Expiry)
			time.Sleep(life - 61*time.Second)
			grant, err := w.accounts.Grant(t.Context(), identity, client)
			if err != nil || grant.Tokens.AccessToken != before.AccessToken {
				t.Fatalf("%s: refreshed with 61 seconds left: %v", provider, err)
			}
			time.Sleep(2 * time.Second)
			grant = must(w.accounts.Grant(t.Context(), identity, client))
			after := grant.Tokens
			if after.AccessToken == before.AccessToken || rotates == (after.RefreshToken == before.RefreshToken) || !w.works(provider, after) {
				t.Errorf("%s: with 59 seconds left there are no new tokens that work", provider)
			}
			want := before
			want.AccessToken, want.RefreshToken, want.Expiry, want.Issued, want.IDToken = after.AccessToken, after.RefreshToken, time.Now().Add(life), time.Now(), after.IDToken
			wantEqual(t, want, after, provider+": the new tokens")
			wantEqual(t, grant, w.open(identity.Key), provider+": what is stored is what is used")
			// This identity is an old copy, but leads to the new tokens. A token that was refused
			// just before another request replaced it leads to them as well.
			for _, refused := range []string{"", before.AccessToken} {
				if again, err := w.accounts.Refresh(t.Context(), identity, client, refused); err != nil || again.Tokens.AccessToken != after.AccessToken {
					t.Errorf("%s: asked once more: %v", provider, err)
				}
			}
			wantEqual(t, 1, w.refreshes.Load(), provider+": refreshes")
		})
	}
}

// TestOneRefresh: fifty requests at once make one refresh. It goes on if they are cancelled.
func TestOneRefresh(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		time.Sleep(9 * time.Hour)
		w.onRefresh = func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
			time.Sleep(2 * time.Second)
			honest.ServeHTTP(w, r)
		}
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan string, 50)
		for range cap(results) {
			go func() {
				grant, err := w.accounts.Grant(ctx, identity, client)
				if err != nil {
					t.Error(err)
				}
				results <- grant.Tokens.AccessToken
			}()
		}
		synctest.Wait()
		cancel()
		old := w.open(identity.Key).Tokens.AccessToken
		w.accounts.Wait() // as the app does before it ends
		stored := w.open(identity.Key).Tokens
		if stored.AccessToken == old || !w.works("github", stored) {
			t.Error("Wait returned before the new tokens were stored")
		}
		for range cap(results) {
			if token := <-results; token != stored.AccessToken {
				t.Fatal("one of them got other tokens than those that are stored")
			}
		}
		_, err := w.accounts.Refresh(t.Context(), identity, client, stored.AccessToken)
		wantEqual(t, "account: the app ends, so no refresh begins", fmt.Sprint(err), "after Wait")
		wantEqual(t, 1, w.refreshes.Load(), "refreshes")
	})
}

func down(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	http.Error(w, "down", http.StatusServiceUnavailable)
}

// TestProviderDown: if the provider is down, the token is used until it expires, and the grant
// goes on afterwards.
func TestProviderDown(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		w.onRefresh = down
		time.Sleep(8*time.Hour - 30*time.Second)
		if _, err := w.accounts.Grant(t.Context(), identity, client); err != nil || !strings.Contains(w.log.String(), `level=WARN msg="not refreshed yet" provider=github err=`) {
			t.Errorf("the token still has 30 seconds: %v, and in the log %s", err, &w.log)
		}
		time.Sleep(time.Minute)
		_, err := w.accounts.Grant(t.Context(), identity, client)
		if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "reply-status-200" || failed.Check.Step != 6 || errors.Is(err, account.ErrSignInAgain) {
			t.Errorf("error %v, want reply-status-200 of step 6", err)
		}
		if w.stored(identity.Key) != identity {
			t.Error("something was stored")
		}
		w.onRefresh = honest
		if grant, err := w.accounts.Grant(t.Context(), identity, client); err != nil || !w.works("github", grant.Tokens) {
			t.Errorf("once it is up again: %v", err)
		}
	})
}

// TestHangingRefresh: a refresh that waits for another one gives up after 15 seconds.
func TestHangingRefresh(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		release := make(chan bool)
		go w.store.UpdateTokens(t.Context(), identity.UserID, identity.Key, func(string) (string, error) { <-release; return "", errDisk })
		synctest.Wait()
		began := time.Now()
		go w.accounts.Refresh(t.Context(), identity, client, "")
		synctest.Wait()
		_, err := w.accounts.Refresh(t.Context(), identity, client, "") // the time of the first one counts
		wantError(t, err, context.DeadlineExceeded, "a lock that is never free")
		wantEqual(t, 15*time.Second, time.Since(began), "how long it waited")
		close(release)
	})
}

// TestSharedFailure: requests that come during a refresh share its failure. The first reply is lost, and each further
// request would send a refresh token that is spent.
func TestSharedFailure(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		time.Sleep(9 * time.Hour)
		w.onRefresh = func(rw http.ResponseWriter, r *http.Request, _ http.Handler) {
			time.Sleep(time.Second)
			down(rw, r, nil)
		}
		results := make(chan error, 5)
		for range cap(results) {
			go func() {
				_, err := w.accounts.Grant(t.Context(), identity, client)
				results <- err
			}()
		}
		for range cap(results) {
			if failed, ok := errors.AsType[*oauth.CheckError](<-results); !ok || failed.Check.Name != "reply-status-200" {
				t.Errorf("one of them got %v", failed)
			}
		}
		w.onRefresh = honest
		if _, err := w.accounts.Grant(t.Context(), identity, client); err != nil || w.refreshes.Load() != 2 {
			t.Errorf("later: %v, with %d requests, want 2", err, w.refreshes.Load())
		}
	})
}

// TestSameTokenAgain: a refresh is shared even if the provider gives the refused access token once more.
func TestSameTokenAgain(t *testing.T) {
	in(t, "google", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		refused := w.open(identity.Key).Tokens.AccessToken
		w.onRefresh = func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
			time.Sleep(time.Second)
			rw.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(rw, `{"access_token":%q,"token_type":"Bearer"}`, refused)
		}
		results := make(chan error, 5)
		for range cap(results) {
			go func() {
				_, err := w.accounts.Refresh(t.Context(), identity, client, refused)
				results <- err
			}()
		}
		for range cap(results) {
			wantError(t, <-results, nil, "one of them")
		}
		wantEqual(t, 1, w.refreshes.Load(), "requests")
	})
}

// TestFlightOfAnotherUser: a refresh is shared only with requests of the same user.
func TestFlightOfAnotherUser(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		w.onRefresh = func(rw http.ResponseWriter, r *http.Request, honest http.Handler) {
			time.Sleep(time.Second)
			honest.ServeHTTP(rw, r)
		}
		go w.accounts.Refresh(t.Context(), identity, client, w.open(identity.Key).Tokens.AccessToken)
		synctest.Wait()
		foreign := identity
		foreign.UserID = "somebody else"
		grant, err := w.accounts.Refresh(t.Context(), foreign, client, "")
		wantError(t, err, account.ErrNotFound, "another user's identity")
		if grant.Tokens.AccessToken != "" {
			t.Error("another user has the tokens")
		}
	})
}

// TestRefusedDuringAFlight: a request whose token was refused shares no refresh that ends with this token.
func TestRefusedDuringAFlight(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		go w.store.UpdateTokens(t.Context(), identity.UserID, identity.Key, func(old string) (string, error) { time.Sleep(time.Second); return old, nil })
		synctest.Wait()
		go w.accounts.Refresh(t.Context(), identity, client, "") // which will find that nothing is due
		synctest.Wait()
		refused := w.open(identity.Key).Tokens.AccessToken
		grant, err := w.accounts.Refresh(t.Context(), identity, client, refused)
		if err != nil || grant.Tokens.AccessToken == refused || w.refreshes.Load() != 1 {
			t.Errorf("%v; the refused token again: %t", err, grant.Tokens.AccessToken == refused)
		}
	})
}

// TestRefreshAfterAnother: if another process keeps the identity locked for more than five seconds, no refresh begins.
// It might have too little time left to receive the new tokens, and the old refresh token would be spent.
func TestRefreshAfterAnother(t *testing.T) {
	for waits, want := range map[time.Duration]error{5 * time.Second: nil, 5*time.Second + 1: context.DeadlineExceeded} {
		in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
			time.Sleep(9 * time.Hour)
			go w.store.UpdateTokens(t.Context(), identity.UserID, identity.Key, func(string) (string, error) { time.Sleep(waits); return "", errDisk })
			synctest.Wait()
			_, err := w.accounts.Grant(t.Context(), identity, client)
			wantError(t, err, want, fmt.Sprintf("after %s", waits))
			if _, err := w.accounts.Grant(t.Context(), identity, client); err != nil || w.refreshes.Load() != 1 {
				t.Errorf("after %s and later: %v, with %d refreshes", waits, err, w.refreshes.Load())
			}
		})
	}
}

// TestGrantEnded: after these refusals of a refresh the user must sign in again, and the
// provider is not asked again. After any other refusal the grant goes on.
func TestGrantEnded(t *testing.T) {
	for code, asked := range map[string]int32{"invalid_grant": 1, "interaction_required": 1, "consent_required": 1, "login_required": 1, "server_error": 2} {
		in(t, "google", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
			want := w.open(identity.Key).Tokens
			if asked == 1 {
				want = oauth.Tokens{Provider: want.Provider, Asked: want.Asked, Scopes: want.Scopes, Subject: want.Subject}
			}
			time.Sleep(time.Hour - 30*time.Second) // the access token is still good
			w.onRefresh = func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
				rw.Header().Set("Content-Type", "application/json")
				rw.WriteHeader(http.StatusBadRequest)
				io.WriteString(rw, `{"error":"`+code+`"}`)
			}
			for range 2 {
				_, err := w.accounts.Grant(t.Context(), w.stored(identity.Key), client)
				ended := errors.Is(err, account.ErrSignInAgain) && errors.Is(err, account.ErrGrantEnded) && !errors.Is(err, account.ErrNoRefresh)
				if ended != (asked == 1) || ended != (err != nil) {
					t.Errorf("%s: %v", code, err)
				}
			}
			wantEqual(t, asked, w.refreshes.Load(), code+": how often the provider was asked")
			kept := w.open(identity.Key)
			wantEqual(t, want, kept.Tokens, code+": the tokens that are kept")
			wantEqual(t, "Ada Lovelace", kept.Profile.Name, code+": the profile is kept")
			w.onRefresh = honest
			again := w.signIn("google", "ada")
			if grant, err := w.accounts.Grant(t.Context(), again, client); err != nil || again.UserID != identity.UserID || !w.works("google", grant.Tokens) {
				t.Errorf("%s: after signing in again: %v", code, err)
			}
		})
	}
}

// TestNoRefreshToken: Facebook gives no refresh token, and the generic provider gives one only
// for offline_access.
func TestNoRefreshToken(t *testing.T) {
	for _, provider := range []string{"oidc", "facebook"} {
		in(t, provider, func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
			expiry := w.open(identity.Key).Tokens.Expiry
			never := func(grant *account.Grant) error { grant.Tokens.Expiry = time.Time{}; return nil }
			time.Sleep(time.Until(expiry) - 30*time.Second)
			_, err := w.accounts.Grant(t.Context(), identity, client)
			wantError(t, err, nil, provider+": with 30 seconds left")
			time.Sleep(30 * time.Second)
			_, err = w.accounts.Grant(t.Context(), identity, client)
			wantError(t, err, account.ErrSignInAgain, provider+": expired, and nothing to refresh it with")
			wantError(t, err, account.ErrNoRefresh, provider+": that is the reason")
			if errors.Is(err, account.ErrGrantEnded) {
				t.Errorf("%s: the provider is said to have ended the grant: %v", provider, err)
			}
			wantError(t, w.accounts.Update(t.Context(), identity, never), nil, provider+": update")
			_, err = w.accounts.Grant(t.Context(), w.stored(identity.Key), client)
			wantError(t, err, nil, provider+": a token that does not expire")
		})
	}
}

// TestCall: a refused token is refreshed once, and the call is made once more.
func TestCall(t *testing.T) {
	refused, forbidden := &oauth.Refusal{Step: 5, Status: 401}, &oauth.Refusal{Step: 5, Status: 403}
	for _, row := range []struct {
		reason    string
		results   []error // one for each call
		calls     int
		refreshes int32
		want      error
	}{
		{"a good token", []error{nil}, 1, 0, nil},
		{"one 401: refreshed, and called again", []error{refused, nil}, 2, 1, nil},
		{"and again: no loop", []error{refused, refused}, 2, 1, account.ErrGrantEnded},
		{"403 says nothing about the token", []error{forbidden}, 1, 0, forbidden},
		{"the second call fails in another way", []error{refused, errDisk}, 2, 1, errDisk},
	} {
		w := newWorld(t)
		calls := 0
		err := w.accounts.Call(t.Context(), w.signIn("github", "ada"), w.clients["github"], func(oauth.Tokens) error {
			calls++
			return row.results[calls-1]
		})
		wantError(t, err, row.want, row.reason)
		if row.want != account.ErrGrantEnded && errors.Is(err, account.ErrSignInAgain) {
			t.Errorf("%s: error %v", row.reason, err)
		}
		wantEqual(t, row.calls, calls, row.reason+": calls")
		wantEqual(t, row.refreshes, w.refreshes.Load(), row.reason+": refreshes")
	}
}

// TestNoCall: an identity that was tampered with is not used, although the stored one is good. A
// token that was refused and cannot be refreshed is not used again.
func TestNoCall(t *testing.T) {
	w := newWorld(t)
	ada, client := w.signIn("google", "ada"), w.clients["google"]
	ada.Sealed = w.signIn("google", "mallory").Sealed
	err := w.accounts.Call(t.Context(), ada, client, func(oauth.Tokens) error { t.Error("called"); return nil })
	if err == nil || !strings.HasSuffix(err.Error(), "was changed, or sealed under another key: cipher: message authentication failed") {
		t.Errorf("got %v", err)
	}
	w.onRefresh = down
	err = w.accounts.Call(t.Context(), w.signIn("google", "ada"), client, func(oauth.Tokens) error { return &oauth.Refusal{Step: 5, Status: 401} })
	if failed, ok := errors.AsType[*oauth.CheckError](err); !ok || failed.Check.Name != "reply-status-200" {
		t.Errorf("no refresh, no second call: %v", err)
	}
}

// TestNotStored: new tokens that cannot be stored are not used. The fake no longer accepts the
// old refresh token, so the user has to sign in again.
func TestNotStored(t *testing.T) {
	in(t, "github", func(t *testing.T, w *world, identity account.Identity, client *oauth.Client) {
		w.fails["UpdateTokens"] = errDisk
		_, err := w.accounts.Grant(t.Context(), identity, client)
		wantError(t, err, nil, "a token that is good is used, whatever the store does")
		time.Sleep(9 * time.Hour)
		grant, err := w.accounts.Grant(t.Context(), identity, client)
		wantError(t, err, errDisk, "tokens that cannot be stored")
		if grant.Tokens.AccessToken != "" || w.stored(identity.Key) != identity {
			t.Error("they are given out, or stored")
		}
		_, err = w.accounts.Grant(t.Context(), identity, client)
		wantError(t, err, account.ErrGrantEnded, "a refresh token that is spent")
		if again := w.signIn("github", "ada"); again.UserID != identity.UserID {
			t.Error("after signing in again it is another user")
		}
	})
}

// TestPanicInRefresh: if a provider entry panics, the request gets an error and the lock is free.
func TestPanicInRefresh(t *testing.T) {
	in(t, "google", func(t *testing.T, w *world, identity account.Identity, honest *oauth.Client) {
		time.Sleep(2 * time.Hour)
		entry := honest.Provider
		entry.TokenReply = func(oauth.Object) (oauth.Object, error) { panic("a mistake") }
		client := must(oauth.NewClient(entry, "app", "s3cret", "https://app.example/callback/google", w.net))
		_, err := w.accounts.Grant(t.Context(), identity, client)
		if err == nil || !strings.Contains(err.Error(), "the refresh at google panicked; see the log") || !strings.Contains(w.log.String(), `panic="a mistake" stack=`) || !strings.Contains(w.log.String(), "tokens_test.go:") {
			t.Errorf("error %v, and in the log %s", err, &w.log)
		}
		if _, err := w.accounts.Grant(t.Context(), identity, honest); err != nil {
			t.Errorf("the identity is still locked: %v", err)
		}
		func() {
			defer func() { recover() }()
			w.accounts.Refresh(t.Context(), identity, nil, w.open(identity.Key).Tokens.AccessToken) // a mistake of the app
		}()
		if _, err := w.accounts.Refresh(t.Context(), identity, honest, w.open(identity.Key).Tokens.AccessToken); err != nil {
			t.Errorf("after a panic in the app: %v", err)
		}
	})
}
