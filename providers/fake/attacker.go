package fake

import (
	"net/http"
	"net/url"
	"strings"
)

// attack is what another site does in the user's browser: it shows a page with one thing to press,
// a link or, for a POST, a button. It knows where the app is, and its own request.
type attack func(app string, r *http.Request) lure

// lure is that one thing.
type lure struct {
	Method, URL string
	cookie      *http.Cookie // planted in the browser: by a neighbour, for cookies do not tell ports apart
}

// browserFaults is what the browser is made to do, in step 2 where a session begins.
func browserFaults() []Fault {
	return []Fault{
		{Name: "login-csrf", Provider: "google", Step: 2, Stops: "attempt-found",
			Does:  "The attacker begins to sign in in a browser of their own, stops before the callback, and lets you follow its link.",
			Gains: "You are signed in as the attacker, who later reads what you did there.",
			attack: func(app string, _ *http.Request) lure {
				return lure{Method: "GET", URL: app + "/callback/google~login-csrf?" + url.Values{
					"code": {"4/0AofTheAttackersSignIn"}, "state": {"ATTACKERSSTATE234567ABCDEFG"}, "iss": {"https://accounts.google.com"}}.Encode()}
			}},
		{Name: "attempt-forged", Provider: "google", Step: 2, Stops: "attempt-opens", Neighbour: true,
			Does:  "A neighbour of the app (cookies do not tell ports apart) plants an attempt that it made up, and links to the callback that belongs to it.",
			Gains: "State, nonce and verifier are all of the attacker's choice, so every comparison holds.",
			attack: func(app string, _ *http.Request) lure {
				return lure{"GET", app + "/callback/google~attempt-forged?code=x&state=ATTACKERSSTATE234567ABCDEFG",
					plant("oauthbyhand-attempt-ATTACKER", `{"Provider":"google","State":"ATTACKERSSTATE234567ABCDEFG"}`)}
			}},
		{Name: "attempt-moved", Provider: "google", Step: 2, Stops: "attempt-opens", How: Leave, Neighbour: true,
			Does:  "A neighbour of the app takes the sealed attempt of one cookie and plants it under the name of another.",
			Gains: "An attempt is finished that this callback does not belong to.",
			attack: func(app string, r *http.Request) lure {
				sealed := "begin-a-sign-in-first"
				for _, c := range r.Cookies() {
					if strings.HasPrefix(c.Name, "oauthbyhand-attempt-") {
						sealed = c.Value
					}
				}
				return lure{"GET", app + "/callback/google~attempt-moved?code=x&state=ATTACKERSSTATE234567ABCDEFG",
					plant("oauthbyhand-attempt-ATTACKER", sealed)}
			}},
		{Name: "session-planted", Provider: "google", Step: 2, Spec: "RFC 9700 §4.7", Neighbour: true,
			Does:  "A neighbour of the app plants a session id that it knows, and then lets you sign in.",
			Gains: "If that id became yours, the attacker would be signed in as you. It does not: the id is a new one after each sign-in (Sessions.Begin, oauth/account/session.go).",
			attack: func(app string, _ *http.Request) lure {
				return lure{"GET", app + "/login/google~session-planted", plant("oauthbyhand-session", "KNOWNTOTHEATTACKER")}
			}},
		{Name: "open-redirect", Provider: "google", Step: 2, Spec: "RFC 9700 §4.11.1",
			Does:  "A link to the app's own sign-in page, with the attacker's site as the page to return to.",
			Gains: "You would be sent from your own sign-in to a copy of the app that asks for more. You stay here: only the app's own paths are returned to (LocalPath, oauth/web/web.go).",
			attack: func(app string, _ *http.Request) lure {
				return lure{Method: "GET", URL: app + "/login/google~open-redirect?next=" + url.QueryEscape("//evil.example/again")}
			}},
		{Name: "foreign-sign-out", Provider: "google", Step: 2, Spec: "OWASP, cross-site request forgery", How: First,
			Does:  "Another site's button presses the app's “Sign out”.",
			Gains: "You would be signed out, and sign in again where the attacker wants you to. The app does not take forms of other sites (http.CrossOriginProtection, main.go).",
			attack: func(app string, _ *http.Request) lure {
				return lure{Method: "POST", URL: app + "/logout?fault=foreign-sign-out"}
			}},
		{Name: "foreign-connect", Provider: "google", Step: 2, Spec: "RFC 6749 §10.12", How: First,
			Does:  "Another site's button begins to connect an account to your user, and the attacker's account is the one at the provider.",
			Gains: "The attacker's account would be connected to your user, and the attacker sign in as you. The app does not take forms of other sites (http.CrossOriginProtection, main.go).",
			attack: func(app string, _ *http.Request) lure {
				return lure{Method: "POST", URL: app + "/connect/google~foreign-connect?fault=foreign-connect"}
			}},
		{Name: "foreign-login", Provider: "google", Step: 2, Spec: "RFC 6749 §10.12", How: First,
			Does:  "Another site's link leads to the app's sign-in, while you are signed in.",
			Gains: "If that connected an account to your user, the attacker could make it be theirs. It is a sign-in of its own, and ends the one before (login, main.go).",
			attack: func(app string, _ *http.Request) lure {
				return lure{Method: "GET", URL: app + "/login/google~foreign-login"}
			}},
	}
}

func plant(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: url.QueryEscape(value), Path: "/", HttpOnly: true}
}

// attackPage is the attacker's page for the fault.
func (s *Server) attackPage(f Fault, w http.ResponseWriter, r *http.Request) {
	if len(s.clients[0].RedirectURIs) == 0 { // the one that every fake knows
		notFound(w, r)
		return
	}
	app, _ := url.Parse(s.clients[0].RedirectURIs[0])
	l := f.attack(app.Scheme+"://"+app.Host, r)
	if l.cookie != nil {
		http.SetCookie(w, l.cookie)
	}
	show(w, http.StatusOK, "attack.html", struct {
		Fault
		lure
		App string
	}{f, l, app.Host})
}
