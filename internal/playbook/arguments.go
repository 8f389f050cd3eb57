package playbook

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/probe"
)

// arg is one argument as written.
type arg struct {
	name   string
	nameAt int
	value  located
	list   []string // where it is written as a list; value is then its text
}

// holeLine is an argument whose value holds an expression. It is read as it
// stands up to the end of the line: an expression may hold what means something
// to YAML (`: `, ` #`, braces), and nobody should have to think of that.
var holeLine = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*):[ \t]+([^"'|>&*!\[{\s].*\$\{.*|\$\{.*)$`)

// arguments reads the YAML of an action or of a built-in question.
func (p *parser) arguments(body located) []arg {
	lines := strings.SplitAfter(body.text, "\n")
	verbatim := map[string]located{}
	rest := located{}
	offset := 0
	for _, line := range lines {
		text := strings.TrimRight(line, whiteSpace)
		if m := holeLine.FindStringSubmatchIndex(text); m != nil {
			name := text[m[2]:m[3]]
			if _, again := verbatim[name]; !again {
				verbatim[name] = body.slice(offset+m[4], offset+m[5])
			}
			rest.add(text[:m[3]+1], body.offset(offset))
			rest.add(" x\n", body.offset(offset+m[3]+1))
		} else {
			rest.add(line, body.offset(offset))
		}
		offset += len(line)
	}
	if len(rest.runs) == 0 {
		rest = body
	}
	root := p.yaml(rest, "argument")
	if root == nil {
		return nil
	}
	f := yamlAt{p, rest}
	if root.Kind != yaml.MappingNode {
		p.wrong(f.at(root), "argument", "arguments are written one a line, NAME: VALUE")
		return nil
	}
	var out []arg
	for _, pair := range f.pairs(root, "argument") {
		a := arg{name: pair.key.Value, nameAt: f.at(pair.key)}
		if value, ok := verbatim[a.name]; ok {
			a.value = value
			out = append(out, a)
			continue
		}
		switch pair.value.Kind {
		case yaml.ScalarNode:
			at := f.at(pair.value)
			if pair.value.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
				at++
			}
			a.value = located{pair.value.Value, []run{{0, at}}}
			if pair.value.Tag == "!!null" {
				p.wrong(f.at(pair.value), "argument", "argument %s has no value", a.name)
				continue
			}
		case yaml.SequenceNode:
			a.list = f.texts(pair.value, a.name)
			quoted := make([]string, len(a.list))
			for i, item := range a.list {
				quoted[i] = strconv.Quote(item)
			}
			a.value = located{"[" + strings.Join(quoted, ", ") + "]", []run{{0, f.at(pair.value)}}}
			if strings.Contains(a.value.text, "${") {
				p.wrong(f.at(pair.value), "argument", "a list holds no expressions: write the whole list as one ${…}")
				continue
			}
		default:
			p.wrong(f.at(pair.value), "argument", "argument %s is one value or a list", a.name)
			continue
		}
		out = append(out, a)
	}
	return out
}

// knownArguments keeps the arguments that are declared, and reports unknown,
// repeated, missing and ill-typed ones.
func (p *parser) knownArguments(given []arg, what string, declared []probe.Param, at int) []arg {
	var known []string
	for _, d := range declared {
		known = append(known, d.Name)
	}
	var out []arg
	seen := map[string]bool{}
	for _, a := range given {
		i := slices.Index(known, a.name)
		switch {
		case i < 0 && len(known) == 0:
			p.wrong(a.nameAt, "unknown-argument", "%s takes no arguments", what)
			continue
		case i < 0:
			p.wrong(a.nameAt, "unknown-argument", "%s has no argument %q%s", what, a.name, suggest(a.name, known))
			continue
		case seen[a.name]:
			p.wrong(a.nameAt, "duplicate", "a second argument %q", a.name)
			continue
		}
		seen[a.name] = true
		if !strings.Contains(a.value.text, "${") {
			if _, err := ParseParam(declared[i].Type, a.value.text); err != nil {
				p.wrong(a.value.offset(0), "bad-value", "argument %s: %s", a.name, err)
				continue
			}
		}
		out = append(out, a)
	}
	for _, d := range declared {
		if d.Default == "" && !seen[d.Name] {
			p.wrong(at, "missing-argument", "%s wants an argument %q: %s", what, d.Name, d.About)
		}
	}
	return out
}
