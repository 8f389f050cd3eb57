package playbook

import (
	"regexp"
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
var itemEnd = regexp.MustCompile(`^\s*(?:(for|over)\s+([^\s.]+(?:\.\d\S*)?))?\s*\.?$`)

// resolved reads the resolution checklist.
func (p *parser) resolved(s section) {
	for i := range s.blocks {
		if s.blocks[i].kind != list {
			continue
		}
		for item := s.blocks[i].node.FirstChild(); item != nil; item = item.NextSibling() {
			text := p.itemText(item)
			m := checkbox.FindString(text.text)
			if m == "" {
				p.wrong(text.offset(0), "checklist", "an item of this list begins with a checkbox: - [ ] nobody waits: `last(waiting) == 0` for 5m")
				continue
			}
			p.item(text.slice(len(m), len(text.text)))
		}
	}
	if len(p.book.Resolved) == 0 {
		p.doubt(s.head.text.offset(0), "empty", "the list is empty")
	}
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
	before := strings.TrimRight(text.text[:last.start], whiteSpace)
	if last.start > 0 && !strings.HasSuffix(before, ":") {
		// Code in a sentence for people.
		p.book.Resolved = append(p.book.Resolved, item)
		return
	}
	m := itemEnd.FindStringSubmatchIndex(text.text[last.stop:])
	if m == nil {
		at := last.stop + len(text.text[last.stop:]) - len(strings.TrimLeft(text.text[last.stop:], whiteSpace))
		p.wrong(text.offset(at), "checklist", "behind an expression stands nothing, or \"for 5m\" (true all that time), or \"over 24h\" (watched on after closing)")
		return
	}
	item.Text = strings.Join(strings.Fields(strings.TrimSuffix(before, ":")), " ")
	if item.Text == "" {
		item.Text = last.code.text
	}
	if m[2] >= 0 {
		d := p.duration(text.slice(last.stop+m[4], last.stop+m[5]))
		if text.text[last.stop+m[2]:last.stop+m[3]] == "for" {
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

var watch = regexp.MustCompile(`^[\s,;.]*(?:then\s+)?watch\s+(?:for\s+)?([^\s.,]+)\s*\.?$`)

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
	} else if strings.Trim(rest.text, whiteSpace+".") != "" {
		p.wrong(rest.trim().offset(0), "ladder", "behind the link of a rung stands nothing, or \", then watch 5m\"")
		return
	}
	p.book.Ladder = append(p.book.Ladder, rung)
}

// firstLink finds the first link of an item, and the offset in its text of
// what stands behind it.
func (p *parser) firstLink(item ast.Node, text located) (link *ast.Link, end int) {
	if item.FirstChild() == nil {
		return nil, 0
	}
	for n := item.FirstChild().FirstChild(); n != nil; n = n.NextSibling() {
		l, ok := n.(*ast.Link)
		if !ok {
			continue
		}
		// The text behind a link begins with the next node, and everything is
		// behind it where there is none.
		end = len(text.text)
		if next := l.NextSibling(); next != nil && next.Pos() >= 0 {
			end = min(max(next.Pos()+p.base()-text.offset(0), 0), len(text.text))
		}
		return l, end
	}
	return nil, 0
}
