package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// emails is what the profile page says of Ada's address at each provider.
var emails = map[string]string{
	"Google":         "ada@example.com verified by Google",
	"GitHub":         "ada@example.com verified by GitHub",
	"Facebook":       "ada@example.com Facebook does not say that it is verified",
	"Instagram":      "not given",
	"Spotify":        "ada@example.com Spotify does not say that it is verified",
	"OpenID Example": "ada@example.com verified by OpenID Example",
	"X (OAuth 2.0)":  "ada@example.com verified by X (OAuth 2.0)",
	"X (OAuth 1.0a)": "ada@example.com verified by X (OAuth 1.0a)",
}

var providers = []string{"Google", "GitHub", "Facebook", "Instagram", "Spotify", "X (OAuth 2.0)", "OpenID Example", "X (OAuth 1.0a)"}

func startAt(t *testing.T, addr string) demo { t.Helper(); return startDemo(t, "-addr", addr) }

// Ada signs in with each provider, and out again.
func TestSignIn(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.open("/")
	links, err := ada.b.Find("css selector", ".offers a.button")
	ada.must(err)
	if len(links) != len(providers) {
		t.Errorf("the home page offers %d providers, want %d: is one missing here?", len(links), len(providers))
	}
	for _, provider := range providers {
		t.Run(provider, func(t *testing.T) {
			ada := ada.in(t)
			ada.open("/")
			ada.lands("/")
			ada.press("Sign in with " + provider)
			ada.consents(provider)
			ada.picture("consent")
			ada.press("Allow")
			ada.lands("/profile")
			ada.sees("Ada Lovelace", emails[provider], "What the provider said")
			ada.picture("profile")
			ada.open("/")
			ada.lands("/")
			ada.sees("Hello, Ada Lovelace")
			ada.press("Sign out")
			ada.lands("/")
			ada.sees("Sign in with …")
			ada.seesNot("Ada Lovelace")
		})
	}
}

// Ada says no to each, and then changes her mind.
func TestRefuse(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	for _, provider := range providers {
		t.Run(provider, func(t *testing.T) {
			ada := ada.in(t)
			ada.open("/")
			ada.press("Sign in with " + provider)
			ada.consents(provider)
			ada.press("Refuse")
			ada.sees("You declined, and that is fine", "you are not signed in", "In "+provider+"'s words")
			url, err := ada.b.URL()
			ada.must(err)
			ada.lands(url)
			ada.picture("refused")
			ada.open("/profile")
			ada.lands("/?next=/profile")
			ada.back()
			ada.sees("You declined, and that is fine")
			ada.press("Try " + provider + " again")
			ada.consents(provider)
			ada.press("Allow")
			ada.lands("/profile")
			ada.press("Sign out")
			ada.lands("/")
		})
	}
}

// Who was sent to sign in comes to the page that they wanted.
func TestNext(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.open("/profile")
	ada.lands("/?next=/profile")
	ada.sees("Please sign in")
	ada.press("Sign in with GitHub")
	ada.consents("GitHub")
	ada.press("Allow")
	ada.lands("/profile")
}

// Two sign-ins at the same time, in two tabs of one browser, finished in the other order.
func TestTwoTabs(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.open("/")
	ada.press("Sign in with Google")
	ada.consents("Google")
	first, second := ada.newTab()
	ada.open("/")
	ada.press("Sign in with GitHub")
	ada.consents("GitHub")
	ada.press("Allow")
	ada.lands("/profile")
	ada.sees("verified by GitHub")

	ada.must(ada.b.SwitchTo(first))
	ada.press("Allow")
	ada.lands("/profile")
	ada.sees("verified by Google")

	ada.must(ada.b.SwitchTo(second)) // the session is the browser's: this tab has the later one
	ada.reload()
	ada.lands("/profile")
	ada.sees("verified by Google")
	ada.seesNot("verified by GitHub")
}

// Back to the provider's page, and Allow again: the page says what happened, to a person who
// is signed in and to one who is not.
func TestBackAndAllowAgain(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.signIn("Google")
	ada.back()
	ada.consents("Google")
	ada.press("Allow")
	ada.lands("/profile")
	ada.sees("Ada Lovelace", "It was not used again")

	ada.back()
	ada.consents("Google")
	tab, _ := ada.newTab()
	ada.open("/")
	ada.press("Sign out")
	ada.lands("/")
	ada.must(ada.b.SwitchTo(tab))
	ada.press("Allow")
	ada.landsWith(400, "/callback/google")
	ada.sees("This sign-in has already ended", "attempt-unused")
	ada.picture("used")
	ada.press("Sign in with Google again")
	ada.consents("Google")
	ada.press("Allow")
	ada.lands("/profile")

	// With OAuth 1.0a it is the provider that notices: its page is for one answer.
	ada.signIn("X (OAuth 1.0a)")
	ada.back()
	ada.consents("X (OAuth 1.0a)")
	url, err := ada.b.URL()
	ada.must(err)
	ada.press("Allow")
	ada.landsWith(400, url)
	ada.sees("Go back to the app, and begin again.")
	ada.open("/profile")
	ada.lands("/profile")
	ada.sees("verified by X (OAuth 1.0a)")
}

func TestReload(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.open("/")
	ada.press("Sign in with Google")
	ada.consents("Google")
	ada.reload() // asks again, without harm
	ada.consents("Google")
	ada.press("Refuse")
	ada.lands("/callback/google")
	ada.reload()
	ada.landsWith(400, "/callback/google")
	ada.sees("This sign-in has already ended", "If you reload the page")
	ada.reload()
	ada.landsWith(400, "/callback/google")

	ada.signIn("Google")
	for range 3 {
		ada.reload()
		ada.lands("/profile")
		ada.sees("Ada Lovelace")
	}
	// A callback that comes without its attempt, from a history or a log …
	ada.open("/callback/google?code=x&state=y")
	ada.landsWith(400, "/callback/google")
	ada.open("/profile") // … is signed in still
	ada.lands("/profile")
}

// Who sits down at the browser after Ada has signed out can do nothing as her.
func TestSignOutAndBack(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.signIn("Google")
	ada.press("See what just happened")
	ada.lands("/trace")
	ada.press("Profile") // by a link of the app's own
	ada.lands("/profile")
	ada.press("Sign out")
	ada.lands("/")
	ada.back()
	ada.lands("/?next=/profile")
	ada.sees("Please sign in")
	ada.seesNot("Ada", "ada@example.com")
	ada.open("/trace")
	ada.lands("/trace")
	ada.sees("Nothing to see yet")

	// Chromium may bring back a page from memory, in spite of no-store, if the provider's
	// redirects led to it and it does not notice that a cookie has changed.
	ada.signIn("Google")
	ada.press("Sign out")
	ada.lands("/")
	ada.back()
	if strings.Contains(ada.text(), "Ada Lovelace") {
		t.Log("Chromium has shown the profile from memory after signing out")
		ada.press("Refresh now: Google") // but it is only a picture of the page
	}
	ada.lands("/?next=/profile")
	ada.seesNot("Ada Lovelace")
}

// A session ended everywhere is also ended in the other browser.
func TestSignOutEverywhere(t *testing.T) {
	d := startAt(t, "localhost:0")
	atWork, atHome := visit(t, d), visit(t, d)
	atWork.signIn("Google")
	atHome.signIn("Google")
	atHome.press("Sign out everywhere")
	atHome.lands("/")
	atWork.reload()
	atWork.lands("/?next=/profile")
}

func TestConnectAndDisconnect(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.signIn("Google")
	ada.sees("Disconnect and delete your user")
	for i, provider := range []string{"GitHub", "X (OAuth 1.0a)"} {
		ada.press(provider)
		ada.consents(provider)
		ada.press("Allow")
		ada.lands("/profile")
		ada.hasAccounts(i + 2)
	}
	ada.picture("connected")
	ada.press("Show: GitHub")
	ada.lands("/profile")
	ada.sees("verified by GitHub")

	ada.press("Facebook") // begun, and refused
	ada.consents("Facebook")
	ada.press("Refuse")
	ada.lands("/callback/facebook")
	ada.sees("nothing has changed here")
	ada.press("Back to your profile")
	ada.lands("/profile")

	ada.press("Disconnect: GitHub")
	ada.lands("/profile")
	ada.hasAccounts(2)
	ada.press("Disconnect: X (OAuth 1.0a)") // which has no way to take a token back by OAuth 1.0a
	ada.sees("X (OAuth 1.0a)")
	ada.open("/profile")
	ada.lands("/profile")
	ada.hasAccounts(1)
	ada.press("Disconnect and delete your user: Google")
	ada.lands("/")
	ada.seesNot("Ada")
	ada.signIn("GitHub") // as a new user
	ada.press("Google")
	ada.consents("Google")
	ada.press("Allow")
	ada.lands("/profile")
	ada.hasAccounts(2)
	ada.press("Disconnect: GitHub") // with which this session began
	ada.lands("/")
	ada.seesNot("Ada")
}

// hasAccounts holds that the profile page lists so many.
func (p *person) hasAccounts(want int) {
	p.t.Helper()
	all, err := p.b.Find("css selector", ".accounts > li")
	p.must(err)
	if len(all) != want {
		p.t.Errorf("%d accounts on the page, want %d", len(all), want)
	}
}

// What is somebody else's is not connected.
func TestConnectTaken(t *testing.T) {
	d := startAt(t, "localhost:0")
	ada, mallory := visit(t, d), visit(t, d)
	ada.signIn("GitHub")
	mallory.open("/login/google")
	mallory.consents("Google")
	mallory.choose("mallory")
	mallory.press("Allow")
	mallory.lands("/profile")
	mallory.sees("Mallory", "ada@example.com Google does not say that it is verified")
	mallory.press("GitHub")
	mallory.consents("GitHub")
	mallory.press("Allow") // as Ada, whose password he has guessed
	mallory.landsWith(409, "/callback/github")
	mallory.sees("this GitHub account belongs to another user")
	mallory.picture("taken")
}

// Tokens are expired and refreshed, and the person notices nothing but the trace.
func TestRefresh(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.signIn("Google")
	ada.press("Expire the token now: Google")
	ada.lands("/profile")
	ada.sees("Ada Lovelace", "Expired: ")
	ada.press("Read again: Google")
	ada.lands("/profile")
	ada.sees("Ada Lovelace", "in 60 minutes", "Read again: this is what Google says now")
	ada.press("Refresh now: Google")
	ada.lands("/profile")
	ada.sees("Ada Lovelace", "Refreshed: ")
	ada.press("See what happened")
	ada.lands("/trace")
	ada.sees("refresh")
	ada.picture("refresh")
}

func TestTrace(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.open("/trace")
	ada.lands("/trace")
	ada.sees("Nothing to see yet")
	for _, provider := range []string{"Google", "GitHub", "X (OAuth 1.0a)"} {
		ada.signIn(provider)
		ada.press("See what just happened")
		ada.lands("/trace")
		ada.sees("What just happened: " + provider)
		ada.picture(provider)
		var steps string
		ada.must(ada.b.Read(`return [...document.querySelectorAll(".step .number")].map(n => n.textContent).join(" ")`, &steps))
		if want := "0 1 2 3 4 5"; steps != want {
			t.Errorf("%s: steps %s, want %s", provider, steps, want)
		}
		failed, err := ada.b.Find("css selector", "li.failed, .ending.failed")
		ada.must(err)
		if held, err := ada.b.Find("css selector", "li.held"); err != nil || len(held) < 10 || len(failed) > 0 {
			t.Errorf("%s: %d checks held and %d failed (%v)", provider, len(held), len(failed), err)
		}
		// Each link of the diagram leads to its details, and unfolds them.
		links, err := ada.b.Find("css selector", ".diagram a")
		ada.must(err)
		if len(links) < 16 {
			t.Errorf("%s: %d links in the diagram, want one a step and one a message", provider, len(links))
		}
		for _, link := range links {
			ada.must(link.Click())
			var seen bool
			ada.must(ada.b.Read(`const r = document.querySelector(":target").getBoundingClientRect(); return r.height > 0 && r.top >= 0 && r.top < innerHeight`, &seen))
			if !seen {
				url, _ := ada.b.URL()
				t.Errorf("%s: after a click one does not see the details at %s", provider, url)
			}
		}
		// What is folded opens.
		ada.open("/trace")
		folded, err := ada.b.Find("css selector", "summary")
		ada.must(err)
		ada.must(folded[0].Click())
		if open, err := ada.b.Find("css selector", "details[open]"); err != nil || len(open) != 1 {
			t.Errorf("%s: %d details are open, want 1 (%v)", provider, len(open), err)
		}
	}
}

// A sign-in fits on one screen, and what is not folded is read in some minutes.
func TestAtAGlance(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.must(ada.b.Resize(1280, 900))
	ada.signIn("Google")
	for path, most := range map[string]int{"/trace": 600, "/break": 1200} {
		ada.open(path)
		ada.lands(path)
		if words := len(strings.Fields(ada.text())); words < 100 || words > most {
			t.Errorf("%s shows %d words, want at most %d", path, words, most)
		}
	}
	ada.open("/trace")
	var height float64
	ada.must(ada.b.Read(`return document.querySelector(".diagram").getBoundingClientRect().height`, &height))
	if height < 300 || height > 800 {
		t.Errorf("the diagram is %.0f pixels high, want at most 800", height)
	}
}

// Attacks from the page /break, played in a browser that really has cookies and tabs.
func TestBreak(t *testing.T) {
	mallory := visit(t, startAt(t, "localhost:0"))
	allow := func(p *person) { p.press("Allow") }
	prize := func(p *person) { p.sees("You have won a prize!"); p.press("Take the prize") }
	for _, row := range []struct {
		fault  string
		before func(*person)
		do     func(*person)
		status int
		path   string
		says   []string
	}{
		{"nonce-wrong", nil, allow, 502, "/callback/google~nonce-wrong", []string{"Stopped by claim-nonce", "What was tried"}},
		{"alg-none", nil, allow, 502, "/callback/google~alg-none", []string{"header-alg"}},
		{"o1-token-swapped", nil, allow, 400, "/callback/x~o1-token-swapped", []string{"attempt-found"}},
		{"mix-up", nil, allow, 400, "/callback/google", []string{"attempt-client"}},
		{"login-csrf", nil, prize, 400, "/callback/google~login-csrf", []string{"attempt-found"}},
		{"attempt-forged", nil, prize, 400, "/callback/google~attempt-forged", []string{"attempt-opens"}},
		{"attempt-planted", nil, prize, 200, "/profile", []string{"NOT STOPPED", "Mallory"}},
		{"session-planted", nil, func(p *person) { prize(p); allow(p) }, 200, "/profile", []string{"Ada Lovelace"}},
		{"open-redirect", nil, func(p *person) { prize(p); allow(p) }, 200, "/profile", []string{"Ada Lovelace"}},
		{"foreign-connect", signedIn, prize, 403, "/connect/google~foreign-connect", []string{"So the app has done nothing"}},
		{"foreign-login", signedIn, func(p *person) { prize(p); allow(p) }, 200, "/profile", []string{"Ada Lovelace"}},
		{"error-script", nil, allow, 502, "/callback/google~error-script", []string{"<script>alert(document.cookie)</script>"}},
		{"callback-replayed", func(p *person) {
			p.open("/break")
			p.press("callback-replayed")
			p.press("Allow")
			p.lands("/profile")
			p.press("Sign out")
			p.lands("/")
		}, allow, 400, "/callback/google~callback-replayed", []string{"attempt-unused"}},
		{"connect-swapped", signedIn, func(p *person) {
			p.consents("Google")
			tab, _ := p.newTab()
			p.open("/")
			p.press("Sign out")
			p.lands("/")
			p.must(p.b.SwitchTo(tab))
			p.press("Allow")
		}, 400, "/callback/google~connect-swapped", []string{"attempt-user"}},
		{"kid-missing", nil, allow, 200, "/profile", []string{"Harmless, as it should be", "Ada Lovelace"}},
		{"refresh-ended", nil, func(p *person) { allow(p); p.lands("/profile"); p.press("Refresh now: Google") }, 200, "/refresh", []string{"Please sign in with Google again"}},
	} {
		t.Run(row.fault, func(t *testing.T) {
			p := mallory.in(t)
			p.signOut()
			if row.before != nil {
				row.before(p)
			}
			p.open("/break")
			p.lands("/break")
			p.must(p.b.Read(`for (const d of document.querySelectorAll("details")) d.open = true; return true`, new(bool)))
			p.press(row.fault)
			row.do(p)
			p.landsWith(row.status, row.path)
			p.sees(row.says...)
			p.picture(row.fault)
			if row.status == 403 {
				p.press("Go to this app")
				p.lands("/")
				p.sees("Hello, Ada Lovelace") // still
			}
		})
	}
}

// signOut signs out, if anybody is signed in.
func (p *person) signOut() {
	p.t.Helper()
	p.open("/")
	if strings.Contains(p.text(), "Sign out") {
		p.press("Sign out")
		p.lands("/")
	}
}

// signedIn is a fault's beginning.
func signedIn(p *person) { p.signIn("GitHub") }

// Ada types 127.0.0.1, and is led to localhost, which will have her cookies.
func TestOtherName(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	other := strings.Replace(ada.home, "localhost", "127.0.0.1", 1)
	ada.open(other + "/")
	ada.lands("/")
	ada.open(other + "/login/google")
	ada.consents("Google")
	ada.press("Allow")
	ada.lands("/profile")
	ada.open(other + "/profile")
	ada.lands("/profile")
	ada.sees("Ada Lovelace")

	ada.open(other + "/callback/google?code=x&state=y")
	ada.landsWith(421, other+"/callback/google")
	ada.sees("This app has another address")
	ada.picture("421")
	ada.press("Go to " + ada.home)
	ada.lands("/")
	ada.sees("Hello, Ada Lovelace")
}

// The other way round: the app at 127.0.0.1, and the provider at localhost.
func TestAppAt127(t *testing.T) {
	needsBrowser(t)
	ada := visit(t, startDemo(t, "-addr", "127.0.0.1:0", "-fake-addr", "localhost:0"))
	ada.signIn("Google")
	ada.signIn("X (OAuth 1.0a)")
	ada.open(strings.Replace(ada.home, "127.0.0.1", "localhost", 1) + "/profile")
	ada.lands("/profile")
}

// On a telephone no page must be moved sideways.
func TestNarrow(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.must(ada.b.Resize(390, 844))
	look := func(name string) {
		t.Helper()
		for folded := range 2 {
			var page struct {
				Window, Width int
				Wide          []string
			}
			ada.must(ada.b.Read(`return {
				window: innerWidth,
				width: document.documentElement.scrollWidth,
				wide: [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
					.map(e => e.tagName + "." + e.className + " " + e.textContent.trim().slice(0, 40)),
			}`, &page))
			if page.Window != 390 {
				t.Fatalf("the window is %d wide, want 390", page.Window)
			}
			if page.Width > 390 {
				t.Errorf("%s is %d pixels wide (opened: %d); too wide are %q", name, page.Width, folded, page.Wide[:min(8, len(page.Wide))])
			}
			ada.picture(fmt.Sprintf("%s-%d", name, folded))
			if folded == 0 { // … nor when what is folded is opened
				all, err := ada.b.Find("css selector", "summary")
				ada.must(err)
				for _, summary := range all[:min(12, len(all))] {
					ada.must(summary.Click())
				}
			}
		}
	}
	ada.open("/")
	ada.lands("/")
	look("home")
	ada.press("Sign in with Google")
	ada.consents("Google")
	look("consent")
	ada.press("Allow")
	ada.lands("/profile")
	look("profile")
	ada.press("See what just happened")
	ada.lands("/trace")
	look("trace")
	ada.open("/break")
	ada.lands("/break")
	look("break")
	ada.press("nonce-wrong")
	ada.press("Allow")
	ada.landsWith(502, "/callback/google~nonce-wrong")
	look("error")
	ada.press("Sign out")
	ada.open("/login/x")
	ada.consents("X (OAuth 1.0a)")
	look("consent-x")
	ada.press("Refuse")
	ada.lands("/callback/x")
	look("refused")
	ada.open(ada.fake + "/")
	ada.lands(ada.fake + "/")
	look("fake")
	ada.open("/nowhere")
	ada.landsWith(404, "/nowhere")
	look("notfound")
}

// Without a mouse, and it is seen at each stop of the keyboard.
func TestKeyboard(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	ada.open("/")
	if first := ada.tab(); first != "Skip to the content" {
		t.Errorf("the first stop is %q", first)
	}
	ada.picture("skip")
	ada.key(Enter)
	if next := ada.tab(); next != "Sign in with Google" {
		t.Errorf("after skipping to the content, the first stop is %q", next)
	}
	ada.picture("focus")
	ada.tabTo("Sign in with OpenID Example")
	ada.key(Enter)
	ada.consents("OpenID Example")
	ada.tabTo("Ada Lovelace")
	ada.key(Down)
	ada.key(Down) // to Ünal, who has no e-mail address
	ada.tabTo("see your name")
	ada.key(Space) // not his name
	ada.picture("unticked")
	ada.tabTo("Allow")
	ada.key(Enter)
	ada.lands("/profile")
	ada.sees("E-mail\nnot given", "Subject\nunal-2003")
	ada.seesNot("Ünal")
	ada.tabTo("See what just happened")
	ada.key(Enter)
	ada.lands("/trace")
	ada.tabTo("Sign out")
	ada.key(Enter)
	ada.lands("/")
}

func (p *person) key(key string) { p.t.Helper(); p.must(p.b.Press(key)) }

// tab goes on to the next stop, and returns its name.
func (p *person) tab() string {
	p.t.Helper()
	p.key(Tab)
	e, err := p.b.Focused()
	p.must(err)
	label, err := e.Label()
	p.must(err)
	var seen bool
	p.must(p.b.Read(`let e = document.activeElement, r = e.getBoundingClientRect();
		if (r.right <= 0 || r.bottom <= 0 || r.left >= innerWidth || r.top >= innerHeight) return false;
		for (; e; e = e.parentElement) if (getComputedStyle(e).outlineStyle != "none") return true;
		return false`, &seen))
	if !seen {
		p.t.Errorf("at %q one does not see where the keyboard is", label)
	}
	return label
}

func (p *person) tabTo(label string) {
	p.t.Helper()
	var stops []string
	for range 60 {
		stop := p.tab()
		if strings.HasPrefix(stop, label) {
			return
		}
		stops = append(stops, stop)
	}
	p.t.Fatalf("the keyboard does not come to %q, only to %q", label, stops)
}

// The other tests hold that nothing is on the console, and that JavaScript is not needed. Here
// it is seen that they would notice.
func TestConsole(t *testing.T) {
	ada := visit(t, startAt(t, "localhost:0"))
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "img-src 'self'; style-src 'self'")
		fmt.Fprint(w, `<!doctype html><title>Bad</title><link rel=icon href=data:,><script>document.title = "Worse"</script><p style="color:red">Bad<img src=/lost.png><img src=http://elsewhere.example/>`)
	}))
	defer page.Close()
	ada.open(page.URL)
	var messages []Message
	ada.until(func() error {
		more, err := ada.b.Console()
		if messages = append(messages, more...); err == nil && len(messages) < 4 {
			err = fmt.Errorf("only %v on the console", messages)
		}
		return err
	})
	var title string
	if ada.must(ada.b.Read(`return document.title`, &title)); title != "Bad" {
		t.Errorf("a page's script has run: JavaScript is not off")
	}
	for _, want := range []string{"status of 404", "Applying inline style", "Loading the image"} {
		if !slices.ContainsFunc(messages, func(m Message) bool { return strings.Contains(m.Message, want) }) {
			t.Errorf("on the console: %v, and not %q", messages, want)
		}
	}
}
