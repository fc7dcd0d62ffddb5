package trace

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// Handler records what happens in app while it serves a sign-in, or a button about tokens.
// title names the provider that a request is about, and user says who is signed in. The app
// needs to know nothing of it: its answer shows how the sign-in ended. A page about a failure
// has called [End] before. A nil Recorder records nothing.
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
		r = rec.Listen(w, r, title(r))
		l := r.Context().Value(listenerKey{}).(*listener)
		l.user = user(r)
		app.ServeHTTP(&ender{w, l, r, user, action}, r)
	})
}

// ender ends a trace when the app sends the browser on.
type ender struct {
	http.ResponseWriter
	listener *listener
	request  *http.Request
	user     func(*http.Request) string
	action   string
}

// outcomes are the requests to record, by the first segment of the path, and what it means
// if a redirect ends them.
var outcomes = map[string]string{
	"login": "", "connect": "", "callback": "", "logout": "",
	"refresh": "refreshed", "read": "read again", "disconnect": "disconnected",
}

func (e *ender) WriteHeader(status int) {
	if (e.action == "logout" || e.action == "disconnect") && e.user(e.request) == "" { // the session has ended
		e.listener.recorder.forget(e.request, e.listener)
	}
	if status == http.StatusSeeOther {
		switch {
		case e.action == "callback":
			e.listener.signedIn(e.ResponseWriter, e.user(next(e.request, e.Header())))
		case outcomes[e.action] != "":
			End(e.request.Context(), outcomes[e.action])
		}
	}
	e.ResponseWriter.WriteHeader(status)
}

// signedIn notes that the sign-in has succeeded, or has connected one more account, and gives
// the visitor a new cookie: an attacker who planted the old one in this browser sees neither
// that nor what follows. Of what the visitor did before, a sign-in keeps what the same user
// did, and drops the rest: another person may have used this browser before, and their session
// may have run out without a sign-out. Connecting keeps all.
func (l *listener) signedIn(w http.ResponseWriter, user string) {
	rec, visitors := l.recorder, []string{l.visitor}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	switch {
	case l.record == nil: // the same callback again: the answer to the first, with its cookie, was lost
		user = cmp.Or(user, l.user) // who connects keeps the session
		for _, r := range rec.records {
			if r.attempt == l.attempt && r.user == user && user != "" {
				visitors = append(visitors, r.visitor)
			}
		}
	case l.record.Outcome != "": // the answer to the first has arrived
		return
	case l.record.connects:
		l.record.Outcome, l.record.user = "connected", l.user
	default:
		l.record.Outcome, l.record.user = "signed in", user
	}
	renewed := rec.newVisitor(w)
	for _, r := range rec.records {
		keep := r == l.record || l.record != nil && l.record.connects || r.user == user && user != ""
		if keep && slices.Contains(visitors, r.visitor) {
			r.visitor = renewed
		}
	}
	for _, visitor := range visitors {
		rec.drop(visitor, nil)
	}
}

// next returns the request that the browser sends next, with the cookies of this answer.
func next(r *http.Request, answer http.Header) *http.Request {
	next := r.Clone(r.Context())
	next.Header.Del("Cookie")
	for _, cookie := range (&http.Response{Header: answer}).Cookies() {
		if cookie.MaxAge >= 0 { // it is not deleted
			next.AddCookie(cookie)
		}
	}
	return next
}
