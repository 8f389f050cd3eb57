package app

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/report"
	"github.com/quellhq/quell/internal/run"
)

// Request is one wish for a diagnosis. The zero value asks every playbook
// about every service.
type Request struct {
	Services []string // names; empty: all
	Symptom  string   // what a person sees, in their words
	Alert    string   // the name of an alert: its playbooks are asked about, and believed
	Playbook string   // only this one
	Since    time.Duration
	Now      time.Time // zero: now
	Timeout  time.Duration
	Progress func(run.Event)
	// Recorded, where not nil, is what an earlier round was answered: nobody is
	// asked. Set by Desk.From.
	Recorded []evidence.Evidence
}

// Outcome is a diagnosis with the round of questions it came from.
type Outcome struct {
	Page   report.Page
	Result run.Result
}

// Diagnose asks and concludes. Cancelling ctx gives what is known so far.
func (s *Session) Diagnose(ctx context.Context, req Request) (Outcome, error) {
	services, err := s.chosen(req.Services)
	if err != nil {
		return Outcome{}, err
	}
	playbooks, err := s.playbooks(req)
	if err != nil {
		return Outcome{}, err
	}
	if req.Since <= 0 {
		req.Since = defaultSince
	}
	investigation := run.Investigation{
		Playbooks: playbooks, Services: services, Targets: s.targets,
		Params: func(p *playbook.Playbook) map[string]any { return s.values[p.ID] },
		Now:    req.Now, Since: req.Since, Timeout: req.Timeout, Redact: s.redact, Progress: req.Progress,
		Timeline: true, Recorded: req.Recorded,
	}
	result := investigation.Ask(ctx)
	in := diagnosis.Input{Subjects: result.Subjects, At: result.At, Reported: req.Symptom}
	in.Matches = s.matches(req)
	return Outcome{Page: s.page(req, services, result, diagnosis.Diagnose(in)), Result: result}, nil
}

// defaultSince is how far back a diagnosis looks where nobody says.
const defaultSince = 30 * time.Minute

func (s *Session) chosen(names []string) ([]run.Service, error) {
	if len(names) == 0 {
		return s.services, nil
	}
	var out []run.Service
	for _, name := range names {
		found := false
		for _, service := range s.services {
			if service.Facts.Name == name {
				out, found = append(out, service), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no service %q%s", name, playbook.Suggest(name, s.Services()))
		}
	}
	return out, nil
}

func (s *Session) playbooks(req Request) ([]*playbook.Playbook, error) {
	book := s.library.Book
	if req.Playbook != "" {
		if p := book.Playbook(strings.TrimSuffix(req.Playbook, ".md")); p != nil {
			return []*playbook.Playbook{p}, nil
		}
		return nil, fmt.Errorf("%w; `quell explain` lists them", book.Unknown(req.Playbook))
	}
	// An alert or a symptom raises what it names; it hides nothing else, since
	// the cause often stands in a playbook that nobody thought of.
	return book.Playbooks, nil
}

// matches are the conditions that the request says are seen.
func (s *Session) matches(req Request) map[string]float64 {
	out := map[string]float64{}
	if req.Symptom != "" {
		for _, m := range s.library.Book.MatchSymptom(req.Symptom) {
			out[m.Condition.ID] = m.Score
		}
	}
	for _, m := range s.library.Book.MatchAlert(req.Alert) {
		out[m.Condition.ID] = max(out[m.Condition.ID], m.Score)
	}
	return out
}

func (s *Session) page(req Request, services []run.Service, result run.Result, d diagnosis.Diagnosis) report.Page {
	p := report.Page{
		Schema: report.Schema, Since: expr.FormatDuration(req.Since), Diagnosis: d,
		Interrupted: result.Interrupted, Took: result.Took,
		Services: []string{}, Skipped: skipped(result.Skipped), Costs: []report.Cost{}, Notes: []string{},
	}
	for _, service := range services {
		p.Services = append(p.Services, service.Facts.Name)
	}
	for _, c := range result.Costs {
		p.Costs = append(p.Costs, report.Cost{Target: c.Target, Kind: c.Kind, Requests: c.Requests, Busy: c.Busy, Backoffs: c.Backoffs})
	}
	for _, u := range s.Unopened {
		// What rests on it is a blind spot with the same words.
		if !slices.ContainsFunc(d.BlindSpots, func(b diagnosis.BlindSpot) bool { return b.Target == u.Name }) {
			p.Notes = append(p.Notes, u.Err.Error())
		}
	}
	if result.OutOfTime > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("the time for all questions was used up: %d were not asked or not answered by then", result.OutOfTime))
	}
	if req.Alert != "" && len(s.library.Book.ForAlert(req.Alert)) == 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("no playbook names alert %q: all are asked, and none is believed more for it", req.Alert))
	}
	if broken := s.library.Broken; len(broken) > 0 {
		more := ""
		if len(broken) > 1 {
			more = fmt.Sprintf(" (and %d more: `quell lint %s`)", len(broken)-1, strings.Join(s.setup.Playbooks, " "))
		}
		p.Notes = append(p.Notes, "your playbooks were left out: "+broken[0].String()+more)
	}
	p.Notes = append(p.Notes, notes(result.Evidence)...)
	return p
}

// notes are the remarks of connectors, the same one of many probes once.
func notes(list []evidence.Evidence) []string {
	type remark struct{ target, text string }
	probes := map[remark][]string{}
	var order []remark
	for _, e := range list {
		for _, n := range e.Notes {
			r := remark{e.Target, n}
			if probes[r] == nil {
				order = append(order, r)
			}
			probes[r] = append(probes[r], e.Probe)
		}
	}
	var out []string
	for _, r := range order {
		names := probes[r]
		if len(names) > 3 {
			names = append(names[:2:2], fmt.Sprintf("and %d more", len(names)-2))
		}
		out = append(out, fmt.Sprintf("%s: %s (%s)", r.target, r.text, strings.Join(names, ", ")))
	}
	return out
}

// skipped groups what could not be asked by playbook.
func skipped(list []run.Skipped) []report.Skipped {
	byKey := map[string]*report.Skipped{}
	var keys []string
	for _, s := range list {
		key := s.Playbook + "\x00" + s.Kind
		if byKey[key] == nil {
			byKey[key] = &report.Skipped{Playbook: s.Playbook, Kind: s.Kind}
			keys = append(keys, key)
		}
		byKey[key].Services = append(byKey[key].Services, s.Service)
	}
	sort.Strings(keys)
	out := []report.Skipped{}
	for _, key := range keys {
		out = append(out, *byKey[key])
	}
	return out
}
