package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/incident"
)

// From makes the request of an incident's latest round that was not taken after
// a recovery: the same services, window, alert and symptom, and the answers that
// were given then. Diagnosing it asks nobody, and says what the playbooks as they
// are now make of them. Errors: there is no such incident, or nothing was asked
// about it.
func (d *Desk) From(ctx context.Context, id string) (Request, error) {
	events, err := d.Incident(ctx, id)
	if err != nil {
		return Request{}, err
	}
	var req Request
	found := false
	for _, e := range events {
		switch e.Kind {
		case incident.KindOpened:
			opened, err := incident.Read[incident.Opened](e)
			if err != nil {
				return Request{}, err
			}
			req.Services, req.Symptom, req.Alert = opened.Services, opened.Symptom, opened.Alert
		case incident.KindDiagnosed:
			round, err := exactly(e)
			if err != nil {
				return Request{}, err
			}
			if round.After {
				continue
			}
			found = true
			req.Now, req.Recorded = round.Diagnosis.At, round.Evidence
			if req.Since, err = expr.ParseDuration(round.Since); err != nil {
				return Request{}, fmt.Errorf("read the record of %s: %w", id, err)
			}
		}
	}
	if !found {
		return Request{}, fmt.Errorf("%s has no answers on record: `quell diagnose --save` keeps them", id)
	}
	return req, nil
}

// exactly reads a round as connectors answered: whole numbers are left whole, and
// an answer that the record does not keep is none.
func exactly(e incident.Event) (incident.Diagnosed, error) {
	var round incident.Diagnosed
	decoder := json.NewDecoder(bytes.NewReader(e.Data))
	decoder.UseNumber()
	if err := decoder.Decode(&round); err != nil {
		return round, fmt.Errorf("read event %d of the record: %w", e.Seq, err)
	}
	if round.Evidence == nil {
		round.Evidence = []evidence.Evidence{}
	}
	for n := range round.Evidence {
		e := &round.Evidence[n]
		e.Value = evidence.Plain(e.Value)
		if notes := len(e.Notes); notes > 0 && strings.HasSuffix(e.Notes[notes-1], leftOut) {
			e.Answer = evidence.Not(evidence.NotAsked, e.Notes[notes-1], "")
		}
	}
	return round, nil
}
