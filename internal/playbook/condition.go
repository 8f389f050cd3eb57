package playbook

import (
	"net/url"
	"path"
	"strings"
)

// conditions reads the `###` headings of a section.
func (p *parser) conditions(s section, kind ConditionKind) {
	var current *Condition
	lost := false // said once: all that follows has the same reason
	for i := 0; i < len(s.blocks); i++ {
		b := &s.blocks[i]
		switch {
		case current != nil && b.kind == heading && b.level != 4 && remedyHeading.MatchString(b.title):
			p.remedyLevel(b)
		case b.kind == heading && b.level == 3:
			current = p.condition(b, kind)
			lost = current == nil
		case current == nil:
			lost = lost || p.outside(b, s.name)
		case b.kind == heading && b.level == 4:
			end := i + 1
			for end < len(s.blocks) && (s.blocks[end].kind != heading || s.blocks[end].level > 4) {
				end++
			}
			if p.remedy(current, b, s.blocks[i+1:end]) {
				i = end - 1
			}
		case b.kind == paragraph:
			var next *block
			if i+1 < len(s.blocks) {
				next = &s.blocks[i+1]
			}
			if p.paragraph(current, b, next) {
				i++
			}
		case b.kind == list && p.edgeList(current, b):
		case b.kind == table:
			p.signs(current, b)
		default:
			p.unseen(b)
		}
	}
}

// outside reports machine parts that stand between a section's heading and its
// first condition, where nothing would read them.
func (p *parser) outside(b *block, section string) (found bool) {
	switch {
	case b.kind == table && p.isSignTable(b):
		p.wrong(b.at, "misplaced", "this sign table belongs to no condition: write a ### heading above it")
	case b.kind == heading && b.level == 4 && remedyHeading.MatchString(b.title):
		p.wrong(b.text.offset(0), "misplaced", "this belongs to no condition: write a ### heading above it")
	case b.kind == paragraph && edgeAnywhere.MatchString(b.text.text):
		p.wrong(b.at, "misplaced", "%s says this of no condition: write a ### heading above it", section)
	default:
		return false
	}
	return true
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
