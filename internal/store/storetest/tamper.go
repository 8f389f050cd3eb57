package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
)

// told writes a small record of two incidents. Its log is
//
//	1 INC-1 opened   4 INC-2/1   7 stop is set   10 INC-2/3
//	2 INC-1/1        5 INC-1/2   8 INC-1/3
//	3 INC-2 opened   6 INC-2/2   9 INC-1/4
func (b Backend) told(t testing.TB) (s Store, address string) {
	t.Helper()
	ctx := context.Background()
	s, address = b.fresh(t)
	require.Equal(t, "INC-1", create(t, s))
	require.Equal(t, "INC-2", create(t, s))
	add := func(id string, after int64, texts ...string) {
		for i, text := range texts {
			_, err := s.Append(ctx, id, after+int64(i), note(text))
			require.NoError(t, err)
		}
	}
	add("INC-1", 1, "1/2")
	add("INC-2", 1, "2/2")
	require.NoError(t, s.Set(ctx, "stop", "all", "ann", "why not"))
	add("INC-1", 2, "1/3", "1/4")
	add("INC-2", 2, "2/3")
	require.EqualValues(t, 10, sound(t, s).Entries)
	return s, address
}

// tampering is what somebody does with the database, and what is found.
type tampering struct {
	do   []string
	with func(t testing.TB, s Store, sql func(string)) // what statements alone cannot do
	kind incident.FaultKind
	n    int64
}

func tampered(t *testing.T, b Backend) {
	cases := map[string]tampering{
		"an event is deleted":                    {do: []string{"DELETE FROM events WHERE incident = 1 AND seq = 2"}, kind: incident.EventMissing, n: 5},
		"the last event is deleted":              {do: []string{"DELETE FROM events WHERE incident = 2 AND seq = 3"}, kind: incident.EventMissing, n: 10},
		"an event is renumbered":                 {do: []string{"UPDATE events SET seq = 50 WHERE incident = 1 AND seq = 3"}, kind: incident.EventMissing, n: 8},
		"an event is inserted without an entry":  {do: []string{copied("events", "incident, seq, at, kind, actor, step, data", "1, 5, at, kind, actor, step, data", "incident = 1 AND seq = 4")}, kind: incident.EventNotLogged},
		"an incident is inserted":                {do: []string{"INSERT INTO incidents (num, opened_at, title, services) VALUES (3, 0, '', '[]')"}, kind: incident.EventNotLogged},
		"an incident is deleted with its events": {do: []string{"DELETE FROM events WHERE incident = 2", "DELETE FROM incidents WHERE num = 2"}, kind: incident.HeaderAltered, n: 3},
		"an entry is deleted":                    {do: []string{"DELETE FROM audit WHERE n = 5"}, kind: incident.Gap, n: 5},
		"the first entry is deleted":             {do: []string{"DELETE FROM audit WHERE n = 1"}, kind: incident.Gap, n: 1},
		"an entry is deleted, the rest renumbered": {
			do:   []string{"DELETE FROM audit WHERE n = 5", "UPDATE audit SET n = n + 1000 WHERE n > 5", "UPDATE audit SET n = n - 1001 WHERE n > 1000"},
			kind: incident.OutOfOrder, n: 5,
		},
		"two entries are swapped": {
			do:   []string{"UPDATE audit SET n = 1000 WHERE n = 5", "UPDATE audit SET n = 5 WHERE n = 6", "UPDATE audit SET n = 6 WHERE n = 1000"},
			kind: incident.OutOfOrder, n: 5,
		},
		"the tail is cut":                      {do: []string{"DELETE FROM audit WHERE n > 8"}, kind: incident.TailCut, n: 9},
		"the tail is cut with its events":      {do: []string{"DELETE FROM audit WHERE n > 9", "DELETE FROM events WHERE incident = 2 AND seq = 3"}, kind: incident.TailCut, n: 10},
		"the log is emptied":                   {do: []string{"DELETE FROM audit"}, kind: incident.TailCut, n: 1},
		"the log and its head are emptied":     {do: []string{"DELETE FROM audit", "UPDATE head SET n = 0, hash = ''"}, kind: incident.EventNotLogged},
		"a value is altered":                   {do: []string{"UPDATE settings SET value = 'none'"}, kind: incident.ValueAltered, n: 7},
		"a value is deleted":                   {do: []string{"DELETE FROM settings"}, kind: incident.ValueAltered, n: 7},
		"a value is inserted":                  {do: []string{"INSERT INTO settings (name, value) VALUES ('zeal', 'on')"}, kind: incident.ValueAltered},
		"a title is altered":                   {do: []string{"UPDATE incidents SET title = 'nothing happened' WHERE num = 2"}, kind: incident.HeaderAltered, n: 3},
		"the time of an incident is altered":   {do: []string{"UPDATE incidents SET opened_at = opened_at - 1 WHERE num = 1"}, kind: incident.HeaderAltered, n: 1},
		"the services of one are altered":      {do: []string{"UPDATE incidents SET services = '[]' WHERE num = 1"}, kind: incident.HeaderAltered, n: 1},
		"data is altered":                      {do: []string{"UPDATE events SET data = (SELECT data FROM events WHERE incident = 2 AND seq = 2) WHERE incident = 1 AND seq = 2"}, kind: incident.EventAltered, n: 5},
		"data is taken away":                   {do: []string{"UPDATE events SET data = NULL WHERE incident = 1 AND seq = 2"}, kind: incident.EventAltered, n: 5},
		"the hash of the head is altered":      {do: []string{"UPDATE head SET hash = 'x'"}, kind: incident.NotAnchored, n: 10},
		"an entry is added behind the last":    {with: addEntry, kind: incident.TailAdded, n: 11},
		"an entry and its hash are altered":    {with: rewriteEntry(7, func(e *incident.Entry) { e.Why = "she was told to" }), kind: incident.Rewritten, n: 7},
		"an entry is signed by another":        {with: rewriteEntry(5, func(e *incident.Entry) { e.By = "eve" }), kind: incident.Rewritten, n: 5},
		"the first entry and its hash altered": {with: rewriteEntry(1, func(e *incident.Entry) { e.By = "eve" }), kind: incident.Rewritten, n: 1},
		"an event, its entry and hash altered": {with: forge, kind: incident.Rewritten, n: 5},
		"an event is logged twice":             {with: rewriteAll(6, func(e *incident.Entry) { e.Incident, e.Seq = "INC-1", 2 }), kind: incident.OutOfOrder, n: 6},
		"an event is logged too early":         {with: rewriteAll(5, func(e *incident.Entry) { e.Seq = 3 }), kind: incident.EventNotLogged, n: 5},
		"an incident is opened twice":          {with: rewriteAll(5, func(e *incident.Entry) { e.Seq = 0 }), kind: incident.OutOfOrder, n: 5},
		"an event of no incident is logged":    {with: rewriteAll(5, func(e *incident.Entry) { e.Incident = "INC-9" }), kind: incident.OutOfOrder, n: 5},
	}
	for _, column := range []string{"at", "incident", "seq", "kind", "name", "actor", "why", "digest"} {
		cases["an entry's "+column+" is altered"] = tampering{do: []string{altered("audit", column, "n = 5")}, kind: incident.HashBroken, n: 5}
	}
	cases["an entry's hash is altered"] = tampering{do: []string{altered("audit", "hash", "n = 5")}, kind: incident.HashBroken, n: 5}
	cases["an entry's prev is altered"] = tampering{do: []string{altered("audit", "prev", "n = 5")}, kind: incident.OutOfOrder, n: 5}
	for _, column := range []string{"at", "kind", "actor", "step"} {
		cases["an event's "+column+" is altered"] = tampering{do: []string{altered("events", column, "incident = 1 AND seq = 2")}, kind: incident.EventAltered, n: 5}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, address := b.told(t)
			sql := func(statement string) { b.SQL(t, address, statement) }
			for _, statement := range c.do {
				sql(statement)
			}
			if c.with != nil {
				c.with(t, s, sql)
			}
			requireFault(t, s, c.kind, c.n)
		})
	}
}

func requireFault(t testing.TB, s Store, kind incident.FaultKind, n int64, anchors ...incident.Anchor) {
	t.Helper()
	_, err := incident.VerifyAudit(context.Background(), s, anchors...)
	var f *incident.Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, []any{kind, n}, []any{f.Kind, f.N}, f.Error())
	require.NotEmpty(t, f.Text)
}

// altered is a statement that changes one column of a row, whatever its type.
func altered(table, column, where string) string {
	change := column + " || 'x'"
	if column == "at" || column == "incident" || column == "seq" {
		change = column + " + 1"
	}
	return fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", table, column, change, where)
}

func copied(table, columns, values, where string) string {
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s", table, columns, values, table, where)
}

// readLog is the whole log as it stands.
func readLog(t testing.TB, s Store) (log []incident.Entry) {
	t.Helper()
	require.NoError(t, s.Audit(context.Background(), 1, func(e incident.Entry) error { log = append(log, e); return nil }))
	return log
}

// write puts an entry into the place of the one with its number.
func write(t testing.TB, sql func(string), e incident.Entry) {
	t.Helper()
	num := int64(0)
	if e.Incident != "" {
		ref, err := incident.ParseRef(e.Incident)
		require.NoError(t, err)
		num = ref.Incident
	}
	sql(fmt.Sprintf("UPDATE audit SET incident = %d, seq = %d, actor = '%s', why = '%s', digest = '%s', prev = '%s', hash = '%s' WHERE n = %d",
		num, e.Seq, e.By, e.Why, e.Digest, e.Prev, e.Hash, e.N))
}

// rewriteEntry alters one entry and computes its hash anew.
func rewriteEntry(n int64, change func(*incident.Entry)) func(testing.TB, Store, func(string)) {
	return func(t testing.TB, s Store, sql func(string)) {
		e := readLog(t, s)[n-1]
		change(&e)
		write(t, sql, e.Sealed())
	}
}

// rewriteAll alters one entry and computes every hash behind it anew, that of
// the head too.
func rewriteAll(n int64, change func(*incident.Entry)) func(testing.TB, Store, func(string)) {
	return func(t testing.TB, s Store, sql func(string)) {
		log := readLog(t, s)
		change(&log[n-1])
		prev := log[n-1].Prev
		for _, e := range log[n-1:] {
			e.Prev = prev
			e = e.Sealed()
			write(t, sql, e)
			prev = e.Hash
		}
		sql(fmt.Sprintf("UPDATE head SET hash = '%s'", prev))
	}
}

// forge alters an event, and its entry so that it fits.
func forge(t testing.TB, s Store, sql func(string)) {
	sql("UPDATE events SET actor = 'eve' WHERE incident = 1 AND seq = 2")
	rewriteEntry(5, forged(t, s))(t, s, sql)
}

// forged fits an entry to event INC-1/2 as it is now.
func forged(t testing.TB, s Store) func(*incident.Entry) {
	events, err := s.Events(context.Background(), "INC-1", 1)
	require.NoError(t, err)
	return func(e *incident.Entry) { e.By, e.Digest = events[0].By, events[0].Digest() }
}

// addEntry writes an entry that fits behind the last, without the store.
func addEntry(t testing.TB, s Store, sql func(string)) {
	log := readLog(t, s)
	last := log[len(log)-1]
	e := incident.Entry{N: last.N + 1, At: last.At, Kind: incident.EntrySet, Name: "stop", By: "eve", Digest: incident.ValueDigest("all"), Prev: last.Hash}.Sealed()
	sql(fmt.Sprintf("INSERT INTO audit (n, at, incident, seq, kind, name, actor, why, digest, prev, hash, token) VALUES (%d, %d, 0, 0, '%s', '%s', '%s', '', '%s', '%s', '%s', '')",
		e.N, e.At.UnixMicro(), e.Kind, e.Name, e.By, e.Digest, e.Prev, e.Hash))
}
