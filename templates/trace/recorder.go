package trace

import (
	"cmp"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"example.com/oauthbyhand/oauth"
)

const (
	recordsKept = 1000      // sign-ins, of all visitors
	recordMax   = 128 << 10 // bytes of one; an honest one has half of that
)

// Recorder keeps the latest 1,000 sign-ins for the visitors who made them. It knows visitors
// by a cookie of its own and not by their session: a trace is most useful when a sign-in has
// failed, and then there is no session.
type Recorder struct {
	mask   func() *Mask
	secure bool
	out    io.Writer // for what happens in words, unless nil
	source source    // of package oauth

	mu      sync.Mutex
	records []*Trace // oldest first
	made    int
}

// NewRecorder returns an empty recorder. mask is [Whole], or [Cut] with real providers.
// secure says that the app is served over https. Unless out is nil, what happens is written
// to it at once, by several goroutines.
func NewRecorder(mask func() *Mask, secure bool, out io.Writer) *Recorder {
	return &Recorder{mask: mask, secure: secure, out: out}
}

// listener hears the events of one request of a browser.
type listener struct {
	recorder *Recorder
	provider string
	user     string // the user who is signed in, if any
	attempt  string // as in Trace, if this is a callback

	mu   sync.Mutex // events come one after the other
	mask *Mask
	last hop

	// Under the recorder's mu:
	visitor string
	record  *Trace // nil until something happens
}

type listenerKey struct{}

// Listen returns r with a context that records what happens under it, as part of a
// sign-in with provider, which is a name for people. A visitor who has no cookie gets one.
func (rec *Recorder) Listen(w http.ResponseWriter, r *http.Request, provider string) *http.Request {
	visitor := rec.visitor(r)
	if visitor == "" {
		visitor = rec.newVisitor(w)
	}
	l := &listener{recorder: rec, provider: provider, mask: rec.mask(), last: before, visitor: visitor}
	l.attempt = attemptOf(oauth.Event{What: oauth.RedirectIn{Query: r.URL.RawQuery}})
	ctx := context.WithValue(r.Context(), listenerKey{}, l)
	return r.WithContext(oauth.WithTrace(ctx, l.hear))
}

// hear records an event. Events of a shared fetch come from other goroutines.
func (l *listener) hear(e oauth.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := newHop(e, l.mask) // before the recorder's lock: a long reply keeps no others waiting
	rec := l.recorder
	if rec.out != nil {
		io.WriteString(rec.out, h.after(l.last))
		l.last = h
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	attempt := attemptOf(e)
	if l.record == nil && attempt != "" { // the callback of a sign-in that was begun?
		for _, r := range rec.records {
			if r.visitor == l.visitor && r.attempt == attempt && r.Outcome == "" {
				l.record = r
			}
		}
	}
	if l.record == nil {
		rec.made++
		l.record = &Trace{Number: rec.made, Provider: l.provider, Begun: e.Time, visitor: l.visitor, user: l.user, source: &rec.source}
		rec.records = append(rec.records, l.record)
		if len(rec.records) > recordsKept {
			rec.records = slices.Delete(rec.records, 0, 1)
		}
	}
	h.addValues(l.record.hops)
	if taken, ok := e.What.(oauth.AttemptTaken); ok {
		l.record.connects = taken.Attempt.User != ""
	}
	l.record.attempt = cmp.Or(attempt, l.record.attempt)
	if size := h.size(); l.record.size+size <= recordMax {
		l.record.hops = append(l.record.hops, h)
		l.record.size += size
	}
}

// attemptOf names the attempt with which the browser is sent out or comes back: by the
// hash of its state, or in OAuth 1.0a of the temporary token.
func attemptOf(e oauth.Event) string {
	var query string
	switch what := e.What.(type) {
	case oauth.RedirectOut:
		_, query, _ = strings.Cut(what.URL, "?")
	case oauth.RedirectIn:
		query = what.Query
	}
	q, _ := url.ParseQuery(query)
	return hash(cmp.Or(q.Get("state"), q.Get("oauth_token"), q.Get("denied")))
}

// hash returns the hash of s, which is empty if s is.
func hash(s string) string {
	if s == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(s))
	return string(sum[:])
}

// size is about how many bytes the hop takes in memory.
func (h hop) size() int {
	size := 500 + len(h.Message) + 300*len(h.Checks)
	for _, p := range h.Parts {
		size += len(p.Text)
		for _, v := range p.Values {
			size += 100 + len(v.Name) + len(v.Value)
		}
	}
	return size
}
