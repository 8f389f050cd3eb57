package report

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/rehearsal"
)

// scope is the part of a round of questions that fits into a case: one
// service, and of each playbook one set of targets.
type scope struct {
	incident incident.Incident
	round    incident.Round
	book     *playbook.Book
	home     string // id of the playbook that the case stands beside
	service  string
	asked    map[string]incident.Asking // by id of the playbook
}

func newScope(i incident.Incident, round incident.Round, book *playbook.Book) (scope, error) {
	s := scope{incident: i, round: round, book: book, asked: map[string]incident.Asking{}}
	f := s.subject()
	if f != nil {
		s.home = playbookOf(f.ID)
	} else if list := s.askings(); len(list) > 0 {
		f, s.home = &diagnosis.Finding{}, list[0].Playbook
	}
	if book.Playbook(s.home) == nil {
		return s, fmt.Errorf("there is no playbook %q to put it beside", s.home)
	}
	home := s.closest(s.home, f.Services, f.Targets)
	if home == nil {
		return s, errors.New("its record does not say which answers its playbook got")
	}
	s.service = home.Service
	near := targetsOf(*home)
	s.asked[s.home] = *home
	for _, a := range s.askings() {
		if _, done := s.asked[a.Playbook]; done || a.Service != s.service {
			continue
		}
		s.asked[a.Playbook] = *s.closest(a.Playbook, []string{s.service}, near)
	}
	return s, nil
}

// subject is what the case is about: the first root, else what people feel
// without one, else what is likeliest.
func (s scope) subject() *diagnosis.Finding {
	d := s.round.Diagnosis
	if len(d.Roots) > 0 {
		return d.Roots[0].Finding
	}
	var best *diagnosis.Finding
	for _, list := range [][]*diagnosis.Finding{d.Symptoms, d.Causes} {
		for _, f := range list {
			if best == nil || f.Probability > best.Probability {
				best = f
			}
		}
	}
	return best
}

// askings are the round's; of a record that does not have them, each playbook
// with what the names of its questions say.
func (s scope) askings() []incident.Asking {
	if s.round.Asked != nil {
		return s.round.Asked
	}
	var out []incident.Asking
	for id := range s.round.Playbooks {
		for _, service := range s.incident.Services {
			a := incident.Asking{Playbook: id, Service: service, Answers: map[string]int{}}
			for n, e := range s.round.Evidence {
				if _, known := a.Answers[e.Probe]; !known && (e.Service == "" || e.Service == service) {
					a.Answers[e.Probe] = n
				}
			}
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b incident.Asking) int {
		return strings.Compare(a.Playbook+"\x00"+a.Service, b.Playbook+"\x00"+b.Service)
	})
	return out
}

// closest is how a playbook was asked about one of the services, of the
// targets that most of those given are among.
func (s scope) closest(id string, services, targets []string) *incident.Asking {
	var best *incident.Asking
	most := -1
	for _, a := range s.askings() {
		if a.Playbook != id || len(services) > 0 && !slices.Contains(services, a.Service) {
			continue
		}
		shared := 0
		for _, t := range targetsOf(a) {
			if slices.Contains(targets, t) {
				shared++
			}
		}
		if shared > most {
			best, most = &a, shared
		}
	}
	return best
}

func targetsOf(a incident.Asking) []string {
	var out []string
	for _, t := range a.Bound {
		out = append(out, t)
	}
	return unique(out)
}

// widening are the sets of playbooks that are tried, the smallest first: those
// that the story passes through, those that anything was seen of, and all.
func (s scope) widening() [][]string {
	d := s.round.Diagnosis
	var story, seen, all []string
	for _, r := range d.Roots {
		story = append(story, r.ID)
		for _, list := range [][]diagnosis.Seen{r.Chain, r.Also} {
			story = append(story, ids(list)...)
		}
	}
	story = append(story, ids(d.Unexplained)...)
	for _, list := range [][]*diagnosis.Finding{d.Causes, d.Symptoms} {
		for _, f := range list {
			if f.Probability >= diagnosis.Possible {
				seen = append(seen, f.ID)
			}
		}
	}
	for id := range s.asked {
		all = append(all, id)
	}
	var out [][]string
	for _, set := range [][]string{story, append(seen, story...), all} {
		set = s.playbooks(set)
		if len(out) == 0 || len(set) > len(out[len(out)-1]) {
			out = append(out, set)
		}
	}
	return out
}

// playbooks are those of conditions that were asked about the service, without
// the case's own.
func (s scope) playbooks(conditions []string) []string {
	var out []string
	for _, id := range conditions {
		id = playbookOf(id)
		if _, ok := s.asked[id]; ok && id != s.home && s.book.Playbook(id) != nil {
			out = append(out, id)
		}
	}
	return unique(out)
}

// script is the case without what it expects.
func (s scope) script(also []string) (rehearsal.Case, error) {
	c := rehearsal.Case{Path: s.home, Playbook: s.home, Story: s.story(), Expect: rehearsal.Expect{
		Service: s.service, At: s.round.Diagnosis.At.UTC(), Symptom: s.round.Diagnosis.Reported, Also: also, Params: map[string]string{},
	}}
	if len(s.book.ForAlert(s.incident.Alert)) > 0 {
		c.Expect.Alert = s.incident.Alert
	}
	for _, id := range append([]string{s.home}, also...) {
		pb := s.book.Playbook(id)
		for _, p := range pb.Params {
			if text, ok := paramText(s.round.Params[id][p.Name]); ok && text != defaultText(p.Default) {
				c.Expect.Params[p.Name] = text
			}
		}
		for _, p := range pb.Probes {
			n, ok := s.asked[id].Answers[p.Name]
			if !ok || n < 0 || n >= len(s.round.Evidence) {
				continue
			}
			name := p.Name
			if id != s.home {
				name = id + ":" + name
			}
			text, err := rehearsal.Script(s.answer(n), c.Expect.At)
			if err != nil {
				return c, fmt.Errorf("%s: %w", name, err)
			}
			c.Answers = append(c.Answers, rehearsal.Answer{Name: name, Text: text})
		}
	}
	for _, t := range s.round.Diagnosis.Timeline {
		if t.Service != s.service || t.Log.Empty() {
			continue
		}
		text, err := rehearsal.ScriptChanges(t.Log)
		if err != nil {
			return c, err
		}
		c.Answers = append(c.Answers, rehearsal.Answer{Name: playbook.Changes, Text: text})
	}
	if len(c.Expect.Params) == 0 {
		c.Expect.Params = nil
	}
	return c, nil
}

func (s scope) answer(n int) evidence.Answer { return s.round.Evidence[n].Answer }

func (s scope) story() string {
	return fmt.Sprintf("%s. Saved from %s of %s, with the answers as they came.",
		strings.TrimRight(oneLine(s.incident.Title), ". "), s.incident.ID, s.incident.OpenedAt.UTC().Format(time.DateOnly))
}

// paramText is a parameter's value as playbooks write it.
func paramText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case []any:
		text := ""
		for n, item := range v {
			if n > 0 {
				text += ", "
			}
			text += fmt.Sprint(item)
		}
		return text, true
	}
	return fmt.Sprint(v), true
}

func defaultText(v any) string {
	if d, ok := v.(time.Duration); ok {
		return expr.FormatDuration(d)
	}
	text, _ := paramText(v)
	return text
}
