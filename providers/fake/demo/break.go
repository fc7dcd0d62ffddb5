package demo

import (
	"net"
	"net/http"
	"strings"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers/fake/faults"
	"example.com/oauthbyhand/templates"
)

// breakPage is the Data of the page "break": the labs, and all faults by step.
type breakPage struct {
	Checks int
	Labs   []lab
	Steps  [8][]attack // all faults, by step
}

// lab is a guided attack: a story, a button, what to look at, and how to see it succeed.
type lab struct {
	Title, Story, Look string
	Change, Line, File string // what to do with which line of the code; empty if nothing is needed
	Then               string // what happens after that
	Attacks            []attack
	faults             []string
}

// attack is a fault with the URL at which it begins for the visitor.
type attack struct {
	Tried
	URL string
}

// Connects reports whether it begins with a form, which connects an account.
func (a attack) Connects() bool { return a.How == faults.Connect }

const takeOut = "Put .skipIf(true) behind"

// labs are the five labs to begin with. breakIt finds their attacks by the names in faults.
var labs = []lab{
	{Title: "Login CSRF",
		Story:  "An attacker begins to sign in with their own account, stops before the callback, and sends you the callback's link. If you follow the link and the app accepts it, you are signed in as the attacker. The attacker later reads what you stored.",
		Look:   "Look at step 2: your browser has no cookie for the state in the link.",
		Then:   "In attempt-planted the attacker also plants a cookie that belongs to the link. This attack succeeds, because this demo runs over http. With https, only a program that serves https on another port of the app's host could do it.",
		faults: []string{"login-csrf", "attempt-planted"}},
	{Title: "A stolen code",
		Story:  "An attacker has read your code, in a log or on the way, and puts it into a sign-in of their own. The client secret does not help, because the app itself redeems the code. With PKCE the provider notices: the code belongs to your code_challenge, and the app sends the code_verifier of the attacker's sign-in.",
		Look:   "Look at step 3: the provider refuses, not the app. Facebook and Instagram run without PKCE. With them the state ties the callback to your browser, the client secret ties the code to this app, and nothing ties the code to one sign-in.",
		Change: "Write return nil as the first line of", Line: "verify", File: "providers/fake/token.go",
		Then:   "pkce-code-stolen succeeds. At Facebook, pkce-dropped succeeds without any change.",
		faults: []string{"pkce-code-stolen", "pkce-dropped"}},
	{Title: "An ID token that anybody can write",
		Story:  "The ID token says who you are. If the app lets the token choose how it is verified, an attacker writes “alg: none” and signs nothing. Or the attacker signs with the provider's public key, which everybody has, as if it were a shared secret.",
		Look:   "Look at step 4: the algorithm is checked before the signature.",
		Change: takeOut + " the call of", Line: "headerAlg.oneOf", File: "oauth/idtoken.go",
		Then:   "key-fits stops both, because no key of the provider is for such an algorithm. If you take out key-fits as well, id-token-signature stops them.",
		faults: []string{"alg-none", "alg-hs256"}},
	{Title: "Mix-up",
		Story:  "You sign in with a provider that belongs to an attacker. It sends your browser on to an honest provider, whose code comes back to this app. If the app thinks that the attacker's provider has answered, it sends the honest provider's code to the attacker.",
		Look:   "Look at step 2: the sign-in began with one provider, and another one answers.",
		Change: takeOut + " the call of", Line: "callbackIssuer.equal", File: "oauth/callback.go",
		Then:   "callback-iss-wrong succeeds. attempt-client still stops mix-up.",
		faults: []string{"mix-up", "callback-iss-wrong"}},
	{Title: "A replayed callback",
		Story:  "The callback's URL is in the browser's history and perhaps in a log. Somebody who finds it opens it once more. If the app accepts it, they are signed in as you.",
		Look:   "Look at step 2: this attempt has already been used.",
		Change: takeOut + " both calls of", Line: "attemptUnused.holds", File: "oauth/attempts.go",
		Then:   "attempt-found stops it, because the cookie of a used attempt is gone. Without that cookie the app has no verifier either.",
		faults: []string{"callback-replayed"}},
}

// breakIt shows the labs and all faults.
func (d *Demo) breakIt(w http.ResponseWriter, r *http.Request, site *templates.Site) {
	port := d.Origin[strings.LastIndexByte(d.Origin, ':')+1:]
	neighbour := "http://" + net.JoinHostPort(d.base.Hostname(), port)
	ended := d.tried(r)
	page := breakPage{Checks: len(oauth.Checks())}
	byName := make(map[string]attack)
	for _, f := range d.faults {
		a := attack{Tried{Fault: f, Ended: ended.Get(f.Name)}, "/login/" + f.Client()}
		switch {
		case f.How == faults.Connect:
			a.URL = "/connect/" + f.Client()
		case f.Neighbour():
			a.URL = neighbour + "/~" + f.Name
		case f.Attacked():
			a.URL = d.Origin + "/~" + f.Name
		}
		byName[f.Name] = a
		page.Steps[f.Step] = append(page.Steps[f.Step], a)
	}
	for _, l := range labs {
		for _, name := range l.faults {
			l.Attacks = append(l.Attacks, byName[name])
		}
		page.Labs = append(page.Labs, l)
	}
	site.Page(w, r, http.StatusOK, "break", page)
}
