package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

var (
	attemptClient  = Check{2, "attempt-client", "RFC 9700 §4.4.2.2", "an honest provider's code or token is sent to an attacker's provider (mix-up)"}
	callbackQuery  = Check{2, "callback-query", "RFC 6749 §3.1", "a proxy and this app read different values of one parameter"}
	callbackState  = Check{2, "callback-state", "RFC 6749 §10.12", "an attacker's code in this user's session (login CSRF)"}
	callbackIssuer = Check{2, "callback-issuer", "RFC 9207 §2.4", "an honest provider's code is sent to an attacker's provider (mix-up)"}
	callbackCode   = Check{2, "callback-code", "RFC 6749 §4.1.2", "a token request that can only fail"}
)

// Callback is a callback that passed the checks of step 2. Only ParseCallback makes one, and only
// Exchange of the same client takes it.
type Callback struct {
	attempt       Attempt
	code          string // with OAuth 1.0a, oauth_verifier
	grantedScopes string
}

// ParseCallback is step 2. It checks what the browser brought back from the provider. rawQuery is
// the query of the callback's URL as received, and attempt comes from [Attempts.Take]. If the
// checks hold and the query is a denial by the user or the provider (RFC 6749 §4.1.2.1),
// ParseCallback returns a [*Refusal].
func (c *Client) ParseCallback(ctx context.Context, attempt Attempt, rawQuery string) (Callback, error) {
	ctx = inStep(ctx, 2, (*Client).ParseCallback)
	q, refusal, err := parseCallback(rawQuery)
	// iss may be missing if the provider did not promise it. Then only attempt-client stops a
	// mix-up: the app finds this client by the callback's path, and the attempt must name the same
	// provider. This is a weaker defense: an attacker may register an app at the honest provider,
	// with the redirect URI that this app uses for the attacker's provider (RFC 9700 §4.4.2.2).
	callback, err := checked(ctx, Callback{attempt, q.Get("code"), q.Get(c.GrantedScopesParameter)},
		callbackQuery.noError(err),
		attemptClient.equal(attempt.Provider, c.Name),
		callbackState.equalSecret(q.Get("state"), attempt.State),
		callbackIssuer.equal(q.Get("iss"), c.Issuer).skipIf(c.Issuer == "" || q.Get("iss") == "" && !attempt.IssParameter),
		callbackCode.present(q.Get("code")).skipIf(refusal != nil),
		callbackCode.noError(checkPrintable(q.Get("code"))).skipIf(refusal != nil),
	)
	if err == nil && refusal != nil {
		return Callback{}, refusal
	}
	return callback, err
}

// parseCallback reads a callback's query, and finds a denial in it. It refuses three things: a
// parameter that occurs twice, a semicolon (some parsers split there), and one of the decisive
// parameters badly encoded. It ignores other badly encoded parameters (RFC 6749 §4.1.2):
// a badly encoded description must not hide a denial.
func parseCallback(rawQuery string) (url.Values, *Refusal, error) {
	q, err := url.ParseQuery(rawQuery)
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, _ = url.QueryUnescape(name) // empty if it cannot be decoded
		_, unreadable := url.QueryUnescape(value)
		if strings.Contains(pair, ";") || unreadable != nil && slices.Contains(decisive, name) {
			return q, nil, err
		}
	}
	return q, callbackRefusal(q), noRepeats(q)
}

// decisive are the parameters of both protocols that decide the outcome of a callback.
var decisive = []string{"state", "iss", "code", "error", "error_code", "oauth_token", "oauth_verifier", "denied", "oauth_problem"}

// noRepeats refuses a parameter that occurs twice.
func noRepeats(q url.Values) error {
	for name, values := range q {
		if len(values) > 1 {
			return fmt.Errorf("%q occurs %d times", name, len(values))
		}
	}
	return nil
}

// callbackRefusal returns the denial in a callback's query, or nil. OAuth 2.0 sends error (RFC 6749
// §4.1.2.1); Meta may send error_code and error_message instead. OAuth 1.0a defines no denial: X
// sends denied=‹temporary token›, others send oauth_problem. A parameter without a value counts as
// missing (RFC 6749 §3.1). If the query has a denial and a code, the denial counts.
func callbackRefusal(q url.Values) *Refusal {
	code := cmp.Or(q.Get("error"), q.Get("error_code"), q.Get("oauth_problem"))
	if code == "" && q.Get("denied") != "" {
		code = "denied"
	}
	if code == "" {
		return nil
	}
	return &Refusal{
		Step:        2,
		Code:        clip(code),
		Description: clip(cmp.Or(q.Get("error_description"), q.Get("error_message"), q.Get("oauth_problem_advice"))),
		URI:         clip(q.Get("error_uri")),
		Reason:      clip(q.Get("error_reason")),
	}
}

// callbackStateOf returns the State of the attempt to which a callback claims to belong. A
// callback of OAuth 1.0a has the temporary token in oauth_token or, at X after a denial, in denied.
func callbackStateOf(q url.Values) string {
	if token := cmp.Or(q.Get("oauth_token"), q.Get("denied")); token != "" && !q.Has("state") {
		return tokenState(token)
	}
	return q.Get("state")
}

// checkPrintable refuses what is not printable ASCII, so that s can stand in a header,
// a form and a log (VSCHAR, RFC 6749 Appendix A.11 and A.12).
func checkPrintable(s string) error {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return errors.New("a character that is not printable ASCII")
		}
	}
	return nil
}
