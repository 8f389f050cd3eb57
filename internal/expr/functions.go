package expr

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// Function is one function of the language, for `quell explain --functions`.
type Function struct {
	Call    string // how it is called: "at(x, -1h)"
	Gives   string // what it gives, with its unit
	Example string
}

// Functions lists every function that the language adds to CEL's own, sorted
// by name.
func Functions() []Function {
	var list []Function
	for _, f := range seriesFunctions() {
		list = append(list, f.doc)
	}
	for _, f := range otherFunctions() {
		list = append(list, f.doc)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Call < list[j].Call })
	return list
}

// function is a declaration together with its own documentation.
type function struct {
	doc    Function
	name   string
	args   []*cel.Type
	result *cel.Type
	call   func(args []ref.Val) ref.Val
	// lenient functions get unknown arguments too.
	lenient bool
	// another way to call the same function
	also [][]*cel.Type
}

func functionOptions() []cel.EnvOption {
	var opts []cel.EnvOption
	for _, f := range append(seriesFunctions(), otherFunctions()...) {
		overloads := []cel.FunctionOpt{}
		for i, args := range append([][]*cel.Type{f.args}, f.also...) {
			var o []cel.OverloadOpt
			if f.lenient {
				o = append(o, cel.OverloadIsNonStrict(), cel.FunctionBinding(guard(f.name, f.call)))
			}
			overloads = append(overloads,
				cel.Overload(fmt.Sprintf("quell_%s_%d", f.name, i), args, f.result, o...),
				cel.MemberOverload(fmt.Sprintf("quell_%s_%d_of", f.name, i), args, f.result, o...)) // waiting.last()
		}
		if !f.lenient {
			overloads = append(overloads, cel.SingletonFunctionBinding(guard(f.name, f.call)))
		}
		opts = append(opts, cel.Function(f.name, overloads...))
	}
	return opts
}

// guard names the function in the reason of an unknown result.
func guard(name string, call func([]ref.Val) ref.Val) func(...ref.Val) ref.Val {
	return func(args ...ref.Val) ref.Val {
		out := call(args)
		var u *Unknown
		if err, ok := out.(*types.Err); ok && errors.As(err, &u) && u.Status == "" && !strings.HasPrefix(u.Reason, name) {
			return types.WrapErr(&Unknown{Reason: name + ": " + u.Reason})
		}
		return out
	}
}

func unknown(format string, args ...any) ref.Val {
	return types.WrapErr(&Unknown{Reason: fmt.Sprintf(format, args...)})
}

// isUnknown reports whether a lenient function got no value.
func isUnknown(v ref.Val) bool { return types.IsError(v) || types.IsUnknown(v) }

func otherFunctions() []function {
	dyn, num, text := cel.DynType, cel.DoubleType, cel.StringType
	return []function{
		{
			doc:  Function{"seconds(d)", "a duration as a number of seconds", `s.idle_s > seconds(idle_after)`},
			name: "seconds", args: []*cel.Type{cel.DurationType}, also: [][]*cel.Type{{text}}, result: num,
			call: func(a []ref.Val) ref.Val {
				d, err := durationOf(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				return types.Double(d)
			},
		},
		{
			doc:  Function{"bytes(text)", "a size such as 64MB or 1.5GiB as a number of bytes (kB, MB, GB are powers of 1000; KiB, MiB, GiB of 1024)", `t.size_bytes > bytes("1GB")`},
			name: "bytes", args: []*cel.Type{text}, result: num,
			call: func(a []ref.Val) ref.Val {
				s, err := textOf(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				n, err := parseBytes(s)
				if err != nil {
					return unknown("%v", err)
				}
				return types.Double(n)
			},
		},
		{
			doc:  Function{"share(part, whole)", "part / whole, from 0 to 1; unknown when the whole is 0", `share(c.used, c.usable) > 0.9`},
			name: "share", args: []*cel.Type{dyn, dyn}, result: num,
			call: func(a []ref.Val) ref.Val { return divide(a[0], a[1]) },
		},
		{
			doc:  Function{"known(x)", "whether x has a value", `known(waiting)`},
			name: "known", args: []*cel.Type{dyn}, result: cel.BoolType, lenient: true,
			call: func(a []ref.Val) ref.Val { return types.Bool(!isUnknown(a[0])) },
		},
		{
			doc:  Function{"default(x, v)", "x, or v where x is unknown: only where no data truly means v", `default(last(errors), 0.0) > 5`},
			name: "default", args: []*cel.Type{dyn, dyn}, result: dyn, lenient: true,
			call: func(a []ref.Val) ref.Val {
				if isUnknown(a[0]) {
					return a[1]
				}
				return a[0]
			},
		},
		{
			doc:  Function{"given(condition, x)", "x where the condition holds; unknown else, so that a sign which is about another situation speaks neither for nor against", `given(max(starts) >= 2.0, slope(memory) > 0.0)`},
			name: "given", args: []*cel.Type{cel.BoolType, dyn}, result: dyn,
			call: func(a []ref.Val) ref.Val {
				if a[0] != types.True {
					return unknown("it is about another situation")
				}
				return a[1]
			},
		},
		{
			doc:  Function{"failure(probe)", `why a probe has no answer ("denied", "unreachable", "timed out", "no data", …), or "" where it has one`, `failure(sessions) == "denied"`},
			name: "failure", args: []*cel.Type{dyn}, result: text, lenient: true,
			call: func(a []ref.Val) ref.Val {
				err, ok := a[0].(*types.Err)
				if !ok {
					return types.String("")
				}
				var u *Unknown
				if errors.As(err, &u) {
					return types.String(u.Status)
				}
				return types.String("")
			},
		},
		{
			doc:  Function{"asBytes(n)", "a number of bytes as text for people: 1.5 GiB", `${asBytes(t.size_bytes)}`},
			name: "asBytes", args: []*cel.Type{dyn}, result: text,
			call: numberTo(func(n float64) string { return formatBytes(n) }),
		},
		{
			doc:  Function{"asTime(s)", "a number of seconds as text for people: 3m20s", `${asTime(s.idle_s)}`},
			name: "asTime", args: []*cel.Type{dyn}, result: text,
			call: numberTo(formatSeconds),
		},
		{
			doc:  Function{"asPercent(f)", "a share as text for people: 0.034 is 3.4 %", `${asPercent(last(error_ratio))}`},
			name: "asPercent", args: []*cel.Type{dyn}, result: text,
			call: numberTo(func(n float64) string { return formatNumber(roundTo(n*100, 3)) + " %" }),
		},
		{
			doc:  Function{"lower(text)", "the text in lower case", `lower(e.message).contains("timeout")`},
			name: "lower", args: []*cel.Type{text}, result: text,
			call: func(a []ref.Val) ref.Val {
				s, err := textOf(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				return types.String(strings.ToLower(s))
			},
		},
		{
			doc:  Function{"join(list, separator)", "the items of a list as one text; at most 20, then how many more", `${join(locks.map(l, l.pid), ", ")}`},
			name: "join", args: []*cel.Type{cel.ListType(dyn), text}, result: text,
			call: func(a []ref.Val) ref.Val {
				plain, err := toPlain(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				list, ok := plain.([]any)
				separator, err := textOf(a[1])
				if !ok || err != nil {
					return unknown("a list and a text are needed")
				}
				return types.String(join(list, separator))
			},
		},
		{
			doc:  Function{"unix(text)", "a time written as text (RFC 3339) in seconds since 1970", `now - unix(e.at) < 300.0`},
			name: "unix", args: []*cel.Type{text}, result: num,
			call: func(a []ref.Val) ref.Val {
				s, err := textOf(a[0])
				if err != nil {
					return unknown("%v", err)
				}
				at, err := time.Parse(time.RFC3339Nano, s)
				if err != nil {
					return unknown("%q is not a time as RFC 3339 writes it", s)
				}
				return types.Double(float64(at.UnixNano()) / 1e9)
			},
		},
	}
}

// textOf is a text, or the error that a value is none: evidence has no declared
// types, and so CEL does not check them.
func textOf(v ref.Val) (string, error) {
	if s, ok := v.(types.String); ok {
		return string(s), nil
	}
	return "", fmt.Errorf("a %s is no text", plainType(v.Type().TypeName()))
}

// durationOf is a duration, or one written as text ("5m"), in seconds.
func durationOf(v ref.Val) (float64, error) {
	switch v := v.(type) {
	case types.Duration:
		return v.Seconds(), nil
	case types.String:
		d, err := ParseDuration(strings.TrimSpace(string(v)))
		return d.Seconds(), err
	}
	return 0, fmt.Errorf("a %s is no duration", plainType(v.Type().TypeName()))
}

func numberTo(format func(float64) string) func([]ref.Val) ref.Val {
	return func(a []ref.Val) ref.Val {
		n, ok := number(a[0])
		if !ok {
			return unknown("not a number")
		}
		return types.String(format(n))
	}
}

func join(items []any, separator string) string {
	const most = 20
	texts := make([]string, 0, min(len(items), most+1))
	for i, item := range items {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(items)-most))
			break
		}
		texts = append(texts, FormatValue(item))
	}
	return strings.Join(texts, separator)
}
