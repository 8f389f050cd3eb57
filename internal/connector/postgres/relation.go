package postgres

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/action"
)

// relation is a table or an index by its full name.
type relation struct{ schema, name string }

// quoted is the name as it stands in a statement.
func (r relation) quoted() string { return quoteName(r.schema) + "." + quoteName(r.name) }

func (r relation) String() string { return quoteIdent(r.schema) + "." + quoteIdent(r.name) }

// relationOf reads a full name as SQL writes it: public.orders, "Odd"."Name". A
// bare name could be another table tomorrow, when the search path has changed.
func relationOf(text, noun string) (relation, error) {
	tokens, syntax := lex(text)
	if syntax != nil {
		return relation{}, action.Refuse("", "%s %q: %s", noun, text, syntax.text)
	}
	if len(tokens) != 3 || !tokens[0].name() || !tokens[1].is(punct, ".") || !tokens[2].name() {
		return relation{}, action.Refuse("", "%s %q: write it with its schema, as in public.orders", noun, text)
	}
	return relation{tokens[0].text, tokens[2].text}, nil
}

// where is the condition on pg_class c and pg_namespace n for one relation.
func (r relation) where() string {
	return fmt.Sprintf("n.nspname = %s AND c.relname = %s", quoteText(r.schema), quoteText(r.name))
}

// mayMaintain is whether our role may vacuum and analyze the table c of the
// database d: the server only warns and goes on where it may not.
const mayMaintain = `pg_has_role(c.relowner, 'USAGE') OR pg_has_role(d.datdba, 'USAGE') AND NOT c.relisshared
       OR CASE WHEN current_setting('server_version_num')::int >= 170000 THEN has_table_privilege(c.oid, 'MAINTAIN') ELSE false END`

// find reads one row about a relation; columns may use c (pg_class), n
// (pg_namespace) and d (pg_database). It refuses a relation that is not there.
func (r relation) find(ctx context.Context, ask asker, noun, columns, joins string) (map[string]any, error) {
	found, err := r.findAny(ctx, ask, columns, joins)
	if err == nil && len(found) == 0 {
		return nil, action.Refuse("", "there is no %s %s in this database", noun, r)
	}
	return found, err
}

// findAny is find for a relation that may be missing: then the row is empty.
func (r relation) findAny(ctx context.Context, ask asker, columns, joins string) (map[string]any, error) {
	found, err := ask(ctx, fmt.Sprintf(`SELECT c.oid, c.relkind::text AS kind, c.relpages::float8 * 8192 AS bytes, pg_is_in_recovery() AS standby, %s
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_database d ON d.datname = current_database() %s WHERE %s`, columns, joins, r.where()))
	if err != nil {
		return nil, err
	}
	return found.first(), nil
}

// notOnStandby refuses to change data where the server takes no changes.
func notOnStandby(row map[string]any) error {
	if truth(row, "standby") {
		return action.Refuse("use the target of the primary", "the server is a standby: it takes no changes")
	}
	return nil
}

// bytesText is a size by the planner's count, rounded: asking for the size of
// the file itself waits for locks.
func bytesText(bytes float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if bytes < 1024 {
			return fmt.Sprintf("%.0f %s", bytes, unit)
		}
		bytes /= 1024
	}
	return fmt.Sprintf("%.1f TB", bytes)
}
