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
	Steps  []faultStep
}

// lab is a guided attack: a story, a button, what to look at, and how to see it succeed.
type lab struct {
	Title, Story, Look string
	Change, Line, File string // what to do with which line of the code; empty if nothing is needed
	Then               string // what happens after that
	Attacks            []attack
	faults             []string
}

// faultStep is the faults of one step.
type faultStep struct {
	Number  int
	Attacks []attack
}

// attack is a fault with the URL at which it begins for the visitor.
type attack struct {
	Tried
	URL string
}

// Connects reports whether it begins with a form, which connects an account.
func (a attack) Connects() bool { return a.How == faults.Connect }

const takeOut = "Put // in front of"

// labs are the five attacks to begin with. Their faults are named.
var labs = []lab{
	{Title: "Login CSRF",
		Story:  "An attacker begins to sign in with their own account, stops before the last step, and sends you the link of it. If you follow the link and the app accepts it, you are signed in as the attacker. What you store then, the attacker reads later.",
		Look:   "The state in the link belongs to no cookie in your browser.",
		Then:   "In the second attack the cookie comes with the link. It succeeds as it is, because this demo runs without https.",
		faults: []string{"login-csrf", "attempt-planted"}},
	{Title: "A stolen code",
		Story:  "An attacker has read your code, in a log or on the way, and puts it into a sign-in of their own. The client secret does not help, since the app itself sends the code. With PKCE the provider compares the verifier of the attacker's sign-in with the challenge of yours.",
		Look:   "Look at step 3: who refuses, and what was compared. Facebook and Instagram run without PKCE; there state ties a code to this browser, and the client secret ties it to this app.",
		Change: "Write return nil as the first line of", Line: "verify", File: "providers/fake/token.go",
		Then:   "pkce-code-stolen succeeds, as pkce-dropped does at Facebook.",
		faults: []string{"pkce-code-stolen", "pkce-dropped"}},
	{Title: "An ID token that anybody can write",
		Story:  "The ID token says who you are. If the app lets the token choose how it is verified, an attacker writes “alg: none” and signs nothing. Or the attacker signs with the provider's public key, which everybody has, as if it were a shared secret.",
		Look:   "Look at step 4: the algorithm is checked before the signature.",
		Change: takeOut, Line: "headerAlg.oneOf", File: "oauth/idtoken.go",
		Then:   "key-fits stops both, because no key of the provider is for such an algorithm. Behind it stands id-token-signature.",
		faults: []string{"alg-none", "alg-hs256"}},
	{Title: "Mix-up",
		Story:  "You sign in with a provider that belongs to an attacker. It sends your browser on to an honest provider, whose code comes back to this app. If the app takes it for the attacker's answer, it sends the honest code to the attacker.",
		Look:   "Look at step 2: which provider the sign-in was begun with, and which one answers.",
		Change: takeOut, Line: "callbackIssuer.equal", File: "oauth/callback.go",
		Then:   "callback-iss-wrong succeeds. attempt-client still stops mix-up.",
		faults: []string{"mix-up", "callback-iss-wrong"}},
	{Title: "A replayed callback",
		Story:  "The callback's URL is in the browser's history and perhaps in a log. Somebody who finds it opens it once more. If the app accepts it, they are signed in as you.",
		Look:   "Look at step 2: the attempt was used before.",
		Change: takeOut + " both lines with", Line: "attemptUnused.holds", File: "oauth/attempts.go",
		Then:   "attempt-found stops it, because the cookie of a used attempt is gone. Without that cookie the app has no verifier either.",
		faults: []string{"callback-replayed"}},
}

// breakIt shows the labs and all faults.
func (d *Demo) breakIt(w http.ResponseWriter, r *http.Request, site *templates.Site) {
	port := d.Origin[strings.LastIndexByte(d.Origin, ':')+1:]
	neighbour := "http://" + net.JoinHostPort(d.base.Hostname(), port)
	ended := d.tried(r)
	page := breakPage{Checks: len(oauth.Checks()), Steps: make([]faultStep, 8)}
	byName := make(map[string]attack)
	for _, f := range d.faults {
		a := attack{Tried{Fault: f, Ended: ended[f.Name]}, "/login/" + f.Client()}
		switch {
		case f.How == faults.Connect:
			a.URL = "/connect/" + f.Client()
		case f.Neighbour():
			a.URL = neighbour + "/~" + f.Name
		case f.Attacked():
			a.URL = d.Origin + "/~" + f.Name
		}
		byName[f.Name] = a
		step := &page.Steps[f.Step]
		step.Number, step.Attacks = f.Step, append(step.Attacks, a)
	}
	for _, l := range labs {
		for _, name := range l.faults {
			l.Attacks = append(l.Attacks, byName[name])
		}
		page.Labs = append(page.Labs, l)
	}
	site.Page(w, r, http.StatusOK, "break", page)
}
