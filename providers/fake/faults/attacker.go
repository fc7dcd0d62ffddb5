package faults

import (
	"net/http"
	"net/url"
	"strings"
)

// lure is the one thing to press on another site's page: a link to a path of the app, or a button if it is a POST.
// A neighbour of the app also plants a cookie, because cookies do not tell ports apart.
type lure struct{ method, path, cookie, value string }

// browserFaults is what the browser is made to do, in step 2 because that is where a session begins.
func browserFaults() []Fault {
	return []Fault{
		{Name: "login-csrf", Provider: "google", Step: 2, Stops: "attempt-found",
			Does:  "An attacker begins a sign-in in their own browser, stops before the callback, and makes you open its link.",
			Gains: "You would be signed in as the attacker, who would later read what you did there.",
			lure:  lure{method: "GET", path: "/callback/google~login-csrf?code=OFTHEATTACKERS&state=ATTACKERSSTATE234567ABCDEFG&iss=https://accounts.google.com"}},
		{Name: "attempt-forged", Provider: "google", Step: 2, Stops: "attempt-opens",
			Does:  "An attacker on another port of the app's host plants the cookie of an attempt that they made up, and links to the callback for it.",
			Gains: "The attacker would choose state, nonce and verifier, so every comparison would hold.",
			lure: lure{"GET", "/callback/google~attempt-forged?code=x&state=ATTACKERSSTATE234567ABCDEFG",
				"oauthbyhand-attempt-ATTACKER", `{"Provider":"google","State":"ATTACKERSSTATE234567ABCDEFG"}`}},
		{Name: "attempt-moved", Provider: "google", Step: 2, Stops: "attempt-opens", How: Leave,
			Does:  "An attacker on another port of the app's host plants your own sealed attempt under the name of another cookie.",
			Gains: "The callback would finish an attempt that it does not belong to.",
			lure: lure{"GET", "/callback/google~attempt-moved?code=x&state=ATTACKERSSTATE234567ABCDEFG",
				"oauthbyhand-attempt-ATTACKER", ofYours}},
		{Name: "session-planted", Provider: "google", Step: 2, Spec: "RFC 9700 §4.7",
			Does:  "An attacker on another port of the app's host plants a session id that they know. Then you sign in.",
			Gains: "If you kept that id, the attacker would be signed in as you. You do not: each sign-in makes a new id (Sessions.Begin, oauth/account/session.go).",
			lure:  lure{"GET", "/login/google~session-planted", "oauthbyhand-session", "KNOWNTOTHEATTACKER"}},
		{Name: "open-redirect", Provider: "google", Step: 2, Spec: "RFC 9700 §4.11.1",
			Does:  "A link leads to the app's own sign-in, and names the attacker's site as the page to return to.",
			Gains: "After a real sign-in you would land on a copy of the app that asks for more. You stay here: the app returns only to its own paths (LocalPath, oauth/web/web.go).",
			lure:  lure{method: "GET", path: "/login/google~open-redirect?next=//evil.example/again"}},
		{Name: "foreign-sign-out", Provider: "google", Step: 2, Spec: "OWASP, cross-site request forgery", How: First,
			Does:  "A button on another site presses the app's “Sign out”.",
			Gains: "You would be signed out, and the attacker could choose how you sign in again. The app does not take forms of other sites (http.CrossOriginProtection, main.go).",
			lure:  lure{method: "POST", path: "/logout?fault=foreign-sign-out"}},
		{Name: "foreign-connect", Provider: "google", Step: 2, Spec: "RFC 6749 §10.12", How: First,
			Does:  "A button on another site begins to connect an account to your user. At the provider, your browser is signed in as the attacker.",
			Gains: "The attacker's account would be connected to your user, and the attacker could sign in as you. The app does not take forms of other sites (http.CrossOriginProtection, main.go).",
			lure:  lure{method: "POST", path: "/connect/google~foreign-connect?fault=foreign-connect"}},
		{Name: "foreign-login", Provider: "google", Step: 2, Spec: "RFC 6749 §10.12", How: First,
			Does:  "A link on another site leads to the app's sign-in while you are signed in.",
			Gains: "If that connected an account to your user, an attacker could connect theirs. It does not: it is a fresh sign-in, and ends the session before it (login, main.go).",
			lure:  lure{method: "GET", path: "/login/google~foreign-login"}},
	}
}

// ofYours stands for the value of the cookie of an attempt that you have begun.
const ofYours = "begin-a-sign-in-first"

// attackPage is the attacker's page for the fault.
func (s *Server) attackPage(f Fault, w http.ResponseWriter, r *http.Request) {
	if f.Neighbour() {
		value := f.lure.value
		for _, c := range r.Cookies() {
			if value == ofYours && strings.HasPrefix(c.Name, "oauthbyhand-attempt-") {
				value = c.Value
			}
		}
		http.SetCookie(w, &http.Cookie{Name: f.lure.cookie, Value: url.QueryEscape(value), Path: "/", HttpOnly: true})
	}
	_, host, _ := strings.Cut(s.app, "://")
	show(w, "attack.html", struct {
		Fault
		Method, URL, App string
	}{f, f.lure.method, s.app + f.lure.path, host})
}
