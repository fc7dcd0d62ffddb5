package oauth

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"time"
)

const (
	stepsTimeout   = 15 * time.Second           // for all steps of a callback; each request has 10 seconds
	deliveryLife   = stepsTimeout + time.Minute // of a delivery; so its result stays for a minute or more
	deliveriesKept = 10_000                     // how many at a time
)

// delivery is a callback that a browser has delivered.
type delivery struct {
	done  chan struct{} // closed when the result is there
	value any
	err   error
}

// Once calls steps, which does all steps of the callback r from [Attempts.Take] on, and
// returns its result. A code works once, but browsers go away and come back: the provider
// is slow and the user impatient, or the answer is lost. So steps gets a request with 15
// seconds of its own, which goes on if the browser goes away. If the same browser delivers
// the same callback again within 75 seconds, Once waits for the first delivery and returns
// its result. So steps must not answer the browser. Begin a session when Once returns, one
// for each delivery.
//
// The same browser is one that has the attempt's cookie. A browser that received the first
// answer has lost this cookie, and has the session that came with the answer.
func Once[T any](a *Attempts, w http.ResponseWriter, r *http.Request, steps func(*http.Request) (T, error)) (T, error) {
	state := callbackAttempt(r.URL.Query())
	cookie, err := r.Cookie(a.cookie(state, 0).Name)
	if err != nil {
		return steps(r) // Take refuses the callback
	}
	key := sha256.Sum256([]byte(cookie.Value + " " + r.URL.String()))
	d, first := a.delivery(key)
	if !first {
		http.SetCookie(w, a.cookie(state, -time.Second)) // as Take did for the first
		select {
		case <-d.done:
			value, _ := d.value.(T)
			return value, d.err
		case <-r.Context().Done():
			return *new(T), r.Context().Err()
		}
	}
	defer close(d.done)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), stepsTimeout)
	defer cancel()
	value, err := steps(r.WithContext(ctx))
	d.value, d.err = value, err
	return value, err
}

// delivery returns the delivery with this key, and whether it is the first. If too many are
// kept already, this one is not kept. The next one with its key then fails attempt-unused.
func (a *Attempts) delivery(key [32]byte) (d *delivery, first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if d, ok := a.deliveries[key]; ok {
		return d, false
	}
	d = &delivery{done: make(chan struct{}), err: errors.New("oauth: the first delivery of this callback panicked")}
	if len(a.deliveries) < deliveriesKept {
		a.deliveries[key] = d
		time.AfterFunc(deliveryLife, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			delete(a.deliveries, key)
		})
	}
	return d, true
}
