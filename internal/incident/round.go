package incident

import (
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
)

// Round is a diagnosis of the record, and when it was written there.
type Round struct {
	Seq       int64     `json:"seq"`
	Written   time.Time `json:"written"`
	Diagnosed `json:"diagnosed"`
}

// First and Latest are the first and the last diagnosis; nil where nobody has asked.
func (i Incident) First() *Round { return i.round(0) }

// Latest is the last diagnosis; nil where nobody has asked.
func (i Incident) Latest() *Round { return i.round(len(i.Rounds) - 1) }

func (i Incident) round(n int) *Round {
	if n < 0 || n >= len(i.Rounds) {
		return nil
	}
	return &i.Rounds[n]
}

// Telling is the diagnosis that the tale rests on: the last one that found a
// cause, and else the last one. Nil where nobody has asked.
func (i Incident) Telling() *Round {
	for n := len(i.Rounds) - 1; n >= 0; n-- {
		if !i.Rounds[n].After && i.Rounds[n].Diagnosis.Verdict == diagnosis.Found {
			return &i.Rounds[n]
		}
	}
	return i.Latest()
}

func (i *Incident) diagnosed(e Event) (string, Tone, error) {
	d, err := Read[Diagnosed](e)
	if err != nil {
		return "", "", err
	}
	i.Rounds = append(i.Rounds, Round{Seq: e.Seq, Written: e.At, Diagnosed: d})
	what := fmt.Sprintf("diagnosis: %s", d.Diagnosis.Summary)
	i.reach(e, Moment{Name: Asked, At: e.At.Add(-d.Took), From: fmt.Sprintf("the first round of %d questions", d.Diagnosis.Coverage.Probes)})
	tone := Plain
	switch d.Diagnosis.Verdict {
	case diagnosis.Found:
		tone = Bad
		i.reach(e, Moment{Name: Found, From: what})
	case diagnosis.CannotTell:
		tone = Doubt
	case diagnosis.Nothing:
		tone = Good
	}
	return what, tone, nil
}

// Asking is one playbook as it was asked about one service.
type Asking struct {
	Playbook string            `json:"playbook"`
	Service  string            `json:"service"`
	Bound    map[string]string `json:"bound,omitempty"` // role → target
	// Answers says which of the round's Evidence each question got, by the name
	// that this playbook gives it: two playbooks may ask the same under other
	// names, and other things under the same.
	Answers map[string]int `json:"answers"`
}

// Askings says which answer each question of each subject got. list is the
// round's evidence, each question once.
func Askings(subjects []diagnosis.Subject, list []evidence.Evidence) []Asking {
	index := make(map[string]int, len(list))
	for n := len(list) - 1; n >= 0; n-- {
		index[sameAs(list[n])] = n
	}
	out := make([]Asking, 0, len(subjects))
	for _, s := range subjects {
		a := Asking{Playbook: s.Playbook.ID, Service: s.Service, Bound: s.Targets, Answers: map[string]int{}}
		for name, e := range s.Evidence {
			if n, ok := index[sameAs(e)]; ok {
				a.Answers[name] = n
			}
		}
		out = append(out, a)
	}
	return out
}

// sameAs names an answer by everything but the name that a playbook gives its
// question.
func sameAs(e evidence.Evidence) string {
	e.Probe = ""
	e.At = e.At.UTC()
	return digest(e)
}

// Answer returns the evidence that a playbook's question got about one of the
// services from one of the targets; empty lists allow all.
func (d Diagnosed) Answer(playbook, probe string, services, targets []string) []evidence.Evidence {
	var out []evidence.Evidence
	seen := map[int]bool{}
	for _, a := range d.Asked {
		n, ok := a.Answers[probe]
		if !ok || a.Playbook != playbook || seen[n] || n < 0 || n >= len(d.Evidence) || !listed(services, a.Service) {
			continue
		}
		if e := d.Evidence[n]; listed(targets, e.Target) {
			seen[n] = true
			out = append(out, e)
		}
	}
	if d.Asked != nil {
		return out
	}
	// A record of an earlier version: the name of the question has to do.
	for _, e := range d.Evidence {
		if e.Probe == probe && listed(targets, e.Target) && (e.Service == "" || listed(services, e.Service)) {
			out = append(out, e)
		}
	}
	return out
}

func listed(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
