package demo_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/providers/fake"
	"example.com/oauthbyhand/providers/registered"
	"github.com/google/go-cmp/cmp"
)

// slow returns net with a delay before each answer. A revocation takes half a second more, so that it never ends in the
// same instant as another answer: which of the two came first would be chance.
func slow(net fake.Net, by time.Duration) fake.Net {
	for host, honest := range net {
		net[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			delay := by
			if r.Method == http.MethodDelete {
				delay += time.Second / 2
			}
			select {
			case <-time.After(delay):
				honest.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		})
	}
	return net
}

// The identities of Ada, as URLs name them.
const (
	atGoogle = "?provider=https://accounts.google.com&subject=110248495921238986420"
	atGitHub = "?provider=github&subject=990000001"
	atOIDC   = "?provider=https://openid.example&subject=ada-1815"
)

var connects = regexp.MustCompile(`/connect/[a-z0-9]+`)

// TestAccounts follows one user through the pages, from the first visit to many accounts.
func TestAccounts(t *testing.T) {
	w := newWorld(t)
	home := w.get(base + "/")
	for _, text := range []string{"How “Sign in with …” works", `<a href="/trace">trace</a>`, `<a href="/break">Break it</a>: play`, `class="diagram"`, `href="/login/github">Sign in with GitHub`} {
		w.wantPage(home, 200, text, "the home page")
	}
	offered := func(want ...string) {
		t.Helper()
		for _, path := range []string{"/profile", "/"} {
			p := w.get(base + path)
			if got := connects.FindAllString(p.body, -1); !cmp.Equal(got, want) || strings.Contains(p.body, "Connect another") != (want != nil) || strings.Contains(p.body, `class="diagram"`) {
				t.Errorf("%s offers %q, want %q\n%s", path, got, want, p.body)
			}
		}
	}
	w.signIn("google")
	accounts := make(map[string]bool) // X has two entries and one kind of account
	for _, o := range registered.All("") {
		accounts[o.Key] = true
		if o.Name != "google" && o.Name != "github" {
			w.connect(o.Name)
		}
	}
	offered("/connect/github")
	p := w.connect("github")
	offered()
	if got := p.accounts(); len(got) != len(accounts) || p.facts()["Provider"] != "Google" {
		t.Fatalf("after connecting all, %d: %v, want %d at Google", p.status, got, len(accounts))
	}
	// Each of them leads to the same user.
	w.press("/logout")
	if p = w.signIn("github"); p.facts()["Provider"] != "GitHub" || len(p.accounts()) != len(accounts) {
		t.Errorf("signed in with GitHub: %v, want %d", p.accounts(), len(accounts))
	}
	wantEqual(t, "Google", w.get(base + "/profile" + atGoogle).facts()["Provider"], "the other account")
	if p := w.get(base + "/profile?provider=github&subject=1"); p.url != base+"/profile" || p.facts()["Provider"] != "GitHub" {
		t.Errorf("an account that is not the visitor's: %s, %s; want the visitor's own", p.url, p.facts()["Provider"])
	}
}

// A person who signed in with the wrong provider first has two users. One of them can be
// deleted, and its account connected to the other.
func TestTwoUsersBecomeOne(t *testing.T) {
	const last = "Disconnect and delete your user"
	w := newWorld(t)
	w.signIn("github")
	w.press("/logout")
	w.signIn("google")
	p := w.connect("github")
	if p.status != 409 || !strings.Contains(p.body, "this GitHub account belongs to another user") || !strings.Contains(p.body, "Are both users you?") || p.facts()["Check"] != "" {
		t.Errorf("another user's: %d\n%s", p.status, p.body)
	}
	if p := w.get(base + "/profile"); len(p.accounts()) != 1 || !strings.Contains(p.body, last) {
		t.Errorf("the refused account was connected: %v, or no button says %q", p.accounts(), last)
	}
	w.wantPage(w.signIn("github"), 200, "press “Disconnect and delete your user”, sign in with the other account", "what to do with two users")
	if p := w.press("/disconnect"); p.url != base+"/" || p.status != 200 || strings.Contains(p.body, "Hello") {
		t.Errorf("the last account is disconnected: %d at %s", p.status, p.url)
	}
	w.signIn("google")
	if p := w.connect("github"); !cmp.Equal(p.accounts(), []string{"Google", "GitHub"}) || strings.Contains(p.body, last) {
		t.Errorf("connected to the other user: %v, or a button of one of two says %q", p.accounts(), last)
	}
}

// An account that is disconnected while another button waits for the provider is no failure of the app, whether that
// button disconnects it as well or reads it again.
func TestDisconnectedMeanwhile(t *testing.T) {
	for button, says := range map[string]string{"/disconnect": "Disconnected: this app has forgotten", "/read": "This account is not connected any more."} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.signIn("google")
			w.connect("github")
			w.press("/expire" + atGitHub)
			w.rewire("github", slow(w.Handler.Honest.Net(), 4*time.Second)) // both wait for the refresh
			var other sync.WaitGroup
			other.Go(func() {
				time.Sleep(time.Second)
				w.wantPage(w.press("/disconnect"+atGitHub), 200, "", "the other button beside "+button)
			})
			p := w.press(button + atGitHub)
			if p.status != 200 || !cmp.Equal(p.accounts(), []string{"Google"}) || !strings.HasPrefix(p.noticed(), says) || strings.Contains(w.log.String(), "level=ERROR") {
				t.Errorf("%s: %d at %s, which says %q, with %v\n%s", button, p.status, p.url, p.noticed(), p.accounts(), w.log)
			}
			if p := w.get(base + "/trace"); strings.Contains(p.body, ": read again") {
				t.Error("the trace says that the profile was read")
			}
			other.Wait()
		})
	}
}

// If another account is connected while the only one is being disconnected, the user is not gone, and the page does not
// say so.
func TestConnectedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signIn("github")
		w.press("/expire")
		w.rewire("github", slow(w.Handler.Honest.Net(), 4*time.Second))
		go func() {
			time.Sleep(time.Second)
			w.connect("google")
		}()
		if p := w.press("/disconnect"); p.status != 200 || strings.Contains(p.body, "Deleted") {
			t.Errorf("%d, which says %q", p.status, p.noticed())
		}
		if p := w.signIn("google"); !strings.HasPrefix(p.url, base+"/profile") {
			t.Errorf("the other account leads to %s", p.url)
		}
	})
}

// If the visitor's session ends in another tab while a button waits for a provider that fails, the page says so, and
// shows no profile.
func TestSignedOutMeanwhile(t *testing.T) {
	for _, end := range []string{"/logout", "/logout/everywhere", "/disconnect"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.signIn("google")
			w.connect("github")
			w.rewire("github", slow(w.Handler.Honest.Net(), time.Hour))
			go func() {
				time.Sleep(time.Second)
				w.press(end)
			}()
			w.wantPage(w.press("/read"+atGitHub), 200, "Nothing was done: you are not signed in any more.", end)
		})
	}
}

// If the visitor signs out while two buttons work on one account, so that one waits for the other, their traces show
// nothing of the profile to the next person at this browser, and no line links to them.
func TestTraceAfterSigningOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signIn("google")
		w.press("/expire")
		w.rewire("google", slow(w.Handler.Honest.Net(), 4*time.Second))
		var buttons sync.WaitGroup
		for range 2 {
			buttons.Go(func() {
				if p := w.press("/read"); strings.Contains(p.noticed(), "/trace") {
					t.Errorf("the line links to a trace that is gone: %q", p.noticed())
				}
			})
		}
		time.Sleep(time.Second)
		w.press("/logout")
		buttons.Wait()
		w.wantPage(w.get(base+"/trace"), 200, "Nothing to see yet", "the trace after signing out")
	})
}

// A provider that hangs, or is slow each time, keeps its visitors waiting for 15 seconds, and nobody else. That is also
// true of the button that disconnects, which asks twice: for a live token, and to revoke that. The account is forgotten
// all the same.
func TestHangingProvider(t *testing.T) {
	const slowly = 9 * time.Second
	for _, row := range []struct {
		provider, button string // no button is to sign in
		away             time.Duration
	}{
		{"github", "", time.Hour}, {"oidc", "", time.Hour}, {"x", "", time.Hour}, // at the token, at the metadata, at the first request
		{"github", "/read", slowly}, {"github", "/refresh", slowly}, {"github", "/disconnect", slowly},
		{"github", "/read", time.Hour}, {"github", "/refresh", time.Hour}, {"github", "/disconnect", time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			if row.button != "" {
				w.signIn(row.provider)
				w.press("/expire")
			}
			w.rewire(row.provider, slow(w.Handler.Honest.Net(), row.away))
			go func() {
				time.Sleep(time.Second)
				other, begun := *w, time.Now()
				other.browser = w.newBrowser()
				if p := other.signIn("google"); p.url != base+"/profile" || time.Since(begun) > 0 {
					t.Errorf("%+v: another provider's visitor is at %s after %s", row, p.url, time.Since(begun))
				}
			}()
			p, begun := page{}, time.Now()
			if row.button == "" {
				p = w.signIn(row.provider)
			} else {
				p = w.press(row.button)
			}
			if took := time.Since(begun); took > 15*time.Second || p.status >= 500 && p.status != 502 || row.button == "" && p.check() != "reply-received" {
				t.Errorf("%+v: %d by %q after %s", row, p.status, p.check(), took)
			}
			if kept := len(w.get(base+"/profile").accounts()) == 1; kept != (row.button == "/read" || row.button == "/refresh") {
				t.Errorf("%+v: the account is kept: %t", row, kept)
			}
		})
	}
}

// If a button is pressed again and again while the provider hangs, each request waits for 15 seconds at most, and none of
// them says that the app is broken.
func TestImpatientVisitor(t *testing.T) {
	for _, button := range []string{"/read", "/refresh"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.signIn("github")
			w.press("/expire")
			w.rewire("github", slow(w.Handler.Honest.Net(), time.Hour))
			var presses sync.WaitGroup
			for range 5 {
				presses.Go(func() {
					begun := time.Now()
					if p := w.press(button); p.status != 502 || time.Since(begun) > 15*time.Second {
						t.Errorf("%s: %d after %s\n%s", button, p.status, time.Since(begun), p.body)
					}
				})
			}
			presses.Wait()
		})
	}
}

// OAuth 1.0a has no refresh: if X refuses the token, only a new sign-in helps, and the page says so. With a provider
// that is down it does not.
func TestReadRefusedByX(t *testing.T) {
	for _, row := range []struct {
		status, want int
		says         string
	}{{401, 200, "What you allowed at X (OAuth 1.0a) has ended"}, {503, 502, "did not pass a check"}} {
		w := newWorld(t)
		w.signIn("x")
		w.rewire("x", fake.Net{"api.x.com": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(row.status) })})
		w.wantPage(w.press("/read"), row.want, row.says, fmt.Sprint("X answers ", row.status))
	}
}

// The profile is what step 5 read. Looking at it asks no provider, so a provider that is
// down changes nothing. Only the button asks.
func TestProfileIsWhatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := html.UnescapeString(w.signIn("google").body)
		const source = "Every member of the reply from <code>https://openidconnect.googleapis.com/v1/userinfo</code>, read 1 Jan 2000, 00:00:00 UTC, 0 seconds ago"
		if !strings.Contains(first, source) || !strings.Contains(first, "<code>email_verified</code></th><td><pre>true</pre>") {
			t.Errorf("the profile does not show the reply, or where it is from:\n%s", first)
		}
		w.rewire("google", fake.Net{}) // it is down
		wantEqual(t, first, html.UnescapeString(w.get(base+"/profile").body), "the provider is down, and the profile stays")
		time.Sleep(10 * time.Minute)
		p := w.press("/read" + atGoogle)
		if p.status != 502 || p.facts()["Name"] != "Ada Lovelace" || !strings.Contains(p.body, "The provider did not answer.") || !strings.Contains(p.body, "reply-received") {
			t.Errorf("read again while the provider is down: %d\n%s", p.status, p.body)
		}
		w.wantPage(w.get(base+"/profile"), 200, "read 1 Jan 2000, 00:00:00 UTC, 10 minutes ago", "the profile after that")
		w.rewire("google", w.Handler.Honest.Net())
		if p := w.press("/read" + atGoogle); p.status != 200 || !strings.HasPrefix(p.url, base+"/profile?") || !strings.Contains(p.body, "read 1 Jan 2000, 00:10:00 UTC, 0 seconds ago") {
			t.Errorf("read again: %d at %s\n%s", p.status, p.url, p.body)
		}
	})
}

// noticed is the line on the page that says what a button did.
func (p page) noticed() string {
	_, rest, _ := strings.Cut(p.body, `<p class="done" role="status">`)
	says, _, _ := strings.Cut(rest, "</p>")
	return html.UnescapeString(says)
}

// Each button says once, on the page to which it leads, what it did. If something was
// recorded, there is a link to its trace, which has an outcome of its own.
func TestButtonsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signIn("github")
		for i, row := range []struct{ press, says, number, outcome, shows string }{
			{"/refresh" + atGitHub, "Refreshed: there is a new access token, and a new refresh token as well.", "2", "GitHub, 00:00:00 UTC</a>: refreshed", "Client.Refresh in oauth/"},
			{"/read" + atGitHub, "Read again: this is what GitHub says now.", "3", "GitHub, 00:00:00 UTC</a>: read again", "https://api.github.com/user/emails"},
			{"/expire" + atGitHub, "Expired: this app now believes that the access token is too old. Press “Read again” to see what happens then.", "", "", ""},
			{"/read" + atGitHub, "Refreshed first, because the access token was no longer good. Read again: this is what GitHub says now.", "4", "GitHub, 00:00:00 UTC</a>: read again", "Client.Refresh in oauth/"},
			{"/connect/google", "", "5", "Google, 00:00:00 UTC</a>: connected", "Client.Exchange in oauth/"},
			{"/connect/oidc", "", "", "", ""},
			{"/refresh" + atGoogle, "Refreshed: there is a new access token, and the refresh token stays the same.", "7", "Google, 00:00:00 UTC</a>: refreshed", "Client.Refresh in oauth/"},
			{"/disconnect" + atGoogle, "Disconnected: this app has forgotten your Google account.", "8", "Google, 00:00:00 UTC</a>: disconnected", "https://oauth2.googleapis.com/revoke"},
			{"/disconnect" + atGoogle, "This account is not connected any more.", "", "", ""},
			{"/disconnect" + atGitHub, "Disconnected: this app has forgotten your GitHub account. You had signed in with it, so you are signed out.", "9", "GitHub, 00:00:00 UTC</a>: disconnected", "DELETE https://api.github.com/applications/demo-github/grant"},
			{"/refresh" + atOIDC, "Nothing was done: you are not signed in any more.", "", "", ""},
			{"/logout/everywhere", "Nothing was done: you are not signed in any more.", "", "", ""},
			{"/login/oidc", "", "10", "OpenID Example, 00:00:00 UTC</a>: signed in", "Client.VerifyIDToken in oauth/"},
			{"/disconnect" + atOIDC, "Deleted: your user is gone. If you have another user here, sign in as that user now, and connect OpenID Example on your profile.", "11", "OpenID Example, 00:00:00 UTC</a>: disconnected", "https://openid.example/revoke"},
			{"/login/github", "", "", "", ""},
			{"/logout/everywhere", "You are signed out in all browsers.", "", "", ""},
			{"/logout", "You are signed out.", "", "", ""},
		} {
			var p page
			switch action, provider, _ := strings.Cut(row.press[1:], "/"); {
			case action == "login":
				p = w.signIn(provider)
			case action == "connect":
				p = w.connect(provider)
			default:
				p = w.press(row.press)
			}
			says := row.says
			if says != "" && row.number != "" {
				says += ` <a href="/trace?number=` + row.number + `">See what happened</a>`
			}
			if p.noticed() != says || p.status != 200 {
				t.Errorf("%d: %s leads to %d at %s, which says\n%q, want\n%q", i, row.press, p.status, p.url, p.noticed(), says)
			}
			if trace := w.get(base + "/trace?number=" + row.number); row.number != "" && !(strings.Contains(trace.body, ` aria-current="page">`+row.outcome) && strings.Contains(trace.body, row.shows)) {
				t.Errorf("%d: %s: the trace %s does not show %q and %q:\n%s", i, row.press, row.number, row.outcome, row.shows, trace.body)
			}
			wantEqual(t, "", w.get(p.url).noticed(), row.press+": the page that is loaded again")
		}
	})
}

// A line that this app has not sealed is not shown.
func TestNoticeOfSomebodyElse(t *testing.T) {
	w := newWorld(t)
	for _, value := range []string{"", "You have won", "eyJUZXh0IjoiWW91IGhhdmUgd29uIn0", strings.Repeat("A", 60)} {
		w.browser.Jar.SetCookies(w.Site.Base, []*http.Cookie{{Name: "oauthbyhand-notice", Value: value, Path: "/"}})
		if p := w.get(base + "/"); p.status != 200 || p.noticed() != "" || strings.Contains(p.body, "won") {
			t.Errorf("%q: %d, and the page says %q", value, p.status, p.noticed())
		}
	}
}

// If the access token has expired and nothing refreshes it, the page shows what was read before, and asks to sign in
// again.
func TestSignInAgain(t *testing.T) {
	w := newWorld(t)
	w.signIn("oidc")
	w.press("/expire")
	p := w.press("/read")
	if p.status != 200 || !strings.Contains(p.body, "Please sign in with OpenID Example again</h2>\n<p>The access token has expired, and there is no refresh token") || !strings.Contains(p.body, `action="/connect/oidc"`) || p.facts()["Name"] != "Ada Lovelace" {
		t.Errorf("%d\n%s", p.status, p.body)
	}
	if p := w.connect("oidc"); p.status != 200 || strings.Contains(p.body, "again</h2>") || len(p.accounts()) != 1 {
		t.Errorf("signed in again: %d, %v", p.status, p.accounts())
	}
}

// A provider that is down cannot revoke. The account is forgotten all the same, and the page says what was not done.
func TestNotRevoked(t *testing.T) {
	for _, name := range []string{"google", "x"} {
		w := newWorld(t)
		w.signIn(name)
		w.rewire(name, fake.Net{})
		w.wantPage(w.press("/disconnect"), 200, "did not revoke the access that you allowed", name)
	}
}

// After disconnecting, the provider does not know the token any more, or the page names the page on
// which the user can revoke it.
func TestRevoked(t *testing.T) {
	for _, row := range registered.All("") {
		w := newWorld(t)
		w.signIn(row.Name)
		grant := w.grant()
		p := w.press("/disconnect")
		if page := row.RevokePage(); page != "" {
			w.wantPage(p, 200, page, row.Name)
			continue
		}
		var err error
		if provider := w.provider(row.Name); provider.Client != nil {
			_, err = provider.Client.UserInfo(t.Context(), grant.Tokens)
		} else {
			_, err = provider.Client1.UserInfo(t.Context(), grant.Credentials)
		}
		if p.status != 200 || p.url != base+"/" || err == nil {
			t.Errorf("%s: %d at %s, and the token does not work any more: %v\n%s", row.Name, p.status, p.url, err, w.log)
		}
	}
}
