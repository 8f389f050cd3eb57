package plan

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/secret"
)

// Known is what a draft needs to know of the world around it.
type Known struct {
	Spec func(name string) (action.Spec, bool)
	// TargetKind is the kind of a target by its name.
	TargetKind func(name string) string
	// LooksBack is how far back the questions of a condition look.
	LooksBack func(condition string) time.Duration
}

// usualWithin is how long a change may take to help where its playbook does
// not say.
const usualWithin = 2 * time.Minute

// longestSettle bounds how long a symptom is waited for after that.
const longestSettle = 10 * time.Minute

// Draft lists the steps and tasks for the roots of a diagnosis, without
// previews, decisions and numbers: mitigations before fixes; within a kind the
// likelier root first; of a root's remedies the one that risks least and can
// be taken back first.
func Draft(d diagnosis.Diagnosis, k Known) (steps []Step, tasks []Task, notes []string) {
	var groups []group
	for rank, root := range d.Roots {
		for n, p := range root.Proposals {
			g, task, why := draftRemedy(d, root, p, k)
			g.rank, g.order = rank, n
			if len(g.steps) > 0 {
				groups = append(groups, g)
			}
			if task != nil {
				tasks = append(tasks, *task)
			}
			notes = append(notes, why...)
		}
	}
	sort.SliceStable(groups, func(i, j int) bool { return groups[i].before(groups[j]) })
	for _, g := range groups {
		if g.within(steps) {
			continue
		}
		if n := len(steps); n > 0 && g.goesOnWith(steps[n-1]) {
			steps[n-1].Continues = true
		}
		steps = append(steps, g.steps...)
	}
	sort.SliceStable(tasks, func(i, j int) bool { return tasks[i].Kind == playbook.Mitigate && tasks[j].Kind != playbook.Mitigate })
	return steps, tasks, notes
}

// Rung is one step of a ladder: a remedy with its holes filled.
type Rung struct {
	Text     string // of the link
	Watch    time.Duration
	Root     string // id of the condition whose remedy it is
	Title    string // of that condition
	Services []string
	Proposal diagnosis.Proposal
}

// Climb drafts the steps of a ladder in its order: each is watched as long as
// the ladder says, for the end of the same symptoms.
func Climb(d diagnosis.Diagnosis, rungs []Rung, watch []Watched, k Known) (steps []Step, tasks []Task, notes []string) {
	for _, r := range rungs {
		root := diagnosis.Root{Finding: &diagnosis.Finding{ID: r.Root, Title: r.Title, Services: r.Services}}
		g, task, why := draftRemedy(d, root, r.Proposal, k)
		for i := range g.steps {
			s := &g.steps[i]
			s.Title, s.Watch, s.Settle = r.Text, watch, 0
			if r.Watch > 0 {
				s.Within = r.Watch
			}
		}
		steps = append(steps, g.steps...)
		if task != nil && len(g.steps) == 0 {
			tasks = append(tasks, *task)
		}
		notes = append(notes, why...)
	}
	return steps, tasks, notes
}

// WatchFor are the symptoms of a playbook that are likely now; where none is,
// all of them, so that a ladder without a reason finds all well.
func WatchFor(d diagnosis.Diagnosis, playbook string) []Watched {
	var likely, all []Watched
	for _, f := range d.Symptoms {
		if id, _, _ := strings.Cut(f.ID, "#"); id != playbook {
			continue
		}
		all = append(all, watch(f))
		if f.Probability >= diagnosis.Likely {
			likely = append(likely, watch(f))
		}
	}
	if len(likely) > 0 {
		return likely
	}
	return all
}

// group is a remedy's actions, which stay together.
type group struct {
	steps       []Step
	kind        playbook.RemedyKind
	rank, order int
	risk        action.Risk
	final       bool // one of them cannot be taken back
}

// within reports whether all that the group changes is changed by steps that are
// in the plan already: several causes, or one in several places, may ask for the
// same way back.
func (g group) within(steps []Step) bool {
	for _, s := range g.steps {
		same := func(o Step) bool {
			return o.Target == s.Target && o.Change.Type == s.Change.Type && reflect.DeepEqual(o.Change.Args, s.Change.Args)
		}
		if !slices.ContainsFunc(steps, same) {
			return false
		}
	}
	return true
}

// goesOnWith reports whether the group is the same remedy as a step's, on another
// target: a service of two processes is helped when both were started anew, and
// what they do is verified after the last of them.
func (g group) goesOnWith(s Step) bool {
	first := g.steps[0]
	return first.Root == s.Root && first.Playbook == s.Playbook && first.Remedy == s.Remedy && first.Kind == s.Kind &&
		first.Change.Type == s.Change.Type && first.Target != s.Target
}

func (g group) before(h group) bool {
	if g.kind != h.kind {
		return g.kind == playbook.Mitigate
	}
	if g.rank != h.rank {
		return g.rank < h.rank
	}
	if g.risk != h.risk {
		return h.risk.Worse(g.risk) == h.risk
	}
	if g.final != h.final {
		return h.final
	}
	return g.order < h.order
}

// draftRemedy makes the steps of one remedy, and the task of what is left for
// a person.
func draftRemedy(d diagnosis.Diagnosis, root diagnosis.Root, p diagnosis.Proposal, k Known) (group, *Task, []string) {
	g := group{kind: p.Kind}
	var notes []string
	task := Task{Kind: p.Kind, Root: root.ID, Title: p.Title, Items: p.Checklist}
	for i, a := range p.Actions {
		s, why := draftStep(d, root, p, a, k)
		if why != "" {
			notes = append(notes, fmt.Sprintf("%s: %s is not in the plan: %s", p.Title, a.Type, why))
			task.Why = why
			continue
		}
		s.Continues = i < len(p.Actions)-1
		g.risk = g.risk.Worse(s.Risk)
		g.final = g.final || s.Undo == ""
		g.steps = append(g.steps, s)
	}
	if n := len(g.steps); n > 0 {
		g.steps[n-1].Continues = false
	}
	if len(g.steps) == 0 {
		task.Text = p.Text
	}
	if task.Text == "" && len(task.Items) == 0 && task.Why == "" {
		return g, nil, notes
	}
	return g, &task, notes
}

func draftStep(d diagnosis.Diagnosis, root diagnosis.Root, p diagnosis.Proposal, a diagnosis.ProposedAction, k Known) (Step, string) {
	spec, ok := k.Spec(a.Type)
	switch {
	case !ok:
		return Step{}, fmt.Sprintf("no action is called %q", a.Type)
	case a.Missing != "":
		return Step{}, a.Missing
	}
	args, err := spec.Complete(a.Args)
	if err != nil {
		return Step{}, err.Error()
	}
	if name := maskedArgument(args); name != "" {
		return Step{}, fmt.Sprintf("%s holds something that is masked as a secret or as personal data: Quell does not know what it really is", name)
	}
	within := usualWithin
	if d, err := expr.ParseDuration(p.Within); err == nil && d > 0 {
		within = d
	}
	s := Step{
		Kind: p.Kind, Title: p.Title, Text: p.Text, Root: root.ID, RootTitle: root.Title,
		Playbook: p.Playbook, Remedy: p.Remedy, Services: root.Services, Bound: p.Bound,
		Target: a.Target, TargetKind: k.TargetKind(a.Target), Change: action.Change{Type: a.Type, Args: args},
		Does: spec.Does, Risk: spec.Risk, Undo: spec.Undo, Destroys: spec.Destroys, Captures: spec.Captures,
		Verify: p.Verify, Within: within, Watch: watched(d, root),
	}
	for _, w := range s.Watch {
		s.Settle = max(s.Settle, min(k.LooksBack(w.ID), longestSettle))
	}
	return s, ""
}

// maskedArgument is the name of an argument that was masked when it was
// captured, itself or something in it; "" where none is. Rows of a question are
// left to their action, which takes what identifies them.
func maskedArgument(args action.Args) string {
	for _, name := range slices.Sorted(maps.Keys(args)) {
		values := []any{args[name]}
		if list, ok := args[name].([]any); ok {
			values = list
		}
		for _, v := range values {
			if text, ok := v.(string); ok && strings.Contains(text, secret.Placeholder) {
				return name
			}
		}
	}
	return ""
}

// watched are the likely symptoms that a root leads to; where there is none,
// the root itself.
func watched(d diagnosis.Diagnosis, root diagnosis.Root) []Watched {
	ids := map[string]bool{}
	for _, list := range [][]diagnosis.Seen{root.Chain, root.Also} {
		for _, s := range list {
			ids[s.ID] = true
		}
	}
	var out []Watched
	for _, f := range d.Symptoms {
		if ids[f.ID] && f.Probability >= diagnosis.Likely && !slices.ContainsFunc(out, func(w Watched) bool { return w.ID == f.ID }) {
			out = append(out, watch(f))
		}
	}
	if len(out) == 0 {
		out = []Watched{watch(root.Finding)}
	}
	return out
}

func watch(f *diagnosis.Finding) Watched {
	w := Watched{ID: f.ID, Title: f.Title}
	for _, s := range f.Signs {
		if s.Truth == string(expr.True) && s.Weight != playbook.Against {
			w.Shown = append(w.Shown, s.Sign)
			if len(s.Held) > 0 {
				if w.Held == nil {
					w.Held = map[string][]string{}
				}
				w.Held[s.Sign] = s.Held
			}
		}
	}
	return w
}
