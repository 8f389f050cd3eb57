package recovery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/verification"
)

// What was done and taken back is not told as if nothing had been done.
func TestTheEndSaysWhatWasTakenBack(t *testing.T) {
	t.Parallel()
	p := plan.Plan{ID: "INC-7.1", Incident: "INC-7", Steps: []plan.Step{{ID: "INC-7.1.1"}}}
	var events []incident.Event
	add := func(kind, step string, data any) {
		e, err := incident.New(kind, "quell", step, data)
		require.NoError(t, err)
		e.Incident, e.Seq = "INC-7", int64(len(events)+1)
		e.At = time.Unix(e.Seq, 0).UTC()
		events = append(events, e)
	}
	add(incident.KindStarted, "", incident.Started{Plan: "INC-7.1"})
	add(incident.KindIntent, "INC-7.1.1", incident.Intent{Attempt: 1})
	add(incident.KindResult, "INC-7.1.1", incident.Result{Attempt: 1, State: action.Made})
	add(incident.KindJudged, "INC-7.1.1", incident.Judged{Judgement: verification.Judgement{Verdict: verification.NotBetter}})
	add(incident.KindIntent, "INC-7.1.1", incident.Intent{Attempt: 1, Undo: true})
	add(incident.KindResult, "INC-7.1.1", incident.Result{Attempt: 1, Undo: true, State: action.Made})
	c, err := recovery.Next(p, events)
	require.NoError(t, err)
	require.Equal(t, recovery.Stop, c.Kind)
	require.Equal(t, incident.NotHelped, c.Outcome)
	require.Equal(t, "all that was applied (1 step) is taken back: `quell plan INC-7` looks again", c.Text)

	c, err = recovery.Next(p, nil)
	require.NoError(t, err)
	require.NotContains(t, c.Text, "taken back")
}
