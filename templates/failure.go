package templates

import (
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

// Failed returns what the pages say of err. It ends the trace that r is part of, if there
// is one.
func Failed(r *http.Request, provider oauth.About, err error) Failure {
	f := Failure{
		advice:   advice{"Something went wrong in this app itself.", "Try again; the app's log says more."},
		Provider: provider.Title,
		Name:     provider.Name,
		Title:    "The sign-in with " + provider.Title + " did not work",
		Status:   http.StatusInternalServerError,
		Again:    errors.Is(err, account.ErrSignInAgain),
		NoWay:    errors.Is(err, oauth.ErrNoRevocation),
	}
	outcome := "failed"
	f.Refusal, _ = errors.AsType[*oauth.Refusal](err)
	f.CheckError, _ = errors.AsType[*oauth.CheckError](err)
	switch {
	case f.Refusal != nil:
		outcome = "refused: " + strings.TrimSpace(f.Refusal.Code+" "+f.Refusal.Description)
		f.Status = http.StatusBadGateway
		f.advice = adviceOnRefusal(f.Refusal)
	case f.CheckError != nil:
		outcome = "stopped by " + f.CheckError.Check.Name
		f.Status = f.CheckError.Check.Status()
		f.advice = adviceOn(f.CheckError.Check, f.CheckError.Got)
		if f.CheckError.Check.Name == "attempt-user" {
			f.Name = "" // no button: a sign-in with this account would make another user
		}
	case errors.Is(err, account.ErrTaken):
		outcome = "this account is another user's"
		f.Status = http.StatusConflict
		f.Taken = true
		f.Title = "Not connected: this " + f.Provider + " account belongs to another user"
		f.Happened, f.Remedy = "Somebody has signed in here with this "+f.Provider+" account before, as another user than you are now. Nothing has changed. This app does not join two users because they have the same e-mail address: an address can pass to another person.", ""
	case errors.Is(err, account.ErrNotFound):
		outcome = "this account was disconnected meanwhile"
		f.Status = http.StatusConflict
		f.advice = advice{"This " + f.Provider + " account was disconnected here meanwhile.", "If you want it back, sign in again."}
	case errors.Is(err, ErrNotReady):
		f.Status = http.StatusConflict
		f.advice = advice{"This app is not set up for " + f.Provider + " any more.", owners}
	case f.Provider == "":
		f.Title = "This did not work"
	}
	switch {
	case errors.Is(err, account.ErrNoRefresh):
		f.advice = advice{"The access token has expired, and there is no refresh token: this app did not ask for one, or " + f.Provider + " gives none.", again}
	case f.Again:
		f.advice = advice{"What you allowed at " + f.Provider + " has ended: it was revoked, or its time was over.", again}
	}
	if f.Again || f.Refusal != nil && f.Refusal.ByUser() {
		f.Status = http.StatusOK
	}
	f.Trace = trace.End(r.Context(), outcome)
	return f
}

// Where names the function and the file of the check that failed, as the trace has them.
func (f Failure) Where() string {
	if f.Trace == nil {
		return ""
	}
	return f.Trace.Where()
}
