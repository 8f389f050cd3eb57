package postgres

import (
	"context"
	"fmt"
	"strings"
)

// refusedError is a statement that is not proved to be read-only.
type refusedError struct{ reason, hint string }

func (e *refusedError) Error() string { return e.reason }

func refuse(format string, args ...any) error {
	return &refusedError{reason: fmt.Sprintf(format, args...)}
}

// prove checks a statement against the database it is about to run in, inside
// the transaction it will run in. The statement has passed readonlyStatement.
// What it may reach is worked out from the catalog: every function by each name
// in it, through views, row policies, inheritance, columns' types, operators
// and casts. All of these must be the system's own and free of effects, or be
// vouched for.
func (t *Target) prove(ctx context.Context, s *session, tokens []token) error {
	m := newMentions()
	m.add(tokens)
	reach, err := t.reach(ctx, s, m)
	if err != nil {
		return err
	}
	var relations, types []string
	for _, row := range reach {
		switch kind := str(row, "kind"); kind {
		case "relation":
			relations = append(relations, fmt.Sprint(row["oid"]))
		case "type":
			types = append(types, fmt.Sprint(row["oid"]))
		}
		if err := t.judgeReached(row, m); err != nil {
			return err
		}
	}
	return t.proveFunctions(ctx, s, m, relations, types)
}

// reachSQL finds what the names in $1 may be: relations (with what views and
// policies read behind them, and the children of parents) and types (with
// those of columns, elements, domains and ranges).
const reachSQL = `
WITH RECURSIVE rels(oid) AS (
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = ANY ($1::text[]) AND c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S')
    AND (n.nspname = ANY (current_schemas(true)) OR n.nspname = ANY ($1::text[]))
  UNION
  SELECT x.oid FROM rels r JOIN pg_class c ON c.oid = r.oid CROSS JOIN LATERAL (
    SELECT d.refobjid AS oid FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    WHERE w.ev_class = c.oid AND w.ev_type = '1'
    UNION ALL SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = c.oid
    UNION ALL SELECT d.refobjid FROM pg_policy p JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass
    WHERE p.polrelid = c.oid) x
  WHERE c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)),
types(oid) AS (
  (SELECT y.oid FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace
   WHERE y.typname = ANY ($1::text[]) AND n.nspname <> 'pg_catalog' AND (n.nspname = ANY (current_schemas(true)) OR n.nspname = ANY ($1::text[]))
   UNION SELECT a.atttypid FROM rels r JOIN pg_class c ON c.oid = r.oid JOIN pg_attribute a ON a.attrelid = c.oid
   WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace))
  UNION
  SELECT x.oid FROM types ty JOIN pg_type y ON y.oid = ty.oid CROSS JOIN LATERAL (
    SELECT y.typelem AS oid WHERE y.typelem <> 0 UNION ALL SELECT y.typbasetype WHERE y.typbasetype <> 0
    UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE y.typrelid <> 0 AND a.attrelid = y.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT g.rngsubtype FROM pg_range g WHERE g.rngtypid = y.oid) x
  WHERE y.typnamespace <> 'pg_catalog'::regnamespace),
member AS (SELECT d.classid, d.objid, e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')
SELECT 'relation' AS kind, c.oid::bigint, n.nspname AS schema, c.relname AS name, c.relkind::text AS sort, coalesce(m.extname, '') AS extension,
       CASE WHEN c.relkind = 'v' AND n.nspname NOT IN ('pg_catalog', 'information_schema') THEN pg_get_viewdef(c.oid) ELSE '' END AS body
FROM rels r JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
UNION ALL
SELECT 'policy', p.oid::bigint, n.nspname, c.relname, '', '', pg_get_expr(p.polqual, p.polrelid)
FROM rels r JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relrowsecurity AND p.polqual IS NOT NULL
UNION ALL
SELECT 'generated column', c.oid::bigint, n.nspname, c.relname, '', '', pg_get_expr(d.adbin, d.adrelid)
FROM rels r JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE to_jsonb(a) ->> 'attgenerated' = 'v'
UNION ALL
SELECT 'domain', k.oid::bigint, n.nspname, y.typname, '', '', pg_get_constraintdef(k.oid)
FROM types ty JOIN pg_type y ON y.oid = ty.oid JOIN pg_namespace n ON n.oid = y.typnamespace JOIN pg_constraint k ON k.contypid = y.oid WHERE n.nspname <> 'information_schema'
UNION ALL
SELECT 'type', y.oid::bigint, n.nspname, y.typname, y.typtype::text, coalesce(m.extname, ''), ''
FROM types ty JOIN pg_type y ON y.oid = ty.oid JOIN pg_namespace n ON n.oid = y.typnamespace LEFT JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = y.oid
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')`

func (t *Target) reach(ctx context.Context, s *session, m mentions) ([]map[string]any, error) {
	return t.facts(ctx, s, reachSQL, arrayText(sortedNames(m.names)))
}

// facts reads the catalog for a proof; a proof on half of the facts is none.
func (t *Target) facts(ctx context.Context, s *session, sql string, params ...string) ([]map[string]any, error) {
	values := make([][]byte, len(params))
	for i, p := range params {
		values[i] = []byte(p)
	}
	r, err := t.own().read(s.conn.ExecParams(ctx, Mark+sql, values, nil, nil, nil), func() { s.cancel(ctx) })
	if err != nil {
		return nil, fmt.Errorf("check that the statement only reads: %w", err)
	}
	if r.cut {
		return nil, refuse("it reaches more objects than can be checked")
	}
	return r.rows, nil
}

// judgeReached refuses what no check can follow, and adds to m what stands in
// views, policies and constraints.
func (t *Target) judgeReached(row map[string]any, m mentions) error {
	kind, name := str(row, "kind"), str(row, "schema")+"."+str(row, "name")
	system := str(row, "schema") == "pg_catalog" || str(row, "schema") == "information_schema"
	switch {
	case kind == "relation" && str(row, "sort") == "f":
		return refuse("%s is a foreign table: reading it asks another server", name)
	case kind == "relation" && !system && secretRelations[str(row, "name")], kind == "relation" && system && secretRelations[str(row, "name")] && m.names[str(row, "name")]:
		return refuse("%s holds secrets or raw data", name)
	case kind == "type" && str(row, "sort") == "b" && str(row, "extension") == "" && !strings.HasPrefix(str(row, "name"), "_"):
		return refuse("%s is a base type of this database: what its functions do is not known", name)
	}
	body := str(row, "body")
	if body == "" || kind == "relation" && trustedExtensions[str(row, "extension")] {
		return nil
	}
	tokens, syntax := lex(body)
	if syntax != nil {
		return refuse("the %s %s cannot be read: %s", kind, name, syntax.text)
	}
	if p := readonlyBody(trimSemicolon(tokens)); p != nil {
		return refuse("behind %s: %s", name, p.text)
	}
	m.add(tokens)
	return nil
}

func trimSemicolon(tokens []token) []token {
	for len(tokens) > 0 && tokens[len(tokens)-1].is(punct, ";") {
		tokens = tokens[:len(tokens)-1]
	}
	return tokens
}

// functionsSQL finds every function that may run: by the calls written ($1
// schemas, "" for none; $2 names; $3 only those that take a row), and those
// behind the relations $4 and types $5: view rules, policies, constraints,
// operators, casts, ranges, orders. Operators (named $6) and casts between the
// system's own types can be meant anywhere; all those of another type only
// where that type is reached.
const functionsSQL = `
WITH want AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bool[]) AS w(schema, name, row)),
rels AS (SELECT unnest($4::oid[]) AS oid), types AS (SELECT unnest($5::oid[]) AS oid),
found(oid, via) AS (
  SELECT p.oid, '' FROM want w JOIN pg_proc p ON p.proname = w.name JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE CASE WHEN w.schema = '' THEN n.nspname = ANY (current_schemas(true)) ELSE n.nspname = w.schema END
    AND (NOT w.row OR EXISTS (SELECT 1 FROM pg_type y WHERE y.oid = p.proargtypes[0] AND y.typtype IN ('c', 'p')))
  UNION
  SELECT d.refobjid, 'behind ' || r.oid::regclass FROM rels r JOIN pg_rewrite w ON w.ev_class = r.oid AND w.ev_type = '1'
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_proc'::regclass
  UNION
  SELECT o.oprcode, 'operator ' || o.oprname || ' behind ' || r.oid::regclass FROM rels r JOIN pg_rewrite w ON w.ev_class = r.oid AND w.ev_type = '1'
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_operator'::regclass JOIN pg_operator o ON o.oid = d.refobjid
  UNION
  SELECT d.refobjid, 'policy of ' || r.oid::regclass FROM rels r JOIN pg_policy w ON w.polrelid = r.oid
  JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_proc'::regclass
  UNION
  SELECT d.refobjid, 'constraint of ' || ty.oid::regtype FROM types ty JOIN pg_constraint k ON k.contypid = ty.oid
  JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass
  UNION
  SELECT f.oid, 'range ' || g.rngtypid::regtype FROM types ty JOIN pg_range g ON g.rngtypid = ty.oid CROSS JOIN LATERAL (VALUES (g.rngcanonical::oid), (g.rngsubdiff::oid)) f(oid) WHERE f.oid <> 0
  UNION
  SELECT o.oprcode, 'operator ' || o.oprname FROM pg_operator o
  WHERE o.oid >= 16384
    AND (o.oprleft IN (SELECT oid FROM types WHERE oid >= 16384) OR o.oprright IN (SELECT oid FROM types WHERE oid >= 16384)
      OR o.oprname = ANY ($6::text[])
         AND NOT EXISTS (SELECT 1 FROM pg_type y WHERE y.oid IN (o.oprleft, o.oprright) AND y.typnamespace <> 'pg_catalog'::regnamespace))
  UNION
  -- what sorting, grouping and hashing call
  SELECT a.amproc::oid, 'order of ' || ty.oid::regtype FROM types ty JOIN pg_amproc a ON ty.oid IN (a.amproclefttype, a.amprocrighttype) AND a.oid >= 16384
  UNION
  SELECT k.castfunc, 'cast from ' || k.castsource::regtype || ' to ' || k.casttarget::regtype FROM pg_cast k
  WHERE k.oid >= 16384 AND k.castfunc <> 0
    AND (k.castsource IN (SELECT oid FROM types WHERE oid >= 16384) OR k.casttarget IN (SELECT oid FROM types WHERE oid >= 16384)
      OR NOT EXISTS (SELECT 1 FROM pg_type y WHERE y.oid IN (k.castsource, k.casttarget) AND y.typnamespace <> 'pg_catalog'::regnamespace)))
SELECT DISTINCT n.nspname AS schema, p.proname AS name, p.provolatile::text AS volatility, l.lanname AS language, coalesce(e.extname, '') AS extension, f.via
FROM found f JOIN pg_proc p ON p.oid = f.oid JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
LEFT JOIN pg_extension e ON e.oid = d.refobjid
ORDER BY schema, name, via`

func (t *Target) proveFunctions(ctx context.Context, s *session, m mentions, relations, types []string) error {
	var schemas, names, asRow []string
	for _, c := range sortedCalls(m.calls) {
		schemas, names, asRow = append(schemas, c.schema), append(names, c.name), append(asRow, fmt.Sprint(c.row))
	}
	found, err := t.facts(ctx, s, functionsSQL, arrayText(schemas), arrayText(names), arrayText(asRow),
		arrayText(relations), arrayText(types), arrayText(sortedNames(m.operators)))
	if err != nil {
		return err
	}
	for _, f := range found {
		if err := t.judgeFunction(f); err != nil {
			return err
		}
	}
	return nil
}

// judgeFunction refuses a function that is not known to be free of effects.
func (t *Target) judgeFunction(f map[string]any) error {
	schema, name, via := str(f, "schema"), str(f, "name"), str(f, "via")
	full := schema + "." + name
	where := ""
	if via != "" {
		where = " (" + via + ")"
	}
	volatile := str(f, "volatility") == "v"
	switch {
	case schema == "pg_catalog" || schema == "information_schema":
		if why := dangerous(name); why != "" {
			return refuse("%s%s", why, where)
		}
		if volatile && !harmless[name] {
			return refuse("%s()%s is volatile, and not known to be free of effects", name, where)
		}
		return nil
	case t.cfg.allow[full]:
		return nil
	case trustedExtensions[str(f, "extension")] && (!volatile || harmless[name]) && dangerous(name) == "":
		return nil
	case via != "" && str(f, "extension") != "" && !volatile && str(f, "language") == "c":
		// Operators and casts of an extension in C: as good as the server itself.
		return nil
	}
	return &refusedError{
		reason: fmt.Sprintf("%s()%s is a function of this database: what it does is not known", full, where),
		hint:   fmt.Sprintf("if it changes nothing, vouch for it in the target's settings: allow_functions: [%s]", full),
	}
}

// arrayText writes texts as the server reads an array.
func arrayText(items []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, item := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(item))
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}
