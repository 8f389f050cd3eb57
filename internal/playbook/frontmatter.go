package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/probe"
)

var frontKeys = []string{"alerts", "severity", "needs", "params", "covers"}

var severities = []string{"low", "medium", "high", "critical"}

var paramTypes = []string{string(probe.Duration), string(probe.Number), string(probe.Text), string(probe.Bool), string(probe.List)}

// frontMatter reads the YAML at the beginning of the file.
func (p *parser) frontMatter() {
	root := p.yaml(p.front, "front-matter")
	if root == nil {
		p.noFront = p.noFront || HasErrors(p.findings)
		return
	}
	f := yamlAt{p, p.front}
	if root.Kind != yaml.MappingNode {
		p.wrong(f.at(root), "front-matter", "the front matter is a list of keys: alerts, severity, needs, params, covers")
		return
	}
	for _, pair := range f.pairs(root, "key") {
		switch key := pair.key.Value; key {
		case "alerts":
			p.book.Alerts = f.texts(pair.value, key)
		case "covers":
			p.book.Covers = f.texts(pair.value, key)
			for i, id := range p.book.Covers {
				if !coversID.MatchString(id) {
					p.wrong(f.item(pair.value, i), "bad-value", "%q is not the id of a root cause: C-connection-leak, for instance", id)
				}
			}
		case "severity":
			p.book.Severity = pair.value.Value
			if !slices.Contains(severities, pair.value.Value) {
				p.wrong(f.at(pair.value), "bad-value", "severity %q does not exist%s", pair.value.Value, suggest(pair.value.Value, severities))
			}
		case "needs":
			before := len(p.findings)
			p.needs(f, pair.value)
			p.badNeeds = p.badNeeds || len(p.findings) > before
		case "params":
			before := len(p.findings)
			p.params(f, pair.value)
			p.badParams = len(p.findings) > before
			p.undeclared = p.undeclared || p.badParams
		default:
			p.badNeeds = p.badNeeds || distance(strings.ToLower(key), "needs") <= 2
			p.badParams = p.badParams || distance(strings.ToLower(key), "params") <= 4
			p.undeclared = p.undeclared || p.badParams
			p.wrong(f.at(pair.key), "unknown-key", "no key is called %q%s", key, suggest(key, frontKeys))
		}
	}
}

var coversID = regexp.MustCompile(`^[A-Z]+-[a-z0-9][a-z0-9-]*$`)

// needs reads the roles: {db: postgres, metrics: prometheus?}.
func (p *parser) needs(f yamlAt, node *yaml.Node) {
	node = merged(node)
	if node.Kind != yaml.MappingNode {
		p.wrong(f.at(node), "bad-value", "needs is written {role: kind}: {db: postgres, metrics: prometheus?}")
		return
	}
	for _, pair := range f.pairs(node, "role") {
		kind, optional := strings.CutSuffix(pair.value.Value, "?")
		role := pair.key.Value
		if !identifier.MatchString(role) {
			p.wrong(f.at(pair.key), "bad-value", "%q cannot be a role: write a word of letters, digits and _", role)
			continue
		}
		if pair.value.Kind != yaml.ScalarNode || kind == "" {
			p.wrong(f.at(pair.value), "bad-value", "role %s wants the name of a kind, like postgres, or prometheus? where it works without", role)
			continue
		}
		if known := p.vocabulary.KindNames(); !slices.Contains(known, kind) {
			p.wrong(f.at(pair.value), "unknown-kind", "no kind of target is called %q%s", kind, suggest(kind, known))
		}
		p.book.Needs = append(p.book.Needs, Need{Role: role, Kind: kind, Optional: optional, Pos: p.pos(f.at(pair.key))})
	}
}

// merged is a list of single pairs, [db: postgres, cache: redis], as one mapping.
func merged(list *yaml.Node) *yaml.Node {
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		return list
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Line: list.Line, Column: list.Column}
	for _, item := range list.Content {
		if item.Kind != yaml.MappingNode {
			return list
		}
		out.Content = append(out.Content, item.Content...)
	}
	return out
}

// identifier is what may name a role, a probe or a parameter.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// reserved words of the expression language, and names that are always there.
var reserved = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let",
	"loop", "namespace", "null", "package", "return", "true", "var", "void", "while", "now", serviceName, Changes, Began,
	"bool", "bytes", "double", "duration", "dyn", "int", "list", "map", "null_type", "string", "timestamp", "type", "uint",
}

// nameable says whether a probe or a parameter may be called so.
func (p *parser) nameable(offset int, what, name string) bool {
	switch {
	case !identifier.MatchString(name):
		p.wrong(offset, "bad-value", "%q cannot be the name of a %s: write a word of letters, digits and _, like idle_sessions", name, what)
		return false
	case slices.Contains(reserved, name):
		p.wrong(offset, "bad-value", "%q cannot be the name of a %s: the language of signs has that word already", name, what)
		return false
	}
	return true
}

// params reads the parameters: name: {type: duration, default: 5m, about: …}.
func (p *parser) params(f yamlAt, node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		p.wrong(f.at(node), "bad-value", "params is written {name: {type: duration, default: 5m, about: what it is}}")
		return
	}
	for i, pair := range f.pairs(node, "parameter") {
		if i == maxParams {
			p.wrong(f.at(pair.key), "too-many", "more than %d parameters", maxParams)
			return
		}
		if !p.nameable(f.at(pair.key), "parameter", pair.key.Value) {
			continue
		}
		p.param(f, pair)
	}
}

func (p *parser) param(f yamlAt, pair yamlPair) {
	param := Param{Name: pair.key.Value, Pos: p.pos(f.at(pair.key))}
	p.broken[param.Name] = true
	defer func() {
		if n := len(p.book.Params); n > 0 && p.book.Params[n-1].Name == param.Name {
			delete(p.broken, param.Name)
		}
	}()
	if pair.value.Kind != yaml.MappingNode {
		p.wrong(f.at(pair.value), "bad-value", "parameter %s is written {type: duration, default: 5m, about: what it is}", param.Name)
		return
	}
	var value, kind *yaml.Node
	for _, entry := range f.pairs(pair.value, "key") {
		switch entry.key.Value {
		case "type":
			kind = entry.value
		case "default":
			value = entry.value
		case "about":
			param.About = entry.value.Value
		default:
			p.wrong(f.at(entry.key), "unknown-key", "a parameter has no key %q%s", entry.key.Value, suggest(entry.key.Value, []string{"type", "default", "about"}))
		}
	}
	switch {
	case kind == nil:
		p.wrong(f.at(pair.key), "bad-value", "parameter %s has no type: duration, number, text, bool or list", param.Name)
		return
	case !slices.Contains(paramTypes, kind.Value):
		p.wrong(f.at(kind), "bad-value", "there is no type %q%s", kind.Value, suggest(kind.Value, paramTypes))
		return
	case value == nil:
		p.wrong(f.at(pair.key), "bad-value", "parameter %s has no default: a playbook must run without being asked anything", param.Name)
		return
	}
	param.Type = probe.ParamType(kind.Value)
	var err error
	switch value.Kind {
	case yaml.SequenceNode:
		param.Default, err = ParamValue(param.Type, anyOf(f.texts(value, "default")))
	case yaml.ScalarNode:
		param.Default, err = ParseParam(param.Type, value.Value)
	default:
		err = fmt.Errorf("a default is one value or a list")
	}
	if err != nil {
		p.wrong(f.at(value), "bad-value", "the default of %s: %s", param.Name, err)
	}
	p.book.Params = append(p.book.Params, param)
}

func anyOf(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

// yaml reads YAML and reports what is wrong with it. It returns nil for an
// empty text and for one that cannot be read.
func (p *parser) yaml(text located, rule string) *yaml.Node {
	var root yaml.Node
	// A mark of its own stands for the question mark of `prometheus?`, which
	// this YAML library does not take inside of braces.
	hidden := questionMark.ReplaceAllString(text.text, "${1}"+hiddenMark)
	if err := yaml.Unmarshal([]byte(hidden), &root); err != nil {
		message, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
		if m := yamlLine.FindStringSubmatch(message); m != nil {
			// The pattern matches digits only; a number too long for an int stays line 1.
			if n, err := strconv.Atoi(m[1]); err == nil {
				line = n
			}
			if slices.ContainsFunc(countedFromZero, func(s string) bool { return strings.HasPrefix(m[2], s) }) {
				line++
			}
			message = strings.ReplaceAll(m[2], hiddenMark, "?")
		}
		p.wrong(text.offset(lineColumn(text.text, line, 1)), rule, "this is not YAML: %s", message)
		return nil
	}
	if root.Kind == 0 || len(root.Content) == 0 {
		return nil
	}
	bad := false
	walkYAML(root.Content[0], 0, func(n *yaml.Node, depth int) {
		n.Value = strings.ReplaceAll(n.Value, hiddenMark, "?")
		if bad || n.Kind != yaml.AliasNode && n.Anchor == "" && depth < 10 {
			return
		}
		bad = true
		p.wrong(yamlAt{p, text}.at(n), rule, "anchors, aliases and deep nesting are not read here: write the value out")
	})
	if bad {
		return nil
	}
	return root.Content[0]
}

var questionMark = regexp.MustCompile(`(\S)\?`)

// countedFromZero are the messages of the YAML library that come from its
// parser: unlike those of its scanner they count lines from zero.
var countedFromZero = []string{
	"did not find expected ','", "did not find expected key", "did not find expected '-'",
	"did not find expected node", "did not find expected <",
}

// hiddenMark is of the code points that mean nothing to anybody.
const hiddenMark = "\uE0F1"

var yamlLine = regexp.MustCompile(`^line (\d+): (.*)$`)

func walkYAML(n *yaml.Node, depth int, visit func(*yaml.Node, int)) {
	visit(n, depth)
	if depth > 20 {
		return
	}
	for _, c := range n.Content {
		walkYAML(c, depth+1, visit)
	}
}

// yamlAt places YAML nodes in the file.
type yamlAt struct {
	p    *parser
	text located
}

func (f yamlAt) at(n *yaml.Node) int {
	return f.text.offset(lineColumn(f.text.text, n.Line, n.Column))
}

// item is the place of a list's item.
func (f yamlAt) item(list *yaml.Node, i int) int {
	if list.Kind == yaml.SequenceNode && i < len(list.Content) {
		return f.at(list.Content[i])
	}
	return f.at(list)
}

type yamlPair struct{ key, value *yaml.Node }

// pairs lists the keys of a mapping and reports repeats.
func (f yamlAt) pairs(n *yaml.Node, what string) []yamlPair {
	var out []yamlPair
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			f.p.wrong(f.at(key), "bad-value", "a %s is a plain word", what)
			continue
		}
		if line, again := seen[key.Value]; again {
			f.p.wrong(f.at(key), "duplicate", "a second %s %q; the first is in line %d", what, key.Value, line)
			continue
		}
		seen[key.Value] = f.p.pos(f.at(key)).Line
		out = append(out, yamlPair{key, value})
	}
	return out
}

// texts reads a list of texts, or one text.
func (f yamlAt) texts(n *yaml.Node, what string) []string {
	if n.Kind == yaml.ScalarNode && n.Value != "" && n.Tag != "!!null" {
		return []string{n.Value}
	}
	if n.Kind != yaml.SequenceNode {
		f.p.wrong(f.at(n), "bad-value", "%s is a list: [a, b]", what)
		return nil
	}
	var out []string
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode || item.Value == "" {
			f.p.wrong(f.at(item), "bad-value", "%s is a list of words", what)
			continue
		}
		out = append(out, item.Value)
	}
	return out
}
