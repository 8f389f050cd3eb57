package action

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/probe"
)

// Args are the arguments of a change: plain values, as JSON has them, by name.
// Durations are texts as playbooks write them ("5m").
type Args map[string]any

// Text returns a text argument; numbers and truths as they are written.
func (a Args) Text(name string) string {
	switch v := a[name].(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// Number returns a number, 0 where there is none.
func (a Args) Number(name string) float64 {
	n, _ := number(a[name])
	return n
}

// Bool returns a truth, false where there is none.
func (a Args) Bool(name string) bool {
	b, _ := a[name].(bool)
	return b
}

// Duration returns a duration, 0 where there is none.
func (a Args) Duration(name string) time.Duration {
	text, _ := a[name].(string)
	d, err := expr.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}

// List returns a list as it is: texts, numbers, or rows of a question.
func (a Args) List(name string) []any {
	list, _ := a[name].([]any)
	return list
}

// ForParam is the argument of a temporary measure: how long it stays before it
// is taken back. Types with an undo declare it.
func ForParam() probe.Param {
	return probe.Param{Name: "for", Type: probe.Duration, Default: "0s", About: "take it back after so long; 0s: it stays"}
}

// Complete checks arguments against the declared ones and fills in defaults.
// It refuses unknown, missing and ill-typed ones, by name.
func (s Spec) Complete(given map[string]any) (Args, error) {
	out := Args{}
	known := map[string]bool{}
	for _, p := range s.Params {
		known[p.Name] = true
		v, ok := given[p.Name]
		if !ok || v == nil {
			if p.Default == "" {
				return nil, Refuse("", "%s needs %s: %s", s.Name, p.Name, p.About)
			}
			v = unquoted(p.Default)
		}
		plain, err := typed(p.Type, v)
		if err != nil {
			return nil, Refuse("", "%s: %s: %s", s.Name, p.Name, err)
		}
		out[p.Name] = plain
	}
	for name := range given {
		if !known[name] {
			return nil, Refuse("", "%s has no argument %q", s.Name, name)
		}
	}
	return out, nil
}

// unquoted is a default as it is written in YAML, without its quotes.
func unquoted(text string) string {
	if s, err := strconv.Unquote(text); err == nil {
		return s
	}
	return text
}

// typed turns a value into the plain form of its declared type.
func typed(t probe.ParamType, v any) (any, error) {
	switch t {
	case probe.Duration:
		if d, ok := v.(time.Duration); ok {
			return expr.FormatDuration(d), nil
		}
		text, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("%v is no duration: write one like 5m", v)
		}
		if _, err := expr.ParseDuration(text); err != nil {
			return nil, err
		}
		return text, nil
	case probe.Number:
		n, ok := number(v)
		if !ok {
			return nil, fmt.Errorf("%v is no number", v)
		}
		return n, nil
	case probe.Bool:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		if b, err := strconv.ParseBool(fmt.Sprint(v)); err == nil {
			return b, nil
		}
		return nil, fmt.Errorf("%v is neither true nor false", v)
	case probe.List:
		switch v := v.(type) {
		case []any:
			return v, nil
		case []string:
			list := make([]any, len(v))
			for i := range v {
				list[i] = v[i]
			}
			return list, nil
		case string:
			if strings.TrimSpace(v) == "" {
				return []any{}, nil
			}
			return []any{v}, nil
		}
		return nil, fmt.Errorf("%v is no list", v)
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case []any, map[string]any:
		return nil, fmt.Errorf("a text is wanted, not a list")
	default:
		return Args{"v": v}.Text("v"), nil
	}
}

func number(v any) (float64, bool) {
	var n float64
	switch v := v.(type) {
	case float64:
		n = v
	case int64:
		n = float64(v)
	case int:
		n = float64(v)
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil {
			return 0, false
		}
		n = f
	default:
		return 0, false
	}
	return n, !math.IsNaN(n) && !math.IsInf(n, 0)
}
