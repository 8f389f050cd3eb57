// Package declared is what calls and commands that an operator has written
// down have in common: holes, the values that may fill them, and a risk that
// can only be raised. What is not declared is not done.
package declared

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

// Values are the holes of one declaration, each with what may fill it.
type Values struct {
	names    []string // sorted
	patterns map[string]*regexp.Regexp
}

// longestValue bounds a value, in bytes. Names, paths and ids are shorter.
const longestValue = 1024

// NewValues makes the values for the named holes. patterns are regular
// expressions, by name, that a value has to match as a whole; one without may
// be any text. A pattern for no hole is an error.
func NewValues(holes []string, patterns map[string]string) (Values, error) {
	v := Values{patterns: map[string]*regexp.Regexp{}}
	v.names = slices.Clone(holes)
	sort.Strings(v.names)
	v.names = slices.Compact(v.names)
	for name, text := range patterns {
		if !slices.Contains(v.names, name) {
			return v, fmt.Errorf("values: there is no hole ${%s}", name)
		}
		re, err := regexp.Compile("^(?:" + text + ")$")
		if err != nil {
			return v, fmt.Errorf("values: the expression for %s cannot be read: %w", name, err)
		}
		v.patterns[name] = re
	}
	return v, nil
}

// Has reports whether name is one of the holes.
func (v Values) Has(name string) bool { return slices.Contains(v.names, name) }

// Bounded reports whether the operator has said what may fill a hole.
func (v Values) Bounded(name string) bool { return v.patterns[name] != nil }

// Read takes the argument of an action, texts name=value, and returns the
// values for probe.Template. It refuses unknown, missing, repeated and
// unfitting ones, by name.
func (v Values) Read(list []any) (map[string]any, error) {
	out := map[string]any{}
	for _, item := range list {
		name, value, ok := strings.Cut(fmt.Sprint(item), "=")
		name = strings.TrimSpace(name)
		switch {
		case !ok:
			return nil, action.Refuse("", "values are written name=value, not %q", item)
		case !v.Has(name):
			return nil, action.Refuse(v.known(), "there is no hole ${%s}", name)
		case out[name] != nil:
			return nil, action.Refuse("", "%s has two values", name)
		}
		if err := v.check(name, value); err != nil {
			return nil, err
		}
		out[name] = value
	}
	for _, name := range v.names {
		if out[name] == nil {
			return nil, action.Refuse("write it in values as "+name+"=…", "${%s} has no value", name)
		}
	}
	return out, nil
}

func (v Values) check(name, value string) error {
	re := v.patterns[name]
	switch {
	case value == "":
		return action.Refuse("", "the value of %s is empty", name)
	case len(value) > longestValue:
		return action.Refuse("", "the value of %s is longer than %d bytes", name, longestValue)
	case strings.ContainsFunc(value, unicode.IsControl) || strings.ToValidUTF8(value, "") != value:
		return action.Refuse("", "the value of %s holds a control character or is no text", name)
	case re != nil && !re.MatchString(value):
		return action.Refuse("", "the value of %s, %q, does not match %s", name, value, strings.TrimSuffix(strings.TrimPrefix(re.String(), "^(?:"), ")$"))
	}
	return nil
}

func (v Values) known() string {
	if len(v.names) == 0 {
		return "it has none"
	}
	return "it has " + strings.Join(v.names, ", ")
}

// List writes values as an argument again, those that v has, sorted by name:
// what an undo is given of the values of what it undoes.
func (v Values) List(values map[string]any) []any {
	list := []any{}
	for _, name := range v.names {
		if value, ok := values[name]; ok {
			list = append(list, fmt.Sprintf("%s=%v", name, value))
		}
	}
	return list
}

// Within reports the first hole of v that outer lacks, "" where it has all.
func (v Values) Within(outer Values) string {
	for _, name := range v.names {
		if !outer.Has(name) {
			return name
		}
	}
	return ""
}

// Risk reads a declared class. It may be least or worse; unstated is what
// holds where nothing is written.
func Risk(text string, least, unstated action.Risk) (action.Risk, error) {
	r := action.Risk(text)
	switch {
	case text == "":
		return unstated, nil
	case !slices.Contains(action.Risks(), r):
		return "", fmt.Errorf("risk is one of R1 to R4, not %q", text)
	case least.Worse(r) != r:
		return "", fmt.Errorf("risk can only be raised: it is %s at least, not %s", least, r)
	}
	return r, nil
}

// ValuesParam is the argument that Read takes.
func ValuesParam() probe.Param {
	return probe.Param{Name: "values", Type: probe.List, Default: `""`, About: "what fills its holes: name=value, one text for each"}
}
