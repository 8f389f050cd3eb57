package recovery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/verification"
)

// A page shows how far a step has come without package recovery, which stands
// above it. Both must say the same of any record.
func TestTheIncidentsViewSaysOfAStepWhatTheRunSays(t *testing.T) {
	t.Parallel()
	p := plan.Plan{ID: "INC-7.1", Incident: "INC-7", Steps: []plan.Step{{ID: "INC-7.1.1"}, {ID: "INC-7.1.2", Blocked: "no such target"}}}
	rapid.Check(t, func(t *rapid.T) {
		events := []incident.Event{event(t, 1, incident.KindPlanned, "", p)}
		run := recovery.NewRun(p)
		for n := range rapid.IntRange(1, 20).Draw(t, "events") {
			e := anything(t, int64(n+2))
			events = append(events, e)
			require.NoError(t, run.Add(e))
		}
		view, err := incident.Fold(events)
		require.NoError(t, err)
		for _, s := range p.Steps {
			want, _ := run.View(s.ID)
			got, _ := view.Step(s.ID)
			require.Equal(t, string(want.Standing), string(got.Standing), s.ID)
			require.Equal(t, want.After, got.After)
		}
		require.Equal(t, run.Finished(), view.Plan().Finished)
	})
}

func event(t *rapid.T, seq int64, kind, step string, data any) incident.Event {
	e, err := incident.New(kind, "quell", step, data)
	require.NoError(t, err)
	e.Incident, e.Seq, e.At = "INC-7", seq, time.Unix(seq, 0).UTC()
	return e
}

func anything(t *rapid.T, seq int64) incident.Event {
	step := rapid.SampledFrom([]string{"INC-7.1.1", "INC-7.1.2"}).Draw(t, "step")
	attempt, undo := rapid.IntRange(1, 2).Draw(t, "attempt"), rapid.Bool().Draw(t, "undo")
	switch rapid.IntRange(0, 8).Draw(t, "kind") {
	case 0:
		return event(t, seq, incident.KindStarted, "", incident.Started{Plan: "INC-7.1"})
	case 1:
		reason := rapid.SampledFrom([]incident.HoldReason{incident.HeldMoot, incident.HeldPolicy}).Draw(t, "reason")
		return event(t, seq, incident.KindHeld, step, incident.Held{Plan: "INC-7.1", Undo: undo, Reason: reason})
	case 2:
		return event(t, seq, incident.KindIntent, step, incident.Intent{Attempt: attempt, Undo: undo})
	case 3, 4:
		state := rapid.SampledFrom([]action.State{action.Made, action.Made, action.NotMade, action.PartlyMade, action.CannotTell}).Draw(t, "state")
		return event(t, seq, incident.KindResult, step, incident.Result{Attempt: attempt, Undo: undo, State: state})
	case 5:
		v := rapid.SampledFrom([]verification.Verdict{verification.Better, verification.NotBetter, verification.CannotTell}).Draw(t, "verdict")
		return event(t, seq, incident.KindJudged, step, incident.Judged{Judgement: verification.Judgement{Verdict: v}})
	case 6:
		return event(t, seq, incident.KindMeasured, step, incident.Measured{Sample: verification.Sample{Felt: verification.Yes}})
	case 7:
		return event(t, seq, incident.KindUndoAsked, step, incident.UndoAsked{})
	}
	return event(t, seq, incident.KindFinished, "", incident.Finished{Plan: "INC-7.1", Outcome: incident.NotHelped})
}
