package postgres

import (
	"context"
	"sort"
	"strings"
)

// fromText looks at a statement that our role may not explain (it needs SELECT
// on the tables for that). What is left is its text: a big table that it names,
// and no index that begins with a column it compares. That is a good reason,
// and no proof.
func (f *finder) fromText(ctx context.Context, s statement, query string) error {
	tokens, syntax := lex(query)
	if syntax != nil {
		return nil //nolint:nilerr // a text that cannot be read tells nothing; that is no failure
	}
	names := make([]string, 0, len(f.big))
	for name := range f.big {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		table := f.big[name]
		alias, ok := aliasOf(tokens, table.name)
		if !ok || table.seqPerSecond == 0 && s.calls == 0 {
			continue
		}
		columns, indexed, err := f.describe(ctx, table)
		if err != nil {
			return err
		}
		w := columnsOf(conditionOf(query, tokens), alias, columns, false)
		wants := first(append(append([]string{}, w.equal...), first(w.ordered, 1)...), 3)
		key := name + " " + strings.Join(wants, ",")
		// Without a plan only an equality is telling, and only where no other
		// compared column has an index that the planner may be using.
		if len(w.equal) == 0 || w.either || f.done[key] || anyOf(indexed, w.equal, w.ordered) {
			continue
		}
		f.done[key], f.done[name] = true, true
		row := f.row("statement", table, wants, []any{
			"this statement compares " + strings.Join(wants, ", ") + ", and no index begins with any of the columns it compares",
			"told from the text of the statement: our role may not explain it (GRANT SELECT ON " + quoteIdent(table.schema) + "." + quoteIdent(table.name) + ", or pg_read_all_data)"})
		row["query_id"], row["query"], row["share"], row["hot"] = s.id, cut(s.query, 1000), s.share, true
		if s.calls > 0 {
			row["mean_ms"] = s.ms / s.calls
		}
		f.found = append(f.found, candidate{row: row, columns: wants, share: s.share, scans: table.seqPerSecond})
	}
	return nil
}

func anyOf(set map[string]bool, lists ...[]string) bool {
	for _, list := range lists {
		for _, name := range list {
			if set[name] {
				return true
			}
		}
	}
	return false
}

// aliasOf finds a table's name in a statement, and the name that stands for it.
func aliasOf(tokens []token, table string) (string, bool) {
	for i, t := range tokens {
		if !t.name() || t.text != table || next(tokens, i).is(punct, ".") {
			continue
		}
		j := i + 1
		if next(tokens, i).is(word, "as") {
			j++
		}
		if j < len(tokens) && tokens[j].name() && !clauseWords[tokens[j].text] {
			return tokens[j].text, true
		}
		return table, true
	}
	return "", false
}

// clauseWords may follow a table that has no alias.
var clauseWords = map[string]bool{
	"where": true, "join": true, "inner": true, "left": true, "right": true, "full": true, "cross": true, "natural": true,
	"on": true, "using": true, "group": true, "order": true, "limit": true, "offset": true, "having": true, "union": true,
	"set": true, "for": true, "tablesample": true, "window": true, "fetch": true, "except": true, "intersect": true, "lateral": true,
}

// conditionOf is what follows the first WHERE, up to the next clause.
func conditionOf(query string, tokens []token) string {
	start := -1
	for i, t := range tokens {
		switch {
		case start < 0 && t.is(word, "where") && i+1 < len(tokens):
			start = tokens[i+1].at
		case start >= 0 && t.kind == word && (t.text == "group" || t.text == "order" || t.text == "limit" || t.text == "having" || t.text == "union"):
			return query[start:t.at]
		}
	}
	if start < 0 {
		return ""
	}
	return query[start:]
}
