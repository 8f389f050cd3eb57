package playbook

import (
	"regexp"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/probe"
)

// builtin reads ```probe NAME @ROLE KIND.QUESTION with its arguments in YAML.
// The question may also be named in the YAML: by itself, as the key above its
// arguments, or behind one of the questionKeys.
func (p *parser) builtin(b *block, in info, need Need, question *Probe) {
	choice := p.vocabulary.Builtins(need.Kind)
	kind, body, options := p.asked(b, in)
	if kind.text == "" {
		// A question may lend its name to the probe.
		if full := lastWord(question.Name, choice); full != "" {
			kind = located{full, in.words[0].runs}
		}
	}
	if kind.text == "" {
		p.wrong(b.at, "unknown-builtin", "which built-in question? write ```probe %s @%s KIND.QUESTION%s", question.Name, need.Role, suggest("", choice))
		return
	}
	for _, extra := range in.words[min(2, len(in.words)):] {
		p.wrong(extra.offset(0), "unknown-option", "%q is neither a role (@role) nor an argument (key=value)", extra.text)
	}
	question.Builtin = kind.text
	spec, ok := p.vocabulary.Builtin(kind.text)
	if !ok {
		hint := suggest(kind.text, p.vocabulary.Builtins(""))
		if hint == "" {
			hint = suggest("", choice)
		}
		p.wrong(kind.offset(0), "unknown-builtin", "no built-in question is called %q%s", kind.text, hint)
		return
	}
	if !slices.Contains(choice, kind.text) {
		p.wrong(in.role.offset(0), "unknown-role", "@%s is a %s, which does not answer %s", need.Role, need.Kind, kind.text)
		return
	}
	question.Shape, question.Began = spec.Shape, spec.Began
	p.fieldsOf(question, spec.Fields)
	given := p.arguments(body)
	for _, o := range options {
		given = append(given, arg{name: o.key.text, nameAt: o.key.offset(0), value: o.value})
	}
	question.Args = map[string]probe.Template{}
	for _, a := range p.knownArguments(given, spec.Name, spec.Params, b.at) {
		template, err := probe.ParseTemplate(a.value.text)
		if err != nil {
			p.wrong(a.value.offset(holeOffset(err)), "hole", "%s", err)
			continue
		}
		if p.holes(a.value, template, false) {
			question.Args[a.name] = template
		}
	}
}

// lastWord returns the one question that a word is the second half of.
func lastWord(word string, questions []string) string {
	found := ""
	for _, q := range questions {
		if strings.HasSuffix(q, "."+word) {
			if found != "" {
				return ""
			}
			found = q
		}
	}
	return found
}

// questionKeys name the question in YAML; argumentKeys stand above its arguments.
var (
	questionKeys = []string{"probe", "question", "kind", "ask", "name", "type", "use"}
	argumentKeys = []string{"args", "arguments", "params", "with"}
)

var (
	questionLine = regexp.MustCompile(`^["']?([A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*)["']?[ \t]*(?:$|:[ \t]*(\{.*\})?[ \t]*(?:#.*)?$)`)
	keyedLine    = regexp.MustCompile(`^([a-z]+):[ \t]*["']?([A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*)["']?[ \t]*(?:#.*)?$`)
	wrapperLine  = regexp.MustCompile(`^([a-z]+):[ \t]*(\{.*\})?[ \t]*(?:#.*)?$`)
)

// asked takes the question's name out of a fence: what remains of the YAML and
// of the options are the arguments. The name is empty where none is written.
func (p *parser) asked(b *block, in info) (kind, body located, options []option) {
	options = in.options
	if len(in.words) > 1 {
		kind = in.words[1]
	}
	if kind.text == "" {
		for i, o := range options {
			if slices.Contains(questionKeys, o.key.text) && strings.Contains(o.value.text, ".") {
				kind = o.value
				options = slices.Delete(slices.Clone(options), i, i+1)
				break
			}
		}
	}
	named := kind.text != ""
	offset := 0
	for line := range strings.SplitAfterSeq(b.body.text, "\n") {
		text := b.body.slice(offset, offset+len(strings.TrimRight(line, whiteSpace)))
		whole := b.body.slice(offset, offset+len(line))
		offset += len(line)
		if m := questionLine.FindStringSubmatchIndex(text.text); m != nil && !named {
			kind, named = text.slice(m[2], m[3]), true
			if m[4] >= 0 {
				body = appended(body, text.slice(m[4], m[5]))
				body.add("\n", text.offset(len(text.text)))
			}
			continue
		}
		if m := keyedLine.FindStringSubmatchIndex(text.text); m != nil && !named && slices.Contains(questionKeys, text.text[m[2]:m[3]]) {
			kind, named = text.slice(m[4], m[5]), true
			continue
		}
		if m := wrapperLine.FindStringSubmatchIndex(text.text); m != nil && slices.Contains(argumentKeys, text.text[m[2]:m[3]]) {
			if m[4] >= 0 {
				body = appended(body, text.slice(m[4], m[5]))
				body.add("\n", text.offset(len(text.text)))
			}
			continue
		}
		body = appended(body, whole)
	}
	if len(body.runs) == 0 {
		body = b.body.slice(len(b.body.text), len(b.body.text))
	}
	return kind, outdented(body), options
}

// appended is one text behind another.
func appended(l, more located) located {
	for i, r := range more.runs {
		end := len(more.text)
		if i+1 < len(more.runs) {
			end = more.runs[i+1].at
		}
		l.add(more.text[r.at:end], r.source)
	}
	return l
}

// outdented is a text without the indentation that all its lines share.
func outdented(l located) located {
	shared := -1
	for line := range strings.SplitSeq(l.text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if n := len(line) - len(strings.TrimLeft(line, " ")); shared < 0 || n < shared {
			shared = n
		}
	}
	if shared <= 0 {
		return l
	}
	out := located{}
	offset := 0
	for line := range strings.SplitAfterSeq(l.text, "\n") {
		out = appended(out, l.slice(offset+min(shared, len(line)), offset+len(line)))
		offset += len(line)
	}
	return out
}
