package templates

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/templates/trace"
)

// Site is what all pages of the app have in common. Set its fields before the first request.
type Site struct {
	Base      *url.URL
	Log       *slog.Logger
	Simulated string          // the origin of the fake provider; empty with real ones
	Recorder  *trace.Recorder // of sign-ins; nil if they are not recorded
	Notices   *oauth.Sealer   // seals the lines that say what a button did
	// Visitor returns the user who is signed in, or nil.
	Visitor func(*http.Request) *User
}

// Record makes the app record sign-ins: with real providers only if asked is true, with simulated
// ones always, because their secrets are worthless. If asked is true, they are also written to out,
// step by step.
func (s *Site) Record(asked bool, out io.Writer) {
	mask := trace.Cut
	if s.Simulated != "" {
		mask = trace.Whole
	}
	if !asked {
		out = io.Discard
	}
	if asked || s.Simulated != "" {
		s.Recorder = trace.NewRecorder(mask, s.Base.Scheme == "https", out)
	}
}

type faultKey struct{}

// WithFault returns a context for pages that show which attack was tried. fault has the fields Name,
// Does, Gains, Stops, Spec, How and Part. If it is nil, the pages show no attack.
func WithFault(ctx context.Context, fault any) context.Context {
	return context.WithValue(ctx, faultKey{}, fault)
}

// Page shows the page name.html with its data, and the notice that waits for it.
func (s *Site) Page(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	page := Page{s.Simulated, s.Recorder != nil, s.Visitor(r), s.notice(w, r), r.Context().Value(faultKey{}), data}
	if err := Render(w, status, name, page); err != nil {
		s.Log.Error("page not made", "name", name, "err", err)
		http.Error(w, "This page could not be made; the log says why.", http.StatusInternalServerError)
	}
}

// NotFound answers for a path that the app does not have.
func (s *Site) NotFound(w http.ResponseWriter, r *http.Request) {
	s.Page(w, r, http.StatusNotFound, "notfound", r.URL.Path)
}

// OtherHost answers a request whose host is not the app's own.
func (s *Site) OtherHost(w http.ResponseWriter, r *http.Request) {
	s.Page(w, r, http.StatusMisdirectedRequest, "host", struct{ Got, Want string }{r.Host, s.Base.String()})
}

// Foreign answers a form that was on a page of another site.
func (s *Site) Foreign(w http.ResponseWriter, r *http.Request) {
	s.Page(w, r, http.StatusForbidden, "foreign", nil)
}

// Trace shows the visitor's own latest sign-ins, step by step.
func (s *Site) Trace(w http.ResponseWriter, r *http.Request) {
	if s.Recorder == nil {
		s.NotFound(w, r)
		return
	}
	s.Page(w, r, http.StatusOK, "trace", s.Recorder.Traces(r))
}

// Fail says what went wrong: to the visitor in words, and to the log by the check's name.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, provider oauth.About, err error) {
	failure := Failed(r, provider, err)
	switch failed, refused := failure.CheckError, failure.Refusal; {
	case refused != nil:
		s.Log.Info("sign-in refused", "provider", provider.Name, "step", refused.Step, "code", refused.Code, "description", refused.Description)
		s.Page(w, r, failure.Status, "refused", failure)
		return
	case failed != nil:
		s.Log.Warn("sign-in failed", "provider", provider.Name, "step", failed.Check.Step, "check", failed.Check.Name, "got", failed.Got, "want", failed.Want)
		if s.Visitor(r) != nil && failed.Check.Name == "attempt-unused" { // the callback reloaded, or the back button
			s.Notify(w, r, "Your browser brought back the callback of a sign-in that has already ended. It was not used again: you are signed in as before.")
			http.Redirect(w, r, "/profile", http.StatusSeeOther)
			return
		}
	case failure.Status == http.StatusInternalServerError && !errors.Is(err, context.Canceled): // canceled: the browser went away
		s.Log.Error("request failed", "provider", provider.Name, "err", err)
	default:
		s.Log.Info("not done", "provider", provider.Name, "err", err)
	}
	s.Page(w, r, failure.Status, "error", failure)
}
