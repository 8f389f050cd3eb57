package playbook

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/expr"
)

var weights = []string{string(Decisive), string(Strong), string(Weak), string(Against), string(RulesOut)}

var signColumns = []string{"sign", "weight", "means"}

// isSignTable tells a sign table from a table for people: it has a column of
// signs where it belongs, or two of the three columns somewhere.
func (p *parser) isSignTable(b *block) bool {
	head := p.cells(b.rows[0])
	found := 0
	for i, cell := range head {
		word := plainWord(cell.text)
		if i == 0 && distance(word, "sign") <= 1 || i == 1 && distance(word, "weight") <= 1 {
			return true
		}
		if slices.ContainsFunc(signColumns, func(column string) bool { return distance(word, column) <= 1 }) {
			found++
		}
	}
	return found > 1
}

// signs reads a sign table.
func (p *parser) signs(c *Condition, b *block) {
	if !p.isSignTable(b) {
		for _, cell := range p.cells(b.rows[0]) {
			if near := closest(plainWord(cell.text), machineLines); near != "" {
				p.wrong(cell.offset(0), "table", "%q is a line of its own, not the column of a table", near+":")
				return
			}
		}
		return
	}
	head := p.cells(b.rows[0])
	for i, want := range signColumns {
		if i >= len(head) {
			p.wrong(b.rows[0], "table", "a sign table has three columns: sign, weight, means")
			return
		}
		if plainWord(head[i].text) != want {
			p.wrong(head[i].offset(0), "table", "column %d of a sign table is called %q, not %q", i+1, want, head[i].text)
			return
		}
	}
	if len(head) > 3 {
		p.wrong(head[3].offset(0), "table", "a sign table has three columns: sign, weight, means")
		return
	}
	for _, row := range b.rows[1:] {
		if len(c.Signs) == maxSigns {
			p.wrong(row, "too-many", "more than %d signs of one condition", maxSigns)
			return
		}
		p.sign(c, row)
	}
	if len(b.rows) == 1 {
		p.doubt(b.at, "empty", "this sign table has no rows")
	}
}

func (p *parser) sign(c *Condition, row int) {
	cells := p.cells(row)
	if at, broken := p.brokenBar(row, cells); broken {
		p.wrong(at, "broken-row", "a bar ends the cell here, inside of an expression: write \\|\\| for ||, or better two rows")
		return
	}
	if len(cells) != 3 {
		hint := ""
		if len(cells) > 3 {
			hint = " (a bar inside of a cell is written \\|)"
		}
		p.wrong(row, "table", "this row has %d cells; a sign has three: sign, weight, means%s", len(cells), hint)
		return
	}
	cells[0] = unemphasised(cells[0])
	spans := codeSpans(cells[0])
	if len(spans) != 1 || spans[0].start != 0 || spans[0].stop != len(cells[0].text) {
		p.wrong(cells[0].offset(0), "table", "the sign is one expression between backticks: `last(waiting) > 0`")
		return
	}
	sign := Sign{Weight: Weight(plainWord(cells[1].text)), Pos: p.pos(spans[0].code.offset(0))}
	if !slices.Contains(weights, string(sign.Weight)) {
		p.wrong(cells[1].offset(0), "unknown-weight", "no weight is called %q%s", cells[1].text, suggest(cells[1].text, weights))
	}
	if cells[2].text == "" {
		p.wrong(cells[2].offset(0), "empty", "say what the sign means when it is true")
	}
	var ok bool
	sign.Means, ok = p.template(cells[2])
	program := p.program(spans[0].code)
	if program == nil || !ok {
		return
	}
	sign.Program = program
	for _, name := range program.Reads() {
		if p.isProbe(name) || name == Changes {
			sign.Reads = append(sign.Reads, name)
		}
	}
	if slices.ContainsFunc(program.Reads(), func(name string) bool { return p.broken[name] }) {
		return // said where the name is declared
	}
	if len(sign.Reads) == 0 {
		p.wrong(spans[0].code.offset(0), "expression", "this sign reads no probe: it says nothing about the system")
		return
	}
	for _, other := range c.Signs {
		if normal(other.Program.Source()) == normal(program.Source()) {
			p.doubt(spans[0].code.offset(0), "duplicate", "the same sign stands in line %d already, and counts twice", other.Pos.Line)
		}
	}
	c.Signs = append(c.Signs, sign)
}

// unemphasised is a cell without the emphasis around all of it.
func unemphasised(cell located) located {
	for _, mark := range []string{"**", "__", "*", "_"} {
		if t := cell.text; len(t) > 2*len(mark) && strings.HasPrefix(t, mark) && strings.HasSuffix(t, mark) {
			return cell.slice(len(mark), len(t)-len(mark))
		}
	}
	return cell
}

// brokenBar recognises a row that an unescaped bar inside of an expression cut
// in pieces, and finds the bar.
func (p *parser) brokenBar(row int, cells []located) (at int, broken bool) {
	line := p.cut(row, p.lineEnd(row))
	if len(cells) <= 3 && len(cells) > 0 && strings.Count(cells[0].text, "`")%2 == 0 {
		return 0, false
	}
	open := false
	for i := range len(line.text) {
		switch line.text[i] {
		case '`':
			open = !open
		case '|':
			if open && (i == 0 || line.text[i-1] != '\\') {
				return line.offset(i), true
			}
		}
	}
	return 0, false
}

// program compiles a sign, a verification or a check; nil where it is wrong.
func (p *parser) program(code located) *expr.Program {
	program, err := p.env.CompileSign(code.text)
	if err != nil {
		p.expressionError(code, err)
		return nil
	}
	return p.checked(code, 0, program)
}

// template compiles prose with ${…}; ok is false where it is wrong.
func (p *parser) template(text located) (t expr.Template, ok bool) {
	t, err := p.env.CompileTemplate(text.text)
	if err != nil {
		p.expressionError(text, err)
		return t, false
	}
	ok = true
	from := 0
	for _, program := range t.Programs() {
		// Each hole stands behind the one before it.
		at := from + max(strings.Index(text.text[from:], "${"+program.Source()), 0) + len("${")
		from = min(at+len(program.Source()), len(text.text))
		if p.checked(text, at, program) == nil {
			ok = false
		}
	}
	return t, ok
}

func (p *parser) expressionError(text located, err error) {
	var at *expr.Error
	if !errors.As(err, &at) {
		p.wrong(text.offset(0), "expression", "%s", err)
		return
	}
	if p.broken[at.Name] {
		return
	}
	rule, hint := "expression", ""
	if at.Name != "" {
		rule, hint = "unknown-name", suggest(at.Name, p.env.Names())
		if strings.HasPrefix(at.Reason, "there is no function") {
			rule, hint = "unknown-function", ""
			// CEL places a call at its opening bracket.
			if before := max(at.Offset-len(at.Name), 0); strings.HasPrefix(text.text[min(before, len(text.text)):], at.Name+"(") {
				at.Offset = before
			}
			if there := strangers[at.Name]; there != "" {
				hint = "; write " + there
			} else if near := closest(at.Name, functionNames()); near != "" {
				hint = fmt.Sprintf("; did you mean %s()?", near)
			}
		}
	}
	here := min(max(at.Offset, 0), len(text.text))
	if m := lastNot.FindStringIndex(text.text[:here]); m != nil && syntaxTrouble.MatchString(at.Reason) {
		p.wrong(text.offset(m[0]), rule, "this cannot be read: \"not\" is not of this language; write !")
		return
	}
	if m := fieldHere.FindStringSubmatch(text.text[here:]); m != nil && strings.Contains(at.Reason, "has no fields") {
		if call := strangers[m[1]]; call != "" {
			hint = "; or " + call
		} else if slices.Contains(functionNames(), m[1]) {
			hint = "; or " + m[1] + "(x), with brackets"
		}
	}
	p.wrong(text.offset(here), rule, "%s%s", plainSyntax(at.Reason), hint)
}

var syntaxTrouble = regexp.MustCompile(`^(?:extraneous|mismatched) input '(.+?)' expecting |^(?:no viable alternative at input|token recognition error at:) '(.+?)'`)

var (
	lastNot   = regexp.MustCompile(`\b(?:not|NOT)\s+$`)
	fieldHere = regexp.MustCompile(`^\.(\w+)`)
)

// slips are words and signs of other languages, and what stands for them here.
var slips = map[string]string{
	"and": "&&", "AND": "&&", "or": "|| (in a table \\|\\|, or two rows)", "OR": "|| (in a table \\|\\|, or two rows)", "=": "==", "&": "&&",
	"=>": ">=, or exists(x, x.field > 0)", "=<": "<=", "=~": "text.matches(\"…\")", "~": "text.matches(\"…\")",
	"‘": "straight quotes", "’": "straight quotes", "“": "straight quotes", "”": "straight quotes",
	"≥": ">=", "≤": "<=", "≠": "!=",
}

// strangers are functions of other languages, and what stands for them here.
var strangers = map[string]string{
	"avg": "mean(x)", "average": "mean(x)", "len": "size(x)", "length": "size(x)", "any": "x.exists(s, …)", "some": "x.exists(s, …)",
	"every": "x.all(s, …)", "where": "x.filter(s, …)", "select": "x.map(s, …)", "includes": "x.contains(…)", "includesAny": "x.exists(s, …)",
	"regex": "x.matches(…)", "match": "x.matches(…)", "toLower": "lower(x)", "percentile": "quantile(x, 0.99)", "p99": "quantile(x, 0.99)",
	"p90": "quantile(x, 0.9)", "p50": "median(x)", "increase": "delta(x), or rate(x) of a counter", "change": "delta(x)", "newest": "last(x)",
	"exist": "x.exists(s, …)", "isNull": "x == null", "coalesce": "default(x, v)", "stddev": "a query that computes it", "now": "the name now, without brackets",
}

// plainSyntax puts the parser's words into ours.
func plainSyntax(reason string) string {
	m := syntaxTrouble.FindStringSubmatch(reason)
	word := ""
	if m != nil {
		word = strings.TrimSpace(m[1] + m[2])
	}
	switch {
	case m == nil:
		return reason
	case slips[word] != "":
		return fmt.Sprintf("this cannot be read: %q is not of this language; write %s", word, slips[word])
	case word == "<EOF>":
		return "the expression breaks off here"
	}
	return fmt.Sprintf("this cannot be read: %q does not belong here", m[1]+m[2])
}

// functionNames are the functions that a typing error may have meant: our own,
// and those of CEL that signs use.
func functionNames() []string {
	names := []string{"size", "exists", "all", "filter", "map", "has", "matches", "contains", "startsWith", "endsWith", "duration", "int", "double", "string"}
	for _, f := range expr.Functions() {
		name, _, _ := strings.Cut(f.Call, "(")
		names = append(names, name)
	}
	return names
}

// checked marks what a program reads, and refuses fields that an object does
// not have. The program stands at byte at of the text.
func (p *parser) checked(text located, at int, program *expr.Program) *expr.Program {
	for _, name := range program.Reads() {
		p.used[name] = true
	}
	fine := true
	for _, access := range program.Accesses() {
		known, ok := p.fields[access.Name]
		if !ok || len(known) == 0 || slices.Contains(known, access.Field) {
			continue
		}
		offset := text.offset(min(at+access.Offset+len("."), len(text.text)))
		what := "the answer"
		if access.Row {
			what = "a row"
		}
		p.wrong(offset, "unknown-field", "%s of %s has no field %q%s", what, access.Name, access.Field, suggest(access.Field, known))
		fine = false
	}
	if !fine {
		return nil
	}
	return program
}

// normal is an expression without the white space outside of its strings.
func normal(source string) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(source); i++ {
		c := source[i]
		switch {
		case quote != 0 && c == '\\' && i+1 < len(source):
			b.WriteByte(c)
			i++
			c = source[i]
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && strings.IndexByte(whiteSpace, c) >= 0:
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
