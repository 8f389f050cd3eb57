package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/incident"
)

// Save opens an incident with a diagnosis and its evidence, and returns its id.
func (d *Desk) Save(ctx context.Context, req Request, out Outcome) (string, error) {
	title := out.Page.Diagnosis.Summary
	if req.Symptom != "" {
		title = req.Symptom
	} else if req.Alert != "" {
		title = req.Alert
	}
	title = d.redact.Text(title)
	opened, err := incident.New(incident.KindOpened, d.who, "", incident.Opened{
		Title: title, Services: out.Page.Services, Symptom: d.redact.Text(req.Symptom), Alert: req.Alert, Severity: d.severity(req, out),
	})
	if err != nil {
		return "", err
	}
	diagnosed, err := incident.New(incident.KindDiagnosed, "quell", "", d.diagnosed(out))
	if err != nil {
		return "", err
	}
	id, err := d.store.Create(ctx, incident.Header{OpenedAt: d.now().UTC(), Services: out.Page.Services, Title: title}, opened, diagnosed)
	if err != nil {
		return "", fmt.Errorf("save the incident: %w", err)
	}
	return id, nil
}

// severity is the gravest of the playbooks that are called by the alert or
// stand for a root.
func (d *Desk) severity(req Request, out Outcome) string {
	words := []string{"low", "medium", "high", "critical"}
	worst := -1
	note := func(id string) {
		p := d.library.Book.Playbook(id)
		if p == nil {
			return
		}
		for i, w := range words {
			if p.Severity == w {
				worst = max(worst, i)
			}
		}
	}
	for _, p := range d.library.Book.ForAlert(req.Alert) {
		note(p.ID)
	}
	for _, r := range out.Page.Diagnosis.Roots {
		note(playbookOf(r.ID))
	}
	if worst < 0 {
		return ""
	}
	return words[worst]
}

// diagnosed is a round of questions for the record.
func (d *Desk) diagnosed(out Outcome) incident.Diagnosed {
	record := incident.Diagnosed{
		Diagnosis: out.Page.Diagnosis, Evidence: make([]evidence.Evidence, 0, len(out.Result.Evidence)),
		Since: out.Page.Since, Took: out.Page.Took, Notes: out.Page.Notes,
		Playbooks: map[string]string{}, Params: map[string]map[string]any{},
	}
	record.Asked = incident.Askings(out.Result.Subjects, out.Result.Evidence)
	for _, e := range out.Result.Evidence {
		record.Evidence = append(record.Evidence, kept(e))
	}
	for _, s := range out.Result.Subjects {
		sum := sha256.Sum256(s.Playbook.Source)
		record.Playbooks[s.Playbook.ID] = hex.EncodeToString(sum[:])
		if len(s.Params) > 0 {
			record.Params[s.Playbook.ID] = plainParams(s.Params)
		}
	}
	return record
}

// mostKept is the longest answer that the record keeps, in bytes as JSON.
const mostKept = 512 << 10

// kept is evidence as the record keeps it: an answer that is too long is left
// out, and says so.
func kept(e evidence.Evidence) evidence.Evidence {
	data, err := json.Marshal(e.Value)
	if err == nil && len(data) <= mostKept {
		return e
	}
	e.Value = nil
	e.Notes = append(append([]string{}, e.Notes...), fmt.Sprintf("the answer (%d bytes) %s", len(data), leftOut))
	return e
}

// leftOut ends the note of an answer that the record does not keep.
const leftOut = "is left out of the record"

func plainParams(params map[string]any) map[string]any {
	out := make(map[string]any, len(params))
	for name, v := range params {
		if duration, ok := v.(time.Duration); ok {
			v = expr.FormatDuration(duration)
		}
		out[name] = v
	}
	return out
}
