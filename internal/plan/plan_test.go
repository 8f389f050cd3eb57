package plan_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

var specs = map[string]action.Spec{
	"db.kill":   {Name: "db.kill", Does: "kills", Risk: action.R3, Params: []probe.Param{{Name: "pid", Type: probe.Number}}},
	"db.drop":   {Name: "db.drop", Does: "drops", Risk: action.R3, Params: []probe.Param{{Name: "keys", Type: probe.List}}},
	"db.cancel": {Name: "db.cancel", Does: "cancels", Risk: action.R2},
	"db.limit":  {Name: "db.limit", Does: "limits", Risk: action.R2, Undo: "the former limit"},
	"db.index":  {Name: "db.index", Does: "indexes", Risk: action.R1, Undo: "drops it"},
}

var known = plan.Known{
	Spec:       func(name string) (action.Spec, bool) { s, ok := specs[name]; return s, ok },
	TargetKind: func(string) string { return "postgres" },
	LooksBack:  func(string) time.Duration { return 30 * time.Minute },
}

func proposal(kind playbook.RemedyKind, title string, actions ...diagnosis.ProposedAction) diagnosis.Proposal {
	return diagnosis.Proposal{Kind: kind, Title: title, Remedy: title, Actions: actions, Within: "1m"}
}

func act(name string, args map[string]any) diagnosis.ProposedAction {
	return diagnosis.ProposedAction{Type: name, Target: "main", Args: args}
}

func root(id string, proposals ...diagnosis.Proposal) diagnosis.Root {
	return diagnosis.Root{
		Finding: &diagnosis.Finding{ID: id, Title: id, Services: []string{"api"}, Proposals: proposals},
		Chain:   []diagnosis.Seen{{ID: id, Kind: playbook.Cause, Probability: 0.9}, {ID: "x#slow", Kind: playbook.Symptom, Probability: 0.9}},
	}
}

func diagnosed(roots ...diagnosis.Root) diagnosis.Diagnosis {
	return diagnosis.Diagnosis{Roots: roots, Symptoms: []*diagnosis.Finding{{ID: "x#slow", Title: "slow", Probability: 0.9}}}
}

func titles(steps []plan.Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Title+" "+s.Change.Type)
	}
	return out
}

func TestServiceFirstThenTheLeastRiskAndWhatCanBeTakenBack(t *testing.T) {
	t.Parallel()
	steps, _, notes := plan.Draft(diagnosed(
		root("a",
			proposal(playbook.Fix, "index", act("db.index", nil)),
			proposal(playbook.Mitigate, "kill", act("db.kill", map[string]any{"pid": 7.0})),
			proposal(playbook.Mitigate, "cancel", act("db.cancel", nil)),
			proposal(playbook.Mitigate, "limit", act("db.limit", nil)),
		),
		root("b", proposal(playbook.Mitigate, "limit b", diagnosis.ProposedAction{Type: "db.limit", Target: "other"})),
	), known)
	require.Empty(t, notes)
	require.Equal(t, []string{"limit db.limit", "cancel db.cancel", "kill db.kill", "limit b db.limit", "index db.index"}, titles(steps))
	require.Equal(t, time.Minute, steps[0].Within)
	require.Equal(t, 10*time.Minute, steps[0].Settle, "bounded")
	require.Equal(t, []plan.Watched{{ID: "x#slow", Title: "slow"}}, steps[0].Watch)
}

func TestTheSameChangeIsMadeOnce(t *testing.T) {
	t.Parallel()
	steps, _, _ := plan.Draft(diagnosed(
		root("a", proposal(playbook.Mitigate, "kill", act("db.kill", map[string]any{"pid": 7.0}))),
		root("b", proposal(playbook.Mitigate, "kill it too", act("db.kill", map[string]any{"pid": 7.0})),
			proposal(playbook.Mitigate, "kill another", act("db.kill", map[string]any{"pid": 8.0})),
			proposal(playbook.Mitigate, "kill and limit", act("db.kill", map[string]any{"pid": 7.0}), act("db.limit", nil))),
	), known)
	require.Equal(t, []string{"kill db.kill", "kill another db.kill", "kill and limit db.kill", "kill and limit db.limit"}, titles(steps))
}

func TestTheActionsOfARemedyStayTogether(t *testing.T) {
	t.Parallel()
	steps, _, _ := plan.Draft(diagnosed(root("a",
		proposal(playbook.Mitigate, "both", act("db.kill", map[string]any{"pid": 7.0}), act("db.index", nil)),
		proposal(playbook.Mitigate, "cancel", act("db.cancel", nil)),
	)), known)
	require.Equal(t, []string{"cancel db.cancel", "both db.kill", "both db.index"}, titles(steps))
	require.Equal(t, []bool{false, true, false}, []bool{steps[0].Continues, steps[1].Continues, steps[2].Continues})
}

func TestWhatCannotBeAStepIsATaskAndSaysWhy(t *testing.T) {
	t.Parallel()
	incomplete := act("db.kill", map[string]any{})
	incomplete.Missing = "pid: locks was not asked"
	byHand := proposal(playbook.Fix, "talk to the team")
	byHand.Checklist = []string{"review the code"}
	steps, tasks, notes := plan.Draft(diagnosed(root("a",
		proposal(playbook.Mitigate, "kill", incomplete), byHand, proposal(playbook.Mitigate, "odd", act("db.kill", map[string]any{"pid": "seven"})),
		proposal(playbook.Mitigate, "masked", act("db.drop", map[string]any{"keys": []any{"session:•••3f9a"}})),
	)), known)
	require.Empty(t, steps)
	require.Len(t, tasks, 4)
	require.Contains(t, notes[2], "keys holds something that is masked")
	require.Equal(t, "pid: locks was not asked", tasks[0].Why)
	require.Equal(t, []string{"review the code"}, tasks[3].Items)
	require.Contains(t, notes[0], "kill: db.kill is not in the plan: pid: locks was not asked")
	require.Contains(t, notes[1], "seven is no number")
}

func TestStale(t *testing.T) {
	t.Parallel()
	item := func(id, guard string) action.Item { return action.Item{ID: id, Now: guard, Guard: guard} }
	planned := action.Preview{Identity: "db 1", Items: []action.Item{item("pid 1", "a"), item("pid 2", "b")}}
	shrinking := planned
	shrinking.MayShrink = true
	growing := planned
	growing.MayGrow = true
	for sentence, c := range map[string]struct {
		planned, now action.Preview
		want         string
	}{
		"nothing has changed":          {planned, planned, ""},
		"another target":               {planned, action.Preview{Identity: "db 2", Items: planned.Items}, "the target is another one: it was db 1 and is db 2"},
		"a pid was used again":         {planned, action.Preview{Identity: "db 1", Items: []action.Item{item("pid 1", "a"), item("pid 2", "c")}}, "changed since it was planned: pid 2 (was b, is c)"},
		"it would touch more":          {planned, action.Preview{Identity: "db 1", Items: append(planned.Items[:2:2], item("pid 3", "x"))}, "it would now touch more than was planned: pid 3"},
		"more has come, and is left":   {growing, action.Preview{Identity: "db 1", Items: append(planned.Items[:2:2], item("pid 3", "x"))}, ""},
		"one is gone, and all matter":  {planned, action.Preview{Identity: "db 1", Items: planned.Items[:1]}, "no longer there: pid 2"},
		"one is gone, and that is all": {shrinking, action.Preview{Identity: "db 1", Items: planned.Items[:1]}, ""},
		"it became graver":             {planned, action.Preview{Identity: "db 1", Items: planned.Items, TwoPeople: "sessions of users are among them"}, "it has become graver: sessions of users are among them"},
		"its risk has risen":           {planned, action.Preview{Identity: "db 1", Items: planned.Items, Risk: action.R4}, "its risk has risen to R4"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, plan.Stale(c.planned, c.now))
		})
	}
}

func TestADigestCoversWhatAnApprovalIsFor(t *testing.T) {
	t.Parallel()
	base := func() plan.Step {
		return plan.Step{
			ID: "INC-1.1.1", Target: "main", Change: action.Change{Type: "db.kill", Args: action.Args{"pid": 7.0}}, Risk: action.R3,
			Preview: action.Preview{Identity: "db 1", Items: []action.Item{{ID: "pid 7", Guard: "a"}}}, Verify: "x == 0", Within: time.Minute,
		}
	}
	for what, change := range map[string]func(*plan.Step){
		"the step":      func(s *plan.Step) { s.ID = "INC-1.1.2" },
		"the target":    func(s *plan.Step) { s.Target = "other" },
		"the arguments": func(s *plan.Step) { s.Change.Args["pid"] = 8.0 },
		"what was seen": func(s *plan.Step) { s.Preview.Items[0].Guard = "b" },
		"the identity":  func(s *plan.Step) { s.Preview.Identity = "db 2" },
		"the risk":      func(s *plan.Step) { s.Risk = action.R4 },
		"the check":     func(s *plan.Step) { s.Verify = "true" },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			changed := base()
			change(&changed)
			require.NotEqual(t, base().Digest(), changed.Digest())
		})
	}
	same := base()
	same.Title = "another title"
	require.Equal(t, base().Digest(), same.Digest())
}

func TestAPreviewRaisesTheRiskAndNeverLowersIt(t *testing.T) {
	t.Parallel()
	step := plan.Step{Risk: action.R3, Undo: "the former value"}
	require.Equal(t, action.R3, step.Found(action.Preview{Risk: action.R1}, nil).Risk)
	require.Equal(t, action.R4, step.Found(action.Preview{Risk: action.R4}, nil).Risk)
	require.Equal(t, "no such role", step.Found(action.Preview{}, errors.New("no such role")).Blocked)
	require.NotEmpty(t, step.Found(action.Preview{Already: true, Summary: "it is so"}, nil).Blocked)
}

func TestWhatNobodyHasDeclaredIsATaskForPeople(t *testing.T) {
	t.Parallel()
	undeclared := action.Undeclared("declare it", "no call roll-back is declared")
	step := func(title, target string, kind playbook.RemedyKind, err error) plan.Step {
		s := plan.Step{Root: "a", Title: title, Remedy: title, Text: "how", Kind: kind, Target: target, Change: action.Change{Type: "http.call"}}
		return s.Found(action.Preview{}, err)
	}
	fix := plan.Task{Kind: playbook.Fix, Root: "a", Title: "mend it", Items: []string{"review"}}

	steps, tasks, notes := plan.Declared([]plan.Step{
		step("roll back", "web", playbook.Mitigate, undeclared), step("restart", "web", playbook.Mitigate, errors.New("no right to it")),
	}, []plan.Task{fix}, nil)
	require.Len(t, steps, 1, "what is refused for another reason is shown, and why")
	require.Equal(t, []plan.Task{{
		Kind: playbook.Mitigate, Root: "a", Title: "roll back", Text: "how", Why: "http.call on web: no call roll-back is declared: declare it",
	}, fix}, tasks)
	require.Len(t, notes, 1)

	steps, tasks, notes = plan.Declared([]plan.Step{
		step("roll back", "web", playbook.Mitigate, undeclared), step("roll back", "deploys", playbook.Mitigate, nil),
	}, nil, nil)
	require.Len(t, steps, 1)
	require.Empty(t, tasks, "another target does it")
	require.Empty(t, notes)

	first := step("both", "web", playbook.Fix, nil)
	first.Continues = true
	last := step("both", "other", playbook.Fix, undeclared)
	last.Change.Type = "command.run"
	mend := fix
	mend.Title = "both"
	steps, tasks, _ = plan.Declared([]plan.Step{first, last}, []plan.Task{mend}, nil)
	require.False(t, steps[0].Continues, "it is verified by itself now")
	require.Len(t, tasks, 1)
	require.Equal(t, []string{"review"}, tasks[0].Items)
	require.NotEmpty(t, tasks[0].Why)
}

func TestARemedyOnSeveralTargetsIsVerifiedOnce(t *testing.T) {
	t.Parallel()
	on := func(target string) diagnosis.Proposal {
		a := act("db.cancel", nil)
		a.Target = target
		p := proposal(playbook.Mitigate, "restart", a)
		p.Remedy = "restart"
		return p
	}
	other := proposal(playbook.Mitigate, "kill", act("db.kill", map[string]any{"pid": 7.0}))
	other.Remedy = "kill"
	steps, _, _ := plan.Draft(diagnosed(root("a", on("web-a"), on("web-b"), other), root("b", on("web-c"))), known)
	var got []string
	for _, s := range steps {
		got = append(got, fmt.Sprintf("%s %s %v", s.Remedy, s.Target, s.Continues))
	}
	require.Equal(t, []string{"restart web-a true", "restart web-b false", "kill main false", "restart web-c false"}, got)
}

func TestWhatWasTriedIsNotProposedAgain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	steps, _, _ := plan.Draft(diagnosed(root("x#a", proposal(playbook.Mitigate, "one", act("db.limit", nil), act("db.cancel", nil)))), known)
	require.Len(t, steps, 2)
	require.True(t, steps[0].Continues)
	second := plan.Tried{Step: "INC-1.1.2", Target: "main", Change: steps[1].Change, At: now.Add(-3 * time.Minute), Why: "it did not help"}

	kept, notes := plan.Untried(steps, []plan.Tried{second}, now, nil)
	require.Equal(t, []string{"one db.limit"}, titles(kept))
	require.False(t, kept[0].Continues, "it is the last of its remedy now")
	require.Equal(t, []string{"one: db.cancel on main is not in the plan: step INC-1.1.2 tried that 3m ago, and it did not help"}, notes)

	second.Target = "other"
	kept, notes = plan.Untried(steps, []plan.Tried{second}, now, nil)
	require.Len(t, kept, 2)
	require.Empty(t, notes)

	second.Target, second.At = "main", now.Add(-time.Hour)
	kept, _ = plan.Untried(steps, []plan.Tried{second}, now, nil)
	require.Len(t, kept, 2, "an hour later the world is another one")
}
