package playbook

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// blockKind is what a block of Markdown is to a playbook.
type blockKind int

const (
	prose blockKind = iota // anything that is not one of the others
	heading
	paragraph
	fence
	table
	list
)

// block is one block at the top level of a file. Blocks inside of quotes and
// lists are prose.
type block struct {
	kind   blockKind
	level  int    // of a heading
	title  string // of a heading, as plain text
	anchor string // of a heading
	at     int    // offset of its first character that is not white space
	start  int    // offset of its first line
	stop   int    // offset after its last line, blank lines left out
	node   ast.Node

	text located // of a heading, a paragraph
	info located // of a fence: what follows the backticks
	body located // of a fence
	open bool    // a fence that is never closed
	rows []int   // of a table: offset of each line, the delimiter row left out
}

// document is a file cut into blocks.
type document struct {
	*source
	front   located // the YAML, without the lines of dashes
	hasYAML bool
	blocks  []block
	nested  []located // what follows the backticks of fences inside of lists and quotes
}

// markdown is the dialect: CommonMark with tables and task lists, which is
// what every Markdown viewer of a code host shows.
func markdown() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.Table, extension.TaskList))
}

// readDocument cuts a file into blocks. It never fails: everything is Markdown.
func readDocument(src *source) *document {
	d := &document{source: src}
	base := d.readFront()
	root := markdown().Parser().Parse(text.NewReader(src.text[base:]))
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		if b, ok := d.block(n, base); ok {
			d.blocks = append(d.blocks, b)
		}
	}
	for i := range d.blocks {
		end := len(src.text)
		if i+1 < len(d.blocks) {
			end = d.blocks[i+1].start
		}
		trimmed := strings.TrimRight(string(src.text[d.blocks[i].start:max(end, d.blocks[i].start)]), whiteSpace)
		d.blocks[i].stop = d.blocks[i].start + len(trimmed)
	}
	return d
}

// readFront finds the YAML between two lines of dashes at the very beginning
// and returns the offset of what follows.
func (d *document) readFront() int {
	dashes := func(offset int) bool {
		return strings.TrimRight(string(d.text[offset:d.lineEnd(offset)]), " \t") == "---"
	}
	if len(d.text) == d.mark() || !dashes(d.mark()) {
		return d.mark()
	}
	start := d.nextLine(d.mark())
	for at := start; at < len(d.text); at = d.nextLine(at) {
		if dashes(at) {
			d.front, d.hasYAML = d.cut(start, at), true
			return d.nextLine(at)
		}
	}
	return d.mark()
}

func (d *document) block(n ast.Node, base int) (block, bool) {
	b := block{node: n, at: n.Pos() + base}
	switch n := n.(type) {
	case *ast.Heading:
		b.kind, b.level = heading, n.Level
		b.title = plainText(n, d.text[base:])
		b.text = d.cut(b.at, b.at)
		if n.Lines().Len() > 0 {
			first, last := n.Lines().At(0), n.Lines().At(n.Lines().Len()-1)
			b.text = d.cut(first.Start+base, last.Stop+base).trim()
		}
	case *ast.Paragraph:
		if n.Lines().Len() == 0 {
			return b, false
		}
		b.kind = paragraph
		first, last := n.Lines().At(0), n.Lines().At(n.Lines().Len()-1)
		b.at = first.Start + base
		b.text = d.cut(b.at, last.Stop+base).trim()
	case *ast.FencedCodeBlock:
		b.kind = fence
		d.fence(&b, n, base)
	case *east.Table:
		b.kind = table
		for row := n.FirstChild(); row != nil; row = row.NextSibling() {
			b.rows = append(b.rows, row.Pos()+base)
		}
		if len(b.rows) == 0 {
			return b, false
		}
		b.at = b.rows[0]
	case *ast.List:
		b.kind = list
		d.findNested(n, base)
	default:
		if n.Pos() < 0 {
			return b, false
		}
		d.findNested(n, base)
	}
	b.start = d.lineStart(b.at)
	return b, true
}

func (d *document) fence(b *block, n *ast.FencedCodeBlock, base int) {
	if n.Info != nil {
		b.info = d.cut(n.Info.Segment.Start+base, n.Info.Segment.Stop+base)
	} else {
		b.info = d.cut(b.at, b.at)
	}
	next := d.nextLine(b.at)
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.body.add(strings.Repeat(" ", line.Padding)+string(d.text[line.Start+base:line.Stop+base]), line.Start+base-line.Padding)
		next = d.nextLine(line.Start + base)
	}
	if len(b.body.runs) == 0 {
		b.body = d.cut(next, next)
	}
	closing := strings.TrimSpace(string(d.text[min(next, len(d.text)):d.lineEnd(next)]))
	b.open = !strings.HasPrefix(closing, "```") && !strings.HasPrefix(closing, "~~~")
}

// findNested remembers fences that stand inside of a list or a quote.
func (d *document) findNested(n ast.Node, base int) {
	// The walk has no error of its own.
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if f, ok := n.(*ast.FencedCodeBlock); ok && entering && f.Info != nil {
			d.nested = append(d.nested, d.cut(f.Info.Segment.Start+base, f.Info.Segment.Stop+base))
		}
		return ast.WalkContinue, nil
	})
}

// plainText is the text of a node as a reader sees it.
func plainText(n ast.Node, text []byte) string {
	return textOf(n, text, func(code []byte) []byte { return code })
}

// taskText is plainText as a template: between backticks ${…} is the shell's.
func taskText(n ast.Node, text []byte) string {
	return textOf(n, text, func(code []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(code, []byte("$${"), []byte("${")), []byte("${"), []byte("$${"))
	})
}

func textOf(n ast.Node, text []byte, code func([]byte) []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			value := n.Segment.Value(text)
			if n.Parent() != nil && n.Parent().Kind() == ast.KindCodeSpan {
				value = code(value)
			} else {
				value = util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(value)))
			}
			b.Write(value)
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.Label(text))
		}
		return ast.WalkContinue, nil
	})
	return strings.TrimSpace(b.String())
}

// cells splits a row of a table at its bars. A bar behind a backslash does not
// end a cell, and loses the backslash.
func (d *document) cells(offset int) []located {
	line := d.cut(offset, d.lineEnd(offset)).trim()
	text := line.text
	i, limit := 0, len(text)
	if strings.HasPrefix(text, "|") {
		i = 1
	}
	if limit > i && text[limit-1] == '|' && (limit < 2 || text[limit-2] != '\\') {
		limit--
	}
	var cells []located
	cell := located{}
	from := i
	flush := func(to int) {
		cell.add(text[from:to], line.offset(from))
		if len(cell.runs) == 0 {
			cell.runs = []run{{0, line.offset(from)}}
		}
		cells = append(cells, cell.trim())
		cell = located{}
	}
	for ; i < limit; i++ {
		switch {
		case text[i] != '|':
		case i > 0 && text[i-1] == '\\':
			cell.add(text[from:i-1], line.offset(from))
			from = i
		default:
			flush(i)
			from = i + 1
		}
	}
	flush(max(from, limit))
	return cells
}
