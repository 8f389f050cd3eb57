package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/rehearsal"
)

// SavedCase is an incident as a case of a playbook.
type SavedCase struct {
	Playbook string   // that it stands beside: its id
	Name     string   // of the file, in PLAYBOOK.cases
	Data     []byte   // the file
	Also     []string // further playbooks that it asks
	// Left names what the record's diagnosis says and the case does not expect,
	// because it rests on more than a case holds: several services, or several
	// targets of one kind.
	Left []string
}

// Path is where the case belongs in a directory of playbooks.
func (c SavedCase) Path() string { return c.Playbook + ".cases/" + c.Name }

// Case turns an incident's diagnosis into a case file: the answers that it
// rests on, scripted, and what came of them, expected. It is played before it
// is given back; where the playbooks have changed so much that another cause
// comes first, there is no case.
func Case(i incident.Incident, book *playbook.Book) (SavedCase, error) {
	round := i.Telling()
	if round == nil {
		return SavedCase{}, fmt.Errorf("save a case of %s: nothing has been diagnosed yet", i.ID)
	}
	s, err := newScope(i, *round, book)
	if err != nil {
		return SavedCase{}, fmt.Errorf("save a case of %s: %w", i.ID, err)
	}
	var failed error
	for _, playbooks := range s.widening() {
		c, left, err := s.rehearse(playbooks)
		if err != nil {
			failed = err
			continue
		}
		data, err := rehearsal.Write(c)
		if err != nil {
			return SavedCase{}, err
		}
		return SavedCase{
			Playbook: c.Playbook, Name: strings.ToLower(i.ID) + ".txtar", Data: data, Also: c.Expect.Also, Left: left,
		}, nil
	}
	return SavedCase{}, fmt.Errorf("save a case of %s: %w", i.ID, failed)
}

// rehearse makes a case that asks some playbooks, plays it, and lets it expect
// what comes out as the record says. That the verdict and the first root do is
// a must.
func (s scope) rehearse(playbooks []string) (rehearsal.Case, []string, error) {
	c, err := s.script(playbooks)
	if err != nil {
		return c, nil, err
	}
	want := s.round.Diagnosis
	c.Expect.Verdict = string(want.Verdict)
	got, err := rehearsal.Play(s.book, &c)
	if err != nil {
		return c, nil, err
	}
	if got.Diagnosis.Verdict != want.Verdict || got.Diagnosis.First() != want.First() {
		return c, nil, fmt.Errorf("the playbooks as they are now say %q to its answers, and the record says %q: they have changed since, or the answers of several targets decided it",
			got.Diagnosis.Summary, want.Summary)
	}
	left := s.expect(&c, got.Diagnosis)
	again, err := rehearsal.Play(s.book, &c)
	if err == nil && len(again.Failures) > 0 {
		err = errors.New(strings.Join(again.Failures, "; "))
	}
	return c, left, err
}

// expect adds what the record and the played case agree on, and names the rest.
func (s scope) expect(c *rehearsal.Case, got diagnosis.Diagnosis) (left []string) {
	want := s.round.Diagnosis
	agree := func(what string, a, b []string, to *[]string) {
		switch {
		case len(a) == 0:
		case slices.Equal(a, b):
			*to = s.short(a)
		default:
			left = append(left, what)
		}
	}
	if first := want.First(); first != "" {
		c.Expect.Verdict, c.Expect.First = "", s.short([]string{first})[0]
		agree("chain", ids(want.Roots[0].Chain), ids(got.Roots[0].Chain), &c.Expect.Chain)
	}
	if len(want.Roots) > 1 {
		agree("roots", roots(want), roots(got), &c.Expect.Roots)
	}
	// Of what was ruled out only what stands beside the first root: a case says
	// what its own playbook tells apart.
	agree("ruled_out", s.ruledOut(want), s.ruledOut(got), &c.Expect.RuledOut)
	if want.Verdict == diagnosis.CannotTell && want.Next != nil {
		if got.Next != nil && got.Next.Probe == want.Next.Probe {
			c.Expect.Next = want.Next.Probe
		} else {
			left = append(left, "next")
		}
	}
	return left
}

func (s scope) ruledOut(d diagnosis.Diagnosis) []string {
	var out []string
	for _, f := range d.RuledOut {
		if playbookOf(f.ID) == s.home && slices.Contains(f.Services, s.service) {
			out = append(out, f.ID)
		}
	}
	return unique(out)
}

// short names conditions as a case does: those of its own playbook by their
// anchor.
func (s scope) short(ids []string) []string {
	out := make([]string, len(ids))
	for n, id := range ids {
		out[n] = strings.TrimPrefix(id, s.home+"#")
	}
	return out
}

func ids(chain []diagnosis.Seen) []string {
	var out []string
	for _, s := range chain {
		out = append(out, s.ID)
	}
	return out
}

func roots(d diagnosis.Diagnosis) []string {
	var out []string
	for _, r := range d.Roots {
		out = append(out, r.ID)
	}
	return out
}
