package execution

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
)

// errAgain says that others have written meanwhile: ask for the next command.
var errAgain = errors.New("others have written meanwhile")

// journal is an incident's record as one run reads and writes it.
type journal struct {
	store    incident.Store
	now      func() time.Time
	incident string
	by       string
	last     int64 // number of the last event that is known
	run      *recovery.Run
	only     map[string]bool // steps that the latest start named
}

func (x *Executor) open(ctx context.Context, p plan.Plan) (*journal, error) {
	j := &journal{store: x.cfg.Store, now: x.cfg.Now, incident: p.Incident, by: "quell", run: recovery.NewRun(p)}
	return j, j.refresh(ctx)
}

// refresh folds in what others have written.
func (j *journal) refresh(ctx context.Context) error {
	events, err := j.store.Events(ctx, j.incident, j.last)
	if err != nil {
		return fmt.Errorf("read the record of %s: %w", j.incident, err)
	}
	for _, e := range events {
		if err := j.add(e); err != nil {
			return err
		}
	}
	return nil
}

func (j *journal) add(e incident.Event) error {
	if err := j.run.Add(e); err != nil {
		return err
	}
	j.last = e.Seq
	if e.Kind == incident.KindStarted {
		s, err := incident.Read[incident.Started](e)
		if err != nil {
			return err
		}
		j.only = map[string]bool{}
		for _, id := range s.Steps {
			j.only[id] = true
		}
	}
	return nil
}

// named reports whether a person asked for this very step.
func (j *journal) named(step string) bool { return j.only[step] }

// write appends what is true whoever else has written meanwhile.
func (j *journal) write(ctx context.Context, kind, step string, data any) error {
	e, err := incident.New(kind, j.by, step, data)
	if err != nil {
		return err
	}
	return j.append(ctx, e)
}

func (j *journal) append(ctx context.Context, e incident.Event) error {
	for {
		err := j.once(ctx, e)
		if !errors.Is(err, incident.ErrConflict) {
			return err
		}
		if err := j.refresh(ctx); err != nil {
			return err
		}
	}
}

// exclusive appends only if nobody has written since the run looked last.
func (j *journal) exclusive(ctx context.Context, kind, step string, data any) error {
	e, err := incident.New(kind, j.by, step, data)
	if err != nil {
		return err
	}
	if err := j.once(ctx, e); !errors.Is(err, incident.ErrConflict) {
		return err
	}
	if err := j.refresh(ctx); err != nil {
		return err
	}
	return errAgain
}

func (j *journal) once(ctx context.Context, e incident.Event) error {
	if e.At.IsZero() {
		e.At = j.now().UTC().Truncate(time.Microsecond)
	}
	last, err := j.store.Append(ctx, j.incident, j.last, e)
	if err != nil {
		return fmt.Errorf("write to the record of %s: %w", j.incident, err)
	}
	e.Incident, e.Seq = j.incident, last
	return j.add(e)
}

// patience is how long a store that cannot be used is waited for before a
// result is given up on.
const patience = 15 * time.Second

// insist writes a result even if the store is away for a moment: it is the
// only trace of an act.
func (j *journal) insist(ctx context.Context, kind, step string, data any) error {
	deadline := time.Now().Add(patience)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := j.write(ctx, kind, step, data)
		if err == nil || !errors.Is(err, incident.ErrUnavailable) || time.Now().Add(pause).After(deadline) {
			return err
		}
		time.Sleep(pause)
		// It may have been written although the answer was lost.
		if err := j.refresh(ctx); err != nil {
			continue
		}
		if _, _, open := j.run.Open(); !open {
			return nil
		}
	}
}
