package oauth

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What each form of a check refuses, and in which words.
func TestRows(t *testing.T) { synctest.Test(t, testRows) }

func testRows(t *testing.T) {
	c := &Check{2, "the-check", "RFC 1 §2", "an attack"}
	at := func(s string) time.Time { return must(time.Parse(time.RFC3339, s)) }
	noon := at("2000-01-01T00:00:00Z") // the clock of a bubble begins here
	wantEqual(t, "", c.oneOf("b", "a", "b").Want, "it holds, and wants nothing")
	for name, tt := range map[string]struct {
		row    Outcome
		want   string // what stands between the name and the section; "" if the check holds
		reason string
	}{
		"holds":         {c.holds(true), "", "a plain condition"},
		"holds not":     {c.holds(false), "does not hold", "nothing more to say"},
		"noError":       {c.noError(nil), "", "no error"},
		"error":         {c.noError(errors.New("broken")), "got broken", "the error says it"},
		"skipIf":        {c.holds(false).skipIf(true), "", "does not apply"},
		"skipIf, twice": {c.holds(false).skipIf(true).skipIf(false), "", "a reader may add one to any check"},

		"equal":             {c.equal("a", "a"), "", "the same"},
		"equal other":       {c.equal("b", "a"), "got b, want a", "both sides are named"},
		"equal missing":     {c.equal("", "a"), "got nothing (missing), want a", "missing is told from wrong"},
		"equal empty":       {c.equal("", ""), "does not hold", "a check between two missing values has checked nothing"},
		"equal to nothing":  {c.equal("a", ""), "got a", "likewise"},
		"present":           {c.present("s3cret"), "", "there"},
		"present not":       {c.present(""), "got nothing (missing), want a value", "missing"},
		"same":              {c.equalSecret("s3cret", "s3cret"), "", "the same"},
		"same other":        {c.equalSecret("s3cret", "0ther"), "got another value, want the expected one", "neither is named: they are secrets"},
		"same missing":      {c.equalSecret("", "s3cret"), "got nothing (missing), want the expected one", "missing is told from wrong"},
		"same empty":        {c.equalSecret("", ""), "got nothing (missing), want the expected one", "empty never equals empty"},
		"oneOf":             {c.oneOf("b", "a", "b"), "", "one of them"},
		"oneOf none":        {c.oneOf("c", "a", "b"), "got c, want a or b", "all are named"},
		"oneOf missing":     {c.oneOf("", "a", ""), "got nothing (missing), want a or ", "empty is never one of them"},
		"contains":          {c.contains([]string{"a", "b"}, "b"), "", "in the list"},
		"contains not":      {c.contains([]string{"a", "b"}, "c"), "got a b, want c", "the list is shown"},
		"contains nobody":   {c.contains(nil, "c"), "got nothing (missing), want c", "missing"},
		"contains empty":    {c.contains([]string{""}, ""), "does not hold", "empty is in no list"},
		"before":            {c.before(noon, noon.Add(1)), "", "before"},
		"before at":         {c.before(noon, noon), "got 2000-01-01T00:00:00Z, and this machine's clock says 2000-01-01T00:00:00Z, want before 2000-01-01T00:00:00Z", "the limit is out"},
		"before late":       {c.before(noon.Add(time.Minute), noon), "got 2000-01-01T00:01:00Z, and this machine's clock says 2000-01-01T00:00:00Z, want before 2000-01-01T00:00:00Z", "both times"},
		"before, no time":   {c.before(time.Time{}, noon), "got nothing (missing), want a time", "a zero time is before everything, and no time"},
		"before, elsewhere": {c.before(noon, noon.In(time.FixedZone("", 3600))), "got 2000-01-01T00:00:00Z, and this machine's clock says 2000-01-01T00:00:00Z, want before 2000-01-01T00:00:00Z", "in one time zone"},
		"after":             {c.after(noon, noon.Add(-1)), "", "after"},
		"after at":          {c.after(noon, noon), "got 2000-01-01T00:00:00Z, and this machine's clock says 2000-01-01T00:00:00Z, want after 2000-01-01T00:00:00Z", "the limit is out"},
		"after early":       {c.after(at("2000-01-01T01:00:00+02:00"), noon), "got 1999-12-31T23:00:00Z, and this machine's clock says 2000-01-01T00:00:00Z, want after 2000-01-01T00:00:00Z", "in one time zone"},
		"after, no time":    {c.after(time.Time{}, noon), "got nothing (missing), want a time", "missing"},
		"a stranger's text": {c.equal("a\n\x1b[31m"+strings.Repeat("x", 600), "b"), "got a  [31m" + strings.Repeat("x", 493) + "…, want b", "one line of a log, of a length"},
		"wanted of one":     {c.equal("a", "b\n"+strings.Repeat("x", 600)), "got a, want b " + strings.Repeat("x", 498) + "…", "metadata are a stranger's, too"},
	} {
		want := "<nil>"
		if tt.want != "" {
			want = "oauth: step 2, the-check: " + tt.want + " (RFC 1 §2)"
		}
		wantEqual(t, want, fmt.Sprint(check(t.Context(), tt.row)), name+": "+tt.reason)
		// A trace shows what an outcome keeps, held or not.
		if kept := tt.row.Got + tt.row.Want; strings.Contains(kept, "s3") || strings.Contains(kept, "0ther") {
			t.Errorf("%s: a secret in %q", name, kept)
		}
	}
}

// check stops at the first outcome that does not hold, and gives shared checks the step
// that makes them.
func TestCheckStops(t *testing.T) {
	first, second := &Check{2, "first", "a", "b"}, &Check{2, "second", "c", "d"}
	err := check(inStep(t.Context(), 5, (*Client).Get), first.holds(true), second.holds(false).skipIf(true), second.holds(false), first.holds(false))
	wantCheck(t, err, 5, "second", "the first that failed, with the step that made it")
	wantEqual(t, 2, second.Step, "the check itself is not moved")
	wantEqual(t, nil, check(t.Context()), "no rows")
}

func TestCheckStatus(t *testing.T) {
	for step, want := range map[int]int{0: 502, 1: 502, 2: 400, 3: 502, 4: 502, 5: 502, 6: 502, 7: 502} {
		wantEqual(t, want, Check{Step: step}.Status(), fmt.Sprintf("step %d: the browser brought the callback, the provider all else", step))
	}
}

func TestRefusalError(t *testing.T) {
	for _, tt := range []struct {
		refusal Refusal
		want    string
		byUser  bool
	}{
		{Refusal{Step: 2, Code: "access_denied"}, "oauth: step 2, refused: access_denied", true},
		{Refusal{Step: 2, Code: "access_denied", Description: "No."}, "oauth: step 2, refused: access_denied: No.", true},
		{Refusal{Step: 2, Code: "server_error"}, "oauth: step 2, refused: server_error", false},
		{Refusal{Step: 3, Code: "access_denied"}, "oauth: step 3, refused: access_denied", false}, // the user is not there
		{Refusal{Step: 3}, "oauth: step 3, refused", false},
		{Refusal{Step: 3, Description: "No."}, "oauth: step 3, refused: No.", false},
	} {
		if got := tt.refusal.Error(); got != tt.want || tt.refusal.ByUser() != tt.byUser {
			t.Errorf("%q, by the user: %t; want %q", got, tt.refusal.ByUser(), tt.want)
		}
	}
}

// aadsts50020 is a text of Microsoft's that says what to do at its end
// (https://github.com/MicrosoftDocs/azure-docs/issues/118443, 2024-01-02; other names).
const aadsts50020 = "AADSTS50020: User account 'ada.lovelace@example.com' from identity provider 'live.com' does not exist in tenant 'Example' " +
	"and cannot access the application '00000000-0000-0000-0000-000000000000'(oauth-by-hand) in that tenant. " +
	"The account needs to be added as an external user in the tenant first. " +
	"Sign out and sign in again with a different Azure Active Directory user account."

func TestClip(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"plain":                           "plain",
		"a\r\nb\tc\x00d\x7fe":             "a  b c d e",
		"\x1b[31mred":                     " [31mred",
		"\u009b31mred":                    " 31mred",   // an escape sequence in one character, to some terminals
		"a\u0085b":                        "a b",       // a line break, to some readers of logs
		"moc.live\u202e":                  "moc.live ", // read from right to left: evil.com
		"not \xff UTF-8":                  "not  UTF-8",
		"Ünal Öz 🙂":                       "Ünal Öz 🙂",
		aadsts50020:                       aadsts50020,
		strings.Repeat("x", 500):          strings.Repeat("x", 500),
		strings.Repeat("x", 501):          strings.Repeat("x", 500) + "…",
		"x" + strings.Repeat("ä", 250):    "x" + strings.Repeat("ä", 249) + "…", // not through the middle of one
		strings.Repeat("\n", 1_000_000):   strings.Repeat(" ", 500) + "…",
		strings.Repeat("\xff", 1_000_000): "…",
	} {
		wantEqual(t, want, clip(in), fmt.Sprintf("%.20q", in))
	}
}

// Checks is what pages, tests and the fake know of the checks: every one that a file
// of this package declares, once, complete, in the order of the steps.
func TestChecks(t *testing.T) {
	var declared []string
	for _, found := range regexp.MustCompile(`= Check\{\d, "([^"]+)"`).FindAllStringSubmatch(readAll(t, false), -1) {
		declared = append(declared, found[1])
	}
	var listed []string
	perStep := make([]int, 8)
	for _, c := range Checks() {
		perStep[c.Step]++
		listed = append(listed, c.Name)
		if c.Name == "" || c.Spec == "" || c.Stops == "" || c.Step < 0 || c.Step > 7 {
			t.Errorf("%+v is not complete", c)
		}
		if !strings.HasPrefix(c.Spec, "RFC ") && !strings.HasPrefix(c.Spec, "OIDC ") && c.Spec != "defense in depth" {
			t.Errorf("%s: %q is no section", c.Name, c.Spec)
		}
	}
	only1 := slices.Index(listed, temporaryComplete.Name) // from here on, those of OAuth 1.0a alone
	for _, run := range [][]Check{Checks()[:only1], Checks()[only1:]} {
		if !slices.IsSortedFunc(run, func(a, b Check) int { return cmp.Compare(a.Step, b.Step) }) {
			t.Errorf("not in the order of the steps: %v", run)
		}
	}
	wantEqual(t, []int{10, 2, 12, 5, 19, 3, 5, 1}, perStep, "checks of each step")
	slices.Sort(declared)
	slices.Sort(listed)
	wantEqual(t, declared, listed, "all that are declared are listed")
	wantEqual(t, len(Checks()), len(slices.Compact(listed)), "no two checks share a name")
}

// A check that no test expects to fail may be gone without anybody noticing.
func TestEveryCheckIsSeenToFail(t *testing.T) {
	tests := readAll(t, true)
	for _, c := range Checks() {
		if !strings.Contains(tests, `"`+c.Name+`"`) {
			t.Errorf("no test expects %s to fail", c.Name)
		}
	}
}

// readAll returns the text of this package's files, or of those of its tests.
func readAll(t *testing.T, tests bool) string {
	t.Helper()
	names := must(filepath.Glob("*.go"))
	var all []byte
	for _, name := range names {
		text := must(os.ReadFile(name))
		if strings.HasSuffix(name, "_test.go") == tests {
			all = append(all, text...)
		}
	}
	return string(all)
}
