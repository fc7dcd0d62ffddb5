package templates

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/templates/trace"
)

// Failure is the Data of the pages "error" and "refused", and part of others.
type Failure struct {
	advice
	Provider   string            // its title; empty if the failure is about none
	Name       string            // of the provider, in routes
	Title      string            // what did not happen
	Status     int               // of the page
	CheckError *oauth.CheckError // nil if no check failed
	Refusal    *oauth.Refusal    // nil if nobody refused
	Again      bool              // only a new sign-in helps
	NoWay      bool              // the provider names no way for an app to revoke access
	Taken      bool              // the account belongs to another user
	Trace      *trace.Trace      // up to the failure; nil if nothing is recorded
}

// ErrNotReady says that an account's provider is not set up in this app any more.
var ErrNotReady = errors.New("this provider is not set up in this app")

// Failed returns what the pages say about err. It ends the trace that r is part of, if there
// is one.
func Failed(r *http.Request, provider oauth.About, err error) Failure {
	f := Failure{
		Provider: provider.Title,
		Name:     provider.Name,
		Title:    "The sign-in with " + provider.Title + " did not work",
		Status:   http.StatusInternalServerError,
		Again:    errors.Is(err, account.ErrSignInAgain),
		NoWay:    errors.Is(err, oauth.ErrNoRevocation),
		Taken:    errors.Is(err, account.ErrTaken),
	}
	topic, outcome := "(app)", "failed"
	f.Refusal, _ = errors.AsType[*oauth.Refusal](err)
	f.CheckError, _ = errors.AsType[*oauth.CheckError](err)
	switch {
	case f.Refusal != nil:
		topic, outcome = topicOfRefusal(f.Refusal), "refused: "+strings.Trim(f.Refusal.Code+" "+f.Refusal.Description, " .")
		f.Status = http.StatusBadGateway
	case f.CheckError != nil:
		topic, outcome = topicOfCheck(f.CheckError.Check, f.CheckError.Got), "stopped by "+f.CheckError.Check.Name
		f.Status = f.CheckError.Check.Status()
		if f.CheckError.Check.Name == "attempt-user" {
			f.Name = "" // no button: a sign-in with this account would make another user
		}
	case f.Taken:
		topic, outcome = "", "this account is another user's" // the page explains it
		f.Title = "Not connected: this " + f.Provider + " account belongs to another user"
		f.Status = http.StatusConflict
	case errors.Is(err, account.ErrNotFound):
		topic, outcome = "(disconnected)", "this account was disconnected meanwhile"
		f.Status = http.StatusConflict
	case errors.Is(err, ErrNotReady):
		topic = "(not set up)"
		f.Status = http.StatusConflict
	case errors.Is(err, context.Canceled): // the browser has gone, and perhaps it brings the callback again
		outcome = ""
	case f.Provider == "":
		f.Title = "This did not work"
	case errors.Is(err, context.DeadlineExceeded): // the account is locked by requests that wait for a provider
		topic = "(busy)"
		f.Status = http.StatusBadGateway
	}
	switch {
	case errors.Is(err, account.ErrNoRefresh):
		topic = "(no refresh token)"
	case f.Again:
		topic = "(grant ended)"
	}
	if f.Again || f.Refusal != nil && f.Refusal.ByUser() {
		f.Status = http.StatusOK
	}
	f.advice = byTopic[topic]
	f.Happened = strings.ReplaceAll(f.Happened, "PROVIDER", provider.Title)
	f.Trace = trace.End(r.Context(), outcome)
	return f
}
