package trace

import (
	"html/template"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/oauthbyhand/oauth"
)

// traced returns the trace of what the app w recorded.
func traced(w *wire, m *Mask) *Trace {
	t := &Trace{Number: 7, Provider: w.Title, Begun: w.events[0].Time, source: new(source)}
	for _, e := range w.events {
		t.hops = append(t.hops, newHop(e, m))
	}
	return t
}

// render renders a template of the page.
func render(t *testing.T, name string, trace *Trace) string {
	t.Helper()
	var page strings.Builder
	if err := Define(template.New("")).ExecuteTemplate(&page, name, trace); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// The diagram as a screen reader reads it.
func TestDiagram(t *testing.T) {
	want := `
Browser (you)App (this one)Google (provider)
0 discovery
10 checks passed
App to Google: GET accounts.google.com
Google to App: 200 OK · metadata
1 request
App to Browser: redirect · code_challenge, nonce, state, sealed cookie
Browser to Google: GET accounts.google.com · code_challenge, nonce, state
you, at the provider
1s at Google, which the app does not see
2 callback
9 checks passed
state: URL = cookie
Google to Browser: redirect · code, state
Browser to App: GET /callback/google · code, state, sealed cookie
3 token
12 checks passed
code_verifier: checked by the provider
App to Google: POST oauth2.googleapis.com · client_secret, code, code_verifier
Google to App: 200 OK · access_token, id_token, refresh_token
4 ID token
25 checks passed
nonce: ID token = cookie
App to Google: GET www.googleapis.com
Google to App: 200 OK · keys
5 profile
10 checks passed
sub: profile = ID token
App to Google: GET openidconnect.googleapis.com · access_token
Google to App: 200 OK · profile
`
	for name, mask := range map[string]func() *Mask{"simulated": Whole, "real": Cut} {
		w := newWire(t, "google")
		w.signIn()
		begun := w.events[0].Time
		for i := range w.events { // the user takes a second, and nothing else takes any time
			w.events[i].Time = begun
			if w.events[i].Step >= 2 {
				w.events[i].Time = begun.Add(time.Second)
			}
		}
		text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(render(t, "diagram", traced(w, mask())), "")
		got := regexp.MustCompile(`\s*\n\s*`).ReplaceAllString(text, "\n")
		wantEqual(t, want, got, name)
	}
}

// A failed check is in the diagram by its name, and its details show the values that it
// compared.
func TestDiagramOfAFailure(t *testing.T) {
	for _, test := range []struct{ check, got, want string }{
		{"callback-state", "another value", "of another, want of this browser"},
		{"callback-state", "", "missing, want of this browser"},
		{"attempt-user", "another value", "another value, want user-1"},
		{"header-alg", "none", "none, want the expected one"}, // which the trace does not know
	} {
		rec, v := NewRecorder(Whole, false, io.Discard), new(visitor)
		v.request(rec, "/callback/google",
			oauth.RedirectIn{Path: "/callback/google", Query: "code=stolen&state=of+another"},
			oauth.Signed{Normalized: "a text, which has no name"},
			oauth.AttemptTaken{Cookie: "attempt-of-this", Attempt: oauth.Attempt{State: "of this browser", User: "user-1"}},
			oauth.Checked{
				{Check: oauth.Check{Step: 2, Name: "callback-query"}, OK: true},
				{Check: oauth.Check{Step: 2, Name: "callback-query"}, OK: true},
				{Check: oauth.Check{Step: 2, Name: test.check}, Got: test.got, Want: "the expected one"},
			})
		trace := rec.Traces(v.get("/trace")).Shown
		s := trace.Steps()[1]
		failed := trace.Stopped.Checks.Are("failed")
		if len(failed) != 1 || failed[0].Check.Name != test.check || len(s.Hops[3].Checks.Are("failed")) != 1 || s.Hops[3].Anchor != "step-1-1-4" || len(s.Checks.Are("held")) != 1 {
			t.Fatalf("the step is %+v", s)
		}
		wantEqual(t, test.want, failed[0].Found(), test.check)
	}
}

// The diagram says that something was compared only if that has happened: a check that has seen a
// value compares nothing, and a provider that refuses the code does not say why.
func TestDiagramOfNoComparison(t *testing.T) {
	rec, v := NewRecorder(Whole, false, io.Discard), new(visitor)
	v.request(rec, "/callback/google",
		oauth.RedirectIn{Path: "/callback/google", Query: "code=c0de&state=of+another"},
		oauth.Checked{
			{Check: oauth.Check{Step: 2, Name: "callback-state"}, OK: true, Got: "is there"},
			{Check: oauth.Check{Step: 2, Name: "attempt-found"}, Want: "a cookie"},
		},
		oauth.RequestSent{Method: "POST", URL: "https://oauth2.googleapis.com/token", Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: "code_verifier=another"},
		oauth.ReplyReceived{Status: 400},
		oauth.Checked{{Check: oauth.Check{Step: 3, Name: "reply-received"}, OK: true}})
	html := render(t, "diagram", rec.Traces(v.get("/trace")).Shown)
	if !strings.Contains(html, "attempt-found") || !strings.Contains(html, "code_verifier") {
		t.Fatalf("the diagram lacks what happened:\n%s", html)
	}
	for _, words := range []string{"URL = cookie", "checked by the provider"} {
		if strings.Contains(html, words) {
			t.Errorf("the diagram says %q", words)
		}
	}
}

// Each link leads to something on the page, no anchor is there twice, and the page shows the
// code with simulated providers only.
func TestPageLinks(t *testing.T) {
	for name, test := range map[string]struct {
		mask func() *Mask
		code bool
	}{"simulated": {Whole, true}, "real": {Cut, false}} {
		w := newWire(t, "google")
		w.signIn()
		page := render(t, "steps", traced(w, test.mask()))
		anchors := make(map[string]int)
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if anchors[m[1]]++; anchors[m[1]] == 2 {
				t.Errorf("%s: the anchor %s is there twice", name, m[1])
			}
		}
		links := regexp.MustCompile(` href="#([^"]*)"`).FindAllStringSubmatch(page, -1)
		for _, m := range links {
			if to, _ := url.PathUnescape(m[1]); anchors[to] == 0 {
				t.Errorf("%s: no anchor for the link to %s", name, m[1])
			}
		}
		if len(links) < 19 {
			t.Errorf("%s: %d links within the page, want at least one per arrow and step", name, len(links))
		}
		wantEqual(t, test.code, strings.Contains(page, "func (c *Client) ParseCallback("), name+": code is shown")
		state := regexp.MustCompile(`<a href="#callback.go-\d+"[^>]*><code>callback-state</code>`).MatchString(page)
		wantEqual(t, test.code, state, name+": callback-state leads to its line")
	}
}

// If several functions of a file make a check, it links to the function of its step.
func TestPageLinksToTheStep(t *testing.T) {
	w := newWire(t, "x")
	w.signIn()
	lines := make(map[string]bool)
	for _, m := range regexp.MustCompile(`href="#(oauth1.go-\d+)"[^>]*><code>attempt-client<`).FindAllStringSubmatch(render(t, "steps", traced(w, Whole())), -1) {
		lines[m[1]] = true
	}
	wantEqual(t, 3, len(lines), "at how many lines attempt-client is")
}
