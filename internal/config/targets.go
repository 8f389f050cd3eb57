package config

import (
	"fmt"
	"math"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

func (r *reader) targets(section pair) {
	pairs, _ := r.pairs(section.value, "targets")
	for _, p := range pairs {
		if r.goodName(p, "target") {
			r.readTarget(p)
		}
	}
	for _, b := range r.behind {
		switch names := r.serving(b.process, "process"); len(names) {
		case 0: // what is wrong with it was said
		case 1:
			r.config.Targets[b.target].Process = names[0]
		default:
			r.wrong(b.process.value, "process names the one process that is the server behind this target")
		}
	}
}

// behind is what a target says of the process that is its server. It is looked at
// when all targets are known.
type behind struct {
	target  int // place in the list of targets
	process pair
}

func (r *reader) readTarget(p pair) {
	t := Target{Name: p.name, Settings: connector.Settings{}, Limits: r.limits, Line: p.key.Line}
	if p.value.Kind == yaml.ScalarNode {
		r.wrong(p.value, "target %s needs at least a kind: {kind: postgres, url: …}", p.name)
		return
	}
	pairs, ok := r.pairs(p.value, "target "+p.name)
	if !ok {
		return
	}
	kind := r.kindOfTarget(p, pairs)
	t.Kind = kind.Name
	// A target of an unknown kind is kept, so that services that name it are not
	// wrong too; its settings cannot be judged.
	defer func() { r.config.Targets = append(r.config.Targets, t) }()
	var known []string
	byName := map[string]connector.Setting{}
	for _, s := range kind.Settings {
		known = append(known, s.Name)
		byName[s.Name] = s
	}
	seen := map[string]bool{}
	for _, key := range pairs {
		switch setting, ok := byName[key.name]; {
		case ok:
			seen[key.name] = true
			value, err := r.setting(key, setting)
			if err != nil {
				t.Err = fmt.Errorf("%s:%d:%d: target %s, %s: %w", r.path, key.value.Line, key.value.Column, p.name, key.name, err)
				continue
			}
			t.Settings[key.name] = value
		case key.name == "kind":
		case key.name == "limits":
			t.Limits = r.readLimits(key, r.limits)
		case key.name == "process":
			r.behind = append(r.behind, behind{len(r.config.Targets), key})
		case kind.Name != "":
			r.unknown(key, fmt.Sprintf("target %s (%s)", p.name, kind.Name), append([]string{"kind", "limits", "process"}, known...))
		}
	}
	if address, ok := t.Settings["url"].(string); ok && t.Settings["password"] != nil {
		if inside, _ := passwordsIn(address); len(inside) > 0 {
			r.wrong(p.key, "target %s has two passwords, one in url and one in password: keep one", p.name)
		}
	}
	for _, s := range kind.Settings {
		if s.Default == "" && !s.Optional && !seen[s.Name] {
			r.wrong(p.key, "target %s (%s) needs %s: %s", p.name, kind.Name, s.Name, s.About)
		}
	}
}

func (r *reader) kindOfTarget(p pair, pairs []pair) connector.Kind {
	var names []string
	for _, k := range r.kinds {
		names = append(names, k.Name)
	}
	sort.Strings(names)
	for _, key := range pairs {
		if key.name != "kind" {
			continue
		}
		name, ok := r.text(key)
		if !ok {
			return connector.Kind{}
		}
		for _, k := range r.kinds {
			if k.Name == name {
				return k
			}
		}
		if guess := nearest(name, append(aliasNames(), names...)); guess != "" {
			r.wrong(key.value, "there is no kind %q: did you mean %s?", name, aliasOf(guess))
		} else {
			r.wrong(key.value, "there is no kind %q: there are %s", name, strings.Join(names, ", "))
		}
		return connector.Kind{}
	}
	r.wrong(p.key, "target %s has no kind: one of %s", p.name, strings.Join(names, ", "))
	return connector.Kind{}
}

// other words that people use for kinds.
var kindAliases = [][2]string{{"postgresql", "postgres"}, {"pg", "postgres"}, {"prom", "prometheus"}, {"log", "logs"}, {"file", "logs"}, {"https", "http"}, {"valkey", "redis"}}

func aliasNames() []string {
	var out []string
	for _, a := range kindAliases {
		out = append(out, a[0])
	}
	return out
}

func aliasOf(name string) string {
	for _, a := range kindAliases {
		if a[0] == name {
			return a[1]
		}
	}
	return name
}

// setting reads one value by its declared type. What is written wrongly is
// reported; the error is that of a reference that leads nowhere.
func (r *reader) setting(p pair, s connector.Setting) (any, error) {
	if p.value.Tag == "!!null" {
		r.wrong(p.value, "%s has no value", p.name)
		return nil, nil
	}
	switch s.Type {
	case probe.List:
		return r.listSetting(p, s)
	case probe.Bool:
		if p.value.Tag != "!!bool" {
			r.wrong(p.value, "%s is true or false, not %s", p.name, kindOf(p.value))
			return nil, nil
		}
		return p.value.Value == "true", nil
	case probe.Number:
		n, err := strconv.ParseFloat(p.value.Value, 64)
		if p.value.Kind != yaml.ScalarNode || err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			r.wrong(p.value, "%s is a number, not %s", p.name, kindOf(p.value))
			return nil, nil
		}
		if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
			return int64(n), nil
		}
		return n, nil
	case probe.Duration:
		d, err := time.ParseDuration(p.value.Value)
		if p.value.Kind != yaml.ScalarNode || err != nil || d < 0 {
			r.wrong(p.value, "%s is a duration like 5s or 1m30s, not %s", p.name, kindOf(p.value))
			return nil, nil
		}
		return p.value.Value, nil
	case probe.Map:
		if p.value.Kind != yaml.MappingNode {
			r.wrong(p.value, "%s is a list of `name: value`, not %s", p.name, kindOf(p.value))
			return nil, nil
		}
	default:
		if p.value.Kind == yaml.SequenceNode {
			r.wrong(p.value, "%s is a text, not a list", p.name)
			return nil, nil
		}
	}
	if p.value.Kind == yaml.ScalarNode && s.Secret {
		r.plainSecret(p)
	}
	return r.value(p.value, s)
}

func (r *reader) listSetting(p pair, s connector.Setting) (any, error) {
	if p.value.Kind == yaml.MappingNode {
		r.wrong(p.value, "%s is a list like [a, b], not %s", p.name, kindOf(p.value))
		return nil, nil
	}
	value, err := r.value(p.value, s)
	if _, ok := value.([]any); !ok && err == nil {
		value = []any{value} // a single value is a list of one
	}
	return value, err
}

// value turns a node into texts, lists and maps of them, with references resolved.
func (r *reader) value(n *yaml.Node, s connector.Setting) (any, error) {
	switch n.Kind {
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := r.value(c, s)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.MappingNode:
		out := map[string]any{}
		pairs, _ := r.pairs(n, "this")
		for _, p := range pairs {
			v, err := r.value(p.value, s)
			if err != nil {
				return nil, err
			}
			out[p.name] = v
		}
		return out, nil
	}
	if s.Holes {
		return r.refs.template(n.Value)
	}
	return r.refs.resolve(n.Value, s.Secret)
}

// plainSecret warns of a password that stands in the file itself.
func (r *reader) plainSecret(p pair) {
	text := p.value.Value
	if strings.Contains(text, "env:") || strings.Contains(text, "file:") {
		return
	}
	u, err := url.Parse(text)
	isAddress := err == nil && u.Scheme != "" && u.Host != ""
	password := ""
	if isAddress && u.User != nil {
		password, _ = u.User.Password()
	}
	if password != "" || !isAddress && p.name != "url" {
		r.odd(p.value, "%s holds a secret in plain text: write env:NAME or file:/path", p.name)
	}
}

var limitKeys = []string{"concurrency", "requests", "busy", "timeout", "rows", "bytes"}

// readLimits reads how hard a target may be asked.
func (r *reader) readLimits(section pair, base connector.Limits) connector.Limits {
	l := base
	pairs, _ := r.pairs(section.value, "limits")
	for _, p := range pairs {
		switch p.name {
		case "concurrency":
			l.Concurrency = r.whole(p, 1, 64)
		case "requests":
			l.Requests = r.whole(p, 1, 1_000_000)
		case "rows":
			l.Rows = r.whole(p, 1, 1_000_000)
		case "bytes":
			l.Bytes = r.bytes(p)
		case "busy":
			l.Busy = r.span(p, time.Hour)
		case "timeout":
			l.Timeout = r.span(p, 10*time.Minute)
		default:
			r.unknown(p, "limits", append([]string{}, limitKeys...))
		}
	}
	d := connector.DefaultLimits()
	timeout, busy := l.Timeout, l.Busy
	if timeout == 0 {
		timeout = d.Timeout
	}
	if busy == 0 {
		busy = d.Busy
	}
	if timeout > busy {
		r.wrong(section.key, "limits contradict each other: a request may take %s (timeout), and all of them together only %s (busy)", timeout, busy)
	}
	return l
}

func (r *reader) whole(p pair, low, high int) int {
	n, err := strconv.Atoi(p.value.Value)
	if p.value.Kind != yaml.ScalarNode || err != nil || n < low || n > high {
		r.wrong(p.value, "%s is a whole number from %d to %d, not %s", p.name, low, high, kindOf(p.value))
		return 0
	}
	return n
}

func (r *reader) span(p pair, longest time.Duration) time.Duration {
	d, err := time.ParseDuration(p.value.Value)
	if p.value.Kind != yaml.ScalarNode || err != nil || d <= 0 || d > longest {
		r.wrong(p.value, "%s is a duration like 5s, at most %s, not %s", p.name, longest, kindOf(p.value))
		return 0
	}
	return d
}

func (r *reader) bytes(p pair) int {
	text := strings.ToUpper(strings.TrimSpace(p.value.Value))
	unit := 1
	for _, u := range []struct {
		name string
		size int
	}{{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"KB", 1000}, {"MB", 1_000_000}, {"B", 1}} {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			text, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.Atoi(text)
	if p.value.Kind != yaml.ScalarNode || err != nil || n < 1 || n > 1<<30/unit {
		r.wrong(p.value, "%s is a size like 8MB, at most 1 GB, not %s", p.name, kindOf(p.value))
		return 0
	}
	return n * unit
}
