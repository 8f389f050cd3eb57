package promtext

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"github.com/quellhq/quell/internal/probe"
)

// Fill writes the values of a query's holes by where each stands, for PromQL
// and LogQL alike:
//
//   - inside of a string that is compared (=, !=, |=): the text, escaped;
//   - inside of a pattern (=~, !~, |~): the text with every sign of a regular
//     expression taken literally; a list becomes one alternative per item;
//   - inside of any other string: only letters, digits, _, - and :, because such
//     strings may be templates or patterns of their own;
//   - in brackets and after offset: a duration;
//   - elsewhere: a number, or a duration as its seconds.
//
// Anything else is an error that names the hole.
func Fill(t probe.Template) (string, error) {
	return t.Fill(func(before string, value any) (string, error) {
		p := locate(before)
		switch {
		case p.comment:
			return "", fmt.Errorf("a hole has no meaning in a comment")
		case p.quote != 0:
			return inString(p, value)
		case p.bracket || p.offset:
			d, ok := value.(time.Duration)
			if !ok || d <= 0 {
				return "", fmt.Errorf("here stands a duration above zero, not %v", value)
			}
			return Duration(d), nil
		}
		return asNumber(value)
	})
}

// Duration writes d as PromQL does: 1h30m, 250ms.
func Duration(d time.Duration) string { return model.Duration(d).String() }

func asNumber(value any) (string, error) {
	var f float64
	switch v := value.(type) {
	case int64:
		f = float64(v)
	case int:
		f = float64(v)
	case float64:
		f = v
	case time.Duration:
		f = v.Seconds()
	default:
		return "", fmt.Errorf("outside of quotes only numbers and durations may stand; put the hole into a quoted string")
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "", fmt.Errorf("not a finite number")
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if f < 0 {
		// -3 ^ 2 is -(3 ^ 2), so a negative value brings its own brackets.
		return "(" + text + ")", nil
	}
	return text, nil
}

func inString(p place, value any) (string, error) {
	items, list := value.([]string)
	if !list {
		text, err := asText(value)
		if err != nil {
			return "", err
		}
		items = []string{text}
	}
	switch r := p.role(); {
	case list && r != rolePattern:
		return "", fmt.Errorf("a list may stand only in a pattern (=~ or !~)")
	case list && len(items) == 0:
		return "", fmt.Errorf("the list is empty, and a pattern of nothing matches what nobody meant")
	case r == roleOther:
		if !isPlain(items[0]) {
			return "", fmt.Errorf("in this string only letters, digits, _, - and : may be put in, not %q", items[0])
		}
	case r == rolePattern:
		for i, item := range items {
			items[i] = regexp.QuoteMeta(item)
		}
	}
	text := strings.Join(items, "|")
	if list {
		text = "(?:" + text + ")"
	}
	return escape(text, p.quote)
}

func asText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case time.Duration:
		return Duration(v), nil
	}
	return "", fmt.Errorf("a value of type %T cannot stand in a string", value)
}

func isPlain(s string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("_-:", r) {
			return false
		}
	}
	return true
}

// escape writes text so that it stands for itself between two quotes of the
// given sort. PromQL and LogQL both read strings as Go does.
func escape(text string, quote byte) (string, error) {
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("the text is not valid UTF-8")
	}
	if quote == '`' {
		if strings.Contains(text, "`") {
			return "", fmt.Errorf("a text with a backtick cannot stand between backticks; use double quotes")
		}
		if strings.ContainsRune(text, utf8.RuneError) {
			return "", fmt.Errorf("a text with the sign U+FFFD cannot stand between backticks; use double quotes")
		}
		return text, nil
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\' || r == rune(quote):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == utf8.RuneError: // the parser takes the sign itself for broken UTF-8
			b.WriteString(`\ufffd`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), nil
}
