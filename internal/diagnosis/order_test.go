package diagnosis_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/quellhq/quell/internal/change"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
)

// timed is a playbook over series: crowd and fault lead to errors.
func timed(t require.TestingT) *playbook.Playbook {
	types := map[string]expr.Type{playbook.Changes: expr.Object, playbook.Began: expr.Number}
	pb := &playbook.Playbook{ID: "p", Needs: []playbook.Need{{Role: "m", Kind: "prometheus"}}}
	for _, n := range []string{"traffic", "calls", "errors"} {
		types[n] = expr.Rows
		pb.Probes = append(pb.Probes, &playbook.Probe{Name: n, Role: "m", Shape: probe.Series})
	}
	types["rows"] = expr.Rows
	pb.Probes = append(pb.Probes, &playbook.Probe{Name: "rows", Role: "m", Shape: probe.Rows})
	env, err := expr.NewEnv(types)
	require.NoError(t, err)
	add := func(name string, kind playbook.ConditionKind, leadsTo string, signs ...sign) {
		c := &playbook.Condition{ID: "p#" + name, Kind: kind, Title: name}
		if leadsTo != "" {
			c.LeadsTo = []playbook.Link{{Target: "p#" + leadsTo}}
		}
		for _, s := range signs {
			program, err := env.CompileSign(s.expr)
			require.NoError(t, err)
			means, err := env.CompileTemplate(s.expr)
			require.NoError(t, err)
			c.Signs = append(c.Signs, playbook.Sign{Program: program, Weight: s.weight, Means: means, Reads: program.Reads()})
		}
		pb.Conditions = append(pb.Conditions, c)
	}
	add("failing", playbook.Symptom, "", sign{"last(errors) > 5", playbook.Decisive})
	add("crowd", playbook.Cause, "failing", sign{"last(traffic) > 50", playbook.Decisive})
	add("neighbour", playbook.Cause, "failing", sign{"last(calls) > 50", playbook.Decisive}, sign{"rows.size() > 0", playbook.Strong})
	add("release", playbook.Cause, "failing", sign{`changes.deploy.exists(c, c.before_onset_s >= 0 && c.before_onset_s < 600)`, playbook.Decisive})
	return pb
}

// steps is a series of 120 samples, 15 s apart, that ends at the time of the
// diagnosis and takes steps of size at so many samples before its end.
func steps(size float64, ago ...int) []any {
	points := make([]evidence.Point, 120)
	for i := range points {
		points[i] = evidence.Point{T: float64(at.Unix() - int64(15*(119-i))), V: 1 + float64(i%3)/10}
		for _, a := range ago {
			if i >= 120-a {
				points[i].V += size
			}
		}
	}
	return evidence.Vector([]evidence.Stream{{Points: points}})
}

func seen(pb *playbook.Playbook, log change.Log, answers map[string]any) diagnosis.Subject {
	s := diagnosis.Subject{Playbook: pb, Service: "shop", Targets: map[string]string{"m": "prom"}, Evidence: map[string]evidence.Evidence{}, Changes: log}
	for n, v := range answers {
		s.Evidence[n] = evidence.Evidence{Answer: evidence.Of(v), Probe: n, Question: "sum(rate(x[1m]))", Target: "prom", At: at}
	}
	return s
}

func finding(t *testing.T, d diagnosis.Diagnosis, title string) *diagnosis.Finding {
	for _, list := range [][]*diagnosis.Finding{d.Causes, d.Symptoms, d.RuledOut} {
		for _, f := range list {
			if f.Title == title {
				return f
			}
		}
	}
	t.Fatalf("no finding %q", title)
	return nil
}

// lateSign is the sign that the engine adds.
func lateSign(f *diagnosis.Finding) string {
	for _, s := range f.Signs {
		if s.Sign == "began after its effect" {
			return s.Means
		}
	}
	return ""
}

func TestACauseThatBeginsAfterItsEffectLosesWeightAndSaysWhy(t *testing.T) {
	d := diagnose(seen(timed(t), change.Log{}, map[string]any{"errors": steps(100, 60), "traffic": steps(100, 40), "calls": steps(0), "rows": []any{}}))
	f := finding(t, d, "crowd")
	require.Contains(t, lateSign(f), "it began 5m after what it should explain (failing)")
	in := diagnose(seen(timed(t), change.Log{}, map[string]any{"errors": steps(100, 60), "traffic": steps(100, 60), "calls": steps(0), "rows": []any{}}))
	require.Empty(t, lateSign(finding(t, in, "crowd")))
	require.Less(t, f.Probability, finding(t, in, "crowd").Probability)
}

func TestNoCauseIsLateThatMayHaveBeenInTime(t *testing.T) {
	for why, answers := range map[string]map[string]any{
		"within what sampling and windows can tell apart": {"errors": steps(100, 60), "traffic": steps(100, 56), "calls": steps(0)},
		"before its effect":                       {"errors": steps(100, 60), "traffic": steps(100, 80), "calls": steps(0)},
		"the effect grew once more when it began": {"errors": steps(100, 80, 40), "traffic": steps(100, 40), "calls": steps(0)},
		"the effect has no onset":                 {"errors": steps(100, 119), "traffic": steps(100, 40), "calls": steps(0)},
	} {
		d := diagnose(seen(timed(t), change.Log{}, answers))
		require.Empty(t, lateSign(finding(t, d, "crowd")), why)
	}
	// Rows of now may have been there for long: what else speaks for it is no beginning.
	d := diagnose(seen(timed(t), change.Log{}, map[string]any{"errors": steps(100, 60), "traffic": steps(0), "calls": steps(100, 30), "rows": []any{map[string]any{}}}))
	require.Empty(t, lateSign(finding(t, d, "neighbour")))
}

func deployed(ago time.Duration) change.Log {
	return change.Log{Kinds: []string{probe.Deploy}, Changes: []change.Change{{Kind: probe.Deploy, What: "shop", At: at.Add(-ago)}}}
}

func TestAChangeShortlyBeforeTheOnsetSpeaksForWhatItMayHaveDone(t *testing.T) {
	answers := map[string]any{"errors": steps(100, 60), "traffic": steps(0), "calls": steps(0)}
	began := 15 * 60 * time.Second // of the 60 samples that are higher
	for _, c := range []struct {
		why   string
		log   change.Log
		truth string
	}{
		{"two minutes before", deployed(began + 2*time.Minute), "true"},
		{"an hour before", deployed(began + time.Hour), "false"},
		{"five minutes after", deployed(began - 5*time.Minute), "false"},
		{"seen, and nothing was deployed", change.Log{Kinds: []string{probe.Deploy}}, "false"},
		{"only restarts are seen", change.Log{Kinds: []string{probe.Restart}}, "unknown"},
		{"nobody tells of changes", change.Log{}, "unknown"},
	} {
		d := diagnose(seen(timed(t), c.log, answers))
		require.Equal(t, c.truth, finding(t, d, "release").Signs[0].Truth, c.why)
	}
	// Without an onset nothing can be said of before.
	d := diagnose(seen(timed(t), deployed(time.Minute), map[string]any{"errors": steps(0), "traffic": steps(0), "calls": steps(0)}))
	require.Equal(t, "unknown", finding(t, d, "release").Signs[0].Truth)
}

func TestTheTimelineStandsBesideTheOnset(t *testing.T) {
	log := deployed(17 * time.Minute)
	log.Changes = append(log.Changes, change.Change{Kind: probe.Deploy, What: "shop", At: at.Add(-time.Minute)})
	d := diagnose(seen(timed(t), log, map[string]any{"errors": steps(100, 60), "traffic": steps(0), "calls": steps(0)}))
	require.Len(t, d.Timeline, 1)
	began := d.Timeline[0].Began
	require.NotNil(t, began)
	require.Equal(t, "failing", began.Title)
	require.Equal(t, 15*time.Second, began.To.Sub(began.From))
	require.WithinDuration(t, at.Add(-15*time.Minute), began.To, 16*time.Second)
	require.Equal(t, at.Add(-time.Minute), d.Timeline[0].Changes[0].At, "newest first")
	require.Less(t, *d.Timeline[0].Changes[0].Before, 0.0)
	require.InDelta(t, 135, *d.Timeline[0].Changes[1].Before, 20)
}

func TestTimeDoesNotMakeOrderMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var subjects []diagnosis.Subject
		for _, service := range []string{"a", "b", "c"} {
			ago := func(name string) []any { return steps(100, rapid.IntRange(1, 119).Draw(rt, service+name)) }
			s := seen(timed(rt), deployed(time.Duration(rapid.IntRange(0, 3600).Draw(rt, service))*time.Second), map[string]any{
				"errors": ago("errors"), "traffic": ago("traffic"), "calls": ago("calls"), "rows": []any{},
			})
			s.Service, s.Targets = service, map[string]string{"m": service}
			for n, e := range s.Evidence {
				e.Target = service
				s.Evidence[n] = e
			}
			subjects = append(subjects, s)
		}
		text := func(d diagnosis.Diagnosis) string {
			data, err := json.Marshal(d)
			require.NoError(rt, err)
			return string(data)
		}
		want := text(diagnose(subjects...))
		require.JSONEq(rt, want, text(diagnose(rapid.Permutation(subjects).Draw(rt, "order")...)))
		require.JSONEq(rt, want, text(diagnose(subjects...)), "the same again: nothing of the input has changed")
	})
}

func TestACauseIsHeldAgainstWhatItLeadsToItself(t *testing.T) {
	pb := timed(t)
	// Another symptom, which no release explains, began long before.
	env, err := expr.NewEnv(map[string]expr.Type{"rows": expr.Rows, "traffic": expr.Rows})
	require.NoError(t, err)
	program, err := env.CompileSign("last(traffic) > 20")
	require.NoError(t, err)
	pb.Conditions = append(pb.Conditions, &playbook.Condition{ID: "p#busy", Title: "busy", Kind: playbook.Symptom, Signs: []playbook.Sign{{Program: program, Weight: playbook.Decisive, Reads: program.Reads()}}})
	d := diagnose(seen(pb, deployed(17*time.Minute), map[string]any{"errors": steps(100, 60), "traffic": steps(30, 100), "calls": steps(0), "rows": []any{}}))
	require.Equal(t, "true", finding(t, d, "release").Signs[0].Truth)
	require.Equal(t, "release", d.Roots[0].Title)
	require.Equal(t, "failing", d.Timeline[0].Began.Title, "the onset of what the first root explains")
}
