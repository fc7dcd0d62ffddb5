package trace

import (
	"cmp"
	"crypto/sha256"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"example.com/oauthbyhand/oauth"
)

// recordsKept is how many sign-ins are kept, of all visitors.
const recordsKept = 1000

// recordMax is how many bytes of one sign-in are kept. An honest one has up to 80 KiB.
const recordMax = 128 << 10

// Recorder keeps the latest 1,000 traces for the visitors who made them. It knows visitors
// by a cookie of its own and not by their session: a trace is most useful when a sign-in has
// failed, and then there is no session.
type Recorder struct {
	mask   func() *Mask
	secure bool
	out    io.Writer // for what happens, in words
	source source    // of package oauth

	mu      sync.Mutex
	records []*Trace // oldest first
	made    int
}

// NewRecorder returns an empty recorder. mask is [Whole], or [Cut] with real providers. secure
// says that the app is served over https. The recorder writes each event to out at once,
// from several goroutines.
func NewRecorder(mask func() *Mask, secure bool, out io.Writer) *Recorder {
	return &Recorder{mask: mask, secure: secure, out: out}
}

// listener hears the events of one request of a browser, and sees the answer.
type listener struct {
	http.ResponseWriter
	request  *http.Request
	recorder *Recorder
	action   string                     // as in outcomes
	user     func(*http.Request) string // who is signed in
	signedIn bool                       // somebody was signed in before the app answered
	visitor  string                     // as in Trace

	mu   sync.Mutex // held while an event is recorded
	mask *Mask
	last hop

	// Under the recorder's mu.
	record *Trace // gets the events
	begun  *Trace // the sign-in whose callback this is, if the browser has its attempt's cookie
	failed bool   // in this request
}

// end drops the record if nothing has happened, and the oldest records if there are too many.
func (l *listener) end() {
	rec := l.recorder
	rec.mu.Lock()
	defer rec.mu.Unlock()
	l.record.underWay--
	rec.records = slices.DeleteFunc(rec.records, func(r *Trace) bool { return r.Number == 0 && r.underWay == 0 })
	rec.records = slices.Delete(rec.records, 0, max(0, len(rec.records)-recordsKept))
}

// hear records an event. Events of a shared fetch come from other goroutines.
func (l *listener) hear(e oauth.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := newHop(e, l.mask) // before the recorder's lock, so that a long reply keeps no other visitor waiting
	text := h.after(l.last)
	l.last = h
	rec := l.recorder
	io.WriteString(rec.out, text)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if l.record.Number == 0 {
		rec.made++
		l.record.Number, l.record.Begun = rec.made, e.Time
	}
	if put, ok := e.What.(oauth.AttemptPut); ok {
		l.record.attempt = hash(cmp.Or(put.Attempt.TemporaryToken, put.Attempt.State))
		l.record.cookie = put.Cookie.Value
	}
	h.addValues(l.record.hops)
	if len(h.Checks.Are("failed")) > 0 {
		l.record.Stopped = h
	}
	if size := len(text) + 200*strings.Count(text, "\n"); l.record.size+size <= recordMax { // each line has about one value, which takes some 200 bytes besides its text
		l.record.hops = append(l.record.hops, h)
		l.record.size += size
	}
}

// attemptOf names the attempt that the query of a callback belongs to: by the hash of the state, or
// in OAuth 1.0a of the temporary token.
func attemptOf(query string) string {
	q, _ := url.ParseQuery(query)
	return hash(cmp.Or(q.Get("state"), q.Get("oauth_token"), q.Get("denied")))
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return string(sum[:])
}
