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

// Event is one thing that happened during a sign-in. Ask for events with [WithTrace]. Events hold
// all secrets that were sent or received. So decide which parts of them you record.
type Event struct {
	Time     time.Time
	Step     int    // as in [Check]
	Function string // the exported function of this package that performs the step: "Client.Exchange"
	File     string // the file that Function is in: "token.go"
	Path     string // File with its directories, on the machine that compiled the program
	Line     int    // the line on which Function begins
	What     any    // one of the types below
}

// The types of What in an [Event].
type (
	// RedirectOut is the authorization URL to which the browser is sent.
	RedirectOut struct{ URL string }
	// RedirectIn is the path and the raw query with which the browser came back.
	RedirectIn struct{ Path, Query string }
	// AttemptPut is an attempt that the app gave to the browser in a sealed cookie.
	AttemptPut struct {
		Cookie  *http.Cookie
		Attempt Attempt
	}
	// AttemptTaken is the attempt that the app found in the browser's cookie.
	AttemptTaken struct {
		Cookie  string // its name
		Attempt Attempt
	}
	// Signed is the signature of an OAuth 1.0a request, with the values of RFC 5849 §3.4 from
	// which it was made. None of them contains the secrets that make the signing key.
	Signed struct {
		Parameters []Parameter // of the query, the form and the header (§3.4.1.3.1)
		Normalized string      // Parameters, encoded and sorted (§3.4.1.3.2)
		BaseString string      // the text that is signed (§3.4.1.1)
		Signature  string      // HMAC-SHA1 (§3.4.2)
		Header     string      // the header Authorization (§3.5.1)
	}
	// RequestSent is a request of this app to the provider, with the headers that this package sets.
	RequestSent Request
	// ReplyReceived is the provider's answer to a [RequestSent].
	ReplyReceived struct {
		Status int
		Header http.Header
		Body   string
	}
	// TokenDecoded is an ID token, decoded but not yet verified.
	TokenDecoded struct {
		Compact        string // as received: three parts, with dots between them
		Header, Claims Object
	}
	// Checked are the outcomes of several checks in order. It ends with the first that failed.
	Checked []Outcome
)

type traceKey struct{}

// WithTrace returns a context in which each step calls f with its events, like net/http/httptrace.
// Several goroutines may call f. They may still call f after a step has returned: a fetch that
// the step began may go on.
func WithTrace(ctx context.Context, f func(Event)) context.Context {
	return context.WithValue(ctx, traceKey{}, tracer(f))
}

type tracer func(Event)

// tracing returns the function of [WithTrace], or nil if ctx has none. Callers make
// a costly event only if there is a trace.
func tracing(ctx context.Context) tracer {
	t, _ := ctx.Value(traceKey{}).(tracer)
	return t
}

// report reports an event if ctx has a trace. It is generic, so that without a trace it allocates
// no interface value.
func report[T any](ctx context.Context, what T) {
	if t := tracing(ctx); t != nil {
		t.event(ctx, what)
	}
}

func (t tracer) event(ctx context.Context, what any) {
	e := Event{Time: time.Now(), What: what}
	if current, ok := ctx.Value(stepKey{}).(stepInContext); ok {
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

// stepInContext is the step that a context is in.
type stepInContext struct {
	step     int // as in [Check]
	function any // the exported function that performs it
}

// inStep returns a context for one step: checks, events and errors take the number of the step
// from it. function is the exported function that performs the step. It is passed as a value, so
// that its name, file and line come from the program itself and are never out of date.
func inStep(ctx context.Context, step int, function any) context.Context {
	return context.WithValue(ctx, stepKey{}, stepInContext{step, function})
}

// stepOf returns the number of the step that ctx is in, or 0 if it is in none.
func stepOf(ctx context.Context) int {
	current, _ := ctx.Value(stepKey{}).(stepInContext)
	return current.step
}
