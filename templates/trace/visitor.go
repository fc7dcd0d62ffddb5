package trace

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/oauthbyhand/oauth"
)

// outcomes lists the requests to record, by the first segment of the path. Each value says how a
// trace that begins with this request ends if all goes well.
var outcomes = map[string]string{
	"login": "signed in", "connect": "connected", "callback": "signed in", "logout": "",
	"refresh": "refreshed", "read": "read again", "disconnect": "disconnected",
}

type listenerKey struct{}

// Handler records what happens in app while it serves a sign-in or one of the buttons (see outcomes). A
// visitor who has no cookie gets one. title names the provider that a request is about, and user
// says who is signed in. A redirect tells the recorder that all went well. Before the app
// shows a failure, it calls [End]. A nil Recorder records nothing.
func (rec *Recorder) Handler(title, user func(*http.Request) string, app http.Handler) http.Handler {
	if rec == nil {
		return app
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if _, ok := outcomes[action]; !ok {
			app.ServeHTTP(w, r)
			return
		}
		l := &listener{
			ResponseWriter: w, request: r, recorder: rec, mask: rec.mask(), last: before,
			action: action, user: user, signedIn: user(r) != "", visitor: rec.visitor(r),
		}
		if l.visitor == "" {
			l.visitor = rec.setVisitor(w, rand.Text())
		}
		l.record = &Trace{Provider: title(r), source: &rec.source, success: outcomes[action], visitor: l.visitor}
		attempt, cookies := attemptOf(r.URL.RawQuery), r.Header.Get("Cookie")
		rec.mu.Lock()
		for _, record := range rec.records {
			if action == "callback" && record.attempt == attempt && strings.Contains(cookies, record.cookie) {
				l.begun = record
			}
		}
		// The record is kept before anything happens. So if the visitor signs out meanwhile, WriteHeader drops it.
		rec.records = append(rec.records, l.record)
		if l.begun != nil && l.begun.Outcome == "" && l.begun.shownTo(l.visitor) {
			l.record = l.begun
		}
		l.record.underWay++
		rec.mu.Unlock()
		defer l.end()
		ctx := context.WithValue(r.Context(), listenerKey{}, l)
		app.ServeHTTP(l, r.WithContext(oauth.WithTrace(ctx, l.hear)))
	})
}

// visitor returns the hash of the visitor's cookie, or nothing.
func (rec *Recorder) visitor(r *http.Request) string {
	cookies := r.CookiesNamed(rec.cookie("").Name)
	if len(cookies) != 1 { // if there are two, another page has planted one
		return ""
	}
	return hash(cookies[0].Value)
}

// setVisitor gives the visitor a cookie, and returns its hash.
func (rec *Recorder) setVisitor(w http.ResponseWriter, value string) string {
	http.SetCookie(w, rec.cookie(value))
	return hash(value)
}

func (rec *Recorder) cookie(value string) *http.Cookie {
	return oauth.Cookie(rec.secure, "visitor", value, 12*time.Hour)
}

// WriteHeader ends the trace if the app redirects the browser, but not to a provider.
func (l *listener) WriteHeader(status int) {
	leaves := (l.action == "logout" || l.action == "disconnect") && l.user(l.request) == ""
	l.recorder.mu.Lock()
	if leaves { // the next person at this browser may be somebody else
		for _, cookie := range l.request.CookiesNamed(l.recorder.cookie("").Name) { // of two, one is the visitor's
			l.recorder.records = slices.DeleteFunc(l.recorder.records, func(r *Trace) bool {
				return r.shownTo(hash(cookie.Value)) && r != l.record
			})
		}
	}
	if status == http.StatusSeeOther && l.action != "login" && l.action != "connect" && !l.failed {
		l.succeed()
	}
	l.recorder.mu.Unlock()
	l.ResponseWriter.WriteHeader(status)
}

// succeed notes that all went well, unless the record has an outcome. After a sign-in the visitor gets
// a new cookie: an attacker who planted the old one in this browser sees neither this sign-in nor
// the next ones. If the browser brings the callback twice, each answer has a cookie of its own, and
// both show this sign-in, because one of the answers may be lost. What the visitor did before is
// kept if somebody was signed in. If not, it is dropped: another person may have used this browser,
// and their session may have run out without a sign-out.
func (l *listener) succeed() {
	l.record.Outcome = cmp.Or(l.record.Outcome, l.record.success)
	if l.action != "callback" {
		return
	}
	renewed := l.recorder.setVisitor(l.ResponseWriter, rand.Text())
	l.recorder.records = slices.DeleteFunc(l.recorder.records, func(r *Trace) bool {
		mine := r.shownTo(l.visitor)
		switch {
		case r == l.record, r == l.begun:
			r.visitor, r.answers = "", append(r.answers[max(0, len(r.answers)-9):], renewed)
		case mine && l.signedIn:
			r.visitor, r.answers = renewed, nil
		default:
			return mine
		}
		return false
	})
}

// shownTo reports whether the visitor with this hash of a cookie sees the trace.
func (t *Trace) shownTo(visitor string) bool {
	return visitor != "" && (t.visitor == visitor || slices.Contains(t.answers, visitor))
}

// End notes the outcome of the sign-in that ctx is part of, unless it has ended before. It
// returns the trace up to there, or nil if nothing is recorded, or if the visitor has signed out
// meanwhile. ctx is the context of a request in the app of [Recorder.Handler].
func End(ctx context.Context, outcome string) *Trace {
	l, ok := ctx.Value(listenerKey{}).(*listener)
	if !ok {
		return nil
	}
	l.recorder.mu.Lock()
	defer l.recorder.mu.Unlock()
	l.failed = l.failed || outcome != ""
	if l.record.Number == 0 || !slices.Contains(l.recorder.records, l.record) {
		return nil
	}
	l.record.Outcome = cmp.Or(l.record.Outcome, outcome)
	trace := *l.record // a copy: the record may go on
	return &trace
}

// Traces is the Data of the page "trace".
type Traces struct {
	Shown  *Trace   // one of them, whole
	Beside *Trace   // another, to compare with; nil unless asked for
	Latest []*Trace // the latest first
}

// Traces returns the sign-ins of the visitor who sent r. The query may have the number of the one
// to show (number) and of another to compare with it (beside). Otherwise the latest is shown.
func (rec *Recorder) Traces(r *http.Request) Traces {
	var traces Traces
	visitor, query := rec.visitor(r), r.URL.Query()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, record := range slices.Backward(rec.records) {
		if !record.shownTo(visitor) || record.Number == 0 || record.underWay > 0 { // its callback may yet change the cookie
			continue
		}
		trace := *record
		traces.Latest = append(traces.Latest, &trace)
		trace.Open = query.Get("open") == "all"
		number := strconv.Itoa(trace.Number)
		if query.Has("beside") { // then this page has diagrams only
			trace.Page = "/trace?number=" + number
		}
		if traces.Shown == nil || number == query.Get("number") {
			traces.Shown = &trace
		}
		if number == query.Get("beside") {
			traces.Beside = &trace
		}
	}
	return traces
}
