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
	deliveryLife   = stepsTimeout + time.Minute // how long Attempts keeps a delivery; its result stays at least a minute
	deliveriesKept = 10_000                     // how many deliveries Attempts keeps at a time
)

// delivery is the first arrival of a callback, and later its result.
type delivery struct {
	done  chan struct{} // closed when value and err are set
	value any
	err   error
}

// Once calls runSteps and returns its result. The request r is a callback, and runSteps must run
// steps 2 to 5 for it, beginning with [Attempts.Take]. A code works once, but a browser may bring the
// callback twice: the user reloads while the provider is slow, or the app's answer is lost. So
// runSteps gets a request whose context lasts 15 seconds and does not end if the browser goes away.
// If the browser brings the same callback again before it has received the first answer, and within
// 75 seconds, Once does not call runSteps again. It waits for the first call and returns the result
// of that call.
//
// So runSteps must not answer the browser or begin a session. Do both after Once has returned, each
// time.
//
// Once knows the browser by the attempt's cookie. The first answer deletes this cookie. So if the
// browser brings the callback again after that answer, Take refuses it. By then the browser has the
// session or the error page of the first answer.
func Once[T any](a *Attempts, w http.ResponseWriter, r *http.Request, runSteps func(*http.Request) (T, error)) (T, error) {
	state := callbackStateOf(r.URL.Query())
	cookie, err := r.Cookie(a.cookie(state, 0).Name)
	if err != nil {
		return runSteps(r) // Take refuses the callback
	}
	key := sha256.Sum256([]byte(cookie.Value + " " + r.URL.String()))
	d, first := a.delivery(key)
	if !first {
		http.SetCookie(w, a.cookie(state, -time.Second)) // as Take did in the first answer
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
	value, err := runSteps(r.WithContext(ctx))
	d.value, d.err = value, err
	return value, err
}

// delivery returns the delivery with this key. If there is none, it makes one, and first is true. If
// there are too many deliveries, it does not keep the new one. If the browser then brings this
// callback again, it fails attempt-unused.
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
