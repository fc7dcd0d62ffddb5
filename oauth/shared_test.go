package oauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fetched is one of the two values that sign-ins share: the metadata and the keys.
type fetched struct {
	p    *op
	url  string
	good answer
	step int
	get  func(context.Context) error
}

func (f fetched) says(a answer) { f.p.says[f.url] = a }

// slow is the honest answer after this time, unless the request is given up before.
func (f fetched) slow(after time.Duration) {
	f.says(func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(after):
			return f.good(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	})
}

func (f fetched) wantFetches(t *testing.T, want int, reason string) {
	t.Helper()
	wantEqual(t, want, f.p.count(f.url), "fetches: "+reason)
}

// ofBoth runs a test with the metadata and with the keys, neither of them fetched.
func ofBoth(t *testing.T, test func(*testing.T, fetched)) {
	for _, url := range []string{opDiscovery, opJWKS} {
		bubble(t, url, func(t *testing.T) {
			p := newOP()
			c := newClient(t, opRow(), p)
			f := fetched{p, url, p.says[url], 0, func(ctx context.Context) error {
				_, err := c.Discover(ctx)
				return err
			}}
			if url == opJWKS {
				f.step, f.get = 4, func(ctx context.Context) error {
					_, err := c.VerifyIDToken(ctx, Unverified{attemptOf("op"), Tokens{}, tokenOf("rsa"), false})
					return err
				}
			}
			test(t, f)
		})
	}
}

// However many sign in at once, the provider is asked once.
func TestSharedOnce(t *testing.T) {
	ofBoth(t, func(t *testing.T, f fetched) {
		f.slow(time.Second)
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() { wantCheck(t, f.get(t.Context()), f.step, "", "all wait for one fetch") })
		}
		group.Wait()
		f.wantFetches(t, 1, "all wait for one fetch")
	})
}

func TestSharedMaxAge(t *testing.T) {
	ofBoth(t, func(t *testing.T, f fetched) {
		for _, tt := range []struct {
			after   time.Duration
			fetches int
			reason  string
		}{
			{0, 1, "the first"},
			{time.Hour - time.Second, 1, "still good"},
			{time.Second, 2, "an hour old: endpoints may have moved, keys may have been withdrawn"},
			{59 * time.Minute, 2, "still good"},
		} {
			time.Sleep(tt.after)
			wantCheck(t, f.get(t.Context()), f.step, "", tt.reason)
			f.wantFetches(t, tt.fetches, tt.reason)
		}
	})
}

// Many sign-ins wait for one request. If the browser that began it goes away, the others
// still succeed. And a browser that waits for a request of another may stop waiting.
func TestSharedCancelled(t *testing.T) {
	ofBoth(t, func(t *testing.T, f fetched) {
		f.slow(5 * time.Second)
		leader, leave := context.WithCancel(t.Context())
		impatient, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		ask := func(ctx context.Context) <-chan error {
			result := make(chan error, 1)
			go func() { result <- f.get(ctx) }()
			synctest.Wait()
			return result
		}
		first, second, third := ask(leader), ask(impatient), ask(t.Context())
		leave()
		wantCheck(t, <-first, f.step, "reply-received", "the one that left")
		wantCheck(t, <-second, f.step, "reply-received", "the impatient one")
		wantCheck(t, <-third, f.step, "", "the one that stayed")
		f.wantFetches(t, 1, "all waited for one fetch")
	})
}

// A provider that is down is asked by each sign-in, and by each once: trying again is the
// visitor's decision. Nothing is remembered of it once it is back, and a value that is too
// old does not stand in for the new one.
func TestSharedKeepsNoFailure(t *testing.T) {
	ofBoth(t, func(t *testing.T, f fetched) {
		for round := range 2 {
			f.says(says(503, "text/plain", "down for maintenance"))
			for i := range 3 {
				wantCheck(t, f.get(t.Context()), f.step, "reply-status-200", "down")
				f.wantFetches(t, round*4+i+1, "one for each sign-in")
			}
			f.says(f.good)
			wantCheck(t, f.get(t.Context()), f.step, "", "it is back")
			time.Sleep(time.Hour)
		}
	})
}

// A panic in a fetch is an error for those that wait, and the next one fetches again.
func TestSharedSurvivesAPanic(t *testing.T) {
	ofBoth(t, func(t *testing.T, f fetched) {
		f.says(func(*http.Request) (*http.Response, error) { panic("boom") })
		if err := f.get(t.Context()); err == nil || !strings.Contains(err.Error(), "panic") {
			t.Errorf("got %v", err)
		}
		f.says(f.good)
		wantCheck(t, f.get(t.Context()), f.step, "", "the next one")
	})
}

// A request is given up after ten seconds, and what several sign-ins wait for also if it
// takes two requests.
func TestTimeouts(t *testing.T) {
	ofBoth(t, func(t *testing.T, f fetched) {
		f.says(hangs)
		if f.url == opJWKS {
			fetched{f.p, opDiscovery, f.p.says[opDiscovery], 0, nil}.slow(5 * time.Second)
		}
		began := time.Now()
		err := f.get(t.Context())
		wantCheck(t, err, f.step, "reply-received", "a provider that hangs must not keep every visitor waiting")
		wantEqual(t, 10*time.Second, time.Since(began), "the deadline")
		if e, _ := errors.AsType[*CheckError](err); e != nil && e.Got != "no answer from op.example in time" {
			t.Errorf("says %q", e.Got)
		}
		// One request alone.
		began = time.Now()
		_, err = newClient(t, opRow(), f.p).Get(t.Context(), signedIn("op"), f.url)
		if waited := time.Since(began); err == nil || waited != 10*time.Second {
			t.Errorf("waited %s, %v, want 10 s", waited, err)
		}
	})
}
