package oauth

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// listen returns a context and the events of what is done with it, one line each: step,
// function, file, and what happened.
func listen(ctx context.Context) (context.Context, func() []string) {
	var mu sync.Mutex
	var lines []string
	ctx = WithTrace(ctx, func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, fmt.Sprintf("%d %s (%s) %s", e.Step, e.Function, e.File, summary(e.What)))
	})
	return ctx, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return lines
	}
}

// last returns a context and the last event of this type in what is done with it.
func last[T any](ctx context.Context) (context.Context, *T) {
	got := new(T)
	return WithTrace(ctx, func(e Event) {
		if what, ok := e.What.(T); ok {
			*got = what
		}
	}), got
}

func summary(what any) string {
	switch e := what.(type) {
	case RequestSent:
		return "RequestSent " + e.Method + " " + e.URL
	case ReplyReceived:
		return fmt.Sprint("ReplyReceived ", e.Status)
	case Checked:
		var outcomes []string
		for _, o := range e {
			outcomes = append(outcomes, o.Check.Name+map[bool]string{true: "", false: " FAILED"}[o.OK || o.Skipped]+map[bool]string{true: " (skipped)"}[o.Skipped])
			if o.OK && o.Want != "" && o.Want != o.Got { // the outcome of a check that holds keeps no wanted value
				outcomes = append(outcomes, "wants "+o.Want)
			}
		}
		return "Checked " + strings.Join(outcomes, ", ")
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", what), "oauth.")
}

// An event names the function that made it: its source begins on the line that the
// event says.
func TestTraceFindsTheSource(t *testing.T) {
	ctx := WithTrace(t.Context(), func(e Event) {
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
	c1 := newClient1(t, xRow(), newX())
	c1.Begin(ctx)
	c1.ParseCallback(ctx, Attempt{Provider: "x"}, "")
	c1.Get(ctx, TokenCredentials{}, "https://x.example/")
}

// Everything that happens in one sign-in, in its order, under the names that a reader
// can look up.
func TestTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, events := listen(t.Context())
		p := newOP()
		c, attempts := newClient(t, opRow(), p), newAttempts(false)

		attempt, _, err := c.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p.says[opToken] = saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "id_token": "` +
			sign(rs256, claims(set{"nonce": attempt.Nonce}), rsaKey()) + `"}`)
		b, w := browser{}, httptest.NewRecorder()
		if err := attempts.Put(w, b.request("/login/op").WithContext(ctx), attempt); err != nil {
			t.Fatal(err)
		}
		b.keep(w)
		r := b.request("/callback/op?code=c0de&state=" + attempt.State).WithContext(ctx)
		if attempt, err = attempts.Take(httptest.NewRecorder(), r); err != nil {
			t.Fatal(err)
		}
		callback := must(c.ParseCallback(ctx, attempt, r.URL.RawQuery))
		unverified := must(c.Exchange(ctx, callback))
		tokens := must(c.VerifyIDToken(ctx, unverified))
		must(c.UserInfo(ctx, tokens))
		want := []string{
			"0 Client.Discover (discovery.go) Checked endpoint-https",
			"0 Client.Discover (discovery.go) RequestSent GET https://op.example/.well-known/openid-configuration",
			"0 Client.Discover (discovery.go) ReplyReceived 200",
			"0 Client.Discover (discovery.go) Checked reply-size, reply-received",
			"0 Client.Discover (discovery.go) Checked reply-status-200, reply-media-type, reply-json",
			"0 Client.Discover (discovery.go) Checked discovery-members, discovery-issuer, discovery-endpoints, discovery-endpoints, discovery-endpoints, token-client-auth, " +
				"endpoint-https, endpoint-https, endpoint-https, endpoint-https, endpoint-https (skipped)",
			"1 Client.Begin (begin.go) RedirectOut",
			"1 Attempts.Put (attempts.go) AttemptPut",

			"2 Attempts.Take (attempts.go) RedirectIn",
			"2 Attempts.Take (attempts.go) Checked callback-state, attempt-unused (skipped), attempt-found",
			"2 Attempts.Take (attempts.go) AttemptTaken",
			"2 Attempts.Take (attempts.go) Checked attempt-opens, attempt-fresh, attempt-unused",
			"2 Client.ParseCallback (callback.go) Checked callback-once, attempt-client, callback-state, callback-issuer (skipped), callback-code, callback-code",

			"3 Client.Exchange (token.go) Checked attempt-client",
			"3 Client.Exchange (token.go) Checked token-client-auth",
			"3 Client.Exchange (token.go) Checked endpoint-https",
			"3 Client.Exchange (token.go) RequestSent POST https://op.example/token",
			"3 Client.Exchange (token.go) ReplyReceived 200",
			"3 Client.Exchange (token.go) Checked reply-size, reply-received",
			"3 Client.Exchange (token.go) Checked reply-status-200, reply-media-type, reply-json",
			"3 Client.Exchange (token.go) Checked token-members, token-access, token-access, token-type",
			"3 Client.Exchange (token.go) Checked token-id-token",

			"4 Client.VerifyIDToken (idtoken.go) Checked attempt-client",
			"4 Client.VerifyIDToken (idtoken.go) TokenDecoded",
			"4 Client.VerifyIDToken (idtoken.go) Checked id-token-form, header-typ (skipped), header-crit, header-alg",
			"4 Client.VerifyIDToken (idtoken.go) Checked endpoint-https",
			"4 Client.VerifyIDToken (idtoken.go) RequestSent GET https://op.example/jwks",
			"4 Client.VerifyIDToken (idtoken.go) ReplyReceived 200",
			"4 Client.VerifyIDToken (idtoken.go) Checked reply-size, reply-received",
			"4 Client.VerifyIDToken (idtoken.go) Checked reply-status-200, reply-media-type, reply-json",
			"4 Client.VerifyIDToken (idtoken.go) Checked reply-json, reply-size",
			"4 Client.VerifyIDToken (idtoken.go) Checked key-known, key-fits",
			"4 Client.VerifyIDToken (idtoken.go) Checked id-token-signature",
			"4 Client.VerifyIDToken (idtoken.go) Checked id-token-form, claim-types, claim-iss, claim-aud, claim-aud-only, claim-azp (skipped), claim-exp, claim-iat, " +
				"claim-iat-fresh, claim-nbf (skipped), claim-nonce, claim-sub, claim-sub, claim-at-hash (skipped)",

			"5 Client.UserInfo (userinfo.go) Checked attempt-client",
			"5 Client.Get (userinfo.go) Checked endpoint-https",
			"5 Client.Get (userinfo.go) RequestSent GET https://op.example/userinfo",
			"5 Client.Get (userinfo.go) ReplyReceived 200",
			"5 Client.Get (userinfo.go) Checked reply-size, reply-received",
			"5 Client.Get (userinfo.go) Checked reply-status-200, reply-media-type, reply-json",
			"5 Client.UserInfo (userinfo.go) Checked profile-members, userinfo-sub",
			"5 Client.UserInfo (userinfo.go) Checked profile-members, profile-subject, profile-subject, userinfo-sub",
		}
		if diff := cmp.Diff(want, events()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// A run of checks ends with the one that failed, which says on what.
func TestTraceOfAFailure(t *testing.T) {
	ctx, checked := last[Checked](t.Context())
	_, err := newClient(t, opRow(), nil).ParseCallback(ctx, attemptOf("op"), "state=st4te-st4te&code=c0de&iss=https%3A%2F%2Fevil.example")
	wantCheck(t, err, 2, "callback-issuer", "the case")
	want := Checked{
		{Check: callbackOnce, OK: true},
		{Check: attemptClient, Got: "op", Want: "op", OK: true},
		{Check: callbackState, Got: "the same", OK: true},
		{Check: callbackIssuer, Got: "https://evil.example", Want: "https://op.example"},
	}
	if diff := cmp.Diff(want, *checked); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The events hold what went over the wire as it was; what to hide is the listener's
// decision, which it can only make if it sees it.
func TestTraceOfTheWire(t *testing.T) {
	p := newOP().but(opToken, says(400, "application/json", `{"error": "invalid_grant"}`))
	c := newClient(t, plainRow(), p)
	ctx, sent := last[RequestSent](t.Context())
	c.Exchange(ctx, callbackOf(t, c))
	if diff := cmp.Diff(p.asked[0], *sent); diff != "" {
		t.Errorf("(-on the wire +in the event)\n%s", diff)
	}
	ctx, received := last[ReplyReceived](t.Context())
	c.Exchange(ctx, callbackOf(t, c))
	want := ReplyReceived{400, http.Header{"Content-Type": {"application/json"}}, `{"error": "invalid_grant"}`}
	if diff := cmp.Diff(want, *received); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
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
	if got := p.asked[0].Header.Get("Authorization"); got != "Bearer t0ken" {
		t.Errorf("the request has the header %v", p.asked[0].Header)
	}
	// Outside of all steps an event says so.
	var events []Event
	ctx = WithTrace(t.Context(), func(e Event) { events = append(events, Event{What: e.What, Function: e.Function, Step: e.Step}) })
	check(ctx, replySize.holds(true))
	if diff := cmp.Diff([]Event{{What: Checked{{Check: replySize, OK: true}}}}, events); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// fiveChecks hold, of each kind that a sign-in uses.
func fiveChecks(t testing.TB, ctx context.Context) {
	got, want := "value", "value"
	if err := check(ctx,
		callbackOnce.noError(nil),
		attemptClient.equal(got, want),
		callbackState.equalSecret(got, want),
		callbackIssuer.equal("", want).skipIf(true),
		callbackCode.present(got),
	); err != nil {
		t.Fatal(err)
	}
}

// A sign-in without a trace pays nothing for it.
func TestTraceCostsNothing(t *testing.T) {
	if allocations := testing.AllocsPerRun(100, func() { fiveChecks(t, t.Context()) }); allocations != 0 {
		t.Errorf("%v allocations for five checks, want none", allocations)
	}
}

// BenchmarkChecksUntraced and BenchmarkChecksTraced are to be read side by side: five
// checks allocate nothing while nobody listens.
func BenchmarkChecksUntraced(b *testing.B) { benchmarkChecks(b, context.Background()) }

func BenchmarkChecksTraced(b *testing.B) {
	benchmarkChecks(b, WithTrace(context.Background(), func(Event) {}))
}

func benchmarkChecks(b *testing.B, ctx context.Context) {
	b.ReportAllocs()
	for b.Loop() {
		fiveChecks(b, ctx)
	}
}
