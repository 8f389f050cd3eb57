package run

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

// mostBindings bounds how many combinations of targets one playbook is asked
// of for one service; a service on 20 databases is asked about the first 16.
const mostBindings = 16

// asking is one question to one target, asked once however many read it.
type asking struct {
	target   Target
	question probe.Question
	shown    string // the text as it is shown in evidence
	service  string // set when the text names the service
	result   *evidence.Evidence
}

// plan is every question of an investigation, each once.
type plan struct {
	order   []*asking
	byKey   map[string]*asking
	readers []reader // which subject gets which answer under which name
	skipped []Skipped
	subject []diagnosis.Subject
}

type reader struct {
	subject int
	probe   string
	asking  *asking
}

func (i Investigation) plan() *plan {
	p := &plan{byKey: map[string]*asking{}}
	for _, pb := range i.Playbooks {
		wanted := i.readProbes(pb)
		for _, s := range i.Services {
			bindings, missing := i.bind(pb, s)
			if missing != nil {
				p.skipped = append(p.skipped, Skipped{Playbook: pb.ID, Service: s.Facts.Name, Role: missing.Role, Kind: missing.Kind})
				continue
			}
			for _, b := range bindings {
				p.subject = append(p.subject, diagnosis.Subject{
					Playbook: pb, Service: s.Facts.Name, Targets: b, Params: i.Params(pb), Evidence: map[string]evidence.Evidence{},
					Usual: i.Usual,
				})
				i.planSubject(p, len(p.subject)-1, s, wanted)
			}
		}
	}
	i.planTimeline(p)
	return p
}

func (i Investigation) planSubject(p *plan, n int, s Service, wanted map[string]bool) {
	subject := &p.subject[n]
	for _, q := range subject.Playbook.Probes {
		if !wanted[q.Name] {
			continue
		}
		target, ok := i.Targets[subject.Targets[q.Role]]
		if !ok {
			subject.Evidence[q.Name] = unbound(subject, q)
			continue
		}
		a, err := i.ask(q, subject, s, target)
		if err != nil {
			subject.Evidence[q.Name] = evidence.Evidence{
				Answer: evidence.Not(evidence.NotAsked, err.Error(), ""),
				Probe:  q.Name, Question: q.Text.Source(), Target: target.Name, At: i.Now,
			}
			continue
		}
		key := a.key()
		if known, ok := p.byKey[key]; ok {
			a = known
		} else {
			p.byKey[key] = a
			p.order = append(p.order, a)
		}
		p.readers = append(p.readers, reader{n, q.Name, a})
	}
}

// unbound is the evidence of a question for which there is nobody to ask.
func unbound(s *diagnosis.Subject, q *playbook.Probe) evidence.Evidence {
	kind := ""
	for _, need := range s.Playbook.Needs {
		if need.Role == q.Role {
			kind = need.Kind
		}
	}
	return evidence.Evidence{
		Answer: evidence.Not(evidence.NotAsked, fmt.Sprintf("%s has no %s target", s.Service, kind),
			fmt.Sprintf("add a target of kind %s to quell.yaml and name it in the service", kind)),
		Probe: q.Name, Question: q.Text.Source(),
	}
}

// bind gives every combination of targets for the roles of pb, or the required
// role that nothing can fill.
func (i Investigation) bind(pb *playbook.Playbook, s Service) (bindings []map[string]string, missing *playbook.Need) {
	bindings = []map[string]string{{}}
	reads := map[string]bool{} // roles that a question asks
	for _, q := range pb.Probes {
		reads[q.Role] = true
	}
	for n := range pb.Needs {
		need := &pb.Needs[n]
		var fit []string
		for _, name := range s.Targets {
			if t, ok := i.Targets[name]; ok && t.fits(need.Kind) {
				fit = append(fit, name)
			}
		}
		acts := need.Optional && !reads[need.Role]
		if need.Kind == "http" && !acts {
			fit = s.asked(need.Role, fit)
		}
		switch {
		case acts && need.Kind == "process":
			fit = s.meant(need.Role, fit)
		case acts && need.Kind == "http" && len(s.Operations) > 0:
			fit = slices.DeleteFunc(slices.Clone(s.Operations), func(name string) bool { _, there := i.Targets[name]; return !there })
		case acts && need.Kind == "http" && onlyCalls(pb, need.Role):
			fit = slices.DeleteFunc(fit, func(name string) bool { return !i.Targets[name].Calls })
		}
		if len(fit) == 0 && !need.Optional {
			return nil, need
		}
		var next []map[string]string
		for _, b := range bindings {
			fit := fit
			if server := i.serverOf(pb, b); acts && need.Kind == "process" && need.Role == serverRole && server != "" {
				fit = []string{server}
			}
			if len(fit) == 0 {
				next = append(next, b)
			}
			for _, name := range fit {
				if len(next) == mostBindings {
					break
				}
				with := map[string]string{need.Role: name}
				for role, target := range b {
					with[role] = target
				}
				next = append(next, with)
			}
		}
		bindings = next
	}
	return bindings, nil
}

// onlyCalls reports whether a role is there for calls that a target declares itself:
// of one that declares none, nothing can be asked.
func onlyCalls(pb *playbook.Playbook, role string) bool {
	calls := false
	for _, c := range pb.Conditions {
		for _, r := range c.Remedies {
			for _, a := range r.Actions {
				if a.Role == role && a.Type != "http.call" {
					return false
				}
				calls = calls || a.Role == role
			}
		}
	}
	return calls
}

// calledRole is the role by which playbooks mean a service that this one calls.
const calledRole = "api"

// asked are the targets of kind http that a role means: the service itself, or
// those that it calls.
func (s Service) asked(role string, fit []string) []string {
	called := func(name string) bool { return slices.Contains(s.Called, name) }
	if role == calledRole && slices.ContainsFunc(fit, called) {
		return slices.DeleteFunc(fit, func(name string) bool { return !called(name) })
	}
	if role != calledRole {
		return slices.DeleteFunc(fit, called)
	}
	return fit
}

// serverRole is the role by which playbooks mean the process behind the target
// that they cannot do without.
const serverRole = "server"

// serverOf is the process behind the targets that are bound to the required roles,
// or to the first one where none is required; empty where quell.yaml names none, or
// several.
func (i Investigation) serverOf(pb *playbook.Playbook, bound map[string]string) string {
	var found []string
	required := slices.ContainsFunc(pb.Needs, func(n playbook.Need) bool { return !n.Optional })
	for n, need := range pb.Needs {
		p := i.Targets[bound[need.Role]].Process
		if (!need.Optional || !required && n == 0) && p != "" && i.Targets[p].Kind == "process" && !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// ownRole is the role by which playbooks mean the processes of the service itself.
const ownRole = "svc"

// meant are the processes that a role means which only actions use: no answer
// tells which of several it is. They are the service's own, where the role says
// so and quell.yaml tells them; the one that bears the role's name, or is all of a
// service that bears it, as worker-1 or the process of shop-worker; otherwise the
// only one there is. Nobody restarts what may have nothing to do with it.
func (s Service) meant(role string, fit []string) []string {
	var own, others []string
	for _, name := range fit {
		if slices.Contains(s.Processes, name) {
			own = append(own, name)
		} else {
			others = append(others, name)
		}
	}
	var named []string
	for _, name := range fit {
		if role != ownRole && role != serverRole && strings.Contains(name, role) {
			named = append(named, name)
		}
	}
	switch {
	case role == ownRole && len(own) > 0:
		return own
	case len(named) == 1:
		return named
	case role != ownRole && role != serverRole && len(own) == 1 && len(others) == 0 && strings.Contains(s.Facts.Name, role):
		return own
	case role != ownRole && len(s.Processes) > 0 && len(others) == 1:
		return others
	case len(s.Processes) == 0 && len(fit) == 1:
		return fit
	}
	return nil
}

func (t Target) fits(kind string) bool {
	if t.Kind == kind {
		return true
	}
	for _, k := range t.Serves {
		if k == kind {
			return true
		}
	}
	return false
}

// ask fills the holes of a question.
func (i Investigation) ask(q *playbook.Probe, subject *diagnosis.Subject, s Service, target Target) (*asking, error) {
	values := s.Facts.Facts()
	facts := map[string]bool{}
	for name := range values {
		facts[name] = true
	}
	for name, v := range subject.Params {
		values[name] = v
	}
	a := &asking{target: target, question: probe.Question{
		Name: q.Name, Lang: q.Lang, Builtin: q.Builtin, Options: i.options(q), Args: map[string]any{},
		Service: s.Facts, Now: i.Now, Since: i.Since,
	}}
	noteService := func(t probe.Template) {
		for _, hole := range t.Holes() {
			if facts[hole] {
				a.service = s.Facts.Name
			}
		}
	}
	var err error
	if a.question.Text, err = q.Text.WithValues(values); err != nil {
		return nil, err
	}
	noteService(q.Text)
	for _, t := range q.Args {
		noteService(t)
	}
	if q.Builtin != "" {
		spec, ok := target.spec(q.Builtin)
		if !ok {
			return nil, fmt.Errorf("a target of kind %s does not answer %s", target.Kind, q.Builtin)
		}
		if a.question.Args, err = q.Arguments(spec, values); err != nil {
			return nil, err
		}
		if spec.OfService {
			a.service = s.Facts.Name
		}
	}
	var args []string
	for _, name := range sortedNames(q.Args) {
		args = append(args, fmt.Sprintf("%s: %s", name, expr.FormatValue(a.question.Args[name])))
	}
	a.shown = shown(a.question, args)
	return a, nil
}

func (t Target) spec(name string) (probe.Spec, bool) {
	for _, s := range t.Probes {
		if s.Name == name {
			return s, true
		}
	}
	return probe.Spec{}, false
}

// shown is the question as a person would read it.
func shown(q probe.Question, args []string) string {
	if q.Lang == "probe" {
		if len(args) > 0 {
			return q.Builtin + " (" + strings.Join(args, ", ") + ")"
		}
		return q.Builtin
	}
	text, err := q.Text.Fill(func(before string, v any) (string, error) {
		switch v := v.(type) {
		case time.Duration:
			return expr.FormatDuration(v), nil
		case probe.Pattern:
			// Written so that the whole can be pasted where such queries are asked.
			if strings.Count(before, "`")%2 == 1 {
				return "(?:" + string(v) + ")", nil
			}
			quoted := strconv.Quote("(?:" + string(v) + ")")
			return quoted[1 : len(quoted)-1], nil
		}
		return expr.FormatValue(v), nil
	})
	if err != nil {
		text = q.Text.Source()
	}
	return strings.TrimSpace(text)
}

// waitersFirst is the order in which to ask. Built-in questions look twice with a
// pause between, or wait for a network; queries keep processors busy, ours or
// those of a store. So the former begin, and their pauses pass meanwhile.
func (p *plan) waitersFirst() []*asking {
	order := slices.Clone(p.order)
	sort.SliceStable(order, func(i, j int) bool { return order[i].question.Builtin != "" && order[j].question.Builtin == "" })
	return order
}

func (a *asking) key() string {
	parts := []string{a.target.Name, a.question.Lang, a.question.Builtin, a.shown, a.service}
	for _, o := range sortedNames(a.question.Options) {
		parts = append(parts, o+"="+a.question.Options[o])
	}
	return strings.Join(parts, "\x00")
}

// readProbes lists the probes of pb that anything reads.
func (i Investigation) readProbes(pb *playbook.Playbook) map[string]bool {
	read := map[string]bool{}
	note := func(names []string) {
		for _, n := range names {
			read[n] = true
		}
	}
	if i.Afterwards {
		for _, program := range pb.Afterwards() {
			note(program.Reads())
		}
	}
	for _, c := range pb.Conditions {
		for _, s := range c.Signs {
			note(s.Program.Reads())
			note(s.Means.Reads())
		}
		for _, r := range c.Remedies {
			note(r.Prose.Reads())
			if r.Only != nil {
				note(r.Only.Reads())
			}
			for _, task := range r.Checklist {
				note(task.Reads())
			}
			for _, a := range r.Actions {
				for _, arg := range a.Args {
					note(arg.Value.Reads())
				}
			}
		}
	}
	return read
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
