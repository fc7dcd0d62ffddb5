package templates

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/oauth/account"
)

// Failure is the Data of the pages "error" and "refused", and part of others.
type Failure struct {
	advice
	Provider   string            // for people; empty where it is about none
	Name       string            // in routes
	Title      string            // what did not happen
	Status     int               // of the page
	CheckError *oauth.CheckError // nil for what is not a failed check
	Refusal    *oauth.Refusal    // nil for what is no refusal
	Again      bool              // all that helps is to sign in again
	NoWay      bool              // the provider has no revocation for apps
	Trace      *Trace            // up to the failure; nil where nothing is recorded
}

// Failed notes that the sign-in that r is part of has ended with err, and returns what
// the pages say of it. A nil Recorder does, too.
func (rec *Recorder) Failed(r *http.Request, provider oauth.About, err error) Failure {
	f := Failure{
		advice:   advice{"Something went wrong in this app itself.", "Try again; the app's log says more."},
		Provider: provider.Title,
		Name:     provider.Name,
		Title:    "Not signed in with " + provider.Title,
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
	case f.CheckError != nil:
		outcome = "stopped by " + f.CheckError.Check.Name
		f.Status = f.CheckError.Check.Status()
		f.advice = adviceOn(f.CheckError.Check)
		if f.CheckError.Check.Name == "attempt-user" {
			f.Name = "" // no button: to sign in with it would make it another user's
		}
	case errors.Is(err, account.ErrTaken):
		outcome = "this account is another user's"
		f.Status = http.StatusConflict
		f.Title = "Not connected: this " + f.Provider + " account belongs to another user"
		f.advice = advice{
			"Somebody has already signed in here with this " + f.Provider + " account, as another user than you are now. Nothing was changed.",
			"If that was you, sign in with it, and you are that user: connect a second account there, disconnect this one, and come back. Accounts are never joined by an e-mail address, since addresses change hands.",
		}
	case errors.Is(err, account.ErrLast):
		f.Status = http.StatusConflict
		f.Title = "Not disconnected: this is your last account"
		f.advice = advice{"Without it nobody could sign in as you any more. Nothing was changed.", "Connect another account first."}
	case f.Provider == "":
		f.Title = "This did not work"
	}
	if f.Again || f.Refusal != nil && f.Refusal.ByUser() {
		f.Status = http.StatusOK
	}
	f.Trace = rec.End(r, outcome)
	return f
}

// Where names the function and the file of the check that failed, as the trace has them.
func (f Failure) Where() string {
	if f.Trace == nil {
		return ""
	}
	for _, h := range f.Trace.hops {
		if slices.ContainsFunc(h.Checks, func(r row) bool { return !r.OK && !r.NotOwed }) {
			return h.Where()
		}
	}
	return ""
}

// advice is for people: what happened, and what to do about it.
type advice struct{ Happened, Remedy string }

const (
	again  = "Nothing is lost: sign in again."
	clocks = "Compare this machine's clock with the real time; if it is right, the provider's is wrong. Then sign in again."
	theirs = "Sign in again. If it happens again, it is the provider that must fix it, or somebody is between you and the provider; this app was right to stop."
)

// knownAdvice says what happened and what to do, for each check that people meet in honest
// use. The others mean a broken provider or an attack, and share one text a step.
var knownAdvice = map[string]advice{
	"attempt-found": {
		"Your browser has no sign-in in progress for this callback: its cookie is missing. Cookies are blocked or were cleared, the sign-in began in another browser or under another address than this one, it is more than an hour old, or you followed somebody else's link.",
		"Open the app at its own address and begin again there.",
	},
	"attempt-opens": {
		"The sign-in was begun, but its cookie does not open: the app was restarted since, or the cookie was changed.",
		again,
	},
	"attempt-fresh": {
		"The sign-in is too old: it must be finished within ten minutes.",
		again,
	},
	"attempt-unused": {
		"This sign-in was already used: it has ended, with a yes or a no. Reloading the page or going back only brings its callback once more.",
		again,
	},
	"callback-state": {
		"The callback does not carry the state that this browser was given, so this sign-in may be somebody else's. That can be an attack, or a link that was cut.",
		again,
	},
	"attempt-user": {
		"You are not signed in any more as the user who began to connect this account.",
		"Sign in as before, and connect it from your profile.",
	},
	"reply-received": {
		"The provider did not answer.",
		"Try again in a moment. The other providers are not affected.",
	},
	"claim-exp":       {"By this machine's clock, the ID token has already expired, or it does not say when it does.", clocks},
	"claim-iat":       {"By this machine's clock, the ID token was issued in the future, or it does not say when.", clocks},
	"claim-iat-fresh": {"By this machine's clock, the ID token was issued before you began to sign in.", clocks},
	"claim-nbf":       {"By this machine's clock, the ID token is not valid yet.", clocks},
}

func adviceOn(c oauth.Check) advice {
	a, ok := knownAdvice[c.Name]
	switch {
	case ok:
		return a
	case c.Step >= 6:
		return advice{"What the provider answered did not pass a check, so it was not used, and nothing was changed.", theirs}
	case c.Status() == http.StatusBadRequest:
		return advice{"What your browser brought back from the provider did not pass a check.", again}
	}
	return advice{"What the provider answered did not pass a check, so nobody was signed in.", theirs}
}
