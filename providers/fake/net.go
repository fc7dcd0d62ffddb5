package fake

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
)

// Net is an internet in memory: an http.RoundTripper from hosts, as in a URL, to what answers there. A
// request to any other host is an error, so nothing that is sent through a Net leaves the machine.
type Net map[string]http.Handler

// RoundTrip serves the request in a goroutine of its own, so that the client's deadline holds while
// a handler is late. The handler gets the request's context and has to end with it.
func (n Net) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host = cmp.Or(r.Host, r.URL.Host)
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody // handlers expect a body that is not nil
	}
	defer in.Body.Close() // as every RoundTripper does, also on errors
	handler := n[r.URL.Host]
	if handler == nil {
		return nil, fmt.Errorf("fake.Net: no such host: %q", r.URL.Host)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	done := make(chan any, 1) // buffered, because perhaps nobody waits any more
	go func() {
		defer func() { done <- recover() }()
		handler.ServeHTTP(rec, in)
	}()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case panicked := <-done:
		if panicked != nil {
			return nil, fmt.Errorf("fake.Net: %s: handler panicked: %v", r.URL.Host, panicked)
		}
	}
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}
