package playbook

import (
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// The lines below a condition's heading that the machine reads.
const (
	leadsToLine   = "Leads to"
	howCommonLine = "How common"
)

var machineLines = []string{leadsToLine, howCommonLine}

// edgeLine begins such a line. People set its word in bold, or forget the
// capital: it is read all the same, and fmt writes it plainly.
var edgeLine = regexp.MustCompile(`(?i)^[*_]{0,3}(leads[ \t]+to|how[ \t]+common)[*_]{0,3}[ \t]*:`)

// edgeAnywhere finds an edgeLine among several lines.
var edgeAnywhere = regexp.MustCompile(`(?im)^[*_]{0,3}(?:leads[ \t]+to|how[ \t]+common)[*_]{0,3}[ \t]*:`)

// edgeWord returns which machine line a line is, and where its value begins.
func edgeWord(line string) (word string, value int) {
	m := edgeLine.FindStringSubmatchIndex(line)
	if m == nil {
		return "", 0
	}
	word = leadsToLine
	if strings.EqualFold(line[m[2]:m[2]+1], "h") {
		word = howCommonLine
	}
	value = strings.IndexByte(line, ':') + 1
	opened := m[2] > 0 && !strings.HasSuffix(strings.TrimRight(line[:value-1], " \t"), line[:1])
	for opened && value < len(line) && (line[value] == '*' || line[value] == '_') {
		value++ // the end of **Leads to:**
	}
	return word, value
}

// almostLine looks like one: two or three words and a colon.
var almostLine = regexp.MustCompile(`^([A-Z][A-Za-z]+(?:[ -][A-Za-z]+){0,2}) ?:[ \t]*(.*)$`)

// withoutColon is `Leads to` with links behind it.
var withoutColon = regexp.MustCompile(`(?i)^leads[ \t]+to[ \t]+\[`)

// onlyLinks is a value that is links into playbooks and nothing else.
var onlyLinks = regexp.MustCompile(`^(?:\[[^\]]*\]\([^()]*#[^()]*\)(?:[ \t]*(?:,|and|;)?[ \t]*|\.?$))+$`)

// reference begins a line that sends a reader elsewhere.
var reference = regexp.MustCompile(`^(?:See|Also|Compare|More|Related|Read|Look|Background|Note)\b`)

// paragraph reads what stands below a condition's heading: prose, and lines
// that begin with `Leads to:` and `How common:`. It reports whether it used the
// next block too: the list of links behind `Leads to:`.
func (p *parser) paragraph(c *Condition, b, next *block) (usedNext bool) {
	p.unseen(b)
	text, pending := p.edges(c, b.node, b.text)
	if pending {
		if next != nil && next.kind == list {
			usedNext = p.leadsTo(c, next.node, next.start, next.stop)
		}
		if !usedNext {
			p.wrong(b.at, "broken-link", "\"Leads to:\" names nothing: write a link, [what people see](#its-heading)")
		}
	}
	if !edgeAnywhere.MatchString(b.text.text) {
		text = plainText(b.node, p.text[p.base():])
	}
	if text != "" {
		c.Prose = strings.TrimSpace(c.Prose + "\n\n" + text)
	}
	return usedNext
}

// edgeList reads a list below a condition's heading whose items are machine
// lines. It reports whether there was one.
func (p *parser) edgeList(c *Condition, b *block) (found bool) {
	for item := b.node.FirstChild(); item != nil; item = item.NextSibling() {
		text := p.itemText(item)
		if word, _ := edgeWord(text.text); word == "" {
			continue
		}
		found = true
		if _, pending := p.edges(c, item.FirstChild(), text); !pending {
			continue
		}
		deeper := item.FirstChild().NextSibling()
		if deeper == nil || !p.leadsTo(c, deeper, b.start, b.stop) {
			p.wrong(text.offset(0), "broken-link", "\"Leads to:\" names nothing: write a link, [what people see](#its-heading)")
		}
	}
	return found
}

// edges reads the machine lines of one text, and returns its other lines. What
// `Leads to:` names may still be pending: a list of links comes behind it.
func (p *parser) edges(c *Condition, node ast.Node, whole located) (prose string, pending bool) {
	var text []string
	reading := "" // which machine line the lines belong to
	from, edges := 0, 0
	flush := func(to int) {
		if reading != leadsToLine || p.leadsTo(c, node, whole.offset(from), whole.offset(to)) {
			return
		}
		_, value := edgeWord(whole.text[from:])
		if to < len(whole.text) || strings.Trim(whole.text[from+value:to], whiteSpace+"*_") != "" {
			p.wrong(whole.offset(from), "broken-link", "\"Leads to:\" names nothing: write a link, [what people see](#its-heading)")
			return
		}
		pending = true
	}
	for start := 0; start < len(whole.text); {
		end := start + strings.IndexByte(whole.text[start:]+"\n", '\n')
		line := whole.slice(start, end).trim()
		word, value := edgeWord(line.text)
		switch {
		case word != "":
			if edges++; edges > maxEdges {
				p.wrong(line.offset(0), "too-many", "more than %d lines %s in one paragraph", maxEdges, word)
				return "", false
			}
			flush(start)
			reading, from = word, start+strings.Index(whole.text[start:end], line.text)
			if word == howCommonLine {
				rest := line.slice(value, len(line.text)).trim()
				if rest.text == "" && end < len(whole.text) {
					stop := end + 1 + strings.IndexByte(whole.text[end+1:]+"\n", '\n')
					rest, end = whole.slice(end+1, stop).trim(), stop
				}
				p.howCommon(c, rest)
			}
		case reading != leadsToLine:
			reading = ""
			p.almost(c, line)
			text = append(text, line.text)
		}
		start = end + 1
	}
	flush(len(whole.text))
	return strings.TrimSpace(strings.Join(text, " ")), pending
}

// almost reports a line that its author took for a machine line.
func (p *parser) almost(c *Condition, line located) {
	if withoutColon.MatchString(line.text) {
		p.wrong(line.offset(0), "unknown-key", "no line begins with %q; did you mean %q?", "Leads to", "Leads to:")
		return
	}
	m := almostLine.FindStringSubmatch(line.text)
	if m == nil {
		return
	}
	if near := closest(m[1], machineLines); near != "" {
		p.wrong(line.offset(0), "unknown-key", "no line begins with %q; did you mean %q?", m[1]+":", near+":")
		return
	}
	switch {
	case slices.Contains(commonWords, plainWord(m[2])):
		p.wrong(line.offset(0), "unknown-key", "no line begins with %q; did you mean %q?", m[1]+":", howCommonLine+":")
	case onlyLinks.MatchString(m[2]) && !reference.MatchString(m[1]):
		p.doubt(line.offset(0), "unknown-key", "%q is prose here; what a condition leads to is written \"Leads to:\"", m[1]+":")
	}
}

var commonWords = []string{string(AlwaysSuspect), string(Often), string(Sometimes), string(Rare)}

// plainWord is a word of the language without the emphasis, the backticks and
// the full stop that people give it, in lower case.
func plainWord(text string) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.TrimRight(strings.Trim(text, "*_`"+whiteSpace), "*_`.,;"+whiteSpace)), " "))
}

func (p *parser) howCommon(c *Condition, value located) {
	word := plainWord(value.text)
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

// leadsTo reads the links below a node that stand between two offsets of the
// file, and reports whether there is any.
func (p *parser) leadsTo(c *Condition, node ast.Node, first, last int) (found bool) {
	// The walk has no error of its own.
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
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
	return found
}

var (
	signHead = regexp.MustCompile(`(?im)^[ \t>*+-]*\|?[ \t]*[*_` + "`" + `]*sign[*_` + "`" + `]*[ \t]*\|[ \t]*[*_` + "`" + `]*weight\b`)
	anyEdge  = regexp.MustCompile(`(?im)^[ \t>*+-]*[*_]{0,3}(?:leads[ \t]+to|how[ \t]+common)[*_]{0,3}[ \t]*:`)
)

// unseen reports machine parts in a block that is Markdown of another kind: a
// person would take them for working. What is commented out is not meant.
func (p *parser) unseen(b *block) {
	if b.kind == heading || b.kind == table || b.kind == fence {
		return
	}
	raw := string(p.text[b.start:b.stop])
	if strings.HasPrefix(strings.TrimSpace(raw), "<!--") {
		return
	}
	if m := signHead.FindStringIndex(raw); m != nil {
		at := b.start + m[1] - len(strings.TrimLeft(raw[m[0]:m[1]], " \t>*+-"))
		if b.kind == paragraph {
			p.wrong(at, "table", "this is no table: below the line sign, weight, means comes a line |---|---|---|")
		} else {
			p.wrong(at, "misplaced", "this sign table stands inside of a list, a quote, HTML or code, where nothing reads it: move it to the margin")
		}
		return
	}
	if b.kind == paragraph {
		if boldRemedy.MatchString(strings.TrimSpace(raw)) {
			p.wrong(b.at, "misplaced", "this is bold text, which nothing reads; a remedy is a heading: #### Mitigate: end the lost sessions")
		}
		return
	}
	if m := anyEdge.FindStringIndex(raw); m != nil {
		at := b.start + m[1] - len(strings.TrimLeft(raw[m[0]:m[1]], " \t>*+-"))
		p.wrong(at, "misplaced", "this line stands inside of a list, a quote, HTML or code, where nothing reads it: move it to the margin")
	}
}
