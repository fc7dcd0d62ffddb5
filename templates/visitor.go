package templates

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"slices"
	"strconv"
	"time"

	"example.com/oauthbyhand/oauth"
)

func (rec *Recorder) cookieName() string { return oauth.CookiePrefix(rec.secure) + "visitor" }

// visitor returns who sent r.
func (rec *Recorder) visitor(r *http.Request) (hash [sha256.Size]byte, ok bool) {
	cookies := r.CookiesNamed(rec.cookieName())
	if len(cookies) != 1 { // of two, one is somebody else's
		return hash, false
	}
	return visitorOf(cookies[0]), true
}

func visitorOf(cookie *http.Cookie) [sha256.Size]byte { return sha256.Sum256([]byte(cookie.Value)) }

func (rec *Recorder) newVisitor(w http.ResponseWriter) [sha256.Size]byte {
	cookie := &http.Cookie{
		Name:     rec.cookieName(),
		Value:    rand.Text(),
		Path:     "/",
		MaxAge:   int((12 * time.Hour).Seconds()),
		Secure:   rec.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
	http.SetCookie(w, cookie)
	return visitorOf(cookie)
}

// End notes how the sign-in that r is part of ended, unless it has ended before, and
// returns it.
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
	l.record.outcome = cmp.Or(l.record.outcome, outcome)
	return l.record.trace()
}

// SignedIn notes that the sign-in that r is part of has succeeded, and renews the
// visitor's cookie. What came before is dropped: a session that ran out was not signed
// out of, and this visitor may be another than the one before.
func (rec *Recorder) SignedIn(w http.ResponseWriter, r *http.Request) {
	rec.End(r, "signed in")
	rec.renew(w, r, false)
}

// Connected notes that the sign-in that r is part of has connected an account, and
// renews the visitor's cookie. The visitor is the one who was signed in before.
func (rec *Recorder) Connected(w http.ResponseWriter, r *http.Request) {
	rec.End(r, "connected")
	rec.renew(w, r, true)
}

// renew gives the visitor a new cookie, which takes over the sign-in that r is part of
// and maybe those before: who planted the old one in this browser sees neither that
// nor what follows.
func (rec *Recorder) renew(w http.ResponseWriter, r *http.Request, before bool) {
	l, ok := r.Context().Value(listenerKey{}).(*listener)
	if !ok {
		return
	}
	renewed := rec.newVisitor(w)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, record := range rec.records {
		if record.visitor == l.visitor && (before || record == l.record) {
			record.visitor = renewed
		}
	}
	rec.drop(func(record *record) bool { return record.visitor == l.visitor })
	l.visitor = renewed
}

// Forget drops the visitor's sign-ins: the next one at this browser may be another.
func (rec *Recorder) Forget(r *http.Request) {
	if rec == nil {
		return
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, cookie := range r.CookiesNamed(rec.cookieName()) { // of two, one is the visitor's
		visitor := visitorOf(cookie)
		rec.drop(func(r *record) bool { return r.visitor == visitor })
	}
}

// Traces is the Data of the page "trace".
type Traces struct {
	Shown  *Trace   // whole
	Latest []*Trace // without their steps, the latest first
}

// Traces returns the latest sign-ins of the visitor who sent r, and one of them
// whole: the latest, or the one whose number the query asks for.
func (rec *Recorder) Traces(r *http.Request) Traces {
	var traces Traces
	visitor, ok := rec.visitor(r)
	if !ok {
		return traces
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, record := range slices.Backward(rec.records) {
		if record.visitor != visitor {
			continue
		}
		if traces.Shown == nil || strconv.Itoa(record.number) == r.URL.Query().Get("number") {
			traces.Shown = record.trace()
		}
		if len(traces.Latest) < latestShown {
			traces.Latest = append(traces.Latest, &Trace{Number: record.number, Provider: record.provider, Begun: record.begun, Outcome: record.outcome})
		}
	}
	return traces
}
