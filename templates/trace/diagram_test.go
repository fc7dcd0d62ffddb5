package trace

import (
	"bytes"
	"html/template"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/oauthbyhand/oauth"
	"github.com/google/go-cmp/cmp"
)

// traced returns the trace of what the app w recorded.
func traced(w *wire, m *Mask) *Trace {
	t := &Trace{Number: 7, Provider: w.Title, Begun: w.events[0].Time, source: new(source)}
	for _, e := range w.events {
		t.hops = append(t.hops, newHop(e, m))
	}
	return t
}

// messages are the diagram as a screen reader reads it.
func (d diagram) messages() []string {
	var all []string
	for _, s := range d.Steps {
		line := s.Name
		if s.Note != "" {
			line += ": " + s.Note
		}
		all = append(all, line)
		for _, words := range s.Compared {
			all = append(all, "  "+words)
		}
		for _, a := range s.Arrows {
			all = append(all, "  "+a.From+" to "+a.To+": "+a.Label+" · "+strings.Join(a.Carries, ", "))
		}
		for _, r := range s.Checks.Are("failed") {
			all = append(all, "  failed: "+r.Check.Name)
		}
	}
	return all
}

func TestDiagram(t *testing.T) {
	want := []string{
		"discovery",
		"  App to Provider: GET accounts.google.com · ",
		"  Provider to App: 200 OK · metadata",
		"request",
		"  App to Browser: redirect · code_challenge, nonce, state, sealed cookie",
		"  Browser to Provider: GET accounts.google.com · code_challenge, nonce, state",
		"you, at the provider: 1 second at Google, which the app does not see",
		"callback",
		"  state: URL = cookie",
		"  Provider to Browser: redirect · code, state",
		"  Browser to App: GET /callback/google · code, state, sealed cookie",
		"token",
		"  code_verifier: checked by the provider",
		"  App to Provider: POST oauth2.googleapis.com · client_secret, code, code_verifier",
		"  Provider to App: 200 OK · access_token, id_token, refresh_token",
		"ID token",
		"  nonce: ID token = cookie",
		"  App to Provider: GET www.googleapis.com · ",
		"  Provider to App: 200 OK · keys",
		"profile",
		"  sub: profile = ID token",
		"  App to Provider: GET openidconnect.googleapis.com · access_token",
		"  Provider to App: 200 OK · profile",
	}
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
		d := traced(w, mask()).Diagram("")
		got := d.messages()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if callback := d.Steps[3]; len(callback.Checks.Are("held")) != 9 || callback.Anchor != "step-2" {
			t.Errorf("%s: the callback is %+v", name, callback)
		}
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
		trace := &Trace{source: new(source)}
		for _, what := range []any{
			oauth.RedirectIn{Path: "/callback/google", Query: "code=stolen&state=of+another"},
			oauth.AttemptTaken{Cookie: "attempt-of-this", Attempt: oauth.Attempt{State: "of this browser", User: "user-1"}},
			oauth.Checked{
				{Check: oauth.Check{Step: 2, Name: "callback-once"}, OK: true},
				{Check: oauth.Check{Step: 2, Name: "callback-once"}, OK: true},
				{Check: oauth.Check{Step: 2, Name: test.check}, Got: test.got, Want: "the expected one"},
			},
		} {
			h := newHop(oauth.Event{Step: 2, Function: "Client.ParseCallback", What: what}, Whole())
			h.addValues(trace.hops)
			trace.hops = append(trace.hops, h)
		}
		s := trace.Steps()[0]
		failed := s.Hops[2].Checks.Are("failed")
		if len(failed) != 1 || failed[0].Check.Name != test.check || s.Hops[2].Anchor != "step-2-3" || len(s.Checks.Are("held")) != 1 {
			t.Fatalf("the step is %+v", s)
		}
		if got := failed[0].Found(); got != test.want {
			t.Errorf("%s found %q, want %q", test.check, got, test.want)
		}
		if diff := cmp.Diff(failed, trace.Failed()); diff != "" {
			t.Errorf("the trace has failed with (-step +trace):\n%s", diff)
		}
	}
}

// Each link of the page leads to what is on it, no anchor is there twice, and the code is
// shown with simulated providers only.
func TestPageLinks(t *testing.T) {
	for name, test := range map[string]struct {
		mask func() *Mask
		code bool
	}{"simulated": {Whole, true}, "real": {Cut, false}} {
		w := newWire(t, "google")
		w.signIn()
		var page bytes.Buffer
		pages := Define(template.New(""))
		if err := pages.ExecuteTemplate(&page, "steps", traced(w, test.mask())); err != nil {
			t.Fatal(err)
		}
		anchors := make(map[string]int)
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page.String(), -1) {
			if anchors[m[1]]++; anchors[m[1]] == 2 {
				t.Errorf("%s: the anchor %s is there twice", name, m[1])
			}
		}
		links := regexp.MustCompile(` href="#([^"]*)"`).FindAllStringSubmatch(page.String(), -1)
		for _, m := range links {
			if to, _ := url.PathUnescape(m[1]); anchors[to] == 0 {
				t.Errorf("%s: no anchor for the link to %s", name, m[1])
			}
		}
		text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page.String(), "")
		for _, message := range []string{"App to Google: GET accounts.google.com", "Google to Browser: redirect · code, state"} {
			if !strings.Contains(text, message) {
				t.Errorf("%s: without its lines the diagram does not say %q", name, message)
			}
		}
		if len(links) < 19 {
			t.Errorf("%s: %d links within the page, want at least one per arrow and step", name, len(links))
		}
		if got := strings.Contains(page.String(), "func (c *Client) ParseCallback("); got != test.code {
			t.Errorf("%s: code is shown: %t, want %t", name, got, test.code)
		}
		state := regexp.MustCompile(`<a href="#step-2-callback.go-\d+"[^>]*><code>callback-state</code>`).MatchString(page.String())
		if state != test.code {
			t.Errorf("%s: callback-state leads to its line: %t, want %t", name, state, test.code)
		}
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1 second", 990 * time.Millisecond: "1 second", 1200 * time.Millisecond: "1.2 seconds", 3 * time.Minute: "180 seconds", 0: "0 seconds",
	} {
		if got := seconds(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
