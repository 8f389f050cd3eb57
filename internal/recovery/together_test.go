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

// story is a run of a plan of two steps that are one remedy.
type story struct {
	t      *testing.T
	plan   plan.Plan
	events []incident.Event
}

func together(t *testing.T) *story {
	return &story{t: t, plan: plan.Plan{ID: "INC-7.1", Incident: "INC-7", Steps: []plan.Step{
		{ID: "INC-7.1.1", Continues: true, Within: time.Minute}, {ID: "INC-7.1.2", Within: time.Minute},
	}}}
}

func (s *story) add(kind, step string, data any) {
	e, err := incident.New(kind, "quell", step, data)
	require.NoError(s.t, err)
	e.Incident, e.Seq = "INC-7", int64(len(s.events)+1)
	e.At = time.Unix(e.Seq, 0).UTC()
	s.events = append(s.events, e)
}

func (s *story) made(step string, felt float64) {
	s.add(incident.KindMeasured, step, incident.Measured{Before: true, Sample: verification.Sample{Felt: verification.Yes, Level: felt}})
	s.add(incident.KindIntent, step, incident.Intent{Attempt: 1})
	s.add(incident.KindResult, step, incident.Result{Attempt: 1, State: action.Made})
}

func (s *story) held(reason incident.HoldReason) {
	s.add(incident.KindHeld, "INC-7.1.2", incident.Held{Plan: "INC-7.1", Reason: reason, Text: "why"})
}

func (s *story) next() recovery.Command {
	c, err := recovery.Next(s.plan, s.events)
	require.NoError(s.t, err)
	return c
}

func TestStepsOfOneRemedyAreVerifiedAfterTheLast(t *testing.T) {
	t.Parallel()
	s := together(t)
	s.add(incident.KindStarted, "", incident.Started{Plan: "INC-7.1"})
	s.made("INC-7.1.1", 1)
	c := s.next()
	require.Equal(t, []any{recovery.Act, "INC-7.1.2"}, []any{c.Kind, c.Step})
	s.made("INC-7.1.2", 0.6)
	c = s.next()
	require.Equal(t, []any{recovery.Measure, "INC-7.1.2"}, []any{c.Kind, c.Step})
}

// Whatever keeps the second step from being done, the first is verified by itself.
func TestABegunRemedyIsVerifiedWhereItCannotGoOn(t *testing.T) {
	t.Parallel()
	for _, reason := range []incident.HoldReason{incident.HeldMoot, incident.HeldWell, incident.HeldStale, incident.HeldPolicy} {
		s := together(t)
		s.add(incident.KindStarted, "", incident.Started{Plan: "INC-7.1"})
		s.made("INC-7.1.1", 1)
		s.held(reason)
		c := s.next()
		require.Equal(t, []any{recovery.Measure, "INC-7.1.1"}, []any{c.Kind, c.Step}, reason)

		s.add(incident.KindJudged, "INC-7.1.1", incident.Judged{Judgement: verification.Judgement{Verdict: verification.Better, Why: "all is well"}})
		require.Equal(t, incident.Recovered, s.next().Outcome, reason)
	}
	s := together(t)
	s.plan.Steps[1].Blocked = "no such target"
	s.made("INC-7.1.1", 1)
	require.Equal(t, "INC-7.1.1", s.next().Step)
}

// That all seemed well was an error where the verification says so.
func TestARemedyGoesOnWhereItOnlySeemedWell(t *testing.T) {
	t.Parallel()
	s := together(t)
	s.add(incident.KindStarted, "", incident.Started{Plan: "INC-7.1"})
	s.made("INC-7.1.1", 1)
	s.held(incident.HeldWell)
	s.add(incident.KindJudged, "INC-7.1.1", incident.Judged{Judgement: verification.Judgement{Verdict: verification.NotBetter}})
	c := s.next()
	require.Equal(t, []any{recovery.Act, "INC-7.1.2"}, []any{c.Kind, c.Step})
}

// That one symptom has gone by itself says nothing of another.
func TestAPlanGoesOnForWhatElseIsFelt(t *testing.T) {
	t.Parallel()
	scene := func(second ...plan.Watched) *story {
		s := &story{t: t, plan: plan.Plan{ID: "INC-7.1", Incident: "INC-7", Steps: []plan.Step{
			{ID: "INC-7.1.1", Within: time.Minute, Watch: []plan.Watched{{ID: "x#slow"}}}, {ID: "INC-7.1.2", Within: time.Minute, Watch: second},
		}}}
		s.add(incident.KindStarted, "", incident.Started{Plan: "INC-7.1"})
		s.add(incident.KindHeld, "INC-7.1.1", incident.Held{Plan: "INC-7.1", Reason: incident.HeldWell, Text: "slow has gone by itself"})
		return s
	}
	require.Equal(t, incident.Subsided, scene(plan.Watched{ID: "x#slow"}).next().Outcome, "both are for the same")

	s := scene(plan.Watched{ID: "x#slow"}, plan.Watched{ID: "x#full"})
	c := s.next()
	require.Equal(t, []any{recovery.Act, "INC-7.1.2"}, []any{c.Kind, c.Step})
	s.held(incident.HeldWell)
	require.Equal(t, incident.Subsided, s.next().Outcome)

	s = scene(plan.Watched{ID: "x#full"})
	s.held(incident.HeldMoot)
	c = s.next()
	require.Equal(t, incident.Subsided, c.Outcome, "nothing else can be done")
	require.Equal(t, "slow has gone by itself", c.Text)
}
