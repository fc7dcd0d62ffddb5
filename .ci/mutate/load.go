package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// edit is text put in place of the source from at to end. At one place, what closes comes
// before what opens: of those, the inner closes first and the outer opens first.
type edit struct {
	at, end token.Pos
	rank    int // below 0 closes, above 0 opens
	text    string
}

// mutator collects the mutants of all packages.
type mutator struct {
	set     *token.FileSet
	mutants []mutant // the first is none
	named   map[string]int
	overlay map[string]string // changed files, for go's -overlay
	dir     string
}

//go:embed switch.txt
var switchboard string

const passing = `
func mutantPass(n int, o Outcome) Outcome {
	if !o.OK && !o.Skipped {
		o.Skipped = mutantIs(n)
	}
	return o
}
`

// listed is what go list says about a package.
type listed struct {
	ImportPath, Dir, Name, Export string
	GoFiles                       []string
}

// prepare writes the packages with all mutants in them into dir.
func prepare(dir string) (*mutator, error) {
	m := &mutator{set: token.NewFileSet(), mutants: []mutant{{}}, named: map[string]int{}, overlay: map[string]string{}, dir: dir}
	out, err := exec.Command("go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Dir,Name,Export,GoFiles"}, mutated...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	all := map[string]listed{}
	here, _ := os.Getwd()
	var order []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		all[p.ImportPath] = p
		if dir, err := filepath.Rel(here, p.Dir); err == nil && slices.Contains(mutated, "./"+strings.TrimPrefix(dir, ".")) {
			order = append(order, p)
		}
	}
	imports := importer.ForCompiler(m.set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(all[path].Export) })
	for _, p := range order {
		if err := m.mutatePackage(p, here, imports); err != nil {
			return nil, fmt.Errorf("%s: %w", p.ImportPath, err)
		}
	}
	config, _ := json.Marshal(map[string]any{"Replace": m.overlay})
	return m, os.WriteFile(filepath.Join(dir, "overlay.json"), config, 0o644)
}

func (m *mutator) mutatePackage(p listed, here string, imports types.Importer) error {
	var files []*file
	var syntax []*ast.File
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	for _, name := range p.GoFiles {
		path := filepath.Join(p.Dir, name)
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s, err := parser.ParseFile(m.set, path, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		short, _ := filepath.Rel(here, path)
		files = append(files, &file{mutator: m, name: short, source: source, syntax: s, info: info, as: map[ast.Node]role{}})
		syntax = append(syntax, s)
	}
	pkg, err := (&types.Config{Importer: imports}).Check(p.ImportPath, m.set, syntax, info)
	if err != nil {
		return err
	}
	for _, f := range files {
		f.pkg = pkg
		f.functions()
		if err := m.write(filepath.Join(p.Dir, filepath.Base(f.name)), f.changed()); err != nil {
			return err
		}
	}
	text := "package " + p.Name + switchboard
	if pkg.Scope().Lookup("Outcome") != nil {
		text += passing
	}
	return m.write(filepath.Join(p.Dir, "mutant_switch.go"), []byte(text))
}

// write puts a changed file into the overlay.
func (m *mutator) write(path string, text []byte) error {
	m.overlay[path] = filepath.Join(m.dir, fmt.Sprintf("%d.go", len(m.overlay)))
	return os.WriteFile(m.overlay[path], text, 0o644)
}

// changed is the source with all edits made.
func (f *file) changed() []byte {
	slices.SortStableFunc(f.edits, func(a, b edit) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.rank - b.rank
	})
	var changed bytes.Buffer
	last := 0
	for _, e := range f.edits {
		changed.Write(f.source[last:f.offset(e.at)])
		changed.WriteString(e.text)
		last = f.offset(e.end)
	}
	changed.Write(f.source[last:])
	return changed.Bytes()
}

// wrap puts e between two texts, the first with the mutant's number, and names the mutants
// that this makes.
func (f *file) wrap(e ast.Expr, open, closing string, names ...string) {
	f.around(e, fmt.Sprintf(open, len(f.mutants)), closing)
	for _, what := range names {
		what = f.where + ": " + what
		if f.named[what]++; f.named[what] > 1 {
			what = fmt.Sprintf("%s (%d)", what, f.named[what])
		}
		f.mutants = append(f.mutants, mutant{what: what, dir: filepath.Dir(f.name)})
	}
}

func (f *file) around(e ast.Expr, open, closing string) {
	n := len(f.edits) + 1
	f.edits = append(f.edits, edit{e.Pos(), e.Pos(), n, open}, edit{e.End(), e.End(), -n, closing})
}

func (f *file) offset(p token.Pos) int { return f.set.Position(p).Offset }

// text is the source of n on one line.
func (f *file) text(n ast.Node) string {
	return strings.Join(strings.Fields(string(f.source[f.offset(n.Pos()):f.offset(n.End())])), " ")
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// typeName writes a type as the file at hand may write it.
func (f *file) typeName(t types.Type) (string, bool) {
	ok := true
	name := types.TypeString(t, func(p *types.Package) string {
		if p.Path() == f.pkg.Path() {
			return ""
		}
		for _, i := range f.syntax.Imports {
			if strings.Trim(i.Path.Value, `"`) == p.Path() {
				if i.Name != nil {
					return i.Name.Name
				}
				return p.Name()
			}
		}
		ok = false
		return p.Name()
	})
	_, isTuple := t.(*types.Tuple)
	return name, ok && !isTuple && name != "untyped nil"
}
