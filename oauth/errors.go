package oauth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Check is one thing that must hold before a sign-in goes on. Its name says what
// it checks, and is the same word in errors, logs, pages, traces and tests.
type Check struct {
	Step  int    // 0 discovery, 1 request, 2 callback, 3 token, 4 ID token, 5 profile, 6 refresh, 7 revoke
	Name  string // "claim-aud"; no two checks share one
	Spec  string // the rule's section; "defense in depth" if no specification asks for the check
	Stops string // the attack or accident that would happen without the check
}

// Status is the HTTP status of a page that reports the failed check: 400 for what
// the browser brought (step 2), 502 for what the provider answered.
func (c Check) Status() int {
	if c.Step == 2 {
		return http.StatusBadRequest
	}
	return http.StatusBadGateway
}

// Checks lists every check that this package makes, in the order of the steps. If you write a
// new check, add it here. The checks of most requests and replies come first, and have step 0
// here. If one of them fails, its [*CheckError] has the step of the request. The checks of
// OAuth 1.0a come last.
func Checks() []Check {
	return []Check{
		endpointHTTPS, replyReceived, replySize, replyStatus, replyMediaType, replyJSON,
		discoveryMembers, discoveryIssuer, discoveryEndpoints, tokenClientAuth,
		attemptFound, attemptOpens, attemptFresh, attemptUnused, attemptUser, attemptClient,
		callbackQuery, callbackState, callbackIssuer, callbackCode,
		tokenMembers, tokenAccess, tokenType, tokenIDToken,
		idTokenForm, headerTyp, headerCrit, headerAlg, keyKnown, keyFits, idTokenSignature,
		claimTypes, claimIss, claimAud, claimAudOnly, claimAzp, claimExp, claimIat, claimIatFresh,
		claimNbf, claimNonce, claimSub, claimAtHash,
		userinfoSub, profileMembers, profileSubject,
		refreshToken, refreshIss, refreshSub, refreshAud, refreshAuthTime,
		revokeDone,
		temporaryComplete, callbackConfirmed, callbackToken, callbackVerifier, tokenComplete,
	}
}

// CheckError says which check failed, and why. Got and Want never hold a code, token,
// verifier or secret, and are short enough for a log line. If Got is empty and Want is
// not, the value was missing, empty or a time before 1970.
type CheckError struct {
	Check     Check
	Got, Want string
}

// Error names the check, what was found and wanted, and the section.
func (e *CheckError) Error() string {
	detail := "does not hold"
	if e.Got != "" || e.Want != "" {
		detail = "got " + cmp.Or(e.Got, "nothing (missing)")
	}
	if e.Want != "" {
		detail += ", want " + e.Want
	}
	return fmt.Sprintf("oauth: step %d, %s: %s (%s)", e.Check.Step, e.Check.Name, detail, e.Check.Spec)
}

// Outcome is what a [Check] found. The methods of Check below return outcomes. Call them in the
// arguments of the function check, so that one line has a check and what it compares.
type Outcome struct {
	Check     Check
	Got, Want string // as in [CheckError]; often empty if the check held
	OK        bool
	Skipped   bool // the check does not apply
}

// holds passes if ok is true.
func (c *Check) holds(ok bool) Outcome { return Outcome{Check: *c, OK: ok} }

// noError passes if err is nil.
func (c *Check) noError(err error) Outcome {
	if err == nil {
		return c.holds(true)
	}
	return c.holds(false).ifFailed(err.Error(), "")
}

// equal passes if got equals want and is not empty: two missing values prove nothing.
func (c *Check) equal(got, want string) Outcome {
	return Outcome{Check: *c, OK: got != "" && got == want, Got: got, Want: want}
}

// present passes if got is not empty. The outcome leaves out got, which may be a secret.
func (c *Check) present(got string) Outcome {
	return Outcome{Check: *c, OK: got != "", Got: "is there"}.ifFailed("", "a value")
}

// equalSecret does what equal does, for secrets. The outcome leaves out both values. The time that
// it takes does not tell an attacker how many bytes are right.
func (c *Check) equalSecret(got, want string) Outcome {
	o := Outcome{Check: *c, OK: got != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1, Got: "the same"}
	if got == "" {
		return o.ifFailed("", "the expected one")
	}
	return o.ifFailed("another value", "the expected one")
}

// oneOf passes if got is in want and not empty.
func (c *Check) oneOf(got string, want ...string) Outcome {
	o := Outcome{Check: *c, OK: got != "" && slices.Contains(want, got), Got: got}
	return o.ifFailed(got, cmp.Or(strings.Join(want, " or "), "one of an empty list"))
}

// contains passes if want is in list and not empty.
func (c *Check) contains(list []string, want string) Outcome {
	return Outcome{Check: *c, OK: want != "" && slices.Contains(list, want), Got: strings.Join(list, " "), Want: want}
}

// before passes if t is set and before limit.
func (c *Check) before(t, limit time.Time) Outcome {
	return c.time(t, t.Before(limit), "before", limit)
}

// after passes if t is set and after limit.
func (c *Check) after(t, limit time.Time) Outcome {
	return c.time(t, t.After(limit), "after", limit)
}

// time makes the outcome of before and after. If t is set, a failure shows this machine's time,
// because either clock may be wrong.
func (c *Check) time(t time.Time, holds bool, side string, limit time.Time) Outcome {
	if t.IsZero() || holds {
		return c.holds(!t.IsZero()).ifFailed("", "a time")
	}
	got := fmt.Sprintf("%s, and this machine's clock says %s", t.UTC().Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339))
	return c.holds(false).ifFailed(got, side+" "+limit.UTC().Format(time.RFC3339))
}

// ifFailed sets Got and Want if the check does not hold. If it holds, they stay.
func (o Outcome) ifFailed(got, want string) Outcome {
	if !o.OK {
		o.Got, o.Want = got, want
	}
	return o
}

// skipIf skips the check if it does not apply.
func (o Outcome) skipIf(skipped bool) Outcome {
	o.Skipped = o.Skipped || skipped
	return o
}

// check returns an error for the first outcome that does not hold. It reports the outcomes up to
// that one to the trace.
func check(ctx context.Context, outcomes ...Outcome) error {
	seen, err := outcomes, error(nil)
	for i, o := range outcomes {
		if !o.OK && !o.Skipped {
			o = o.in(ctx)
			seen, err = outcomes[:i+1], &CheckError{o.Check, o.Got, o.Want}
			break
		}
	}
	if t := tracing(ctx); t != nil {
		made := make(Checked, len(seen))
		for i, o := range seen {
			made[i] = o.in(ctx)
		}
		t.event(ctx, made)
	}
	return err
}

// checked returns value if all outcomes hold. Otherwise it returns only the error of check.
func checked[T any](ctx context.Context, value T, outcomes ...Outcome) (T, error) {
	if err := check(ctx, outcomes...); err != nil {
		return *new(T), err
	}
	return value, nil
}

// in returns the outcome with the step that ctx names, because several steps share some checks.
// It clips the values.
func (o Outcome) in(ctx context.Context) Outcome {
	o.Check.Step = cmp.Or(stepOf(ctx), o.Check.Step)
	o.Got, o.Want = clip(o.Got), clip(o.Want)
	return o
}

// clip makes another party's text safe for a log line or a page: it keeps at most 500 bytes of
// valid UTF-8, and writes a space for each control character and each character that changes the
// writing direction.
func clip(s string) string {
	if len(s) > 500 {
		s = s[:500] + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}
