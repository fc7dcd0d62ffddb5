package oauth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// last returns a context and the last event of this type in what is done with it.
func last[T any](ctx context.Context) (context.Context, *T) {
	got := new(T)
	return WithTrace(ctx, func(e Event) {
		if what, ok := e.What.(T); ok {
			*got = what
		}
	}), got
}

// An event names the step and the function that made it: its source begins on the line
// that the event says.
func TestTraceFindsTheSource(t *testing.T) {
	steps := map[string]int{}
	ctx := WithTrace(t.Context(), func(e Event) {
		steps[e.Function] = e.Step
		source, err := os.ReadFile(filepath.Base(e.Path))
		if err != nil || !strings.HasSuffix(e.Path, "/oauth/"+e.File) {
			t.Fatalf("%s: %v", e.Path, err)
		}
		_, name, _ := strings.Cut(e.Function, ".")
		if line := strings.Split(string(source), "\n")[e.Line-1]; !strings.HasPrefix(line, "func (") || !strings.Contains(line, ") "+name+"(") {
			t.Errorf("line %d of %s is not where %s begins: %s", e.Line, e.File, e.Function, line)
		}
	})
	c, x := newClient(t, opRow(), newOP()), newClient(t, plainRow(), nil)
	c.Begin(ctx)
	c.ParseCallback(ctx, attemptOf("op"), "")
	x.Exchange(ctx, Callback{})
	c.UserInfo(ctx, Tokens{})
	c.Refresh(ctx, Tokens{})
	c.Revoke(ctx, Tokens{})
	attemptOf("op").CheckUser(ctx, "")
	w, r := httptest.NewRecorder(), browser{}.request("/").WithContext(ctx)
	newAttempts(false).Put(w, r, newAttempt("STATE6789"))
	newAttempts(false).Take(w, r)
	c1 := newClient1(t, xRow(), newX())
	c1.Begin(ctx)
	c1.ParseCallback(ctx, Attempt{Provider: "x"}, "")
	c1.Get(ctx, TokenCredentials{}, "https://x.example/")
	want := map[string]int{
		"Client.Discover": 0, "Client.Begin": 1, "Client.ParseCallback": 2, "Client.Exchange": 3, "Client.UserInfo": 5, "Client.Refresh": 6, "Client.Revoke": 7,
		"Attempts.Put": 1, "Attempts.Take": 2, "Attempt.CheckUser": 2, "Client1.Begin": 1, "Client1.ParseCallback": 2, "Client1.Get": 5,
	}
	wantEqual(t, want, steps, "steps")
}

// A run of checks ends with the one that failed, which says on what.
func TestTraceOfAFailure(t *testing.T) {
	ctx, checked := last[Checked](t.Context())
	_, err := newClient(t, opRow(), nil).ParseCallback(ctx, attemptOf("op"), "state=st4te-st4te&code=c0de&iss=https%3A%2F%2Fevil.example")
	wantCheck(t, err, 2, "callback-issuer", "the case")
	want := Checked{
		{Check: callbackQuery, OK: true},
		{Check: attemptClient, Got: "op", Want: "op", OK: true},
		{Check: callbackState, Got: "the same", OK: true},
		{Check: callbackIssuer, Got: "https://evil.example", Want: "https://op.example"},
	}
	wantEqual(t, want, *checked, "outcomes")
}

// The events hold what went over the wire as it was; what to hide is the listener's
// decision, which it can only make if it sees it.
func TestTraceOfTheWire(t *testing.T) {
	p := newOP().but(opToken, says(400, "application/json", `{"error": "invalid_grant"}`))
	c := newClient(t, plainRow(), p)
	callback := callbackOf(t, c)
	var got []any
	c.Exchange(WithTrace(t.Context(), func(e Event) {
		switch e.What.(type) {
		case RequestSent, ReplyReceived:
			got = append(got, e.What)
		}
	}), callback)
	want := []any{p.asked[0], ReplyReceived{400, http.Header{"Content-Type": {"application/json"}}, `{"error": "invalid_grant"}`}}
	wantEqual(t, want, got, "what went over the wire")
}

// A listener gets copies.
func TestTraceChangesNothing(t *testing.T) {
	p := newOP()
	ctx := WithTrace(t.Context(), func(e Event) {
		if sent, ok := e.What.(RequestSent); ok {
			clear(sent.Header)
		}
	})
	newClient(t, opRow(), p).Get(ctx, signedIn("op"), opUserinfo)
	wantEqual(t, "Bearer t0ken", p.asked[0].Header.Get("Authorization"), "the header of the request itself")
	// Outside of all steps an event says so.
	var events []Event
	ctx = WithTrace(t.Context(), func(e Event) { events = append(events, Event{What: e.What, Function: e.Function, Step: e.Step}) })
	check(ctx, replySize.holds(true))
	wantEqual(t, []Event{{What: Checked{{Check: replySize, OK: true}}}}, events, "no step, no function")
}

// A sign-in without a trace pays nothing for it.
func TestTraceCostsNothing(t *testing.T) {
	got, want := "value", "value"
	allocations := testing.AllocsPerRun(100, func() {
		// One of each kind that a sign-in uses.
		if err := check(t.Context(),
			callbackQuery.noError(nil),
			attemptClient.equal(got, want),
			callbackState.equalSecret(got, want),
			callbackIssuer.equal("", want).skipIf(true),
			callbackCode.present(got),
		); err != nil {
			t.Fatal(err)
		}
	})
	wantEqual(t, 0, allocations, "allocations for five checks")
}
