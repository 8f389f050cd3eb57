package playbook

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/yuin/goldmark/ast"

	"github.com/quellhq/quell/internal/expr"
)

// duration reads 5m; 0 where it is wrong.
func (p *parser) duration(text located) time.Duration {
	d, err := expr.ParseDuration(text.text)
	if err != nil {
		p.wrong(text.offset(0), "duration", "%s", err)
		return 0
	}
	if d <= 0 {
		p.wrong(text.offset(0), "duration", "%q is no time at all", text.text)
		return 0
	}
	return d
}

// itemText is the first paragraph of a list's item, where it stands.
func (p *parser) itemText(item ast.Node) located {
	first := item.FirstChild()
	if first == nil || first.Lines() == nil || first.Lines().Len() == 0 {
		at := max(item.Pos(), 0) + p.base()
		return p.cut(at, at)
	}
	start, stop := first.Lines().At(0), first.Lines().At(first.Lines().Len()-1)
	return p.cut(start.Start+p.base(), stop.Stop+p.base()).trim()
}

var checkbox = regexp.MustCompile(`^\[[ xX]\]\s*`)

// itemEnd is what may stand behind an item's expression.
var itemEnd = regexp.MustCompile(`^[*_]{0,2}\s*,?\s*\(?(?:(for|over)\s+[*_` + "`" + `]*([^\s.*_` + "`" + `)]+(?:\.\d[^\s*_` + "`" + `)]*)?)[*_` + "`" + `]*)?\)?\s*\.?$`)

// itemFor is the time where it stands before the expression.
var itemFor = regexp.MustCompile(`\b(for|over)\s+(\d\S*)$`)

// resolved reads the resolution checklist.
func (p *parser) resolved(s section) {
	for i := range s.blocks {
		switch b := &s.blocks[i]; {
		case b.kind == list:
			p.items(b.node)
		case b.kind == paragraph && checkbox.MatchString(b.text.text):
			p.wrong(b.at, "checklist", "a checkbox stands in a list: write - before it")
		}
	}
	if len(p.book.Resolved) == 0 {
		p.doubt(s.head.text.offset(0), "empty", "the list is empty")
	}
}

// items reads a list of checkboxes, and the lists inside of it.
func (p *parser) items(list ast.Node) {
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		text := p.itemText(item)
		if m := checkbox.FindString(text.text); m != "" {
			p.item(text.slice(len(m), len(text.text)))
		} else {
			p.wrong(text.offset(0), "checklist", "an item of this list begins with a checkbox: - [ ] nobody waits: `last(waiting) == 0` for 5m")
		}
		for inner := item.FirstChild(); inner != nil; inner = inner.NextSibling() {
			if l, ok := inner.(*ast.List); ok && hasCheckbox(l.FirstChild()) {
				p.items(l)
			}
		}
	}
}

// isCheck reports whether code reads the evidence, and so is no command for
// people.
func (p *parser) isCheck(code located) bool {
	program, err := p.env.CompileSign(code.text)
	return err == nil && slices.ContainsFunc(program.Reads(), p.isProbe)
}

func (p *parser) item(text located) {
	if text.text == "" {
		p.wrong(text.offset(0), "empty", "this item says nothing")
		return
	}
	item := Item{Text: strings.Join(strings.Fields(text.text), " "), Pos: p.pos(text.offset(0))}
	spans := codeSpans(text)
	if len(spans) == 0 {
		p.book.Resolved = append(p.book.Resolved, item)
		return
	}
	last := spans[len(spans)-1]
	before := strings.TrimRight(text.text[:last.start], whiteSpace+"*_")
	m := itemEnd.FindStringSubmatchIndex(text.text[last.stop:])
	if last.start > 0 && before != "" && !strings.HasSuffix(before, ":") && !(m != nil && p.isCheck(last.code)) {
		// Code in a sentence for people.
		p.book.Resolved = append(p.book.Resolved, item)
		return
	}
	if m == nil {
		at := last.stop + len(text.text[last.stop:]) - len(strings.TrimLeft(text.text[last.stop:], whiteSpace))
		p.wrong(text.offset(at), "checklist", "behind an expression stands nothing, or \"for 5m\" (true all that time), or \"over 24h\" (watched on after closing)")
		return
	}
	item.Text = strings.Join(strings.Fields(strings.TrimRight(before, ":*_")), " ")
	word, length := located{}, located{}
	if m[2] >= 0 {
		word, length = text.slice(last.stop+m[2], last.stop+m[3]), text.slice(last.stop+m[4], last.stop+m[5])
	} else if m := itemFor.FindStringSubmatchIndex(strings.TrimRight(before, ":*_")); m != nil {
		word, length = text.slice(m[2], m[3]), text.slice(m[4], m[5])
	}
	if item.Text == "" {
		item.Text = last.code.text
	}
	if word.text != "" {
		d := p.duration(length)
		if word.text == "for" {
			item.For = d
		} else {
			item.Over = d
		}
	}
	if item.Program = p.program(last.code); item.Program == nil {
		return
	}
	p.book.Resolved = append(p.book.Resolved, item)
}

// watch is what may stand behind the link of a rung, emphasis included.
var watch = regexp.MustCompile(`(?i)^[\s,;.:*_()\x{2013}\x{2014}-]*(?:and\s+)?(?:then\s+)?watch\s+(?:for\s+)?[*_` + "`" + `]*([^\s.,*_` + "`" + `()]+)[\s*_` + "`" + `.)]*$`)

// ladder reads the ordered list of links to mitigations.
func (p *parser) ladder(s section) {
	for i := range s.blocks {
		l, ok := s.blocks[i].node.(*ast.List)
		if !ok {
			continue
		}
		if !l.IsOrdered() {
			p.wrong(s.blocks[i].at, "ladder", "the ladder is an ordered list: its rungs are taken one after the other (1. 2. 3.)")
			continue
		}
		for item := l.FirstChild(); item != nil; item = item.NextSibling() {
			p.rung(item)
		}
	}
	if len(p.book.Ladder) == 0 {
		p.doubt(s.head.text.offset(0), "empty", "the ladder has no rungs")
	}
}

func (p *parser) rung(item ast.Node) {
	text := p.itemText(item)
	link, end := p.firstLink(item, text)
	if link == nil {
		p.wrong(text.offset(0), "ladder", "a rung is a link to a mitigation: [end the lost sessions](#mitigate-end-the-lost-sessions), then watch 5m")
		return
	}
	at := link.Pos() + p.base()
	target, wrong := p.resolve(string(link.Destination))
	if wrong != "" {
		p.wrong(at, "broken-link", "%s", wrong)
		return
	}
	rung := Rung{Text: plainText(link, p.text[p.base():]), Target: target, Pos: p.pos(at)}
	rest := text.slice(end, len(text.text))
	if m := watch.FindStringSubmatchIndex(rest.text); m != nil {
		rung.Watch = p.duration(rest.slice(m[2], m[3]))
	} else if strings.Trim(rest.text, whiteSpace+".*_") != "" {
		p.wrong(rest.trim().offset(0), "ladder", "behind the link of a rung stands nothing, or \", then watch 5m\"")
		return
	}
	p.book.Ladder = append(p.book.Ladder, rung)
}

// firstLink finds the first link of an item, and the offset in its text of
// what stands behind it. The link may be emphasised.
func (p *parser) firstLink(item ast.Node, text located) (link *ast.Link, end int) {
	if item.FirstChild() == nil {
		return nil, 0
	}
	// The walk has no error of its own.
	_ = ast.Walk(item.FirstChild(), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if l, ok := n.(*ast.Link); ok && entering {
			link = l
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	if link == nil {
		return nil, 0
	}
	// The text behind a link begins with the next node, and everything is
	// behind it where there is none.
	for n := ast.Node(link); n != nil && n != item; n = n.Parent() {
		if next := n.NextSibling(); next != nil && next.Pos() >= 0 {
			return link, min(max(next.Pos()+p.base()-text.offset(0), 0), len(text.text))
		}
		if n.Parent() == item.FirstChild() {
			break
		}
	}
	return link, len(text.text)
}
