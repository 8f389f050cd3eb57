package logql

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"
)

// bench is where the functions of one template work on one line: it knows the
// line and its time, and counts the work done. One goroutine uses it.
type bench struct {
	line  string
	time  time.Time
	work  int
	turns int

	expressions map[string]*regexp.Regexp
}

func (b *bench) begin(p *pipeline) {
	b.line, b.time, b.work, b.turns = string(p.line), time.Unix(0, p.record.Time).UTC(), 0, 0
}

// maxExpressions bounds the regular expressions kept for a template; they are
// texts of the template, or of the line.
const maxExpressions = 64

func (b *bench) expression(text string) (*regexp.Regexp, error) {
	if re := b.expressions[text]; re != nil {
		return re, nil
	}
	if err := b.spend(10 * len(text)); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	if b.expressions == nil || len(b.expressions) >= maxExpressions {
		b.expressions = map[string]*regexp.Regexp{}
	}
	b.expressions[text] = re
	return re, nil
}

var errWork = fmt.Errorf("the template handles more than %d bytes for one line", maxTemplateWork)

// spend counts bytes before they are made, so that none are made beyond the bound.
func (b *bench) spend(bytes int) error {
	if b.work += max(bytes, 0) + 1; b.work > maxTemplateWork || bytes < 0 {
		return errWork
	}
	return nil
}

func (b *bench) text(s string) (string, error) { return s, b.spend(len(s)) }

func (b *bench) turn() (string, error) {
	if b.turns++; b.turns > maxTemplateTurns {
		return "", fmt.Errorf("the template's ranges turn more than %d times for one line", maxTemplateTurns)
	}
	return "", nil
}

// templateFunctions are the names that templates know.
func templateFunctions() []string {
	var names []string
	for name := range (&bench{}).functions() {
		if name != turnFunction {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// functions is the table that the LogQL documentation lists, apart from now: an
// answer must not depend on when the question is asked. The built-in functions
// that make texts are replaced by ones that are bounded.
func (b *bench) functions() template.FuncMap {
	out := template.FuncMap{
		turnFunction:    b.turn,
		"__line__":      func() string { return b.line },
		"__timestamp__": func() time.Time { return b.time },
	}
	for _, table := range []template.FuncMap{b.textFunctions(), b.numberFunctions(), b.timeFunctions(), b.codeFunctions()} {
		for name, f := range table {
			out[name] = f
		}
	}
	return out
}

func (b *bench) textFunctions() template.FuncMap {
	one := func(f func(string) string) func(string) (string, error) {
		return func(s string) (string, error) {
			if err := b.spend(len(s)); err != nil {
				return "", err
			}
			return f(s), nil
		}
	}
	two := func(f func(s, cut string) string) func(s, cut string) (string, error) {
		return func(s, cut string) (string, error) {
			// Each byte of the text may be looked up in all of the other.
			if err := b.spend(len(s) * (1 + len(cut)/64)); err != nil {
				return "", err
			}
			return f(s, cut), nil
		}
	}
	swapped := func(f func(s, cut string) string) func(cut, s string) (string, error) {
		return func(cut, s string) (string, error) { return two(f)(s, cut) }
	}
	has := func(f func(s, part string) bool) func(part, s string) (bool, error) {
		return func(part, s string) (bool, error) { return f(s, part), b.spend(len(s)) }
	}
	replace := func(old, to, s string) (string, error) {
		if err := b.spend(len(s) + strings.Count(s, old)*max(len(to)-len(old), 0)); err != nil {
			return "", err
		}
		return strings.ReplaceAll(s, old, to), nil
	}
	return template.FuncMap{
		"ToLower": one(strings.ToLower), "lower": one(strings.ToLower),
		"ToUpper": one(strings.ToUpper), "upper": one(strings.ToUpper),
		"title": one(title),
		"Replace": func(s, old, to string, n int) (string, error) {
			times := strings.Count(s, old)
			if n >= 0 {
				times = min(times, n)
			}
			if err := b.spend(len(s) + times*max(len(to)-len(old), 0)); err != nil {
				return "", err
			}
			return strings.Replace(s, old, to, n), nil
		},
		"replace": replace,
		"Trim":    two(strings.Trim), "TrimLeft": two(strings.TrimLeft), "TrimRight": two(strings.TrimRight),
		"TrimPrefix": two(strings.TrimPrefix), "TrimSuffix": two(strings.TrimSuffix), "TrimSpace": one(strings.TrimSpace),
		"trim": one(strings.TrimSpace), "trimAll": swapped(strings.Trim),
		"trimPrefix": swapped(strings.TrimPrefix), "trimSuffix": swapped(strings.TrimSuffix),
		"trunc": trunc, "substr": substr,
		"contains": has(strings.Contains), "hasPrefix": has(strings.HasPrefix), "hasSuffix": has(strings.HasSuffix),
		"repeat": func(n int, s string) (string, error) {
			if n < 0 || len(s) > 0 && n > maxTemplateWork/len(s) {
				return "", errWork
			}
			return strings.Repeat(s, n), b.spend(n * len(s))
		},
		"indent": b.indent,
		"nindent": func(n int, s string) (string, error) {
			out, err := b.indent(n, s)
			return "\n" + out, err
		},
		"alignLeft": func(n int, s string) (string, error) {
			return b.align(n, s, func(blanks string, keep []rune) string { return string(keep[:min(n, len(keep))]) + blanks })
		},
		"alignRight": func(n int, s string) (string, error) {
			return b.align(n, s, func(blanks string, keep []rune) string { return blanks + string(keep[max(0, len(keep)-n):]) })
		},
		"regexReplaceAll": func(pattern, s, to string) (string, error) { return b.replaceAll(pattern, s, to, true) },
		"regexReplaceAllLiteral": func(pattern, s, to string) (string, error) {
			return b.replaceAll(pattern, s, to, false)
		},
		"count": func(pattern, s string) (int, error) {
			re, err := b.expression(pattern)
			if err != nil {
				return 0, err
			}
			return len(re.FindAllStringIndex(s, -1)), b.spend(10 * len(s))
		},
		"default": func(otherwise any, given ...any) any {
			if len(given) == 0 || isEmpty(given[0]) {
				return otherwise
			}
			return given[0]
		},
		"print":   func(a ...any) (string, error) { return b.print(fmt.Sprint, a) },
		"println": func(a ...any) (string, error) { return b.print(fmt.Sprintln, a) },
		"printf":  b.printf,
	}
}

func title(s string) string {
	before := ' '
	return strings.Map(func(r rune) rune {
		word := unicode.IsLetter(before) || unicode.IsDigit(before) || before == '_' || before == '\''
		if before = r; !word {
			return unicode.ToTitle(r)
		}
		return r
	}, s)
}

// trunc keeps the first n bytes, or with a negative n the last.
func trunc(n int, s string) string {
	switch {
	case n >= 0 && n < len(s):
		return s[:n]
	case n < 0 && -n < len(s):
		return s[len(s)+n:]
	}
	return s
}

// substr keeps the bytes from start to end; a negative start means the
// beginning, a negative or too great end the end.
func substr(start, end int, s string) string {
	if start < 0 {
		start = 0
	}
	if end < 0 || end > len(s) {
		end = len(s)
	}
	if start > end {
		return ""
	}
	return s[start:end]
}

func (b *bench) indent(n int, s string) (string, error) {
	if n < 0 || n > maxTemplateWork {
		return "", errWork
	}
	if err := b.spend(len(s) + n*(1+strings.Count(s, "\n"))); err != nil {
		return "", err
	}
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
}

func (b *bench) align(n int, s string, join func(string, []rune) string) (string, error) {
	if n < 0 {
		return s, nil
	}
	if err := b.spend(4*len(s) + n); err != nil {
		return "", err
	}
	return join(strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s))), []rune(s)), nil
}

func (b *bench) replaceAll(pattern, s, to string, expand bool) (string, error) {
	re, err := b.expression(pattern)
	if err != nil {
		return "", err
	}
	if err := b.spend(10 * len(s)); err != nil {
		return "", err
	}
	// What the matches grow to is known before any of it is made, and no more of
	// them are looked for than may grow.
	matches := re.FindAllStringIndex(s, 1+(maxTemplateWork-b.work)/max(len(to), 1))
	if err := b.spend(len(matches) * len(to)); err != nil {
		return "", err
	}
	if !expand {
		return re.ReplaceAllLiteralString(s, to), nil
	}
	for _, m := range matches {
		if err := b.spend((m[1] - m[0]) * strings.Count(to, "$")); err != nil {
			return "", err
		}
	}
	return re.ReplaceAllString(s, to), nil
}

func (b *bench) print(f func(...any) string, args []any) (string, error) {
	for _, a := range args {
		if s, ok := a.(string); ok {
			if err := b.spend(len(s)); err != nil {
				return "", err
			}
		}
	}
	return b.text(f(args...))
}

// printf refuses widths that would make long texts out of short ones.
func (b *bench) printf(format string, args ...any) (string, error) {
	width := 0
	for i := 0; i < len(format); i++ {
		if format[i] == '*' {
			return "", errors.New("printf takes no * as a width here")
		}
		if isDigit(format[i]) {
			start := i
			for i < len(format) && isDigit(format[i]) {
				i++
			}
			n, err := strconv.Atoi(format[start:i])
			if err != nil || n > maxTemplateOutput {
				return "", errWork
			}
			width += n
		}
	}
	if err := b.spend(width); err != nil {
		return "", err
	}
	return b.print(func(a ...any) string { return fmt.Sprintf(format, a...) }, args)
}

func isEmpty(v any) bool {
	value := reflect.ValueOf(v)
	if !value.IsValid() {
		return true
	}
	switch value.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array, reflect.String:
		return value.Len() == 0
	}
	return value.IsZero()
}

func (b *bench) numberFunctions() template.FuncMap {
	foldInt := func(f func(a, b int64) (int64, error)) func(...any) (int64, error) {
		return func(args ...any) (int64, error) { return fold(args, toInt, f) }
	}
	foldFloat := func(f func(a, b float64) float64) func(...any) (float64, error) {
		return func(args ...any) (float64, error) {
			return fold(args, toFloat, func(x, y float64) (float64, error) { return f(x, y), nil })
		}
	}
	plain := func(f func(a, b int64) int64) func(a, b int64) (int64, error) {
		return func(x, y int64) (int64, error) { return f(x, y), nil }
	}
	return template.FuncMap{
		"add": foldInt(plain(func(x, y int64) int64 { return x + y })),
		"sub": foldInt(plain(func(x, y int64) int64 { return x - y })),
		"mul": foldInt(plain(func(x, y int64) int64 { return x * y })),
		"div": foldInt(func(x, y int64) (int64, error) {
			if y == 0 {
				return 0, errors.New("division by zero")
			}
			return x / y, nil
		}),
		"mod": foldInt(func(x, y int64) (int64, error) {
			if y == 0 {
				return 0, errors.New("division by zero")
			}
			return x % y, nil
		}),
		"max":  foldInt(plain(func(x, y int64) int64 { return max(x, y) })),
		"min":  foldInt(plain(func(x, y int64) int64 { return min(x, y) })),
		"addf": foldFloat(func(x, y float64) float64 { return x + y }),
		"subf": foldFloat(func(x, y float64) float64 { return x - y }),
		"mulf": foldFloat(func(x, y float64) float64 { return x * y }),
		"divf": foldFloat(func(x, y float64) float64 { return x / y }),
		"maxf": foldFloat(math.Max), "minf": foldFloat(math.Min),
		"ceil":    func(v any) (float64, error) { f, err := toFloat(v); return math.Ceil(f), err },
		"floor":   func(v any) (float64, error) { f, err := toFloat(v); return math.Floor(f), err },
		"round":   round,
		"int":     toInt,
		"float64": toFloat,
	}
}

// fold applies an operation from left to right.
func fold[T any](args []any, read func(any) (T, error), f func(a, b T) (T, error)) (T, error) {
	var sum T
	for i, a := range args {
		v, err := read(a)
		if err != nil {
			return sum, err
		}
		if i == 0 {
			sum = v
			continue
		}
		if sum, err = f(sum, v); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// round rounds to so many places; half goes up, or where the third argument
// says at which fraction.
func round(v any, places int, at ...float64) (float64, error) {
	f, err := toFloat(v)
	if err != nil {
		return 0, err
	}
	up := 0.5
	if len(at) > 0 {
		up = at[0]
	}
	scale := math.Pow(10, float64(places))
	whole, part := math.Modf(f * scale)
	switch {
	case part >= up:
		whole++
	case part <= -up:
		whole--
	}
	return whole / scale, nil
}

// toFloat and toInt read what cannot be read as 0, as the functions that
// LogQL's documentation refers to do.
func toFloat(v any) (float64, error) {
	switch v := v.(type) {
	case string:
		f, _ := strconv.ParseFloat(v, 64)
		return f, nil
	case nil:
		return 0, nil
	}
	switch value := reflect.ValueOf(v); {
	case value.CanInt():
		return float64(value.Int()), nil
	case value.CanUint():
		return float64(value.Uint()), nil
	case value.CanFloat():
		return value.Float(), nil
	case value.Kind() == reflect.Bool:
		if value.Bool() {
			return 1, nil
		}
	}
	return 0, nil
}

func toInt(v any) (int64, error) {
	if s, ok := v.(string); ok {
		n, err := strconv.ParseInt(s, 0, 64)
		if err != nil {
			f, _ := strconv.ParseFloat(s, 64)
			n = int64(f)
		}
		return n, nil
	}
	f, err := toFloat(v)
	if value := reflect.ValueOf(v); value.IsValid() && value.CanInt() {
		return value.Int(), nil
	}
	return int64(f), err
}

func (b *bench) timeFunctions() template.FuncMap {
	in := func(layout, zone, s string) (time.Time, error) {
		where, err := time.LoadLocation(zone)
		if err != nil {
			where = time.UTC
		}
		t, _ := time.ParseInLocation(layout, s, where)
		return t, nil
	}
	epoch := func(of func(time.Time) int64) func(time.Time) string {
		return func(t time.Time) string { return strconv.FormatInt(of(t), 10) }
	}
	seconds := func(s string) (float64, error) {
		d, ok := parseDuration(s)
		if !ok {
			return 0, fmt.Errorf("%q is no duration", s)
		}
		return d, nil
	}
	return template.FuncMap{
		"toDate":          func(layout, s string) (time.Time, error) { return in(layout, "UTC", s) },
		"toDateInZone":    in,
		"date":            func(layout string, v any) (string, error) { return b.text(toTime(v).UTC().Format(layout)) },
		"unixEpoch":       epoch(time.Time.Unix),
		"unixEpochMillis": epoch(time.Time.UnixMilli),
		"unixEpochNanos":  epoch(time.Time.UnixNano),
		"unixToTime":      unixToTime,
		"duration":        seconds, "duration_seconds": seconds,
		"bytes": func(s string) (float64, error) {
			v, ok := reader(Bytes)([]byte(s))
			if !ok {
				return 0, fmt.Errorf("%q is no size", s)
			}
			return v, nil
		},
	}
}

func toTime(v any) time.Time {
	switch v := v.(type) {
	case time.Time:
		return v
	case *time.Time:
		return *v
	}
	n, _ := toInt(v)
	return time.Unix(n, 0)
}

// unixToTime reads a time since 1970 in days, seconds, milliseconds,
// microseconds or nanoseconds; which one, its number of digits says.
func unixToTime(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time since 1970", s)
	}
	switch len(s) {
	case 5:
		return time.Unix(n*86400, 0), nil
	case 10:
		return time.Unix(n, 0), nil
	case 13:
		return time.UnixMilli(n), nil
	case 16:
		return time.UnixMicro(n), nil
	case 19:
		return time.Unix(0, n), nil
	}
	return time.Time{}, fmt.Errorf("%q has not as many digits as days, seconds, milliseconds, microseconds or nanoseconds since 1970", s)
}

func (b *bench) codeFunctions() template.FuncMap {
	grown := func(factor int, f func(string) string) func(...any) (string, error) {
		return func(args ...any) (string, error) {
			s, err := b.print(fmt.Sprint, args)
			if err == nil {
				err = b.spend(factor * len(s))
			}
			if err != nil {
				return "", err
			}
			return f(s), nil
		}
	}
	return template.FuncMap{
		"urlencode": grown(3, url.QueryEscape), "urlquery": grown(3, url.QueryEscape),
		"urldecode": url.QueryUnescape,
		"b64enc":    grown(2, func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
		"b64dec": func(s string) string {
			out, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				return err.Error()
			}
			return string(out)
		},
		"html": grown(6, template.HTMLEscapeString), "js": grown(6, template.JSEscapeString),
		"fromJson": func(s string) (any, error) {
			if err := b.spend(20 * len(s)); err != nil {
				return nil, err
			}
			var out any
			_ = json.Unmarshal([]byte(s), &out)
			return out, nil
		},
	}
}
