package trace

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// source is the text of package oauth, if it is on this machine. It is read once, from the
// directory that the running program was compiled from, and never from a request's.
type source struct {
	once      sync.Once
	functions []function
	checks    map[string]string // the variable of a check, by the check's name
}

// function is the text of a function.
type function struct {
	Name  string // "Client.Exchange"
	File  string // "token.go"
	Lines []line

	begins int            // the line after its comment
	uses   map[string]int // the line on which a name is first used
}

type line struct {
	Number int
	Text   string
}

// read reads the directory of path, which is a file of package oauth.
func (s *source) read(path string) {
	s.checks = make(map[string]string)
	if !filepath.IsAbs(path) { // compiled with -trimpath
		return
	}
	paths, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.go"))
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the page shows what there is
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, text, parser.ParseComments)
		if err != nil {
			continue
		}
		lines := strings.Split(string(text), "\n")
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				s.functions = append(s.functions, newFunction(files, filepath.Base(path), lines, d))
			case *ast.GenDecl:
				s.declared(d)
			}
		}
	}
}

// declared notes the checks among d: callbackState = Check{2, "callback-state", …}
func (s *source) declared(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || len(v.Values) != len(v.Names) {
			continue
		}
		for i, value := range v.Values {
			if literal, ok := value.(*ast.CompositeLit); ok && len(literal.Elts) > 1 {
				if name, ok := literal.Elts[1].(*ast.BasicLit); ok {
					unquoted, _ := strconv.Unquote(name.Value)
					s.checks[unquoted] = v.Names[i].Name
				}
			}
		}
	}
}

func newFunction(files *token.FileSet, file string, lines []string, d *ast.FuncDecl) function {
	f := function{Name: d.Name.Name, File: file, begins: files.Position(d.Pos()).Line, uses: make(map[string]int)}
	if d.Recv != nil {
		receiver := d.Recv.List[0].Type
		if pointer, ok := receiver.(*ast.StarExpr); ok {
			receiver = pointer.X
		}
		if name, ok := receiver.(*ast.Ident); ok {
			f.Name = name.Name + "." + f.Name
		}
	}
	first := f.begins
	if d.Doc != nil {
		first = files.Position(d.Doc.Pos()).Line
	}
	for number := first; number <= files.Position(d.End()).Line; number++ {
		f.Lines = append(f.Lines, line{number, lines[number-1]})
	}
	ast.Inspect(d, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok && f.uses[name.Name] == 0 {
			f.uses[name.Name] = files.Position(name.Pos()).Line
		}
		return true
	})
	return f
}

// functionsOf returns the functions that made the hops: those that the events name, and
// those that make the other checks.
func (s *source) functionsOf(hops []hop) []function {
	if s == nil || len(hops) == 0 || hops[0].path == "" {
		return nil
	}
	s.once.Do(func() { s.read(hops[0].path) })
	var found []function
	add := func(matches func(function) bool) {
		if i := slices.IndexFunc(s.functions, matches); i >= 0 && !slices.ContainsFunc(found, matches) {
			found = append(found, s.functions[i])
		}
	}
	for _, h := range hops {
		add(func(f function) bool { return f.Name == h.Function && f.File == h.File })
	}
	for _, h := range hops {
		for _, r := range h.Checks {
			variable := s.checks[r.Check.Name]
			add(func(f function) bool { return f.uses[variable] > 0 && f.Name != "Checks" })
		}
	}
	return found
}

// placed is a check with the anchor, in the step's code, of the line that makes it.
type placed struct {
	row
	Anchor string // empty if that is not shown
}

// Place finds the line that makes the check of h: in the function of h, if it is there.
func (s *step) Place(h hop, r row) placed {
	p := placed{row: r}
	for _, f := range s.Code {
		number := f.uses[s.source.checks[r.Check.Name]]
		if number > 0 && (p.Anchor == "" || f.Name == h.Function) {
			p.Anchor = s.LineAnchor(f, number)
		}
	}
	return p
}

// LineAnchor is the anchor of a line of the step's code.
func (s *step) LineAnchor(f function, number int) string {
	return s.Anchor + "-" + f.File + "-" + strconv.Itoa(number)
}
