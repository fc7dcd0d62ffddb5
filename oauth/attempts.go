package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	attemptLife        = 10 * time.Minute // time to sign in at the provider
	attemptCookieLife  = time.Hour        // longer than attemptLife: a late callback fails attempt-fresh, not attempt-found
	attemptsPerBrowser = 8                // sign-ins under way in one browser
	attemptsUsed       = 10_000           // how many used attempts Attempts remembers
)

// What must hold for the attempt of a callback.
var (
	attemptFound  = Check{2, "attempt-found", "RFC 9700 §4.7.1", "a callback of an attacker's sign-in signs this browser in as the attacker"}
	attemptOpens  = Check{2, "attempt-opens", "defense in depth", "an attempt that was made up, changed or moved from another cookie"}
	attemptFresh  = Check{2, "attempt-fresh", "defense in depth", "a callback from a history or a log, used long after"}
	attemptUnused = Check{2, "attempt-unused", "RFC 9700 §2.1, §4.2.4", "a replayed callback"}
	attemptUser   = Check{2, "attempt-user", "RFC 6749 §10.12; RFC 9700 §4.7", "an account is connected to a user who did not ask for it"}
)

// Attempts keeps each attempt in a sealed cookie of its own, in the browser that began it.
// So sign-ins that never end do not fill the server's memory, and two tabs of a browser can sign
// in at the same time. If another browser began the attempt, the callback comes without its cookie.
type Attempts struct {
	sealer *Sealer
	secure bool

	mu         sync.Mutex
	used       map[string]bool        // the states of used attempts
	order      []string               // the same states, oldest first
	deliveries map[[32]byte]*delivery // for Once; by a hash of cookie and URL
}

// NewAttempts returns Attempts. It derives the key for their cookies from root, which must have
// 32 random bytes. If browsers reach the app over https, secure must be true. Then the names of
// the cookies begin with __Host-.
func NewAttempts(root []byte, secure bool) (*Attempts, error) {
	sealer, err := NewSealer(root, "attempt cookie")
	return &Attempts{
		sealer:     sealer,
		secure:     secure,
		used:       make(map[string]bool),
		deliveries: make(map[[32]byte]*delivery),
	}, err
}

// Cookie returns a cookie for this host only, hidden from scripts, with this life. The name
// gets a prefix, because all ports of a host share their cookies, and another app on localhost may
// also have a cookie "session". On https only the host itself can set a __Host- cookie
// (draft-ietf-httpbis-rfc6265bis-22 §4.1.3). On http a program on another port can set all these
// cookies. It can even set the cookie of an attempt that an attacker began in another browser.
func Cookie(secure bool, name, value string, life time.Duration) *http.Cookie {
	prefix := "oauthbyhand-"
	if secure {
		prefix = "__Host-oauthbyhand-"
	}
	return &http.Cookie{
		Name:     prefix + name,
		Value:    value,
		Path:     "/", // __Host- demands it
		MaxAge:   int(life.Seconds()),
		Secure:   secure,
		HttpOnly: true,
		// A browser that comes back from the provider would not send a Strict cookie.
		SameSite: http.SameSiteLaxMode,
	}
}

// cookie returns the cookie of the attempt with this state, still without a value. Its name shows
// the first 8 characters of the state. They alone are of no use to an attacker.
func (a *Attempts) cookie(state string, life time.Duration) *http.Cookie {
	return Cookie(a.secure, "attempt-"+state[:min(8, len(state))], "", life)
}

// Put stores the attempt in the browser, in a cookie that lives an hour. Call it before you
// redirect the browser to the provider. A browser keeps at most eight attempts; Put drops the
// oldest. An error means that the attempt cannot be encoded.
func (a *Attempts) Put(w http.ResponseWriter, r *http.Request, attempt Attempt) error {
	ctx := inStep(r.Context(), 1, (*Attempts).Put)
	plaintext, err := json.Marshal(attempt)
	if err != nil {
		return err
	}
	cookie := a.cookie(attempt.State, attemptCookieLife)
	cookie.Value = a.sealer.Seal(plaintext, cookie.Name)
	a.dropOldest(w, r)
	http.SetCookie(w, cookie)
	report(ctx, AttemptPut{cookie, attempt})
	return nil
}

// dropOldest makes room for one more attempt. Otherwise the cookies of sign-ins that never end
// would make the request's header too large for the server. A browser sends its oldest cookie
// first (RFC 6265 §5.4).
func (a *Attempts) dropOldest(w http.ResponseWriter, r *http.Request) {
	all := slices.DeleteFunc(r.Cookies(), func(cookie *http.Cookie) bool {
		return !strings.HasPrefix(cookie.Name, a.cookie("", 0).Name)
	})
	for ; len(all) >= attemptsPerBrowser; all = all[1:] {
		dropped := a.cookie("", -time.Second)
		dropped.Name = all[0].Name
		http.SetCookie(w, dropped)
	}
}

// Take returns the attempt of the callback r, and removes its cookie (RFC 9700 §4.7.1). It returns
// an attempt only once, even if the sign-in then fails, and only within ten minutes after Begin.
// Attempts remembers the last 10,000 that came back. If an older one comes again with its
// cookie, only the provider refuses it, because a code works once. An error is a [*CheckError].
func (a *Attempts) Take(w http.ResponseWriter, r *http.Request) (Attempt, error) {
	ctx := inStep(r.Context(), 2, (*Attempts).Take)
	report(ctx, RedirectIn{r.URL.Path, r.URL.RawQuery})
	// The first value of state is enough to find the cookie. ParseCallback refuses repeated
	// parameters and compares the whole state.
	query, _ := url.ParseQuery(r.URL.RawQuery)
	state := callbackStateOf(query)
	name := a.cookie(state, 0).Name
	cookie, err := r.Cookie(name)
	if err != nil {
		cookie = new(http.Cookie) // with an empty name
	}
	// Anybody can send a browser to the callback's URL with a denial. If the browser has no attempt
	// for it, Take does not believe it. At most, the CheckError mentions it.
	said := ""
	if refusal := callbackRefusal(query); refusal != nil {
		said = "error=" + refusal.Code + ", and "
	}
	// The cookie of a used attempt is gone. So without a cookie, a state that was used before
	// fails attemptUnused, and any other state fails attemptFound.
	if err := check(ctx,
		callbackState.present(state).ifFailed(said+"no state", "a value"),
		attemptUnused.holds(!a.isUsed(state)).skipIf(cookie.Name != ""),
		attemptFound.present(cookie.Name).ifFailed(said+"no cookie of this sign-in", "the cookie of one of this browser's last 8 sign-ins, at most an hour old"),
	); err != nil {
		return Attempt{}, err
	}
	http.SetCookie(w, a.cookie(state, -time.Second))
	var attempt Attempt
	plaintext, err := a.sealer.Open(cookie.Value, name)
	err = cmp.Or(err, json.Unmarshal(plaintext, &attempt))
	if err == nil {
		report(ctx, AttemptTaken{name, attempt})
	}
	return checked(ctx, attempt,
		attemptOpens.holds(err == nil).ifFailed("a value that was not sealed for this cookie with the app's current key", ""),
		attemptFresh.after(attempt.Begun, time.Now().Add(-attemptLife)),
		attemptUnused.holds(a.use(attempt.State)),
	)
}

// CheckUser is for an attempt that connects an account. user is the id of the user who is signed
// in now. CheckUser refuses the attempt if another user began it, or if user is empty (RFC 9700
// §4.7). An attempt that only signs in always passes. An error is a [*CheckError].
func (a Attempt) CheckUser(ctx context.Context, user string) error {
	ctx = inStep(ctx, 2, Attempt.CheckUser)
	return check(ctx, attemptUser.equalSecret(user, a.User).skipIf(a.User == ""))
}

func (a *Attempts) isUsed(state string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used[state]
}

// use marks the attempt with this state as used. It reports false if it was used before.
func (a *Attempts) use(state string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used[state] {
		return false
	}
	if len(a.order) >= attemptsUsed {
		delete(a.used, a.order[0])
		a.order = a.order[1:]
	}
	a.used[state] = true
	a.order = append(a.order, state)
	return true
}
