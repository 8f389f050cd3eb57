// Package expr is the language of signs: one CEL expression over evidence,
// which is true, false, or unknown. Unknown is what an expression is when the
// answer depends on something that was not seen; `&&`, `||`, `exists` and `all`
// still answer where what was seen decides (Kleene's three-valued logic).
//
// It differs from plain CEL in four ways, each for the tired reader: numbers
// mix freely (3 * 2.5), `/` never cuts off a remainder, durations are written
// 5m or 1h30m, and dividing by nothing is unknown. See docs/decisions/0003.
package expr

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/quellhq/quell/internal/probe"
)

// Type is what a name in an expression stands for.
type Type string

// The types of names. Rows, Series and Lines are lists of maps.
const (
	Rows     Type = "rows"
	Object   Type = "object"
	Duration Type = "duration"
	Number   Type = "number"
	Text     Type = "text"
	Bool     Type = "bool"
	List     Type = "list"
	Any      Type = "any"
)

// OfShape is the type of a probe's answer.
func OfShape(s probe.Shape) Type {
	switch s {
	case probe.Rows, probe.Series, probe.Lines:
		return Rows
	case probe.Object:
		return Object
	}
	return Any
}

// OfParam is the type of a parameter.
func OfParam(t probe.ParamType) Type { return Type(t) }

func (t Type) cel() *cel.Type {
	switch t {
	case Rows:
		return cel.ListType(cel.MapType(cel.StringType, cel.DynType))
	case Object:
		return cel.MapType(cel.StringType, cel.DynType)
	case Duration:
		return cel.DurationType
	case Number:
		return cel.DoubleType
	case Text:
		return cel.StringType
	case Bool:
		return cel.BoolType
	case List:
		return cel.ListType(cel.DynType)
	}
	return cel.DynType
}

// Env compiles expressions over a fixed set of names. It is safe for
// concurrent use.
type Env struct {
	cel   *cel.Env
	names map[string]Type
}

// costLimit bounds one evaluation, in CEL's cost units (about one per step).
// That is about a second of work: a nested loop over 400 rows fits, one over
// 700 does not and is unknown.
const costLimit = 2_000_000

// maxLength bounds the text of one expression, in bytes: longer ones are
// programs, not signs.
const maxLength = 8 << 10

// NewEnv returns an environment with the given names. The name `now` (seconds
// since 1970 at the end of the investigation's window) is always there.
func NewEnv(names map[string]Type) (*Env, error) {
	base, err := baseEnv()
	if err != nil {
		return nil, err
	}
	all := map[string]Type{"now": Number}
	opts := []cel.EnvOption{cel.Variable("now", cel.DoubleType)}
	for _, name := range sortedNames(names) {
		all[name] = names[name]
		opts = append(opts, cel.Variable(name, names[name].cel()))
	}
	env, err := base.Extend(opts...)
	if err != nil {
		return nil, fmt.Errorf("declare names: %w", err)
	}
	return &Env{cel: env, names: all}, nil
}

// Names lists the names that expressions may use, sorted.
func (e *Env) Names() []string { return sortedNames(e.names) }

func sortedNames(m map[string]Type) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Error is an expression that cannot be compiled. Offset is the byte at which
// the trouble starts, in the text as it was written.
type Error struct {
	Offset int
	Reason string
	Name   string // set when the trouble is a name that nothing defines
}

func (e *Error) Error() string { return e.Reason }

// Access is one use of name.field in an expression, or of row.field where row
// is one of the name's rows: name[0].field, or x.field in name.exists(x, …).
type Access struct {
	Name, Field string
	Row         bool
	Offset      int // of the dot, in bytes of the text as written
}

// Program is a compiled expression. It is safe for concurrent use.
type Program struct {
	source   string
	names    map[string]Type // of its environment
	program  cel.Program
	reads    []string
	accesses []Access
}

// Source is the text that was compiled.
func (p *Program) Source() string { return p.source }

// Reads lists the names that the expression uses, sorted, without `now`.
func (p *Program) Reads() []string { return p.reads }

// Accesses lists the direct uses of name.field.
func (p *Program) Accesses() []Access { return p.accesses }

// Compile checks an expression of any type.
func (e *Env) Compile(source string) (*Program, error) { return e.compile(source, nil) }

// CompileSign checks an expression that must be true or false.
func (e *Env) CompileSign(source string) (*Program, error) {
	return e.compile(source, cel.BoolType)
}

func (e *Env) compile(source string, want *cel.Type) (*Program, error) {
	if len(source) > maxLength {
		return nil, &Error{Reason: fmt.Sprintf("an expression of %d bytes: the limit is %d; move part of it into the query", len(source), maxLength)}
	}
	if strings.TrimSpace(source) == "" {
		return nil, &Error{Reason: "an empty expression"}
	}
	text, offsets := expandDurations(source)
	checked, issues := e.cel.Compile(text)
	if issues != nil && issues.Err() != nil {
		return nil, e.explain(issues, text, offsets)
	}
	if want != nil && !checked.OutputType().IsExactType(want) && !checked.OutputType().IsExactType(cel.DynType) {
		return nil, &Error{Reason: fmt.Sprintf("a sign is true or false, but this is a %s: compare it with something", plainType(checked.OutputType().String()))}
	}
	if at := impossible(checked.NativeRep(), offsets); at != nil {
		return nil, at
	}
	program, err := e.cel.Program(checked, cel.CostLimit(costLimit), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, &Error{Reason: plainMessage(err.Error())}
	}
	p := &Program{source: source, names: e.names, program: program}
	p.inspect(checked.NativeRep(), e.names, text, offsets)
	return p, nil
}

// impossible finds a comparison that can never have an answer: == or !=
// between types that are never equal, such as a text and a number, and any
// comparison of a duration with evidence, which holds times as numbers.
func impossible(tree *ast.AST, offsets offsetMap) *Error {
	var found *Error
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if found != nil || e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		if !slices.Contains(comparisons, call.FunctionName()) || len(call.Args()) != 2 {
			return
		}
		a, b := tree.GetType(call.Args()[0].ID()), tree.GetType(call.Args()[1].ID())
		at := offsets.original(tree.SourceInfo().GetStartLocation(e.ID()).Column())
		switch op := operatorNames.Replace(call.FunctionName()); {
		case fromEvidence(a, call.Args()[0]) && b.Kind() == types.DurationKind, a.Kind() == types.DurationKind && fromEvidence(b, call.Args()[1]):
			found = &Error{Offset: at, Reason: fmt.Sprintf("%s compares a duration with a value of the evidence, which is a number: write seconds(5m)", op)}
		case (op == "==" || op == "!=") && !mayEqual(a, b):
			found = &Error{Offset: at, Reason: fmt.Sprintf("%s does not work on (%s, %s)", op, plainType(a.String()), plainType(b.String()))}
		}
	}))
	return found
}

var comparisons = []string{
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
}

// fromEvidence reports a field or an element of something: evidence never
// holds durations. What a function gives may be one.
func fromEvidence(t *cel.Type, e ast.Expr) bool {
	return t.Kind() == types.DynKind && (e.Kind() == ast.SelectKind || e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index)
}

func mayEqual(a, b *cel.Type) bool {
	isNumber := func(k types.Kind) bool { return k == types.IntKind || k == types.DoubleKind || k == types.UintKind }
	open := func(k types.Kind) bool {
		return k == types.DynKind || k == types.AnyKind || k == types.NullTypeKind || k == types.TypeParamKind || k == types.ErrorKind
	}
	return a.Kind() == b.Kind() || open(a.Kind()) || open(b.Kind()) || isNumber(a.Kind()) && isNumber(b.Kind())
}

func (e *Env) explain(issues *cel.Issues, text string, offsets offsetMap) *Error {
	first := issues.Errors()[0]
	offset := first.Location.Column()
	// The location is a line and a column counted in characters.
	lines := strings.SplitAfter(text, "\n")
	base := 0
	for i := 0; i < first.Location.Line()-1 && i < len(lines); i++ {
		base += len(lines[i])
	}
	if l := first.Location.Line() - 1; l >= 0 && l < len(lines) {
		runes := []rune(lines[l])
		offset = len(string(runes[:min(max(offset, 0), len(runes))]))
	}
	out := &Error{Offset: offsets.original(base + max(offset, 0)), Reason: plainMessage(first.Message)}
	if rest, ok := strings.CutPrefix(first.Message, "undeclared reference to '"); ok {
		name, _, _ := strings.Cut(rest, "'")
		out.Name = name
		out.Reason = fmt.Sprintf("nothing is called %q here", name)
		if strings.HasPrefix(text[min(base+max(offset, 0), len(text)):], "(") {
			out.Reason = fmt.Sprintf("there is no function %q (quell explain --functions lists them)", name)
		}
	}
	return out
}

// operatorNames turns CEL's internal names into what the author wrote.
var operatorNames = strings.NewReplacer(
	operators.Add, "+", operators.Subtract, "-", operators.Multiply, "*", operators.Divide, "/",
	operators.Modulo, "%", operators.Negate, "-", operators.LogicalNot, "!", operators.Less, "<",
	operators.LessEquals, "<=", operators.Greater, ">", operators.GreaterEquals, ">=",
	operators.Equals, "==", operators.NotEquals, "!=", operators.Index, "[ ]",
	operators.LogicalAnd, "&&", operators.LogicalOr, "||", operators.In, "in", operators.Conditional, "? :")

func plainMessage(m string) string {
	m = strings.TrimPrefix(m, "Syntax error: ")
	if rest, ok := strings.CutPrefix(m, "found no matching overload for "); ok {
		name, args, _ := strings.Cut(rest, " applied to ")
		return fmt.Sprintf("%s does not work on %s", operatorNames.Replace(strings.Trim(name, "'")), plainType(strings.Trim(args, "'")))
	}
	if strings.HasPrefix(m, "index out of bounds: ") {
		return "nothing that was seen fits"
	}
	if op, ok := strings.CutPrefix(m, "no such overload: "); ok {
		return operatorNames.Replace(op) + " does not work on what was seen: a value is missing, or of another type"
	}
	if name, ok := strings.CutSuffix(strings.TrimPrefix(m, "type '"), "' does not support field selection"); ok && name != m {
		hint := ""
		if name == "list(map(string, dyn))" || name == "rows" {
			hint = ": a list has no fields; write name[0].field, or name.exists(x, x.field > 0)"
		}
		return plainType(name) + " has no fields" + strings.Replace(hint, ": a list has no fields", "", 1)
	}
	return plainType(operatorNames.Replace(m))
}

// celType is a type's name as CEL writes it, and as a whole word.
var celType = regexp.MustCompile(`list\(map\(string, dyn\)\)|map\(string, dyn\)|google\.protobuf\.(?:Duration|Timestamp)|\b(?:double|int|string|dyn|null_type)\b`)

var plainTypes = map[string]string{
	"list(map(string, dyn))": "rows", "map(string, dyn)": "object", "google.protobuf.Duration": "duration",
	"google.protobuf.Timestamp": "time", "double": "number", "int": "number", "string": "text", "dyn": "any", "null_type": "nothing",
}

func plainType(s string) string {
	return celType.ReplaceAllStringFunc(s, func(name string) string { return plainTypes[name] })
}

// Unknown is why an expression has no answer.
type Unknown struct {
	Status string // the evidence status that caused it ("denied"), or empty
	Reason string // one line
}

func (u *Unknown) Error() string { return u.Reason }

// Vars gives each name its value. A value of type *Unknown makes everything
// that depends on it unknown; so does a name that is missing.
type Vars map[string]any

// ResolveName implements CEL's activation.
func (v Vars) ResolveName(name string) (any, bool) {
	value, ok := v[name]
	if !ok {
		return types.WrapErr(&Unknown{Reason: name + " was not asked"}), true
	}
	if u, ok := value.(*Unknown); ok {
		return types.WrapErr(u), true
	}
	return value, true
}

// Parent implements CEL's activation.
func (v Vars) Parent() cel.Activation { return nil }

// Truth is one of three.
type Truth string

// The three truths.
const (
	True      Truth = "true"
	False     Truth = "false"
	Undecided Truth = "unknown"
)

// Test evaluates a sign. why says what was missing when the answer is Undecided.
func (p *Program) Test(vars Vars) (truth Truth, why string) {
	v, err := p.Eval(vars)
	if err != nil {
		return Undecided, err.Reason
	}
	switch v {
	case true:
		return True, ""
	case false:
		return False, ""
	}
	return Undecided, fmt.Sprintf("the answer is %s, neither true nor false", FormatValue(v))
}

// Eval returns the value as plain data (nil, bool, int64, float64, string,
// []any, map[string]any, time.Duration), or why there is none.
func (p *Program) Eval(vars Vars) (value any, unknown *Unknown) {
	out, _, err := p.program.Eval(vars)
	if err != nil {
		var u *Unknown
		if errors.As(err, &u) {
			return nil, u
		}
		return nil, &Unknown{Reason: plainMessage(err.Error())}
	}
	plain, err := toPlain(out)
	if err != nil {
		return nil, &Unknown{Reason: err.Error()}
	}
	return plain, nil
}
