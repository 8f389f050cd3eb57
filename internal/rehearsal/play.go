package rehearsal

import (
	"fmt"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/change"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/playbook"
)

// Outcome is what came of a case.
type Outcome struct {
	Case      *Case
	Diagnosis diagnosis.Diagnosis
	Subjects  []diagnosis.Subject // what it rests on
	Failures  []string            // what was expected and did not come; empty means passed
}

// Play runs one case. An error is a case that cannot be played: a playbook or
// a probe that does not exist, an answer of the wrong shape.
func Play(book *playbook.Book, c *Case) (Outcome, error) {
	ids := append([]string{c.Playbook}, c.Expect.Also...)
	var subjects []diagnosis.Subject
	used := make([]bool, len(c.Answers))
	for _, id := range ids {
		pb := book.Playbook(id)
		if pb == nil {
			return Outcome{}, fmt.Errorf("%s: there is no playbook %q", c.Path, id)
		}
		s, err := subject(c, pb, used)
		if err != nil {
			return Outcome{}, err
		}
		subjects = append(subjects, s)
	}
	for i, a := range c.Answers {
		if !used[i] {
			var asked []string
			for _, s := range subjects {
				for _, p := range s.Playbook.Probes {
					asked = append(asked, p.Name)
				}
			}
			return Outcome{}, fmt.Errorf("%s:%d: no question of %s is called %q%s", c.Path, a.Line, strings.Join(ids, ", "), a.Name, playbook.Suggest(a.Name, asked))
		}
	}
	in := diagnosis.Input{Subjects: subjects, At: c.Expect.At, Reported: c.Expect.Symptom}
	if c.Expect.Symptom != "" {
		in.Matches = map[string]float64{}
		for _, m := range book.MatchSymptom(c.Expect.Symptom) {
			in.Matches[m.Condition.ID] = m.Score
		}
	}
	if c.Expect.Alert != "" {
		if len(book.ForAlert(c.Expect.Alert)) == 0 {
			return Outcome{}, fmt.Errorf("%s: no playbook is called by alert %q", c.Path, c.Expect.Alert)
		}
		if in.Matches == nil {
			in.Matches = map[string]float64{}
		}
		for _, m := range book.MatchAlert(c.Expect.Alert) {
			in.Matches[m.Condition.ID] = max(in.Matches[m.Condition.ID], m.Score)
		}
	}
	out := Outcome{Case: c, Diagnosis: diagnosis.Diagnose(in), Subjects: subjects}
	failures, err := out.check()
	out.Failures = failures
	return out, err
}

func subject(c *Case, pb *playbook.Playbook, used []bool) (diagnosis.Subject, error) {
	overrides := map[string]any{}
	for _, p := range pb.Params {
		if v, ok := c.Expect.Params[p.Name]; ok {
			overrides[p.Name] = v
		}
	}
	params, err := pb.Values(overrides)
	if err != nil {
		return diagnosis.Subject{}, fmt.Errorf("%s: %w", c.Path, err)
	}
	s := diagnosis.Subject{Playbook: pb, Service: c.Expect.Service, Params: params, Targets: map[string]string{}, Evidence: map[string]evidence.Evidence{}}
	for _, need := range pb.Needs {
		s.Targets[need.Role] = need.Role
	}
	for i, a := range c.Answers {
		if a.Name != playbook.Changes {
			continue
		}
		used[i] = true
		var value any
		if err := yaml.Unmarshal([]byte(a.Text), &value); err != nil {
			return s, fmt.Errorf("%s:%d: the part %q is not YAML: %w", c.Path, a.Line, a.Name, err)
		}
		if s.Changes, err = change.Scripted(evidence.Plain(value), c.Expect.At); err != nil {
			return s, fmt.Errorf("%s:%d: the part %q: %w", c.Path, a.Line, a.Name, err)
		}
	}
	for _, p := range pb.Probes {
		for i, a := range c.Answers {
			own := a.Name == p.Name && pb.ID == c.Playbook
			if !own && a.Name != pb.ID+":"+p.Name && (p.Builtin == "" || a.Name != p.Builtin) {
				continue
			}
			used[i] = true
			answer, err := Read(a.Text, p.Shape, c.Expect.At)
			if err != nil {
				return s, fmt.Errorf("%s:%d: the answer %q: %w", c.Path, a.Line, a.Name, err)
			}
			e := evidence.Evidence{Answer: answer, Probe: p.Name, Question: p.Name, Target: s.Targets[p.Role], At: c.Expect.At}
			if answer.Status == evidence.NotAsked {
				e.Target = "" // as in a round of questions where nobody fills the role
			}
			s.Evidence[p.Name] = e
		}
	}
	return s, nil
}

func (o *Outcome) check() (failures []string, err error) {
	c, d, e := o.Case, &o.Diagnosis, o.Case.Expect
	fail := func(format string, args ...any) { failures = append(failures, fmt.Sprintf(format, args...)) }
	byID := map[string]*diagnosis.Finding{}
	for _, list := range [][]*diagnosis.Finding{d.Causes, d.Symptoms, d.RuledOut} {
		for _, f := range list {
			byID[f.ID] = f
		}
	}
	resolve := func(name string) string {
		id := c.id(name)
		if byID[id] == nil && err == nil {
			err = fmt.Errorf("%s: no condition in play is called %q%s (known: %s)", c.Path, name, near(id, byID), known(byID))
		}
		return id
	}
	var roots []string
	for _, r := range d.Roots {
		roots = append(roots, r.ID)
	}
	verdict := e.Verdict
	if verdict == "" && (e.First != "" || len(e.Roots) > 0) {
		verdict = string(diagnosis.Found)
	}
	if verdict != "" && verdict != string(d.Verdict) {
		fail("verdict: expected %q, got %q: %s", verdict, d.Verdict, d.Summary)
	}
	if e.First != "" {
		if want := resolve(e.First); len(roots) == 0 || roots[0] != want {
			fail("first: expected %s, got %s", want, ranking(d))
		}
	}
	if len(e.Roots) > 0 {
		var want []string
		for _, r := range e.Roots {
			want = append(want, resolve(r))
		}
		if strings.Join(want, " ") != strings.Join(roots, " ") {
			fail("roots: expected %s, got %s", strings.Join(want, ", "), ranking(d))
		}
	}
	for _, name := range e.Likely {
		if f := byID[resolve(name)]; f != nil && f.Probability < diagnosis.Likely {
			fail("likely: %s has probability %.3f", f.ID, f.Probability)
		}
	}
	for _, name := range e.Unlikely {
		if f := byID[resolve(name)]; f != nil && f.Probability >= diagnosis.Likely {
			fail("unlikely: %s has probability %.3f", f.ID, f.Probability)
		}
	}
	for _, name := range e.Gone {
		if f := byID[resolve(name)]; f != nil && f.Probability >= diagnosis.Possible {
			fail("gone: %s has probability %.3f", f.ID, f.Probability)
		}
	}
	for _, name := range e.RuledOut {
		if f := byID[resolve(name)]; f != nil && !f.Vetoed {
			fail("ruled out: %s has probability %.3f", f.ID, f.Probability)
		}
	}
	if len(e.Chain) > 0 {
		var want, got []string
		for _, name := range e.Chain {
			want = append(want, resolve(name))
		}
		if len(d.Roots) > 0 {
			for _, l := range d.Roots[0].Chain {
				got = append(got, l.ID)
			}
		}
		if strings.Join(want, " ") != strings.Join(got, " ") {
			fail("chain: expected %s, got %s", strings.Join(want, " → "), strings.Join(got, " → "))
		}
	}
	if e.Next != "" && (d.Next == nil || d.Next.Probe != e.Next) {
		got := "nothing"
		if d.Next != nil {
			got = d.Next.Probe
		}
		fail("next: expected %s, got %s", e.Next, got)
	}
	return failures, err
}

// near names the condition that was probably meant.
func near(id string, byID map[string]*diagnosis.Finding) string {
	ids := make([]string, 0, len(byID))
	for known := range byID {
		ids = append(ids, known)
	}
	if hint := playbook.Suggest(id, ids); strings.Contains(hint, "did you mean") {
		return hint
	}
	return ""
}

func known(byID map[string]*diagnosis.Finding) string {
	ids := make([]string, 0, len(byID))
	for id := range byID {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return strings.Join(ids, ", ")
}

// ranking is the first few causes with their probabilities, for messages.
func ranking(d *diagnosis.Diagnosis) string {
	var parts []string
	for i, f := range d.Causes {
		if i == 4 {
			break
		}
		mark := ""
		if i < len(d.Roots) {
			mark = " (root)"
		}
		parts = append(parts, fmt.Sprintf("%s %.3f%s", f.ID, f.Probability, mark))
	}
	if len(parts) == 0 {
		return "no cause"
	}
	if len(d.Roots) == 0 {
		return "no root; the likeliest: " + strings.Join(parts, ", ")
	}
	return strings.Join(parts, ", ")
}
