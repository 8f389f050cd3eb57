package postgres

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// result is what a statement gave back.
type result struct {
	columns []string
	rows    []map[string]any
	bytes   int
	cut     bool   // the caps stopped it
	note    string // why it was cut
}

// caps bound one answer.
type caps struct{ rows, bytes int }

// read streams an answer and stops at the caps: it asks the server to cancel
// the statement, and what is already on the way is read and thrown away.
func (c caps) read(r *pgconn.ResultReader, cancel func()) (result, error) {
	var out result
	var oids []uint32
	for r.NextRow() {
		if out.cut {
			continue
		}
		if oids == nil {
			out.columns, oids = describe(r)
		}
		size := 0
		for _, raw := range r.Values() {
			size += len(raw)
		}
		switch {
		case len(out.rows) >= c.rows:
			out.cut, out.note = true, fmt.Sprintf("cut at %d rows: there are more", c.rows)
		case out.bytes+size > c.bytes:
			out.cut, out.note = true, fmt.Sprintf("cut at %d rows: the answer is larger than %d bytes", len(out.rows), c.bytes)
		}
		if out.cut {
			cancel()
			continue
		}
		row := make(map[string]any, len(oids))
		for i, raw := range r.Values() {
			row[out.columns[i]] = decode(oids[i], raw)
		}
		out.rows, out.bytes = append(out.rows, row), out.bytes+size
	}
	if oids == nil {
		out.columns, _ = describe(r)
	}
	if _, err := r.Close(); err != nil && (!out.cut || !isCancel(err)) {
		return out, err
	}
	return out, nil
}

// describe names the columns; a name that comes twice gets a number, so that
// no value is lost.
func describe(r *pgconn.ResultReader) (names []string, oids []uint32) {
	seen := map[string]int{}
	for _, f := range r.FieldDescriptions() {
		name := f.Name
		seen[name]++
		if n := seen[name]; n > 1 {
			name = fmt.Sprintf("%s_%d", name, n)
		}
		names, oids = append(names, name), append(oids, f.DataTypeOID)
	}
	return names, oids
}

// list is the rows as an evidence value.
func (r result) list() []any {
	out := make([]any, len(r.rows))
	for i, row := range r.rows {
		out[i] = row
	}
	return out
}

// first is the first row, or an empty one.
func (r result) first() map[string]any {
	if len(r.rows) == 0 {
		return map[string]any{}
	}
	return r.rows[0]
}

// notes lists the remark on a cut answer, if there is one.
func (r result) notes() []string {
	if r.note == "" {
		return nil
	}
	return []string{r.note}
}
