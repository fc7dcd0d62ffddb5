package faults

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"example.com/oauthbyhand/providers/fake"
)

// lure is what a victim presses on an attacker's page: a link to a path of the app, or for a POST a button. If the
// page is on the app's host, on another port, it also plants a cookie: cookies do not tell ports apart (RFC 6265
// §8.5).
type lure struct{ method, path, cookie, value string }

// browserFaults are what another site does in your browser. They belong to step 2, the callback.
var browserFaults = []Fault{
	{Name: "login-csrf", Step: 2, Stops: "attempt-found",
		Does:  "An attacker begins a sign-in in their own browser, stops before the callback, and makes you open the callback's URL.",
		Gains: "You would be signed in as the attacker, who would later read what you did there.",
		lure:  lure{method: "GET", path: "/callback/google~login-csrf?code=OFTHEATTACKERS&state=ATTACKERSSTATE234567ABCDEFG&iss=https://accounts.google.com"}},
	{Name: "attempt-forged", Step: 2, Stops: "attempt-opens",
		Does:  "An attacker on another port of the app's host plants the cookie of an attempt that they made up, and links to a callback with the state of that attempt.",
		Gains: "The attacker would choose state, nonce and verifier, so every comparison would hold.",
		lure: lure{"GET", "/callback/google~attempt-forged?code=x&state=ATTACKERSSTATE234567ABCDEFG",
			"oauthbyhand-attempt-ATTACKER", `{"Provider":"google","State":"ATTACKERSSTATE234567ABCDEFG"}`}},
	{Name: "attempt-planted", Step: 2, Stops: Nothing, Spec: "RFC 6265 §8.5; RFC 9700 §4.7",
		Does:  "An attacker signs in here as Mallory, stops before the callback, and plants the cookie of this genuine attempt from another port of the app's host. Then you follow the link of its callback.",
		Gains: "You are signed in as Mallory, who later reads what you did here. Every comparison holds, because cookie and callback belong together. Cookies do not tell ports apart, so over plain http nothing here stops it. Over https the cookie's name begins with __Host-: no other host can plant such a cookie, and no page over plain http can (except on localhost, in Chromium). But a program that serves https on another port can, so run nothing else on the app's host.",
		lure:  lure{method: "GET", cookie: attackersOwn}},
	{Name: "session-planted", Step: 2, Spec: "RFC 9700 §4.7",
		Does:  "An attacker on another port of the app's host plants a session id that they know. Then you sign in.",
		Gains: "If the app kept that id for your session, the attacker would be signed in as you. But each sign-in makes a new id (Sessions.Begin, oauth/account/session.go).",
		lure:  lure{"GET", "/login/google~session-planted", "oauthbyhand-session", "KNOWNTOTHEATTACKER"}},
	{Name: "open-redirect", Step: 2, Spec: "RFC 9700 §4.11.1",
		Does:  "A link leads to the app's own sign-in, and names the attacker's site as the page to return to.",
		Gains: "After a real sign-in you would land on the attacker's copy of the app, and might give it your data. You stay here: the app returns only to its own paths (LocalPath, oauth/web/web.go).",
		lure:  lure{method: "GET", path: "/login/google~open-redirect?next=//evil.example/again"}},
	{Name: "foreign-connect", Step: 2, Spec: "RFC 6749 §10.12", How: First,
		Does:  "A button on another site begins to connect an account to your user. At the provider, your browser is signed in as the attacker.",
		Gains: "If the app accepted forms from other sites, the attacker's account would be connected to your user, and the attacker could sign in as you. It does not accept them (http.CrossOriginProtection, main.go).",
		lure:  lure{method: "POST", path: "/connect/google~foreign-connect?fault=foreign-connect"}},
	{Name: "foreign-login", Step: 2, Spec: "RFC 6749 §10.12", How: First,
		Does:  "A link on another site leads to the app's sign-in while you are signed in.",
		Gains: "If such a link connected an account to your user, an attacker could connect theirs. But it begins a new sign-in, which ends the old session (login, main.go).",
		lure:  lure{method: "GET", path: "/login/google~foreign-login"}},
}

// attackersOwn stands for the cookie of an attempt that the attacker has begun, and for the URL of its callback.
const attackersOwn = "attackers-own"

// attackPage is the attacker's page for the fault.
func (s *Server) attackPage(f Fault, w http.ResponseWriter, r *http.Request) {
	to := s.app + f.lure.path
	cookie := &http.Cookie{Name: f.lure.cookie, Value: url.QueryEscape(f.lure.value), Path: "/", HttpOnly: true}
	if f.lure.cookie == attackersOwn {
		cookie, to = s.stopBeforeCallback(r.Context(), f)
	}
	if f.Neighbour() {
		http.SetCookie(w, cookie)
	}
	_, host, _ := strings.Cut(s.app, "://")
	fake.Show(w, http.StatusOK, pages, "attack.html", struct {
		Fault
		Method, URL, App string
	}{f, f.lure.method, to, host})
}

// stopBeforeCallback is the attacker, who signs in as Mallory in their own browser. It returns the cookie of that
// attempt, and the callback that the attacker does not follow.
func (s *Server) stopBeforeCallback(ctx context.Context, f Fault) (*http.Cookie, string) {
	begun := send(ctx, s.attacked, "GET", s.app+"/login/"+f.Client(), nil)
	allowed := send(ctx, s, "POST", begun.Get("Location"), url.Values{"user": {"mallory"}, "decision": {"allow"}})
	cookie := new(http.Cookie)
	for _, c := range (&http.Response{Header: begun}).Cookies() {
		if strings.Contains(c.Name, "oauthbyhand-attempt-") {
			cookie = c
		}
	}
	return cookie, allowed.Get("Location")
}

// send returns the header of the answer.
func send(ctx context.Context, to http.Handler, method, rawURL string, form url.Values) http.Header {
	r, err := http.NewRequestWithContext(ctx, method, rawURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	to.ServeHTTP(answer, r)
	return answer.Header()
}
