package postgres

import (
	"context"
	"fmt"
)

// indexState is what the catalog says of an index, and who works on it.
type indexState struct {
	oid, table          int64
	tableName           relation
	kind                string // of the relation: an index is "i", a partitioned one "I"
	valid, unique       bool
	method, definition  string
	constraint          string // that rests on it
	replica, partition  bool   // identifies rows to subscribers; is part of a partitioned index
	exclusion           bool
	used, may, standby  bool
	bytes               float64
	builder             int64 // process that builds or rebuilds it now; 0: none
	phase               string
	blocks, blocksTotal float64
	leftovers           []string // invalid indexes that a rebuild of it left behind
}

// there reports whether anything of the name was found.
func (x indexState) there() bool { return x.oid != 0 }

// Rebuilds leave name_ccnew and name_ccold behind when they are stopped, with
// the name cut where that would be too long.
const indexColumns = `
       coalesce(x.indrelid, 0) AS table_oid, coalesce(tn.nspname, '')::text AS table_schema, coalesce(t.relname, '')::text AS table_name,
       coalesce(x.indisvalid AND x.indisready, false) AS valid, coalesce(x.indisunique, false) AS uniq, coalesce(am.amname, '')::text AS method,
       coalesce(pg_get_indexdef(x.indexrelid), '') AS definition, coalesce(x.indisreplident, false) AS replica, coalesce(x.indisexclusion, false) AS exclusion,
       coalesce((SELECT k.conname FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x') LIMIT 1), '')::text AS "constraint",
       EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid) AS partition,
       pg_has_role(c.relowner, 'USAGE') AS may, coalesce(s.idx_scan, 0) > 0 AS used,
       coalesce(b.pid, 0) AS builder, coalesce(b.phase, '') AS phase, coalesce(b.blocks_done, 0) AS blocks, coalesce(b.blocks_total, 0) AS blocks_total,
       (SELECT array_agg(l.relname::text ORDER BY l.relname) FROM pg_index lx JOIN pg_class l ON l.oid = lx.indexrelid
        WHERE lx.indrelid = x.indrelid AND NOT lx.indisvalid AND l.relname ~ '_cc(new|old)[0-9]*$'
          AND starts_with(c.relname::text, regexp_replace(l.relname::text, '_cc(new|old)[0-9]*$', ''))) AS leftovers`

const indexJoins = `LEFT JOIN pg_index x ON x.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = x.indrelid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam LEFT JOIN pg_stat_all_indexes s ON s.indexrelid = c.oid
LEFT JOIN pg_stat_progress_create_index b ON b.relid = x.indrelid AND (b.index_relid = c.oid OR b.command LIKE 'REINDEX%' AND EXISTS (
  SELECT FROM pg_class l WHERE l.oid = b.index_relid AND starts_with(c.relname::text, regexp_replace(l.relname::text, '_cc(new|old)[0-9]*$', ''))))`

// indexNamed looks at an index by name; one that is not there has no oid.
func indexNamed(ctx context.Context, ask asker, name relation) (indexState, error) {
	row, err := name.findAny(ctx, ask, indexColumns, indexJoins)
	if err != nil {
		return indexState{}, err
	}
	return indexState{
		oid: int64(num(row, "oid")), table: int64(num(row, "table_oid")), tableName: relation{str(row, "table_schema"), str(row, "table_name")},
		kind: str(row, "kind"), valid: truth(row, "valid"), unique: truth(row, "uniq"), method: str(row, "method"), definition: str(row, "definition"),
		constraint: str(row, "constraint"), replica: truth(row, "replica"), partition: truth(row, "partition"), exclusion: truth(row, "exclusion"),
		used: truth(row, "used"), may: truth(row, "may"), standby: truth(row, "standby"), bytes: num(row, "bytes"),
		builder: int64(num(row, "builder")), phase: str(row, "phase"), blocks: num(row, "blocks"), blocksTotal: num(row, "blocks_total"),
		leftovers: texts(row["leftovers"]),
	}, nil
}

// progress says how far a build is.
func (x indexState) progress() string {
	text := fmt.Sprintf("pid %d builds it: %s", x.builder, x.phase)
	if x.blocksTotal > 0 {
		text += fmt.Sprintf(", %.0f%% of this phase", 100*x.blocks/x.blocksTotal)
	}
	return text
}

// stateText says what an index is, for a person.
func (x indexState) stateText() string {
	switch {
	case !x.there():
		return "there is none"
	case x.builder != 0:
		return "being built"
	case !x.valid:
		return "invalid: it costs writes and serves no read"
	}
	return "valid"
}
