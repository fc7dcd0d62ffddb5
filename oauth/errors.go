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
// holds, and is the same word in errors, logs, pages, traces and tests.
type Check struct {
	Step  int    // 0 discovery, 1 request, 2 callback, 3 token, 4 ID token, 5 profile, 6 refresh, 7 revoke
	Name  string // "claim-aud"; no two checks share one
	Spec  string // the rule's section; "defense in depth" if no specification asks for the check
	Stops string // what an attacker gains, or an accident does, without the check
}

// Status is the HTTP status of a page that reports the failed check: 400 for what
// the browser brought (step 2), 502 for what the provider answered.
func (c Check) Status() int {
	if c.Step == 2 {
		return http.StatusBadRequest
	}
	return http.StatusBadGateway
}

// Checks lists every check that this package makes (list a new one here), in the order
// of the steps. The checks of every request and reply come first, under step 0; a
// [*CheckError] has the step of the request that failed. The checks of OAuth 1.0a come last.
func Checks() []Check {
	return []Check{
		endpointHTTPS, replyReceived, replySize, replyStatus, replyMediaType, replyJSON,
		discoveryMembers, discoveryIssuer, discoveryEndpoints, tokenClientAuth,
		attemptFound, attemptOpens, attemptFresh, attemptUnused, attemptUser, attemptClient,
		callbackOnce, callbackState, callbackIssuer, callbackCode,
		tokenMembers, tokenAccess, tokenType, tokenIDToken,
		idTokenForm, headerTyp, headerCrit, headerAlg, keyKnown, keyFits, idTokenSignature,
		claimTypes, claimIss, claimAud, claimAudOnly, claimAzp, claimExp, claimIat, claimIatFresh,
		claimNbf, claimNonce, claimSub, claimAtHash,
		userinfoSub, profileMembers, profileSubject,
		refreshToken, refreshIss, refreshSub, refreshAud, refreshAuthTime,
		revokeDone,
		temporaryCredentials, callbackConfirmed, callbackToken, callbackVerifier, tokenCredentials,
	}
}

// CheckError says which check refused, and on what. Got and Want never hold a
// code, token, verifier or secret, and are short enough for a log line; an empty
// Got means that the value was missing or empty.
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

// outcome is what a Check found. Outcomes are made by the methods below, in the
// call of check that judges them, so that a check and what it looks at stand on
// one line.
type outcome struct {
	check     *Check
	got, want string
	ok        bool
	skipped   bool
}

// holds takes the answer as it is: ok.
func (c *Check) holds(ok bool) outcome { return outcome{check: c, ok: ok} }

// noError holds if err is nil.
func (c *Check) noError(err error) outcome {
	r := c.holds(err == nil)
	if err != nil {
		r.got = err.Error()
	}
	return r
}

// equal holds if got is want. Empty never equals empty: a check between two
// missing values has checked nothing.
func (c *Check) equal(got, want string) outcome {
	r := c.holds(got != "" && got == want)
	r.got, r.want = got, want
	return r
}

// present holds if got is not empty. It keeps no value, so it is fit for secrets.
func (c *Check) present(got string) outcome {
	r := c.holds(got != "")
	r.got = "is there"
	return r.failing("", "a value")
}

// equalSecret is equal for secrets: it keeps neither value, and its time does not tell
// how much of them agrees.
func (c *Check) equalSecret(got, want string) outcome {
	r := c.holds(got != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1)
	r.got = "the same"
	if got == "" {
		return r.failing("", "the expected one")
	}
	return r.failing("another value", "the expected one")
}

// oneOf holds if got is one of want.
func (c *Check) oneOf(got string, want ...string) outcome {
	r := c.holds(got != "" && slices.Contains(want, got))
	r.got = got
	if !r.ok {
		r.want = strings.Join(want, " or ")
	}
	return r
}

// contains holds if want is in list.
func (c *Check) contains(list []string, want string) outcome {
	r := c.holds(want != "" && slices.Contains(list, want))
	r.got, r.want = strings.Join(list, " "), want
	return r
}

// before holds if t is set and before limit; a failure says how far t, another
// machine's clock, is from this one's.
func (c *Check) before(t, limit time.Time) outcome {
	return c.time(t, t.Before(limit), "before", limit)
}

// after holds if t is after limit.
func (c *Check) after(t, limit time.Time) outcome {
	return c.time(t, t.After(limit), "after", limit)
}

func (c *Check) time(t time.Time, holds bool, side string, limit time.Time) outcome {
	r := c.holds(holds && !t.IsZero())
	switch {
	case r.ok:
	case t.IsZero():
		r.want = "a time"
	default:
		off, where := time.Until(t).Round(time.Second), "ahead of"
		if off < 0 {
			off, where = -off, "behind"
		}
		r.got = fmt.Sprintf("%s, %s %s this machine's clock", t.UTC().Format(time.RFC3339), off, where)
		r.want = fmt.Sprintf("%s %s", side, limit.UTC().Format(time.RFC3339))
	}
	return r
}

// failing sets what the check found and wanted, if it does not hold.
func (r outcome) failing(got, want string) outcome {
	if !r.ok {
		r.got, r.want = got, want
	}
	return r
}

// skipIf skips the check if it does not apply.
func (r outcome) skipIf(skipped bool) outcome {
	r.skipped = skipped
	return r
}

// check goes through the outcomes and stops at the first that does not hold. A check
// that several steps share counts as one of the step that ctx is in.
func check(ctx context.Context, outcomes ...outcome) error {
	seen, err := outcomes, error(nil)
	for i, r := range outcomes {
		if !r.ok && !r.skipped {
			seen, err = outcomes[:i+1], &CheckError{r.check.in(ctx), clip(r.got), clip(r.want)}
			break
		}
	}
	if t := tracing(ctx); t != nil {
		t.checked(ctx, seen)
	}
	return err
}

// in is the check as made in the step that ctx is in.
func (c Check) in(ctx context.Context) Check {
	if current, ok := ctx.Value(stepKey{}).(inside); ok {
		c.Step = current.step
	}
	return c
}

// clip makes a stranger's text fit for a log line or a page: 500 bytes at most,
// valid UTF-8, no control characters, nor those that turn the writing direction.
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
