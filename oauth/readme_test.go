package oauth_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// readSource returns the text of the project's Go files by their path from the top:
// "oauth/begin.go".
func readSource(t *testing.T) map[string]string {
	t.Helper()
	source := make(map[string]string)
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".go" {
			source[strings.TrimPrefix(filepath.ToSlash(name), "../")] = string(must(os.ReadFile(name)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// declaration relies on gofmt: what is declared begins at the left, members have one tab.
var declaration = regexp.MustCompile(`(?m)^(?:func (?:\((?:\w+ )?\*?(\w+)(?:\[\w+\])?\) )?(\w+)|(?:var|const|type) (\w+)|\t((?:\w+, )*\w+))`)

// declared is what a file declares: "Client", "Begin", "Client.Begin", "Client.OpenID".
func declared(text string) map[string]bool {
	names, typ := make(map[string]bool), ""
	for _, m := range declaration.FindAllStringSubmatch(text, -1) {
		receiver, function, value, members := m[1], m[2], m[3], m[4]
		names[function], names[value], names[receiver+"."+function] = true, true, true
		for member := range strings.SplitSeq(members, ", ") {
			names[member], names[typ+"."+member] = true, true
		}
		if members == "" {
			typ = value
		}
	}
	return names
}

var (
	goFile    = regexp.MustCompile(`[\w./-]*\w\.go\b`)
	qualified = regexp.MustCompile(`(?:^|[^.\w])(oauth\.|account\.|providers\.|fake\.|templates\.|client\.|attempts\.)?([A-Z]\w*(?:\.[A-Z]\w*)?)\b`)
	quoted    = regexp.MustCompile("`([A-Za-z]\\w*(?:\\.\\w+)?)`")
	camel     = regexp.MustCompile(`^\w*[a-z][A-Z]\w*$`) // a name of Go, also in prose
)

// Whatever the README and the package's documentation name is there, and stands
// as they say: a line with files and functions, in a table or next to an arrow,
// says which function is in which file.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	names := make(map[string]map[string]bool) // what each file declares
	for file, text := range readSource(t) {
		names[file] = declared(text)
	}
	documents := []string{"README.md", "oauth/account/README.md", "providers/README.md", "providers/RUNNING.md",
		"oauth/doc.go", "oauth/account/account.go", "oauth/web/web.go", "providers/providers.go", "providers/fake/fake.go", "templates/templates.go"}
	for _, document := range documents {
		for line := range strings.Lines(string(must(os.ReadFile("../" + document)))) {
			var files []string
			for _, file := range goFile.FindAllString(line, -1) {
				for _, dir := range []string{path.Dir(document), "oauth"} { // the document's own files, and the text of a link
					if near := path.Join(dir, file); names[near] != nil {
						file = near
					}
				}
				if names[file] == nil {
					t.Errorf("%s names the file %s, which is not there", document, file)
				}
				files = append(files, file)
			}
			isTable, isArrow := strings.HasPrefix(line, "|"), strings.Contains(line, "│")
			isThere := func(name string) {
				for file := range names {
					if names[file][name] && (!isTable && !isArrow || files == nil || slices.Contains(files, file)) {
						return
					}
				}
				t.Errorf("%s names %s, which is not in %v", document, name, files)
			}
			for _, m := range qualified.FindAllStringSubmatch(line, -1) {
				if m[1] != "" || strings.Contains(m[2], ".") || path.Ext(document) == ".go" && strings.Contains(line, "["+m[2]+"]") {
					isThere(m[2])
				}
			}
			for _, m := range quoted.FindAllStringSubmatch(line, -1) {
				if isTable && files != nil || camel.MatchString(m[1]) {
					isThere(m[1])
				}
			}
		}
	}
}

var (
	goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")
	comment = regexp.MustCompile(`//.*`)
)

// codeLines are the lines of code without comments and alignment.
func codeLines(code string) []string {
	var lines []string
	for line := range strings.Lines(comment.ReplaceAllString(code, "")) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// The README's Go code is code of the project: the lines of a block stand in this
// order in one file.
func TestReadmeQuotesCode(t *testing.T) {
	source := readSource(t)
	for _, name := range []string{"../README.md", "account/README.md"} {
		blocks := goBlock.FindAllStringSubmatch(string(must(os.ReadFile(name))), -1)
		if len(blocks) == 0 {
			t.Fatalf("no Go code in %s", name)
		}
		for _, block := range blocks {
			found := false
			for _, text := range source {
				missing := codeLines(block[1])
				for _, line := range codeLines(text) {
					if len(missing) > 0 && line == missing[0] {
						missing = missing[1:]
					}
				}
				found = found || len(missing) == 0
			}
			if !found {
				t.Errorf("%s: no file has these lines:\n%s", name, block[1])
			}
		}
	}
}

var exported = regexp.MustCompile(`(?m)((?:^//.*\n)*)^(func|type|var|const) (?:\((?:\w+ )?\*?[A-Z]\w*(?:\[\w+\])?\) )?([A-Z]\w*)`)

// Whatever "go doc" shows of the project's packages has a comment. Those of functions and
// types begin with the name.
func TestExportedNamesAreDocumented(t *testing.T) {
	source := readSource(t)
	for _, dir := range []string{"oauth", "oauth/account", "oauth/web", "providers", "providers/fake", "templates"} {
		hasPackage, count := false, 0
		for file, text := range source {
			if path.Dir(file) != dir || strings.HasSuffix(file, "_test.go") {
				continue
			}
			hasPackage = hasPackage || strings.Contains("\n"+text, "\n// Package "+path.Base(dir)+" ")
			for _, m := range exported.FindAllStringSubmatch(text, -1) {
				begins, kind, name := "// ", m[2], m[3]
				if kind == "func" || kind == "type" {
					begins += name
				}
				if count++; !strings.HasPrefix(m[1], begins) {
					t.Errorf("%s: the comment of %s is %q", file, name, m[1])
				}
			}
		}
		if !hasPackage || count == 0 {
			t.Errorf("%s: package comment %t, %d exported names", dir, hasPackage, count)
		}
	}
}

// must is for what a test needs and is not about.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
