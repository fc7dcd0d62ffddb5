package templates

import (
	"errors"

	"example.com/oauthbyhand/oauth/account"
)

type advice struct{ happened, remedy string }

const (
	again  = "Nothing is lost: sign in again."
	clocks = "Compare this machine's clock with the real time; if it is right, the provider's is wrong. Then sign in again."
	theirs = "Sign in again. If it happens again, it is the provider that must fix it, or somebody is between you and the provider; this app was right to stop."
)

// advices says of each check that people meet in honest use what happened and what
// to do. The others mean a broken provider or an attack, and share one text a step.
var advices = map[string]advice{
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
		"This callback was already used. It works once; reloading the page or going back brings it a second time.",
		again,
	},
	"callback-state": {
		"The callback does not carry the state that this browser was given, so this sign-in may be somebody else's. That can be an attack, or a link that was cut.",
		again,
	},
	"attempt-user": {
		"You are not signed in any more as the user who began to connect this account.",
		"Sign in, and connect it from your profile.",
	},
	"reply-received": {
		"The provider did not answer.",
		"Try again in a moment. The other providers are not affected.",
	},
	"claim-exp":       {"By this machine's clock, the ID token has already expired.", clocks},
	"claim-iat":       {"By this machine's clock, the ID token was issued in the future, or it does not say when.", clocks},
	"claim-iat-fresh": {"By this machine's clock, the ID token was issued before you began to sign in.", clocks},
	"claim-nbf":       {"By this machine's clock, the ID token is not valid yet.", clocks},
}

// Title is what did not happen.
func (f Failure) Title() string {
	switch {
	case f.Provider == "":
		return "This did not work"
	case errors.Is(f.err, account.ErrTaken):
		return "Not connected: this " + f.Provider + " account belongs to another user"
	case errors.Is(f.err, account.ErrLast):
		return "Not disconnected: this is your last account"
	}
	return "Not signed in with " + f.Provider
}

func (f Failure) advice() advice {
	switch {
	case errors.Is(f.err, account.ErrTaken):
		return advice{
			"Somebody has already signed in here with this " + f.Provider + " account, as another user than you are now. Nothing was changed.",
			"If that was you, sign in with it, and you are that user: connect a second account there, disconnect this one, and come back. Accounts are never joined by an e-mail address, since addresses change hands.",
		}
	case errors.Is(f.err, account.ErrLast):
		return advice{"Without it nobody could sign in as you any more. Nothing was changed.", "Connect another account first."}
	case f.CheckError == nil:
		return advice{"Something went wrong in this app itself.", "Try again; the app's log says more."}
	}
	if a, ok := advices[f.CheckError.Check.Name]; ok {
		return a
	}
	if f.CheckError.Check.Step >= 6 {
		return advice{"What the provider answered did not pass a check, so it was not used, and nothing was changed.", theirs}
	}
	if f.CheckError.Check.Status() == 400 {
		return advice{"What your browser brought back from the provider did not pass a check.", again}
	}
	return advice{"What the provider answered did not pass a check, so nobody was signed in.", theirs}
}
