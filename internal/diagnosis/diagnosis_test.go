package diagnosis_test

import (
	"encoding/json"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

var at = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// book builds a playbook whose probes a…f are numbers wrapped in objects, so
// that signs read like a.v > 0.
type condition struct {
	name    string
	kind    playbook.ConditionKind
	common  playbook.HowCommon
	leadsTo []string
	signs   []sign
}

type sign struct {
	expr   string
	weight playbook.Weight
}

var names = []string{"a", "b", "c", "d", "e", "f"}

func newEnv(t require.TestingT) *expr.Env {
	types := map[string]expr.Type{}
	for _, n := range names {
		types[n] = expr.Object
	}
	env, err := expr.NewEnv(types)
	require.NoError(t, err)
	return env
}

func book(t require.TestingT, conditions ...condition) *playbook.Playbook {
	pb := &playbook.Playbook{ID: "p", Needs: []playbook.Need{{Role: "db", Kind: "postgres"}}}
	for _, n := range names {
		pb.Probes = append(pb.Probes, &playbook.Probe{Name: n, Role: "db", Shape: probe.Object})
	}
	env := newEnv(t)
	for _, c := range conditions {
		cond := &playbook.Condition{ID: "p#" + c.name, Kind: c.kind, Title: c.name, HowCommon: c.common}
		if cond.Kind == "" {
			cond.Kind = playbook.Cause
		}
		for _, l := range c.leadsTo {
			cond.LeadsTo = append(cond.LeadsTo, playbook.Link{Target: "p#" + l})
		}
		for _, s := range c.signs {
			program, err := env.CompileSign(s.expr)
			require.NoError(t, err)
			means, err := env.CompileTemplate(s.expr)
			require.NoError(t, err)
			cond.Signs = append(cond.Signs, playbook.Sign{Program: program, Weight: s.weight, Means: means, Reads: program.Reads()})
		}
		pb.Conditions = append(pb.Conditions, cond)
	}
	return pb
}

func subject(pb *playbook.Playbook, service string, values map[string]float64) diagnosis.Subject {
	s := diagnosis.Subject{Playbook: pb, Service: service, Targets: map[string]string{"db": "main"}, Evidence: map[string]evidence.Evidence{}}
	for n, v := range values {
		s.Evidence[n] = evidence.Evidence{
			Answer: evidence.Of(map[string]any{"v": v}), Probe: n, Question: n, Target: "main", At: at,
		}
	}
	return s
}

func diagnose(subjects ...diagnosis.Subject) diagnosis.Diagnosis {
	return diagnosis.Diagnose(diagnosis.Input{Subjects: subjects, At: at})
}

func ids(list []*diagnosis.Finding) []string {
	out := []string{}
	for _, f := range list {
		out = append(out, f.Title)
	}
	return out
}

// story is leak → waits → slow, with a look-alike of the leak.
func story(t require.TestingT) *playbook.Playbook {
	return book(t,
		condition{name: "leak", common: playbook.Often, leadsTo: []string{"waits"}, signs: []sign{
			{"a.v > 0", playbook.Strong}, {"b.v > 0", playbook.Strong}, {"c.v > 0", playbook.RulesOut}}},
		condition{name: "small", common: playbook.Often, leadsTo: []string{"waits"}, signs: []sign{
			{"c.v > 0", playbook.Strong}, {"b.v > 0", playbook.Against}}},
		condition{name: "waits", kind: playbook.Symptom, leadsTo: []string{"slow"}, signs: []sign{{"d.v > 0", playbook.Decisive}}},
		condition{name: "slow", kind: playbook.Symptom, signs: []sign{{"e.v > 0", playbook.Decisive}}},
	)
}

func TestTheRootIsFoundWithItsChain(t *testing.T) {
	d := diagnose(subject(story(t), "shop", map[string]float64{"a": 1, "b": 1, "c": 0, "d": 1, "e": 1}))
	require.Equal(t, diagnosis.Found, d.Verdict)
	require.Len(t, d.Roots, 1)
	require.Equal(t, "leak", d.Roots[0].Title)
	var chain []string
	for _, l := range d.Roots[0].Chain {
		chain = append(chain, l.Title)
		require.True(t, l.Confirmed)
	}
	require.Equal(t, []string{"leak", "waits", "slow"}, chain)
	require.Equal(t, 2, d.Roots[0].Explains)
	require.Empty(t, d.Unexplained)
}

func TestAVetoWins(t *testing.T) {
	d := diagnose(subject(story(t), "shop", map[string]float64{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}))
	require.Equal(t, []string{"leak"}, ids(d.RuledOut))
	require.Zero(t, d.RuledOut[0].Probability)
}

func TestHealthyIsNothing(t *testing.T) {
	d := diagnose(subject(story(t), "shop", map[string]float64{"a": 0, "b": 0, "c": 0, "d": 0, "e": 0}))
	require.Equal(t, diagnosis.Nothing, d.Verdict)
	require.Empty(t, d.Roots)
}

func TestSymptomsWithoutACauseCannotTellAndAskNext(t *testing.T) {
	s := subject(story(t), "shop", map[string]float64{"c": 0, "d": 1, "e": 1})
	s.Evidence["a"] = evidence.Evidence{Answer: evidence.Not(evidence.Denied, "permission denied", "GRANT it"), Target: "main", Question: "a"}
	d := diagnose(s)
	require.Equal(t, diagnosis.CannotTell, d.Verdict)
	require.NotEmpty(t, d.Unexplained)
	require.NotNil(t, d.Next)
	require.Contains(t, []string{"a", "b"}, d.Next.Probe)
	require.Equal(t, "GRANT it", d.BlindSpots[0].Hint+d.BlindSpots[1].Hint)
}

func TestNothingAnsweredCannotTell(t *testing.T) {
	d := diagnose(subject(story(t), "shop", nil))
	require.Equal(t, diagnosis.CannotTell, d.Verdict)
}

func TestTwoServicesOnOneDatabaseAreOneFinding(t *testing.T) {
	pb := story(t)
	values := map[string]float64{"a": 1, "b": 1, "c": 0, "d": 1, "e": 1}
	d := diagnose(subject(pb, "shop", values), subject(pb, "billing", values))
	require.Len(t, d.Roots, 1)
	require.Equal(t, []string{"billing", "shop"}, d.Roots[0].Services)
}

func TestTwoCausesAtOnce(t *testing.T) {
	pb := book(t,
		condition{name: "one", leadsTo: []string{"slow"}, signs: []sign{{"a.v > 0", playbook.Decisive}}},
		condition{name: "two", leadsTo: []string{"slow"}, signs: []sign{{"b.v > 0", playbook.Decisive}}},
		condition{name: "slow", kind: playbook.Symptom, signs: []sign{{"c.v > 0", playbook.Decisive}}})
	d := diagnose(subject(pb, "shop", map[string]float64{"a": 1, "b": 1, "c": 1}))
	require.Len(t, d.Roots, 2)
}

func TestSignsOfOneProbeAreBounded(t *testing.T) {
	weak := func(n int) condition {
		c := condition{name: "x"}
		for range n {
			c.signs = append(c.signs, sign{"a.v > 0", playbook.Strong})
		}
		return c
	}
	p := func(n int) float64 {
		return diagnose(subject(book(t, weak(n)), "shop", map[string]float64{"a": 1})).Causes[0].Probability
	}
	require.Greater(t, p(2), p(1))
	// Twenty signs of one answer are worth less than two independent ones.
	two := diagnose(subject(book(t, condition{name: "x", signs: []sign{{"a.v > 0", playbook.Strong}, {"b.v > 0", playbook.Strong}}}),
		"shop", map[string]float64{"a": 1, "b": 1})).Causes[0].Probability
	require.LessOrEqual(t, p(20), two)
}

func TestARetortedSymptomCounts(t *testing.T) {
	s := subject(story(t), "shop", map[string]float64{"a": 0, "b": 0, "c": 0, "d": 0, "e": 0})
	d := diagnosis.Diagnose(diagnosis.Input{Subjects: []diagnosis.Subject{s}, At: at, Reported: "requests wait", Matches: map[string]float64{"p#waits": 1}})
	require.Equal(t, diagnosis.CannotTell, d.Verdict, "a person says that something is wrong")
}

// generated draws a playbook without causal circles and evidence for it.
func generated(t *rapid.T) (*playbook.Playbook, map[string]float64) {
	weights := []playbook.Weight{playbook.Decisive, playbook.Strong, playbook.Weak, playbook.Against, playbook.RulesOut}
	commons := []playbook.HowCommon{playbook.AlwaysSuspect, playbook.Often, playbook.Sometimes, playbook.Rare}
	n := rapid.IntRange(1, 6).Draw(t, "conditions")
	var list []condition
	for i := range n {
		c := condition{name: string(rune('u' + i)), common: rapid.SampledFrom(commons).Draw(t, "common")}
		if rapid.Bool().Draw(t, "symptom") {
			c.kind = playbook.Symptom
		}
		for range rapid.IntRange(1, 4).Draw(t, "signs") {
			c.signs = append(c.signs, sign{rapid.SampledFrom(names).Draw(t, "probe") + ".v > 0", rapid.SampledFrom(weights).Draw(t, "weight")})
		}
		for j := i + 1; j < n; j++ {
			if rapid.Bool().Draw(t, "edge") {
				c.leadsTo = append(c.leadsTo, string(rune('u'+j)))
			}
		}
		list = append(list, c)
	}
	values := map[string]float64{}
	for _, name := range names {
		if rapid.Bool().Draw(t, "answered") {
			values[name] = float64(rapid.IntRange(0, 1).Draw(t, "value"))
		}
	}
	return book(t, list...), values
}

func asJSON(t require.TestingT, d diagnosis.Diagnosis) string {
	data, err := json.Marshal(d)
	require.NoError(t, err)
	return string(data)
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, values := generated(t)
		two, others := generated(t)
		two.ID = "q"
		subjects := []diagnosis.Subject{subject(one, "shop", values), subject(two, "billing", others), subject(one, "billing", others)}
		want := asJSON(t, diagnose(subjects...))
		rand.New(rand.NewSource(int64(rapid.Int().Draw(t, "seed")))).Shuffle(len(subjects), func(i, j int) { subjects[i], subjects[j] = subjects[j], subjects[i] })
		require.Equal(t, want, asJSON(t, diagnose(subjects...)))
	})
}

func TestAnUnknownMovesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pb, values := generated(t)
		before := diagnose(subject(pb, "shop", values))
		// A further sign on a probe that has no answer.
		env, err := expr.NewEnv(map[string]expr.Type{"missing": expr.Object})
		require.NoError(t, err)
		program, err := env.CompileSign("missing.v > 0")
		require.NoError(t, err)
		pb.Probes = append(pb.Probes, &playbook.Probe{Name: "missing", Role: "db"})
		c := pb.Conditions[rapid.IntRange(0, len(pb.Conditions)-1).Draw(t, "which")]
		c.Signs = append(c.Signs, playbook.Sign{Program: program, Weight: rapid.SampledFrom([]playbook.Weight{playbook.Decisive, playbook.Against, playbook.RulesOut}).Draw(t, "weight"), Reads: []string{"missing"}})
		after := diagnose(subject(pb, "shop", values))
		require.Equal(t, ids(before.Causes), ids(after.Causes))
		require.Equal(t, before.Verdict == diagnosis.Found, after.Verdict == diagnosis.Found)
		for i := range before.Causes {
			require.Equal(t, before.Causes[i].Probability, after.Causes[i].Probability)
		}
	})
}

func TestAConsequenceNeverOutranksItsConfirmedCause(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pb, values := generated(t)
		d := diagnose(subject(pb, "shop", values))
		rank := map[string]int{}
		likely := map[string]bool{}
		for i, f := range d.Causes {
			rank[f.ID] = i
			likely[f.ID] = f.Probability >= diagnosis.Likely
		}
		for _, c := range pb.Conditions {
			for _, l := range c.LeadsTo {
				if likely[c.ID] && likely[l.Target] {
					require.Less(t, rank[c.ID], rank[l.Target], "%s leads to %s", c.ID, l.Target)
				}
			}
		}
		for _, r := range d.Roots {
			require.True(t, likely[r.ID])
			require.False(t, r.Vetoed)
		}
	})
}

// A cause that is read from the metrics of a service with two processes is one
// cause, and there are two processes to restart.
func TestARemedyIsProposedOnEachTargetThatItCouldActOn(t *testing.T) {
	pb := book(t, condition{name: "leak", common: playbook.Often, signs: []sign{{"a.v > 0", playbook.Decisive}}})
	pb.Needs = append(pb.Needs, playbook.Need{Role: "svc", Kind: "process", Optional: true})
	pb.Conditions[0].Remedies = []playbook.Remedy{
		{Kind: playbook.Mitigate, Title: "restart it", Actions: []playbook.Action{{Type: "process.restart", Role: "svc"}}},
		{Kind: playbook.Fix, Title: "find the code"},
	}
	prose, err := newEnv(t).CompileTemplate("all connections come back")
	require.NoError(t, err)
	pb.Conditions[0].Remedies[0].Prose = prose
	with := func(target string) diagnosis.Subject {
		s := subject(pb, "shop", map[string]float64{"a": 1})
		if target != "" {
			s.Targets = map[string]string{"db": "main", "svc": target}
		}
		return s
	}
	for sentence, c := range map[string]struct {
		subjects []diagnosis.Subject
		want     []string
	}{
		"two processes":          {[]diagnosis.Subject{with("worker"), with("web")}, []string{"web", "worker"}},
		"the same one twice":     {[]diagnosis.Subject{with("web"), with("web")}, []string{"web"}},
		"none":                   {[]diagnosis.Subject{with("")}, []string{""}},
		"only one service's own": {[]diagnosis.Subject{with(""), with("web")}, []string{"web"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			d := diagnose(c.subjects...)
			require.Len(t, d.Roots, 1)
			var targets []string
			for _, p := range d.Roots[0].Proposals {
				if p.Kind == playbook.Mitigate {
					targets = append(targets, p.Actions[0].Target)
					require.Equal(t, p.Actions[0].Target, p.Bound["svc"], "it is verified where it was done")
				}
			}
			require.Equal(t, c.want, targets)
			require.Equal(t, "find the code", d.Roots[0].Proposals[len(c.want)].Title)
			require.Len(t, d.Roots[0].Proposals, len(c.want)+1)
		})
	}
}

// "Start workers of RQ" is nothing to a team that has none.
func TestARemedyThatSaysNothingToPeopleNeedsItsTarget(t *testing.T) {
	pb := book(t, condition{name: "leak", common: playbook.Often, signs: []sign{{"a.v > 0", playbook.Decisive}}})
	pb.Needs = append(pb.Needs, playbook.Need{Role: "rq", Kind: "rq", Optional: true})
	pb.Conditions[0].Remedies = []playbook.Remedy{{Kind: playbook.Mitigate, Title: "start workers", Actions: []playbook.Action{{Type: "rq.start_worker", Role: "rq"}}}}
	s := subject(pb, "shop", map[string]float64{"a": 1})
	require.Empty(t, diagnose(s).Roots[0].Proposals)
	s.Targets["rq"] = "jobs"
	require.Len(t, diagnose(s).Roots[0].Proposals, 1)
}

func TestASentenceIsNeverEmpty(t *testing.T) {
	for want, s := range map[string]diagnosis.SignResult{
		"slow: /a":                {Sign: "slow.size() > 0", Means: "slow: /a", Truth: "true"},
		"not so: slow.size() > 0": {Sign: "slow.size() > 0", Means: " ", Truth: "false"},
	} {
		require.Equal(t, want, s.Says())
	}
	for means, tells := range map[string]bool{"slow: /a": true, "": false, "one name is tried from many addresses:": false, "it takes (unknown) s": false} {
		require.Equal(t, tells, diagnosis.SignResult{Means: means}.Tells(), means)
	}
}

// Going back is no help where nothing was released; where nobody can tell, a person
// decides.
func TestARemedyIsProposedOnlyWhereItMayHelp(t *testing.T) {
	pb := book(t, condition{name: "leak", common: playbook.Often, signs: []sign{{"a.v > 0", playbook.Decisive}}})
	only, err := newEnv(t).CompileSign("b.v > 0.0")
	require.NoError(t, err)
	pb.Conditions[0].Remedies = []playbook.Remedy{
		{Kind: playbook.Mitigate, Title: "go back", Only: only}, {Kind: playbook.Mitigate, Title: "restart it"},
	}
	for _, c := range []struct {
		values map[string]float64
		want   []string
	}{
		{map[string]float64{"a": 1, "b": 1}, []string{"go back", "restart it"}},
		{map[string]float64{"a": 1, "b": 0}, []string{"restart it"}},
		{map[string]float64{"a": 1}, []string{"go back", "restart it"}},
	} {
		var titles []string
		for _, p := range diagnose(subject(pb, "shop", c.values)).Roots[0].Proposals {
			titles = append(titles, p.Title)
		}
		require.Equal(t, c.want, titles)
	}
}

// Of a service's processes those are restarted that a remedy is for.
func TestEachTargetIsAskedWhatARemedyIsOnlyFor(t *testing.T) {
	pb := book(t, condition{name: "leak", common: playbook.Often, signs: []sign{{"a.v > 0", playbook.Decisive}}})
	pb.Needs = append(pb.Needs, playbook.Need{Role: "svc", Kind: "process", Optional: true})
	only, err := newEnv(t).CompileSign("b.v > 0.0")
	require.NoError(t, err)
	pb.Conditions[0].Remedies = []playbook.Remedy{
		{Kind: playbook.Mitigate, Title: "restart it", Only: only, Actions: []playbook.Action{{Type: "process.restart", Role: "svc"}}},
	}
	with := func(target string, serves float64) diagnosis.Subject {
		s := subject(pb, "shop", map[string]float64{"a": 1, "b": serves})
		s.Targets = map[string]string{"db": "main", "svc": target}
		return s
	}
	var targets []string
	d := diagnose(with("beat", 0), with("web-a", 1), with("web-b", 1))
	require.Len(t, d.Roots, 1)
	for _, p := range d.Roots[0].Proposals {
		targets = append(targets, p.Actions[0].Target)
	}
	require.Equal(t, []string{"web-a", "web-b"}, targets)
	require.Empty(t, diagnose(with("beat", 0)).Roots[0].Proposals)
}
