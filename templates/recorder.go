package templates

import (
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"example.com/oauthbyhand/oauth"
)

const (
	recordsKept = 1000      // sign-ins, of all visitors
	recordMax   = 256 << 10 // bytes of one sign-in
	recordsMax  = 32 << 20  // bytes of all
	latestShown = 20        // in the list on the page
)

// Recorder keeps the latest sign-ins for those who made them. Who a sign-in belongs
// to says a cookie of its own, for a trace is wanted most when nobody got signed in.
// A nil Recorder records nothing.
type Recorder struct {
	mask   func() *Mask
	secure bool
	out    *terminal // in words while it happens, unless nil

	mu      sync.Mutex
	records []*record // oldest first
	made    int
	size    int
}

// NewRecorder returns an empty recorder. mask says what of the values it keeps; secure
// that the app is served over https.
func NewRecorder(mask func() *Mask, secure bool, out io.Writer) *Recorder {
	rec := &Recorder{mask: mask, secure: secure}
	if out != nil {
		rec.out = &terminal{out: out}
	}
	return rec
}

// record is one sign-in.
type record struct {
	number   int
	visitor  [sha256.Size]byte // the hash of the cookie
	attempt  [sha256.Size]byte // the hash of what the callback brings back, zero before that is known
	provider string
	begun    time.Time
	outcome  string
	hops     []Hop
	size     int
	dropped  bool // no longer among the recorder's, which so must not count what comes
}

// trace copies what is recorded, so that it can be shown while more is recorded.
func (r *record) trace() *Trace {
	return &Trace{r.number, r.provider, r.begun, r.outcome, stepsOf(slices.Clone(r.hops))}
}

// listener hears the events of one request of a browser.
type listener struct {
	recorder *Recorder
	provider string
	from     int // steps before this one begin no record

	mu      sync.Mutex // events come one after the other
	mask    *Mask
	printed Hop // the last

	// Under the recorder's mu:
	visitor [sha256.Size]byte
	record  *record // nil until something happens
}

type listenerKey struct{}

// Listen returns r with a context that records what happens under it, as part of a
// sign-in with provider, or from a later step on: a profile that is only read once
// more would hide the sign-in before it, which is worth more to see.
func (rec *Recorder) Listen(w http.ResponseWriter, r *http.Request, provider string, from int) *http.Request {
	if rec == nil {
		return r
	}
	visitor, ok := rec.visitor(r)
	if !ok {
		visitor = rec.newVisitor(w)
	}
	l := &listener{recorder: rec, provider: provider, from: from, mask: rec.mask(), printed: Hop{Step: -1}, visitor: visitor}
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
		rec.out.print(h.after(l.printed))
		l.printed = h
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	attempt := attemptOf(e)
	if l.record == nil && attempt != [sha256.Size]byte{} { // the callback of a sign-in that was begun?
		i := slices.IndexFunc(rec.records, func(r *record) bool {
			return r.visitor == l.visitor && r.attempt == attempt && r.outcome == ""
		})
		if i >= 0 {
			l.record = rec.records[i]
		}
	}
	if l.record == nil && e.Step < l.from {
		return
	}
	if l.record == nil {
		rec.made++
		l.record = &record{number: rec.made, visitor: l.visitor, provider: l.provider, begun: e.Time}
		rec.records = append(rec.records, l.record)
	}
	if l.record.dropped {
		return
	}
	if attempt != [sha256.Size]byte{} {
		l.record.attempt = attempt
	}
	h.After = e.Time.Sub(l.record.begun)
	if size := h.size(); l.record.size+size <= recordMax {
		l.record.hops = append(l.record.hops, h)
		l.record.size += size
		rec.size += size
	}
	for len(rec.records) > recordsKept || rec.size > recordsMax {
		oldest := rec.records[0]
		rec.drop(func(r *record) bool { return r == oldest })
	}
}

// drop takes out the records of which is holds.
func (rec *Recorder) drop(is func(*record) bool) {
	rec.records = slices.DeleteFunc(rec.records, func(r *record) bool {
		if !is(r) {
			return false
		}
		r.dropped = true
		rec.size -= r.size
		return true
	})
}

// attemptOf tells by which attempt the browser is sent out or comes back: by the
// state, or in OAuth 1.0a by the temporary token. Only its hash is kept.
func attemptOf(e oauth.Event) (hash [sha256.Size]byte) {
	var query string
	switch what := e.What.(type) {
	case oauth.RedirectOut:
		u, err := url.Parse(what.URL)
		if err != nil {
			return hash
		}
		query = u.RawQuery
	case oauth.RedirectIn:
		query = what.Query
	}
	q, _ := url.ParseQuery(query)
	for _, name := range []string{"state", "oauth_token", "denied"} {
		if q.Get(name) != "" {
			return sha256.Sum256([]byte(q.Get(name)))
		}
	}
	return hash
}

// size is about what the hop takes in memory.
func (h Hop) size() int {
	size := 500 + len(h.Line) + 300*len(h.Checks)
	for _, p := range h.Parts {
		size += len(p.Text)
		for _, v := range p.Values {
			size += 100 + len(v.Name) + len(v.Value)
		}
	}
	return size
}
