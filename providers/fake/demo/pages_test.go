package demo_test

import (
	"context"
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

// trouble is what a provider does in place of an honest answer.
type trouble func(honest http.Handler, w http.ResponseWriter, r *http.Request)

type troubleKey struct{}

// inTrouble is net, in which a request whose context has trouble meets this trouble.
func inTrouble(net fake.Net) http.RoundTripper {
	other := fake.Net{}
	for host, honest := range net {
		other[host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Context().Value(troubleKey{}).(trouble)(honest, w, r)
		})
	}
	return other
}

// unlucky is a browser's way to net. What the app asks of a provider for this browser
// meets the trouble, since it is done under the context of the browser's request.
type unlucky struct {
	fake.Net
	trouble
}

func (u unlucky) RoundTrip(r *http.Request) (*http.Response, error) {
	return u.Net.RoundTrip(r.WithContext(context.WithValue(r.Context(), troubleKey{}, u.trouble)))
}

func honest(honest http.Handler, w http.ResponseWriter, r *http.Request) { honest.ServeHTTP(w, r) }

func late(by time.Duration) trouble {
	return func(honest http.Handler, w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(by):
			honest.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
}

// hangingAt is trouble with one URL.
func hangingAt(path string) trouble {
	return func(honest http.Handler, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			<-r.Context().Done()
		} else {
			honest.ServeHTTP(w, r)
		}
	}
}

// A sign-in with one provider does not wait for another one that hangs. A visitor of the one that hangs reads so
// within 15 seconds.
func TestOneProviderHangs(t *testing.T) {
	for provider, path := range map[string]string{"github": "/login/oauth/access_token", "oidc": "/.well-known/openid-configuration", "spotify": "/v1/me", "x": "/oauth/request_token"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.rewire(provider, inTrouble)
			visit := func(provider string) (page, time.Duration) {
				visitor, begun := *w, time.Now()
				visitor.browser = w.newBrowser()
				visitor.browser.Transport = unlucky{w.net, hangingAt(path)}
				p := visitor.get(base + "/login/" + provider)
				if strings.HasPrefix(p.url, "http://127.0.0.1:9000/") {
					p = visitor.allow(p, "ada")
				}
				return p, time.Since(begun)
			}
			var visitors sync.WaitGroup
			for range 12 { // seconds: some come while others wait
				visitors.Go(func() {
					if p, took := visit(provider); p.status != http.StatusBadGateway || p.check() != "reply-received" || took > 15*time.Second {
						t.Errorf("%s: %d, check %q, after %s; want reply-received", provider, p.status, p.check(), took)
					}
				})
				visitors.Go(func() {
					if p, took := visit("google"); p.url != base+"/profile" || p.facts()["Provider"] != "Google" || took != 0 {
						t.Errorf("google: %d at %s, after %s; want the profile at once", p.status, p.url, took)
					}
				})
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

// Disconnecting an account ends each session that began with it, and no other.
func TestDisconnectedIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signIn("google")
		w.connect("github", "ada")
		phone, tablet := *w, *w
		phone.browser, tablet.browser = w.newBrowser(), w.newBrowser()
		phone.signIn("github")
		tablet.signIn("google")
		signedIn := func(when string, want ...bool) {
			t.Helper()
			for i, world := range []*world{w, &phone, &tablet} {
				if got := world.get(base+"/profile").url == base+"/profile"; got != want[i] {
					t.Errorf("%s: browser %d is signed in: %t", when, i, got)
				}
			}
		}
		w.press("/disconnect" + atGitHub)
		signedIn("without GitHub", true, false, true)
		time.Sleep(time.Millisecond)
		w.connect("github", "ada")
		signedIn("GitHub is connected anew", true, false, true)
		if p := w.press("/disconnect" + atGoogle); p.url != base+"/" {
			t.Errorf("the account of the own session is disconnected: at %s, want the start", p.url)
		}
		signedIn("without Google", false, false, false)
		if d := cmp.Diff([]string{"GitHub"}, w.signIn("github").accounts()); d != "" {
			t.Errorf("signed in with GitHub: %s", d)
		}
	})
}

// A button that is pressed twice at once is no failure of the app.
func TestDisconnectTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.rewire("github", inTrouble)
		w.browser.Transport = unlucky{w.net, honest}
		w.signIn("google")
		w.connect("github", "ada")
		w.press("/expire" + atGitHub)
		w.browser.Transport = unlucky{w.net, late(time.Second)} // both wait for the refresh
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

// The button has one deadline over all its requests, as a callback has: here keys, refresh
// and profile, none of them late by itself.
func TestReadInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.rewire("github", inTrouble)
		w.browser.Transport = unlucky{w.net, honest}
		w.signIn("github")
		w.press("/expire")
		w.browser.Transport = unlucky{w.net, late(9 * time.Second)}
		begun := time.Now()
		p := w.press("/read")
		if took := time.Since(begun); took > 15*time.Second || p.status != 502 || !strings.Contains(p.body, "did not answer") {
			t.Errorf("%d after %s\n%s", p.status, took, p.body)
		}
	})
}

var token = regexp.MustCompile(`Expiry of its access token: ([^.]*)\.`)

// TestTokenButtons: expired tokens are refreshed before the profile is read. If they cannot
// be, the page asks to sign in again.
func TestTokenButtons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		expires := func(p page, want string) {
			t.Helper()
			if got := token.FindStringSubmatch(p.body); got == nil || !strings.HasPrefix(got[1], "1 Jan 2000, "+want) || p.status != 200 {
				t.Errorf("%d at %s: the token expires %q, want %s", p.status, p.url, got, want)
			}
		}
		expires(w.signIn("github"), "08:00:00 UTC, in 8 hours")
		time.Sleep(10 * time.Minute)
		expires(w.press("/read"), "08:00:00") // no need to refresh
		expires(w.press("/refresh"+atGitHub), "08:10:00")
		time.Sleep(10 * time.Minute)
		expires(w.press("/expire"+atGitHub), "00:19:59 UTC, 1 second ago")
		p := w.press("/read" + atGitHub)
		expires(p, "08:20:00")
		if p.facts()["E-mail"] != "ada@example.com verified by GitHub" {
			t.Errorf("read with refreshed tokens: %v", p.facts())
		}

		w.press("/logout")
		w.signIn("oidc")
		w.press("/expire" + atOIDC)
		p = w.press("/read" + atOIDC)
		if p.status != 200 || !strings.Contains(p.body, "again</h2>\n<p>The access token has expired, and there is no refresh token") || p.facts()["Name"] != "Ada Lovelace" {
			t.Errorf("expired, without a refresh token: %d\n%s", p.status, p.body)
		}
		if p := w.connect("oidc", "ada"); p.status != 200 || strings.Contains(p.body, "again</h2>") || len(p.accounts()) != 1 {
			t.Errorf("signed in again: %d, %v", p.status, p.accounts())
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
			{"/refresh" + atGitHub, "Refreshed: a new access token, good until 1 Jan 2000, 08:00:00 UTC; the old refresh token was replaced." + trace("2")},
			{"/read" + atGitHub, "Read again: this is what GitHub says now." + trace("3")},
			{"/expire" + atGitHub, "Expired: this app now believes that the access token is too old. Press “Read again”: the app refreshes it first."},
			{"/read" + atGitHub, "Read again, with an access token that was refreshed first: this is what GitHub says now." + trace("4")},
			{"/connect/google", ""},
			{"/connect/oidc", ""},
			{"/refresh" + atGoogle, "Refreshed: a new access token, good until 1 Jan 2000, 00:59:59 UTC; the refresh token stays the same." + trace("7")},
			{"/expire" + atOIDC, "Expired: this app now believes that the access token is too old. Press “Read again”: there is no refresh token, so you have to sign in again."},
			{"/disconnect" + atGoogle, "Disconnected: this app has forgotten your Google account. What you allowed there has ended." + trace("8")},
			{"/disconnect" + atGoogle, "This account is not connected any more."},
			{"/disconnect" + atGitHub, "Disconnected: this app has forgotten your GitHub account. What you allowed there has ended. You had signed in with it, so you are signed out." + trace("9")},
			{"/refresh" + atOIDC, "Nothing was done: you are not signed in any more."},
			{"/logout/everywhere", "Nothing was done: you are not signed in any more."},
			{"/login/oidc", ""},
			{"/disconnect", "Deleted: your user is gone, and this app has forgotten your OpenID Example account. What you allowed there has ended. If you have another user here, sign in as that one now, and connect OpenID Example on your profile." + trace("11")},
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

// A user can end the tokens at the provider itself. The page then asks to sign in again.
func TestTakenBack(t *testing.T) {
	w := newWorld(t)
	w.signIn("x")
	_, grant := w.grant()
	if err := w.provider("x").Client1.Revoke(t.Context(), grant.Credentials); err != nil {
		t.Fatal(err)
	}
	p := w.press("/read" + atX)
	if p.status != 200 || !strings.Contains(p.body, "Please sign in with X (OAuth 1.0a) again</h2>\n<p>What you allowed at X (OAuth 1.0a) has ended") || !strings.Contains(p.body, `action="/connect/x"`) {
		t.Errorf("%d\n%s", p.status, p.body)
	}
}

// TestRevoked: after disconnecting, the provider knows the token no more, or the page
// says where the user can revoke it.
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

func TestSignOutEverywhere(t *testing.T) {
	w := newWorld(t)
	w.signIn("google")
	phone := *w
	phone.browser = w.newBrowser()
	phone.signIn("google")
	if p := w.press("/logout/everywhere"); p.url != base+"/" {
		t.Errorf("led to %s", p.url)
	}
	for name, world := range map[string]*world{"this": w, "the other": &phone} {
		if p := world.get(base + "/profile"); p.url != base+"/?next=/profile" {
			t.Errorf("%s browser is still signed in", name)
		}
	}
	// In a browser whose session has ended nobody knows whose sessions to end.
	if p := phone.press("/logout/everywhere"); p.url != base+"/?next=/profile" {
		t.Errorf("without a session it led to %s", p.url)
	}
}

// The home page says what this is and where to start, and offers to connect to a visitor who
// is signed in.
func TestHome(t *testing.T) {
	w := newWorld(t)
	for _, signedIn := range []bool{false, true} {
		if signedIn {
			w.signIn("google")
		}
		home := w.get(base + "/").body
		for text, want := range map[string]bool{
			"How “Sign in with …” works":                !signedIn,
			`<a href="/trace">trace</a>`:                !signedIn,
			`<a href="/break">Break it</a>: play`:       !signedIn,
			`class="diagram"`:                           !signedIn,
			"Connect another account":                   signedIn,
			`action="/connect/github"`:                  signedIn,
			"is not connected to your user makes a new": signedIn,
			`href="/login/github">Sign in with GitHub`:  true,
			`action="/connect/google"`:                  false,
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
	for _, o := range registered.All("") {
		if o.Name != "google" && o.Name != "github" {
			w.connect(o.Name, "ada")
		}
	}
	for _, path := range []string{"/profile", "/"} {
		if got := connects.FindAllString(w.get(base+path).body, -1); !cmp.Equal(got, []string{"/connect/github"}) {
			t.Errorf("%s offers %q", path, got)
		}
	}
	w.connect("github", "ada")
	for _, path := range []string{"/profile", "/"} {
		if p := w.get(base + path); strings.Contains(p.body, "/connect/") || strings.Contains(p.body, "Connect another") {
			t.Errorf("all are connected, and %s offers\n%s", path, p.body)
		}
	}
}

// A cookie that somebody planted next to the session's keeps nobody signed in.
func TestPlantedBesideTheSession(t *testing.T) {
	for _, path := range []string{"/logout", "/logout/everywhere"} {
		w := newWorld(t)
		w.signIn("google")
		at, _ := url.Parse(base + path)
		w.browser.Jar.SetCookies(at, []*http.Cookie{{Name: "oauthbyhand-session", Value: "planted", Path: path}})
		before := w.cookies()
		if p := w.press(path); p.url != base+"/" {
			t.Errorf("%s led to %d at %s", path, p.status, p.url)
		}
		if _, err := w.Sessions.Get(&http.Request{Header: before}); err == nil {
			t.Errorf("%s: still signed in", path)
		}
	}
}
