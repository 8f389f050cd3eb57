package series

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Exposed is one sample of a /metrics page.
type Exposed struct {
	Labels labels.Labels // with the metric's name
	Value  float64
	T      int64 // milliseconds since 1970; 0 where the page gives no time
}

// ReadExposition reads a page in Prometheus' text format, or in OpenMetrics'
// (whose exemplars and units are left out). It keeps labels as they are
// written, le="1.0" included, because queries compare them as text. Errors name
// the line. As in Prometheus, one bad line spoils the page.
func ReadExposition(page string, openMetrics bool, yield func(Exposed) error) error {
	number := 0
	for len(page) > 0 {
		number++
		var line string
		line, page, _ = strings.Cut(page, "\n")
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		e, err := readLine(line, openMetrics)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

func readLine(line string, openMetrics bool) (Exposed, error) {
	var e Exposed
	b := labels.NewScratchBuilder(8)
	end := strings.IndexAny(line, "{ \t")
	if end < 0 {
		end = len(line)
	}
	name, rest := line[:end], strings.TrimLeft(line[end:], " \t")
	if name != "" {
		if !isMetricName(name) {
			return e, fmt.Errorf("expected a valid start token, got %q", firstRune(name))
		}
		b.Add(model.MetricNameLabel, name)
	}
	if strings.HasPrefix(rest, "{") {
		var err error
		if rest, err = readLabels(rest[1:], name == "", &b); err != nil {
			return e, err
		}
	}
	if openMetrics {
		rest, _, _ = strings.Cut(rest, " #") // an exemplar
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 || len(fields) > 2 {
		return e, fmt.Errorf("expected value after metric, got %q", rest)
	}
	v, err := readNumber(fields[0])
	if err != nil {
		return e, fmt.Errorf("%q is not a value", fields[0])
	}
	e.Value = v
	if len(fields) == 2 {
		if e.T, err = readTime(fields[1], openMetrics); err != nil {
			return e, err
		}
	}
	b.Sort()
	e.Labels = b.Labels()
	if e.Labels.Get(model.MetricNameLabel) == "" {
		return e, fmt.Errorf("a sample without a metric name")
	}
	if twice, ok := e.Labels.HasDuplicateLabelNames(); ok {
		return e, fmt.Errorf("label %s stands twice", twice)
	}
	return e, nil
}

// readLabels reads what follows the brace and returns what follows its end. A
// quoted text without = is the metric's name, which may then hold any character.
func readLabels(s string, nameless bool, b *labels.ScratchBuilder) (string, error) {
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return "", fmt.Errorf("expected } and the line ends")
		}
		if s[0] == '}' {
			return strings.TrimLeft(s[1:], " \t"), nil
		}
		var name string
		var err error
		if s[0] == '"' {
			if name, s, err = readQuoted(s); err != nil {
				return "", err
			}
			s = strings.TrimLeft(s, " \t")
			if nameless && !strings.HasPrefix(s, "=") {
				b.Add(model.MetricNameLabel, name)
				nameless = false
				continue
			}
		} else {
			end := strings.IndexAny(s, "= \t}")
			if end <= 0 || !isLabelName(s[:end]) {
				return "", fmt.Errorf("expected label name, got %q", firstRune(s))
			}
			name, s = s[:end], strings.TrimLeft(s[end:], " \t")
		}
		if !strings.HasPrefix(s, "=") {
			return "", fmt.Errorf("expected = after label %s", name)
		}
		var value string
		if value, s, err = readQuoted(strings.TrimLeft(s[1:], " \t")); err != nil {
			return "", err
		}
		if value != "" { // an empty label is no label
			b.Add(name, value)
		}
	}
}

// readQuoted reads a text in double quotes, with the three escapes of the
// format (\\ \" \n), and returns what follows it.
func readQuoted(s string) (text, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", fmt.Errorf("expected a text in double quotes")
	}
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			if !utf8.ValidString(out.String()) {
				return "", "", fmt.Errorf("a label value is not valid UTF-8")
			}
			return out.String(), s[i+1:], nil
		case '\\':
			i++
			switch {
			case i >= len(s):
				return "", "", fmt.Errorf("a text ends in a backslash")
			case s[i] == 'n':
				out.WriteByte('\n')
			case s[i] == '\\' || s[i] == '"':
				out.WriteByte(s[i])
			default:
				out.WriteByte('\\')
				out.WriteByte(s[i])
			}
		default:
			out.WriteByte(s[i])
		}
	}
	return "", "", fmt.Errorf("a quoted text has no end")
}

func readNumber(s string) (float64, error) {
	if strings.ContainsAny(s, "_pPxX") {
		return 0, strconv.ErrSyntax // Go's own additions, not the format's
	}
	v, err := strconv.ParseFloat(s, 64)
	if math.IsNaN(v) {
		v = math.NaN() // one and the same NaN, never the marker of staleness
	}
	if err != nil && math.IsInf(v, 0) {
		return v, nil // out of range reads as infinity
	}
	return v, err
}

// readTime reads milliseconds, or in OpenMetrics seconds with a fraction.
func readTime(s string, openMetrics bool) (int64, error) {
	if openMetrics {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) > 1e12 {
			return 0, fmt.Errorf("%q is not a time", s)
		}
		return int64(f * 1000), nil
	}
	t, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time", s)
	}
	return t, nil
}

func isMetricName(s string) bool {
	for i, c := range []byte(s) {
		if !isLetter(c) && c != ':' && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func isLabelName(s string) bool { return isMetricName(s) && !strings.Contains(s, ":") }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

func firstRune(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	return string(r)
}
