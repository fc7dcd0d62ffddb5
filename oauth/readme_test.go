package oauth_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// source is what the project's Go files declare: "Client.Begin", "Client.OpenID",
// "NewClient", by file, as seen from the top: "oauth/begin.go".
type source struct {
	declared map[string]map[string]bool
	lines    map[string][]string // of each function, without comments
}

var (
	function = regexp.MustCompile(`^func (?:\((?:\w+ )?\*?(\w+)(?:\[\w+\])?\) )?(\w+)`)
	declares = regexp.MustCompile(`^(?:var|const|type) (\w+)`)
	member   = regexp.MustCompile(`^\t((?:\w+, )*\w+)`)
)

// readSource relies on gofmt: what is declared begins at the left, members have one tab.
func readSource(t *testing.T) source {
	t.Helper()
	s := source{make(map[string]map[string]bool), make(map[string][]string)}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		names, body, typ := make(map[string]bool), "", "" // the function or the type that is open
		for line := range strings.Lines(string(must(os.ReadFile(path)))) {
			if m := function.FindStringSubmatch(line); m != nil {
				names[strings.TrimPrefix(m[1]+"."+m[2], ".")] = true
				body, typ = filepath.ToSlash(path)+" "+m[2], ""
			} else if m := declares.FindStringSubmatch(line); m != nil {
				names[m[1]] = true
				body, typ = "", m[1]+"."
			} else if line[0] != '\t' && line != "}\n" && line != "\n" {
				body, typ = "", "" // a group of variables, types or constants
			} else if m := member.FindStringSubmatch(line); m != nil && body == "" {
				for name := range strings.SplitSeq(m[1], ", ") {
					names[typ+name] = true
				}
			}
			if body != "" {
				s.lines[body] = append(s.lines[body], codeLines(line)...)
			}
		}
		s.declared[strings.TrimPrefix(filepath.ToSlash(path), "../")] = names
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// in reports whether name is declared in one of the files, or anywhere without files.
func (s source) in(name string, files []string) bool {
	for file, names := range s.declared {
		if names[name] && (files == nil || slices.Contains(files, file)) {
			return true
		}
	}
	return false
}

var comment = regexp.MustCompile(`//.*`)

// codeLines are the lines of code without comments and alignment.
func codeLines(code string) []string {
	var lines []string
	for line := range strings.Lines(code) {
		if line = strings.Join(strings.Fields(comment.ReplaceAllString(line, "")), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// holds reports whether lines are among all, in this order.
func holds(all, lines []string) bool {
	for _, line := range all {
		if len(lines) > 0 && line == lines[0] {
			lines = lines[1:]
		}
	}
	return len(lines) == 0
}

var (
	goFile    = regexp.MustCompile(`[\w./-]*\w\.go\b`)
	qualified = regexp.MustCompile(`(?:^|[^.\w])(oauth\.|account\.|providers\.|fake\.|templates\.)?([A-Z]\w*(?:\.[A-Z]\w*)?)\b`)
	quoted    = regexp.MustCompile("`([A-Za-z]\\w*(?:\\.\\w+)?)`")
	camel     = regexp.MustCompile(`^\w*[a-z][A-Z]\w*$`) // a name of Go, also in prose
	goBlock   = regexp.MustCompile("(?s)```go\n(.*?)```")
	docLink   = regexp.MustCompile(`\[\*?([A-Z]\w*(?:\.[A-Z]\w*)?)\]`)
	docCall   = regexp.MustCompile(`\b(client|attempts)\.([A-Z]\w*)\(`)
)

// Whatever the README and the package's documentation name is there, and stands
// as they say: a line with files and functions, in a table or next to an arrow,
// says which function is in which file.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	s := readSource(t)
	for _, name := range []string{"../README.md", "account/README.md", "../providers/README.md", "../providers/RUNNING.md", "doc.go"} {
		document := must(os.ReadFile(name))
		for line := range strings.Lines(string(document)) {
			var files []string
			for _, file := range goFile.FindAllString(line, -1) {
				file = strings.TrimPrefix(file, "./")
				for _, dir := range []string{"oauth/", "oauth/account/"} { // the package's own files, and the text of a link
					if s.declared[file] == nil && s.declared[dir+file] != nil {
						file = dir + file
					}
				}
				if s.declared[file] == nil {
					t.Errorf("%s names the file %s, which is not there", name, file)
				}
				files = append(files, file)
			}
			where := files
			if !strings.HasPrefix(line, "|") && !strings.Contains(line, "│") {
				where = nil
			}
			for _, m := range qualified.FindAllStringSubmatch(line, -1) {
				if (m[1] != "" || strings.Contains(m[2], ".")) && !s.in(m[2], where) {
					t.Errorf("%s names %s%s, which is not in %v", name, m[1], m[2], where)
				}
			}
			for _, m := range quoted.FindAllStringSubmatch(line, -1) {
				if (where != nil && !strings.Contains(line, "│") || camel.MatchString(m[1])) && !s.in(m[1], where) && !s.in("server."+m[1], where) && !s.in("sender."+m[1], where) {
					t.Errorf("%s names %s, which is not in %v", name, m[1], where)
				}
			}
		}
		for _, m := range docLink.FindAllStringSubmatch(string(document), -1) {
			if name == "doc.go" && !s.in(m[1], nil) {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
		for _, m := range docCall.FindAllStringSubmatch(string(document), -1) {
			typ := map[string]string{"client": "Client", "attempts": "Attempts"}[m[1]]
			if !s.in(typ+"."+m[2], nil) {
				t.Errorf("%s calls %s, which is not there", name, m[0])
			}
		}
	}
}

// The README's Go code is code of the project: the lines of a block stand in this
// order in one function, an Example or another.
func TestReadmeQuotesCode(t *testing.T) {
	s := readSource(t)
	for _, name := range []string{"../README.md", "account/README.md"} {
		readme := must(os.ReadFile(name))
		blocks := goBlock.FindAllStringSubmatch(string(readme), -1)
		if len(blocks) == 0 {
			t.Fatalf("no Go code in %s", name)
		}
		for _, block := range blocks {
			found := false
			for _, lines := range s.lines {
				found = found || holds(lines, codeLines(block[1]))
			}
			if !found {
				t.Errorf("%s: no function has these lines:\n%s", name, block[1])
			}
		}
	}
}

// Whatever "go doc" shows of the project's packages has a comment, which begins with the
// name; variables and constants may share one. The files that a package's comment names
// are there.
func TestExportedNamesAreDocumented(t *testing.T) {
	for _, dir := range []string{".", "account", "web", "../providers", "../providers/fake", "../templates"} {
		names, err := filepath.Glob(dir + "/*.go")
		if err != nil || names == nil {
			t.Fatalf("no Go files in %s: %v", dir, err)
		}
		fset := token.NewFileSet()
		var files []*ast.File
		for _, name := range names {
			file := must(parser.ParseFile(fset, name, nil, parser.ParseComments))
			files = append(files, file)
		}
		p := must(doc.NewFromFiles(fset, files, dir))
		begins := func(comment, name string) {
			if !strings.HasPrefix(comment, name) {
				t.Errorf("package %s: the comment of %s is %q", p.Name, name, comment)
			}
		}
		begins(p.Doc, "Package "+p.Name)
		for _, file := range goFile.FindAllString(p.Doc, -1) {
			if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
				t.Errorf("package %s names the file %s, which is not there", p.Name, file)
			}
		}
		values, funcs := slices.Concat(p.Consts, p.Vars), p.Funcs
		for _, typ := range p.Types {
			begins(typ.Doc, typ.Name)
			values, funcs = slices.Concat(values, typ.Consts, typ.Vars), slices.Concat(funcs, typ.Funcs, typ.Methods)
		}
		for _, f := range funcs {
			begins(f.Doc, f.Name)
		}
		for _, v := range values {
			if v.Doc == "" {
				t.Errorf("package %s: %v have no comment", p.Name, v.Names)
			}
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
