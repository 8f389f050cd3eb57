package postgres

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// indexDDL is a CREATE INDEX CONCURRENTLY statement, taken apart as far as is
// needed to know what it makes, and put together again by us: nothing else can
// ride along.
type indexDDL struct {
	unique bool
	name   string
	table  relation
	rest   string // from USING or the bracket on, as it was written
	tokens []string
	// columns are those of an index on plain columns and nothing more; nil for
	// any other.
	columns []string
	method  string
}

// indexRefusal is a statement that is not one CREATE INDEX CONCURRENTLY.
func indexRefusal(format string, args ...any) error {
	return action.Refuse("it reads CREATE [UNIQUE] INDEX CONCURRENTLY [name] ON schema.table (…)", "ddl: "+format, args...)
}

// parseIndexDDL reads a statement, and names the index where it does not.
func parseIndexDDL(ddl string) (indexDDL, error) {
	tokens, syntax := lex(ddl)
	if syntax != nil {
		return indexDDL{}, indexRefusal("%s", syntax.text)
	}
	for len(tokens) > 0 && tokens[len(tokens)-1].is(punct, ";") {
		tokens = tokens[:len(tokens)-1]
	}
	for _, t := range tokens {
		if t.is(punct, ";") || t.kind == param {
			return indexDDL{}, indexRefusal("one statement without parameters is wanted, and there is %s", t.text)
		}
	}
	p := ddlParser{ddl: ddl, tokens: tokens}
	return p.parse()
}

// ddlParser takes tokens from the front.
type ddlParser struct {
	ddl    string
	tokens []token
	at     int
}

func (p *ddlParser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{kind: punct}
}

// words takes the given words, if all of them come next.
func (p *ddlParser) words(words ...string) bool {
	for i, w := range words {
		if p.at+i >= len(p.tokens) || !p.tokens[p.at+i].is(word, w) {
			return false
		}
	}
	p.at += len(words)
	return true
}

func (p *ddlParser) parse() (indexDDL, error) {
	var d indexDDL
	if !p.words("create") {
		return d, indexRefusal("it does not begin with CREATE")
	}
	d.unique = p.words("unique")
	if !p.words("index") {
		return d, indexRefusal("it makes no index")
	}
	if !p.words("concurrently") {
		return d, indexRefusal("it does not say CONCURRENTLY, so that writers would wait for it")
	}
	p.words("if", "not", "exists") // we look ourselves: an invalid index of that name exists too
	if t := p.peek(); t.name() && !t.is(word, "on") {
		d.name = t.text
		p.at++
	}
	if !p.words("on") {
		return d, indexRefusal("ON and the table are missing")
	}
	var err error
	if d.table, err = p.table(); err != nil {
		return d, err
	}
	if t := p.peek(); !t.is(punct, "(") && !t.is(word, "using") {
		return d, indexRefusal("the columns are missing")
	}
	p.body(&d)
	if d.name == "" {
		d.name = p.chosenName(d)
	}
	return d, nil
}

func (p *ddlParser) table() (relation, error) {
	var parts []string
	for ; p.at < len(p.tokens); p.at += 2 {
		if !p.tokens[p.at].name() {
			break
		}
		parts = append(parts, p.tokens[p.at].text)
		if !next(p.tokens, p.at).is(punct, ".") {
			p.at++
			break
		}
	}
	if len(parts) != 2 {
		return relation{}, indexRefusal("write the table with its schema, as in public.orders")
	}
	return relation{parts[0], parts[1]}, nil
}

// body keeps what follows the table.
func (p *ddlParser) body(d *indexDDL) {
	rest := p.tokens[p.at:]
	d.rest = p.ddl[rest[0].at:rest[len(rest)-1].end]
	for _, t := range rest {
		d.tokens = append(d.tokens, plainToken(p.ddl, t))
	}
	d.method = "btree"
	if rest[0].is(word, "using") && len(rest) > 2 {
		d.method, rest = rest[1].text, rest[2:]
	}
	d.columns = plainColumns(rest)
}

// plainToken is a token as it is compared: names without needless quotes,
// constants as they were written.
func plainToken(ddl string, t token) string {
	if t.name() {
		return quoteIdent(t.text)
	}
	return ddl[t.at:t.end]
}

// plainColumns are the names between the brackets, if that is all there is.
func plainColumns(tokens []token) []string {
	var out []string
	for i, t := range tokens {
		switch {
		case i == 0 && t.is(punct, "("), i == len(tokens)-1 && i%2 == 0 && t.is(punct, ")"):
		case i%2 == 1 && t.name():
			out = append(out, t.text)
		case i%2 == 0 && t.is(punct, ","):
		default:
			return nil
		}
	}
	return out
}

// chosenName names an index as the server would, from the table and the names
// in its first brackets. We choose it, so that we know what to look for if we
// are killed while it is built.
func (p *ddlParser) chosenName(d indexDDL) string {
	parts := []string{d.table.name}
	depth := 0
	for _, t := range p.tokens[p.at:] {
		switch {
		case t.is(punct, "("):
			depth++
		case t.is(punct, ")"):
			depth--
		case depth > 0 && t.name():
			parts = append(parts, t.text)
		}
		if depth == 0 && len(parts) > 1 {
			break
		}
	}
	name := strings.Join(append(parts, "idx"), "_")
	if len(name) > maxName {
		h := fnv.New32a()
		_, _ = h.Write([]byte(name))
		name = fmt.Sprintf("%.*s_%08x_idx", maxName-13, name, h.Sum32())
	}
	return strings.ToValidUTF8(name, "_")
}

// statement is what is sent.
func (d indexDDL) statement() string {
	unique := ""
	if d.unique {
		unique = "UNIQUE "
	}
	return fmt.Sprintf("CREATE %sINDEX CONCURRENTLY %s ON %s %s", unique, quoteName(d.name), d.table.quoted(), d.rest)
}

// index is the index by its full name: it lies in the schema of its table.
func (d indexDDL) index() relation { return relation{d.table.schema, d.name} }

// compares says whether an index that is there is the one that the statement
// makes. Expressions and conditions are written by the server in another form
// than they were given; then told is false, unless they agree word for word.
func (d indexDDL) compares(x indexState) (same, told bool) {
	if d.unique != x.unique || d.method != x.method {
		return false, true
	}
	there, err := parseIndexDDL(concurrently(x.definition))
	if err != nil {
		return false, false
	}
	if slices.Equal(there.bodyTokens(), d.bodyTokens()) {
		return true, true
	}
	if d.columns != nil {
		return slices.Equal(d.columns, there.columns), true
	}
	return false, false
}

// bodyTokens leaves out USING btree, which goes without saying.
func (d indexDDL) bodyTokens() []string {
	if len(d.tokens) > 2 && d.tokens[0] == "using" && d.tokens[1] == "btree" {
		return d.tokens[2:]
	}
	return d.tokens
}

// concurrently turns the server's own definition of an index into a statement
// that lets writers go on.
func concurrently(definition string) string {
	for _, begin := range []string{"CREATE INDEX ", "CREATE UNIQUE INDEX "} {
		if rest, ok := strings.CutPrefix(definition, begin); ok {
			return begin + "CONCURRENTLY " + rest
		}
	}
	return definition
}
