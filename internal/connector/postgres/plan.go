package postgres

import "strings"

// scan is a place in a plan where a table is read from end to end although
// only few of its rows are wanted.
type scan struct {
	schema, table, alias string
	condition            string // what the rows must satisfy, or the order wanted
	rows                 float64
	sorted               bool // the condition is an order, for the first rows only
	walked               bool // in the order of an index that does not know the condition
}

// scansOf walks a plan in JSON and returns its whole-table scans that have a
// reason to be an index scan: a filter on the scan itself, a join that needs
// few of its rows, or the first rows of an order. An index that is walked from
// its end, past all rows that a filter drops, is a whole-table scan too.
func scansOf(node map[string]any) []scan { return planWalk(node, nil) }

func planWalk(node map[string]any, above []map[string]any) []scan {
	var out []scan
	switch str(node, "Node Type") {
	case "Seq Scan":
		if s, ok := scanAt(node, above); ok {
			out = append(out, s)
		}
	case "Index Scan", "Index Only Scan":
		if str(node, "Index Cond") == "" && str(node, "Filter") != "" {
			if s, ok := scanAt(node, above); ok {
				s.walked = true
				out = append(out, s)
			}
		}
	}
	children, _ := node["Plans"].([]any)
	for _, c := range children {
		if child, ok := c.(map[string]any); ok {
			out = append(out, planWalk(child, append(above[:len(above):len(above)], node))...)
		}
	}
	return out
}

func scanAt(node map[string]any, above []map[string]any) (scan, bool) {
	s := scan{schema: str(node, "Schema"), table: str(node, "Relation Name"), alias: str(node, "Alias"), rows: num(node, "Plan Rows")}
	if truth(node, "Parallel Aware") {
		s.rows *= 2.4 // two workers, and a leader that does less: how the planner divides
	}
	if filter := str(node, "Filter"); filter != "" {
		s.condition = filter
		return s, true
	}
	for i := len(above) - 1; i >= 0; i-- {
		switch kind := str(above[i], "Node Type"); kind {
		case "Hash", "Gather", "Gather Merge", "Materialize":
			continue
		case "Hash Join", "Merge Join":
			s.condition = str(above[i], "Hash Cond") + str(above[i], "Merge Cond")
			// An index is worth a look-up for each row of the other side, where those meet few rows.
			s.rows = min(s.rows, max(otherSide(above[i], s.table), num(above[i], "Plan Rows")))
			return s, s.condition != ""
		case "Sort", "Incremental Sort":
			rows, limited := firstRows(above[:i])
			s.rows = rows
			keys, _ := above[i]["Sort Key"].([]any)
			var texts []string
			for _, k := range keys {
				if text, ok := k.(string); ok {
					texts = append(texts, text)
				}
			}
			s.condition, s.sorted = strings.Join(texts, ", "), true
			return s, limited && s.condition != ""
		}
		return s, false
	}
	return s, false
}

// firstRows is how many rows a LIMIT right above wants. An OFFSET without a
// LIMIT is a Limit node too, one that wants nearly all rows.
func firstRows(above []map[string]any) (rows float64, limited bool) {
	for j := len(above) - 1; j >= 0; j-- {
		switch str(above[j], "Node Type") {
		case "Limit":
			return num(above[j], "Plan Rows"), true
		case "Gather Merge":
		default:
			return 0, false
		}
	}
	return 0, false
}

// otherSide is how many rows the other input of a join is expected to give.
func otherSide(join map[string]any, table string) float64 {
	children, _ := join["Plans"].([]any)
	for _, c := range children {
		if child, ok := c.(map[string]any); ok && !reads(child, table) {
			return num(child, "Plan Rows")
		}
	}
	return num(join, "Plan Rows")
}

func reads(node map[string]any, table string) bool {
	if str(node, "Relation Name") == table {
		return true
	}
	children, _ := node["Plans"].([]any)
	for _, c := range children {
		if child, ok := c.(map[string]any); ok && reads(child, table) {
			return true
		}
	}
	return false
}

// wanted are the columns that a condition looks at.
type wanted struct {
	equal, ordered []string // compared with =, and with anything that has an order
	pattern        []string // compared by pattern: an ordinary index does not help
	inside         []string // inside of a function call: an index on the expression would be needed
	either         bool     // the condition has an OR
}

// notCalls are words that stand before a bracket without calling anything.
var notCalls = map[string]bool{"and": true, "or": true, "not": true, "any": true, "all": true, "in": true,
	"case": true, "when": true, "then": true, "else": true, "like": true, "array": true, "is": true, "between": true}

// columnsOf reads a condition as EXPLAIN prints it. Only names that are columns
// of the table count, and only with the table's alias where one is written.
func columnsOf(condition, alias string, columns map[string]bool, sorted bool) wanted {
	tokens, err := lex(condition)
	var w wanted
	if err != nil {
		return w
	}
	var calls []bool // for each open bracket: does it belong to a call
	within := func() bool {
		for _, c := range calls {
			if c {
				return true
			}
		}
		return false
	}
	for i, t := range tokens {
		switch {
		case t.is(punct, "("):
			calls = append(calls, i > 0 && tokens[i-1].name() && !notCalls[tokens[i-1].text])
		case t.is(punct, ")") && len(calls) > 0:
			calls = calls[:len(calls)-1]
		case t.is(word, "or"):
			w.either = true
		case t.name() && columns[t.text] && !next(tokens, i).is(punct, ".") && !next(tokens, i).is(punct, "("):
			if i > 1 && tokens[i-1].is(punct, ".") && tokens[i-2].name() && tokens[i-2].text != alias {
				continue
			}
			if i > 0 && tokens[i-1].is(punct, ":") { // a type in a cast: ::date
				continue
			}
			w.place(t.text, compared(tokens, i), within(), sorted)
		}
	}
	return w
}

func (w *wanted) place(column, operator string, inside, sorted bool) {
	into := &w.ordered
	switch {
	case inside:
		into = &w.inside
	case operator == "=" && !sorted:
		into = &w.equal
	case strings.Contains(operator, "~"):
		into = &w.pattern
	}
	for _, known := range *into {
		if known == column {
			return
		}
	}
	*into = append(*into, column)
}

// compared is the operator that a column is compared with: the next one behind
// its brackets and casts, else the one before it.
func compared(tokens []token, i int) string {
	for j := i + 1; j < len(tokens) && j < i+8; j++ {
		switch t := tokens[j]; {
		case t.kind == op:
			return t.text
		case t.is(word, "and"), t.is(word, "or"):
			j = len(tokens)
		}
	}
	for j := i - 1; j >= 0 && j > i-4; j-- {
		if tokens[j].kind == op {
			return tokens[j].text
		}
	}
	return ""
}
