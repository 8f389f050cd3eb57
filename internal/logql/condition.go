package logql

import (
	"bytes"
	"strconv"
	"strings"
)

// verdict is the outcome of a condition. A label that should be a number and
// is none makes the line broken: it is counted and skipped.
type verdict int

const (
	no verdict = iota
	yes
	broken
)

type condition func(*labelSet) verdict

func (r rules) compileCond(c Cond) (condition, error) {
	switch c := c.(type) {
	case *Both:
		left, err := r.compileCond(c.Left)
		if err != nil {
			return nil, err
		}
		right, err := r.compileCond(c.Right)
		if err != nil {
			return nil, err
		}
		if c.Op == "or" {
			return func(l *labelSet) verdict {
				a := left(l)
				if a == yes {
					return yes
				}
				if b := right(l); b != no {
					return b
				}
				return a
			}, nil
		}
		return func(l *labelSet) verdict {
			if a := left(l); a != yes {
				return a
			}
			return right(l)
		}, nil
	case *Compare:
		return r.compileCompare(c)
	}
	return nil, &Error{Reason: "unknown condition"}
}

func (r rules) compileCompare(c *Compare) (condition, error) {
	switch c.Kind {
	case Text:
		if !r.aliases {
			m := Matcher{Name: c.Name, Op: c.Op, Value: c.Text, Offset: c.Offset}
			test, err := m.compile(r.wholeValue)
			return func(l *labelSet) verdict {
				value, _ := l.get(c.Name)
				return truth(test(value))
			}, err
		}
		return compileText(c)
	case Label:
		return compileLabels(c), nil
	case Address:
		return compileAddress(c)
	}
	name, op, want, read := c.Name, c.Op, c.Number, reader(c.Kind)
	return func(l *labelSet) verdict {
		value, ok := l.get(name)
		if !ok || len(value) == 0 && r.skipFaults {
			return no
		}
		got, ok := read(value)
		if !ok {
			if l.faulty() {
				return yes
			}
			return r.unreadable(l, faultFilter, "a filter wants a number, a duration or a size, and the label "+name+" is none")
		}
		return truth(compareNumbers(op, got, want))
	}, nil
}

// compileText follows Prometheus: a missing label is the empty text. In the
// playbook dialect a regular expression need not match the whole value, and
// levels compare without case and under all their spellings.
func compileText(c *Compare) (condition, error) {
	name, want := c.Name, c.Text
	negative := strings.HasPrefix(c.Op, "!")
	level := isLevelName(name)
	var test textTest
	switch {
	case strings.HasSuffix(c.Op, "~"):
		pattern := want
		if level && !strings.HasPrefix(pattern, "(?i)") {
			pattern = "(?i)" + pattern
		}
		match, err := compileRegexp(pattern, false)
		if err != nil {
			return nil, &Error{Offset: c.Offset, Reason: err.Error()}
		}
		test = match
		if level {
			test = func(v []byte) bool { return match(v) || match([]byte(canonicalLevel(v))) }
		}
	case level:
		canonical := canonicalLevel([]byte(want))
		test = func(v []byte) bool { return canonicalLevel(v) == canonical }
	default:
		text := []byte(want)
		test = func(v []byte) bool { return bytes.Equal(v, text) }
	}
	return func(l *labelSet) verdict {
		value, _ := l.get(name)
		return truth(test(value) != negative)
	}, nil
}

func compileAddress(c *Compare) (condition, error) {
	n, err := parseNetwork(c.Text)
	if err != nil {
		return nil, &Error{Offset: c.Offset, Reason: err.Error()}
	}
	name, negative := c.Name, c.Op == "!="
	return func(l *labelSet) verdict {
		if l.faulty() {
			return yes
		}
		value, ok := l.get(name)
		if !ok {
			return no
		}
		return truth(n.inside(value) != negative)
	}, nil
}

// compileLabels compares two labels: as numbers, durations or sizes where both
// are, else as texts for equality. A line that lacks either does not match.
func compileLabels(c *Compare) condition {
	left, right, op := c.Name, c.Text, c.Op
	return func(l *labelSet) verdict {
		a, okA := l.get(left)
		b, okB := l.get(right)
		if !okA || !okB || len(a) == 0 || len(b) == 0 {
			return no
		}
		for _, kind := range []ValueKind{Number, Duration, Bytes} {
			read := reader(kind)
			if x, ok := read(a); ok {
				if y, ok := read(b); ok {
					return truth(compareNumbers(op, x, y))
				}
			}
		}
		switch op {
		case "==":
			return truth(bytes.Equal(a, b))
		case "!=":
			return truth(!bytes.Equal(a, b))
		}
		return broken
	}
}

func truth(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// reader returns how a label's text becomes a number of the kind.
func reader(kind ValueKind) func([]byte) (float64, bool) {
	switch kind {
	case Duration:
		return func(b []byte) (float64, bool) { return parseDuration(string(b)) }
	case Bytes:
		return func(b []byte) (float64, bool) {
			if v, ok := parseBytes(string(b)); ok {
				return v, true
			}
			return parseFloat(b)
		}
	}
	return parseFloat
}

// parseFloat refuses NaN, infinity and the spellings that only Go knows.
func parseFloat(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > 64 {
		return 0, false
	}
	if v, ok := shortDecimal(b); ok {
		return v, true
	}
	for _, c := range b { // no NaN, no infinity, no hexadecimal
		if !isDigit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}

// shortDecimal reads digits with a point and a sign, where both the digits as a
// whole number and the power of ten are exact: then one division rounds right
// (Clinger 1990).
func shortDecimal(b []byte) (float64, bool) {
	const mostDigits = 15
	whole, digits, after, i := uint64(0), 0, -1, 0
	if b[0] == '-' {
		i = 1
	}
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case isDigit(c):
			whole = whole*10 + uint64(c-'0')
			digits++
		case c == '.' && after < 0:
			after = digits
		default:
			return 0, false
		}
	}
	if digits == 0 || digits > mostDigits || after == digits {
		return 0, false
	}
	v := float64(whole)
	if after >= 0 {
		v /= powersOfTen[digits-after]
	}
	if b[0] == '-' {
		v = -v
	}
	return v, true
}

var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

func compareNumbers(op string, a, b float64) bool {
	switch op {
	case "==":
		return a == b
	case "!=":
		return a != b
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "<":
		return a < b
	}
	return a <= b
}
