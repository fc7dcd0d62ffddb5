package templates

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"time"

	"example.com/oauthbyhand/oauth"
)

func (rec *Recorder) cookieName() string { return oauth.CookiePrefix(rec.secure) + "visitor" }

// visitor returns the hash of the cookie of who sent r, or nothing.
func (rec *Recorder) visitor(r *http.Request) string {
	cookies := r.CookiesNamed(rec.cookieName())
	if len(cookies) != 1 { // of two, one is somebody else's
		return ""
	}
	return hash(cookies[0].Value)
}

func (rec *Recorder) newVisitor(w http.ResponseWriter) string {
	value := rand.Text()
	http.SetCookie(w, &http.Cookie{
		Name:     rec.cookieName(),
		Value:    value,
		Path:     "/",
		MaxAge:   int((12 * time.Hour).Seconds()),
		Secure:   rec.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
	return hash(value)
}

// End notes how the sign-in that r is part of ended, unless it has ended before, and
// returns it up to there, or nil where nothing is recorded. r is what [Recorder.Listen]
// returned, here and below.
func (rec *Recorder) End(r *http.Request, outcome string) *Trace {
	l, ok := r.Context().Value(listenerKey{}).(*listener)
	if !ok {
		return nil
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if l.record == nil {
		return nil
	}
	l.record.Outcome = cmp.Or(l.record.Outcome, outcome)
	trace := *l.record // which may go on
	return &trace
}

// SignedIn notes that the sign-in that r is part of has succeeded, or has connected one
// more account, and gives the visitor a new cookie: whoever planted the old one in this
// browser sees neither that nor what follows. A sign-in drops what the visitor did
// before, since nobody signs out of a session that runs out, and somebody else may have
// used this browser then. Connecting keeps it: the user is the same.
func (rec *Recorder) SignedIn(w http.ResponseWriter, r *http.Request, connected bool) {
	l, ok := r.Context().Value(listenerKey{}).(*listener)
	if !ok {
		return
	}
	outcome := "signed in"
	if connected {
		outcome = "connected"
	}
	rec.End(r, outcome)
	renewed := rec.newVisitor(w)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, record := range rec.records {
		if record.visitor == l.visitor && (connected || record == l.record) {
			record.visitor = renewed
		}
	}
	rec.drop(l.visitor)
}

// Forget drops the visitor's sign-ins: the next one at this browser may be another.
func (rec *Recorder) Forget(r *http.Request) {
	if rec == nil {
		return
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, cookie := range r.CookiesNamed(rec.cookieName()) { // of two, one is the visitor's
		rec.drop(hash(cookie.Value))
	}
}

// drop drops a visitor's sign-ins.
func (rec *Recorder) drop(visitor string) {
	rec.records = slices.DeleteFunc(rec.records, func(r *Trace) bool { return r.visitor == visitor })
}

// Traces is the Data of the page "trace".
type Traces struct {
	Shown  *Trace   // one of them, whole
	Latest []*Trace // the latest first
}

// Traces returns the sign-ins of the visitor who sent r, and which is to be shown
// whole: the latest, or the one whose number the query asks for.
func (rec *Recorder) Traces(r *http.Request) Traces {
	var traces Traces
	visitor := rec.visitor(r)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, record := range slices.Backward(rec.records) {
		if record.visitor != visitor {
			continue
		}
		trace := *record
		traces.Latest = append(traces.Latest, &trace)
		if traces.Shown == nil || strconv.Itoa(trace.Number) == r.URL.Query().Get("number") {
			traces.Shown = &trace
		}
	}
	return traces
}
