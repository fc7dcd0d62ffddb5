package trace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth"
	"github.com/google/go-cmp/cmp"
)

// visitor is a browser as far as the recorder sees it.
type visitor struct {
	cookie  *http.Cookie
	attempt string // the value of the attempt's cookie
	user    string // who is signed in
}

// request sends a request of the visitor to an app in which these events happen, functions run or
// errors end the trace, and which then redirects.
func (v *visitor) request(rec *Recorder, target string, events ...any) (l *listener) {
	app := func(w http.ResponseWriter, r *http.Request) {
		l = w.(*listener)
		for _, what := range events {
			switch what := what.(type) {
			case func():
				what()
			case func(*listener):
				what(l)
			case error:
				End(r.Context(), what.Error())
			default:
				l.hear(oauth.Event{Time: time.Now(), Step: 1, What: what})
			}
		}
		http.Redirect(w, r, "/profile", http.StatusSeeOther)
	}
	w, user := httptest.NewRecorder(), func(*http.Request) string { return v.user }
	rec.Handler(func(*http.Request) string { return "Google" }, user, http.HandlerFunc(app)).ServeHTTP(w, v.get(target))
	for _, c := range w.Result().Cookies() {
		v.cookie = c
	}
	return l
}

func (v *visitor) get(target string) *http.Request {
	r := httptest.NewRequest("GET", target, nil)
	if v.cookie != nil {
		r.AddCookie(v.cookie)
	}
	r.AddCookie(v.attemptCookie())
	return r
}

// begins begins a sign-in, and ends is its callback.
func (v *visitor) begins(rec *Recorder, state string) *listener {
	return v.request(rec, "/login/google", v.put(state))
}

// put is what happens when a sign-in begins.
func (v *visitor) put(state string) oauth.AttemptPut {
	return oauth.AttemptPut{Cookie: v.attemptCookie(), Attempt: oauth.Attempt{State: state}}
}

func (v *visitor) attemptCookie() *http.Cookie {
	return &http.Cookie{Name: "oauthbyhand-attempt-STATE678", Value: v.attempt}
}

func (v *visitor) ends(rec *Recorder, state string) {
	v.request(rec, "/callback/google?state="+state, oauth.RedirectIn{Path: "/callback/google", Query: "state=" + state})
}

// sees lists the visitor's sign-ins by their numbers of hops, the latest first.
func (v *visitor) sees(rec *Recorder) []int {
	var hops []int
	for _, latest := range rec.Traces(v.get("/trace")).Latest {
		count := 0
		for _, step := range rec.Traces(v.get(fmt.Sprint("/trace?number=", latest.Number))).Shown.Steps() {
			count += len(step.Hops)
		}
		hops = append(hops, count)
	}
	return hops
}

func wantEqual[T any](t *testing.T, want, got T, reason string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%swhy: %s", diff, reason)
	}
}

func TestRecorderKeepsVisitorsApart(t *testing.T) {
	rec := NewRecorder(Whole, false, io.Discard)
	ada, mallory := visitor{attempt: "ada's"}, visitor{attempt: "mallory's"}
	ada.begins(rec, "a")
	mallory.begins(rec, "m")
	mallory.begins(rec, "m2")
	mallory.user = "mallory" // so he keeps what came before
	mallory.ends(rec, "a")   // Ada's state in Mallory's browser: a sign-in of his own
	ada.ends(rec, "a")       // the same sign-in
	ada.user = "ada"
	ada.ends(rec, "a") // once more: another
	mallory.request(rec, "/callback/google")
	ada.begins(rec, "b")
	ada.request(rec, "/login/google?state=b", ada.put("c")) // a sign-in of its own
	wantEqual(t, []int{1, 1, 1, 2}, ada.sees(rec), "what Ada sees")
	wantEqual(t, []int{1, 1, 1}, mallory.sees(rec), "what Mallory sees")
	wantEqual(t, nil, new(visitor).sees(rec), "what a stranger sees")
}

// OAuth 1.0a has no state. The temporary token is in the redirect and in the callback, also if the
// user declines.
func TestRecorderOfOAuth1(t *testing.T) {
	for name, query := range map[string]string{"allowed": "oauth_token=t&oauth_verifier=v", "refused": "denied=t"} {
		rec := NewRecorder(Whole, false, io.Discard)
		var ada visitor
		ada.request(rec, "/login/x", oauth.AttemptPut{Cookie: ada.attemptCookie(), Attempt: oauth.Attempt{State: "a hash of t", TemporaryToken: "t"}})
		ada.request(rec, "/callback/x?"+query, oauth.RedirectIn{Path: "/callback/x", Query: query})
		wantEqual(t, []int{2}, ada.sees(rec), name)
	}
}

// If an attacker has planted the visitor cookie, it shows nothing after the sign-in. If the browser
// brings the callback twice, the cookie of each answer shows it, because one of them may be lost. What
// comes later, only the browser's own shows.
func TestRecorderRenewsTheVisitor(t *testing.T) {
	rec := NewRecorder(Whole, true, io.Discard)
	ada := visitor{attempt: "ada's"}
	ada.begins(rec, "a")
	planted := ada
	second, third := planted, planted
	ada.request(rec, "/callback/google?state=a", func() { second.ends(rec, "a") })
	third.request(rec, "/callback/google?state=a") // nothing happens: the app knows the result
	wantEqual(t, nil, planted.sees(rec), "what the cookie from before shows")
	later := third
	later.begins(rec, "l")
	wantEqual(t, []int{1, 2}, third.sees(rec), "what the browser's cookie shows later")
	for _, v := range []visitor{ada, second} {
		wantEqual(t, []int{2}, v.sees(rec), "what the new cookie shows")
		if len(v.cookie.Value) < 26 || v.cookie.Value == third.cookie.Value {
			t.Errorf("the new cookie is %s, and another answer's %s", v.cookie.Value, third.cookie.Value)
		}
		v.cookie.Value, v.cookie.Raw = "", ""
		wantEqual(t, "__Host-oauthbyhand-visitor=; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax", v.cookie.String(), "the cookie")
	}
}

// An attacker who has planted the visitor cookie, and so reads the state, learns nothing of the
// sign-in with it: not while the callback is under way, and not from the page about a callback of
// their own. A callback that failed gives no new cookie, even to an attacker who has found out the
// attempt's cookie, and a good one another cookie than the victim's.
func TestRecorderOfAnAttacker(t *testing.T) {
	fails := []any{oauth.RedirectIn{}, errors.New("stopped by attempt-unused"), errors.New("")} // the last is a line on the next page
	for name, row := range map[string]struct {
		attempt, state string
		events         []any
		renewed        bool
	}{
		"the victim's state":               {"", "a", fails, false},
		"the victim's attempt, other code": {"ada's", "a", fails, false},
		"a sign-in of their own":           {"mallory's", "m", []any{oauth.RedirectIn{}}, true},
	} {
		rec := NewRecorder(Whole, false, io.Discard)
		ada := visitor{attempt: "ada's"}
		ada.begins(rec, "a")
		mallory := visitor{cookie: ada.cookie, attempt: row.attempt, user: "mallory"} // so he keeps what came before
		planted := mallory
		ada.request(rec, "/callback/google?state=a", oauth.RedirectIn{}, oauth.ReplyReceived{Status: 200}, func() {
			wantEqual(t, nil, planted.sees(rec), name+": what the planted cookie shows while the callback is under way")
			l := mallory.request(rec, "/callback/google?state="+row.state, row.events...)
			if row.attempt != ada.attempt && len(l.record.hops) != 1 {
				t.Errorf("%s: the attacker's page shows %d hops, want the attacker's own", name, len(l.record.hops))
			}
		})
		if renewed := mallory.cookie.Value != planted.cookie.Value; renewed != row.renewed || mallory.cookie.Value == ada.cookie.Value || ada.cookie.Value == planted.cookie.Value {
			t.Errorf("%s: the cookies are %s, planted, %s, Ada's, and %s, Mallory's", name, planted.cookie.Value, ada.cookie.Value, mallory.cookie.Value)
		}
		for _, v := range []visitor{planted, mallory} {
			for _, trace := range rec.Traces(v.get("/trace")).Latest {
				if trace.Number == 1 {
					t.Errorf("%s: the cookie %s shows Ada's sign-in", name, v.cookie.Value)
				}
			}
		}
		if got := ada.sees(rec); len(got) == 0 || got[0] < 3 {
			t.Errorf("%s: Ada sees %v", name, got)
		}
	}
}

// If an attacker has planted the cookie of their own attempt, and the browser follows its callback, what the browser
// does is no part of the attacker's record.
func TestRecorderOfAPlantedAttempt(t *testing.T) {
	rec := NewRecorder(Whole, false, io.Discard)
	mallory, ada := visitor{attempt: "mallory's"}, visitor{attempt: "mallory's"}
	mallory.begins(rec, "m")
	ada.request(rec, "/callback/google?state=m", oauth.RedirectIn{}, errors.New("stopped"))
	wantEqual(t, []int{1}, mallory.sees(rec), "what Mallory sees")
	wantEqual(t, []int{1}, ada.sees(rec), "what Ada sees")
}

// If a session runs out, nobody signs out of it, and the next person at this browser may be another.
// So a sign-in shows what came before only if somebody was signed in until then.
func TestRecorderKeepsWhatCameBefore(t *testing.T) {
	rec := NewRecorder(Whole, false, io.Discard)
	var browser visitor
	browser.begins(rec, "of the first, who went away")
	for i, step := range []struct {
		action, user string
		want         []string
	}{
		{"login", "", []string{"signed in"}},
		{"login", "ada", []string{"signed in", "signed in"}},
		{"connect", "ada", []string{"connected", "signed in", "signed in"}},
		{"login", "", []string{"signed in"}},
		{"refresh", "bob", []string{"refreshed", "signed in"}},
		{"disconnect", "bob", []string{"disconnected", "refreshed", "signed in"}},
		{"disconnect", "", []string{"disconnected"}}, // the last account: nobody is signed in any more
	} {
		browser.user = step.user
		before, state := browser, fmt.Sprint(i)
		browser.request(rec, "/"+step.action+"/google", browser.put(state))
		if step.action == "login" || step.action == "connect" {
			browser.ends(rec, state)
			wantEqual(t, nil, before.sees(rec), state+": what the cookie from before shows")
		} else if before.cookie != browser.cookie {
			t.Errorf("%d: the cookie has changed", i)
		}
		var got []string
		for _, trace := range rec.Traces(browser.get("/trace")).Latest {
			got = append(got, trace.Outcome)
		}
		wantEqual(t, step.want, got, state+": what is seen")
		wantEqual(t, len(step.want), len(rec.records), state+": how many are kept")
	}
}

// A failed sign-in stays failed. The visitor gets a new cookie all the same if this callback did not fail: the one
// that failed may be another, to which an attacker has sent this browser.
func TestRecorderOfAFailure(t *testing.T) {
	rec := NewRecorder(Whole, false, io.Discard)
	var ada visitor
	ada.begins(rec, "a")
	before := *ada.cookie
	ada.request(rec, "/callback/google?state=a", func() { rec.records[0].Outcome = "stopped by callback-state" })
	if got := rec.Traces(ada.get("/trace")).Shown.Outcome; got != "stopped by callback-state" || ada.cookie.Value == before.Value {
		t.Errorf("the outcome is %q, and the cookie is new: %t", got, ada.cookie.Value != before.Value)
	}
}

// What a button still waits for while a sign-in ends is shown to the visitor after it, and not with the cookie from
// before. However often a callback comes, few cookies are kept.
func TestRecorderOfAButtonMeanwhile(t *testing.T) {
	rec := NewRecorder(Whole, false, io.Discard)
	ada := visitor{attempt: "ada's", user: "ada"}
	ada.begins(rec, "a")
	before, button := ada, ada
	button.request(rec, "/read", oauth.RedirectIn{}, func() { ada.ends(rec, "a") })
	wantEqual(t, nil, before.sees(rec), "what the cookie from before shows")
	wantEqual(t, []int{1, 2}, ada.sees(rec), "what the new one shows")
	for range 100 {
		again := before
		again.request(rec, "/callback/google?state=a")
	}
	wantEqual(t, 10, len(rec.records[0].answers), "cookies of its answers")
}

// Two traces are shown side by side if the query asks for it and both are the visitor's.
func TestTracesBeside(t *testing.T) {
	rec := NewRecorder(Whole, false, io.Discard)
	var ada, mallory visitor
	mallory.begins(rec, "m")
	ada.begins(rec, "a")
	ada.begins(rec, "b")
	for query, want := range map[string]string{"number=3&beside=2": "3 2", "number=3": "3 0", "number=1&beside=1": "3 0", "number=2&beside=x": "2 0"} {
		traces, beside := rec.Traces(ada.get("/trace?"+query)), 0
		if traces.Beside != nil {
			beside = traces.Beside.Number
		}
		wantEqual(t, want, fmt.Sprint(traces.Shown.Number, " ", beside), query)
	}
}

// If a visitor signs out, the recorder forgets this visitor and no other, also if a cookie was
// planted. A dropped sign-in does not come back if it goes on.
func TestRecorderForgets(t *testing.T) {
	rec := NewRecorder(Whole, false, io.Discard)
	var ada, mallory visitor
	late := mallory.begins(rec, "m")
	ada.begins(rec, "a")
	r := new(visitor).get("/logout")
	r.AddCookie(&http.Cookie{Name: mallory.cookie.Name, Value: "planted, to make it ambiguous whose sign-ins to forget"})
	r.AddCookie(mallory.cookie)
	wantEqual(t, 0, len(rec.Traces(r).Latest), "how many sign-ins are seen with two cookies")
	nobody := func(*http.Request) string { return "" }
	rec.Handler(nobody, nobody, http.RedirectHandler("/", http.StatusSeeOther)).ServeHTTP(httptest.NewRecorder(), r)
	late.hear(oauth.Event{Step: 3, What: oauth.ReplyReceived{Status: 200}})
	if got := mallory.sees(rec); got != nil || ada.sees(rec) == nil {
		t.Errorf("it is there again: %v, or Ada's is not: %v", got, ada.sees(rec))
	}
}

// A button that waits while the visitor signs out leaves nothing for the next person at this
// browser, whether something has happened before the sign-out or not. So no notice links to it.
func TestRecorderForgetsWhatWaits(t *testing.T) {
	for name, row := range map[string]struct {
		before []any
		other  string // the button that is pressed meanwhile
		kept   bool
	}{
		"something has happened":   {[]any{oauth.RequestSent{}}, "/logout", false},
		"nothing has happened":     {nil, "/logout", false},
		"something, nobody leaves": {[]any{oauth.RequestSent{}}, "/refresh", true},
		"nothing, nobody leaves":   {nil, "/refresh", true},
	} {
		rec := NewRecorder(Whole, false, io.Discard)
		var ada visitor
		ada.begins(rec, "a")
		tab := visitor{cookie: ada.cookie, user: "ada"}
		tab.request(rec, "/read", append(row.before, func() { ada.request(rec, row.other) }, oauth.ReplyReceived{Status: 200}, func(l *listener) {
			if got := End(context.WithValue(t.Context(), listenerKey{}, l), ""); (got != nil) != row.kept {
				t.Errorf("%s: there is a trace to link to: %t", name, got != nil)
			}
		})...)
		if got := ada.sees(rec); (got != nil) != row.kept || (len(rec.records) == 2) != row.kept {
			t.Errorf("%s: %v are seen, %d kept", name, got, len(rec.records))
		}
	}
}

// While the events of one sign-in are put into words or printed, which may take long, the page can
// show other sign-ins.
func TestRecorderKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan bool)
		terminal, out := io.Pipe()
		slow := func() *Mask {
			return &Mask{seen: make(map[string]string), hide: func(string, string) string { <-goOn; return "" }}
		}
		rec := NewRecorder(slow, false, out)
		go new(visitor).request(rec, "/login/google", oauth.RedirectOut{URL: "https://op.example/authorize?state=a"})
		for _, next := range []func(){func() { goOn <- true }, func() { terminal.Close() }} {
			synctest.Wait()
			if !rec.mu.TryLock() {
				t.Fatal("the recorder waits for the mask, or for the terminal")
			}
			rec.mu.Unlock()
			next()
		}
	})
}

// However many sign-ins are begun, and however long the replies are, the recorder
// stays within its bounds.
func TestRecorderIsBounded(t *testing.T) {
	rec, first := NewRecorder(Whole, false, io.Discard), new(visitor)
	late := first.begins(rec, "a")
	for range recordsKept {
		new(visitor).begins(rec, "a")
	}
	late.hear(oauth.Event{Step: 3, What: oauth.ReplyReceived{Status: 200}})
	if len(rec.records) != recordsKept || first.sees(rec) != nil {
		t.Errorf("%d sign-ins kept, want the latest %d: the first is seen as %v", len(rec.records), recordsKept, first.sees(rec))
	}
	reply := oauth.ReplyReceived{Status: 200, Body: `{"a":"` + strings.Repeat("x", 30<<10) + `"}`}
	var ada visitor
	ada.request(rec, "/read", append(slices.Repeat([]any{reply}, 10), oauth.AttemptTaken{})...)
	wantEqual(t, []int{5}, ada.sees(rec), "of ten replies of 30 KiB and an attempt: 128 KiB hold four replies")
	ada.request(rec, "/read", oauth.RedirectIn{Query: strings.Repeat("a&", 5000)})
	wantEqual(t, 0, ada.sees(rec)[0], "a hop with 5,000 short values is not kept")
}

// A value that was hidden once is hidden wherever it turns up again, under any name.
func TestCut(t *testing.T) {
	m := Cut()
	for _, row := range []struct {
		place, name, value, want, reason string
	}{
		{inRequest, "client_id", "app", "app", "public"},
		{inTokens, "access_token", "secret-token", "secr… (12 characters)", "a secret"},
		{inTokens, "refresh_token", "short", "… (5 characters)", "four characters would be most of it"},
		{inTokens, "new_kind_of_token", "another-secret", "anot… (14 characters)", "a name that nobody here knows"},
		{inProfile, "favourite_colour", "green", "green", "the user's own data"},
		{inProfile, "access_token", "a-secret-token", "a-se… (14 characters)", "a secret among the user's own data"},
		{inProfile, "next", "https://api.example/?access_token=secret-token&page=2", "https://api.example/?access_token=secr… (12 characters)&page=2", "the token once more"},
		{inAttempt, "value", "12345678", "… (8 characters)", "a secret with which the next begins"},
		{inRequest, "state", "1234567890abcdef", "1234… (16 characters)", "longer"},
		{inTokens, "error_description", "bad state 1234567890abcdef", "bad state 1234… (16 characters)", "longer values are looked for first"},
		{inTokens, "error_description", "bad token secret-token", "bad token secr… (12 characters)", "the token once more"},
	} {
		wantEqual(t, row.want, m.value(row.place, row.name, row.value), row.place+" "+row.name+": "+row.reason)
	}
	for _, location := range []string{"https://x.example/a?access_token=new-secret-token", "https://x.example/a#access_token=new-secret-token", "https://x.example/a"} {
		if got := headers(Cut(), http.Header{"Location": {location}}).Values[0].Value; strings.Contains(got, "secret-token") || !strings.HasPrefix(got, "https://x.example/a") {
			t.Errorf("a reply redirects with a token that nobody has seen before: %q", got)
		}
	}
	for body, want := range map[string]string{
		`{"data":[{"access_token":"secret-token-2","user_id":17}]}`: `"secr… (14 characters)"`,
		`{"session":{"code":"secret-token-2"}}`:                     `"code": "secr… (14 characters)"`, // a known name, in an object that nobody knows
		`{"client_id":["secret-token-2"]}`:                          `["secr… (14 characters)"]`,
		`{"errors":[{"message":"no","x":"secret-token-2"}]}`:        `"message": "no"`,
		`access_token=secret-token-2&scope=a`:                       "secr… (14 characters)",
		`{"access_token":"secret-token-2"`:                          "… (32 characters)", // no JSON, so nothing in it is known
		`<p>secret-token-2</p>`:                                     "… (21 characters)",
	} {
		if got := fmt.Sprint(Cut().body(inTokens, body)); strings.Contains(got, "secret-token-2") || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s in it", body, got, want)
		}
	}
}

// worst returns callbacks of 30,000 bytes. They have values to hide, and between or after these
// values that are searched for the hidden ones.
func worst() map[string]oauth.Event {
	var hidden strings.Builder
	for i := range 59 {
		fmt.Fprintf(&hidden, "x=!%06d%s&", i, strings.Repeat("é", 90))
	}
	events := make(map[string]oauth.Event)
	for name, query := range map[string]string{
		"alternating":  numbered("x=!%06d&iss=a&", 1700) + "error_description=the+last+!001699",
		"hidden first": hidden.String() + strings.Repeat("iss=a&", 3000),
		"long":         "x=" + strings.Repeat("a", 10_000) + "b&iss=" + strings.Repeat("a", 19_000),
	} {
		events[name] = oauth.Event{Step: 2, What: oauth.RedirectIn{Path: "/callback/google", Query: query}}
	}
	events["reply"] = oauth.Event{Step: 3, What: oauth.ReplyReceived{Status: 200, Body: `{"access_token":[` + numbered(`{"x":"!%06d","iss":"a"},`, 1200) + `1]}`}}
	return events
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// Anybody can call the callback with thousands of values, each of which is hidden and
// then looked for in each text.
func TestCutWorst(t *testing.T) {
	for name, e := range worst() {
		var m *Mask
		var text string
		allocs := testing.AllocsPerRun(1, func() { m = Cut(); text = newHop(e, m).after(before) })
		if allocs > 100_000 || len(m.seen) > seenMax+5 { // it was 1.3 million when each text prepared its own search
			t.Errorf("%s: %.0f allocations, and %d values remembered", name, allocs, len(m.seen))
		}
		if shown := regexp.MustCompile(`!\d{6}`).FindString(text); shown != "" {
			t.Errorf("%s: %s is not hidden", name, shown)
		}
	}
}

func BenchmarkCutWorst(b *testing.B) {
	for name, e := range worst() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				newHop(e, Cut()).after(before)
			}
		})
	}
}

// With Basic authentication the secret goes form-encoded and then base64-encoded over
// the wire, and can come back as it is.
func TestCutBasic(t *testing.T) {
	r := httptest.NewRequest("POST", "https://op.example/token", nil)
	r.SetBasicAuth("app", url.QueryEscape("TOP SECRET/of this app"))
	m := Cut()
	sent := newHop(oauth.Event{Step: 3, What: oauth.RequestSent{Method: "POST", URL: "https://op.example/token", Header: r.Header}}, m)
	reply := newHop(oauth.Event{Step: 3, What: oauth.ReplyReceived{Status: 401, Body: `{"error":"invalid_client","error_description":"wrong: TOP SECRET/of this app, TOP+SECRET%2Fof+this+app, TOP%20SECRET%2Fof%20this%20app"}`}}, m)
	for _, h := range []hop{sent, reply} {
		if text := h.after(hop{}); strings.Contains(text, "SECRET") || !strings.Contains(text, "characters)") {
			t.Error(text)
		}
	}
}

// Each parameter on the way to a signature is cut, also a verifier of seven digits, and
// however it is encoded there; the public ones stay readable.
func TestCutOAuth1(t *testing.T) {
	signed := oauth.Signed{
		Parameters: []oauth.Parameter{{Name: "oauth_callback", Value: "https://app.example/cb?a=b&c"}, {Name: "oauth_verifier", Value: "1234567"}, {Name: "oauth_token", Value: "ab cd~ef*ghijk"}, {Name: "new", Value: "7654321"}},
		Normalized: "new=7654321&oauth_callback=https%3A%2F%2Fapp.example%2Fcb%3Fa%3Db%26c&oauth_token=ab%20cd~ef%2Aghijk&oauth_verifier=1234567",
		BaseString: "POST&https%3A%2F%2Fapi.x.com%2Foauth%2Faccess_token&new%3D7654321%26oauth_callback%3Dhttps%253A%252F%252Fapp.example%252Fcb%253Fa%253Db%2526c%26oauth_token%3Dab%2520cd~ef%252Aghijk%26oauth_verifier%3D1234567",
		Signature:  "c2lnbmF0dXJl",
	}
	want := []string{
		"new=… (7 characters)&oauth_callback=https%3A%2F%2Fapp.example%2Fcb%3Fa%3Db%26c&oauth_token=ab c… (14 characters)&oauth_verifier=… (7 characters)",
		"POST&https%3A%2F%2Fapi.x.com%2Foauth%2Faccess_token&new%3D… (7 characters)%26oauth_callback%3Dhttps%253A%252F%252Fapp.example%252Fcb%253Fa%253Db%2526c%26oauth_token%3Dab c… (14 characters)%26oauth_verifier%3D… (7 characters)",
	}
	h := newHop(oauth.Event{Step: 3, Function: "Client1.Exchange", What: signed}, Cut())
	wantEqual(t, want, []string{h.Parts[1].Values[0].Value, h.Parts[2].Values[0].Value}, "the normalized parameters and the base string")
}

// A callback that anybody can send must not steer the operator's terminal, nor
// write lines that look like the recorder's own.
func TestTerminal(t *testing.T) {
	var terminal strings.Builder
	rec := NewRecorder(Whole, false, &terminal)
	new(visitor).ends(rec, "%1b%5B2J%0AApp:+forged&x%0Dy=%C2%9B1m&z=%E2%80%AEgnorw%E2%81%A6%E2%80%A8")
	want := `
=== 1 request · RFC 6749 §4.1.1; RFC 7636 §4.3

Provider → Browser → App: GET /callback/google   [, oauth/]
  Parameters in the URL
    state = �[2J↵App: forged
    x�y = �1m
    z = �gnorw��
`
	wantEqual(t, want, terminal.String(), "what is printed")
}

// A provider's reply of some kilobytes must not become many megabytes.
func TestDeepAndLongJSON(t *testing.T) {
	for name, body := range map[string]string{
		"deep arrays":  strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"deep objects": strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
		"long":         "[" + strings.Repeat("1,", 400_000) + "1]",
	} {
		if got := Whole().body(inProfile, body); len(got.text()) > 5000 {
			t.Errorf("%s: %d bytes shown", name, len(got.text()))
		}
	}
}

func TestPrettyJSON(t *testing.T) {
	got := Whole().body(inProfile, `{"b":{"n":12345678901234567890,"z":null},"a":"<&>","s":["1","2"],"e":{}}`).text()
	want := `    {
      "b": {
        "n": 12345678901234567890,
        "z": null
      },
      "a": "<&>",
      "s": ["1", "2"],
      "e": {}
    }
`
	wantEqual(t, want, got, "the text")
}
