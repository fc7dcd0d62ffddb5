package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// role is what a node is within the one above it.
type role int

const (
	noValue role = iota + 1 // it and all below it
	ofGo                    // the call of go or defer, which must stay a call
	ofLoop                  // the condition of a loop, which must not hold always
	ofBound                 // the constant to which < or >= compares
)

// file is a file that gets mutants.
type file struct {
	*mutator
	name   string
	source []byte
	syntax *ast.File
	info   *types.Info
	pkg    *types.Package
	where  string // the file and the function at hand
	edits  []edit

	as map[ast.Node]role
}

// functions makes the mutants of each function and each variable of the package.
func (f *file) functions() {
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			f.where = f.name + " " + d.Name.Name
			if d.Body != nil {
				f.walk(d.Body, f.info.Defs[d.Name].Type().(*types.Signature))
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok && d.Tok == token.VAR {
					f.where = f.name + " " + v.Names[0].Name
					for _, e := range v.Values {
						f.walk(e, nil)
					}
				}
			}
		}
	}
}

// walk makes the mutants below n, which stands in a function of this signature.
func (f *file) walk(n ast.Node, signature *types.Signature) {
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil || f.as[n] == noValue {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			f.walk(n.Body, f.info.TypeOf(n).(*types.Signature))
			return false
		case *ast.AssignStmt:
			f.mark(noValue, n.Lhs...)
		case *ast.RangeStmt:
			f.mark(noValue, n.Key, n.Value)
		case *ast.IncDecStmt:
			f.mark(noValue, n.X)
		case *ast.KeyValueExpr:
			f.mark(noValue, n.Key)
		case *ast.SelectorExpr:
			f.as[n.Sel] = noValue
		case *ast.ArrayType:
			f.mark(noValue, n.Len)
		case *ast.DeclStmt:
			return n.Decl.(*ast.GenDecl).Tok == token.VAR
		case *ast.UnaryExpr:
			if _, literal := n.X.(*ast.CompositeLit); n.Op == token.AND && !literal {
				return false
			}
		case *ast.GoStmt:
			f.mark(ofGo, n.Call)
		case *ast.DeferStmt:
			f.mark(ofGo, n.Call)
		case *ast.ForStmt:
			f.mark(ofLoop, n.Cond)
		case *ast.ReturnStmt:
			f.returned(n, signature)
		}
		if e, ok := n.(ast.Expr); ok && f.as[n] != ofGo {
			return f.expression(e)
		}
		return true
	})
}

func (f *file) mark(as role, nodes ...ast.Expr) {
	for _, n := range nodes {
		f.as[n] = as
	}
}

// returned makes each returned error nil.
func (f *file) returned(r *ast.ReturnStmt, signature *types.Signature) {
	if len(r.Results) != signature.Results().Len() {
		return
	}
	for i, e := range r.Results {
		if isError(signature.Results().At(i).Type()) && !f.info.Types[e].IsNil() {
			f.wrap(e, "mutantZero[error](%d, ", ")", f.text(r)+" with nil")
		}
	}
}

// expression makes the mutants of e itself, and reports whether those below are to be made.
func (f *file) expression(e ast.Expr) bool {
	tv := f.info.Types[e]
	if tv.IsType() || tv.Type == nil {
		return !tv.IsType()
	}
	basic, _ := tv.Type.Underlying().(*types.Basic)
	if tv.Value != nil {
		f.constant(e, tv)
		return false
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		f.mark(f.as[e], e.X)
		return true
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			f.mark(f.as[e], e.X)
			return true
		}
	case *ast.BinaryExpr:
		if e.Op == token.LAND || e.Op == token.LOR {
			f.mark(f.as[e], e.X, e.Y)
			return true
		}
		f.leaf(e, basic)
		f.boundary(e)
		return true
	case *ast.CallExpr:
		f.call(e, tv.Type)
	}
	f.leaf(e, basic)
	return true
}

// leaf makes a condition, or an operand of one, hold always and never.
func (f *file) leaf(e ast.Expr, t *types.Basic) {
	switch {
	case t == nil || t.Info()&types.IsBoolean == 0:
	case f.as[e] == ofLoop:
		f.wrap(e, "mutantNot(%d, ", ")", f.text(e)+" turned round")
	default:
		f.wrap(e, "mutantBool(%d, ", ")", f.text(e)+" always", f.text(e)+" never")
	}
}

// boundary makes a < b of a <= b, and so on.
func (f *file) boundary(e *ast.BinaryExpr) {
	as, ok := map[token.Token]string{token.LSS: "-1, false", token.LEQ: "-1, true", token.GTR: "1, false", token.GEQ: "1, true"}[e.Op]
	if !ok {
		return
	}
	f.wrap(e, "mutantOrder(%d, ", ")", f.text(e)+" the other way if equal")
	f.edits = append(f.edits, edit{e.OpPos, e.OpPos + token.Pos(len(e.Op.String())), 0, ", " + as + ","})
	// One to the other side; the one to this side is the mutant above.
	if tv := f.info.Types[e.Y]; tv.Value != nil && (e.Op == token.LSS || e.Op == token.GEQ) {
		f.as[e.Y] = ofBound
	}
}

// constant turns a boolean round, and makes a number one more, or one less if a boundary
// is made one more already; a time a second more.
func (f *file) constant(e ast.Expr, tv types.TypeAndValue) {
	name, ok := f.typeName(types.Default(tv.Type))
	switch {
	case !ok:
	case tv.Value.Kind() == constant.Bool:
		f.wrap(e, "mutantNot(%d, ", ")", f.text(e)+" turned round")
	case tv.Value.Kind() != constant.Int || types.Default(tv.Type).Underlying().(*types.Basic).Info()&types.IsInteger == 0:
	case name == "time.Duration":
		f.wrap(e, "mutantAdd[time.Duration](%d, ", ", 1e9)", f.text(e)+" plus 1s")
	case f.as[e] == ofBound:
		f.wrap(e, "mutantAdd["+name+"](%d, ", ", -1)", f.text(e)+" minus 1")
	default:
		f.wrap(e, "mutantAdd["+name+"](%d, ", ", 1)", f.text(e)+" plus 1")
	}
}

// call makes the mutants of a call: an outcome that passes, one argument left out, x
// instead of f(x) or x.f().
func (f *file) call(e *ast.CallExpr, result types.Type) {
	name, ok := f.typeName(result)
	switch callee := f.text(e.Fun); {
	case f.info.Types[e.Fun].IsType() || strings.HasPrefix(callee, "fmt."):
	case callee == "check" || callee == "checked":
		for _, row := range e.Args[1:] {
			if name, _ := f.typeName(f.info.TypeOf(row)); name != "Outcome" { // the value that checked returns
				continue
			}
			f.wrap(row, "mutantPass(%d, ", ")", f.text(row)+" passes")
		}
	case !ok || e.Ellipsis.IsValid() && len(e.Args) == 1:
	case callee == "cmp.Or" || callee == "errors.Join":
		for _, arg := range e.Args {
			f.wrap(arg, "mutantZero["+name+"](%d, ", ")", f.text(arg)+" left out of "+callee)
		}
	default:
		inner := f.inner(e, result)
		if inner == nil {
			return
		}
		f.wrap(e, fmt.Sprintf("mutantInner(%%d, func(mutantKept *%s) %s { return ", name, name), "})", f.text(e)+" is only "+f.text(inner))
		f.around(inner, "mutantKeep(mutantKept, ", ")")
	}
}

// inner may stand in place of a call: its receiver or first argument, if the type is the result's.
func (f *file) inner(e *ast.CallExpr, result types.Type) ast.Expr {
	fits := func(x ast.Expr) bool {
		tv := f.info.Types[x]
		if tv.Value != nil || tv.IsNil() || tv.IsType() {
			return false
		}
		_, isTuple := tv.Type.(*types.Tuple)
		i, isInterface := result.Underlying().(*types.Interface)
		return !isTuple && (types.Identical(tv.Type, result) || isInterface && !i.Empty() && types.AssignableTo(tv.Type, result))
	}
	if s, ok := e.Fun.(*ast.SelectorExpr); ok {
		if method := f.info.Selections[s]; method != nil && method.Kind() == types.MethodVal && fits(s.X) {
			_, byPointer := method.Obj().Type().(*types.Signature).Recv().Type().(*types.Pointer)
			_, isPointer := f.info.TypeOf(s.X).(*types.Pointer)
			if isPointer || !byPointer {
				return s.X
			}
		}
	}
	if len(e.Args) > 0 && fits(e.Args[0]) {
		return e.Args[0]
	}
	return nil
}
