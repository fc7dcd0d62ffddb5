package demo_test

import (
	"cmp"
	"html"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/providers/fake/faults"
)

var (
	lure          = regexp.MustCompile(`<a class="button" href="([^"]*)">`)
	button        = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	refreshing    = regexp.MustCompile(`action="(/refresh\?[^"]*~[^"]*)"`)
	disconnecting = regexp.MustCompile(`action="(/disconnect\?[^"]*~[^"]*)"`)
	ada           = regexp.MustCompile(`(?i)^ada.lovelace$`) // her name, or the one by which X knows her
)

// verdicts are the headings for a fault that no check stops.
var verdicts = map[string]string{"": "Harmless, as it should be", faults.Refusal: "Stopped by the provider's refusal", faults.Nothing: "NOT STOPPED"}

var (
	headings = regexp.MustCompile(`(?s)<h[12][^>]*>(.*?)</h[12]>`)
	verdict  = regexp.MustCompile(`^(Stopped|Harmless|NOT STOPPED)`)
	mark     = regexp.MustCompile(`tried: [a-z ]+`)
)

// headings are those of the page, without those of sections of it.
func (p page) headings() (all []string) {
	for _, m := range headings.FindAllStringSubmatch(p.body, -1) {
		all = append(all, html.UnescapeString(tag.ReplaceAllString(m[1], "")))
	}
	return all
}

// suffer lets a user go through an attack as the page /break says, up to its end.
func (w *world) suffer(f faults.Fault) page {
	switch f.How {
	case faults.First, faults.Connect:
		w.signIn("github")
	case faults.Again:
		w.signIn(f.Client())
		w.press("/logout")
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
	if f.How == faults.Late {
		time.Sleep(11 * time.Minute)
	}
	user := "ada"
	if strings.HasPrefix(f.Name, "pkce-") {
		user = "mallory" // who has stolen Ada's code
	}
	at = w.allow(at, user)
	switch f.How {
	case faults.Refresh:
		return w.press(html.UnescapeString(refreshing.FindStringSubmatch(at.body)[1]))
	case faults.Disconnect:
		at = w.connect("github")
		return w.press(html.UnescapeString(disconnecting.FindStringSubmatch(at.body)[1]))
	}
	return at
}

// fallFor visits the attacker's page, and presses what there is to press.
func (w *world) fallFor(f faults.Fault) page {
	attacker := w.Origin
	if f.Neighbour() {
		attacker = "http://localhost:9000"
	}
	bait := w.get(attacker + "/~" + f.Name)
	if link := lure.FindStringSubmatch(bait.body); link != nil {
		return w.get(html.UnescapeString(link[1]))
	}
	return w.do("POST", html.UnescapeString(button.FindStringSubmatch(bait.body)[1]), nil, "cross-site")
}

// TestFaults goes through every attack that there is, in the whole demo. What it asserts of
// each stands in the table: which check refuses, or that nobody is harmed.
func TestFaults(t *testing.T) {
	for _, f := range faults.All() {
		t.Run(f.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				p := w.suffer(f)
				want := cmp.Or(verdicts[f.Stops], "Stopped by "+f.Stops)
				if f.Name == "foreign-connect" {
					want = "Stopped: another site sent this form"
				}
				got := slices.DeleteFunc(p.headings(), func(h string) bool { return !verdict.MatchString(h) })
				wantEqual(t, []string{want}, got, f.Does+"\n"+w.log.String())
				if step, _, found := strings.Cut(p.facts()["Step"], ","); found && step != strconv.Itoa(f.Step) {
					t.Errorf("stopped in step %s, want %d", step, f.Step)
				}
				if p.check() != "" && !strings.Contains(p.facts()["In the code"], ".go") {
					t.Errorf("the page does not say where the check is: %q", p.facts()["In the code"])
				}
				if !strings.HasPrefix(p.url, base+"/") || !strings.Contains(html.UnescapeString(p.body), f.Does) || strings.Contains(p.body, "<script>") || strings.Contains(p.body, "the expected one") {
					t.Errorf("the page at %s is another's, or does not say what was tried, or shows a script or no value:\n%s", p.url, p.body)
				}
				profile := w.get(base + "/profile")
				stays := f.Stops == "" || f.How == faults.Refresh || f.Name == "pkce-dropped"
				if f.Name == "attempt-planted" && profile.facts()["Name"] != "Mallory" {
					t.Errorf("signed in as %q, want Mallory", profile.facts()["Name"])
				}
				wantEqual(t, stays, ada.MatchString(profile.facts()["Name"]), "Ada is signed in\n"+w.log.String())
				w.browser = w.newBrowser() // the attacker's, with the cookie that was planted
				w.browser.Jar.SetCookies(w.Site.Base, []*http.Cookie{{Name: "oauthbyhand-session", Value: "KNOWNTOTHEATTACKER", Path: "/"}})
				wantEqual(t, base+"/?next=/profile", w.get(base+"/profile").url, "the attacker is not signed in")
			})
		})
	}
}

// Some attacks begin at the attacker's page. If you sign in without that page, the profile does not
// mention the attack.
func TestSignInAfterAnAttack(t *testing.T) {
	w := newWorld(t)
	if p := w.signIn("google~login-csrf"); p.url != base+"/profile" || strings.Contains(p.body, "attempt-found") {
		t.Errorf("%s:\n%s", p.url, p.body)
	}
}

// The page /break names code that is there, the faults of its labs, what protects a code without PKCE, and how what
// was tried has ended.
func TestBreak(t *testing.T) {
	w := newWorld(t)
	w.signIn("google~alg-none")
	w.signIn("google~aud-list")
	p := w.get(base + "/break")
	lines := regexp.MustCompile(`<code>([a-zA-Z.]+)</code> in <code>([a-z0-9/]+\.go)</code>`).FindAllStringSubmatch(p.body, -1)
	for _, m := range lines {
		if source, err := os.ReadFile("../../../" + m[2]); err != nil || !strings.Contains(string(source), m[1]+"(") {
			t.Errorf("there is no %s in %s", m[1], m[2])
		}
	}
	wantEqual(t, 5, len(lines), "how many lines of code are named")
	for _, says := range []string{`alg-none</a> <span class="mark" role="img" aria-label="tried: stopped">`, `aud-list</a> <span class="mark" role="img" aria-label="tried: signed in">`,
		"Facebook and Instagram run without PKCE", `href="/login/github~pkce-code-stolen"`, `href="http://localhost:9000/~attempt-planted"`} {
		w.wantPage(p, 200, says, "the page /break")
	}
}

// After the first part of an attack in two parts the page claims no result, and says what to do. If you look at
// the profile in between, the attack goes on.
func TestFirstPart(t *testing.T) {
	for name, next := range map[string]string{"nonce-replayed": faults.Again, "keys-rotated": faults.Again, "refresh-bare": faults.Refresh, "revoke-busy": faults.Disconnect} {
		w := newWorld(t)
		if p := w.signIn("google~" + name); p.headings()[0] != "The first part is done" || !strings.Contains(p.body, next) {
			t.Errorf("%s: %q, want the first part, and then %s", name, p.headings(), next)
		}
		p := w.press("/read?provider=google~" + name + "&subject=110248495921238986420")
		wantEqual(t, "Ada Lovelace", p.headings()[0], name+": read again")
	}
}

// A mark on the page /break stands only for what the visitor has seen. There is none if a button does nothing, because
// its visitor has signed out or the account is not connected. A callback that was used before is stopped, also if the
// app then shows the profile, because somebody is signed in.
func TestMarks(t *testing.T) {
	const refresh, disconnect = "/refresh?provider=google~refresh-ended&subject=110248495921238986420", "/disconnect?provider=google~revoke-busy&subject=110248495921238986420"
	// reload signs in, perhaps at another provider as well, and reloads the callback of the first one.
	reload := func(providers ...string) func(*world) page {
		return func(w *world) page {
			callback := ""
			w.browser.CheckRedirect = func(to *http.Request, _ []*http.Request) error {
				if callback == "" && strings.HasPrefix(to.URL.Path, "/callback/") {
					callback = to.URL.String()
				}
				return nil
			}
			for _, provider := range providers {
				w.signIn(provider)
			}
			return w.get(callback)
		}
	}
	for name, row := range map[string]struct {
		try   func(w *world) page
		marks []string
	}{
		"signed out":    {func(w *world) page { w.press(refresh); return w.press(disconnect) }, nil},
		"not connected": {func(w *world) page { w.signIn("github"); return w.press(refresh) }, nil},
		"reloaded":      {reload("google~aud-list"), []string{"tried: signed in"}},
		"reloaded late": {reload("google~alg-none", "github"), []string{"tried: stopped", "tried: stopped"}},
		"used before":   {func(w *world) page { w.signIn("google~callback-replayed"); return w.signIn("google~callback-replayed") }, []string{"tried: stopped", "tried: stopped"}}, // in a lab, and in the list
	} {
		w := newWorld(t)
		if p := row.try(w); slices.Contains(p.headings(), verdicts[faults.Nothing]) {
			t.Errorf("%s: the page at %s says that nothing stopped it", name, p.url)
		}
		wantEqual(t, row.marks, mark.FindAllString(w.get(base+"/break").body, -1), name+": the marks")
	}
}
