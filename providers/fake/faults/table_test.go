package faults_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/oauthbyhand/oauth"
	"example.com/oauthbyhand/providers/fake/faults"
	"github.com/google/go-cmp/cmp"
)

// ownDoor are the checks that nobody outside can make fail, with the reason.
var ownDoor = map[string]string{
	"refresh-token": "without a refresh token no page has a button that refreshes",
	"refresh-aud":   "claim-aud-only refuses first, as long as this app's client id stays the same",
}

// place matches the function and file that a row names if no check stops its attack.
var place = regexp.MustCompile(`\((\S+), (\S+\.go)\)`)

// The table of faults and the table of checks fit together.
func TestEachCheckIsCaught(t *testing.T) {
	stops := stopped()
	names := map[string]bool{}
	for _, f := range faults.All() {
		if names[f.Name] {
			t.Errorf("two faults are called %s", f.Name)
		}
		names[f.Name] = true
		noCheck := f.Stops == "" || f.Stops == faults.Nothing || f.Stops == faults.Refusal
		if f.Does == "" || f.Gains == "" || noCheck && f.Spec == "" {
			t.Errorf("%s does not say what it does, what that gains, or where to read on", f.Name)
		}
		for _, m := range place.FindAllStringSubmatch(f.Gains, -1) {
			name := m[1][strings.LastIndexByte(m[1], '.')+1:]
			if source, err := os.ReadFile(filepath.Join("../../..", m[2])); err != nil || !strings.Contains(string(source), name+"(") {
				t.Errorf("%s: there is no %s in %s", f.Name, m[1], m[2])
			}
		}
	}
	if len(names) > 100 {
		t.Errorf("%d faults: nobody reads more than 100, so remove one of the same step and check", len(names))
	}
	for _, c := range oauth.Checks() {
		if (len(stops[c.Name]) == 0) != (ownDoor[c.Name] != "") {
			t.Errorf("%s stops the attacks %v, and ownDoor says %q", c.Name, stops[c.Name], ownDoor[c.Name])
		}
		delete(stops, c.Name)
	}
	for _, other := range []string{"", faults.Refusal, faults.Nothing} {
		delete(stops, other)
	}
	for check, faults := range stops {
		t.Errorf("there is no check %s, which is to stop %v", check, faults)
	}
}

// stopped returns the names of the faults by what stops them.
func stopped() map[string][]string {
	stops := map[string][]string{}
	for _, f := range faults.All() {
		stops[f.Stops] = append(stops[f.Stops], "`"+f.Name+"`")
	}
	return stops
}

// The README's table says of each check which attacks it stops; UPDATE=1 writes it.
func TestREADME(t *testing.T) {
	const name, end = "../README.md", "<!-- end of the attacks -->"
	readme, err := os.ReadFile(name)
	before, rest, ok := strings.Cut(string(readme), "<!-- attacks: UPDATE=1 go test writes them -->\n")
	got, after, ok2 := strings.Cut(rest, end)
	if err != nil || !ok || !ok2 {
		t.Fatalf("README.md has lost its marks of the attacks: %v", err)
	}
	stops := stopped()
	want := "| check | attacks that it stops | section |\n|---|---|---|\n"
	for _, c := range oauth.Checks() {
		attacks := strings.Join(stops[c.Name], ", ")
		if attacks == "" {
			attacks = "none from outside: " + ownDoor[c.Name]
		}
		want += "| `" + c.Name + "` | " + attacks + " | " + c.Spec + " |\n"
	}
	for _, row := range [][3]string{
		{"none: the provider refuses", faults.Refusal, "RFC 6749 §4.1.2.1, §5.2"},
		{"none: the attack succeeds, and its text on /break says what helps", faults.Nothing, "on the page /break"},
		{"none: a good app copes with it", "", "on the page /break"},
	} {
		want += "| " + row[0] + " | " + strings.Join(stops[row[1]], ", ") + " | " + row[2] + " |\n"
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, []byte(strings.TrimSuffix(string(readme), rest)+want+end+after), 0o644); err != nil {
			t.Error(err)
		}
	} else if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("README.md, after line %d (-want +got); UPDATE=1 go test writes it:\n%s", strings.Count(before, "\n"), diff)
	}
}
