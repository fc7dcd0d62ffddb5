package trace

import (
	"net/http"
	"strings"
)

// Handler records what happens in app while it serves a sign-in, or a button about tokens.
// title names the provider that a request is about, and user says who is signed in. The app
// needs to know nothing of it: how a sign-in ends is seen by the answer. A failure has called
// [End] before.
func (rec *Recorder) Handler(title, user func(*http.Request) string, app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, action, _ := strings.Cut(r.URL.Path, "/")
		action, _, _ = strings.Cut(action, "/")
		if _, ok := outcomes[action]; !ok {
			app.ServeHTTP(w, r)
			return
		}
		if action != "logout" {
			r = rec.Listen(w, r, title(r))
			r.Context().Value(listenerKey{}).(*listener).user = user(r)
		}
		app.ServeHTTP(&ender{w, rec, r, user, action}, r)
	})
}

// ender ends a trace when the app sends the browser on.
type ender struct {
	http.ResponseWriter
	recorder *Recorder
	request  *http.Request
	user     func(*http.Request) string
	action   string
}

// outcomes are by the first segment of the path the requests to record, and what a redirect
// means as the end of each.
var outcomes = map[string]string{
	"login": "", "connect": "", "callback": "", "logout": "",
	"refresh": "refreshed", "read": "read again", "disconnect": "disconnected",
}

func (e *ender) WriteHeader(status int) {
	if status == http.StatusSeeOther {
		switch {
		case e.action == "callback":
			e.recorder.signedIn(e.ResponseWriter, e.request, e.user(next(e.request, e.Header())))
		case e.action == "logout":
			e.recorder.Forget(e.request)
		case outcomes[e.action] != "":
			End(e.request.Context(), outcomes[e.action])
		}
	}
	e.ResponseWriter.WriteHeader(status)
}

// signedIn notes that the sign-in that r is part of has succeeded, or has connected one
// more account, and gives the visitor a new cookie: an attacker who planted the old one in
// this browser sees neither that nor what follows. Of what the visitor did before, a sign-in
// keeps what the same user did, and drops the rest: nobody signs out of a session that runs
// out, and somebody else may have used this browser then. Connecting keeps all.
func (rec *Recorder) signedIn(w http.ResponseWriter, r *http.Request, user string) {
	l, ok := r.Context().Value(listenerKey{}).(*listener)
	if !ok {
		return
	}
	outcome := "signed in"
	if l.connecting {
		outcome, user = "connected", l.user
	}
	ended := End(r.Context(), outcome)
	if ended == nil || ended.Outcome != outcome {
		return
	}
	renewed := rec.newVisitor(w)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, record := range rec.records {
		if record == l.record {
			record.user = user
		}
		same := user != "" && record.user == user
		if record.visitor == l.visitor && (l.connecting || same || record == l.record) {
			record.visitor = renewed
		}
	}
	rec.drop(l.visitor)
}

// next returns the request that the browser sends next, as far as answer gives it cookies.
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
