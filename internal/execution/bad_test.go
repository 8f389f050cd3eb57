package execution_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/execution"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/recovery/drivertest"
	"github.com/quellhq/quell/internal/verification"
)

// scene is one step, that sets the database fast, on a world where that cures.
type scene struct {
	world *drivertest.World
	store incident.Store
	plan  plan.Plan
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{world: drivertest.NewWorld("db"), store: drivertest.NewMemory()}
	s.world.Cure = "db=fast"
	opened, err := incident.New(incident.KindOpened, "ann", "", incident.Opened{Title: "slow"})
	require.NoError(t, err)
	id, err := s.store.Create(t.Context(), incident.Header{Title: "slow"}, opened)
	require.NoError(t, err)
	change := action.Change{Type: "test.set", Args: action.Args{"value": "fast"}}
	doer, err := s.world.Doer("db", change.Type)
	require.NoError(t, err)
	preview, err := doer.Preview(t.Context(), change)
	require.NoError(t, err)
	s.plan = plan.Plan{ID: id + ".1", Incident: id, Steps: []plan.Step{{
		ID: id + ".1.1", Kind: playbook.Mitigate, Services: []string{"api"}, Target: "db", Change: change, Preview: preview,
		Within: 30 * time.Second, Watch: []plan.Watched{{ID: "x#slow", Title: "slow"}},
	}}}
	return s
}

func (s *scene) run(t *testing.T, change func(*execution.Config)) (incident.Finished, error) {
	t.Helper()
	cfg := execution.Config{Store: s.store, World: s.world, Gate: s.world}
	if change != nil {
		change(&cfg)
	}
	x, err := execution.New(cfg)
	require.NoError(t, err)
	begin, err := incident.New(incident.KindStarted, "ann", "", incident.Started{Plan: s.plan.ID})
	require.NoError(t, err)
	return x.Run(t.Context(), s.plan, &begin)
}

func (s *scene) view(t *testing.T) recovery.View {
	t.Helper()
	run := recovery.NewRun(s.plan)
	events, err := s.store.Events(t.Context(), s.plan.Incident, 0)
	require.NoError(t, err)
	for _, e := range events {
		require.NoError(t, run.Add(e))
	}
	v, ok := run.View(s.plan.Steps[0].ID)
	require.True(t, ok)
	return v
}

func inBubble(t *testing.T, test func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newScene(t)) })
}

func TestATargetThatHasMovedIsNotTouched(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *scene) {
		s.plan.Steps[0].Preview.Identity = "the db that was here yesterday"
		end, err := s.run(t, nil)
		require.NoError(t, err)
		require.Equal(t, incident.NeedsPerson, end.Outcome)
		require.Contains(t, end.Text, "the target is another one: it was the db that was here yesterday and is db")
		require.Contains(t, end.Text, "quell plan "+s.plan.Incident)
		require.Empty(t, s.world.Effects)
	})
}

func TestAWorldThatHasChangedMakesThePlanStale(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *scene) {
		s.world.Cure = ""
		s.world.Values["db"] = "middling"
		end, err := s.run(t, nil)
		require.NoError(t, err)
		require.Equal(t, incident.NeedsPerson, end.Outcome)
		require.Contains(t, end.Text, "changed since it was planned: db (was slow, is middling)")
		require.Empty(t, s.world.Effects)
	})
}

// full is a store whose disk has room for so many more writes.
type full struct {
	incident.Store
	room int
	back time.Time // when there is room again; zero: never
}

func (f *full) Append(ctx context.Context, id string, after int64, events ...incident.Event) (int64, error) {
	if f.room == 0 && (f.back.IsZero() || time.Now().Before(f.back)) {
		return 0, fmt.Errorf("%w: the disk is full", incident.ErrUnavailable)
	}
	f.room = max(f.room-1, 0)
	return f.Store.Append(ctx, id, after, events...)
}

func TestWithoutRoomForTheIntentNothingIsDone(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *scene) {
		whole := s.store
		s.store = &full{Store: whole, room: 2} // the start, and the sample before
		_, err := s.run(t, nil)
		require.ErrorIs(t, err, incident.ErrUnavailable)
		require.ErrorContains(t, err, "the disk is full")
		require.Empty(t, s.world.Effects)
		s.store = whole
		end, err := s.run(t, nil)
		require.NoError(t, err)
		require.Equal(t, incident.Recovered, end.Outcome, "with room again it goes on")
	})
}

func TestAResultThatCannotBeWrittenIsFoundOutAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *scene) {
		whole := s.store
		s.store = &full{Store: whole, room: 3} // and the intent
		_, err := s.run(t, nil)
		require.ErrorContains(t, err, "made", "what happened is said")
		require.ErrorContains(t, err, "quell reconcile")
		require.Equal(t, map[string]int{"db=fast": 1}, s.world.Effects)
		s.store = whole
		require.Equal(t, recovery.Unknown, s.view(t).Standing)
		time.Sleep(time.Minute)
		end, err := s.run(t, nil)
		require.NoError(t, err)
		require.Equal(t, incident.Recovered, end.Outcome)
		require.Equal(t, map[string]int{"db=fast": 1}, s.world.Effects, "and not done again")
	})
}

func TestAStoreThatIsAwayForAMomentCostsNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *scene) {
		s.store = &full{Store: s.store, room: 3, back: time.Now().Add(5 * time.Second)}
		end, err := s.run(t, nil)
		require.NoError(t, err)
		require.Equal(t, incident.Recovered, end.Outcome)
		require.Equal(t, map[string]int{"db=fast": 1}, s.world.Effects)
	})
}

// stuck is a world in which nothing that is asked ever answers.
type stuck struct{ *drivertest.World }

func (stuck) Sample(context.Context, plan.Step, time.Time) verification.Sample { select {} }

func TestAVerificationThatHangsEndsAsOneThatNobodyCouldMake(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.plan.Steps[0].Within = 50 * time.Millisecond
	end, err := s.run(t, func(c *execution.Config) { c.World, c.Look = stuck{s.world}, 20*time.Millisecond })
	require.NoError(t, err)
	require.Equal(t, incident.NeedsPerson, end.Outcome)
	require.Contains(t, end.Text, "nobody can tell whether step")
	require.Contains(t, end.Text, "no answer within 20ms")
	require.Equal(t, recovery.Unclear, s.view(t).Standing)
}

// flickering is a world in which nothing is felt at so many of the first looks.
type flickering struct {
	*drivertest.World
	calm int
	seen *atomic.Int32
}

func (w flickering) Sample(ctx context.Context, s plan.Step, changed time.Time) verification.Sample {
	if int(w.seen.Add(1)) <= w.calm {
		return verification.Sample{Check: verification.None, Felt: verification.No}
	}
	return w.World.Sample(ctx, s, changed)
}

func TestOneQuietLookBeforeAnActIsNoRecovery(t *testing.T) {
	t.Parallel()
	for calm, want := range map[int]incident.Outcome{
		verification.Needed - 1: incident.Recovered, // it was felt at the last look, and the step helped
		verification.Needed:     incident.Subsided,
	} {
		s := newScene(t)
		s.plan.Steps[0].Within = time.Second
		end, err := s.run(t, func(c *execution.Config) { c.World = flickering{s.world, calm, new(atomic.Int32)} })
		require.NoError(t, err)
		require.Equal(t, want, end.Outcome, end.Text)
	}
}

// sleeper is a change that does not come back when its time is over, and
// happens long after.
type sleeper struct {
	action.Doer
	until chan struct{}
}

func (d sleeper) Apply(context.Context, action.Order) (action.Done, error) {
	<-d.until
	return action.Done{}, nil
}

type sleepy struct {
	*drivertest.World
	until chan struct{}
}

func (w sleepy) Doer(target, name string) (action.Doer, error) {
	d, err := w.World.Doer(target, name)
	return sleeper{d, w.until}, err
}

func TestAnActThatDoesNotComeBackIsNotTakenForUndone(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *scene) {
		until := make(chan struct{})
		end, err := s.run(t, func(c *execution.Config) { c.World = sleepy{s.world, until} })
		require.NoError(t, err)
		require.Equal(t, incident.NeedsPerson, end.Outcome)
		require.Contains(t, end.Text, "did not come back")
		require.Equal(t, recovery.Unknown, s.view(t).Standing, "the world shows that it did not happen, and it may yet")
		close(until)
	})
}

func TestAClockThatJumpsBackDoesNotMakeARunSleep(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *scene) {
		start := time.Now()
		jumped := false
		end, err := s.run(t, func(c *execution.Config) {
			c.Now = func() time.Time {
				if jumped {
					return time.Now().Add(-6 * time.Hour)
				}
				return time.Now()
			}
			c.Say = func(p execution.Progress) { jumped = jumped || p.Point == execution.Acted }
		})
		require.NoError(t, err)
		require.Equal(t, incident.Recovered, end.Outcome)
		require.Less(t, time.Since(start), 15*time.Minute)
	})
}

func TestNobodyTouchesAServiceThatAnotherHasLeftOpen(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *scene) {
		_, err := s.store.Acquire(t.Context(), "service/api", "somebody", time.Second)
		require.NoError(t, err)
		require.NoError(t, s.store.Mark(t.Context(), "service/api", "somebody", "INC-9.1.1", time.Second))
		time.Sleep(time.Minute)
		_, err = s.run(t, nil)
		require.ErrorIs(t, err, incident.ErrHeld)
		require.ErrorContains(t, err, "step INC-9.1.1 was begun on service/api and never settled: `quell reconcile`")
		require.Empty(t, s.world.Effects)
	})
}

// halves is a change of two halves, of which the first attempt makes one. Its
// previews see the half that was made as a change of the world.
type halves struct {
	action.Doer
	made   []string
	second error // of the attempts after the first
}

func (h *halves) Preview(context.Context, action.Change) (action.Preview, error) {
	return action.Preview{Identity: "db", Summary: "two halves", Items: []action.Item{{ID: "db", Then: "fast", Guard: fmt.Sprint(h.made)}}}, nil
}

func (h *halves) Apply(context.Context, action.Order) (action.Done, error) {
	if len(h.made) == 0 {
		h.made = append(h.made, "one")
		return action.Done{}, &action.Failure{State: action.PartlyMade, Text: "one of two"}
	}
	if h.second != nil {
		return action.Done{}, h.second
	}
	h.made = append(h.made, "two")
	return action.Done{Summary: "both"}, nil
}

func (h *halves) Standing(context.Context, action.Order) (action.Standing, error) {
	return action.Standing{State: action.Made}, nil
}

type halfWorld struct {
	*drivertest.World
	doer *halves
}

func (w halfWorld) Doer(string, string) (action.Doer, error) { return w.doer, nil }

func TestWhatIsHalfDoneIsFinishedWithTheSameOrder(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *scene) {
		doer := &halves{}
		s.plan.Steps[0].Preview, _ = doer.Preview(t.Context(), action.Change{})
		_, err := s.run(t, func(c *execution.Config) { c.World = halfWorld{s.world, doer} })
		require.NoError(t, err)
		require.Equal(t, []string{"one", "two"}, doer.made)
		require.Equal(t, action.Made, s.view(t).Result.State)
	})
}

func TestAnAttemptThatDidNothingDoesNotUndoTheHalfBefore(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, s *scene) {
		doer := &halves{second: action.Not("somebody is in the way")}
		s.plan.Steps[0].Preview, _ = doer.Preview(t.Context(), action.Change{})
		_, err := s.run(t, func(c *execution.Config) { c.World = halfWorld{s.world, doer} })
		require.NoError(t, err)
		require.Equal(t, []string{"one"}, doer.made)
		require.Equal(t, recovery.Partly, s.view(t).Standing, "the record still says that a half was made")
	})
}
