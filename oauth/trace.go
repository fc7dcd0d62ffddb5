package oauth

import (
	"context"
	"net/http"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"time"
)

// Event is one thing that happened during a sign-in. Ask for events with
// [WithTrace]. They hold what went over the wire, with all secrets. Decide what to keep when
// you record them.
type Event struct {
	Time     time.Time
	Step     int    // as in [Check]
	Function string // the exported function of this package that performs the step: "Client.Exchange"
	File     string // the file that it is in: "token.go"
	Path     string // the same with its directories, as on the machine that compiled it
	Line     int    // the line on which it begins
	What     any    // one of the types below
}

// What an [Event] can be.
type (
	// RedirectOut is the authorization URL to which the browser is sent.
	RedirectOut struct{ URL string }
	// RedirectIn is the path and the raw query with which the browser came back.
	RedirectIn struct{ Path, Query string }
	// AttemptPut is an attempt given to the browser, sealed, in a cookie.
	AttemptPut struct {
		Cookie  *http.Cookie
		Attempt Attempt
	}
	// AttemptTaken is the attempt found in the browser's cookie.
	AttemptTaken struct {
		Cookie  string // its name
		Attempt Attempt
	}
	// Signed is the signature of a request by OAuth 1.0a, with the values of RFC 5849
	// §3.4 that lead to it. None of them contains the secrets that sign.
	Signed struct {
		Parameters []Parameter // of query, protocol and form (§3.4.1.3.1)
		Normalized string      // the same, encoded and sorted (§3.4.1.3.2)
		BaseString string      // what is signed (§3.4.1.1)
		Signature  string      // HMAC-SHA1 (§3.4.2)
		Header     string      // Authorization (§3.5.1)
	}
	// RequestSent is a request of this app to the provider, with all its headers.
	RequestSent Request
	// ReplyReceived is the provider's answer to a [RequestSent].
	ReplyReceived struct {
		Status int
		Header http.Header
		Body   string
	}
	// TokenDecoded is an ID token taken apart, before anything in it is believed.
	TokenDecoded struct {
		Compact        string // as received: three parts, with dots between them
		Header, Claims Object
	}
	// Checked is a run of checks, up to the first that failed.
	Checked []Outcome
)

type traceKey struct{}

// WithTrace returns a context in which each step calls f with what happens, like
// net/http/httptrace. Several goroutines may call f. They may call it shortly after a step has
// returned, if a fetch that the step began goes on.
func WithTrace(ctx context.Context, f func(Event)) context.Context {
	return context.WithValue(ctx, traceKey{}, tracer(f))
}

type tracer func(Event)

// tracing returns the function to call, or nil if nobody listens. Then no event is made, so
// a sign-in without a trace pays nothing.
func tracing(ctx context.Context) tracer {
	t, _ := ctx.Value(traceKey{}).(tracer)
	return t
}

// report reports an event if somebody listens. It is generic, so that it allocates an interface
// value only then.
func report[T any](ctx context.Context, what T) {
	if t := tracing(ctx); t != nil {
		t.event(ctx, what)
	}
}

func (t tracer) event(ctx context.Context, what any) {
	e := Event{Time: time.Now(), What: what}
	if current, ok := ctx.Value(stepKey{}).(inside); ok {
		f := runtime.FuncForPC(reflect.ValueOf(current.function).Pointer())
		e.Step = current.step
		e.Path, e.Line = f.FileLine(f.Entry())
		e.File = filepath.Base(e.Path)
		_, name, _ := strings.Cut(filepath.Base(f.Name()), ".") // oauth.(*Client).Exchange
		e.Function = strings.NewReplacer("(*", "", ")", "").Replace(name)
	}
	t(e)
}

type stepKey struct{}

// inside is the step that a context is in.
type inside struct {
	step     int // as in [Check]
	function any // the exported function that performs it
}

// inStep returns a context for what function does in this step: checks, events and
// errors take the step from it. The function is passed as a value, so that its name,
// file and line come from the program itself and cannot go stale.
func inStep(ctx context.Context, step int, function any) context.Context {
	return context.WithValue(ctx, stepKey{}, inside{step, function})
}

// stepOf returns the step that ctx is in; 0 outside of any.
func stepOf(ctx context.Context) int {
	current, _ := ctx.Value(stepKey{}).(inside)
	return current.step
}
