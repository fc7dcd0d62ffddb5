package oauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The edges of rules: the last value that passes and the first that does not, what happens
// if the second request of a step fails, and what a trace says of it.

func TestDates(t *testing.T) {
	for date, want := range map[string]time.Time{
		"0.9": {}, "1": time.Unix(1, 0), "253402300799": time.Unix(253402300799, 0), "253402300800": {},
	} {
		var got time.Time
		err := readDate(Object{"exp": []byte(date)}, "exp", &got)
		if !got.Equal(want) || (err != nil) != (date == "253402300800") {
			t.Errorf("%s: %s, %v, want %s", date, got, err, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]bool{" ~": true, "\x1f": false, "\x7f": false, "": true} {
		if err := printable(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTokenFormSays(t *testing.T) {
	for compact, got := range map[string]string{
		"*.e30.eA": "not base64url", "e30.*.eA": "not base64url", "e30.e30.*": "not base64url", "e30.e30": "not three parts with dots between them",
	} {
		ctx, events := listen(t.Context())
		_, err := newClient(t, opRow(), newOP()).VerifyIDToken(ctx, Unverified{attemptOf("op"), Tokens{Provider: "op"}, compact, false})
		wantGot(t, err, CheckError{Got: got})
		if text := strings.Join(events(), "\n"); strings.Contains(text, "TokenDecoded") {
			t.Errorf("%s is no token, and was shown as one:\n%s", compact, text)
		}
	}
}

// A key that is unfit has signed nothing, whoever asks.
func TestNoKeySignsNothing(t *testing.T) {
	if (jws{signature: bytes.Repeat([]byte{1}, 64)}).signedBy(key{unfit: errors.New("x")}) {
		t.Error("it has signed")
	}
}

func TestTakeSaysWhatDoesNotOpen(t *testing.T) {
	ctx, events := listen(t.Context())
	b := browser{"oauthbyhand-attempt-S": "*"}
	_, err := newAttempts(t, testRoot, false).Take(nopWriter{}, b.request("/callback/op?state=S").WithContext(ctx))
	wantGot(t, err, CheckError{Got: "not sealed by this run of the app for this cookie"})
	if text := strings.Join(events(), "\n"); strings.Contains(text, "AttemptTaken") {
		t.Errorf("it was taken:\n%s", text)
	}
	if _, err := newAttempts(t, testRoot, false).sealer.Open("*", "place"); err == nil || err.Error() != "not base64url" {
		t.Errorf("got %v", err)
	}
}

type nopWriter struct{ http.ResponseWriter }

func (nopWriter) Header() http.Header { return http.Header{} }

// Texts of strangers are short and on one line, in each field.
func TestRefusalsAreClipped(t *testing.T) {
	long, want := strings.Repeat("x", 600), strings.Repeat("x", 500)+"…"
	q := url.Values{"state": {"st4te-st4te"}}
	for _, name := range []string{"error", "error_description", "error_uri", "error_reason"} {
		q.Set(name, long)
	}
	_, err := newClient(t, opRow(), newOP()).ParseCallback(t.Context(), attemptOf("op"), q.Encode())
	wantRefusal(t, err, Refusal{Step: 2, Code: want, Description: want, URI: want, Reason: want}, "from the callback's URL")

	attempt := Attempt{Provider: "x", TemporaryToken: "T"}
	q = url.Values{"oauth_token": {"T"}, "oauth_problem": {long}, "oauth_problem_advice": {long}}
	_, err = newClient1(t, newOP()).ParseCallback(t.Context(), attempt, q.Encode())
	wantRefusal(t, err, Refusal{Step: 2, Code: want, Description: want}, "likewise")

	var shown Checked
	ctx := WithTrace(t.Context(), func(e Event) { shown = e.What.(Checked) })
	check(ctx, callbackIssuer.equal(long, long))
	if diff := cmp.Diff(Checked{{Check: callbackIssuer, Got: want, Want: want, OK: true}}, shown); diff != "" {
		t.Errorf("in a trace (-want +got)\n%s", diff)
	}
}

// newClient1 is a client of OAuth 1.0a whose endpoints are at x.example.
func newClient1(t testing.TB, transport http.RoundTripper) *Client1 {
	t.Helper()
	c, err := NewClient1(Provider1{About: About{Name: "x"}, TemporaryCredentialURL: "https://x.example/r", AuthorizationURL: "https://x.example/a",
		TokenURL: "https://x.example/t", ProfileURL: "https://x.example/me", RevokeURL: "https://x.example/gone", Profile: noProfile},
		"id", "s3cret", "https://app.example/callback", transport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A browser that does not wait for the result gets none.
func TestOnceNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, ran := newAttempts(t, testRoot, false), browser{}, 0
		b.put(t, a, newAttempt("STATE6789"))
		again := b.request("/callback/op?code=c&state=STATE6789")
		go b.once(a, "?code=c&state=STATE6789", &ran)
		synctest.Wait()
		gone, leave := context.WithCancel(t.Context())
		leave()
		_, err := Once(a, nopWriter{}, again.WithContext(gone), func(*http.Request) (string, error) { return "", nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute) // the first ends
	})
}

// Plain http to this machine is for a provider that is on it.
func TestNewClient1AtHome(t *testing.T) {
	for token, want := range map[string]bool{"http://localhost/t": true, "https://x.example/t": false} {
		_, err := NewClient1(Provider1{About: About{Name: "x"}, AuthorizationURL: "http://localhost/a", TokenURL: token, Profile: noProfile}, "id", "s3cret", "https://app.example/callback", nil)
		if (err == nil) != want {
			t.Errorf("%s: %v", token, err)
		}
	}
}

// What each kind of failure of the network is called; the URL, which may hold secrets, is
// in none.
func TestUnreachableSays(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{errors.New("boom"), "op.example: boom"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}, "op.example: dial tcp: connection refused"},
		{&net.DNSError{Err: "no such host", Name: "op.example", Server: "10.0.0.2:53"}, "there is no host op.example"},
		{context.DeadlineExceeded, "no answer from op.example in time"},
	} {
		p := newOP()
		p.says[opToken] = func(*http.Request) (*http.Response, error) { return nil, row.err }
		ctx := WithTrace(t.Context(), func(Event) {})
		_, err := newClient(t, plainRow(), p).Get(ctx, signedIn("plain"), opToken+"?a=b")
		wantGot(t, err, CheckError{Got: row.want})
	}
}

// A request is given up after ten seconds, and what several sign-ins wait for also if it
// takes two requests.
func TestTimeouts(t *testing.T) {
	for name, slow := range map[string]time.Duration{"one request": 0, "two requests": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newOP()
				p.says[opJWKS] = hangs
				p.says[opDiscovery] = func(r *http.Request) (*http.Response, error) {
					time.Sleep(slow)
					return saysJSON(opMetadata)(r)
				}
				c, began := newClient(t, opRow(), p), time.Now()
				var err error
				if slow > 0 {
					_, err = verify(t, c, sign(rs256, claims(nil), rsaKey()))
				} else {
					_, err = c.Get(inStep(t.Context(), 4, (*Client).Get), signedIn("op"), opJWKS)
				}
				if failed, ok := errors.AsType[*CheckError](err); !ok || failed.Check.Name != "reply-received" {
					t.Errorf("got %v", err)
				}
				if waited := time.Since(began); waited != 10*time.Second {
					t.Errorf("waited %s", waited)
				}
			})
		})
	}
}

// However many sign-ins meet a new key at once, one fetch is enough for all.
func TestKeysRotationAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		p.publish("old")
		c := newClient(t, opRow(), p)
		if _, err := verify(t, c, tokenOf("old")); err != nil {
			t.Fatal(err)
		}
		p.publish("new")
		answer := p.says[opJWKS]
		p.says[opJWKS] = func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer(r)
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				_, err := verify(t, c, tokenOf("new"))
				wantCheck(t, err, 4, "", "the key is on its way")
			})
		}
		all.Wait()
		if got := p.count(opJWKS); got != 2 {
			t.Errorf("fetched %d times, want twice", got)
		}
	})
}

// A token that names no key, and a key of the same type in place of the known one.
func TestKeysRotationOfOneTypeWithoutKid(t *testing.T) {
	other := strings.Replace(rsaJWK(), b64(rsaKey().N.Bytes()), b64([]byte("\x80"+strings.Repeat("x", 255))), 1)
	for fails, then := range map[string]answer{
		"":                 saysJSON(`{"keys": [` + rsaJWK() + `]}`),
		"reply-status-200": says(503, "text/html", ""),
	} {
		p := newOP()
		p.says[opJWKS] = func(r *http.Request) (*http.Response, error) {
			p.says[opJWKS] = then
			return saysJSON(`{"keys": [` + other + `]}`)(r)
		}
		synctest.Test(t, func(t *testing.T) {
			_, err := verify(t, newClient(t, opRow(), p), sign(`{"alg":"RS256"}`, claims(nil), rsaKey()))
			wantCheck(t, err, 4, fails, "the keys are fetched again")
		})
	}
}

// A step that begins with a request for the metadata ends with it if that fails.
func TestStepsWithoutMetadata(t *testing.T) {
	down := newOP()
	down.says[opDiscovery] = says(503, "text/html", "")
	_, err := verify(t, newClient(t, opRow(), down), sign(rs256, claims(nil), rsaKey()))
	wantCheck(t, err, 0, "reply-status-200", "the keys' URL is not known")
	_, err = newClient(t, opRow(), down).UserInfo(t.Context(), Tokens{Provider: "op"})
	wantCheck(t, err, 0, "reply-status-200", "nor is that of the profile")
	wantCheck(t, newClient(t, opRow(), down).Revoke(t.Context(), before(opRow())), 0, "reply-status-200", "nor that of the revocation")
}

// The same of OAuth 1.0a, whose requests can also fail before they are sent.
func TestStepsWithoutAnswer1(t *testing.T) {
	p := newOP()
	c := newClient1(t, p)
	_, err := c.Exchange(t.Context(), Callback{attempt: Attempt{Provider: "x", TemporaryToken: "T"}, code: "V"})
	wantCheck(t, err, 3, "reply-received", "nothing came back")
	tokens := TokenCredentials{Provider: "x", Token: "t0ken"}
	wantCheck(t, c.Revoke(t.Context(), tokens), 7, "reply-received", "likewise")
	p.says["https://x.example/gone"] = says(503, "text/html", "")
	wantCheck(t, c.Revoke(t.Context(), tokens), 7, "revoke-done", "that is no success")
	p.says["https://x.example/me"] = says(401, "application/json", `{"error": "gone"}`)
	_, err = c.UserInfo(t.Context(), tokens)
	wantRefusal(t, err, Refusal{Step: 5, Status: 401, Code: "gone"}, "the row does not say that this API may be closed")
	for err, want := range map[error]bool{err: true, &Refusal{Step: 5, Status: 403}: false} {
		if c.TokenRefused(err) != want {
			t.Errorf("%v: refused %t", err, !want)
		}
	}
	_, err = c.Get(t.Context(), tokens, "https://x.example/?a=%zz")
	if want := `oauth: step 5: invalid URL escape "%zz"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestUnsendableRequest(t *testing.T) {
	p := newOP()
	_, err := newClient(t, opRow(), p).send(t.Context(), Request{Method: "NO METHOD", URL: opToken})
	if want := `oauth: step 0: net/http: invalid method "NO METHOD"`; err == nil || err.Error() != want || len(p.asked) > 0 {
		t.Errorf("got %v, want %s", err, want)
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

// What error means in a reply with status 200 only that API knows.
func TestGetOfAGoodReply(t *testing.T) {
	for _, body := range []string{`{"error": "none"}`, `{"error": "none", "ok": true}`, `{"error": "none", "errcode": 0}`, `{"name": "&oauth_problem=x&"}`} {
		p := newOP()
		p.says[opUserinfo] = saysJSON(body)
		got, err := newClient(t, opRow(), p).Get(t.Context(), signedIn("op"), opUserinfo)
		if err != nil || string(got) != body {
			t.Errorf("%s: %s, %v", body, got, err)
		}
		p.says[opUserinfo] = says(403, "application/json", `{"message": "&oauth_problem=x&"}`)
		_, err = newClient(t, opRow(), p).Get(t.Context(), signedIn("op"), opUserinfo)
		wantRefusal(t, err, Refusal{Step: 5, Status: 403, Description: "&oauth_problem=x&"}, "a text within JSON")
	}
}

// Below 500 a text is not taken for the words of a server that is down.
func TestReplySaid(t *testing.T) {
	for status, want := range map[int]string{404: "404", 499: "499", 500: "500: busy"} {
		if got := (reply{status: status, mediaType: "text/plain", body: []byte("busy")}).said(); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

// The keys are not fetched for each refresh, but after an hour they are.
func TestRefreshFetchesKeysOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		p.says[opToken] = saysJSON(`{"access_token": "n3w", "token_type": "Bearer"}`)
		c := newClient(t, opRow(), p)
		fetched := map[time.Duration]int{}
		for _, wait := range []time.Duration{0, 1, time.Hour - 1} {
			time.Sleep(wait)
			if _, err := c.Refresh(t.Context(), before(opRow())); err != nil {
				t.Fatal(err)
			}
			fetched[wait] = p.count(opJWKS)
		}
		if diff := cmp.Diff(map[time.Duration]int{0: 1, 1: 1, time.Hour - 1: 2}, fetched); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		stored := before(opRow())
		stored.IDToken = maps.Clone(stored.IDToken)
		stored.IDToken["nonce"] = []byte("7")
		p.says[opToken] = saysJSON(`{"access_token": "n3w", "token_type": "Bearer", "id_token": "` + tokenOf("rsa") + `"}`)
		if got, err := c.Refresh(t.Context(), stored); fmt.Sprint(err) != "nonce is of another type: a number" || got.AccessToken != "" {
			t.Errorf("a store that lost its data: %v", err)
		}
	})
}

// A program may have a default transport of its own.
func TestDefaultTransportOfAnotherType(t *testing.T) {
	standard := http.DefaultTransport
	defer func() { http.DefaultTransport = standard }()
	http.DefaultTransport = newOP()
	if _, err := newClient(t, opRow(), nil).Discover(t.Context()); err != nil {
		t.Error(err)
	}
}
