package oauth

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vector is one case of testdata/vectors; its README says what the headers mean.
type vector struct {
	name   string
	header map[string]string
	body   string
}

// readVectors reads the files that match pattern. headers are those that they may
// have in addition to comment, source and expect, and expects the values of expect: what
// else stands there is a typo, which must not pass.
func readVectors(t testing.TB, pattern string, headers, expects []string) []vector {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("../testdata/vectors", pattern))
	if len(files) == 0 {
		t.Fatalf("no vectors %s", pattern)
	}
	var vectors []vector
	for _, file := range files {
		text := must(os.ReadFile(file))
		head, body, _ := strings.Cut(string(text), "\n\n")
		v := vector{strings.TrimSuffix(filepath.Base(file), ".txt"), map[string]string{}, strings.TrimSuffix(body, "\n")}
		for line := range strings.Lines(head) {
			name, value, found := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			_, twice := v.header[name]
			if !found || twice || !slices.Contains(append(headers, "comment", "source", "expect"), name) {
				t.Fatalf("%s: header %q is malformed, unknown or repeated", file, line)
			}
			v.header[name] = value
		}
		if v.header["comment"] == "" || v.header["source"] == "" || !slices.Contains(expects, v.header["expect"]) {
			t.Fatalf("%s: comment or source is missing, or expect is not one of %q", file, expects)
		}
		vectors = append(vectors, v)
	}
	return vectors
}
