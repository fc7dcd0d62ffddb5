package demo_test

import (
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers/fake/faults"
)

var (
	lure          = regexp.MustCompile(`<a class="button" href="([^"]*)">`)
	button        = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	inWords       = regexp.MustCompile(`[Tt]he check <code>([^<]*)</code>`)
	refreshing    = regexp.MustCompile(`action="(/refresh\?[^"]*~[^"]*)"`)
	disconnecting = regexp.MustCompile(`action="(/disconnect\?[^"]*~[^"]*)"`)
	ada           = regexp.MustCompile(`(?i)^ada.lovelace$`) // her name, or the one by which X knows her
)

// suffer lets a user go through an attack as the page /break says, up to where it ends.
func (w *world) suffer(f faults.Fault) page {
	w.Helper()
	if f.How == faults.First || f.How == faults.Connect {
		w.signIn("github")
	}
	at := page{}
	switch {
	case f.How == faults.Connect:
		at = w.press("/connect/" + f.Client())
		w.press("/logout")
	case f.Attacked():
		at = w.fallFor(f)
	default:
		at = w.get(base + "/login/" + f.Client())
	}
	switch f.How {
	case faults.Again:
		if p := w.allow(at, "ada"); p.facts()["Name"] != "Ada Lovelace" {
			w.Fatalf("the first sign-in ended at %s:\n%s", p.url, p.body)
		}
		w.press("/logout")
		at = w.get(base + "/login/" + f.Client())
	case faults.Late:
		time.Sleep(11 * time.Minute)
	}
	if strings.HasPrefix(at.url, "http://127.0.0.1:9000/") {
		at = w.allow(at, "ada")
	}
	switch f.How {
	case faults.Refresh:
		return w.press(html.UnescapeString(refreshing.FindStringSubmatch(at.body)[1]))
	case faults.Disconnect:
		at = w.connect("github", "ada")
		return w.press(html.UnescapeString(disconnecting.FindStringSubmatch(at.body)[1]))
	}
	return at
}

// fallFor visits the attacker's page, and presses what there is to press.
func (w *world) fallFor(f faults.Fault) page {
	attacker := "http://127.0.0.1:9000"
	if f.Neighbour() {
		attacker = "http://localhost:9000"
	}
	if f.How == faults.Leave {
		w.get(base + "/login/google")
	}
	bait := w.get(attacker + "/~" + f.Name)
	if link := lure.FindStringSubmatch(bait.body); link != nil {
		return w.get(html.UnescapeString(link[1]))
	}
	return w.do("POST", html.UnescapeString(button.FindStringSubmatch(bait.body)[1]), nil, "cross-site")
}

// stoppedBy is what a page says that a sign-in was stopped by: a check, or a "no".
func (p page) stoppedBy() string {
	check := inWords.FindStringSubmatch(p.body)
	_, refused := p.facts()["Error"]
	switch {
	case p.check() != "":
		return p.check()
	case check != nil:
		return check[1]
	case refused || strings.Contains(p.body, "<h2>Please sign in with"):
		return faults.Refusal
	}
	return ""
}

// TestFaults goes through every attack that there is, in the whole demo. What it asserts of
// each stands in the table: which check refuses, or that nobody is harmed.
func TestFaults(t *testing.T) {
	for _, f := range faults.All() {
		t.Run(f.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.net["localhost:9000"] = w.net["127.0.0.1:9000"] // one server under two names
				p := w.suffer(f)
				if p.stoppedBy() != f.Stops {
					t.Errorf("%s\nstopped by %q, want %q\n%s", f.Does, p.stoppedBy(), f.Stops, w.log)
				}
				if step, _, found := strings.Cut(p.facts()["Step"], ","); found && step != strconv.Itoa(f.Step) {
					t.Errorf("stopped in step %s, want %d", step, f.Step)
				}
				if p.check() != "" && !strings.Contains(p.facts()["In the code"], ".go") {
					t.Errorf("the page does not say where the check is: %q", p.facts()["In the code"])
				}
				if !strings.Contains(html.UnescapeString(p.body), f.Does) {
					t.Errorf("the page does not say what was tried:\n%s", p.body)
				}
				if strings.Contains(p.body, "<script>") || strings.Contains(p.body, "NOT STOPPED") {
					t.Errorf("the page:\n%s", p.body)
				}
				profile := w.get(base + "/profile")
				stays := f.Stops == "" || f.How == faults.Refresh
				if in := ada.MatchString(profile.facts()["Name"]); in != stays {
					t.Errorf("%s\nsigned in: %t\n%s", f.Does, in, w.log)
				}
				if !strings.HasPrefix(p.url, "http://localhost:8080/") {
					t.Errorf("it ended at %s", p.url)
				}
				w.browser = w.newBrowser() // the attacker's, with the cookie that was planted
				w.browser.Jar.SetCookies(w.Site.Base, []*http.Cookie{{Name: "oauthbyhand-session", Value: "KNOWNTOTHEATTACKER", Path: "/"}})
				if p := w.get(base + "/profile"); p.url != base+"/?next=/profile" {
					t.Errorf("the attacker is signed in")
				}
			})
		})
	}
}

// An attack that begins at a page of the attacker's is not this sign-in: its page says
// nothing of it.
func TestSignInAfterAnAttack(t *testing.T) {
	w := newWorld(t)
	if p := w.signIn("google~login-csrf"); p.url != base+"/profile" || strings.Contains(p.body, "attempt-found") {
		t.Errorf("%s:\n%s", p.url, p.body)
	}
}

// ownDoor are the checks that nobody outside can make fail, with the reason.
var ownDoor = map[string]string{
	"refresh-token": "no page has a button for a refresh where there is nothing to refresh with",
	"refresh-aud":   "claim-aud-only refuses first, as long as this app's client id stays the same",
}

// place is how a row names what an attack fails at where that is no check.
var place = regexp.MustCompile(`\((\S+), (\S+\.go)\)`)

// TestEachCheckIsCaught holds the table of faults and the table of checks together.
func TestEachCheckIsCaught(t *testing.T) {
	stops := map[string][]string{}
	names := map[string]bool{}
	for _, f := range faults.All() {
		if names[f.Name] {
			t.Errorf("two faults are called %s", f.Name)
		}
		names[f.Name] = true
		if f.Does == "" || f.Gains == "" || f.Stops == "" && f.Spec == "" {
			t.Errorf("%s does not say what it does, what that gains, or where to read on", f.Name)
		}
		stops[f.Stops] = append(stops[f.Stops], f.Name)
		for _, m := range place.FindAllStringSubmatch(f.Gains, -1) {
			name := m[1][strings.LastIndexByte(m[1], '.')+1:]
			if source, err := os.ReadFile(filepath.Join("../../..", m[2])); err != nil || !strings.Contains(string(source), name+"(") {
				t.Errorf("%s: there is no %s in %s", f.Name, m[1], m[2])
			}
		}
	}
	for _, c := range oauth.Checks() {
		if (len(stops[c.Name]) == 0) != (ownDoor[c.Name] != "") {
			t.Errorf("%s stops %v", c.Name, stops[c.Name])
		}
		delete(stops, c.Name)
	}
	delete(stops, faults.Refusal)
	delete(stops, "")
	for check, faults := range stops {
		t.Errorf("there is no check %s, which is to stop %s", check, strings.Join(faults, " and "))
	}
}
