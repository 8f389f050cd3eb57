package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/run"
)

// ladderFor is how long a ladder that was left in the middle is gone on with.
const ladderFor = 12 * time.Hour

// MakeLadder makes a plan of the rungs of a playbook, for one service, or finds
// the one that was left in the middle.
func (d *Desk) MakeLadder(ctx context.Context, id, service string) (plan.Plan, error) {
	book := d.library.Book.Playbook(strings.TrimSuffix(id, ".md"))
	switch {
	case book == nil:
		return plan.Plan{}, fmt.Errorf("%w; `quell explain` lists them", d.library.Book.Unknown(id))
	case len(book.Ladder) == 0:
		return plan.Plan{}, fmt.Errorf("playbook %s has no ladder: it would stand under ## Ladder", book.ID)
	}
	name, err := d.theService(service)
	if err != nil {
		return plan.Plan{}, err
	}
	if left, found, err := d.leftLadder(ctx, book.ID, name); err != nil || found {
		return left, err
	}
	out, err := d.Diagnose(ctx, Request{Services: []string{name}, Symptom: "ladder of " + book.ID})
	if err != nil {
		return plan.Plan{}, err
	}
	incidentID, err := d.Save(ctx, Request{Symptom: "last resort: the ladder of " + book.ID}, out)
	if err != nil {
		return plan.Plan{}, err
	}
	rungs, notes := d.rungs(book, name, out.Result)
	steps, tasks, why := plan.Climb(out.Page.Diagnosis, rungs, plan.WatchFor(out.Page.Diagnosis, book.ID), d.known(out.Page.Since))
	steps, tasks, why = plan.Declared(d.preview(ctx, steps), tasks, why)
	return d.writePlan(ctx, plan.Plan{
		Incident: incidentID, By: d.who, Source: plan.Ladder, Playbook: book.ID, Evidence: action.Digest(d.diagnosed(out).Evidence),
		Summary: "the ladder of " + book.Title, Steps: steps, Tasks: tasks, Notes: append(notes, why...),
	})
}

// theService is the one that is named, or the only one.
func (d *Desk) theService(name string) (string, error) {
	if name != "" {
		_, err := d.chosen([]string{name})
		return name, err
	}
	if names := d.Services(); len(names) != 1 {
		return "", fmt.Errorf("which service? --service, one of %s", strings.Join(names, ", "))
	}
	return d.Services()[0], nil
}

// rungs fills the remedies that a ladder links to from what was seen.
func (d *Desk) rungs(book *playbook.Playbook, service string, result run.Result) ([]plan.Rung, []string) {
	var out []plan.Rung
	var notes []string
	for _, rung := range book.Ladder {
		id, anchor, _ := strings.Cut(rung.Target, "#")
		i := slices.IndexFunc(result.Subjects, func(s diagnosis.Subject) bool { return s.Playbook.ID == id && s.Service == service })
		if i < 0 {
			notes = append(notes, fmt.Sprintf("%s: nothing answers for playbook %s", rung.Text, id))
			continue
		}
		subject := &result.Subjects[i]
		condition, remedy := subject.Playbook.Remedy(anchor)
		if remedy == nil {
			notes = append(notes, fmt.Sprintf("%s: %s is no remedy", rung.Text, rung.Target))
			continue
		}
		out = append(out, plan.Rung{
			Text: rung.Text, Watch: rung.Watch, Root: condition.ID, Title: condition.Title, Services: []string{service},
			Proposal: subject.Propose(*remedy, result.At),
		})
	}
	return out, notes
}

// leftLadder finds the latest ladder of a playbook and a service that has not
// come to an end.
func (d *Desk) leftLadder(ctx context.Context, book, service string) (plan.Plan, bool, error) {
	events, err := d.store.Find(ctx, []string{incident.KindPlanned}, d.now().Add(-ladderFor), mostHistory)
	if err != nil {
		return plan.Plan{}, false, fmt.Errorf("look for a ladder that was left: %w", err)
	}
	for _, e := range slices.Backward(events) {
		p, err := incident.Read[plan.Plan](e)
		if err != nil {
			return p, false, err
		}
		if p.Source != plan.Ladder || p.Playbook != book || len(p.Steps) == 0 || !slices.Contains(p.Steps[0].Services, service) {
			continue
		}
		_, run, err := d.reread(ctx, p)
		if err != nil {
			return p, false, err
		}
		end := run.Finished()
		open := end == nil || end.Outcome == incident.Waiting || end.Outcome == incident.NeedsPerson
		begun := false
		for _, s := range p.Steps {
			v, _ := run.View(s.ID)
			begun = begun || v.Result != nil
		}
		if open && (begun || d.now().Sub(p.At) < freshFor) {
			return p, true, nil
		}
		return p, false, nil
	}
	return plan.Plan{}, false, nil
}
