package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// asSelect turns a statement into a question that finds the same rows: a
// SELECT stays, UPDATE t … WHERE c and DELETE FROM t WHERE c become SELECT 1
// FROM t WHERE c. ok is false for what has no such form.
func asSelect(query string) (string, bool) {
	tokens, err := lex(query)
	tokens = trimSemicolon(tokens)
	if err != nil || len(tokens) == 0 || tokens[0].kind != word {
		return "", false
	}
	end := tokens[len(tokens)-1].end
	switch tokens[0].text {
	case "select", "with", "values", "table":
		return query[tokens[0].at:end], true
	case "update", "delete":
	default:
		return "", false
	}
	from, set, where, returning := 0, -1, -1, -1
	if tokens[0].text == "delete" {
		from = 1 // DELETE FROM
	}
	depth := 0
	for i, t := range tokens {
		switch {
		case t.is(punct, "("):
			depth++
		case t.is(punct, ")"):
			depth--
		case depth > 0 || t.kind != word:
		case t.text == "set" && set < 0:
			set = i
		case t.text == "where" && where < 0:
			where = i
		case t.text == "returning":
			returning = i
		case t.text == "using", t.text == "from" && i > 1, t.text == "current":
			return "", false // several tables, or a cursor
		}
	}
	tableEnd := where
	if tokens[0].text == "update" {
		tableEnd = set
	}
	if where < 0 || tableEnd <= from+1 {
		return "", false
	}
	if returning > 0 {
		end = tokens[returning-1].end
	}
	table := query[tokens[from+1].at:tokens[tableEnd-1].end]
	return "SELECT 1 FROM " + table + " " + query[tokens[where].at:end], true
}

// planName is the name under which a statement is prepared for EXPLAIN.
const planName = "quell_plan"

// explainPlan asks for the plan of a statement of the application. It is never
// executed. Normalised statements have $1 where constants were: they are
// prepared, and the plan for any value is asked for.
func (t *Target) explainPlan(ctx context.Context, query string) (map[string]any, error) {
	tokens, syntax := lex(query)
	if syntax != nil {
		return nil, refuse("%s", syntax.text)
	}
	if p := readonlyStatement(tokens); p != nil {
		return nil, refuse("%s", p.text)
	}
	params, used := 0, map[int]bool{}
	for _, tok := range tokens {
		if tok.kind == param {
			var n int
			if _, err := fmt.Sscanf(tok.text, "$%d", &n); err != nil || n < 1 || n > 500 {
				return nil, refuse("%s is no parameter", tok.text)
			}
			params, used[n] = max(params, n), true
		}
	}
	r, err := t.transaction(ctx, fencePath, func(ctx context.Context, s *session) (result, error) {
		if err := t.prove(ctx, s, tokens); err != nil {
			return result{}, err
		}
		if params == 0 {
			return s.exec(ctx, Mark+"EXPLAIN (FORMAT JSON, VERBOSE) "+query, t.own())
		}
		if _, err := s.exec(ctx, Mark+"PREPARE "+planName+" ("+paramTypes(params, used)+") AS "+query, t.own()); err != nil {
			return result{}, err
		}
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", params), ", ")
		r, err := s.exec(ctx, Mark+"SELECT pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true);"+
			Mark+"EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE "+planName+" ("+nulls+")", t.own())
		t.deallocate(ctx, s)
		return r, err
	})
	if err != nil {
		return nil, err
	}
	return planOf(r)
}

// deallocate forgets the prepared statement. In a transaction that has failed
// it must be rolled back first, since a prepared statement outlives it.
func (t *Target) deallocate(ctx context.Context, s *session) {
	if s.conn == nil || s.conn.IsClosed() {
		return
	}
	if s.conn.TxStatus() == 'E' {
		s.rollback(ctx)
	}
	if s.conn == nil {
		return
	}
	var pg *pgconn.PgError
	if _, err := s.conn.Exec(ctx, Mark+"DEALLOCATE "+planName).ReadAll(); err != nil && !errors.As(err, &pg) {
		s.drop(ctx)
	}
}

// paramTypes declares parameters: those that stand in the statement take the
// type that their place gives them; the others, left behind by asSelect, any.
func paramTypes(n int, used map[int]bool) string {
	types := make([]string, n)
	for i := range types {
		types[i] = "text"
		if used[i+1] {
			types[i] = "unknown"
		}
	}
	return strings.Join(types, ", ")
}

// planOf is the root of a plan in JSON.
func planOf(r result) (map[string]any, error) {
	if len(r.rows) == 1 {
		if docs, ok := r.first()["QUERY PLAN"].([]any); ok && len(docs) == 1 {
			if doc, ok := docs[0].(map[string]any); ok {
				if plan, ok := doc["Plan"].(map[string]any); ok {
					return plan, nil
				}
			}
		}
	}
	return nil, refuse("the server gave no plan")
}
