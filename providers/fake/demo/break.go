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

// lab is a guided attack.
type lab struct {
	Title, Story, Look string
	Attacks            []attack
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

// labs are the five attacks to begin with. Their faults are named.
var labs = []struct {
	title, story, look string
	faults             []string
}{
	{"Login CSRF",
		"An attacker begins to sign in with their own account, stops before the last step, and sends you the link of it. If you follow the link and the app accepts it, you are signed in as the attacker. What you store then, the attacker reads later.",
		"The state in the link belongs to no cookie in your browser.",
		[]string{"login-csrf"}},
	{"A stolen code",
		"An attacker has read your code, in a log or on the way, and puts it into a sign-in of their own. The client secret does not help, since the app itself sends the code. With PKCE the provider compares the verifier of the attacker's sign-in with the challenge of yours.",
		"Look at step 3: who refuses, and what was compared.",
		[]string{"pkce-code-stolen", "pkce-dropped"}},
	{"An ID token that anybody can write",
		"The ID token says who you are. If the app lets the token choose how it is verified, an attacker writes “alg: none” and signs nothing. Or the attacker signs with the provider's public key, which everybody has, as if it were a shared secret.",
		"Look at step 4: the algorithm is checked before the signature.",
		[]string{"alg-none", "alg-hs256"}},
	{"Mix-up",
		"You sign in with a provider that belongs to an attacker. It sends your browser on to an honest provider, whose code comes back to this app. If the app takes it for the attacker's answer, it sends the honest code to the attacker.",
		"Look at step 2: which provider the sign-in was begun with, and which one answers.",
		[]string{"mix-up", "callback-iss-wrong"}},
	{"A replayed callback",
		"The callback's URL is in the browser's history and perhaps in a log. Somebody who finds it opens it once more.",
		"Look at step 2: the attempt was used before.",
		[]string{"callback-replayed"}},
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
		shown := lab{Title: l.title, Story: l.story, Look: l.look}
		for _, name := range l.faults {
			if a, ok := byName[name]; ok {
				shown.Attacks = append(shown.Attacks, a)
			}
		}
		page.Labs = append(page.Labs, shown)
	}
	site.Page(w, r, http.StatusOK, "break", page)
}
