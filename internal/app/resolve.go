package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/verification"
)

// Note adds what a person says to an incident.
func (d *Desk) Note(ctx context.Context, id, text string) error {
	return d.remark(ctx, id, incident.KindNoted, text)
}

// Reopen says that an incident is not over.
func (d *Desk) Reopen(ctx context.Context, id, why string) error {
	events, err := d.Incident(ctx, id)
	if err != nil {
		return err
	}
	if !isResolved(events) {
		return fmt.Errorf("%s is open", id)
	}
	return d.remark(ctx, id, incident.KindReopened, why)
}

func (d *Desk) remark(ctx context.Context, id, kind, text string) error {
	e, err := incident.New(kind, d.who, "", incident.Note{Text: d.redact.Text(text)})
	if err != nil {
		return err
	}
	return d.append(ctx, id, e)
}

func isResolved(events []incident.Event) bool {
	resolved := false
	for _, e := range events {
		switch e.Kind {
		case incident.KindResolved:
			resolved = true
		case incident.KindReopened:
			resolved = false
		}
	}
	return resolved
}

// gap is the longest time between two looks that still counts as "true all that
// time": a fifth of the time asked for, at least 30 s.
func gap(over time.Duration) time.Duration { return max(over/5, 30*time.Second) }

// Checklist asks every item of the resolution checklists that an incident's
// diagnosis calls for, and writes down how each stands. Items that must have
// been true for a while are true only when looks in a row say so; they come
// with the time when they can be.
func (d *Desk) Checklist(ctx context.Context, id string) ([]incident.Item, error) {
	events, err := d.Incident(ctx, id)
	if err != nil {
		return nil, err
	}
	folded, err := incident.Fold(events)
	if err != nil {
		return nil, err
	}
	latest := folded.Telling() // the last that found a cause: of it the lists speak
	if latest == nil {
		return nil, fmt.Errorf("%s: nothing has been diagnosed yet", id)
	}
	var playbooks, services []string
	for _, r := range latest.Diagnosis.Roots {
		playbooks = append(playbooks, playbookOf(r.ID))
		services = append(services, r.Services...)
		for _, s := range r.Chain {
			playbooks = append(playbooks, playbookOf(s.ID))
		}
	}
	slices.Sort(playbooks)
	playbooks = slices.Compact(playbooks)
	result := d.world(events).ask(ctx, playbooks, services)
	items := []incident.Item{} // of all playbooks, in their order
	for _, name := range playbooks {
		book := d.library.Book.Playbook(name)
		if book == nil {
			continue
		}
		for _, i := range book.Resolved {
			item := incident.Item{Playbook: name, Text: i.Text, Truth: verification.None, Why: "a person has to say"}
			if i.Program != nil {
				item.Truth, item.Why = verification.Unknown, "nothing answers for it"
				for n := range result.Subjects {
					s := &result.Subjects[n]
					if s.Playbook.ID == name && slices.Contains(services, s.Service) {
						item.Truth, item.Why = truth(s, i.Program, result.At)
						break
					}
				}
			}
			items = append(items, d.lasting(events, i, item))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("interrupted: %w", err)
	}
	return items, d.keepItems(ctx, id, items)
}

// lasting holds an item that is true now against how long it has to be so.
func (d *Desk) lasting(events []incident.Event, i playbook.Item, now incident.Item) incident.Item {
	need := max(i.For, i.Over)
	now.Now = now.Truth
	if need == 0 || now.Truth != verification.Yes {
		return now
	}
	at := d.now()
	since := at
	for _, e := range slices.Backward(events) {
		if e.Kind != incident.KindItem {
			continue
		}
		was, err := incident.Read[incident.Item](e)
		if err != nil || was.Playbook != now.Playbook || was.Text != now.Text {
			continue
		}
		if was.Now != verification.Yes || since.Sub(e.At) > gap(need) {
			break
		}
		since = e.At
	}
	if at.Sub(since) >= need {
		return now
	}
	now.Truth, now.Due = verification.Unknown, since.Add(need).UTC()
	now.Why = fmt.Sprintf("true since %s, and has to be so until %s", since.UTC().Format(time.TimeOnly), now.Due.Format(time.TimeOnly))
	now.Long = i.Over > 0
	return now
}

func (d *Desk) keepItems(ctx context.Context, id string, items []incident.Item) error {
	var events []incident.Event
	for _, i := range items {
		e, err := incident.New(incident.KindItem, "quell", "", i)
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	if len(events) == 0 {
		return nil
	}
	return d.append(ctx, id, events...)
}

// Unresolved is why an incident is not closed.
type Unresolved struct{ Items []incident.Item }

func (u *Unresolved) Error() string {
	var lines []string
	for _, i := range u.Items {
		lines = append(lines, fmt.Sprintf("%s: %s (%s)", i.Text, i.Truth, i.Why))
	}
	return "not resolved yet:\n  " + strings.Join(lines, "\n  ")
}

// Resolve closes an incident whose checklist holds. Items for people count as
// said by whoever resolves it, with their text. anyway closes it all the same,
// and the record says so. Items that go on after closing (over 24h) are kept
// with their time.
func (d *Desk) Resolve(ctx context.Context, id, text string, anyway bool) ([]incident.Item, error) {
	events, err := d.Incident(ctx, id)
	if err != nil {
		return nil, err
	}
	if isResolved(events) {
		return nil, fmt.Errorf("%s is resolved already", id)
	}
	items, err := d.Checklist(ctx, id)
	if err != nil {
		return nil, err
	}
	var open []incident.Item
	for _, i := range items {
		if i.Truth == verification.No || i.Truth == verification.Unknown && !i.Long {
			open = append(open, i)
		}
	}
	if len(open) > 0 && !anyway {
		return items, &Unresolved{open}
	}
	if len(open) > 0 {
		text = strings.TrimSpace(text + " (closed although " + fmt.Sprint(len(open)) + " items of the checklist do not hold)")
	}
	return items, d.remark(ctx, id, incident.KindResolved, text)
}
