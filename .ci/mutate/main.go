// Mutate takes each check out of package oauth, one at a time, and sees whether some test
// notices: go run ./.ci/mutate
//
// A check that can be lost without a test that fails is not held by anything. So each row
// of each check(ctx, …) is made to pass always; each condition beside a row, and each
// comparison in the functions that rows judge by, is made to hold always, and never. All of
// these mutants are compiled into one binary, by way of go's -overlay, and the environment
// variable MUTANT says which one it is to be: so a mutant costs the tests that it takes to
// find it, and no build.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// judges are the functions beside the rows that rows judge by. The methods of Check and
// row, in errors.go, are among them without being listed.
var judges = []string{
	"once", "printable", "fitSubject", "readDate", "readAudience", "refusal", "callbackRefusal",
	"decodeBase64url", "parseJWS", "parseKey", "parseRSA", "parseEC", "readBytes", "signed", "keysFor",
	"secure", "IsLoopback", "parseObject", "parseJSON", "value", "text", "has", "Read", "clientAuth", "use", "RefreshDue", "tokenRefused", "revoked",
}

// unreachable are the mutants that no test can find, with the reason.
var unreachable = map[string]string{
	"oauth/strictjson.go Read: ok never":             "a string without escapes is then decoded by encoding/json, which is slower and comes to the same",
	"oauth/strictjson.go Read: raw[0] == '\"' never": "likewise",
	"oauth/jwk.go signed: ok always (2)":             "a key that fits is of one of the two types",
}

// mutant is one change.
type mutant struct {
	what  string
	found bool // some test has failed
}

// edit is text put into a file.
type edit struct {
	at   int
	text string
}

type mutator struct {
	set     *token.FileSet
	source  []byte
	edits   []edit
	mutants []mutant // the first is none
	where   string
	named   map[string]int
}

func main() {
	began := time.Now()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
	fmt.Printf("in %s\n", time.Since(began).Round(time.Second))
}

func run() error {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	mutants, err := prepare(dir)
	if err != nil {
		return err
	}
	for _, judge := range judges {
		if !slices.ContainsFunc(mutants, func(m mutant) bool { return strings.Contains(m.what, " "+judge+": ") }) {
			return fmt.Errorf("there is no function %s any more, or nothing to change in it", judge)
		}
	}
	binaries := [][2]string{{filepath.Join(dir, "oauth.test"), "oauth"}, {filepath.Join(dir, "main.test"), "."}}
	for _, b := range binaries {
		build := exec.Command("go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", b[0], "./"+b[1])
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%v\n%s", err, out)
		}
	}
	if ok, out := passes(binaries, 0); !ok {
		return fmt.Errorf("the tests fail as it is:\n%s", out)
	}
	work := make(chan int)
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for n := range work {
				ok, _ := passes(binaries, n)
				mutants[n].found = !ok
			}
		})
	}
	for n := 1; n < len(mutants); n++ {
		work <- n
	}
	close(work)
	workers.Wait()
	return report(mutants[1:])
}

// passes reports whether all tests pass with mutant n; 0 is none.
func passes(binaries [][2]string, n int) (bool, []byte) {
	for _, b := range binaries {
		// Not the tests that measure memory: beside another one they measure that, too. Nor
		// the one that draws lots: what it finds once, it need not find again.
		test := exec.Command(b[0], "-test.failfast", "-test.timeout=60s", "-test.skip=^Test(BegunAndNeverFinished|NothingIsLeftBehind|OneProviderInTrouble)$")
		test.Dir = b[1]
		test.Env = append(os.Environ(), "MUTANT="+strconv.Itoa(n))
		if out, err := test.CombinedOutput(); err != nil {
			return false, out
		}
	}
	return true, nil
}

func report(mutants []mutant) error {
	var lost []string
	found, excused := 0, 0
	for _, m := range mutants {
		reason, excuse := unreachable[m.what]
		delete(unreachable, m.what)
		switch {
		case m.found && excuse:
			lost = append(lost, m.what+"\n\ta test finds it: take it off the list")
		case m.found:
			found++
		case excuse:
			excused++
			fmt.Printf("not to be found: %s\n\t%s\n", m.what, reason)
		default:
			lost = append(lost, m.what+"\n\tno test finds it")
		}
	}
	for what := range unreachable {
		lost = append(lost, what+"\n\tis on the list, and is no mutant")
	}
	fmt.Printf("%d of %d mutants found by some test, %d that none can find\n", found, len(mutants), excused)
	if len(lost) > 0 {
		return fmt.Errorf("%d left:\n%s", len(lost), strings.Join(lost, "\n"))
	}
	return nil
}

// prepare writes package oauth with all mutants in it, beside itself.
func prepare(dir string) ([]mutant, error) {
	m := mutator{set: token.NewFileSet(), mutants: []mutant{{what: "none"}}, named: map[string]int{}}
	overlay := map[string]string{}
	files, _ := filepath.Glob("oauth/*.go")
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		changed, err := m.file(name)
		if err != nil {
			return nil, err
		}
		if overlay[name], err = write(dir, filepath.Base(name), changed); err != nil {
			return nil, err
		}
	}
	var err error
	if overlay["oauth/mutant.go"], err = write(dir, "mutant.go", []byte(switchboard)); err != nil {
		return nil, err
	}
	config, _ := json.Marshal(map[string]any{"Replace": overlay})
	_, err = write(dir, "overlay.json", config)
	return m.mutants, err
}

func write(dir, name string, text []byte) (string, error) {
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, text, 0o644)
}

const switchboard = `package oauth

import (
	"os"
	"strconv"
)

var mutant, _ = strconv.Atoi(os.Getenv("MUTANT"))

func (r outcome) mutant(n int) outcome {
	if n == mutant {
		r.skipped = true
	}
	return r
}

func mutated(n int, holds bool) bool {
	return n == mutant || holds && n+1 != mutant
}
`

func (m *mutator) file(name string) ([]byte, error) {
	var err error
	if m.source, err = os.ReadFile(name); err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(m.set, name, m.source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	m.edits = nil
	for _, declaration := range file.Decls {
		if function, ok := declaration.(*ast.FuncDecl); ok {
			m.where = name + " " + function.Name.Name
			m.function(function, slices.Contains(judges, function.Name.Name) || name == "oauth/errors.go")
		}
	}
	// Of two edits at one place the outer one was made first.
	slices.SortStableFunc(m.edits, func(a, b edit) int { return a.at - b.at })
	var changed bytes.Buffer
	last := 0
	for _, e := range m.edits {
		changed.Write(m.source[last:e.at])
		changed.WriteString(e.text)
		last = e.at
	}
	changed.Write(m.source[last:])
	return changed.Bytes(), nil
}

// function makes the mutants of one function: of its rows, of what stands beside them, and,
// if it judges, of its conditions.
func (m *mutator) function(f *ast.FuncDecl, judges bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch callee(n) {
			case "check":
				for _, row := range n.Args[1:] {
					m.add(row.End(), m.text(row)+" passes", ".mutant(%d)")
				}
			case "skipIf":
				m.leaves(n.Args[0])
			case "holds":
				m.leaves(n.Args[0])
			}
		case *ast.IfStmt:
			if judges {
				m.leaves(n.Cond)
			}
		case *ast.SwitchStmt:
			if judges && n.Tag == nil {
				for _, clause := range n.Body.List {
					for _, condition := range clause.(*ast.CaseClause).List {
						m.leaves(condition)
					}
				}
			}
		case *ast.ReturnStmt:
			if judges && len(n.Results) == 1 && boolean(f) {
				m.leaves(n.Results[0])
			}
		}
		return true
	})
}

func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

func boolean(f *ast.FuncDecl) bool {
	if f.Type.Results == nil || len(f.Type.Results.List) != 1 {
		return false
	}
	name, ok := f.Type.Results.List[0].Type.(*ast.Ident)
	return ok && name.Name == "bool"
}

// leaves makes two mutants of each part of a condition that is joined by &&, || and !.
func (m *mutator) leaves(condition ast.Expr) {
	switch c := condition.(type) {
	case *ast.ParenExpr:
		m.leaves(c.X)
		return
	case *ast.UnaryExpr:
		if c.Op == token.NOT {
			m.leaves(c.X)
			return
		}
	case *ast.BinaryExpr:
		if c.Op == token.LAND || c.Op == token.LOR {
			m.leaves(c.X)
			m.leaves(c.Y)
			return
		}
	}
	what := m.text(condition)
	if what == "true" || what == "false" {
		m.add(condition.Pos(), what+" turned round", "mutant != %d == ")
		return
	}
	m.edits = append(m.edits, edit{m.offset(condition.Pos()), fmt.Sprintf("mutated(%d, ", len(m.mutants))})
	m.edits = append(m.edits, edit{m.offset(condition.End()), ")"})
	m.name(what + " always")
	m.name(what + " never")
}

// add makes a mutant by text put in at one place.
func (m *mutator) add(at token.Pos, what, format string) {
	m.edits = append(m.edits, edit{m.offset(at), fmt.Sprintf(format, len(m.mutants))})
	m.name(what)
}

// name makes a mutant of a name that no other has.
func (m *mutator) name(what string) {
	what = m.where + ": " + what
	if m.named[what]++; m.named[what] > 1 {
		what = fmt.Sprintf("%s (%d)", what, m.named[what])
	}
	m.mutants = append(m.mutants, mutant{what: what})
}

func (m *mutator) offset(p token.Pos) int { return m.set.Position(p).Offset }

// text is the source of n on one line.
func (m *mutator) text(n ast.Node) string {
	return strings.Join(strings.Fields(string(m.source[m.offset(n.Pos()):m.offset(n.End())])), " ")
}
