package playbook

import (
	"errors"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// edit replaces the bytes from start to stop.
type edit struct {
	start, stop int
	text        string
}

// Format returns a playbook with its machine parts in canonical form; prose,
// front matter and the bodies of fences stay as they are, byte for byte. What
// cannot be understood stays too: Format never makes a file worse, and
// formatting twice is formatting once. It fails for what is no text.
//
// Canonical are: one space between the words of a fence's first line; sign
// tables with one space around each cell and no padding (a changed sign then
// changes one line of a diff, and expressions are too long to be aligned);
// weights and `How common` in lower case; single spaces in `Verify within`,
// `Leads to` and `How common`.
func Format(text []byte) ([]byte, error) {
	p := &parser{document: &document{source: newSource("", text)}, book: &Playbook{}, headings: map[string]headingAt{}, count: map[Severity]int{}}
	if !p.readable() {
		return nil, errors.New(p.findings[0].Text)
	}
	p.document = readDocument(p.source)
	p.anchorHeadings()
	var edits []edit
	for _, s := range p.sections() {
		edits = append(edits, p.formatSection(s)...)
	}
	slices.SortFunc(edits, func(a, b edit) int { return a.start - b.start })
	out := make([]byte, 0, len(text))
	from := 0
	for _, e := range edits {
		if e.start < from {
			continue
		}
		out = append(append(out, text[from:e.start]...), e.text...)
		from = e.stop
	}
	return append(out, text[from:]...), nil
}

func (p *parser) formatSection(s section) []edit {
	var edits []edit
	inCondition := false
	remedy := false
	for i := range s.blocks {
		b := &s.blocks[i]
		conditions := s.name == symptomsSection || s.name == causesSection
		switch {
		case b.kind == heading && b.level == 3:
			inCondition, remedy = conditions, false
		case b.kind == heading && b.level == 4:
			remedy = inCondition && remedyHeading.MatchString(b.title)
		case b.kind == fence && s.name == evidenceSection:
			edits = append(edits, p.formatInfo(b, func(i info) bool {
				return i.hasRole() && (len(i.words) == 1 || len(i.words) == 2 && i.lang.text == probeLanguage)
			})...)
		case b.kind == fence && remedy:
			edits = append(edits, p.formatInfo(b, func(i info) bool { return i.lang.text == actionLanguage && i.hasRole() && len(i.words) == 1 })...)
		case b.kind == table && inCondition && !remedy:
			edits = append(edits, p.formatTable(b)...)
		case b.kind == paragraph && remedy:
			edits = append(edits, p.formatVerify(b)...)
		case b.kind == paragraph && inCondition:
			edits = append(edits, p.formatEdges(b)...)
		}
	}
	return edits
}

func (p *parser) formatInfo(b *block, machine func(info) bool) []edit {
	in := readInfo(b.info)
	if !machine(in) || len(in.stray) > 0 || strings.Count(b.info.text, `"`)%2 != 0 || in.lang.text == "" {
		return nil
	}
	for _, o := range in.options {
		if strings.Contains(o.value.text, `"`) {
			return nil
		}
	}
	start := b.info.offset(0)
	// White space between the backticks and the language goes too.
	from := start
	for from > 0 && (p.text[from-1] == ' ' || p.text[from-1] == '\t') {
		from--
	}
	// Only where it behaves the same when read again.
	if written := in.written(); sameInfo(readInfo(located{text: written}), in) {
		return []edit{{from, p.lineEnd(start), written}}
	}
	return nil
}

func sameInfo(a, b info) bool {
	same := func(x, y located) bool { return x.text == y.text }
	return same(a.lang, b.lang) && same(a.role, b.role) &&
		slices.EqualFunc(a.words, b.words, same) &&
		slices.EqualFunc(a.options, b.options, func(x, y option) bool { return same(x.key, y.key) && same(x.value, y.value) })
}

// formatTable rewrites a sign table, when each of its rows has three cells.
func (p *parser) formatTable(b *block) []edit {
	head := p.cells(b.rows[0])
	if len(head) != len(signColumns) {
		return nil
	}
	for i, cell := range head {
		if plainWord(cell.text) != signColumns[i] {
			return nil
		}
	}
	delimiter := p.nextLine(b.rows[0])
	edits := []edit{p.line(b.rows[0], "| sign | weight | means |")}
	marks := p.cells(delimiter)
	if len(marks) != 3 {
		return nil
	}
	rule := "|"
	for _, m := range marks {
		cell := "---"
		if strings.HasPrefix(m.text, ":") {
			cell = ":--"
		}
		if strings.HasSuffix(m.text, ":") {
			cell = cell[:2] + ":"
		}
		rule += cell + "|"
	}
	edits = append(edits, p.line(delimiter, rule))
	for _, row := range b.rows[1:] {
		cells := p.cells(row)
		if _, broken := p.brokenBar(row, cells); broken || len(cells) != 3 {
			return nil
		}
		written := "|"
		for i, c := range cells {
			text := p.rawCell(c)
			if word := plainWord(text); i == 1 && slices.Contains(weights, word) {
				text = word
			}
			written += " " + text
			if text != "" {
				written += " "
			}
			written += "|"
		}
		edits = append(edits, p.line(row, written))
	}
	return edits
}

// rawCell is a cell as it stands in the file, with its backslashes.
func (p *parser) rawCell(c located) string {
	if c.text == "" {
		return ""
	}
	return string(p.text[c.offset(0) : c.offset(len(c.text)-1)+1])
}

// line replaces a line from its first character that is not white space.
func (p *parser) line(offset int, text string) edit {
	start := p.lineStart(offset)
	end := p.lineEnd(offset)
	for start < end && p.text[start] == ' ' {
		start++
	}
	return edit{start, end, text}
}

func (p *parser) formatVerify(b *block) []edit {
	at := verifyWord.FindStringIndex(b.text.text)
	if at == nil {
		return nil
	}
	text := b.text.slice(at[0], len(b.text.text))
	m := verifyLine.FindStringSubmatchIndex(text.text)
	if m == nil || m[1] == len(text.text) || strings.ContainsAny(text.text[:m[1]], "\r\n") || strings.ContainsAny(text.text[m[2]:m[3]], " \t") {
		return nil
	}
	return []edit{{text.offset(0), text.offset(m[1]), "Verify within " + text.text[m[2]:m[3]] + ": "}}
}

// formatEdges writes `Leads to: ` and `How common: ` plainly, and the word of
// the latter in lower case.
func (p *parser) formatEdges(b *block) []edit {
	if _, ok := b.node.(*ast.Paragraph); !ok {
		return nil
	}
	var edits []edit
	for start := 0; start < len(b.text.text); {
		end := start + strings.IndexByte(b.text.text[start:]+"\n", '\n')
		line := b.text.slice(start, end)
		line = line.slice(0, len(strings.TrimRight(line.text, whiteSpace)))
		start = end + 1
		indent := len(line.text) - len(strings.TrimLeft(line.text, " \t"))
		word, value := edgeWord(line.text[indent:])
		if rest := strings.TrimLeft(line.text[min(indent+value, len(line.text)):], " \t"); word != "" && rest != "" {
			if plain := plainWord(rest); word == howCommonLine && slices.Contains(commonWords, plain) {
				rest = plain
			}
			edits = append(edits, edit{line.offset(indent), line.offset(0) + len(line.text), word + ": " + rest})
		}
	}
	return edits
}
