package oauth

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

var testRoot = []byte("0123456789abcdef0123456789abcdef")

func newAttempts(secure bool) *Attempts { return must(NewAttempts(testRoot, secure)) }

// browser keeps cookies by name, as a browser does for one host.
type browser map[string]string

func (b browser) request(target string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for _, name := range slices.Sorted(maps.Keys(b)) { // in these tests, the oldest first
		r.AddCookie(&http.Cookie{Name: name, Value: b[name]})
	}
	return r
}

func (b browser) keep(w *httptest.ResponseRecorder) {
	for _, cookie := range w.Result().Cookies() {
		if cookie.MaxAge < 0 {
			delete(b, cookie.Name)
		} else {
			b[cookie.Name] = cookie.Value
		}
	}
}

// put begins an attempt in this browser.
func (b browser) put(t testing.TB, a *Attempts, attempt Attempt) {
	t.Helper()
	w := httptest.NewRecorder()
	if err := a.Put(w, b.request("/login/op"), attempt); err != nil {
		t.Fatal(err)
	}
	b.keep(w)
}

// take comes back with this state.
func (b browser) take(a *Attempts, state string) (Attempt, error) {
	w := httptest.NewRecorder()
	attempt, err := a.Take(w, b.request("/callback/op?code=c&state="+state))
	b.keep(w)
	return attempt, err
}

func newAttempt(state string) Attempt {
	return Attempt{Provider: "op", State: state, Nonce: "n", CodeVerifier: "v", Scopes: []string{"openid", "email"}, IssParameter: true, Begun: time.Now(), Next: "/profile?a=b&c=ä"}
}

func TestAttemptCookie(t *testing.T) {
	for secure, cookie := range map[bool][2]string{false: {"", "HttpOnly; "}, true: {"__Host-", "HttpOnly; Secure; "}} {
		t.Run(fmt.Sprint(secure), func(t *testing.T) {
			a, b := newAttempts(secure), browser{}
			w := httptest.NewRecorder()
			want := newAttempt("STATE6789")
			if err := a.Put(w, b.request("/login/op"), want); err != nil {
				t.Fatal(err)
			}
			b.keep(w)
			sealed := w.Result().Cookies()[0].Value
			name, attributes := cookie[0]+"oauthbyhand-attempt-STATE678=", cookie[1]+"SameSite=Lax"
			wantEqual(t, []string{name + sealed + "; Path=/; Max-Age=3600; " + attributes}, w.Header()["Set-Cookie"], "the cookie of the attempt")
			for _, secret := range []string{"STATE6789", `"v"`} {
				if strings.Contains(sealed, secret) || strings.Contains(sealed, b64([]byte(secret))) {
					t.Errorf("%s can be read in the cookie", secret)
				}
			}
			w = httptest.NewRecorder()
			ctx, shown := last[AttemptTaken](t.Context())
			got, err := a.Take(w, b.request("/callback/op?state=STATE6789").WithContext(ctx))
			wantCheck(t, err, 2, "", "it was put")
			wantEqual(t, []Attempt{want, want}, []Attempt{got, shown.Attempt}, "taken, and in the trace")
			wantEqual(t, []string{name + "; Path=/; Max-Age=0; " + attributes}, w.Header()["Set-Cookie"], "the cookie goes")
		})
	}
}

func TestTake(t *testing.T) {
	const mine, other = "oauthbyhand-attempt-STATE678", "oauthbyhand-attempt-OTHER678"
	for name, tt := range map[string]struct {
		change func(t *testing.T, a *Attempts, b browser) // after STATE6789 has begun
		query  string                                     // instead of its state
		fails  string
		reason string
	}{
		"honest":            {fails: "", reason: "the way of every sign-in"},
		"no state":          {query: "?code=c", fails: "callback-state", reason: "without it nobody can tell whose callback this is"},
		"another browser's": {query: "?code=c&state=ATTACKERS", fails: "attempt-found", reason: "login CSRF: the attacker's own callback, clicked by the victim, whose browser never began it"},
		"one bit changed": {change: func(t *testing.T, a *Attempts, b browser) {
			raw, _ := decodeBase64url(b[mine])
			raw[len(raw)/2] ^= 1
			b[mine] = b64(raw)
		}, fails: "attempt-opens",
			reason: "somebody wants their own nonce or verifier in it"},
		"sealed, and no attempt": {change: func(t *testing.T, a *Attempts, b browser) { b[mine] = a.sealer.Seal([]byte("{"), mine) }, fails: "attempt-opens",
			reason: "of another version of this app"},
		"made up": {change: func(t *testing.T, a *Attempts, b browser) { b[mine] = b64([]byte(`{"State":"STATE6789"}`)) }, fails: "attempt-opens", reason: "an attempt that this app never began"},
		"moved": {change: func(t *testing.T, a *Attempts, b browser) {
			b.put(t, a, newAttempt("OTHER6789"))
			b[mine] = b[other]
		}, fails: "attempt-opens",
			reason: "the name is sealed in: the attempt of one tab cannot be put in another's place"},
		"restarted": {change: func(t *testing.T, a *Attempts, b browser) {
			*a.sealer = *must(NewAttempts([]byte("another root key of 32 bytes ..."), false)).sealer
		}, fails: "attempt-opens",
			reason: "the key is the process's own; the page says that the app was restarted"},
		"nearly too old": {change: func(*testing.T, *Attempts, browser) { time.Sleep(10*time.Minute - time.Second) }, fails: "",
			reason: "ten minutes to sign in at the provider, find the second factor and allow"},
		"too old": {change: func(*testing.T, *Attempts, browser) { time.Sleep(10 * time.Minute) }, fails: "attempt-fresh",
			reason: "a callback from a history or a log; the cookie lives on, so that the page can say why"},
		"used, cookie kept": {change: func(t *testing.T, a *Attempts, b browser) {
			kept := b[mine]
			if _, err := b.take(a, "STATE6789"); err != nil {
				t.Error(err)
			}
			b[mine] = kept
		}, fails: "attempt-unused",
			reason: "an attacker who copied callback and cookie comes second, and gets nothing"},
		"used, cookie gone": {change: func(t *testing.T, a *Attempts, b browser) {
			if _, err := b.take(a, "STATE6789"); err != nil {
				t.Error(err)
			}
		}, fails: "attempt-unused",
			reason: "the back button: the page says already used, and not that there never was an attempt"},
		"two tabs": {change: func(t *testing.T, a *Attempts, b browser) {
			b.put(t, a, newAttempt("OTHER6789"))
			if got, err := b.take(a, "OTHER6789"); err != nil || got.State != "OTHER6789" {
				t.Errorf("the other tab: %v, %v", got.State, err)
			}
		}, fails: "",
			reason: "sign-ins begun side by side do not disturb each other"},
		"without __Host-": {change: func(_ *testing.T, a *Attempts, _ browser) { a.secure = true }, fails: "attempt-found",
			reason: "of an app on https only this host can set the cookie; any subdomain can set one of another name"},
		"half of the state": {query: "?code=c&state=STATE678x", fails: "", reason: "the first 8 characters find the cookie; the rest is compared by ParseCallback"},
	} {
		bubble(t, name, func(t *testing.T) {
			a, b := newAttempts(false), browser{}
			b.put(t, a, newAttempt("STATE6789"))
			if tt.change != nil {
				tt.change(t, a, b)
			}
			attempt, err := a.Take(httptest.NewRecorder(), b.request("/callback/op"+cmp.Or(tt.query, "?code=c&state=STATE6789")))
			wantCheck(t, err, 2, tt.fails, tt.reason)
			wantEqual(t, map[bool]string{true: "STATE6789"}[tt.fails == ""], attempt.State, tt.reason)
		})
	}
}

// A callback that fails before its attempt is known says what it is.
func TestTakeSays(t *testing.T) {
	const noCookie, cookies = "no cookie of this sign-in", "the cookie of one of this browser's last 8 sign-ins, at most an hour old"
	for query, want := range map[string]CheckError{
		"error=access_denied&error_description=x": {Got: "error=access_denied, and no state", Want: "a value"},
		"error_code=200":              {Got: "error=200, and no state", Want: "a value"},
		"oauth_problem=user_refused":  {Got: "error=user_refused, and no state", Want: "a value"},
		"error=a%0Ab":                 {Got: "error=a b, and no state", Want: "a value"},
		"error=":                      {Got: "no state", Want: "a value"},
		"code=c":                      {Got: "no state", Want: "a value"},
		"error=access_denied&state=S": {Got: "error=access_denied, and " + noCookie, Want: cookies},
		"code=c&state=S":              {Got: noCookie, Want: cookies},
		"code=c&state=T":              {Got: "a value that was not sealed for this cookie with the app's current key"},
	} {
		ctx, taken := last[AttemptTaken](t.Context())
		_, err := newAttempts(false).Take(httptest.NewRecorder(), browser{"oauthbyhand-attempt-T": "*"}.request("/callback/op?"+query).WithContext(ctx))
		wantGot(t, err, want)
		wantEqual(t, AttemptTaken{}, *taken, "nothing was taken")
	}
}

// Sign-ins begun and never finished: the browser keeps eight, the server none.
func TestPutDropsTheOldest(t *testing.T) {
	for _, secure := range []bool{false, true} {
		bubble(t, fmt.Sprint(secure), func(t *testing.T) { testPutDropsTheOldest(t, secure) })
	}
}

func testPutDropsTheOldest(t *testing.T, secure bool) {
	a, b := newAttempts(secure), browser{"session": "of another app on localhost"}
	prefix := Cookie(secure, "attempt-STATE", "", 0).Name
	var want []string
	for i := range 11 {
		b.put(t, a, newAttempt(fmt.Sprintf("STATE%03d-%d", i, i)))
		time.Sleep(time.Second)
		if i >= 11-8 {
			want = append(want, fmt.Sprintf("%s%03d", prefix, i))
		}
	}
	wantEqual(t, append(want, "session"), slices.Sorted(maps.Keys(b)), "another app's cookie stays")
	// However many there are, for example because the limit was once higher, all but eight go.
	for i := range 5 {
		b[fmt.Sprintf("%s00%d", prefix, i)] = "x"
	}
	b.put(t, a, newAttempt("STATE011-11"))
	if len(b) != 8+1 || b[prefix+"003"] != "" || b[prefix+"004"] == "" {
		t.Errorf("the browser has %v", slices.Sorted(maps.Keys(b)))
	}
}

// An attempt that cannot be stored is an error, and no cookie is set.
func TestPutRefuses(t *testing.T) {
	w := httptest.NewRecorder()
	err := newAttempts(false).Put(w, browser{}.request("/login/op"), Attempt{Begun: time.Unix(1<<40, 0)})
	if err == nil || len(w.Result().Cookies()) > 0 {
		t.Errorf("%v, %v", err, w.Result().Cookies())
	}
}

// The server remembers used attempts, but not more than it has room for.
func TestUsedAttemptsAreBounded(t *testing.T) {
	a, b := newAttempts(false), browser{}
	for i := range attemptsUsed + 1 {
		state := fmt.Sprintf("%08d", i)
		b.put(t, a, newAttempt(state))
		must(b.take(a, state))
	}
	if len(a.used) != attemptsUsed || len(a.order) != attemptsUsed {
		t.Errorf("%d states in %d places, want %d", len(a.used), len(a.order), attemptsUsed)
	}
	_, err := b.take(a, "00000001")
	wantCheck(t, err, 2, "attempt-unused", "the oldest but one is still remembered")
	_, err = b.take(a, "00000000")
	wantCheck(t, err, 2, "attempt-found", "the oldest was forgotten; its cookie is long gone")
}

// Made-up callbacks leave nothing behind.
func TestUnknownAttemptsAreNotRemembered(t *testing.T) {
	a := newAttempts(false)
	for i := range 100 {
		_, err := browser{fmt.Sprintf("oauthbyhand-attempt-%08d", i): "made up"}.take(a, fmt.Sprintf("%08d", i))
		wantCheck(t, err, 2, "attempt-opens", "made up")
	}
	if len(a.used) > 1 || len(a.order) > 1 {
		t.Errorf("%d states remembered", len(a.used))
	}
}
