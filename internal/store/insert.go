package store

import (
	"context"
	"strconv"
	"strings"
)

// rowsPerInsert keeps the round trips of a large call few, and the texts that a
// server is asked to prepare few as well.
const rowsPerInsert = 50

// insert writes rows of equal length into a table, named with its columns.
func (t *tx) insert(ctx context.Context, table string, rows [][]any) error {
	for len(rows) > 0 {
		some := rows[:min(len(rows), rowsPerInsert)]
		rows = rows[len(some):]
		args := make([]any, 0, len(some)*len(some[0]))
		for _, row := range some {
			args = append(args, row...)
		}
		query := "INSERT INTO " + table + " VALUES " + places(len(some), len(some[0]))
		if _, err := t.conn.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

// places writes ($1, $2), ($3, $4) for two rows of two.
func places(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("($")
		case i%columns == 0:
			b.WriteString("), ($")
		default:
			b.WriteString(", $")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	return b.String() + ")"
}
