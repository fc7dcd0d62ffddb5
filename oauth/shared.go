package oauth

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// sharedMaxAge is how long a fetched value stays fresh. If the provider withdraws a key, its
	// signatures are accepted for at most this long.
	sharedMaxAge    = time.Hour
	sharedTimeout   = 10 * time.Second // of one fetch
	refetchInterval = 10 * time.Second // between two fetches of a value that is still fresh
)

// shared is a value that many sign-ins need: a provider's metadata or its keys. One fetch gets it
// for all of them. The fetch goes on even if the caller that began it goes away. A caller stops
// waiting when its own context ends. No mutex is held during a fetch.
type shared[T any] struct {
	mu        sync.Mutex
	value     T
	fetched   time.Time     // zero if nothing was fetched yet
	refetched time.Time     // when a fetch last began although value was fresh
	pending   chan struct{} // closed when the current fetch ends; nil if there is none
	err       error         // of the last fetch
}

// get returns the value if it is fresh and the function good accepts it (nil accepts every value).
// Otherwise get fetches the value. If the fetch of a value that is not fresh fails, the next call tries
// again. If good does not accept a fresh value, the provider may have new keys, or an attacker made
// up the key id that good looks for. So get replaces a fresh value at most once in 10 seconds.
// In between it returns the value as it is.
func (s *shared[T]) get(ctx context.Context, good func(T) bool, fetch func(context.Context) (T, error)) (none T, err error) {
	s.mu.Lock()
	fresh := time.Since(s.fetched) < sharedMaxAge // false if nothing was fetched yet
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
		if p := recover(); p != nil { // without this a panic here would end the process
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
