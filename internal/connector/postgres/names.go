package postgres

import "sort"

// mentions are the names that texts of SQL contain, by the part they may play.
// They say too much rather than too little: a name that could be a function,
// a relation or a type is looked up as each of these.
type mentions struct {
	calls     map[call]bool // followed by a bracket, or behind a dot: t.f is f(t) where f takes a row
	names     map[string]bool
	operators map[string]bool
}

// call is a possible call of a function. schema is "" where none is written.
type call struct {
	schema, name string
	row          bool // written like a column: only functions that take a row fit
}

// implied are operators that stand in a query without being written: IN,
// BETWEEN, LIKE, CASE x WHEN, ordering and grouping.
var implied = []string{"=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~", "||"}

func newMentions() mentions {
	m := mentions{calls: map[call]bool{}, names: map[string]bool{}, operators: map[string]bool{}}
	for _, o := range implied {
		m.operators[o] = true
	}
	return m
}

func (m mentions) add(tokens []token) {
	for i, t := range tokens {
		switch {
		case t.kind == op:
			m.operators[t.text] = true
			if t.text == "!=" { // the server's parser turns one into the other
				m.operators["<>"] = true
			}
		case t.name():
			m.addName(tokens, i)
		}
	}
}

func (m mentions) addName(tokens []token, i int) {
	t := tokens[i]
	m.names[t.text] = true
	behindDot := i > 0 && tokens[i-1].is(punct, ".")
	schema := ""
	if behindDot && i > 1 && tokens[i-2].name() {
		schema = tokens[i-2].text
	}
	switch called := next(tokens, i).is(punct, "("); {
	case called && i > 0 && tokens[i-1].is(word, "tablesample"):
	case called && behindDot && schema == "":
		// (row).f( is no syntax that the server has; looked up all the same.
		m.calls[call{name: t.text}] = true
	case called:
		m.calls[call{schema: schema, name: t.text}] = true
	case behindDot:
		m.calls[call{name: t.text, row: true}] = true
	}
}

func sortedNames(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for name := range set {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

func sortedCalls(set map[call]bool) []call {
	out := make([]call, 0, len(set))
	for c := range set {
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.schema != b.schema {
			return a.schema < b.schema
		}
		if a.name != b.name {
			return a.name < b.name
		}
		return !a.row && b.row
	})
	return out
}
