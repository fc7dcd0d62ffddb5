package trace

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"time"

	"example.com/oauthbyhand/oauth"
)

func (rec *Recorder) cookieName() string { return oauth.Cookie(rec.secure, "visitor", "", 0).Name }

// visitor returns the hash of the visitor's cookie, or nothing.
func (rec *Recorder) visitor(r *http.Request) string {
	cookies := r.CookiesNamed(rec.cookieName())
	if len(cookies) != 1 { // of two, one is somebody else's
		return ""
	}
	return hash(cookies[0].Value)
}

func (rec *Recorder) newVisitor(w http.ResponseWriter) string {
	value := rand.Text()
	http.SetCookie(w, oauth.Cookie(rec.secure, "visitor", value, 12*time.Hour))
	return hash(value)
}

// End notes the outcome of the sign-in that ctx is part of, unless it has ended before. It
// returns the trace up to there, or nil if nothing is recorded. ctx is the context of a
// request that [Recorder.Listen] returned.
func End(ctx context.Context, outcome string) *Trace {
	l, ok := ctx.Value(listenerKey{}).(*listener)
	if !ok {
		return nil
	}
	l.recorder.mu.Lock()
	defer l.recorder.mu.Unlock()
	if l.record == nil {
		return nil
	}
	l.record.Outcome = cmp.Or(l.record.Outcome, outcome)
	trace := *l.record // which may go on
	return &trace
}

// forget drops the sign-ins of the visitor who sent r: the next person at this browser may be
// somebody else. What own recorded stays, unless own is nil.
func (rec *Recorder) forget(r *http.Request, own *listener) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, cookie := range r.CookiesNamed(rec.cookieName()) { // of two, one is the visitor's
		rec.drop(hash(cookie.Value), own)
	}
}

// drop drops a visitor's sign-ins, except what own recorded.
func (rec *Recorder) drop(visitor string, own *listener) {
	rec.records = slices.DeleteFunc(rec.records, func(r *Trace) bool {
		return r.visitor == visitor && (own == nil || r != own.record)
	})
}

// Traces is the Data of the page "trace".
type Traces struct {
	Shown  *Trace   // one of them, whole
	Beside *Trace   // another, to compare with; nil unless asked for
	Latest []*Trace // the latest first
}

// Traces returns the sign-ins of the visitor who sent r. The query may have the number of
// the one to show, which is otherwise the latest, and of another to compare with it.
func (rec *Recorder) Traces(r *http.Request) Traces {
	var traces Traces
	visitor, query := rec.visitor(r), r.URL.Query()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, record := range slices.Backward(rec.records) {
		if record.visitor != visitor {
			continue
		}
		trace := *record
		traces.Latest = append(traces.Latest, &trace)
		trace.Open = query.Get("open") == "all"
		number := strconv.Itoa(trace.Number)
		if traces.Shown == nil || number == query.Get("number") {
			traces.Shown = &trace
		}
		if number == query.Get("beside") {
			traces.Beside = &trace
		}
	}
	return traces
}
