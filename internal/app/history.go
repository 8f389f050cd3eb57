package app

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/incident"
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
