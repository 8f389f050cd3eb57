package rehearsal

import (
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/change"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
)

// Script writes an answer the way that case files do, for a case at a time. It
// is read back as the same answer, without hint and notes: whole numbers may
// come back as another kind of number, which expressions do not tell apart.
func Script(a evidence.Answer, at time.Time) (string, error) {
	if !a.Known() {
		return silence(a), nil
	}
	if a.Value == nil {
		return silence(evidence.Not(evidence.NotAsked, "the record does not hold the answer", "")), nil
	}
	if text, ok := scriptSeries(a.Value, at); ok {
		return text, nil
	}
	node, err := scriptValue(a.Value)
	if err != nil {
		return "", err
	}
	// A list has a line for each item, and an object for each key. One key alone
	// would read like a reason for no answer.
	if many := node.Kind == yaml.SequenceNode && len(node.Content) > 0 || len(node.Content) > 2; many {
		node.Style = 0
	}
	text, err := encode(node)
	return strings.TrimSpace(string(text)), err
}

// silence is a reason for no answer, in one line.
func silence(a evidence.Answer) string {
	reason := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(a.Reason, "�"))
	reason = strings.Join(strings.Fields(reason), " ")
	if reason == "" {
		reason = string(a.Status)
	}
	return string(a.Status) + ": " + reason
}

// scriptSeries writes streams as "series 15s {…}: 0 0 1" where their points
// are evenly spaced and end at the time of the case.
func scriptSeries(value any, at time.Time) (string, bool) {
	streams := evidence.Streams(value)
	if len(streams) == 0 {
		return "", false
	}
	var lines []string
	for _, s := range streams {
		line, ok := scriptStream(s)
		if !ok {
			return "", false
		}
		lines = append(lines, line)
	}
	text := strings.Join(lines, "\n")
	// What is not on such a grid comes back otherwise; then it is written out.
	back, err := readSeries(text, at)
	return text, err == nil && reflect.DeepEqual(back.Value, any(evidence.Vector(streams)))
}

func scriptStream(s evidence.Stream) (string, bool) {
	step := 15 * time.Second
	if n := len(s.Points); n > 1 {
		step = time.Duration(math.Round((s.Points[n-1].T-s.Points[n-2].T)*1000)) * time.Millisecond
	}
	if step <= 0 || len(s.Points) == 0 {
		return "", false
	}
	head := "series " + expr.FormatDuration(step)
	if len(s.Labels) > 0 {
		var labels []string
		for name, v := range s.Labels {
			labels = append(labels, name+"="+strconv.Quote(v))
		}
		sort.Strings(labels)
		head += " {" + strings.Join(labels, ", ") + "}"
	}
	values := make([]string, 0, len(s.Points))
	for _, p := range s.Points {
		values = append(values, strconv.FormatFloat(p.V, 'g', -1, 64))
	}
	return head + ": " + strings.Join(values, " "), true
}

// scriptValue is plain data as YAML, each value in one line.
func scriptValue(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case nil:
		return scalar("!!null", "null"), nil
	case bool:
		return scalar("!!bool", strconv.FormatBool(v)), nil
	case int64:
		return scalar("!!int", strconv.FormatInt(v, 10)), nil
	case float64:
		return number(v), nil
	case string:
		n := scalar("!!str", strings.ToValidUTF8(v, "�"))
		n.Style = yaml.DoubleQuotedStyle
		return n, nil
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, item := range v {
			child, err := scriptValue(item)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		return n, nil
	case map[string]any:
		return scriptObject(v)
	}
	return nil, fmt.Errorf("an answer of type %T is no plain data", v)
}

func scriptObject(v map[string]any) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		child, err := scriptValue(v[k])
		if err != nil {
			return nil, err
		}
		key := scalar("!!str", k)
		if !plainKey(k) {
			key.Style = yaml.DoubleQuotedStyle
		}
		n.Content = append(n.Content, key, child)
	}
	return n, nil
}

// plainKey reports whether a key is a name that needs no quotes.
func plainKey(k string) bool {
	for i, r := range k {
		if r != '_' && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	switch k {
	case "", "null", "true", "false":
		return false
	}
	return true
}

func scalar(tag, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

// number writes a whole number as one, since that is how people write it.
func number(f float64) *yaml.Node {
	const exact = 1 << 53
	if f == math.Trunc(f) && math.Abs(f) < exact {
		return scalar("!!int", strconv.FormatFloat(f, 'f', 0, 64))
	}
	return scalar("!!float", strconv.FormatFloat(f, 'g', -1, 64))
}

// ScriptChanges writes what has changed as a case has it.
func ScriptChanges(l change.Log) (string, error) {
	kinds := map[string]any{}
	for _, kind := range l.Kinds {
		kinds[kind] = []any{}
	}
	for _, c := range l.Changes {
		row := map[string]any{"what": c.What, "at": float64(c.At.UnixMilli()) / 1000}
		if c.Detail != "" {
			row["detail"] = c.Detail
		}
		list, _ := kinds[c.Kind].([]any)
		kinds[c.Kind] = append(list, row)
	}
	node, err := scriptValue(kinds)
	if err != nil {
		return "", err
	}
	node.Style = 0
	text, err := encode(node)
	return strings.TrimSpace(string(text)), err
}
