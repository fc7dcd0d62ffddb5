package fake

import (
	"net/http"
	"net/url"
	"strings"
)

// lure is the one thing to press on a page of another site's: a link to a path of the app, or for a POST
// a button. A neighbour of the app plants a cookie, too, for cookies do not tell ports apart.
type lure struct{ method, path, cookie, value string }

// browserFaults is what the browser is made to do, in step 2 where a session begins.
func browserFaults() []Fault {
	return []Fault{
		{Name: "login-csrf", Provider: "google", Step: 2, Stops: "attempt-found",
			Does:  "The attacker begins to sign in in a browser of their own, stops before the callback, and lets you follow its link.",
			Gains: "You are signed in as the attacker, who later reads what you did there.",
			lure:  lure{method: "GET", path: "/callback/google~login-csrf?code=OFTHEATTACKERS&state=ATTACKERSSTATE234567ABCDEFG&iss=https://accounts.google.com"}},
		{Name: "attempt-forged", Provider: "google", Step: 2, Stops: "attempt-opens",
			Does:  "A neighbour of the app (cookies do not tell ports apart) plants an attempt that it made up, and links to the callback that belongs to it.",
			Gains: "State, nonce and verifier are all of the attacker's choice, so every comparison holds.",
			lure: lure{"GET", "/callback/google~attempt-forged?code=x&state=ATTACKERSSTATE234567ABCDEFG",
				"oauthbyhand-attempt-ATTACKER", `{"Provider":"google","State":"ATTACKERSSTATE234567ABCDEFG"}`}},
		{Name: "attempt-moved", Provider: "google", Step: 2, Stops: "attempt-opens", How: Leave,
			Does:  "A neighbour of the app takes the sealed attempt of one cookie and plants it under the name of another.",
			Gains: "An attempt is finished that this callback does not belong to.",
			lure: lure{"GET", "/callback/google~attempt-moved?code=x&state=ATTACKERSSTATE234567ABCDEFG",
				"oauthbyhand-attempt-ATTACKER", ofYours}},
		{Name: "session-planted", Provider: "google", Step: 2, Spec: "RFC 9700 §4.7",
			Does:  "A neighbour of the app plants a session id that it knows, and then lets you sign in.",
			Gains: "If that id became yours, the attacker would be signed in as you. It does not: the id is a new one after each sign-in (Sessions.Begin, oauth/account/session.go).",
			lure:  lure{"GET", "/login/google~session-planted", "oauthbyhand-session", "KNOWNTOTHEATTACKER"}},
		{Name: "open-redirect", Provider: "google", Step: 2, Spec: "RFC 9700 §4.11.1",
			Does:  "A link to the app's own sign-in page, with the attacker's site as the page to return to.",
			Gains: "You would be sent from your own sign-in to a copy of the app that asks for more. You stay here: only the app's own paths are returned to (LocalPath, oauth/web/web.go).",
			lure:  lure{method: "GET", path: "/login/google~open-redirect?next=//evil.example/again"}},
		{Name: "foreign-sign-out", Provider: "google", Step: 2, Spec: "OWASP, cross-site request forgery", How: First,
			Does:  "Another site's button presses the app's “Sign out”.",
			Gains: "You would be signed out, and sign in again where the attacker wants you to. The app does not take forms of other sites (http.CrossOriginProtection, main.go).",
			lure:  lure{method: "POST", path: "/logout?fault=foreign-sign-out"}},
		{Name: "foreign-connect", Provider: "google", Step: 2, Spec: "RFC 6749 §10.12", How: First,
			Does:  "Another site's button begins to connect an account to your user, and the attacker's account is the one at the provider.",
			Gains: "The attacker's account would be connected to your user, and the attacker sign in as you. The app does not take forms of other sites (http.CrossOriginProtection, main.go).",
			lure:  lure{method: "POST", path: "/connect/google~foreign-connect?fault=foreign-connect"}},
		{Name: "foreign-login", Provider: "google", Step: 2, Spec: "RFC 6749 §10.12", How: First,
			Does:  "Another site's link leads to the app's sign-in, while you are signed in.",
			Gains: "If that connected an account to your user, the attacker could make it be theirs. It is a sign-in of its own, and ends the one before (login, main.go).",
			lure:  lure{method: "GET", path: "/login/google~foreign-login"}},
	}
}

// ofYours stands for the value of the cookie of an attempt that you have begun.
const ofYours = "begin-a-sign-in-first"

// attackPage is the attacker's page for the fault.
func (s *Server) attackPage(f Fault, w http.ResponseWriter, r *http.Request) {
	if len(s.clients[0].RedirectURIs) == 0 { // the one that every fake knows
		notFound(w, r)
		return
	}
	app, _ := url.Parse(s.clients[0].RedirectURIs[0])
	if f.Neighbour() {
		value := f.lure.value
		for _, c := range r.Cookies() {
			if value == ofYours && strings.HasPrefix(c.Name, "oauthbyhand-attempt-") {
				value = c.Value
			}
		}
		http.SetCookie(w, &http.Cookie{Name: f.lure.cookie, Value: url.QueryEscape(value), Path: "/", HttpOnly: true})
	}
	show(w, http.StatusOK, "attack.html", struct {
		Fault
		Method, URL, App string
	}{f, f.lure.method, app.Scheme + "://" + app.Host + f.lure.path, app.Host})
}
