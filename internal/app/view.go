package app

import (
	"context"
	"fmt"
	"io"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/report"
)

// fold reads an incident's record as people see it.
func (d *Desk) fold(ctx context.Context, id string) (incident.Incident, error) {
	events, err := d.Incident(ctx, id)
	if err != nil {
		return incident.Incident{}, err
	}
	return incident.Fold(events)
}

// List is the incidents, newest first, at most limit.
func (d *Desk) List(ctx context.Context, limit int) ([]incident.Incident, error) {
	headers, err := d.store.Headers(ctx, limit)
	if err != nil {
		return nil, err
	}
	list := make([]incident.Incident, 0, len(headers))
	for _, h := range headers {
		i, err := d.fold(ctx, h.ID)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, nil
}

// WriteList draws a list of incidents.
func (d *Desk) WriteList(w io.Writer, list []incident.Incident, s report.Style) error {
	return report.WriteIncidents(w, list, d.now(), s)
}

// WriteIncident draws one incident: what happened, and what waits.
func (d *Desk) WriteIncident(ctx context.Context, w io.Writer, id string, s report.Style) error {
	i, err := d.fold(ctx, id)
	if err != nil {
		return err
	}
	return report.WriteIncident(w, i, d.now(), s)
}

// Report compiles the report of an incident, as Markdown or as one HTML page.
func (d *Desk) Report(ctx context.Context, id string, html bool) ([]byte, error) {
	i, err := d.fold(ctx, id)
	if err != nil {
		return nil, err
	}
	seal := report.Seal{}
	if auditable, ok := unwrapped(d.store).(incident.Auditable); ok {
		head, err := auditable.Head(ctx)
		if err != nil {
			return nil, err
		}
		seal = report.Seal{Entries: head.N, Head: head.Hash}
	}
	p := report.NewPostmortem(i, seal)
	if html {
		return p.HTML()
	}
	return p.Markdown(), nil
}

// Case is an incident as a case file of its playbook, with what has to be known
// about it.
func (d *Desk) Case(ctx context.Context, id string) (text []byte, notes []string, err error) {
	i, err := d.fold(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	c, err := report.Case(i, d.library.Book)
	if err != nil {
		return nil, nil, err
	}
	notes = append(notes, fmt.Sprintf("a case of playbook %s; beside it, it would be %s", c.Playbook, c.Path()))
	for _, left := range c.Left {
		notes = append(notes, "not in it: "+left)
	}
	return c.Data, notes, nil
}
