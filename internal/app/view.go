package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/report"
)

// List is the incidents, newest first.
func (d *Desk) List(ctx context.Context, limit int) ([]incident.Header, error) {
	return d.store.Headers(ctx, limit)
}

func (d *Desk) WriteList(w io.Writer, list []incident.Header, _ report.Style) error {
	for _, h := range list {
		fmt.Fprintln(w, h.ID, h.Title)
	}
	return nil
}

func (d *Desk) WriteIncident(ctx context.Context, w io.Writer, id string, _ report.Style) error {
	events, err := d.Incident(ctx, id)
	for _, e := range events {
		fmt.Fprintf(w, "%d %s %s %s %s %.200s\n", e.Seq, e.At.Format("15:04:05.000"), e.Kind, e.Step, e.By, e.Data)
	}
	return err
}

func (d *Desk) Case(context.Context, string) ([]byte, error) { return nil, errors.New("later") }

func (d *Desk) Report(context.Context, string, bool) ([]byte, error) { return nil, errors.New("later") }
