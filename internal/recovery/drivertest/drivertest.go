// Package drivertest is the contract of a driver of recovery.Next, whatever
// carries it out: a loop over a journal in one process, or a distributed
// engine. A driver may be killed at any call that it makes to the outside and
// started again as a new process; every effect must have happened once, and the
// record must tell the truth.
package drivertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/verification"
)

// Driver carries a plan on until it stops.
type Driver interface {
	Run(ctx context.Context, p plan.Plan, begin *incident.Event) (incident.Finished, error)
}

// Process is all that a driver reaches outside of itself.
type Process struct {
	Store incident.Store
	World interface {
		Doer(target, action string) (action.Doer, error)
		Sample(ctx context.Context, s plan.Step, changed time.Time) verification.Sample
		Verifiable(s plan.Step) error
		Capture(ctx context.Context, s plan.Step) []evidence.Evidence
	}
	Gate interface {
		Pass(ctx context.Context, p plan.Plan, s plan.Step, v recovery.View, found action.Preview, now time.Time) ([]string, *incident.Held)
		MayUndo(ctx context.Context, s plan.Step, now time.Time) *incident.Held
	}
	Name string // of the process, unique: the owner of its leases
}

// Make returns a driver as a new process has it.
type Make func(t *testing.T, p Process) Driver

// scene is a world, a record and a plan, in which processes come and go.
type scene struct {
	world     *World
	store     *Memory
	plan      plan.Plan
	make      Make
	processes int
}

// Run holds a driver to the contract.
func Run(t *testing.T, makes Make) {
	for name, test := range map[string]func(t *testing.T, makes Make){
		"killed at any call, it does nothing twice and loses nothing": killedAnywhere,
		"without an approval it waits, and goes on when there is one": approval,
		"a verification goes on where a pause left it":                timer,
		"what failed for a moment is tried again, and only so often":  retry,
		"what failed for good is not tried again":                     failure,
		"stopped by a person, it does nothing more":                   cancelled,
		"what did not help is taken back, and the next step is taken": notHelped,
		"what cannot be measured never counts as recovered":           blind,
		"what cannot be asked about is left to a person":              silent,
		"two at once do it once":                                      twoAtOnce,
		"what has gone by itself is left alone":                       subsided,
		"a step is taken back when somebody asks":                     undoAsked,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, makes) })
		})
	}
}

// newScene has two steps: the first on "cache", the second on "db".
func newScene(t *testing.T, makes Make) *scene {
	t.Helper()
	s := &scene{world: NewWorld("cache", "db"), store: NewMemory(), make: makes}
	opened, err := incident.New(incident.KindOpened, "ann", "", incident.Opened{Title: "slow", Services: []string{"api"}})
	require.NoError(t, err)
	id, err := s.store.Create(t.Context(), incident.Header{Title: "slow"}, opened)
	require.NoError(t, err)
	s.plan = plan.Plan{ID: id + ".1", Incident: id}
	for i, target := range []string{"cache", "db"} {
		change := action.Change{Type: "test.set", Args: action.Args{"value": "fast"}}
		preview, err := setter{s.world, target}.Preview(t.Context(), change)
		require.NoError(t, err)
		s.plan.Steps = append(s.plan.Steps, plan.Step{
			ID: fmt.Sprintf("%s.%d", s.plan.ID, i+1), Kind: playbook.Mitigate, Services: []string{"api"}, Target: target,
			Change: change, Preview: preview, Within: 30 * time.Second, Watch: []plan.Watched{{ID: "x#slow", Title: "slow"}},
		})
	}
	return s
}

// process starts a driver as a new process; life may end it.
func (s *scene) process(t *testing.T, life *Life) Driver {
	s.processes++
	return s.make(t, Process{
		Store: mortalStore{s.store, life}, World: mortalWorld{s.world, life}, Gate: s.world, Name: fmt.Sprintf("process-%d", s.processes),
	})
}

// begin is somebody who applies the plan.
func (s *scene) begin(t *testing.T) *incident.Event {
	t.Helper()
	e, err := incident.New(incident.KindStarted, "ann", "", incident.Started{Plan: s.plan.ID})
	require.NoError(t, err)
	return &e
}

// apply runs a plan from the start in a process that lives.
func (s *scene) apply(t *testing.T) incident.Finished {
	t.Helper()
	end, err := s.process(t, &Life{}).Run(t.Context(), s.plan, s.begin(t))
	require.NoError(t, err)
	return end
}

// resume runs new processes until one gets to the end. A lease of a dead one
// has to pass first.
func (s *scene) resume(t *testing.T) incident.Finished {
	t.Helper()
	for range 20 {
		end, err := s.process(t, &Life{}).Run(t.Context(), s.plan, nil)
		if err == nil {
			return end
		}
		require.ErrorIs(t, err, incident.ErrHeld, "only the lease of the dead may be in the way")
		time.Sleep(15 * time.Second)
	}
	require.FailNow(t, "it hangs for ever")
	return incident.Finished{}
}

func (s *scene) events(t *testing.T) []incident.Event {
	t.Helper()
	events, err := s.store.Events(t.Context(), s.plan.Incident, 0)
	require.NoError(t, err)
	return events
}

func (s *scene) count(t *testing.T, kind string) int {
	t.Helper()
	n := 0
	for _, e := range s.events(t) {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// settled requires that no lease has work in it and no intent is open.
func (s *scene) settled(t *testing.T) {
	t.Helper()
	leases, err := s.store.Leases(t.Context())
	require.NoError(t, err)
	for _, l := range leases {
		require.Emptyf(t, l.Work, "%s is left open", l.Key)
	}
	run := recovery.NewRun(s.plan)
	for _, e := range s.events(t) {
		require.NoError(t, run.Add(e))
	}
	_, _, open := run.Open()
	require.False(t, open, "an intent has no result")
}

// killedAnywhere ends the process at every call to the outside that it makes,
// before and after the call takes effect.
func killedAnywhere(t *testing.T, makes Make) {
	whole := newScene(t, makes)
	whole.world.Cure = "db=fast"
	life := &Life{}
	end, err := whole.process(t, life).Run(t.Context(), whole.plan, whole.begin(t))
	require.NoError(t, err)
	require.Equal(t, incident.Recovered, end.Outcome)
	require.Greater(t, life.Calls(), 20)
	// The first step did not help, so it was taken back; the second did.
	want := map[string]int{"cache=fast": 1, "cache=slow": 1, "db=fast": 1}
	require.Equal(t, want, whole.world.Effects)

	for _, after := range []bool{false, true} {
		for at := 1; at <= life.Calls(); at++ {
			s := newScene(t, makes)
			s.world.Cure = "db=fast"
			mortal := &Life{EndsAt: at, After: after}
			_, err := s.process(t, mortal).Run(t.Context(), s.plan, s.begin(t))
			if !mortal.Dead() {
				require.NoError(t, err)
				continue
			}
			time.Sleep(time.Minute) // somebody notices
			end := s.resume(t)
			if s.count(t, incident.KindStarted) == 0 {
				// It died before it had begun: nothing may have happened by itself.
				end = s.apply(t)
			}
			require.Equalf(t, incident.Recovered, end.Outcome, "killed at call %d (after: %v): %s", at, after, end.Text)
			require.Equalf(t, want, s.world.Effects, "killed at call %d (after: %v)", at, after)
			s.settled(t)
		}
	}
}

func approval(t *testing.T, makes Make) {
	s := newScene(t, makes)
	s.world.Approved, s.world.Cure = false, "cache=fast"
	end := s.apply(t)
	require.Equal(t, incident.Waiting, end.Outcome)
	require.Empty(t, s.world.Effects)
	require.Zero(t, s.count(t, incident.KindIntent))
	s.world.Approved = true
	require.Equal(t, incident.Recovered, s.apply(t).Outcome)
	require.Equal(t, map[string]int{"cache=fast": 1}, s.world.Effects)
}

func timer(t *testing.T, makes Make) {
	s := newScene(t, makes)
	s.world.Cure = "cache=fast"
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // between two samples
	_, err := s.process(t, &Life{}).Run(ctx, s.plan, s.begin(t))
	cancel()
	require.Error(t, err, "it was interrupted in the middle")
	taken := s.count(t, incident.KindMeasured)
	time.Sleep(10 * time.Second)
	require.Equal(t, incident.Recovered, s.resume(t).Outcome)
	require.Greater(t, s.count(t, incident.KindMeasured), taken, "what was measured before still counts")
	require.Equal(t, 1, s.count(t, incident.KindIntent))
}

func retry(t *testing.T, makes Make) {
	s := newScene(t, makes)
	s.world.Cure = "cache=fast"
	s.world.Failures["cache"] = []error{action.NotYet("it is just starting"), action.NotYet("still starting")}
	start := time.Now()
	require.Equal(t, incident.Recovered, s.apply(t).Outcome)
	require.GreaterOrEqual(t, time.Since(start), 10*time.Second, "it waits between attempts")
	require.Equal(t, 3, s.count(t, incident.KindIntent))
	require.Equal(t, 1, s.world.Effects["cache=fast"])

	s = newScene(t, makes)
	for range 20 {
		s.world.Failures["cache"] = append(s.world.Failures["cache"], action.NotYet("it is just starting"))
		s.world.Failures["db"] = append(s.world.Failures["db"], action.NotYet("it is just starting"))
	}
	require.Equal(t, incident.NotHelped, s.apply(t).Outcome)
	require.Equal(t, 2*recovery.Attempts, s.count(t, incident.KindIntent))
}

func failure(t *testing.T, makes Make) {
	s := newScene(t, makes)
	s.world.Cure = "db=fast"
	s.world.Failures["cache"] = []error{action.Not("it has another master now")}
	require.Equal(t, incident.Recovered, s.apply(t).Outcome)
	require.Equal(t, map[string]int{"db=fast": 1}, s.world.Effects)
	require.Equal(t, 2, s.count(t, incident.KindIntent))
}

func cancelled(t *testing.T, makes Make) {
	s := newScene(t, makes)
	done := make(chan incident.Finished)
	go func() {
		end, err := s.process(t, &Life{}).Run(t.Context(), s.plan, s.begin(t))
		require.NoError(t, err)
		done <- end
	}()
	time.Sleep(5 * time.Second) // the first step is being verified
	e, err := incident.New(incident.KindCancelled, "bob", "", incident.Note{Plan: s.plan.ID, Text: "wrong window"})
	require.NoError(t, err)
	events := s.events(t)
	_, err = s.store.Append(t.Context(), s.plan.Incident, events[len(events)-1].Seq, e)
	require.NoError(t, err)
	require.Equal(t, incident.Cancelled, (<-done).Outcome)
	require.Equal(t, map[string]int{"cache=fast": 1}, s.world.Effects, "nothing more was done")
}

func notHelped(t *testing.T, makes Make) {
	s := newScene(t, makes)
	end := s.apply(t)
	require.Equal(t, incident.NotHelped, end.Outcome)
	require.Equal(t, map[string]int{"cache=fast": 1, "cache=slow": 1, "db=fast": 1, "db=slow": 1}, s.world.Effects)
	require.Equal(t, map[string]string{"cache": "slow", "db": "slow"}, s.world.Values)
}

func blind(t *testing.T, makes Make) {
	s := newScene(t, makes)
	s.world.Cure, s.world.Blind = "cache=fast", true
	end := s.apply(t)
	require.Equal(t, incident.NeedsPerson, end.Outcome)
	require.Equal(t, 1, s.count(t, incident.KindIntent), "nothing is done on top of what nobody can judge")
	s.world.Blind = false
	require.Equal(t, incident.Recovered, s.apply(t).Outcome, "applied again, it measures again")
	require.Equal(t, 1, s.count(t, incident.KindIntent))
}

func silent(t *testing.T, makes Make) {
	s := newScene(t, makes)
	s.world.Silent["cache"] = true
	s.world.Failures["cache"] = []error{errors.New("the connection was lost")}
	end := s.apply(t)
	require.Equal(t, incident.NeedsPerson, end.Outcome)
	require.Equal(t, incident.NeedsPerson, s.apply(t).Outcome, "it is not tried again by itself")
	require.Equal(t, 1, s.count(t, incident.KindIntent))
	require.Empty(t, s.world.Effects)
}

func twoAtOnce(t *testing.T, makes Make) {
	s := newScene(t, makes)
	s.world.Cure = "cache=fast"
	first, second := s.process(t, &Life{}), s.process(t, &Life{})
	ends := make(chan error, 2)
	for _, d := range []Driver{first, second} {
		go func() {
			_, err := d.Run(t.Context(), s.plan, s.begin(t))
			ends <- err
		}()
	}
	a, b := <-ends, <-ends
	if a == nil {
		a, b = b, a
	}
	require.ErrorIs(t, a, incident.ErrHeld, "one of them is told that somebody else is at it")
	require.NoError(t, b)
	require.Equal(t, map[string]int{"cache=fast": 1}, s.world.Effects)
}

func subsided(t *testing.T, makes Make) {
	s := newScene(t, makes)
	s.world.Cure = "db=slow"
	require.Equal(t, incident.Subsided, s.apply(t).Outcome)
	require.Empty(t, s.world.Effects)
}

func undoAsked(t *testing.T, makes Make) {
	s := newScene(t, makes)
	s.world.Cure = "cache=fast"
	require.Equal(t, incident.Recovered, s.apply(t).Outcome)
	undo := func() *incident.Event {
		e, err := incident.New(incident.KindUndoAsked, "ann", s.plan.Steps[0].ID, incident.UndoAsked{Why: "its time is over"})
		require.NoError(t, err)
		return &e
	}
	_, err := s.process(t, &Life{}).Run(t.Context(), s.plan, undo())
	require.NoError(t, err)
	require.Equal(t, "slow", s.world.Values["cache"])
	_, err = s.process(t, &Life{}).Run(t.Context(), s.plan, undo())
	require.NoError(t, err)
	require.Equal(t, map[string]int{"cache=fast": 1, "cache=slow": 1}, s.world.Effects, "an undo of what was undone does nothing")

	s.world.Values["cache"] = "fast"
	s = newScene(t, makes)
	s.world.Cure = "cache=fast"
	require.Equal(t, incident.Recovered, s.apply(t).Outcome)
	s.world.Values["cache"] = "tuned by hand"
	end, err := s.process(t, &Life{}).Run(t.Context(), s.plan, undo())
	require.NoError(t, err)
	require.Equal(t, incident.NeedsPerson, end.Outcome)
	require.Equal(t, "tuned by hand", s.world.Values["cache"], "what somebody changed since is not overwritten")
}
