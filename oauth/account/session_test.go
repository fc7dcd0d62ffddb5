package account_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/oauthbyhand/oauth/account"
)

var (
	ada  = identity("ada", "p", "1", 0)
	ada2 = identity("ada", "p", "3", 0)
	eve  = identity("eve", "p", "2", 0)
)

func newSessions(t *testing.T, secure bool) (*account.Sessions, faultyStore) {
	t.Helper()
	store := faultyStore{account.NewMemory(), make(map[string]error)}
	for _, i := range []account.Identity{ada, ada2, eve} {
		wantError(t, store.AddIdentity(t.Context(), i), nil, "add an identity")
	}
	return must(account.NewSessions(store, make([]byte, 32), secure)), store
}

// begin signs a new browser in, and returns its cookie.
func begin(t *testing.T, sessions *account.Sessions, i account.Identity) *http.Cookie {
	t.Helper()
	answer := httptest.NewRecorder()
	wantError(t, sessions.Begin(answer, withCookies(), i.UserID, i.Key), nil, "begin")
	return answer.Result().Cookies()[0]
}

func withCookies(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest("GET", "https://app.example/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// live says for each cookie whether its browser is signed in.
func live(t *testing.T, sessions *account.Sessions, cookies ...*http.Cookie) (all []bool) {
	t.Helper()
	for _, c := range cookies {
		_, err := sessions.Get(withCookies(c))
		if err != nil {
			wantError(t, err, account.ErrNotFound, "get")
		}
		all = append(all, err == nil)
	}
	return all
}

// TestSessionCookie: the cookie's attributes. The store does not hold its value.
func TestSessionCookie(t *testing.T) {
	for secure, name := range map[bool]string{true: "__Host-oauthbyhand-session", false: "oauthbyhand-session"} {
		sessions, store := newSessions(t, secure)
		cookie := begin(t, sessions, ada)
		value := cookie.Value
		wantEqual(t, 52, len(value), "the length of an id is 26 characters of five bits each, twice")
		if _, err := store.Session(t.Context(), value); err == nil {
			t.Error("the store has the session's id, and not only its hash")
		}
		want := http.Cookie{Name: name, Path: "/", MaxAge: 12 * 60 * 60, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
		cookie.Value, cookie.Raw = "", ""
		wantEqual(t, &want, cookie, name+" at its begin")
		answer := httptest.NewRecorder()
		wantError(t, sessions.End(answer, withCookies(&http.Cookie{Name: name, Value: value})), nil, "end")
		cookie = answer.Result().Cookies()[0]
		want.MaxAge, cookie.Raw = -1, ""
		wantEqual(t, &want, cookie, name+" at its end")
	}
}

// TestSessionLimits: a session ends an hour after its last noted use, and twelve hours after it
// began. A use is noted at most once in ten minutes.
func TestSessionLimits(t *testing.T) {
	const h, min10 = time.Hour, 10 * time.Minute
	for name, row := range map[string]struct {
		uses []time.Duration // after it began
		want time.Duration   // how long it lives
	}{
		"unused":                 {nil, h},
		"used after ten minutes": {[]time.Duration{min10}, h},
		"used a little later":    {[]time.Duration{min10 + time.Microsecond}, h + min10 + time.Microsecond},
		"used every hour":        {[]time.Duration{h, 2 * h, 3 * h, 4 * h, 5 * h, 6 * h, 7 * h, 8 * h, 9 * h, 10 * h, 11 * h, 11*h + min10 + 1000}, 12 * h},
	} {
		synctest.Test(t, func(t *testing.T) {
			sessions, _ := newSessions(t, false)
			one, two, began := begin(t, sessions, ada), begin(t, sessions, ada), time.Now()
			for _, use := range row.uses {
				time.Sleep(time.Until(began.Add(use)))
				live(t, sessions, one, two)
			}
			time.Sleep(time.Until(began.Add(row.want)))
			got := live(t, sessions, one)
			time.Sleep(time.Microsecond)
			wantEqual(t, []bool{true, false}, append(got, live(t, sessions, two)...), name+": at its end, and a little later")
		})
	}
}

// TestSessionRecords: an attacker who can write to the store gets into nobody's session.
func TestSessionRecords(t *testing.T) {
	for _, row := range []struct {
		reason string
		change func(s *account.Session, another account.Session)
		want   bool
	}{
		{"as it was", func(*account.Session, account.Session) {}, true},
		{"pointed at another user, with the account", func(s *account.Session, _ account.Session) { s.UserID = "eve" }, false},
		{"with another account", func(s *account.Session, _ account.Session) { s.Key = ada2.Key }, false},
		{"made younger", func(s *account.Session, _ account.Session) { s.Begun = s.Begun.Add(time.Hour) }, false},
		{"made up", func(s *account.Session, _ account.Session) { s.Proof = "" }, false},
		{"another one, copied to this one's place", func(s *account.Session, another account.Session) { another.Hash = s.Hash; *s = another }, false},
	} {
		sessions, store := newSessions(t, true)
		cookie := begin(t, sessions, ada)
		session, another := must(sessions.Get(withCookies(cookie))), must(sessions.Get(withCookies(begin(t, sessions, eve))))
		wantEqual(t, account.Session{UserID: "ada", Key: ada.Key}, account.Session{UserID: session.UserID, Key: session.Key}, "the session")
		row.change(&session, another)
		owner := account.Identity{Key: session.Key, UserID: session.UserID} // so that the store takes the session
		before := must(store.Identity(t.Context(), owner.Key))
		for _, err := range []error{
			store.RemoveIdentity(t.Context(), before.UserID, before.Key), store.RemoveSession(t.Context(), session.Hash),
			store.AddIdentity(t.Context(), owner), store.AddSession(t.Context(), session),
		} {
			wantError(t, err, nil, row.reason)
		}
		wantEqual(t, []bool{row.want}, live(t, sessions, cookie), row.reason+": it is live")
	}
	sessions, _ := newSessions(t, true)
	err := sessions.Begin(httptest.NewRecorder(), withCookies(), "eve", ada.Key)
	wantError(t, err, account.ErrNotFound, "a session with another user's identity")
}

// TestSessionEnds: Begin and End end the session of this browser, and EndAll those of all. An
// attacker may have planted cookies next to the user's own. If the store fails, the caller gets
// its error.
func TestSessionEnds(t *testing.T) {
	begin2 := func(s *account.Sessions, w http.ResponseWriter, r *http.Request) error {
		return s.Begin(w, r, "ada", ada.Key)
	}
	for _, row := range []struct {
		name   string
		end    func(*account.Sessions, http.ResponseWriter, *http.Request) error
		alone  bool // without planted cookies
		fails  string
		clears bool   // the answer removes the browser's cookie
		want   []bool // afterwards signed in: Ada here, Ada in another browser, Eve
	}{
		{"end", (*account.Sessions).End, false, "", true, []bool{false, true, true}},
		{"end", (*account.Sessions).End, false, "RemoveSession", true, []bool{true, true, true}},
		{"end all", (*account.Sessions).EndAll, true, "", true, []bool{false, false, true}},
		{"end all", (*account.Sessions).EndAll, true, "RemoveSessions", false, []bool{true, true, true}},
		{"end all", (*account.Sessions).EndAll, true, "RemoveSession", true, []bool{false, false, true}},
		{"end all", (*account.Sessions).EndAll, true, "Session", false, []bool{true, true, true}},
		{"begin", begin2, false, "", true, []bool{false, true, true}},
		{"begin", begin2, false, "RemoveSession", true, []bool{true, true, true}},
	} {
		name := strings.TrimSpace(row.name + " " + row.fails)
		sessions, store := newSessions(t, false)
		here, there, eves := begin(t, sessions, ada), begin(t, sessions, ada2), begin(t, sessions, eve)
		planted, empty := *here, *here
		planted.Value, empty.Value = "planted", ""
		wantEqual(t, []bool{false, false}, live(t, sessions, &planted, &empty), name+": planted cookies")
		if _, err := sessions.Get(withCookies(here, &planted)); err == nil {
			t.Errorf("%s: signed in with two cookies, one of which is planted", name)
		}
		cookies := []*http.Cookie{here}
		if !row.alone {
			cookies = append(cookies, &planted, &empty)
		}
		var want error
		if row.fails != "" {
			want, store.fails[row.fails] = errDisk, errDisk
		}
		answer := httptest.NewRecorder()
		wantError(t, row.end(sessions, answer, withCookies(cookies...)), want, name)
		delete(store.fails, row.fails)
		set := answer.Result().Cookies()
		if row.clears != (len(set) > 0 && set[0].MaxAge < 0) {
			t.Errorf("%s: cookies %v, want the browser's removed: %v", name, set, row.clears)
		}
		wantEqual(t, row.want, live(t, sessions, here, there, eves), name+": here, there, Eve's")
	}
}

// TestEndAllSignedOut: if the browser has no live session, EndAll signs nobody out and returns
// ErrNotFound.
func TestEndAllSignedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions, store := newSessions(t, false)
		wantError(t, sessions.EndAll(httptest.NewRecorder(), withCookies()), account.ErrNotFound, "without a cookie")
		here := begin(t, sessions, ada)
		time.Sleep(50 * time.Minute)
		there := begin(t, sessions, ada)
		time.Sleep(20 * time.Minute)
		wantError(t, sessions.EndAll(httptest.NewRecorder(), withCookies(here)), account.ErrNotFound, "with a session that has ended")
		store.fails["SeeSession"] = errDisk // the last use cannot be noted
		wantEqual(t, []bool{true}, live(t, sessions, there), "the other browser")
	})
}

// TestSessionOfDisconnected: if an identity is disconnected, its sessions end. They stay ended if
// it is connected again. The user's sessions with another identity go on.
func TestSessionOfDisconnected(t *testing.T) {
	sessions, store := newSessions(t, false)
	own, thief := begin(t, sessions, ada), begin(t, sessions, ada2)
	for _, change := range []func() error{
		func() error { return store.RemoveIdentity(t.Context(), "ada", ada2.Key) },
		func() error { return store.AddIdentity(t.Context(), ada2) },
	} {
		wantError(t, change(), nil, "a change of the store")
		wantEqual(t, []bool{true, false}, live(t, sessions, own, thief), "the session of the identity that stays, and of the other")
	}
}
