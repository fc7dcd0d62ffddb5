package oauth

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

// A denial by the provider, in all the shapes in which it comes, to a code and at an API.
func TestRefusals(t *testing.T) {
	const json = "application/json"
	for name, tt := range map[string]struct {
		reply  answer
		want   Refusal // with the status, but for the step
		api    bool    // with status 200: an API says so, too
		reason string
	}{
		"RFC 6749": {says(400, json, `{"error": "invalid_grant", "error_description": "The code was used.", "error_uri": "https://op.example/why"}`),
			Refusal{Status: 400, Code: "invalid_grant", Description: "The code was used.", URI: "https://op.example/why"}, false, "§5.2; RFC 6750 §3.1"},
		"wrong secret":     {says(401, json, `{"error": "invalid_client"}`, "WWW-Authenticate", "Basic"), Refusal{Status: 401, Code: "invalid_client"}, false, "401 may be used for it (RFC 6749 §5.2)"},
		"declared as text": {says(403, "text/plain", `{"error": "insufficient_scope"}`), Refusal{Status: 403, Code: "insufficient_scope"}, false, "a reason for failing is read from wherever it stands"},
		"byte order mark":  {says(400, json, "\ufeff"+`{"error": "invalid_grant"}`), Refusal{Status: 400, Code: "invalid_grant"}, false, "a parser may ignore it (RFC 8259 §8.1)"},
		"a long story": {says(400, json, `{"error": "x", "error_description": "a\u0000b`+strings.Repeat("ä", 300)+`"}`),
			Refusal{Status: 400, Code: "x", Description: "a b" + strings.Repeat("ä", 248) + "…"}, false, "a stranger's text is made fit for a log line"},

		"GitHub": {saysJSON(`{"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}`),
			Refusal{Status: 200, Code: "bad_verification_code", Description: "The code passed is incorrect or expired."}, false, "its errors have status 200"},
		"GitHub, form-encoded": {says(200, "application/x-www-form-urlencoded; charset=utf-8", "error=bad_verification_code&error_description=The+code"),
			Refusal{Status: 200, Code: "bad_verification_code", Description: "The code"}, false, "likewise"},
		"with a token": {saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "error": "invalid_grant"}`), Refusal{Status: 200, Code: "invalid_grant"}, false, "an error is an error, whatever else is in the reply"},
		"true":         {saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "error": true}`), Refusal{Status: 200, Code: "true"}, false, "an error of no known shape is still an error"},
		"an object":    {saysJSON(`{"access_token": "t0ken", "token_type": "Bearer", "error": {"type": "x"}}`), Refusal{Status: 200, Code: "not a text"}, false, "likewise"},
		"a list":       {says(400, json, `{"error":["4\/0A"]}`), Refusal{Status: 400, Code: "not a text"}, false, "its escapes could hide a secret"},

		"Meta": {says(400, json, `{"error": {"message": "Error validating access token", "type": "OAuthException", "code": 190, "fbtrace_id": "A"}}`),
			Refusal{Status: 400, Code: "190", Description: "Error validating access token"}, false, "error is an object, its code a number"},
		"Spotify": {says(403, json, `{"error": {"status": 403, "message": "User not registered in the Developer Dashboard"}}`),
			Refusal{Status: 403, Code: "403", Description: "User not registered in the Developer Dashboard"}, false, "an app in development mode, and a user who is not on its list"},
		"Instagram": {says(400, json, `{"error_type": "OAuthException", "code": 400, "error_message": "Matching code was not found or was already used"}`),
			Refusal{Status: 400, Code: "400", Description: "Matching code was not found or was already used"}, false, "no error at all"},
		"GitHub's API": {says(401, json+"; charset=utf-8", `{"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}`),
			Refusal{Status: 401, Code: "401", Description: "Bad credentials"}, false, "no error at all, and the status as text"},
		"Slack":           {saysJSON(`{"ok": false, "error": "invalid_code"}`), Refusal{Status: 200, Code: "invalid_code"}, true, "its errors have status 200; ok says that error is one"},
		"WeChat":          {saysJSON(`{"errcode": 40030, "errmsg": "invalid refresh_token"}`), Refusal{Status: 200, Code: "40030", Description: "invalid refresh_token"}, true, "a number in place of error, with status 200"},
		"X, no credits":   {says(402, "application/problem+json", `{"title": "CreditsDepleted", "detail": "No credits left.", "status": 402, "type": "about:blank"}`), Refusal{Status: 402, Code: "CreditsDepleted", Description: "No credits left."}, false, "RFC 9457"},
		"message alone":   {says(401, json, `{"message":"m"}`), Refusal{Status: 401, Description: "m"}, false, "words, and no code"},
		"code, no error":  {says(401, json, `{"message":"m","code":7,"status":"401"}`), Refusal{Status: 401, Description: "m", Code: "7"}, false, "it says more than the status"},
		"error and code":  {says(401, json, `{"error":"invalid","code":7}`), Refusal{Status: 401, Code: "invalid"}, false, "the word of RFC 6749 comes first"},
		"message, errors": {says(401, json, `{"message":"Validation Failed","errors":[{"message":"inner","code":"c"}]}`), Refusal{Status: 401, Description: "Validation Failed"}, false, "GitHub: the errors are details"},

		"plain text":         {says(401, "text/plain; charset=utf-8", "Unknown client.\n"), Refusal{Status: 401, Description: "Unknown client."}, false, "a reason in words"},
		"OAuth 1.0a's words": {says(401, "text/html", "oauth_problem=token_rejected&oauth_problem_advice=Sign+in."), Refusal{Status: 401, Code: "token_rejected", Description: "Sign in."}, false, "a form, whatever its type is said to be"},
		"no form in JSON":    {says(401, json, `{"error":"a&oauth_problem=b"}`), Refusal{Status: 401, Code: "a&oauth_problem=b"}, false, "JSON is no form"},
		"no form in a text":  {says(403, json, `{"message": "&oauth_problem=x&"}`), Refusal{Status: 403, Description: "&oauth_problem=x&"}, false, "likewise"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newOP()
			p.says[opToken], p.says[opUserinfo] = tt.reply, tt.reply
			c, want := newClient(t, plainRow(), p), tt.want
			unverified, err := c.Exchange(t.Context(), callbackOf(t, c))
			want.Step = 3
			wantRefusal(t, err, want, tt.reason)
			if unverified.tokens.AccessToken != "" || want.ByUser() {
				t.Error("tokens with a refusal, or the user's fault")
			}
			_, err = c.Get(t.Context(), signedIn("plain"), opUserinfo)
			if want.Step = 5; tt.api || want.Status != 200 {
				wantRefusal(t, err, want, tt.reason)
			} else if _, ok := errors.AsType[*Refusal](err); ok {
				t.Errorf("what error means in a reply with status 200 only that API knows: %v", err)
			}
		})
	}
	for _, body := range []string{`{"error": "none", "ok": true}`, `{"error": "none", "errcode": 0}`, `{"name": "&oauth_problem=x&"}`} {
		got := must(newClient(t, opRow(), newOP().but(opUserinfo, saysJSON(body))).Get(t.Context(), signedIn("op"), opUserinfo))
		wantEqual(t, body, string(got), "no refusal")
	}
}

// Texts of strangers are short and on one line, in each field.
func TestRefusalsAreClipped(t *testing.T) {
	long, want := strings.Repeat("x", 600), strings.Repeat("x", 500)+"…"
	q := url.Values{"state": {"st4te-st4te"}}
	for _, name := range []string{"error", "error_description", "error_uri", "error_reason"} {
		q.Set(name, long)
	}
	_, err := newClient(t, opRow(), newOP()).ParseCallback(t.Context(), attemptOf("op"), q.Encode())
	wantRefusal(t, err, Refusal{Step: 2, Code: want, Description: want, URI: want, Reason: want}, "from the callback's URL")

	ctx, shown := last[Checked](t.Context())
	check(ctx, callbackIssuer.equal(long, long))
	wantEqual(t, Checked{{Check: callbackIssuer, Got: want, Want: want, OK: true}}, *shown, "in a trace")
}
