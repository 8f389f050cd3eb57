package recovery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/verification"
)

func (s *story) judged(step string, v verification.Verdict) {
	s.add(incident.KindJudged, step, incident.Judged{Judgement: verification.Judgement{Verdict: v}})
}

func (s *story) run() *recovery.Run {
	r := recovery.NewRun(s.plan)
	for _, e := range s.events {
		require.NoError(s.t, r.Add(e))
	}
	return r
}

// tried are the steps that a story has tried in vain, with the reason.
func (s *story) tried() map[string]string {
	out := map[string]string{}
	for _, t := range s.run().Tried() {
		out[t.Step] = t.Why
	}
	return out
}

func TestWhatWasTriedInVain(t *testing.T) {
	t.Parallel()
	const first, second = "INC-7.1.1", "INC-7.1.2"
	for sentence, c := range map[string]struct {
		tell func(s *story)
		want map[string]string
	}{
		"nothing was done":         {func(*story) {}, map[string]string{}},
		"made, and not judged yet": {func(s *story) { s.made(first, 1) }, map[string]string{}},
		"a verdict is on all that was made of the remedy": {func(s *story) {
			s.made(first, 1)
			s.made(second, 1)
			s.judged(second, verification.NotBetter)
		}, map[string]string{first: "it did not help", second: "it did not help"}},
		"it helped": {func(s *story) {
			s.made(first, 1)
			s.made(second, 1)
			s.judged(second, verification.Better)
		}, map[string]string{}},
		"nobody can tell": {func(s *story) {
			s.made(first, 1)
			s.judged(first, verification.CannotTell)
		}, map[string]string{}},
		"it was refused, and the other one did not help": {func(s *story) {
			s.made(first, 1)
			s.add(incident.KindIntent, second, incident.Intent{Attempt: 1})
			s.add(incident.KindResult, second, incident.Result{Attempt: 1, State: action.NotMade, Text: "status 409"})
			s.judged(first, verification.NotBetter)
		}, map[string]string{first: "it did not help", second: "it could not be done: status 409"}},
		"it may be tried again": {func(s *story) {
			s.add(incident.KindIntent, first, incident.Intent{Attempt: 1})
			s.add(incident.KindResult, first, incident.Result{Attempt: 1, State: action.NotMade, Temporary: true})
		}, map[string]string{}},
	} {
		s := together(t)
		s.add(incident.KindStarted, "", incident.Started{Plan: "INC-7.1"})
		c.tell(s)
		require.Equal(t, c.want, s.tried(), sentence)
	}
}

func TestWhenTheWorldWasLastChanged(t *testing.T) {
	t.Parallel()
	s := together(t)
	s.add(incident.KindStarted, "", incident.Started{Plan: "INC-7.1"})
	require.Zero(t, s.run().Changed())
	last := func() time.Time { return time.Unix(int64(len(s.events)), 0).UTC() }

	s.made("INC-7.1.1", 1)
	made := last()
	require.Equal(t, made, s.run().Changed())
	s.judged("INC-7.1.1", verification.NotBetter)
	require.Equal(t, made, s.run().Changed(), "to judge changes nothing")

	s.add(incident.KindIntent, "INC-7.1.1", incident.Intent{Attempt: 1, Undo: true})
	require.Equal(t, last(), s.run().Changed(), "it may have been taken back")
	s.add(incident.KindResult, "INC-7.1.1", incident.Result{Attempt: 1, Undo: true, State: action.Made})
	require.Equal(t, last(), s.run().Changed())
	back := last()
	s.add(incident.KindIntent, "INC-7.1.2", incident.Intent{Attempt: 1})
	s.add(incident.KindResult, "INC-7.1.2", incident.Result{Attempt: 1, State: action.NotMade})
	require.Equal(t, back, s.run().Changed(), "what did not happen changed nothing")
}
