package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/policy"
	"github.com/quellhq/quell/internal/verification"
)

// mostHistory bounds how many events a look back reads.
const mostHistory = 10000

// recent are the changes of the last hour, for the policy's limits.
func (g *gate) recent(ctx context.Context, now time.Time) ([]policy.Change, error) {
	events, err := g.desk.store.Find(ctx, []string{incident.KindIntent}, now.Add(-time.Hour), mostHistory)
	if err != nil {
		return nil, fmt.Errorf("read the changes of the last hour: %w", err)
	}
	var out []policy.Change
	for _, e := range events {
		i, err := incident.Read[incident.Intent](e)
		if err != nil {
			return nil, err
		}
		if i.Undo {
			continue
		}
		for _, service := range g.servicesOf(i) {
			out = append(out, policy.Change{
				At: e.At, Blast: i.Order.Preview.Touches(),
				Subject: policy.Subject{Action: i.Order.Type, Risk: i.Risk, Service: service, Environment: g.desk.environment(service), Target: i.Target},
			})
		}
	}
	return out, nil
}

func (g *gate) servicesOf(i incident.Intent) []string {
	if len(i.Services) == 0 {
		return []string{""}
	}
	return i.Services
}

// record folds what became of the applications of one type of action.
func (g *gate) record(ctx context.Context, name string, from time.Time) (policy.TrackRecord, error) {
	kinds := []string{incident.KindIntent, incident.KindResult, incident.KindJudged}
	events, err := g.desk.store.Find(ctx, kinds, from, mostHistory)
	if err != nil {
		return policy.TrackRecord{}, fmt.Errorf("read what became of earlier changes: %w", err)
	}
	return trackRecord(name, events)
}

// trackRecord folds events, in order of time, into the record of a type.
func trackRecord(name string, events []incident.Event) (policy.TrackRecord, error) {
	var r policy.TrackRecord
	ours := map[string]bool{}   // steps of the type
	opened := map[string]bool{} // of them, those whose result is not known
	bad := func(n *int, at time.Time) {
		*n++
		r.Verified, r.LastFailure = 0, at
	}
	for _, e := range events {
		key := e.Step
		switch e.Kind {
		case incident.KindIntent:
			i, err := incident.Read[incident.Intent](e)
			if err != nil {
				return r, err
			}
			if i.Order.Type == name && !i.Undo {
				ours[key], opened[key] = true, true
			}
		case incident.KindResult:
			v, err := incident.Read[incident.Result](e)
			if err != nil {
				return r, err
			}
			switch {
			case !ours[key]:
			case v.Undo && v.State == action.Made:
				bad(&r.Undone, e.At)
			case v.Undo:
			default:
				delete(opened, key)
				switch v.State {
				case action.Made:
				case action.CannotTell:
					bad(&r.Unknown, e.At)
				default:
					bad(&r.Failed, e.At)
				}
			}
		case incident.KindJudged:
			v, err := incident.Read[incident.Judged](e)
			if err != nil {
				return r, err
			}
			switch {
			case !ours[key]:
			case v.Verdict == verification.Better:
				r.Verified++
			case v.Verdict == verification.NotBetter:
				bad(&r.Failed, e.At)
			default:
				bad(&r.Unknown, e.At)
			}
		}
	}
	if len(opened) > 0 && len(events) > 0 {
		r.Unknown += len(opened)
		r.Verified, r.LastFailure = 0, events[len(events)-1].At
	}
	return r, nil
}

// attempts folds an incident's record, in order of time, into what was tried and
// has not mended it, and when something was last changed; zero: never.
func attempts(events []incident.Event) (tried []plan.Tried, changed time.Time, err error) {
	proposed := map[string]plan.Tried{}
	remedies := map[string][]string{} // the steps that are judged by a step: those of its remedy up to it
	made := map[string]bool{}
	fell := func(id, why string, at time.Time) {
		t := proposed[id]
		if slices.ContainsFunc(tried, func(o plan.Tried) bool { return o.Step == id }) || t.Step == "" {
			return
		}
		t.At, t.Why = at, why
		tried = append(tried, t)
	}
	for _, e := range events {
		switch e.Kind {
		case incident.KindPlanned:
			p, err := incident.Read[plan.Plan](e)
			if err != nil {
				return nil, changed, err
			}
			var together []string
			for _, s := range p.Steps {
				proposed[s.ID] = plan.Tried{Step: s.ID, Target: s.Target, Change: s.Change}
				together = append(together, s.ID)
				remedies[s.ID] = together
				if !s.Continues {
					together = nil
				}
			}
		case incident.KindResult:
			v, err := incident.Read[incident.Result](e)
			if err != nil {
				return nil, changed, err
			}
			if v.State != action.NotMade {
				changed = e.At
			}
			switch {
			case v.Undo:
			case v.State == action.NotMade && !v.Temporary:
				fell(e.Step, "it could not be done: "+v.Text, e.At)
			default:
				made[e.Step] = v.State == action.Made
			}
		case incident.KindJudged:
			v, err := incident.Read[incident.Judged](e)
			if err != nil {
				return nil, changed, err
			}
			if v.Verdict != verification.NotBetter {
				continue
			}
			for _, id := range remedies[e.Step] {
				if made[id] {
					fell(id, "it did not help", e.At)
				}
			}
		}
	}
	return tried, changed, nil
}
