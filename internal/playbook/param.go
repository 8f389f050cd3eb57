package playbook

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/probe"
)

// ParseParam reads a parameter's value as text: a time.Duration, float64,
// string, bool or []any of strings. A list is written with commas, or as YAML
// has it: [a, b].
func ParseParam(kind probe.ParamType, text string) (any, error) {
	trimmed := strings.TrimSpace(text)
	switch kind {
	case probe.Duration:
		return expr.ParseDuration(trimmed)
	case probe.Number:
		n, err := strconv.ParseFloat(trimmed, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, fmt.Errorf("%q is not a number", text)
		}
		return n, nil
	case probe.Text:
		return text, nil
	case probe.Bool:
		switch trimmed {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, fmt.Errorf("%q is neither true nor false", text)
	case probe.List:
		return parseList(trimmed)
	}
	return nil, fmt.Errorf("there is no type %q", kind)
}

func parseList(text string) (any, error) {
	out := []any{}
	if strings.HasPrefix(text, "[") {
		var items []string
		if err := yaml.Unmarshal([]byte(text), &items); err != nil {
			return nil, fmt.Errorf("%q is not a list of texts", text)
		}
		for _, item := range items {
			out = append(out, item)
		}
		return out, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out, nil
}

// ParamValue turns a value as YAML or JSON gives it, or one that is already of
// the right type, into a parameter's value.
func ParamValue(kind probe.ParamType, value any) (any, error) {
	switch v := value.(type) {
	case string:
		return ParseParam(kind, v)
	case time.Duration:
		if kind == probe.Duration {
			return v, nil
		}
	case bool:
		return ParseParam(kind, strconv.FormatBool(v))
	case int:
		return ParseParam(kind, strconv.Itoa(v))
	case int64:
		return ParseParam(kind, strconv.FormatInt(v, 10))
	case float64:
		return ParseParam(kind, strconv.FormatFloat(v, 'f', -1, 64))
	case []string:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = item
		}
		return ParamValue(kind, items)
	case []any:
		if kind != probe.List {
			break
		}
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = expr.FormatValue(item)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%v is not a %s", value, kind)
}

// Values gives each parameter its value: the override where there is one, else
// the default. An override of a name that is no parameter is an error.
func (p *Playbook) Values(overrides map[string]any) (map[string]any, error) {
	values := make(map[string]any, len(p.Params))
	var names []string
	for _, param := range p.Params {
		names = append(names, param.Name)
		values[param.Name] = param.Default
		override, ok := overrides[param.Name]
		if !ok {
			continue
		}
		v, err := ParamValue(param.Type, override)
		if err != nil {
			return nil, fmt.Errorf("parameter %s of playbook %s: %w", param.Name, p.ID, err)
		}
		values[param.Name] = v
	}
	for _, name := range sortedKeys(overrides) {
		if _, ok := values[name]; !ok {
			return nil, fmt.Errorf("playbook %s has no parameter %q%s", p.ID, name, suggest(name, names))
		}
	}
	return values, nil
}

// Arguments gives a built-in question its arguments: holes filled from values
// (parameters and service facts), text turned into the declared types, and
// defaults where nothing is said.
func (p *Probe) Arguments(spec probe.Spec, values map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for _, param := range spec.Params {
		template, ok := p.Args[param.Name]
		if !ok {
			if param.Default == "" {
				return nil, fmt.Errorf("probe %s: %s wants an argument %q", p.Name, spec.Name, param.Name)
			}
			template = probe.Literal(unquoted(param.Default))
		}
		v, err := argument(param.Type, template, values)
		if err != nil {
			return nil, fmt.Errorf("probe %s, argument %s: %w", p.Name, param.Name, err)
		}
		out[param.Name] = v
	}
	return out, nil
}

// unquoted undoes the quotes of a default as YAML has it: a text that may be
// empty has the default "".
func unquoted(text string) string {
	if plain, err := strconv.Unquote(text); err == nil && strings.HasPrefix(text, `"`) {
		return plain
	}
	return text
}

func argument(kind probe.ParamType, template probe.Template, values map[string]any) (any, error) {
	filled, err := template.WithValues(values)
	if err != nil {
		return nil, err
	}
	if len(filled.Parts) == 1 && filled.Parts[0].Hole != "" {
		return ParamValue(kind, filled.Parts[0].Value)
	}
	text, err := filled.Fill(func(_ string, value any) (string, error) { return plain(value), nil })
	if err != nil {
		return nil, err
	}
	return ParseParam(kind, text)
}

// plain writes a value so that ParseParam reads the same one.
func plain(value any) string {
	if f, ok := value.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return expr.FormatValue(value)
}
