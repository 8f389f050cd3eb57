package expr

import (
	"maps"
	"sort"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// inspector walks an expression and notes what it reads. Variables of exists,
// filter and the like hide names of the same spelling while they hold.
type inspector struct {
	program *Program
	tree    *ast.AST
	names   map[string]Type
	offset  func(id int64) int
	seen    map[string]bool
}

// inspect collects what the expression reads.
func (p *Program) inspect(tree *ast.AST, names map[string]Type, text string, offsets offsetMap) {
	i := &inspector{program: p, tree: tree, names: names, seen: map[string]bool{}}
	i.offset = func(id int64) int {
		at := tree.SourceInfo().GetStartLocation(id)
		return offsets.original(byteOffset(text, at.Line(), at.Column()))
	}
	i.visit(tree.Expr(), nil)
	for n := range i.seen {
		p.reads = append(p.reads, n)
	}
	sort.Strings(p.reads)
}

// byteOffset turns CEL's place (line from 1, column from 0 in characters) into
// a byte offset.
func byteOffset(text string, line, column int) int {
	base := 0
	for ; line > 1; line-- {
		next := strings.IndexByte(text[base:], '\n')
		if next < 0 {
			break
		}
		base += next + 1
	}
	for i := range text[base:] {
		if column == 0 {
			return base + i
		}
		column--
	}
	return len(text)
}

// visit walks e; scope maps each variable that holds here to the name whose
// rows it goes through, or to nothing.
func (i *inspector) visit(e ast.Expr, scope map[string]string) {
	switch e.Kind() {
	case ast.IdentKind:
		if n, ok := i.name(e, scope); ok && n != "now" {
			i.seen[n] = true
		}
	case ast.SelectKind:
		s := e.AsSelect()
		if n, ok := i.name(s.Operand(), scope); ok {
			i.program.accesses = append(i.program.accesses, Access{Name: n, Field: s.FieldName(), Offset: i.offset(e.ID())})
		} else if n := i.row(s.Operand(), scope); n != "" {
			i.program.accesses = append(i.program.accesses, Access{Name: n, Field: s.FieldName(), Offset: i.offset(e.ID()), Row: true})
		}
		i.visit(s.Operand(), scope)
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			i.visit(c.Target(), scope)
		}
		i.all(c.Args(), scope)
	case ast.ListKind:
		i.all(e.AsList().Elements(), scope)
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			i.visit(entry.AsMapEntry().Key(), scope)
			i.visit(entry.AsMapEntry().Value(), scope)
		}
	case ast.ComprehensionKind:
		i.comprehension(e.AsComprehension(), scope)
	}
}

func (i *inspector) all(list []ast.Expr, scope map[string]string) {
	for _, e := range list {
		i.visit(e, scope)
	}
}

func (i *inspector) comprehension(c ast.ComprehensionExpr, scope map[string]string) {
	i.visit(c.IterRange(), scope)
	i.visit(c.AccuInit(), scope)
	inner := maps.Clone(scope)
	if inner == nil {
		inner = map[string]string{}
	}
	inner[c.AccuVar()] = ""
	result := maps.Clone(inner)
	inner[c.IterVar()] = i.rows(c.IterRange(), scope)
	if c.HasIterVar2() {
		inner[c.IterVar()], inner[c.IterVar2()] = "", ""
	}
	i.visit(c.LoopCondition(), inner)
	i.visit(c.LoopStep(), inner)
	i.visit(c.Result(), result)
}

// name reports the declared name that e is.
func (i *inspector) name(e ast.Expr, scope map[string]string) (string, bool) {
	if e.Kind() != ast.IdentKind {
		return "", false
	}
	n := strings.TrimPrefix(e.AsIdent(), ".")
	if _, hidden := scope[n]; hidden && n == e.AsIdent() {
		return "", false
	}
	_, ok := i.names[n]
	return n, ok
}

// rows returns the name whose rows e is a list of: the name itself, or a
// filter of it.
func (i *inspector) rows(e ast.Expr, scope map[string]string) string {
	if n, ok := i.name(e, scope); ok && i.names[n] == Rows {
		return n
	}
	if e.Kind() == ast.ComprehensionKind && isFilter(e.AsComprehension()) {
		return i.rows(e.AsComprehension().IterRange(), scope)
	}
	return ""
}

// row returns the name of which e is one row: a variable, or an element.
func (i *inspector) row(e ast.Expr, scope map[string]string) string {
	switch e.Kind() {
	case ast.IdentKind:
		return scope[e.AsIdent()]
	case ast.CallKind:
		if c := e.AsCall(); c.FunctionName() == operators.Index && len(c.Args()) == 2 {
			return i.rows(c.Args()[0], scope)
		}
	}
	return ""
}

// isFilter recognises what the macro filter(x, condition) becomes: a loop whose
// step is condition ? accu + [x] : accu.
func isFilter(c ast.ComprehensionExpr) bool {
	step := c.LoopStep()
	if step.Kind() != ast.CallKind || step.AsCall().FunctionName() != operators.Conditional {
		return false
	}
	add := step.AsCall().Args()[1]
	if add.Kind() != ast.CallKind || add.AsCall().FunctionName() != operators.Add {
		return false
	}
	kept := add.AsCall().Args()[1]
	if kept.Kind() != ast.ListKind || len(kept.AsList().Elements()) != 1 {
		return false
	}
	x := kept.AsList().Elements()[0]
	return x.Kind() == ast.IdentKind && x.AsIdent() == c.IterVar()
}
