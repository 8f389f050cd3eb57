package incident_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/verification"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// record numbers and dates events, a minute apart.
type record []incident.Event

func (r *record) add(t require.TestingT, kind, by, step string, data any) {
	e, err := incident.New(kind, by, step, data)
	require.NoError(t, err)
	e.Incident, e.Seq = "INC-7", int64(len(*r)+1)
	e.At = start.Add(time.Duration(len(*r)) * time.Minute)
	*r = append(*r, e)
}

func fold(t require.TestingT, r record) incident.Incident {
	i, err := incident.Fold(r)
	require.NoError(t, err)
	return i
}

func opened(t require.TestingT) record {
	var r record
	r.add(t, incident.KindOpened, "alice", "", incident.Opened{Title: "checkout is slow", Services: []string{"checkout"}, Alert: "CheckoutSlow", Severity: "high"})
	return r
}

func found() incident.Diagnosed {
	return incident.Diagnosed{Since: "30m", Took: 2 * time.Second, Diagnosis: diagnosis.Diagnosis{Verdict: diagnosis.Found, Summary: "the pool leaks (likely)", At: start}}
}

func twoSteps() plan.Plan {
	return plan.Plan{ID: "INC-7.1", Incident: "INC-7", Steps: []plan.Step{{ID: "INC-7.1.1", Title: "one"}, {ID: "INC-7.1.2", Title: "two"}}}
}

func made(text string) incident.Result {
	return incident.Result{Attempt: 1, State: action.Made, Text: text, Done: &action.Done{Summary: text, Inverse: &action.Change{Type: "x"}}}
}

func verdict(v verification.Verdict) incident.Judged {
	return incident.Judged{Judgement: verification.Judgement{Verdict: v, Why: "so it was seen", Samples: 3}}
}

func TestTheMomentsOfAnIncident(t *testing.T) {
	t.Parallel()
	r := opened(t)
	r.add(t, incident.KindDiagnosed, "quell", "", found())
	r.add(t, incident.KindPlanned, "alice", "", twoSteps())
	r.add(t, incident.KindApproved, "quell", "INC-7.1.1", map[string]any{"approver": "bob", "expires": start.Add(time.Hour)})
	r.add(t, incident.KindIntent, "quell", "INC-7.1.1", incident.Intent{Attempt: 1})
	r.add(t, incident.KindResult, "quell", "INC-7.1.1", made("done"))
	r.add(t, incident.KindJudged, "quell", "INC-7.1.1", verdict(verification.Better))
	r.add(t, incident.KindResolved, "alice", "", incident.Note{Text: "all well"})
	i := fold(t, r)
	require.Equal(t, incident.Resolved, i.Status)
	at := map[incident.MomentName]time.Duration{}
	var order []incident.MomentName
	for _, m := range i.Moments {
		at[m.Name] = m.At.Sub(start)
		order = append(order, m.Name)
		require.NotEmpty(t, m.From, m.Name)
	}
	require.Equal(t, incident.MomentNames(), order)
	require.Equal(t, map[incident.MomentName]time.Duration{
		incident.Detected: 0, incident.Alerted: 0, incident.Asked: 58 * time.Second, incident.Found: time.Minute, incident.Proposed: 2 * time.Minute,
		incident.Approved: 3 * time.Minute, incident.Acted: 5 * time.Minute, incident.Mitigated: 5 * time.Minute, incident.Recovery: 6 * time.Minute, incident.Ended: 7 * time.Minute,
	}, at)
	s, ok := i.Step("INC-7.1.1")
	require.True(t, ok)
	require.Equal(t, incident.StepHelped, s.Standing)
	require.Equal(t, "bob", s.Approvals[0].By)

	// It comes back: a recovery that did not last is none.
	r.add(t, incident.KindReopened, "alice", "", incident.Note{})
	i = fold(t, r)
	require.Equal(t, incident.Reopened, i.Status)
	_, ok = i.Moment(incident.Recovery)
	require.False(t, ok)
	_, ok = i.Moment(incident.Found)
	require.True(t, ok)
}

func TestAnEventOfALaterVersionStandsInTheTimeline(t *testing.T) {
	t.Parallel()
	r := opened(t)
	before := fold(t, r)
	r.add(t, "paged", "pager", "", map[string]any{"who": 7})
	r = append(r, incident.Event{Incident: "INC-7", Seq: 3, At: start, Kind: "dreamt", Data: json.RawMessage(`"x"`)})
	i := fold(t, r)
	require.Equal(t, "paged", i.Timeline[1].Text)
	require.Equal(t, "dreamt", i.Timeline[2].Text)
	require.NotEqual(t, before.Digest, i.Digest)
	before.Timeline, before.Last, before.Digest = i.Timeline, i.Last, i.Digest
	require.Equal(t, before, i)
}

func TestBadRecordsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(record) record
		says  string
	}{
		"no events":             {func(record) record { return nil }, "it has no events"},
		"an event of another":   {func(r record) record { r[1].Incident = "INC-8"; return r }, "belongs to INC-8"},
		"a number twice":        {func(r record) record { r[1].Seq = 1; return r }, "event 1 stands behind event 1"},
		"data that is no plan":  {func(r record) record { r[1].Data = json.RawMessage(`[1]`); return r }, "read event 2 of INC-7 (planned)"},
		"data that is no JSON":  {func(r record) record { r[0].Data = json.RawMessage(`{`); return r }, "read event 1 of INC-7 (opened)"},
		"an approval that lies": {func(r record) record { r[1].Kind = incident.KindApproved; r[1].Data = json.RawMessage(`7`); return r }, "(approved)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := opened(t)
			r.add(t, incident.KindPlanned, "alice", "", twoSteps())
			_, err := incident.Fold(c.spoil(r))
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestWhatAnIncidentWaitsFor(t *testing.T) {
	t.Parallel()
	planned := func(t require.TestingT) record {
		r := opened(t)
		r.add(t, incident.KindDiagnosed, "quell", "", found())
		r.add(t, incident.KindPlanned, "alice", "", twoSteps())
		return r
	}
	acting := func(t require.TestingT, res *incident.Result) record {
		r := planned(t)
		r.add(t, incident.KindStarted, "alice", "", incident.Started{Plan: "INC-7.1"})
		r.add(t, incident.KindIntent, "quell", "INC-7.1.1", incident.Intent{Attempt: 1})
		if res != nil {
			r.add(t, incident.KindResult, "quell", "INC-7.1.1", *res)
		}
		return r
	}
	with := func(r record, kind, step string, data any) record { r.add(t, kind, "quell", step, data); return r }
	for name, c := range map[string]struct {
		record record
		want   []incident.Wait
	}{
		"nobody has asked": {opened(t), []incident.Wait{{Text: "nobody has asked yet what is wrong", Command: "quell diagnose --save"}}},
		"there is no plan": {with(opened(t), incident.KindDiagnosed, "", found()), []incident.Wait{{Text: "a cause is found, and there is no plan", Command: "quell plan INC-7"}}},
		"there is a plan":  {planned(t), []incident.Wait{{Text: "2 steps to look at and approve", Command: "quell plan INC-7.1"}}},
		"a crash":          {acting(t, nil), []incident.Wait{{Text: "nobody knows whether step INC-7.1.1 happened: look at ", Command: "quell reconcile"}}},
		"it is under way":  {acting(t, ptr(made("done"))), []incident.Wait{}},
		"an approval":      {with(planned(t), incident.KindHeld, "INC-7.1.1", incident.Held{Plan: "INC-7.1", Reason: incident.HeldUnapproved, Text: "two people"}), []incident.Wait{{Text: "step INC-7.1.1 waits for an approval: two people", Command: "quell approve INC-7.1.1"}}},
		"nobody can tell":  {with(acting(t, ptr(made("done"))), incident.KindJudged, "INC-7.1.1", verdict(verification.CannotTell)), []incident.Wait{{Text: "nobody can tell whether step INC-7.1.1 helped: so it was seen", Command: "quell verify INC-7.1.1 --say better|worse"}}},
		"it is well":       {with(acting(t, ptr(made("done"))), incident.KindJudged, "INC-7.1.1", verdict(verification.Better)), []incident.Wait{{Text: "it is well again: see that it stays so, and close it", Command: "quell incident resolve INC-7"}}},
		"it is over":       {with(opened(t), incident.KindResolved, "", incident.Note{}), []incident.Wait{}},
		"an item that is due": {
			with(with(opened(t), incident.KindResolved, "", incident.Note{}), incident.KindItem, "", incident.Item{Text: "no restart for a day", Truth: verification.None, Due: start}),
			[]incident.Wait{{Text: "checklist: no restart for a day"}},
		},
		"an item for later": {
			with(with(opened(t), incident.KindResolved, "", incident.Note{}), incident.KindItem, "", incident.Item{Text: "no restart for a day", Truth: verification.None, Due: start.Add(48 * time.Hour)}),
			[]incident.Wait{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, fold(t, c.record).Waits(start.Add(24*time.Hour)))
		})
	}
}

func TestATemporaryMeasureStandsUntilItIsTakenBack(t *testing.T) {
	t.Parallel()
	r := opened(t)
	r.add(t, incident.KindPlanned, "alice", "", twoSteps())
	r.add(t, incident.KindIntent, "quell", "INC-7.1.1", incident.Intent{Attempt: 1})
	res := made("limited to 100/s")
	res.Ends = start.Add(time.Hour)
	r.add(t, incident.KindResult, "quell", "INC-7.1.1", res)
	require.Equal(t, []incident.Measure{{Step: "INC-7.1.1", Title: "one", Since: start.Add(3 * time.Minute), Ends: start.Add(time.Hour)}}, fold(t, r).Temporary())
	require.Contains(t, fold(t, r).Waits(start.Add(2*time.Hour)), incident.Wait{Text: "step INC-7.1.1 was for a while, and that is over", Command: "quell undo INC-7.1.1"})
	r.add(t, incident.KindIntent, "quell", "INC-7.1.1", incident.Intent{Attempt: 1, Undo: true})
	r.add(t, incident.KindResult, "quell", "INC-7.1.1", incident.Result{Attempt: 1, Undo: true, State: action.Made})
	require.Empty(t, fold(t, r).Temporary())
}

// Folding a beginning and adding the rest is folding all, and no order of
// events that can be read makes it fail.
func TestFoldingGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := opened(t)
		for range rapid.IntRange(0, 25).Draw(t, "events") {
			anything(t, &r)
		}
		whole := fold(t, r)
		n := rapid.IntRange(1, len(r)).Draw(t, "cut")
		begun := fold(t, r[:n])
		require.Equal(t, whole.Timeline[:n], begun.Timeline)
		for _, e := range r[n:] {
			require.NoError(t, begun.Add(e))
		}
		require.Equal(t, whole, begun)
		require.NotPanics(t, func() { whole.Waits(start.Add(time.Hour)) })
		_, err := json.Marshal(whole)
		require.NoError(t, err)
	})
}

func anything(t *rapid.T, r *record) {
	step := rapid.SampledFrom([]string{"INC-7.1.1", "INC-7.1.2", "INC-7.9.1"}).Draw(t, "step")
	planID := rapid.SampledFrom([]string{"INC-7.1", "INC-7.9"}).Draw(t, "plan")
	attempt, undo := rapid.IntRange(1, 3).Draw(t, "attempt"), rapid.Bool().Draw(t, "undo")
	state := rapid.SampledFrom([]action.State{action.Made, action.NotMade, action.PartlyMade, action.CannotTell}).Draw(t, "state")
	events := []struct {
		kind, step string
		data       any
	}{
		{incident.KindDiagnosed, "", found()},
		{incident.KindPlanned, "", twoSteps()},
		{incident.KindStarted, "", incident.Started{Plan: planID}},
		{incident.KindCancelled, "", incident.Note{Plan: planID}},
		{incident.KindFinished, "", incident.Finished{Plan: planID, Outcome: incident.NeedsPerson, Text: "look"}},
		{incident.KindApproved, step, map[string]string{"approver": "bob"}},
		{incident.KindHeld, step, incident.Held{Plan: planID, Undo: undo, Reason: rapid.SampledFrom([]incident.HoldReason{incident.HeldMoot, incident.HeldUnapproved}).Draw(t, "reason")}},
		{incident.KindCaptured, step, incident.Captured{Evidence: []evidence.Evidence{{Probe: "x"}}}},
		{incident.KindIntent, step, incident.Intent{Attempt: attempt, Undo: undo}},
		{incident.KindResult, step, incident.Result{Attempt: attempt, Undo: undo, State: state}},
		{incident.KindMeasured, step, incident.Measured{Before: undo, Sample: verification.Sample{Felt: verification.Yes}}},
		{incident.KindJudged, step, verdict(rapid.SampledFrom([]verification.Verdict{verification.Better, verification.NotBetter, verification.CannotTell}).Draw(t, "verdict"))},
		{incident.KindUndoAsked, step, incident.UndoAsked{}},
		{incident.KindNoted, "", incident.Note{Text: "so"}},
		{incident.KindItem, "", incident.Item{Text: "it holds", Truth: verification.Yes}},
		{incident.KindResolved, "", incident.Note{}},
		{incident.KindReopened, "", incident.Note{}},
		{"dreamt", step, nil},
	}
	e := events[rapid.IntRange(0, len(events)-1).Draw(t, "event")]
	r.add(t, e.kind, "quell", e.step, e.data)
}

func TestAnswersAreFoundUnderTheNameOfEachPlaybook(t *testing.T) {
	t.Parallel()
	shared := evidence.Evidence{Answer: evidence.Of(int64(1)), Probe: "waiting", Question: "sum(waiting)", Target: "metrics", At: start}
	renamed, other := shared, shared
	renamed.Probe = "queue"
	other.Value, other.Question = int64(2), "max(waiting)"
	list := []evidence.Evidence{shared, other}
	subjects := []diagnosis.Subject{
		{Playbook: &playbook.Playbook{ID: "db/pool"}, Service: "shop", Evidence: map[string]evidence.Evidence{"waiting": shared}},
		{Playbook: &playbook.Playbook{ID: "app/slow"}, Service: "shop", Evidence: map[string]evidence.Evidence{"queue": renamed, "waiting": other}},
	}
	d := incident.Diagnosed{Evidence: list, Asked: incident.Askings(subjects, list)}
	require.Equal(t, []evidence.Evidence{shared}, d.Answer("db/pool", "waiting", nil, nil))
	require.Equal(t, []evidence.Evidence{other}, d.Answer("app/slow", "waiting", []string{"shop"}, []string{"metrics"}))
	require.Equal(t, []evidence.Evidence{shared}, d.Answer("app/slow", "queue", nil, nil))
	require.Empty(t, d.Answer("app/slow", "queue", []string{"other"}, nil))
	require.Empty(t, d.Answer("app/slow", "queue", nil, []string{"elsewhere"}))
}

func ptr[T any](v T) *T { return &v }
