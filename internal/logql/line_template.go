package logql

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	tree "text/template/parse"
)

// Bounds of templates that are programs: what one may write for one line, how
// much text its functions may handle, and how often its ranges may turn. A
// template that passes one is a fault of the line.
const (
	maxTemplateOutput = 256 << 10
	maxTemplateWork   = 4 << 20
	maxTemplateTurns  = 10_000
)

// lineTemplate is the compiled text of line_format and label_format. Templates
// of literals and fields only, which most are, are filled without a program.
type lineTemplate struct {
	parts      []templatePart
	program    *template.Template // nil: parts says it all
	bench      *bench
	fields     []string // labels that it looks at
	everything bool     // it may look at any label
}

type templatePart struct {
	literal string
	field   string
}

var templateField = regexp.MustCompile(`^\.([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)$`)

func (r rules) compileTemplate(text string) (lineTemplate, error) {
	if t, ok := r.simpleTemplate(text); ok {
		return t, nil
	}
	b := &bench{}
	program, err := template.New("template").Option("missingkey=zero").Funcs(b.functions()).Parse(text)
	if err != nil {
		return lineTemplate{}, errors.New("not a template: " + templatePlace.ReplaceAllString(err.Error(), ""))
	}
	t := lineTemplate{program: program, bench: b}
	walk := templateWalk{rules: r, template: &t}
	if err := walk.list(program.Root, false); err != nil {
		return lineTemplate{}, err
	}
	return t, nil
}

// simpleTemplate reads templates of literals, {{.label}}, {{__line__}} and
// {{__timestamp__}}; others are left to the program.
func (r rules) simpleTemplate(text string) (lineTemplate, bool) {
	var out lineTemplate
	for {
		before, rest, open := strings.Cut(text, "{{")
		if before != "" {
			out.parts = append(out.parts, templatePart{literal: before})
		}
		if !open {
			return out, true
		}
		action, after, closed := strings.Cut(rest, "}}")
		action = strings.TrimSpace(action)
		switch m := templateField.FindStringSubmatch(action); {
		case !closed:
			return out, false
		case m != nil && (r.dotted || !strings.Contains(m[1], ".")):
			out.parts = append(out.parts, templatePart{field: flatName(m[1])})
			out.fields = append(out.fields, flatName(m[1]))
		case action == "__line__", action == "__timestamp__" && r.dotted:
			out.parts = append(out.parts, templatePart{field: action})
		default:
			return out, false
		}
		text = after
	}
}

// fill writes the line's text. It fails where a function of the template does,
// or where a bound is passed.
func (t lineTemplate) fill(p *pipeline) ([]byte, error) {
	if t.program != nil {
		return t.run(p)
	}
	out := make([]byte, 0, 128)
	for _, part := range t.parts {
		switch part.field {
		case "":
			out = append(out, part.literal...)
		case "__line__":
			out = append(out, p.line...)
		case "__timestamp__":
			out = strconv.AppendFloat(out, float64(p.record.Time)/1e9, 'f', -1, 64)
		case errorLabel, detailsLabel: // filters see them, templates do not
		default:
			value, _ := p.labels.get(part.field)
			out = append(out, value...)
		}
	}
	return out, nil
}

func (t lineTemplate) run(p *pipeline) ([]byte, error) {
	data := make(map[string]string, len(p.labels.names))
	for i, name := range p.labels.names {
		if name != errorLabel && name != detailsLabel {
			data[name] = string(p.labels.values[i])
		}
	}
	for _, name := range t.fields {
		if _, ok := data[name]; !ok { // one that has another name here
			if value, ok := p.labels.get(name); ok && name != errorLabel && name != detailsLabel {
				data[name] = string(value)
			}
		}
	}
	t.bench.begin(p)
	out := boundedBuffer{room: maxTemplateOutput}
	if err := t.program.Execute(&out, data); err != nil {
		return nil, errors.New(templatePlace.ReplaceAllString(err.Error(), ""))
	}
	return out.Bytes(), nil
}

// boundedBuffer refuses what passes its bound, which ends the template.
type boundedBuffer struct {
	bytes.Buffer
	room int
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.room -= len(p); b.room < 0 {
		return 0, fmt.Errorf("the template writes more than %d bytes", maxTemplateOutput)
	}
	return b.Buffer.Write(p)
}

// templateWalk looks through a program: which labels it reads, whether it has
// what cannot be bounded, and it counts the turns of its ranges.
type templateWalk struct {
	rules    rules
	template *lineTemplate
}

// list walks statements; inner where the dot is no longer the labels.
func (w *templateWalk) list(l *tree.ListNode, inner bool) error {
	if l == nil {
		return nil
	}
	for _, n := range l.Nodes {
		if err := w.statement(n, inner); err != nil {
			return err
		}
	}
	return nil
}

func (w *templateWalk) statement(n tree.Node, inner bool) error {
	switch n := n.(type) {
	case *tree.ActionNode:
		w.pipe(n.Pipe, inner)
	case *tree.IfNode:
		return w.branch(&n.BranchNode, inner, inner)
	case *tree.WithNode:
		return w.branch(&n.BranchNode, inner, true)
	case *tree.RangeNode:
		n.List.Nodes = append([]tree.Node{turn()}, n.List.Nodes...)
		return w.branch(&n.BranchNode, inner, true)
	case *tree.TemplateNode:
		return fmt.Errorf("named templates are not supported")
	}
	return nil
}

func (w *templateWalk) branch(b *tree.BranchNode, outside, inside bool) error {
	w.pipe(b.Pipe, outside)
	if err := w.list(b.List, inside); err != nil {
		return err
	}
	return w.list(b.ElseList, outside)
}

// turn is the call that counts the turns of a range.
func turn() tree.Node {
	helper := template.Must(template.New("turn").Funcs(template.FuncMap{turnFunction: func() string { return "" }}).Parse("{{" + turnFunction + "}}"))
	return helper.Root.Nodes[0]
}

const turnFunction = "__turn__"

func (w *templateWalk) pipe(p *tree.PipeNode, inner bool) {
	if p == nil {
		return
	}
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			w.argument(arg, inner)
		}
	}
}

func (w *templateWalk) argument(n tree.Node, inner bool) {
	switch n := n.(type) {
	case *tree.FieldNode:
		if !inner && w.rules.dotted {
			n.Ident = []string{strings.Join(n.Ident, "_")}
		}
		w.template.fields = append(w.template.fields, n.Ident[0])
	case *tree.VariableNode:
		if len(n.Ident) > 1 && n.Ident[0] == "$" {
			if w.rules.dotted {
				n.Ident = []string{"$", strings.Join(n.Ident[1:], "_")}
			}
			w.template.fields = append(w.template.fields, n.Ident[1])
		} else if len(n.Ident) == 1 && n.Ident[0] == "$" {
			w.template.everything = true
		}
	case *tree.DotNode:
		w.template.everything = w.template.everything || !inner
	case *tree.ChainNode:
		w.argument(n.Node, inner)
	case *tree.PipeNode:
		w.pipe(n, inner)
	}
}

// templatePlace is what text/template writes before its complaints.
var templatePlace = regexp.MustCompile(`^template: template:(\d+:)*\s*(executing "template" at )?`)

var noFunction = regexp.MustCompile(`function "([^"]+)" not defined`)

// unknownFunction returns the name of the function that a template error is
// about, or "".
func unknownFunction(err error) string {
	if m := noFunction.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return ""
}

func (r rules) compileLineFormat(s *LineFormat) (step, error) {
	t, err := r.compileTemplate(s.Template)
	return func(p *pipeline) verdict {
		line, err := t.fill(p)
		if err != nil {
			return r.unreadable(p.labels, faultTemplate, err.Error())
		}
		p.line = line
		return yes
	}, err
}

func (r rules) compileLabelFormat(f *LabelFormat) (step, error) {
	templates := make([]lineTemplate, len(f.Sets))
	for i, s := range f.Sets {
		t, err := r.compileTemplate(s.Template)
		if err != nil {
			return nil, err
		}
		templates[i] = t
	}
	return func(p *pipeline) verdict {
		out := yes
		for i, s := range f.Sets {
			if s.From == "" {
				value, err := templates[i].fill(p)
				if err != nil {
					if out = r.unreadable(p.labels, faultTemplate, err.Error()); out != yes {
						return out
					}
					continue
				}
				p.labels.set(s.Name, value)
			} else if value, ok := p.labels.get(s.From); ok {
				p.labels.remove(s.From)
				p.labels.set(s.Name, value)
			}
		}
		return out
	}, nil
}

func (r rules) compileSelect(s *Select) (step, error) {
	type rule struct {
		name string
		test textTest
	}
	wanted := make([]rule, len(s.Labels))
	for i, m := range s.Labels {
		wanted[i] = rule{name: m.Name, test: func([]byte) bool { return true }}
		if m.Op == "" {
			continue
		}
		test, err := m.compile(r.wholeValue)
		if err != nil {
			return nil, err
		}
		wanted[i].test = test
	}
	keep := s.Verb == "keep"
	return func(p *pipeline) verdict {
		for i := len(p.labels.names) - 1; i >= 0; i-- {
			name := p.labels.names[i]
			if keep && (name == errorLabel || name == detailsLabel) {
				continue // a fault is never lost by chance
			}
			hit := false
			for _, rule := range wanted {
				// Where message finds msg, keeping message keeps msg.
				named := rule.name == name || r.aliases && contains(aliases(rule.name), name)
				hit = hit || named && rule.test(p.labels.values[i])
			}
			if hit != keep {
				p.labels.remove(name)
				if name == errorLabel {
					p.labels.remove(detailsLabel)
					i = min(i, len(p.labels.names))
				}
			}
		}
		return yes
	}, nil
}
