package oauth

import (
	"context"
	"net/http"
	"path/filepath"
	"regexp"
	"runtime"
	"time"
)

// Event is one thing that happened during a sign-in. Ask for events with
// [WithTrace]. They hold what went over the wire as it was, secrets included:
// whoever records them decides what to keep.
type Event struct {
	Time     time.Time
	Step     int    // as in [Check]
	Function string // the exported method of this package that made it: "Client.Exchange"
	File     string // where that stands: "token.go"
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
	// §3.4 on the way to it. The secrets that made it are in none of them.
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

// Outcome is a check that was made.
type Outcome struct {
	Check     Check
	Got, Want string // as in [CheckError]; often empty where the check held
	OK        bool
	NotOwed   bool // this provider does not owe it
}

type traceKey struct{}

// WithTrace returns a context whose steps report to f what happens, in the manner
// of net/http/httptrace. f may be called from several goroutines, and for a short
// time after the step that began a shared request has returned.
func WithTrace(ctx context.Context, f func(Event)) context.Context {
	return context.WithValue(ctx, traceKey{}, tracer(f))
}

type tracer func(Event)

// forWhom returns a context whose events carry the name of the function that is
// being called now, where they have none of their own: the stack of a goroutine does
// not show who began it.
func forWhom(ctx context.Context) context.Context {
	t := tracing(ctx)
	if t == nil {
		return ctx
	}
	function, file := exportedCaller()
	return WithTrace(ctx, func(e Event) {
		if e.Function == "" {
			e.Function, e.File = function, file
		}
		t(e)
	})
}

// tracing returns who listens, or nil; values for an event are only gathered
// where somebody does, so that a sign-in without a trace pays nothing for it.
func tracing(ctx context.Context) tracer {
	t, _ := ctx.Value(traceKey{}).(tracer)
	return t
}

func (t tracer) event(step int, what any) {
	function, file := exportedCaller()
	t(Event{time.Now(), step, function, file, what})
}

func (t tracer) checked(rows []row) {
	if len(rows) == 0 {
		return
	}
	outcomes := make(Checked, len(rows))
	for i, r := range rows {
		c := *r.check
		c.Step = r.step
		outcomes[i] = Outcome{c, clip(r.got), clip(r.want), r.ok, r.notOwed}
	}
	t.event(rows[0].step, outcomes)
}

// method finds type and name of an exported method in what runtime calls it:
// example.com/oauthbyhand/oauth.(*Client).Discover.func1
var method = regexp.MustCompile(`\.\(?\*?([A-Z]\w*)\)?\.([A-Z]\w*)`)

// exportedCaller walks up the stack to the method that a reader can look up. It
// returns nothing where there is none.
func exportedCaller() (function, file string) {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		frame, more := frames.Next()
		if found := method.FindStringSubmatch(frame.Function); found != nil {
			return found[1] + "." + found[2], filepath.Base(frame.File)
		}
		if !more {
			return "", ""
		}
	}
}
