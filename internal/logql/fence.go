package logql

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

// Check reads a fence whose holes are not filled yet, for lint.
func Check(text probe.Template, options map[string]string) []connector.Problem {
	dialect, err := DialectOf(options)
	if err != nil {
		return []connector.Problem{{Text: err.Error()}}
	}
	_, err = parse(dialect, text.Source(), true)
	if err == nil {
		return misplaced(text)
	}
	var at *Error
	if errors.As(err, &at) {
		return []connector.Problem{{Offset: at.Offset, Text: at.Error()}}
	}
	return []connector.Problem{{Text: err.Error()}}
}

// misplaced finds the patterns that stand where they would be read as words.
func misplaced(text probe.Template) []connector.Problem {
	var problems []connector.Problem
	before := ""
	for _, p := range text.Parts {
		if _, is := p.Value.(probe.Pattern); is && !placeAt(before).regex {
			problems = append(problems, connector.Problem{Offset: len(before), Text: fmt.Sprintf("${%s} is a pattern: it stands behind |~ or !~, or in a label's =~", p.Hole)})
		}
		before += probe.Template{Parts: []probe.Part{p}}.Source()
	}
	return problems
}

// DialectOf reads the option dialect of a fence.
func DialectOf(options map[string]string) (Dialect, error) {
	switch options["dialect"] {
	case "", "playbook":
		return Playbook, nil
	case "strict":
		return Strict, nil
	}
	return Playbook, fmt.Errorf("dialect=%s: write playbook or strict", options["dialect"])
}

// DialectOption documents it.
func DialectOption() probe.Param {
	return probe.Param{Name: "dialect", Type: probe.Text, Default: "playbook", About: "how the query is read: playbook as authors of runbooks mean it, strict as Loki documents it"}
}

// ShapeOf tells whether a fence gives lines or series; probe.Any where it
// cannot be read.
func ShapeOf(text probe.Template) probe.Shape {
	q, err := parse(Playbook, text.Source(), true)
	switch {
	case err != nil:
		return probe.Any
	case q.Metric():
		return probe.Series
	}
	return probe.Lines
}

// Fill writes the values of a fence's holes so that none becomes syntax:
// escaped inside of texts, quoted for regular expressions where the text is
// one; outside of texts only numbers and durations may stand. A list in a
// regular expression means any of its values.
func Fill(text probe.Template) (string, error) { return text.Fill(fillHole) }

func fillHole(before string, value any) (string, error) {
	where := placeAt(before)
	if where.comment {
		return strings.Join(strings.Fields(fmt.Sprint(value)), " "), nil
	}
	if where.quote == 0 {
		switch v := value.(type) {
		case time.Duration:
			return formatDuration(v), nil
		case int64:
			return strconv.FormatInt(v, 10), nil
		case int:
			return strconv.Itoa(v), nil
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64), nil
		}
		return "", fmt.Errorf("outside of quotes only a number or a duration may stand")
	}
	var words []string
	switch v := value.(type) {
	case string:
		words = []string{v}
	case probe.Pattern:
		if !where.regex {
			return "", fmt.Errorf("a pattern may stand only in a regular expression")
		}
		// In brackets of its own, so that its flags and its bars end with it.
		return quotedIn(where, "(?:"+string(v)+")")
	case []string:
		words = v
	case []any:
		for _, w := range v {
			words = append(words, fmt.Sprint(w))
		}
	case time.Duration:
		words = []string{formatDuration(v)}
	case float64:
		words = []string{strconv.FormatFloat(v, 'f', -1, 64)}
	default:
		words = []string{fmt.Sprint(v)}
	}
	if where.regex {
		for i, w := range words {
			words[i] = regexp.QuoteMeta(w)
		}
		if len(words) != 1 {
			words = []string{"(?:" + strings.Join(words, "|") + ")"}
		}
	} else if len(words) != 1 {
		return "", fmt.Errorf("a list may stand only in a regular expression")
	}
	out := words[0]
	if where.template && strings.Contains(out, "{{") || where.pattern && strings.Contains(out, "<") {
		return "", fmt.Errorf("the value would change the template that it stands in")
	}
	return quotedIn(where, out)
}

// quotedIn writes a text so that it stands for itself in the open string.
func quotedIn(where place, out string) (string, error) {
	if where.quote == '`' {
		if strings.Contains(out, "`") {
			return "", fmt.Errorf("the value has a backtick: put the text in double quotes")
		}
		return out, nil
	}
	quoted := strconv.Quote(out)
	return quoted[1 : len(quoted)-1], nil
}

// place is where in a query a hole stands.
type place struct {
	quote                    byte // the open quote, or 0
	comment                  bool
	regex, template, pattern bool // what the open text is
}

// placeAt reads the text before a hole.
func placeAt(before string) place {
	last, previous := "", "" // the last two words or operators
	push := func(word string) {
		// "|~ "a" or "b": the operator goes on through "or".
		if word == `""` || word == "or" && last == `""` {
			if word == "or" {
				last = previous
			} else {
				previous, last = last, word
			}
			return
		}
		previous, last = last, word
	}
	for i := 0; i < len(before); {
		switch c := before[i]; {
		case c == '#':
			end := strings.IndexByte(before[i:], '\n')
			if end < 0 {
				return place{comment: true}
			}
			i += end
		case c == '"' || c == '`':
			_, end, err := lexString(before, i)
			var open *Error
			if errors.As(err, &open) && strings.Contains(open.Reason, "never closed") {
				word := strings.ToLower(last)
				return place{quote: c, regex: strings.HasSuffix(word, "~") || word == "regexp",
					template: word == "line_format" || word == "=" && strings.Contains(strings.ToLower(before), "label_format"), pattern: word == "pattern"}
			}
			if err != nil {
				end = i + 1
			}
			push(`""`)
			i = end
		case isLetter(c):
			end := identEnd(before, i)
			push(strings.ToLower(before[i:end]))
			i = end
		case c <= ' ':
			i++
		case blankAt(before, i) > 0:
			i += blankAt(before, i)
		default:
			op := operatorAt(before[i:])
			if op == "" {
				op = before[i : i+1]
			}
			push(op)
			i += len(op)
		}
	}
	return place{}
}
