package oauth

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// sharedMaxAge is how long a value is used before it is fetched again. A key that the
	// provider withdraws can sign people in for at most this long.
	sharedMaxAge    = time.Hour
	sharedTimeout   = 10 * time.Second // for a fetch that several sign-ins wait for
	refetchInterval = 10 * time.Second // between refetches of a young value
)

// shared is a value that many sign-ins need and one request fetches: a provider's metadata or
// its keys. There is one fetch at a time. It goes on if the caller that began it goes away.
// Each caller waits under its own context, and no mutex is held during a request.
type shared[T any] struct {
	mu        sync.Mutex
	value     T
	fetched   time.Time     // zero: nothing yet
	refetched time.Time     // when a young value that was not good was last fetched again
	pending   chan struct{} // closed when the fetch under way has ended
	err       error         // of the last fetch
}

// get returns the value if it is young and good says yes; a nil good always does. Otherwise it
// fetches the value. A failure is not kept: the next caller tries again. If a young value is
// not good, somebody may have made up a key id. So get fetches it again at most once in 10
// seconds. In between it returns the value that is not good.
func (s *shared[T]) get(ctx context.Context, good func(T) bool, fetch func(context.Context) (T, error)) (none T, err error) {
	s.mu.Lock()
	fresh := time.Since(s.fetched) < sharedMaxAge // never, if nothing was fetched yet
	tooSoon := s.pending == nil && time.Since(s.refetched) < refetchInterval
	if fresh && (good == nil || good(s.value) || tooSoon) {
		defer s.mu.Unlock()
		return s.value, nil
	}
	if s.pending == nil {
		if fresh {
			s.refetched = time.Now()
		}
		s.pending = make(chan struct{})
		go s.fetch(context.WithoutCancel(ctx), fetch)
	}
	pending := s.pending
	s.mu.Unlock()

	select {
	case <-pending:
	case <-ctx.Done():
		return none, check(ctx, replyReceived.noError(ctx.Err()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return none, s.err
	}
	return s.value, nil
}

func (s *shared[T]) fetch(ctx context.Context, fetch func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, sharedTimeout)
	defer cancel()
	var value T
	var err error
	defer func() {
		if p := recover(); p != nil { // in this goroutine it would end the process
			err = fmt.Errorf("oauth: step %d: panic: %v", stepOf(ctx), p)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
		if err == nil {
			s.value, s.fetched = value, time.Now()
		}
		close(s.pending)
		s.pending = nil
	}()
	value, err = fetch(ctx)
}
