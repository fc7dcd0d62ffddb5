package registered

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProvidersREADME compares the list in providers/README.md with the entries. UPDATE=1 writes it.
func TestProvidersREADME(t *testing.T) {
	const name, begin, end = "../README.md", "<!-- providers: UPDATE=1 go test writes them -->\n", "<!-- end of the providers -->"
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(file), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has lost its marks", name)
	}
	want := listOfProviders(t)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got); UPDATE=1 go test writes it:\n%s", name, diff)
	}
}

// listOfProviders says for each provider where to register the app, with which callback URL, and
// how to start the demo then.
func listOfProviders(t *testing.T) (list string) {
	for _, p := range All("") {
		for _, start := range []string{ // the first one whose callback URL the provider takes
			"go run .",
			"go run . -base-url http://127.0.0.1:8080",
			"go run . -base-url https://app.example.com",
		} {
			_, address, ok := strings.Cut(start, " -base-url ")
			if !ok {
				address = "http://localhost:8080"
			}
			base, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			if callbackRule(p.About, base) != "" {
				continue
			}
			list += fmt.Sprintf("- **%s**: `%s`\n  - register at %s\n  - callback URL `%s`; start the app with `%s`\n  - %s\n",
				p.Title, strings.Join(p.Variables(), "`, `"), p.Console, p.RedirectURI(base), start, p.Notes)
			if p.entry.WithoutPKCE != "" {
				list += "  - without PKCE: " + p.entry.WithoutPKCE + "\n"
			}
			break
		}
	}
	return list
}
