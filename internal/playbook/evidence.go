package playbook

import (
	"errors"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

// evidence reads the probes of the section.
func (p *parser) evidence(s section) {
	why := ""
	for i := range s.blocks {
		b := &s.blocks[i]
		switch b.kind {
		case paragraph:
			why = plainText(b.node, p.text[p.base():])
			continue
		case fence:
			if p.machineFence(readInfo(b.info)) {
				p.probe(b, why)
			}
		}
		why = ""
	}
}

// machineFence tells a probe from an example for people: it says of whom it
// asks, or it is of a language that only probes have.
func (p *parser) machineFence(i info) bool {
	if i.hasRole() {
		return true
	}
	return len(i.words) > 0 && (slices.Contains(p.vocabulary.Languages(), i.lang.text) || i.lang.text == actionLanguage)
}

func (p *parser) probe(b *block, why string) {
	in := readInfo(b.info)
	if in.lang.text == actionLanguage {
		p.wrong(b.at, "misplaced", "an action stands under a `#### Mitigate:` or `#### Fix:` heading, not under Evidence")
		return
	}
	if b.open {
		p.wrong(b.at, "open-fence", "this fence is never closed")
	}
	if len(p.book.Probes) == maxProbes {
		p.wrong(b.at, "too-many", "more than %d probes", maxProbes)
		return
	}
	if len(in.words) == 0 {
		p.undeclared = true
		p.wrong(b.at, "unnamed", "this probe has no name: write ```%s NAME @%s", in.lang.text, in.role.text)
		return
	}
	name := in.words[0]
	if !p.nameable(name.offset(0), "probe", name.text) {
		p.broken[name.text], p.undeclared = true, true
		return
	}
	if first := p.named(name.text); first.Line > 0 {
		p.broken[name.text], p.undeclared = true, true
		p.wrong(name.offset(0), "duplicate", "a second thing called %q; the first is in line %d", name.text, first.Line)
		return
	}
	question := &Probe{
		Name: name.text, Lang: in.lang.text, Role: in.role.text, Why: why, Options: map[string]string{},
		Shape: probe.Any, Pos: p.pos(b.at), Body: p.pos(b.body.offset(0)),
	}
	// It is declared even where it is wrong, so that one mistake gives one message.
	p.book.Probes = append(p.book.Probes, question)
	for _, s := range in.stray {
		p.wrong(s.offset(0), "unknown-role", "a probe asks one role, and this is a second one")
	}
	if p.unknownKind(in) {
		return
	}
	if !slices.Contains(p.vocabulary.Languages(), in.lang.text) {
		p.wrong(in.lang.offset(0), "unknown-language", "no probe language is called %q%s", in.lang.text, suggest(in.lang.text, p.vocabulary.Languages()))
		return
	}
	need, ok := p.role(b, in)
	if !ok {
		return
	}
	if in.lang.text == probeLanguage {
		p.builtin(b, in, need, question)
		return
	}
	for _, extra := range in.words[1:] {
		p.wrong(extra.offset(0), "unknown-option", "%q is neither a role (@role) nor an option (key=value)", extra.text)
	}
	p.query(b, in, need, question)
}

// unknownKind reports a role whose kind nobody knows, which was said already.
func (p *parser) unknownKind(in info) bool {
	for _, n := range p.book.Needs {
		if in.hasRole() && n.Role == in.role.text && len(p.vocabulary.Filling(n.Kind)) == 0 {
			p.usedRoles[n.Role] = true
			return true
		}
	}
	return false
}

// named returns where a probe or parameter of that name stands.
func (p *parser) named(name string) Pos {
	for _, other := range p.book.Probes {
		if other.Name == name {
			return other.Pos
		}
	}
	for _, param := range p.book.Params {
		if param.Name == name {
			return param.Pos
		}
	}
	return Pos{}
}

// noSuchRole begins what is said of a role that needs does not declare.
const noSuchRole = "no role is called"

// role finds the need that a fence's @role names.
func (p *parser) role(b *block, in info) (Need, bool) {
	var roles []string
	for _, n := range p.book.Needs {
		if in.hasRole() && n.Role == in.role.text {
			p.usedRoles[n.Role] = true
			return n, true
		}
		roles = append(roles, n.Role)
	}
	if !in.hasRole() {
		example := "db"
		if len(roles) > 0 {
			example = roles[0]
		}
		p.wrong(b.at, "unknown-role", "this fence does not say whom it is for: write @%s behind its name", example)
		return Need{}, false
	}
	if len(roles) == 0 {
		p.wrong(in.role.offset(0), "unknown-role", noSuchRole+" %q: declare it in the front matter, needs: {%s: KIND}", in.role.text, in.role.text)
		return Need{}, false
	}
	p.wrong(in.role.offset(0), "unknown-role", noSuchRole+" %q in needs%s", in.role.text, suggest(in.role.text, roles))
	return Need{}, false
}

// query reads a fence whose body is a question in a language of its own.
func (p *parser) query(b *block, in info, need Need, question *Probe) {
	language, ok := p.vocabulary.Language(need.Kind, in.lang.text)
	if !ok {
		p.wrong(in.role.offset(0), "unknown-role", "@%s is a %s, which does not answer %s (what does: %s)", need.Role, need.Kind, in.lang.text, strings.Join(p.vocabulary.Speaking(in.lang.text), ", "))
		return
	}
	question.Shape = language.Shape
	p.fieldsOf(question, language.Fields)
	fine := p.options(in, language, question)
	body := b.body
	body = body.slice(0, len(strings.TrimRight(body.text, whiteSpace)))
	if body.text == "" {
		p.wrong(b.at, "empty", "this probe asks nothing: its fence is empty")
		return
	}
	if b.open {
		return // its text may be that of all that follows
	}
	text, err := probe.ParseTemplate(body.text)
	if err != nil {
		p.wrong(body.offset(holeOffset(err)), "hole", "%s", err)
		return
	}
	text = text.WithPatterns(p.vocabulary.pattern)
	question.Text = text
	if language.ShapeOf != nil && question.Shape == probe.Any {
		question.Shape = language.ShapeOf(text)
		p.fieldsOf(question, language.Fields)
	}
	if !p.holes(body, text, language.Patterns) || !fine || language.Check == nil {
		return
	}
	for _, problem := range check(language, text, question.Options) {
		severity := Error
		if problem.Warning {
			severity = Warning
		}
		p.find(body.offset(min(max(problem.Offset, 0), len(body.text))), severity, "statement", problem.Text)
	}
}

// fieldsOf notes which fields the answer has, or each row of it.
func (p *parser) fieldsOf(question *Probe, documented []probe.Field) {
	switch question.Shape {
	case probe.Series:
		p.fields[question.Name] = []string{"labels", "points"}
		return
	case probe.Lines:
		p.fields[question.Name] = []string{"at", "labels", "line"}
		return
	}
	for _, f := range documented {
		p.fields[question.Name] = append(p.fields[question.Name], f.Name)
	}
}

// check asks a language what is wrong. A check that panics is a defect of the
// connector, and must not take the linting of all other files with it.
func check(language connector.Language, text probe.Template, options map[string]string) (problems []connector.Problem) {
	defer func() {
		if r := recover(); r != nil {
			problems = []connector.Problem{{Text: "the check of this language failed on it; please report this text"}}
		}
	}()
	return language.Check(text, options)
}

func holeOffset(err error) int {
	var at *probe.HoleError
	if errors.As(err, &at) {
		return at.Offset
	}
	return 0
}

// holes checks that each hole names a parameter, a service fact, or, where the
// language has patterns, a signature.
func (p *parser) holes(text located, template probe.Template, patterns bool) bool {
	facts := probe.Service{}.Facts()
	known := sortedKeys(facts)
	for _, param := range p.book.Params {
		known = append(known, param.Name)
	}
	fine := true
	for _, part := range template.Parts {
		if part.Hole == "" {
			continue
		}
		p.used[part.Hole] = true
		if slices.Contains(known, part.Hole) {
			continue
		}
		if name, is := strings.CutPrefix(part.Hole, signaturePrefix); is {
			fine = p.signature(text.offset(part.Offset), name, patterns) && fine
			continue
		}
		fine = false
		if p.broken[part.Hole] {
			continue
		}
		if p.isProbe(part.Hole) {
			p.wrong(text.offset(part.Offset), "hole", "${%s}: a question cannot depend on another probe's answer, only on parameters and service facts", part.Hole)
			continue
		}
		p.wrong(text.offset(part.Offset), "hole", "${%s}: no parameter or service fact is called %q%s", part.Hole, part.Hole, suggest(part.Hole, known))
	}
	return fine
}

// signature checks a hole that names a signature.
func (p *parser) signature(offset int, name string, patterns bool) bool {
	if !patterns {
		p.wrong(offset, "hole", "${%s%s}: a signature is a pattern for lines of a log, and only logql asks those", signaturePrefix, name)
		return false
	}
	if _, known := p.vocabulary.Signature(name); known || p.vocabulary.badSignatures {
		return known
	}
	var names []string
	for _, s := range p.vocabulary.Signatures {
		names = append(names, s.Name)
	}
	meant := suggest(name, names)
	if meant == "" {
		meant = "; `quell explain --signatures` lists them"
	}
	p.wrong(offset, "hole", "no signature is called %q%s", name, meant)
	return false
}

func (p *parser) isProbe(name string) bool {
	return slices.ContainsFunc(p.book.Probes, func(q *Probe) bool { return q.Name == name })
}

// options checks key=value against what the language declares, and reports
// whether all of it may stand.
func (p *parser) options(in info, language connector.Language, question *Probe) (fine bool) {
	before := len(p.findings)
	var known []string
	for _, o := range language.Options {
		known = append(known, o.Name)
	}
	for _, o := range in.options {
		i := slices.Index(known, o.key.text)
		_, again := question.Options[o.key.text]
		switch {
		case i < 0 && len(known) == 0:
			p.wrong(o.key.offset(0), "unknown-option", "%s takes no options", in.lang.text)
		case i < 0:
			p.wrong(o.key.offset(0), "unknown-option", "%s has no option %q%s", in.lang.text, o.key.text, suggest(o.key.text, known))
		case again:
			p.wrong(o.key.offset(0), "duplicate", "a second option %q", o.key.text)
		case strings.Contains(o.value.text, "${"):
			p.wrong(o.value.offset(0), "hole", "a hole cannot stand in an option: write the value")
		default:
			if _, err := ParseParam(language.Options[i].Type, o.value.text); err != nil {
				p.wrong(o.value.offset(0), "bad-value", "option %s: %s", o.key.text, err)
			}
			question.Options[o.key.text] = o.value.text
		}
	}
	return len(p.findings) == before
}
