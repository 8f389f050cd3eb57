package store

import (
	"context"

	"github.com/quellhq/quell/internal/incident"
)

// head is the end of the record: what the next writer builds on.
type head struct {
	n         int64
	hash      string
	incidents int64
}

// lock takes the one row that all writers of the record take first, so that
// what a writer reads after it is what it writes behind. An UPDATE is the lock
// that both databases know. It counts, because SQLite does not write a row that
// is as it was, and a commit without a page would not take the place of one
// that was lost.
func (t *tx) lock(ctx context.Context) error {
	h := &t.head
	_, err := one(ctx, t.conn, []any{&h.n, &h.hash, &h.incidents}, "UPDATE head SET locked = locked + 1 WHERE one = 1 RETURNING n, hash, incidents")
	return err
}

// seal chains entries behind the last one of the audit log, and writes them and
// the new head. The caller holds the lock.
func (t *tx) seal(ctx context.Context, entries []incident.Entry) error {
	t.mark.token = newToken()
	rows := make([][]any, len(entries))
	for i, e := range entries {
		e.N, e.Prev = t.head.n+1, t.head.hash
		e = e.Sealed()
		t.head.n, t.head.hash, t.mark.n = e.N, e.Hash, e.N
		num, err := number(e.Incident)
		if err != nil {
			return err
		}
		rows[i] = []any{e.N, e.At.UnixMicro(), num, e.Seq, e.Kind, e.Name, e.By, e.Why, e.Digest, e.Prev, e.Hash, t.mark.token}
	}
	err := t.insert(ctx, "audit (n, at, incident, seq, kind, name, actor, why, digest, prev, hash, token)", rows)
	if err != nil {
		return err
	}
	_, err = t.conn.ExecContext(ctx, "UPDATE head SET n = $1, hash = $2, incidents = $3 WHERE one = 1", t.head.n, t.head.hash, t.head.incidents)
	return err
}
