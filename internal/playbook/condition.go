package playbook

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// conditions reads the `###` headings of a section.
func (p *parser) conditions(s section, kind ConditionKind) {
	var current *Condition
	for i := 0; i < len(s.blocks); i++ {
		b := &s.blocks[i]
		switch {
		case b.kind == heading && b.level == 3:
			current = p.condition(b, kind)
		case current == nil:
			p.outside(b, s.name)
		case b.kind == heading && b.level == 4:
			end := i + 1
			for end < len(s.blocks) && (s.blocks[end].kind != heading || s.blocks[end].level > 4) {
				end++
			}
			if p.remedy(current, b, s.blocks[i+1:end]) {
				i = end - 1
			}
		case b.kind == paragraph:
			p.paragraph(current, b)
		case b.kind == table:
			p.signs(current, b)
		}
	}
}

// outside reports machine parts that stand between a section's heading and its
// first condition, where nothing would read them.
func (p *parser) outside(b *block, section string) {
	switch {
	case b.kind == table && p.isSignTable(b):
		p.wrong(b.at, "misplaced", "this sign table belongs to no condition: write a ### heading above it")
	case b.kind == heading && b.level == 4 && remedyHeading.MatchString(b.title):
		p.wrong(b.text.offset(0), "misplaced", "this belongs to no condition: write a ### heading above it")
	case b.kind == paragraph && edgeLine.MatchString(b.text.text):
		p.wrong(b.at, "misplaced", "%s says this of no condition: write a ### heading above it", section)
	}
}

func (p *parser) condition(b *block, kind ConditionKind) *Condition {
	c := &Condition{
		ID: p.book.ID + "#" + b.anchor, Kind: kind, Title: b.title, Anchor: b.anchor, Pos: p.pos(b.text.offset(0)),
	}
	if b.title == "" {
		p.wrong(b.at, "missing-title", "this condition has no name")
		return nil
	}
	for _, other := range p.book.Conditions {
		if strings.EqualFold(other.Title, c.Title) {
			p.wrong(b.text.offset(0), "duplicate", "a second condition %q; the first is in line %d", c.Title, other.Pos.Line)
			break
		}
	}
	if len(p.book.Conditions) == maxConditions {
		p.wrong(b.at, "too-many", "more than %d conditions", maxConditions)
		return nil
	}
	p.book.Conditions = append(p.book.Conditions, c)
	return c
}

// edgeLine begins a line that the machine reads.
var edgeLine = regexp.MustCompile(`(?m)^(Leads to|How common):`)

// almostLine looks like one: two or three words and a colon.
var almostLine = regexp.MustCompile(`^([A-Z][A-Za-z]+(?:[ -][A-Za-z]+){1,2}) ?:`)

var machineLines = []string{"Leads to", "How common"}

// paragraph reads what stands below a condition's heading: prose, and lines
// that begin with `Leads to:` and `How common:`.
func (p *parser) paragraph(c *Condition, b *block) {
	var text []string
	reading := "" // which machine line the lines belong to
	from, edges := 0, 0
	flush := func(to int) {
		if reading == "Leads to" {
			p.leadsTo(c, b, from, to)
		}
	}
	for start := 0; start < len(b.text.text); {
		end := start + strings.IndexByte(b.text.text[start:]+"\n", '\n')
		line := b.text.slice(start, end).trim()
		if m := edgeLine.FindString(line.text); m != "" {
			if edges++; edges > maxEdges {
				p.wrong(line.offset(0), "too-many", "more than %d lines %s in one paragraph", maxEdges, m)
				return
			}
			flush(start)
			reading, from = strings.TrimSuffix(m, ":"), start
			if reading == "How common" {
				p.howCommon(c, line.slice(len(m), len(line.text)).trim())
			}
		} else if reading != "Leads to" {
			reading = ""
			if m := almostLine.FindStringSubmatch(line.text); m != nil {
				if near := closest(m[1], machineLines); near != "" {
					p.wrong(line.offset(0), "unknown-key", "no line begins with %q; did you mean %q?", m[1]+":", near+":")
				}
			}
			text = append(text, line.text)
		}
		start = end + 1
	}
	flush(len(b.text.text))
	if !edgeLine.MatchString(b.text.text) {
		text = []string{plainText(b.node, p.text[p.base():])}
	}
	if prose := strings.TrimSpace(strings.Join(text, " ")); prose != "" {
		c.Prose = strings.TrimSpace(c.Prose + "\n\n" + prose)
	}
}

var commonWords = []string{string(AlwaysSuspect), string(Often), string(Sometimes), string(Rare)}

func (p *parser) howCommon(c *Condition, value located) {
	word := strings.ToLower(value.text)
	switch {
	case c.Kind == Symptom:
		p.wrong(value.offset(0), "misplaced", "how common something is belongs to a cause, not to a symptom")
	case c.HowCommon != "":
		p.wrong(value.offset(0), "duplicate", "a second \"How common:\"")
	case !slices.Contains(commonWords, word):
		p.wrong(value.offset(0), "unknown-how-common", "%q does not say how common it is%s", value.text, suggest(word, commonWords))
	default:
		c.HowCommon = HowCommon(word)
	}
}

// leadsTo reads the links of a paragraph that stand between two offsets of its
// text.
func (p *parser) leadsTo(c *Condition, b *block, from, to int) {
	found := false
	first, last := b.text.offset(from), b.text.offset(to)
	// The walk has no error of its own.
	_ = ast.Walk(b.node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		link, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		at := link.Pos() + p.base()
		if at < first || at >= last {
			return ast.WalkContinue, nil
		}
		found = true
		href := string(link.Destination)
		target, wrong := p.resolve(href)
		if wrong != "" {
			p.wrong(at, "broken-link", "%s", wrong)
			return ast.WalkContinue, nil
		}
		c.LeadsTo = append(c.LeadsTo, Link{
			Text: plainText(link, p.text[p.base():]), Target: target, Href: href, Pos: p.pos(at),
		})
		return ast.WalkContinue, nil
	})
	if !found {
		p.wrong(first, "broken-link", "\"Leads to:\" names nothing: write a link, [what people see](#its-heading)")
	}
}

// resolve turns a link into the id of what it points at.
func (p *parser) resolve(href string) (target, wrong string) {
	u, err := url.Parse(href)
	switch {
	case err != nil:
		return "", "the link " + href + " cannot be read"
	case u.Scheme != "" || u.Host != "":
		return "", "the link " + href + " leads out of the playbooks: write #heading, or ../other.md#heading"
	case u.Fragment == "":
		return "", "the link " + href + " names no heading: add #the-heading"
	case strings.HasPrefix(u.Path, "/"):
		return "", "the link " + href + " is absolute: write it relative to this file"
	case u.Path == "":
		return p.book.ID + "#" + u.Fragment, ""
	case !strings.HasSuffix(u.Path, ".md"):
		return "", "the link " + href + " is not to a Markdown file"
	}
	file := path.Join(path.Dir(p.book.ID), u.Path)
	if strings.HasPrefix(file, "../") {
		return "", "the link " + href + " leads out of the directory of playbooks"
	}
	return strings.TrimSuffix(file, ".md") + "#" + u.Fragment, ""
}
