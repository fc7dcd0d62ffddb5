package demo_test

import (
	"html"
	"net/http"
	"net/url"
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

// slow is a way to a provider that answers late, or not at all, at paths that end so.
type slow struct {
	fake.Net
	path string
	by   time.Duration
}

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, s.path) {
		select {
		case <-time.After(s.by):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return s.Net.RoundTrip(r)
}

// A sign-in with one provider does not wait for another one that hangs. A visitor of the one that hangs reads so
// within 15 seconds.
func TestOneProviderHangs(t *testing.T) {
	for provider, path := range map[string]string{"github": "/login/oauth/access_token", "oidc": "/.well-known/openid-configuration", "spotify": "/v1/me", "x": "/oauth/request_token"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.rewire(provider, func(net fake.Net) http.RoundTripper { return slow{net, path, time.Hour} })
			visit := func(provider, check string, limit time.Duration) {
				visitor, begun := *w, time.Now()
				visitor.browser = w.newBrowser()
				p := visitor.get(base + "/login/" + provider)
				if strings.HasPrefix(p.url, "http://127.0.0.1:9000/") {
					p = visitor.allow(p, "ada")
				}
				if took := time.Since(begun); p.check() != check || took > limit || (p.url == base+"/profile") != (check == "") {
					t.Errorf("%s: %d at %s, check %q, after %s, want %q", provider, p.status, p.url, p.check(), took, check)
				}
			}
			var visitors sync.WaitGroup
			for range 12 { // seconds: some come while others wait
				visitors.Go(func() { visit(provider, "reply-received", 15*time.Second) })
				visitors.Go(func() { visit("google", "", 0) })
				time.Sleep(time.Second)
			}
			visitors.Wait()
			if strings.Contains(w.log.String(), "level=ERROR") {
				t.Errorf("the log blames the app:\n%s", w.log)
			}
		})
	}
}

// The identities of Ada, as URLs name them.
const (
	atGoogle = "?provider=https://accounts.google.com&subject=110248495921238986420"
	atGitHub = "?provider=github&subject=990000001"
	atOIDC   = "?provider=https://openid.example&subject=ada-1815"
	atX      = "?provider=x&subject=1795176000000000001"
)

// TestAccounts follows one user with two accounts through the pages.
func TestAccounts(t *testing.T) {
	w := newWorld(t)
	w.signIn("google")
	p := w.connect("github", "ada")
	if d := cmp.Diff([]string{"Google", "GitHub"}, p.accounts()); d != "" || p.facts()["Provider"] != "Google" {
		t.Fatalf("after connecting GitHub, %d: %s", p.status, d)
	}
	// Each of the two leads to the same user.
	w.press("/logout")
	if p = w.signIn("github"); p.facts()["Provider"] != "GitHub" || len(p.accounts()) != 2 {
		t.Errorf("signed in with GitHub: %v", p.accounts())
	}
	if p = w.get(base + "/profile" + atGoogle); p.facts()["Provider"] != "Google" {
		t.Error("the other account is not shown")
	}
	if p := w.get(base + "/profile?provider=github&subject=1"); p.url != base+"/profile" || p.facts()["Provider"] != "GitHub" {
		t.Errorf("an account that is not the visitor's: %s, %s; want the visitor's own", p.url, p.facts()["Provider"])
	}
	const last = "Disconnect and delete your user"
	if p := w.get(base + "/profile"); strings.Contains(p.body, last) {
		t.Errorf("a button of an account of two says %q", last)
	}
	for _, time := range []string{"first", "second"} {
		p := w.press("/disconnect" + atGoogle)
		if d := cmp.Diff([]string{"GitHub"}, p.accounts()); d != "" || p.url != base+"/profile" || !strings.Contains(p.body, last) {
			t.Errorf("pressed the %s time, at %s, with %q: %t: %s", time, p.url, last, strings.Contains(p.body, last), d)
		}
	}
}

// A person who signed in with the wrong provider first has two users. One of them can be
// deleted, and its account connected to the other.
func TestTwoUsersBecomeOne(t *testing.T) {
	w := newWorld(t)
	w.signIn("github")
	w.press("/logout")
	w.signIn("google")
	p := w.connect("github", "ada")
	if p.status != 409 || !strings.Contains(p.body, "this GitHub account belongs to another user") || !strings.Contains(p.body, "Are both you?") || p.facts()["Check"] != "" {
		t.Errorf("another user's: %d\n%s", p.status, p.body)
	}
	if p := w.get(base + "/profile"); len(p.accounts()) != 1 {
		t.Errorf("the refused account was connected: %v", p.accounts())
	}
	if p := w.signIn("github"); !strings.Contains(p.body, "disconnect and delete this one") {
		t.Errorf("the profile does not say what to do with two users:\n%s", p.body)
	}
	session, _ := w.session()
	if p := w.press("/disconnect"); p.url != base+"/" || p.status != 200 || strings.Contains(p.body, "Hello") || !strings.Contains(p.noticed(), "sign in as that one now, and connect GitHub") {
		t.Errorf("the last account is disconnected: %d at %s", p.status, p.url)
	}
	if left, err := w.Accounts.Identities(t.Context(), session.UserID); err != nil || len(left) > 0 {
		t.Errorf("of the deleted user there is left: %v, %v", left, err)
	}
	if p := w.get(base + "/profile"); p.url != base+"/?next=/profile" {
		t.Errorf("still signed in: %s", p.url)
	}
	w.signIn("google")
	if d := cmp.Diff([]string{"Google", "GitHub"}, w.connect("github", "ada").accounts()); d != "" {
		t.Errorf("connected to the other user: %s", d)
	}
}

// A button that is pressed twice at once is no failure of the app.
func TestDisconnectTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signIn("google")
		w.connect("github", "ada")
		w.press("/expire" + atGitHub)
		w.rewire("github", func(net fake.Net) http.RoundTripper { return slow{net, "", time.Second} }) // both wait for the refresh
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if p := w.press("/disconnect" + atGitHub); p.status != 200 || p.url != base+"/profile" || len(p.accounts()) != 1 {
					t.Errorf("%d at %s: %v", p.status, p.url, p.accounts())
				}
			})
		}
		both.Wait()
	})
}

// An account that is disconnected while it is read again is no failure of the app, and was not read.
func TestDisconnectedWhileItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signIn("google")
		w.connect("github", "ada")
		w.rewire("github", func(net fake.Net) http.RoundTripper { return slow{net, "", 4 * time.Second} })
		go func() {
			time.Sleep(time.Second)
			w.press("/disconnect" + atGitHub)
		}()
		p := w.press("/read" + atGitHub)
		if p.status != 200 || p.noticed() != "This account is not connected any more. "+`<a href="/trace?number=3">See what happened</a>` || strings.Contains(w.log.String(), "level=ERROR") {
			t.Errorf("%d at %s, which says %q\n%s", p.status, p.url, p.noticed(), w.log)
		}
		if p := w.get(base + "/trace"); strings.Contains(p.body, ": read again") {
			t.Error("the trace says that the profile was read")
		}
		time.Sleep(time.Minute)
	})
}

// A provider that hangs, or is slow each time, keeps a button waiting for 15 seconds, also the one that disconnects,
// which asks it twice: for a live token, and to revoke that. The account is forgotten all the same.
func TestHangingProvider(t *testing.T) {
	for _, button := range []string{"/read", "/refresh", "/disconnect"} {
		for _, away := range []time.Duration{9 * time.Second, time.Hour} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.signIn("github")
				w.press("/expire")
				w.rewire("github", func(net fake.Net) http.RoundTripper { return slow{net, "", away} })
				begun := time.Now()
				p := w.press(button)
				if took := time.Since(begun); took > 15*time.Second || p.status >= 500 && p.status != 502 {
					t.Errorf("%s: %d after %s", button, p.status, took)
				}
				if kept := len(w.get(base+"/profile").accounts()) == 1; kept != (button != "/disconnect") {
					t.Errorf("%s: the account is kept: %t", button, kept)
				}
			})
		}
	}
}

// The profile is what step 5 read. Looking at it asks no provider, so a provider that is
// down changes nothing. Only the button asks.
func TestProfileIsWhatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := html.UnescapeString(w.signIn("google").body)
		for _, text := range []string{
			"Every member of the reply from <code>https://openidconnect.googleapis.com/v1/userinfo</code>, read 1 Jan 2000, 00:00:00 UTC, 0 seconds ago",
			`<code>sub</code></th><td><pre>"110248495921238986420"</pre>`, `<code>email</code></th><td><pre>"ada@example.com"</pre>`,
			"<code>email_verified</code></th><td><pre>true</pre>", `<code>name</code></th><td><pre>"Ada Lovelace"</pre>`,
			"<code>given_name</code>", "<code>family_name</code>", "<code>picture</code>",
		} {
			if !strings.Contains(first, text) {
				t.Errorf("the profile does not show %q:\n%s", text, first)
			}
		}
		down := func(fake.Net) http.RoundTripper { return fake.Net{} }
		honest := func(net fake.Net) http.RoundTripper { return net }
		w.rewire("google", down)
		if again := html.UnescapeString(w.get(base + "/profile").body); again != first {
			t.Errorf("the provider is down, and the profile is another (-want +got):\n%s", cmp.Diff(first, again))
		}
		time.Sleep(10 * time.Minute)
		p := w.press("/read" + atGoogle)
		if p.status != 502 || p.facts()["Name"] != "Ada Lovelace" || !strings.Contains(p.body, "The provider did not answer.") || !strings.Contains(p.body, "reply-received") {
			t.Errorf("read again while the provider is down: %d\n%s", p.status, p.body)
		}
		if p := w.get(base + "/profile"); p.status != 200 || !strings.Contains(p.body, "read 1 Jan 2000, 00:00:00 UTC, 10 minutes ago") {
			t.Errorf("the profile after that: %d\n%s", p.status, p.body)
		}
		w.rewire("google", honest)
		if p := w.press("/read" + atGoogle); p.status != 200 || !strings.HasPrefix(p.url, base+"/profile?") || !strings.Contains(p.body, "read 1 Jan 2000, 00:10:00 UTC, 0 seconds ago") {
			t.Errorf("read again: %d at %s\n%s", p.status, p.url, p.body)
		}
		w.rewire("google", down)
		w.connect("github", "ada")
		p = w.press("/disconnect" + atGoogle)
		if p.status != 200 || !strings.Contains(p.body, "did not revoke the access that you allowed") || !strings.Contains(p.body, `href="/">Back to the start`) {
			t.Errorf("disconnected while the provider is down: %d\n%s", p.status, p.body)
		}
		if _, err := w.session(); err == nil {
			t.Error("the session goes on without its account")
		}
		if p := w.signIn("github"); len(p.accounts()) != 1 {
			t.Errorf("the local copy is still there: %v", p.accounts())
		}
	})
}

// noticed is the line on the page that says what a button did.
func (p page) noticed() string {
	m := notice.FindStringSubmatch(p.body)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

var notice = regexp.MustCompile(`(?s)<p class="done" role="status">(.*?)</p>`)

// Each button says once, on the page to which it leads, what it did. If something was
// recorded, there is a link to it.
func TestButtonsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signIn("github")
		trace := func(number string) string { return ` <a href="/trace?number=` + number + `">See what happened</a>` }
		for i, row := range []struct{ press, says string }{
			{"/refresh" + atGitHub, "Refreshed: there is a new access token, and a new refresh token as well." + trace("2")},
			{"/read" + atGitHub, "Read again: this is what GitHub says now." + trace("3")},
			{"/expire" + atGitHub, "Expired: this app now believes that the access token is too old. Press “Read again” to see what happens then."},
			{"/read" + atGitHub, "Read again: this is what GitHub says now." + trace("4")},
			{"/connect/google", ""},
			{"/connect/oidc", ""},
			{"/refresh" + atGoogle, "Refreshed: there is a new access token, and the refresh token stays the same." + trace("7")},
			{"/disconnect" + atGoogle, "Disconnected: this app has forgotten your Google account." + trace("8")},
			{"/disconnect" + atGoogle, "This account is not connected any more."},
			{"/disconnect" + atGitHub, "Disconnected: this app has forgotten your GitHub account. You had signed in with it, so you are signed out." + trace("9")},
			{"/refresh" + atOIDC, "Nothing was done: you are not signed in any more."},
			{"/logout/everywhere", "Nothing was done: you are not signed in any more."},
			{"/login/oidc", ""},
			{"/disconnect", "Deleted: your user is gone. If you have another one here, sign in as that one now, and connect OpenID Example on your profile." + trace("11")},
			{"/login/github", ""},
			{"/logout/everywhere", "You are signed out in all browsers."},
			{"/logout", "You are signed out."},
		} {
			var p page
			switch action, provider, _ := strings.Cut(row.press[1:], "/"); {
			case action == "login":
				p = w.signIn(provider)
			case action == "connect":
				p = w.connect(provider, "ada")
			default:
				p = w.press(row.press)
			}
			if p.noticed() != row.says || p.status != 200 {
				t.Errorf("%d: %s leads to %d at %s, which says\n%q, want\n%q", i, row.press, p.status, p.url, p.noticed(), row.says)
			}
			if _, number, ok := strings.Cut(row.says, `number=`); ok {
				number, _, _ = strings.Cut(number, `"`)
				if p := w.get(base + "/trace?number=" + number); !strings.Contains(p.body, `href="/trace?number=`+number+`" aria-current="page"`) {
					t.Errorf("%d: %s: no trace %s", i, row.press, number)
				}
			}
			if again := w.get(p.url); again.noticed() != "" {
				t.Errorf("%d: %s: the page that is loaded again says %q", i, row.press, again.noticed())
			}
		}
	})
}

// A line that this app has not sealed is not shown.
func TestNoticeOfSomebodyElse(t *testing.T) {
	w := newWorld(t)
	w.signIn("github")
	at, _ := url.Parse(base)
	for _, value := range []string{"", "You have won", "eyJUZXh0IjoiWW91IGhhdmUgd29uIn0", strings.Repeat("A", 60)} {
		w.browser.Jar.SetCookies(at, []*http.Cookie{{Name: "oauthbyhand-notice", Value: value, Path: "/"}})
		if p := w.get(base + "/profile"); p.status != 200 || p.noticed() != "" || strings.Contains(p.body, "won") {
			t.Errorf("%q: %d, and the page says %q", value, p.status, p.noticed())
		}
	}
}

// If the user has ended the tokens at the provider itself, or if they have expired and nothing
// refreshes them, the page shows what was read before, and asks to sign in again.
func TestSignInAgain(t *testing.T) {
	for provider, row := range map[string]struct{ account, title, why string }{
		"x":    {atX, "X (OAuth 1.0a)", "What you allowed at X (OAuth 1.0a) has ended"},
		"oidc": {atOIDC, "OpenID Example", "The access token has expired, and there is no refresh token"},
	} {
		w := newWorld(t)
		w.signIn(provider)
		if provider == "x" {
			_, grant := w.grant()
			if err := w.provider("x").Client1.Revoke(t.Context(), grant.Credentials); err != nil {
				t.Fatal(err)
			}
		} else {
			w.press("/expire" + atOIDC)
		}
		p := w.press("/read" + row.account)
		if p.status != 200 || !strings.Contains(p.body, "Please sign in with "+row.title+" again</h2>\n<p>"+row.why) || !strings.Contains(p.body, `action="/connect/`+provider+`"`) || p.facts()["Name"] != "Ada Lovelace" {
			t.Errorf("%s: %d\n%s", provider, p.status, p.body)
		}
		if p := w.connect(provider, "ada"); p.status != 200 || strings.Contains(p.body, "again</h2>") || len(p.accounts()) != 1 {
			t.Errorf("%s: signed in again: %d, %v", provider, p.status, p.accounts())
		}
	}
}

// TestRevoked: after disconnecting, the provider knows the token no more, or the page
// names the page on which the user can revoke it.
func TestRevoked(t *testing.T) {
	for _, row := range registered.All("") {
		t.Run(row.Name, func(t *testing.T) {
			w := newWorld(t)
			w.signIn(row.Name)
			session, grant := w.grant()
			provider := w.provider(row.Name)
			p := w.press("/disconnect?provider=" + url.QueryEscape(session.Key.Provider) + "&subject=" + session.Key.Subject)
			if page := provider.RevokePage(); page != "" {
				if p.status != 200 || !strings.Contains(p.body, page) {
					t.Errorf("%d: the page does not name %s", p.status, page)
				}
				return
			}
			if p.status != 200 || p.url != base+"/" {
				t.Errorf("%d at %s\n%s", p.status, p.url, w.log)
			}
			var err error
			if provider.Client != nil {
				_, err = provider.Client.UserInfo(t.Context(), grant.Tokens)
			} else {
				_, err = provider.Client1.UserInfo(t.Context(), grant.Credentials)
			}
			if err == nil {
				t.Error("the token still works")
			}
		})
	}
}

// The home page says what this is and how to start, and offers to connect to a visitor who
// is signed in.
func TestHome(t *testing.T) {
	w := newWorld(t)
	for _, signedIn := range []bool{false, true} {
		if signedIn {
			w.signIn("google")
		}
		home := w.get(base + "/").body
		for text, want := range map[string]bool{
			"How “Sign in with …” works": !signedIn, `<a href="/trace">trace</a>`: !signedIn, `<a href="/break">Break it</a>: play`: !signedIn, `class="diagram"`: !signedIn,
			"Connect another account": signedIn, `action="/connect/github"`: signedIn, "is not connected to your user makes a new": signedIn,
			`href="/login/github">Sign in with GitHub`: true, `action="/connect/google"`: false,
		} {
			if got := strings.Contains(home, text); got != want {
				t.Errorf("signed in: %t: the page says %q: %t, want %t", signedIn, text, got, want)
			}
		}
	}
}

var connects = regexp.MustCompile(`/connect/[a-z0-9]+`)

// What is connected is not offered again.
func TestConnectAnother(t *testing.T) {
	w := newWorld(t)
	w.signIn("google")
	offered := func(want ...string) {
		t.Helper()
		for _, path := range []string{"/profile", "/"} {
			p := w.get(base + path)
			if got := connects.FindAllString(p.body, -1); !cmp.Equal(got, want) || strings.Contains(p.body, "Connect another") != (want != nil) {
				t.Errorf("%s offers %q, want %q\n%s", path, got, want, p.body)
			}
		}
	}
	for _, o := range registered.All("") {
		if o.Name != "google" && o.Name != "github" {
			w.connect(o.Name, "ada")
		}
	}
	offered("/connect/github")
	w.connect("github", "ada")
	offered()
}
