package alembic_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector/alembic"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func pending(t *testing.T, p *project) evidence.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return p.open(t).Ask(ctx, probe.Question{Name: "q", Lang: "probe", Builtin: "alembic.pending", Now: time.Now()})
}

func TestPendingMigrationsSayWhatTheyHoldUp(t *testing.T) {
	t.Parallel()
	p := shop(t)
	p.revision(t, "d4", "c3", "ALTER TABLE things DROP COLUMN name", "")
	for _, r := range pending(t, p).Value.([]any)[:3] { // the table is made on the way: nobody can wait for it
		require.Equal(t, false, r.(map[string]any)["waits"], "%v", r)
	}
	p.at(t, "b2")
	a := pending(t, p)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	rows := a.Value.([]any)
	require.Len(t, rows, 2)
	index, drop := rows[0].(map[string]any), rows[1].(map[string]any)
	for _, f := range alembic.Kind().Probes[1].Fields {
		require.Contains(t, index, f.Name)
	}
	require.Equal(t, "c3", index["revision"])
	require.Equal(t, int64(1), index["statements"])
	require.Equal(t, true, index["waits"])
	require.Equal(t, false, index["destroys"])
	require.Contains(t, index["risks"].([]any)[0], "without CONCURRENTLY")
	require.Equal(t, "d4", drop["revision"])
	require.Equal(t, true, drop["destroys"])

	p.at(t, "head")
	require.Empty(t, pending(t, p).Value)
	p.revision(t, "x9", "a1", "", "")
	require.Equal(t, evidence.Invalid, pending(t, p).Status)
}

func TestAMigrationThatReadsDataCannotBeForetold(t *testing.T) {
	t.Parallel()
	p := shop(t)
	p.at(t, "c3")
	p.revision(t, "d4", "c3", "py:for row in op.get_bind().execute(sa.text('SELECT id FROM things')).fetchall(): pass", "")
	a := pending(t, p)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	row := a.Value.([]any)[0].(map[string]any)
	require.Nil(t, row["waits"])
	require.Nil(t, row["statements"])
	require.NotEmpty(t, a.Notes)
}
