package expr

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// durationLiteral is what may follow a digit run: 5m, 1h30m, 250ms, 2d, 1w.
var durationLiteral = regexp.MustCompile(`^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+`)

var durationPart = regexp.MustCompile(`(\d+(?:\.\d+)?)(ms|s|m|h|d|w)`)

// ParseDuration reads 5m, 1h30m, 250ms, 2d, 1w, with an optional sign.
func ParseDuration(text string) (time.Duration, error) {
	body := strings.TrimPrefix(strings.TrimPrefix(text, "-"), "+")
	if m := durationLiteral.FindString(body); m == "" || m != body {
		return 0, fmt.Errorf("%q is not a duration: write a number with ms, s, m, h, d or w, like 5m or 1h30m", text)
	}
	units := map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute,
		"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}
	var total float64
	for _, part := range durationPart.FindAllStringSubmatch(body, -1) {
		n, err := strconv.ParseFloat(part[1], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration: %w", text, err)
		}
		total += n * float64(units[part[2]])
	}
	if total > float64(1<<62) {
		return 0, fmt.Errorf("%q is longer than a century", text)
	}
	if strings.HasPrefix(text, "-") {
		total = -total
	}
	return time.Duration(total), nil
}

// FormatDuration writes a duration the way ParseDuration reads it, without
// parts that are zero: 5m, 1h30m, 2d.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.unit
		}
	}
	if b.Len() == 0 || b.String() == "-" {
		return "0s"
	}
	return b.String()
}

// offsetMap leads offsets in the expanded text back to the text as written.
type offsetMap []struct{ at, written, length, expanded int }

func (m offsetMap) original(offset int) int {
	shift := 0
	for _, r := range m {
		if offset < r.at {
			break
		}
		if offset < r.at+r.expanded {
			return r.written
		}
		shift = r.written + r.length - (r.at + r.expanded)
	}
	return offset + shift
}

// expandDurations rewrites 5m to duration("300s") outside of strings: CEL has
// no literal for it.
func expandDurations(source string) (string, offsetMap) {
	var b strings.Builder
	var offsets offsetMap
	wordBefore := false
	for i := 0; i < len(source); {
		c := source[i]
		switch {
		case c == '"' || c == '\'':
			end := stringEnd(source, i)
			b.WriteString(source[i:end])
			i, wordBefore = end, false
		case c >= '0' && c <= '9' && !wordBefore:
			literal := durationLiteral.FindString(source[i:])
			if end := i + len(literal); literal != "" && (end == len(source) || !isWord(source[end])) {
				if d, err := ParseDuration(literal); err == nil {
					text := fmt.Sprintf("duration(%q)", strconv.FormatFloat(d.Seconds(), 'f', -1, 64)+"s")
					offsets = append(offsets, struct{ at, written, length, expanded int }{b.Len(), i, len(literal), len(text)})
					b.WriteString(text)
					i, wordBefore = end, true
					continue
				}
			}
			b.WriteByte(c)
			i, wordBefore = i+1, true
		default:
			b.WriteByte(c)
			i, wordBefore = i+1, isWord(c) || c == '.'
		}
	}
	return b.String(), offsets
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// stringEnd returns the offset after the string literal that starts at i.
// In a raw string (r"…") a backslash escapes nothing.
func stringEnd(source string, i int) int {
	quote := source[i : i+1]
	if strings.HasPrefix(source[i:], strings.Repeat(quote, 3)) {
		if end := strings.Index(source[i+3:], strings.Repeat(quote, 3)); end >= 0 {
			return i + 3 + end + 3
		}
		return len(source)
	}
	raw := i > 0 && (source[i-1] == 'r' || source[i-1] == 'R')
	for j := i + 1; j < len(source); j++ {
		switch {
		case source[j] == '\\' && !raw:
			j++
		case source[j] == quote[0]:
			return j + 1
		}
	}
	return len(source)
}
