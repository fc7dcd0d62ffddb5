package oauth

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

// attemptOf is an attempt of the provider with this name.
func attemptOf(provider string) Attempt {
	return Attempt{Provider: provider, State: "st4te-st4te", Nonce: "n-0S6_WzA2Mj", CodeVerifier: "v3rifier", Scopes: []string{"openid", "email"}}
}

func TestParseCallback(t *testing.T) {
	const good = "state=st4te-st4te&code=c0de"
	promised := func(a *Attempt) { a.IssParameter = true }
	for name, tt := range map[string]struct {
		query   string
		attempt func(*Attempt)
		row     func(*Provider)
		fails   string
		reason  string
	}{
		"honest":              {query: good, reason: "the two parameters of RFC 6749 §4.1.2"},
		"unknown parameters":  {query: good + "&session_state=x&scope=openid+email&authuser=0&prompt=consent&access_token=x", reason: "they are ignored (RFC 6749 §4.1.2)"},
		"a code with a slash": {query: "state=st4te-st4te&code=4%2F0Ab", reason: "Google's codes have one; it is decoded once"},

		"state missing":      {query: "code=c0de", fails: "callback-state", reason: "login CSRF: the attacker leaves it out"},
		"state of another":   {query: "state=st4te-STATE&code=c0de", fails: "callback-state", reason: "login CSRF: the attacker's code in this user's session"},
		"state cut short":    {query: "state=st4te-st&code=c0de", fails: "callback-state", reason: "the whole is compared, also behind the 8 characters in the cookie's name"},
		"empty equals empty": {query: "state=&code=c0de", attempt: func(a *Attempt) { a.State = "" }, fails: "callback-state", reason: "two missing values agree on nothing"},

		"state twice":         {query: "state=st4te-st4te&" + good, fails: "callback-query", reason: "a proxy may have checked the other one"},
		"code twice":          {query: good + "&code=attackers", fails: "callback-query", reason: "a proxy and this app would read different codes"},
		"unknown one twice":   {query: good + "&x=1&x=2", fails: "callback-query", reason: "no parameter may be repeated (RFC 6749 §3.1)"},
		"semicolon":           {query: good + "&a=b;state=x", fails: "callback-query", reason: "a parameter for some parsers, part of a value for others"},
		"bad escape":          {query: good + "&a=%zz&b%z=c", reason: "parameters that nobody knows are ignored (RFC 6749 §4.1.2)"},
		"bad escape in state": {query: "state=%zz&" + good, fails: "callback-query", reason: "r.URL.Query() would drop it silently"},

		"iss":                        {query: good + "&iss=https%3A%2F%2Fop.example", attempt: promised, reason: "as RFC 9207 wants it"},
		"iss unpromised":             {query: good + "&iss=https%3A%2F%2Fop.example", reason: "Google and GitHub send it without saying so"},
		"iss absent though promised": {query: good, attempt: promised, fails: "callback-issuer", reason: "mix-up: the attacker strips it"},
		"iss of another": {query: good + "&iss=https%3A%2F%2Fevil.example", attempt: promised, fails: "callback-issuer",
			reason: "mix-up: the code is another provider's, and would be sent to this one"},
		"iss of another, unpromised": {query: good + "&iss=https%3A%2F%2Fevil.example", fails: "callback-issuer", reason: "a callback that says that the code is not ours is believed"},
		"iss with a slash":           {query: good + "&iss=https%3A%2F%2Fop.example%2F", fails: "callback-issuer", reason: "simple string comparison (RFC 9207 §2.4)"},
		"iss empty":                  {query: good + "&iss=", reason: "without a value, as if left out (RFC 6749 §3.1), and none was promised"},
		"an entry without an issuer": {query: good + "&iss=https%3A%2F%2Fwhoever.example", row: func(p *Provider) { *p = plainRow(); p.Name = "op" }, reason: "there is nothing to compare it with"},
		"an entry with an issuer for callbacks only": {query: good + "&iss=https%3A%2F%2Fevil.example", fails: "callback-issuer",
			row:    func(p *Provider) { p.OpenID, p.Metadata = false, plainRow().Metadata },
			reason: "GitHub: no OpenID Connect, and an iss all the same"},

		"code missing":       {query: "state=st4te-st4te", fails: "callback-code", reason: "neither a yes nor a no"},
		"code at the edges":  {query: "state=st4te-st4te&code=+%7E", reason: "the first and the last that are printable"},
		"code below a space": {query: "state=st4te-st4te&code=%1F", fails: "callback-code", reason: "likewise"},
		"code above a tilde": {query: "state=st4te-st4te&code=%7F", fails: "callback-code", reason: "likewise"},
		"code not ASCII":     {query: "state=st4te-st4te&code=c%C3%B6de", fails: "callback-code", reason: "codes are printable ASCII (RFC 6749 Appendix A.11)"},
		"only an access token": {query: "state=st4te-st4te&access_token=x&token_type=bearer", fails: "callback-code",
			reason: "token injection: tokens come from the token endpoint only (RFC 9700 §2.1.2)"},

		"error without state":      {query: "error=access_denied", fails: "callback-state", reason: "anybody can write this link; a user who asked for nothing is refused nothing"},
		"error with another's iss": {query: "state=st4te-st4te&error=access_denied&iss=https%3A%2F%2Fevil.example", fails: "callback-issuer", reason: "errors too (RFC 9207 §2.4)"},
		"error empty":              {query: good + "&error=", reason: "a parameter without a value counts as left out (RFC 6749 §3.1)"},
	} {
		t.Run(name, func(t *testing.T) {
			row, attempt := with(opRow(), tt.row), with(attemptOf("op"), tt.attempt)
			callback, err := newClient(t, row, nil).ParseCallback(t.Context(), attempt, tt.query)
			wantCheck(t, err, 2, tt.fails, tt.reason)
			want := url.Values{}
			if tt.fails == "" {
				want, _ = url.ParseQuery(tt.query)
			}
			wantEqual(t, want.Get("code"), callback.code, tt.reason)
			if err != nil && strings.Contains(err.Error(), "c0de") {
				t.Errorf("the code is in the error: %v", err)
			}
		})
	}
}

// What decides a sign-in and cannot be read is not taken for missing.
func TestUnreadableParameters(t *testing.T) {
	for _, name := range []string{"state", "iss", "c%6fde", "error", "error_code", "oauth_token", "oauth_verifier", "denied", "oauth_problem"} {
		if _, _, err := parseCallback(name + "=%zz"); err == nil {
			t.Errorf("%s was dropped", name)
		}
	}
}

// Each provider reports a denial in its own words.
func TestParseCallbackRefusal(t *testing.T) {
	for name, tt := range map[string]struct {
		query  string
		want   Refusal
		byUser bool
		reason string
	}{
		"RFC 6749": {"error=access_denied&error_description=The+user+refused.&error_uri=https%3A%2F%2Fop.example%2Fwhy",
			Refusal{Step: 2, Code: "access_denied", Description: "The user refused.", URI: "https://op.example/why"}, true, "§4.1.2.1"},
		"Facebook": {"error=access_denied&error_code=200&error_description=Permissions+error&error_reason=user_denied",
			Refusal{Step: 2, Code: "access_denied", Description: "Permissions error", Reason: "user_denied"}, true, "the word counts, not the number next to it"},
		"Facebook, the app not live": {"error_code=1349187&error_message=The+app+is+not+set+up",
			Refusal{Step: 2, Code: "1349187", Description: "The app is not set up"}, false, "Meta's own names, without error"},
		"the app's mistake":              {"error=invalid_scope", Refusal{Step: 2, Code: "invalid_scope"}, false, "no description, and nothing that the user did"},
		"a code next to it":              {"error=access_denied&code=c0de", Refusal{Step: 2, Code: "access_denied"}, true, "a code smuggled in behind an error is never redeemed"},
		"a code that is none next to it": {"error=access_denied&code=%0D%0A", Refusal{Step: 2, Code: "access_denied"}, true, "nor is it looked at: the user learns what the provider said"},
		"badly encoded":                  {"error=access_denied&error_description=100%", Refusal{Step: 2, Code: "access_denied"}, true, "the denial is not lost for its description"},
		"terminal codes": {"error=x&error_description=a%1B%5B31mb%00%0Ac" + strings.Repeat("x", 600),
			Refusal{Step: 2, Code: "x", Description: "a [31mb  c" + strings.Repeat("x", 490) + "…"}, false, "anyone who writes the URL writes this text; it goes to a log and a page"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, opRow(), nil)
			callback, err := c.ParseCallback(t.Context(), attemptOf("op"), "state=st4te-st4te&iss=https%3A%2F%2Fop.example&"+tt.query)
			wantRefusal(t, err, tt.want, tt.reason)
			wantEqual(t, "", callback.code, "no code is kept")
			wantEqual(t, tt.byUser, tt.want.ByUser(), "by the user")
		})
	}
}

// Nothing that a browser can bring makes ParseCallback panic, and it takes and believes
// nothing without this attempt's state.
func FuzzParseCallback(f *testing.F) {
	for _, seed := range []string{
		"state=st4te-st4te&code=c0de", "state=st4te-st4te&code=c0de&iss=https%3A%2F%2Fop.example",
		"state=st4te-st4te&error=access_denied&error_description=no", "state=st4te-st4te&error_code=200&error_message=no",
		"state=st4te-st4te&code=a&code=b", "state=st4te-st4te;code=c0de", "state=%zz&code=c0de", "", "&&&===",
		"state=st4te-st4te&code=c0de&iss=https%3A%2F%2Fevil.example",
		"state=st4te-st4te&code=c0de&iss", // without a value: as if left out (RFC 6749 §3.1)
	} {
		f.Add(seed)
	}
	c := must(NewClient(opRow(), "app", "s3cret", "https://app.example/callback/op", nil))
	f.Fuzz(func(t *testing.T, query string) {
		callback, err := c.ParseCallback(t.Context(), attemptOf("op"), query)
		q, _ := url.ParseQuery(query)
		_, refused := errors.AsType[*Refusal](err)
		if (err == nil || refused) && (strings.Contains(query, ";") || len(q["state"]) != 1 || q["state"][0] != "st4te-st4te" ||
			q.Get("iss") != "" && q.Get("iss") != "https://op.example") {
			t.Errorf("believed: %q, %v", query, err)
		}
		if err == nil && (len(q["code"]) != 1 || q["code"][0] == "" || callback.code != q["code"][0] || q.Get("error") != "") {
			t.Errorf("taken: code %q of %q", callback.code, query)
		}
		if err != nil && callback.code != "" {
			t.Errorf("code %q with %v", callback.code, err)
		}
	})
}
