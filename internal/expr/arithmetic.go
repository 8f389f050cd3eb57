package expr

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	celenv "github.com/google/cel-go/common/env"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// baseEnv is CEL's standard library with our own arithmetic and functions. It
// is made once: declaring the library costs milliseconds.
var baseEnv = sync.OnceValues(func() (*cel.Env, error) {
	own := celenv.NewLibrarySubset().AddExcludedFunctions(
		&celenv.Function{Name: operators.Add}, &celenv.Function{Name: operators.Subtract},
		&celenv.Function{Name: operators.Multiply}, &celenv.Function{Name: operators.Divide},
		&celenv.Function{Name: operators.Negate}, &celenv.Function{Name: operators.Equals},
		&celenv.Function{Name: operators.NotEquals}, &celenv.Function{Name: "bytes"})
	opts := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(own)),
		cel.CrossTypeNumericComparisons(true),
		cel.Function(operators.Equals, equality("equals")...),
		cel.Function(operators.NotEquals, equality("not_equals")...),
		cel.Function(operators.Add, append(mixed("add", cel.DoubleType),
			cel.Overload("add_int_int", []*cel.Type{cel.IntType, cel.IntType}, cel.IntType),
			cel.Overload("add_text", []*cel.Type{cel.StringType, cel.StringType}, cel.StringType),
			cel.Overload("add_list", []*cel.Type{cel.ListType(cel.TypeParamType("A")), cel.ListType(cel.TypeParamType("A"))}, cel.ListType(cel.TypeParamType("A"))),
			cel.Overload("add_duration", []*cel.Type{cel.DurationType, cel.DurationType}, cel.DurationType),
			cel.Overload("add_time_duration", []*cel.Type{cel.TimestampType, cel.DurationType}, cel.TimestampType),
			cel.SingletonBinaryBinding(add))...),
		cel.Function(operators.Subtract, append(mixed("subtract", cel.DoubleType),
			cel.Overload("subtract_int_int", []*cel.Type{cel.IntType, cel.IntType}, cel.IntType),
			cel.Overload("subtract_duration", []*cel.Type{cel.DurationType, cel.DurationType}, cel.DurationType),
			cel.Overload("subtract_time", []*cel.Type{cel.TimestampType, cel.TimestampType}, cel.DurationType),
			cel.Overload("subtract_time_duration", []*cel.Type{cel.TimestampType, cel.DurationType}, cel.TimestampType),
			cel.SingletonBinaryBinding(subtract))...),
		cel.Function(operators.Multiply, append(mixed("multiply", cel.DoubleType),
			cel.Overload("multiply_int_int", []*cel.Type{cel.IntType, cel.IntType}, cel.IntType),
			cel.Overload("multiply_duration_double", []*cel.Type{cel.DurationType, cel.DoubleType}, cel.DurationType),
			cel.Overload("multiply_duration_int", []*cel.Type{cel.DurationType, cel.IntType}, cel.DurationType),
			cel.Overload("multiply_double_duration", []*cel.Type{cel.DoubleType, cel.DurationType}, cel.DurationType),
			cel.Overload("multiply_int_duration", []*cel.Type{cel.IntType, cel.DurationType}, cel.DurationType),
			cel.SingletonBinaryBinding(multiply))...),
		cel.Function(operators.Divide, append(mixed("divide", cel.DoubleType),
			cel.Overload("divide_int_int", []*cel.Type{cel.IntType, cel.IntType}, cel.DoubleType),
			cel.Overload("divide_duration_double", []*cel.Type{cel.DurationType, cel.DoubleType}, cel.DurationType),
			cel.Overload("divide_duration_int", []*cel.Type{cel.DurationType, cel.IntType}, cel.DurationType),
			cel.Overload("divide_durations", []*cel.Type{cel.DurationType, cel.DurationType}, cel.DoubleType),
			cel.SingletonBinaryBinding(divide))...),
		cel.Function(operators.Negate,
			cel.Overload("negate_int", []*cel.Type{cel.IntType}, cel.IntType),
			cel.Overload("negate_double", []*cel.Type{cel.DoubleType}, cel.DoubleType),
			cel.Overload("negate_duration", []*cel.Type{cel.DurationType}, cel.DurationType),
			cel.SingletonUnaryBinding(negate)),
	}
	env, err := cel.NewCustomEnv(append(opts, functionOptions()...)...)
	if err != nil {
		return nil, fmt.Errorf("declare the language of signs: %w", err)
	}
	return env, nil
})

// equality compares anything: numbers of any width are wanted, which CEL's own
// declaration refuses. What can never be equal is found by impossible.
// CEL's interpreter knows the two operators by name; they need no binding.
func equality(name string) []cel.FunctionOpt {
	return []cel.FunctionOpt{cel.Overload(name, []*cel.Type{cel.DynType, cel.DynType}, cel.BoolType)}
}

// mixed are the overloads that plain CEL lacks: numbers of any width.
func mixed(name string, result *cel.Type) []cel.FunctionOpt {
	return []cel.FunctionOpt{
		cel.Overload(name+"_double_double", []*cel.Type{cel.DoubleType, cel.DoubleType}, result),
		cel.Overload(name+"_int_double", []*cel.Type{cel.IntType, cel.DoubleType}, result),
		cel.Overload(name+"_double_int", []*cel.Type{cel.DoubleType, cel.IntType}, result),
	}
}

func add(a, b ref.Val) ref.Val {
	if x, y, ok := bothNumbers(a, b); ok {
		return finite(x + y)
	}
	if adder, ok := a.(traits.Adder); ok {
		return adder.Add(b)
	}
	return noSuch("+", a, b)
}

func subtract(a, b ref.Val) ref.Val {
	if x, y, ok := bothNumbers(a, b); ok {
		return finite(x - y)
	}
	if s, ok := a.(traits.Subtractor); ok {
		return s.Subtract(b)
	}
	return noSuch("-", a, b)
}

func multiply(a, b ref.Val) ref.Val {
	if x, y, ok := bothNumbers(a, b); ok {
		return finite(x * y)
	}
	if n, d, ok := scaled(a, b); ok {
		return ofSeconds(n * d)
	}
	if m, ok := a.(traits.Multiplier); ok {
		return m.Multiply(b)
	}
	return noSuch("*", a, b)
}

func divide(a, b ref.Val) ref.Val {
	x, okX := number(a)
	y, okY := number(b)
	over, isDuration := a.(types.Duration)
	if isDuration {
		x, okX = over.Seconds(), true
	}
	if under, ok := b.(types.Duration); ok && isDuration {
		y, okY, isDuration = under.Seconds(), true, false
	}
	switch {
	case !okX || !okY:
		return noSuch("/", a, b)
	case y == 0:
		return types.WrapErr(&Unknown{Reason: "divided by zero"})
	case isDuration:
		return ofSeconds(x / y)
	}
	return finite(x / y)
}

// scaled reports a number and a duration, in either order: 2 * idle_after.
func scaled(a, b ref.Val) (n, seconds float64, ok bool) {
	if d, isDuration := a.(types.Duration); isDuration {
		n, ok = number(b)
		return n, d.Seconds(), ok
	}
	if d, isDuration := b.(types.Duration); isDuration {
		n, ok = number(a)
		return n, d.Seconds(), ok
	}
	return 0, 0, false
}

// ofSeconds is a duration, or unknown beyond the 292 years that one can hold.
func ofSeconds(s float64) ref.Val {
	const most = float64(1<<63-1) / 1e9
	if math.IsNaN(s) || math.Abs(s) >= most {
		return types.WrapErr(&Unknown{Reason: "the result is longer than a duration can be"})
	}
	return types.Duration{Duration: time.Duration(s * 1e9)}
}

func negate(a ref.Val) ref.Val {
	if n, ok := a.(traits.Negater); ok {
		return n.Negate()
	}
	return noSuch("-", a, a)
}

// bothNumbers reports two numbers of which at least one is fractional; two
// whole numbers stay whole and go to CEL's own operators.
func bothNumbers(a, b ref.Val) (x, y float64, ok bool) {
	_, aInt := a.(types.Int)
	_, bInt := b.(types.Int)
	if aInt && bInt {
		return 0, 0, false
	}
	x, okX := number(a)
	y, okY := number(b)
	return x, y, okX && okY
}

func number(v ref.Val) (float64, bool) {
	switch v := v.(type) {
	case types.Double:
		return float64(v), true
	case types.Int:
		return float64(v), true
	case types.Uint:
		return float64(v), true
	}
	return 0, false
}

func finite(f float64) ref.Val {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return types.WrapErr(&Unknown{Reason: "the result is not a finite number"})
	}
	return types.Double(f)
}

func noSuch(op string, a, b ref.Val) ref.Val {
	return types.WrapErr(&Unknown{Reason: fmt.Sprintf("%s does not work on %s and %s", op, plainType(a.Type().TypeName()), plainType(b.Type().TypeName()))})
}
