package demo_test

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"example.com/oauthbyhand/providers/registered"
	"github.com/google/go-cmp/cmp"
)

// TestREADME holds the README's lists to the code; UPDATE=1 writes them.
func TestREADME(t *testing.T) {
	const name = "../../../README.md"
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	readme := string(file)
	for list, want := range map[string]string{"providers": listOfProviders(t)} {
		before, rest, ok := strings.Cut(readme, "<!-- "+list+": UPDATE=1 go test writes them -->\n")
		got, _, ok2 := strings.Cut(rest, "<!-- end of the "+list+" -->")
		if !ok || !ok2 {
			t.Fatalf("README.md has lost its marks of the %s", list)
		}
		if os.Getenv("UPDATE") != "" {
			readme = readme[:len(readme)-len(rest)] + want + rest[len(got):]
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("README.md, after line %d (-want +got); UPDATE=1 go test writes it:\n%s", strings.Count(before, "\n"), diff)
		}
	}
	if os.Getenv("UPDATE") != "" {
		os.WriteFile(name, []byte(readme), 0o644)
	}
}

// listOfProviders says where an app is registered, with which callback URL, and how
// the demo is then started.
func listOfProviders(t *testing.T) (list string) {
	for _, p := range registered.All("https://openid.example") {
		for _, way := range [][2]string{ // the first that the provider takes
			{"http://localhost:8080", ""},
			{"http://127.0.0.1:8080", " -base-url http://127.0.0.1:8080"},
			{"https://app.example.com", " -base-url https://app.example.com"},
		} {
			base, err := url.Parse(way[0])
			if err != nil {
				t.Fatal(err)
			}
			if registered.CallbackRule(p.About, base) == "" {
				list += fmt.Sprintf("- **%s**: `%s`\n  - register at %s\n  - callback URL `%s`, started with `go run .%s`\n  - %s\n",
					p.Title, strings.Join(p.Variables(), "`, `"), p.Console, p.RedirectURI(base), way[1], p.Notes)
				break
			}
		}
	}
	return list
}
