package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector/all"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
)

// freshFor is how old a diagnosis may be for a plan to rest on it: what it
// would change has mostly moved on by then.
const freshFor = 5 * time.Minute

// previewTime bounds one preview, and previewsAtOnce all of them.
const (
	previewTime    = 20 * time.Second
	previewsAtOnce = 8
)

// PlanOptions say what a plan rests on.
type PlanOptions struct {
	Saved bool // on the record's latest diagnosis, however old it is
	// Progress is told of the questions of a new diagnosis. May be nil.
	Progress func(string)
}

// MakePlan proposes what to do about an incident, and writes the plan into its
// record. It asks and previews; it changes nothing.
func (d *Desk) MakePlan(ctx context.Context, id string, o PlanOptions) (plan.Plan, error) {
	events, err := d.Incident(ctx, id)
	if err != nil {
		return plan.Plan{}, err
	}
	latest, at, err := latestDiagnosis(events)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("%s: %w", id, err)
	}
	tried, changed, err := attempts(events)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("%s: %w", id, err)
	}
	age := d.now().Sub(at)
	if !o.Saved && (age > freshFor || changed.After(at)) {
		if o.Progress != nil {
			why := "is " + expr.FormatDuration(age.Round(time.Second)) + " old"
			if changed.After(at) {
				why = "was made before something was changed"
			}
			o.Progress(fmt.Sprintf("the diagnosis of %s %s: asking again", id, why))
		}
		if latest, err = d.again(ctx, id, events, false); err != nil {
			return plan.Plan{}, err
		}
	}
	known := d.known(latest.Since)
	steps, tasks, notes := plan.Draft(latest.Diagnosis, known)
	steps, notes = plan.Untried(steps, tried, d.now(), notes)
	steps, tasks, notes = plan.Declared(d.preview(ctx, steps), tasks, notes)
	p := plan.Plan{
		Incident: id, By: d.who, Source: plan.Diagnosis, Evidence: action.Digest(latest.Evidence),
		Summary: latest.Diagnosis.Summary, Steps: steps, Tasks: tasks, Notes: notes,
	}
	if err := ctx.Err(); err != nil {
		return plan.Plan{}, fmt.Errorf("interrupted before there was a plan: %w", err)
	}
	return d.writePlan(ctx, p)
}

// attempts are the changes of an incident's earlier plans that have not mended it,
// and when something was last changed; zero: never.
func attempts(events []incident.Event) (tried []plan.Tried, changed time.Time, err error) {
	for _, e := range events {
		if e.Kind != incident.KindPlanned {
			continue
		}
		p, err := incident.Read[plan.Plan](e)
		if err != nil {
			return nil, changed, err
		}
		run, err := runOf(p, events)
		if err != nil {
			return nil, changed, err
		}
		tried = append(tried, run.Tried()...)
		if at := run.Changed(); at.After(changed) {
			changed = at
		}
	}
	return tried, changed, nil
}

// latestDiagnosis is what a record last says is wrong, and when it was asked.
func latestDiagnosis(events []incident.Event) (latest incident.Diagnosed, at time.Time, err error) {
	for _, e := range events {
		if e.Kind != incident.KindDiagnosed {
			continue
		}
		if latest, err = incident.Read[incident.Diagnosed](e); err != nil {
			return latest, at, err
		}
		at = latest.Diagnosis.At
	}
	if at.IsZero() {
		return latest, at, errors.New("nothing has been diagnosed yet")
	}
	return latest, at, nil
}

// again diagnoses an incident's services once more, and keeps what it says.
func (d *Desk) again(ctx context.Context, id string, events []incident.Event, after bool) (incident.Diagnosed, error) {
	var opened incident.Opened
	for _, e := range events {
		if e.Kind == incident.KindOpened {
			o, err := incident.Read[incident.Opened](e)
			if err != nil {
				return incident.Diagnosed{}, err
			}
			opened = o
		}
	}
	last, _, err := latestDiagnosis(events)
	if err != nil {
		return last, err
	}
	since, err := expr.ParseDuration(last.Since)
	if err != nil {
		since = defaultSince
	}
	req := Request{Services: opened.Services, Symptom: opened.Symptom, Alert: opened.Alert, Since: since}
	if len(last.Playbooks) == 1 {
		req.Playbook = slices.Collect(maps.Keys(last.Playbooks))[0]
	}
	out, err := d.Diagnose(ctx, req)
	if err != nil {
		return last, err
	}
	record := d.diagnosed(out)
	record.After = after
	e, err := incident.New(incident.KindDiagnosed, "quell", "", record)
	if err != nil {
		return last, err
	}
	if err := d.append(ctx, id, e); err != nil {
		return last, err
	}
	// As the record has it, and not as it was in memory.
	return incident.Read[incident.Diagnosed](e)
}

// known is what a draft asks of the session.
func (d *Desk) known(since string) plan.Known {
	specs := map[string]action.Spec{}
	for _, k := range all.Kinds() {
		for _, a := range k.Actions {
			specs[a.Name] = a
		}
	}
	back, err := expr.ParseDuration(since)
	if err != nil {
		back = defaultSince
	}
	return plan.Known{
		Spec:       func(name string) (action.Spec, bool) { s, ok := specs[name]; return s, ok },
		TargetKind: func(name string) string { return d.targets[name].Kind },
		LooksBack:  func(condition string) time.Duration { return d.looksBack(condition, back) },
	}
}

// preview asks the world what each step would do.
func (d *Desk) preview(ctx context.Context, drafts []plan.Step) []plan.Step {
	out := make([]plan.Step, len(drafts))
	slots := make(chan struct{}, previewsAtOnce)
	var wg sync.WaitGroup
	for i, s := range drafts {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i] = d.previewOne(ctx, s)
		})
	}
	wg.Wait()
	return out
}

func (d *Desk) previewOne(ctx context.Context, s plan.Step) plan.Step {
	doer, err := d.world(nil).Doer(s.Target, s.Change.Type)
	if err != nil {
		return s.Found(action.Preview{}, err)
	}
	ctx, cancel := context.WithTimeout(ctx, previewTime)
	defer cancel()
	found, err := doer.Preview(ctx, s.Change)
	if err != nil {
		err = errors.New(d.redact.Text(err.Error()))
	}
	return s.Found(found, err)
}

// writePlan numbers a plan, asks policy about its steps, and writes it down.
func (d *Desk) writePlan(ctx context.Context, p plan.Plan) (plan.Plan, error) {
	p.At = d.now().UTC().Truncate(time.Microsecond)
	ref, err := incident.ParseRef(p.Incident)
	if err != nil {
		return p, err
	}
	for {
		events, err := d.Incident(ctx, p.Incident)
		if err != nil {
			return p, err
		}
		ref.Plan = 1
		for _, e := range events {
			if e.Kind == incident.KindPlanned {
				ref.Plan++
			}
		}
		p.ID = ref.String()
		p.Steps = plan.Numbered(p.ID, p.Steps)
		gate := d.gate()
		for i, s := range p.Steps {
			if p.Steps[i].Decision, err = gate.decide(ctx, s, s.Preview, p.By, p.At, false); err != nil {
				return p, err
			}
		}
		e, err := incident.New(incident.KindPlanned, d.who, "", p)
		if err != nil {
			return p, err
		}
		e.At = p.At
		_, err = d.store.Append(ctx, p.Incident, events[len(events)-1].Seq, e)
		if errors.Is(err, incident.ErrConflict) {
			continue // somebody wrote meanwhile, perhaps another plan
		}
		if err != nil {
			return p, fmt.Errorf("write the plan down: %w", err)
		}
		return incident.Read[plan.Plan](e)
	}
}

// append adds an event behind whatever is there.
func (d *Desk) append(ctx context.Context, id string, events ...incident.Event) error {
	for {
		known, err := d.Incident(ctx, id)
		if err != nil {
			return err
		}
		for i := range events {
			if events[i].At.IsZero() {
				events[i].At = d.now().UTC().Truncate(time.Microsecond)
			}
		}
		_, err = d.store.Append(ctx, id, known[len(known)-1].Seq, events...)
		if !errors.Is(err, incident.ErrConflict) {
			if err != nil {
				return fmt.Errorf("write to the record of %s: %w", id, err)
			}
			return nil
		}
	}
}

// usualFor is how long after the first diagnosis of an incident the usual state
// is that before it: longer windows are not asked for.
const usualFor = 6 * time.Hour

// world is the session for the executor and for checklists: it looks back as
// far as the latest diagnosis did, and to the time before the first one for
// what is usual. An incident must not become the state that it is held against.
func (d *Desk) world(events []incident.Event) world {
	w := world{session: d.Session, since: defaultSince}
	latest, at, err := latestDiagnosis(events)
	if err != nil {
		return w
	}
	if back, err := expr.ParseDuration(latest.Since); err == nil {
		w.since = back
	}
	w.usual = at
	for i, e := range events {
		if e.Kind != incident.KindDiagnosed || at.Sub(e.At) > usualFor {
			continue
		}
		if _, w.usual, err = latestDiagnosis(events[:i+1]); err != nil {
			w.usual = at
		}
		break
	}
	return w
}
