package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// once delivers a callback. Its steps take five seconds, and return what they took.
func (b browser) once(a *Attempts, query string, ran *int) (string, error) {
	w := httptest.NewRecorder()
	r := b.request("/callback/op" + query)
	state, err := Once(a, w, r, func(r *http.Request) (string, error) {
		*ran++
		attempt, err := a.Take(w, r)
		time.Sleep(5 * time.Second)
		return attempt.State, err
	})
	b.keep(w)
	return state, err
}

func TestOnce(t *testing.T) {
	const mine, callback = "oauthbyhand-attempt-STATE678", "?code=c&state=STATE6789"
	for name, tt := range map[string]struct {
		lost   bool          // the first answer, so that the cookie stays
		after  time.Duration // from the first delivery to the second
		other  string        // the second query, if it is another one
		change func(b browser)
		ran    int
		fails  string
		reason string
	}{
		"while the first is under way": {lost: true, after: time.Second, ran: 1, reason: "a slow provider and an impatient user"},
		"after a lost answer":          {lost: true, after: time.Minute, ran: 1, reason: "the network failed after the provider had taken the code"},
		"75 seconds after the first":   {lost: true, after: 75 * time.Second, ran: 2, fails: "attempt-unused", reason: "a result is not kept for longer than a repeated delivery takes"},
		"the answer arrived":           {after: 6 * time.Second, ran: 2, fails: "attempt-unused", reason: "the browser has its session, and no cookie of the attempt any more"},
		"another code": {lost: true, after: time.Second, other: "?code=d&state=STATE6789", ran: 2, fails: "attempt-unused",
			reason: "a code that an attacker puts into the attempt gets no result of another code"},
		"without the cookie": {lost: true, after: time.Second, change: func(b browser) { delete(b, mine) }, ran: 2, fails: "attempt-unused",
			reason: "an attacker who has the callback from a log is not the browser that began"},
		"another cookie": {lost: true, after: time.Second, change: func(b browser) { b[mine] = b64([]byte("made up")) }, ran: 2, fails: "attempt-opens",
			reason: "the cookie's name can be guessed, its value not"},
	} {
		bubble(t, name, func(t *testing.T) {
			a, b, ran := newAttempts(false), browser{}, 0
			b.put(t, a, newAttempt("STATE6789"))
			second := browser{mine: b[mine]}
			go func() {
				if state, err := b.once(a, callback, &ran); err != nil || state != "STATE6789" {
					t.Errorf("the first delivery: %q, %v", state, err)
				}
				wantEqual(t, 0, len(b), "cookies left by the first answer")
			}()
			time.Sleep(tt.after)
			synctest.Wait()
			if !tt.lost {
				second = b
			}
			if tt.change != nil {
				tt.change(second)
			}
			state, err := second.once(a, cmp.Or(tt.other, callback), &ran)
			wantCheck(t, err, 2, tt.fails, tt.reason)
			want := ""
			if tt.fails == "" {
				want = "STATE6789"
			}
			if state != want || ran != tt.ran || len(second) != 0 {
				t.Errorf("got %q after %d runs with cookies %v, want %q after %d and none", state, ran, second, want, tt.ran)
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			wantEqual(t, 0, len(a.deliveries), "deliveries kept in the end")
		})
	}
}

// Each delivery also gets a failure, and none waits for ever.
func TestOnceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newAttempts(false), browser{}
		b.put(t, a, newAttempt("STATE6789"))
		deliver := func(steps func(*http.Request) (int, error)) (n int, err error) {
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("panic: %v", p)
				}
			}()
			return Once(a, httptest.NewRecorder(), b.request("/callback/op?code=c&state=STATE6789"), steps)
		}
		var got []string
		for _, steps := range []func(*http.Request) (int, error){
			func(*http.Request) (int, error) { return 0, errors.New("no answer") },
			func(*http.Request) (int, error) { panic("a provider entry's own mistake") },
		} {
			for range 2 {
				_, err := deliver(steps)
				got = append(got, err.Error())
			}
			time.Sleep(2 * time.Minute)
		}
		want := []string{"no answer", "no answer",
			"panic: a provider entry's own mistake", "oauth: the first delivery of this callback panicked"}
		wantEqual(t, want, got, "what each delivery gets")
	})
}

// The steps have 15 seconds, also if the browser has gone; a second delivery waits for them
// only as long as its browser does.
func TestOnceInItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newAttempts(false), browser{}
		b.put(t, a, newAttempt("STATE6789"))
		for _, delivery := range []struct {
			start, wait time.Duration
			steps       func(*http.Request) (int, error)
		}{
			{0, 15 * time.Second, func(r *http.Request) (int, error) { <-r.Context().Done(); return 0, r.Context().Err() }},
			{5 * time.Second, time.Second, func(*http.Request) (int, error) { t.Error("ran again"); return 0, nil }},
		} {
			go func() {
				time.Sleep(delivery.start)
				ctx, leave := context.WithTimeout(t.Context(), time.Second)
				defer leave()
				r := b.request("/callback/op?code=c&state=STATE6789").WithContext(ctx)
				begun := time.Now()
				_, err := Once(a, httptest.NewRecorder(), r, delivery.steps)
				if took := time.Since(begun); !errors.Is(err, context.DeadlineExceeded) || took != delivery.wait {
					t.Errorf("%v after %s, want the deadline after %s", err, took, delivery.wait)
				}
			}()
		}
		time.Sleep(time.Minute)
	})
}

// Made-up callbacks take no more room than there is, and real ones still work.
func TestOnceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, ran := newAttempts(false), browser{}, 0
		for i := range deliveriesKept + 1 {
			r := browser{"oauthbyhand-attempt-STATE678": "made up"}.request(fmt.Sprintf("/callback/op?state=STATE6789&code=%d", i))
			if n, err := Once(a, httptest.NewRecorder(), r, func(*http.Request) (int, error) { return i, nil }); n != i || err != nil {
				t.Fatalf("callback %d: %d, %v", i, n, err)
			}
		}
		wantEqual(t, deliveriesKept, len(a.deliveries), "deliveries kept")
		b.put(t, a, newAttempt("STATE6789"))
		lost := browser{"oauthbyhand-attempt-STATE678": b["oauthbyhand-attempt-STATE678"]}
		if state, err := b.once(a, "?code=c&state=STATE6789", &ran); state != "STATE6789" || err != nil {
			t.Errorf("with no room left: %q, %v", state, err)
		}
		// A result that is not kept leaves nothing behind, not even a timer: once there is room,
		// the next one is kept for the whole minute.
		time.Sleep(deliveryLife - time.Second)
		for range 2 {
			maps.Clone(lost).once(a, "?code=c&state=STATE6789", &ran)
		}
		wantEqual(t, 2, ran, "runs of the steps")
	})
}
