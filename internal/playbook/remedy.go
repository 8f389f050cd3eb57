package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"

	"github.com/quellhq/quell/internal/expr"
)

// remedyHeading is how a remedy's heading reads; the case of its word and
// spaces before the colon do not matter.
var remedyHeading = regexp.MustCompile(`(?i)^(Mitigate|Fix)\s*:\s*(.*)$`)

// almostRemedy looks like one: a word, and a dash or colon, or nothing.
var almostRemedy = regexp.MustCompile(`^([A-Za-z]+)(\s*[:\x{2013}\x{2014}]|\s+-|\s)\s*(.*)$`)

// remedyWords are written for Mitigate and Fix by people in a hurry.
var remedyWords = map[string]string{
	"mitigate": "Mitigate", "mitigation": "Mitigate", "mitigations": "Mitigate", "workaround": "Mitigate",
	"fix": "Fix", "fixes": "Fix", "solution": "Fix", "remediation": "Fix",
}

// remedy reads a `####` heading and what stands below it. It reports false for
// a heading that is no remedy.
func (p *parser) remedy(c *Condition, head *block, blocks []block) bool {
	m := remedyHeading.FindStringSubmatch(head.title)
	if m == nil {
		p.noRemedy(head)
		return false
	}
	r := Remedy{Kind: Mitigate, Title: m[2], Anchor: head.anchor, Pos: p.pos(head.text.offset(0))}
	if strings.EqualFold(m[1], "Fix") {
		r.Kind = Fix
	}
	if r.Title == "" {
		p.wrong(head.text.offset(0), "missing-title", "say what it does: #### %s: end the lost sessions", m[1])
	}
	var text located
	for i := range blocks {
		b := &blocks[i]
		switch {
		case b.kind == paragraph && (verifyWord.MatchString(b.text.text) || onlyWord.MatchString(b.text.text)):
			if above := p.whenAndHow(&r, b.text); above.text != "" {
				p.appendText(&text, above, b.start)
			}
		case b.kind == fence && readInfo(b.info).lang.text == actionLanguage:
			p.action(&r, b)
		case b.kind == list && p.verifyItem(b) != nil:
			p.verify(&r, *p.verifyItem(b))
		case b.kind == list:
			p.lost(b)
			r.Checklist = append(r.Checklist, p.tasks(b)...)
			if !isTaskList(b.node) {
				p.appendProse(&text, b)
			}
		default:
			p.lost(b)
			p.appendProse(&text, b)
		}
	}
	r.Prose, _ = p.template(text)
	if r.Kind == Mitigate && r.Verify == nil {
		p.doubt(head.text.offset(0), "no-verification", "nothing says how to know that %q helped: add Verify within 2m: `expression`", r.Title)
	}
	if r.Prose.Source() == "" && len(r.Actions) == 0 && len(r.Checklist) == 0 {
		p.doubt(head.text.offset(0), "empty", "%q says nothing to do", r.Title)
	}
	c.Remedies = append(c.Remedies, r)
	return true
}

// noRemedy says what a heading that is none may have meant to be.
func (p *parser) noRemedy(head *block) {
	at := head.text.offset(0)
	if word := almostRemedy.FindStringSubmatch(head.title); word != nil {
		meant := remedyWords[strings.ToLower(word[1])]
		colon := strings.HasSuffix(word[2], ":")
		if meant == "" && colon {
			meant = closest(word[1], []string{"Mitigate", "Fix"})
		}
		switch {
		case meant == "":
		case colon:
			p.wrong(at, "unknown-section", "no part is called %q; did you mean \"%s:\"?", word[1]+":", meant)
		case strings.EqualFold(word[1], meant):
			p.wrong(at, "unknown-section", "nothing reads this part without a colon; did you mean \"%s: %s\"?", meant, word[3])
		default:
			p.doubt(at, "unknown-section", "this part is prose; a remedy begins with Mitigate: or Fix:")
		}
		return
	}
	if meant := remedyWords[strings.ToLower(head.title)]; meant != "" {
		p.wrong(at, "unknown-section", "say what it does: #### %s: end the lost sessions", meant)
	}
}

// remedyLike is a heading that is a remedy's, or was meant to be.
func remedyLike(title string) bool {
	if remedyHeading.MatchString(title) {
		return true
	}
	word := almostRemedy.FindStringSubmatch(title)
	if word == nil {
		return false
	}
	meant := remedyWords[strings.ToLower(word[1])]
	return meant != "" && (strings.HasSuffix(word[2], ":") || strings.EqualFold(word[1], meant))
}

// remedyLevel reports a remedy whose heading has another level than four.
func (p *parser) remedyLevel(b *block) {
	p.wrong(b.text.offset(0), "misplaced", "a remedy is a heading with four #, below its condition: #### %s", b.title)
}

// boldRemedy is a heading made of bold text.
var boldRemedy = regexp.MustCompile(`^(?:\*\*|__)(?i:Mitigate|Fix):?(?:\*\*|__)?.*$`)

// lost reports what belongs to the condition and stands below a remedy, where
// nothing reads it.
func (p *parser) lost(b *block) {
	switch {
	case b.kind == table && p.isSignTable(b):
		p.wrong(b.at, "misplaced", "this sign table stands below a remedy, where nothing reads it: move it above the first #### heading")
	case b.kind == paragraph && edgeAnywhere.MatchString(b.text.text):
		at := edgeAnywhere.FindStringIndex(b.text.text)[0]
		p.wrong(b.text.offset(at), "misplaced", "this line stands below a remedy, where nothing reads it: move it above the first #### heading")
	case b.kind == heading && remedyHeading.MatchString(b.title):
		p.remedyLevel(b)
	case b.kind == heading:
	default:
		p.unseen(b)
		if raw := p.cut(b.start, b.stop); b.kind != fence && verifyHidden.MatchString(raw.text) {
			p.wrong(raw.offset(verifyHidden.FindStringSubmatchIndex(raw.text)[2]), "misplaced", "this line stands inside of a list, a quote, HTML or code, where nothing reads it: move it to the margin")
		}
	}
}

// verifyHidden is a verification, or a condition, that something stands before.
var verifyHidden = regexp.MustCompile(`(?im)^[ \t>*+-]+(?:\[[ x]\][ \t]*)?[*_]{0,3}(verify[ \t]+within\b|only[ \t]+where[ \t]*[*_]{0,3}:)`)

// verifyItem is the verification that a list of one item holds, or nil.
func (p *parser) verifyItem(b *block) *located {
	if b.node.ChildCount() != 1 {
		return nil
	}
	text := p.itemText(b.node.FirstChild())
	if box := checkbox.FindString(text.text); box != "" {
		text = text.slice(len(box), len(text.text))
	}
	if !verifyLine.MatchString(text.text) {
		return nil
	}
	return &text
}

// appendProse adds a block as it is written. In a code block ${…} is the
// shell's, not ours.
func (p *parser) appendProse(text *located, b *block) {
	raw := p.cut(b.start, b.stop)
	if b.kind != fence && b.kind != prose {
		p.appendText(text, raw, b.start)
		return
	}
	if text.text != "" {
		text.add("\n\n", b.start)
	}
	for from := 0; ; {
		next := strings.Index(raw.text[from:], "${")
		if next < 0 {
			text.add(raw.text[from:], raw.offset(from))
			return
		}
		text.add(raw.text[from:from+next], raw.offset(from))
		dollars := "$${"
		if strings.HasSuffix(raw.text[:from+next], "$") {
			dollars = "${" // it is written with two already
		}
		text.add(dollars, raw.offset(from+next))
		from += next + len("${")
	}
}

func (p *parser) appendText(text *located, raw located, at int) {
	if text.text != "" {
		text.add("\n\n", at)
	}
	text.add(raw.text, raw.offset(0))
}

// whenAndHow reads what a paragraph says of when to do a remedy and how to verify
// it, and returns the prose above.
func (p *parser) whenAndHow(r *Remedy, text located) (above located) {
	end := len(text.text)
	if at := verifyWord.FindStringIndex(text.text); at != nil {
		p.verify(r, text.slice(at[0], end))
		end = at[0]
	}
	if at := onlyWord.FindStringIndex(text.text[:end]); at != nil {
		p.only(r, text.slice(at[0], end))
		end = at[0]
	}
	return text.slice(0, end).trim()
}

// onlyWord begins the condition of a remedy; prose may stand above it.
var onlyWord = regexp.MustCompile(`(?m)^[*_]{0,3}(?i:only[ \t]+where)[*_]{0,3}[ \t]*:[*_]{0,3}[ \t]*`)

func (p *parser) only(r *Remedy, text located) {
	if r.Only != nil {
		p.wrong(text.offset(0), "duplicate", "a second condition; join the two with &&")
		return
	}
	program := p.alone(text.slice(len(onlyWord.FindString(text.text)), len(text.text)).trim(), "only-where", "behind \"Only where:\" stands one expression between backticks")
	if program != nil {
		r.Only = program
	}
}

// alone reads the one expression between backticks that a text has to be, with a
// full stop at most.
func (p *parser) alone(text located, rule, otherwise string) *expr.Program {
	spans := codeSpans(text)
	if len(spans) != 1 || spans[0].start != 0 || strings.Trim(text.text[spans[0].stop:], ". ") != "" {
		p.wrong(text.offset(0), rule, "%s", otherwise)
		return nil
	}
	return p.program(spans[0].code)
}

// verifyWord begins a verification; prose may stand above it in its paragraph.
var verifyWord = regexp.MustCompile(`(?m)^(?:[*_]{0,3}(?i:verify[ \t]+within)\b|[*_]{0,3}Verif(?:y|ied)\b[^` + "`" + `\n]*:|\AVerif(?:y|ied)\b)`)

var verifyLine = regexp.MustCompile(`(?i)^[*_]{0,3}verify[ \t]+within[ \t]+[*_` + "`" + `]{0,3}(\$\{\w+\}|[^:*_` + "`" + `]+?)[*_` + "`" + `]{0,3}\s*:[*_]{0,3}\s*`)

func (p *parser) verify(r *Remedy, text located) {
	m := verifyLine.FindStringSubmatchIndex(text.text)
	if m == nil {
		p.wrong(text.offset(0), "verify", "a verification is written: Verify within 2m: `expression`")
		return
	}
	if r.Verify != nil {
		p.wrong(text.offset(0), "duplicate", "a second verification; join the two with &&")
		return
	}
	rest := text.slice(m[1], len(text.text)).trim()
	program := p.alone(rest, "verify", fmt.Sprintf("behind \"Verify within %s:\" stands one expression between backticks", text.text[m[2]:m[3]]))
	if program == nil {
		return
	}
	within, param := p.patience(text.slice(m[2], m[3]))
	if within <= 0 {
		return
	}
	r.Verify = &Verify{Within: within, Param: param, Program: program, Pos: p.pos(codeSpans(rest)[0].code.offset(0))}
}

// patience reads 5m, or ${name} of a parameter that is a duration.
func (p *parser) patience(text located) (within time.Duration, param string) {
	name, ok := strings.CutPrefix(text.text, "${")
	if !ok {
		return p.duration(text), ""
	}
	name = strings.TrimSuffix(name, "}")
	for _, known := range p.book.Params {
		if d, ok := known.Default.(time.Duration); ok && known.Name == name {
			p.used[name] = true
			return d, name
		}
	}
	if !p.broken[name] {
		p.wrong(text.offset(0), "duration", "%s is no parameter of type duration: write a time like 5m, or the name of one", text.text)
	}
	return 0, ""
}

func (p *parser) action(r *Remedy, b *block) {
	in := readInfo(b.info)
	if b.open {
		p.wrong(b.at, "open-fence", "this fence is never closed")
	}
	known := p.vocabulary.Actions("")
	if len(in.words) == 0 {
		p.wrong(b.at, "unknown-action", "which action? write ```action KIND.VERB @ROLE%s", suggest("", known))
		return
	}
	for _, extra := range append(in.words[1:], in.stray...) {
		p.wrong(extra.offset(0), "unknown-option", "an action's fence has a type and a role; %q is a further word", extra.text)
	}
	if p.unknownKind(in) {
		return
	}
	kind := in.words[0]
	a := Action{Type: kind.text, Role: in.role.text, Pos: p.pos(b.at)}
	need, ok := p.role(b, in)
	spec, exists := p.vocabulary.Action(kind.text)
	if !exists {
		p.wrong(kind.offset(0), "unknown-action", "no action is called %q%s", kind.text, suggest(kind.text, known))
		return
	}
	if !ok {
		return
	}
	if !slices.Contains(p.vocabulary.Actions(need.Kind), kind.text) {
		p.wrong(in.role.offset(0), "unknown-role", "@%s is a %s, which does not know %s", need.Role, need.Kind, kind.text)
		return
	}
	given := p.arguments(b.body)
	for _, o := range in.options {
		given = append(given, arg{name: o.key.text, nameAt: o.key.offset(0), value: o.value})
	}
	for _, written := range p.knownArguments(given, kind.text, spec.Params, b.at) {
		value := written.value
		if written.list != nil {
			value = located{"${" + value.text + "}", value.runs}
		}
		if t, ok := p.template(value); ok {
			a.Args = append(a.Args, Arg{Name: written.name, Value: t, Pos: p.pos(written.nameAt)})
		}
	}
	r.Actions = append(r.Actions, a)
}

// isTaskList reports whether every item of a list has a checkbox.
func isTaskList(n ast.Node) bool {
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		if !hasCheckbox(item) {
			return false
		}
	}
	return true
}

func hasCheckbox(item ast.Node) bool {
	first := item.FirstChild()
	if first == nil || first.FirstChild() == nil {
		return false
	}
	_, ok := first.FirstChild().(*east.TaskCheckBox)
	return ok
}

// tasks are the texts of a list's items with a checkbox.
func (p *parser) tasks(b *block) []expr.Template {
	var out []expr.Template
	for item := b.node.FirstChild(); item != nil; item = item.NextSibling() {
		if !hasCheckbox(item) {
			continue
		}
		text := p.itemText(item)
		text.text = taskText(item.FirstChild(), p.text[p.base():])
		if task, ok := p.template(text); ok {
			out = append(out, task)
		}
	}
	return out
}
