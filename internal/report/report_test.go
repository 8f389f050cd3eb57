package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/report"
)

var update = flag.Bool("update", false, "rewrite the goldens")

var at = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func subject(t *testing.T, answers map[string]evidence.Answer) diagnosis.Subject {
	t.Helper()
	text, err := os.ReadFile("testdata/connections.md")
	require.NoError(t, err)
	p, findings := playbook.ParseFile("connections.md", text, playbook.Vocabulary{Kinds: []connector.Kind{{
		Name: "postgres", Languages: []connector.Language{{Name: "sql", Shape: probe.Rows}},
		Actions: []action.Spec{{Name: "postgres.terminate", Params: []probe.Param{{Name: "sessions", Type: probe.List}}}},
	}}})
	for _, f := range findings {
		require.NotEqual(t, playbook.Error, f.Severity, f.String())
	}
	s := diagnosis.Subject{
		Playbook: p, Service: "orders-api", Targets: map[string]string{"db": "orders-db"},
		Params: map[string]any{"idle_after": 5 * time.Minute}, Evidence: map[string]evidence.Evidence{},
	}
	for name, a := range answers {
		s.Evidence[name] = evidence.Evidence{Answer: a, Probe: name, Question: name, Target: "orders-db", At: at}
	}
	return s
}

func rows(maps ...map[string]any) evidence.Answer {
	list := []any{}
	for _, m := range maps {
		list = append(list, m)
	}
	return evidence.Of(list)
}

func idle(pid int64, s float64) map[string]any {
	return map[string]any{"pid": pid, "state": "idle in transaction", "idle_s": s}
}

func page(d diagnosis.Diagnosis) report.Page {
	return report.Page{
		Schema: report.Schema, Services: []string{"orders-api"}, Since: "30m", Diagnosis: d,
		Skipped: []report.Skipped{{Playbook: "redis/memory", Kind: "redis", Services: []string{"orders-api"}}},
		Took:    1320 * time.Millisecond, Notes: []string{"orders-db, sessions: cut at 500 of 900"},
		Costs: []report.Cost{{Target: "orders-db", Kind: "postgres", Requests: 4, Busy: 12 * time.Millisecond}},
	}
}

func TestPages(t *testing.T) {
	leak := map[string]evidence.Answer{
		"sessions": rows(idle(101, 400), idle(102, 900), idle(103, 1200), idle(104, 20)),
		"waiting":  rows(map[string]any{"n": int64(12)}),
		"slow":     rows(),
		"pool":     evidence.Not(evidence.Denied, "permission denied for view pool", "GRANT SELECT ON pool TO quell"),
	}
	for name, answers := range map[string]map[string]evidence.Answer{
		"found":       leak,
		"nothing":     {"sessions": rows(), "waiting": rows(map[string]any{"n": int64(0)}), "slow": rows(), "pool": rows(map[string]any{"free": int64(5)})},
		"cannot_tell": {"waiting": rows(map[string]any{"n": int64(7)}), "slow": evidence.Not(evidence.TimedOut, "no answer within 8s", "")},
		"blind":       {},
	} {
		t.Run(name, func(t *testing.T) {
			p := page(diagnosis.Diagnose(diagnosis.Input{Subjects: []diagnosis.Subject{subject(t, answers)}, At: at}))
			var text bytes.Buffer
			require.NoError(t, report.Write(&text, p, report.Style{}))
			golden(t, name+".txt", text.Bytes())
			asJSON, err := json.MarshalIndent(p, "", "  ")
			require.NoError(t, err)
			golden(t, name+".json", append(asJSON, '\n'))
		})
	}
}

// What is there and cannot be seen is somebody's to mend; what nobody has added
// and what has nothing to tell is told of shortly.
func TestTroubleComesBeforeWhatIsNotThere(t *testing.T) {
	d := diagnosis.Diagnosis{Verdict: diagnosis.CannotTell, BlindSpots: []diagnosis.BlindSpot{
		{Reason: "no prometheus target"}, {Reason: "no host target"}, {Reason: "no redis target"},
		{Target: "log", Status: evidence.NoData, Reason: "no line names a key"},
		{Target: "db", Status: evidence.Denied, Reason: "permission denied"}, {Target: "cache", Status: evidence.TimedOut, Reason: "no answer"},
	}}
	var short, full bytes.Buffer
	require.NoError(t, report.Write(&short, page(d), report.Style{}))
	require.NoError(t, report.Write(&full, page(d), report.Style{Full: true}))
	order := func(text string, parts ...string) {
		last := -1
		for _, part := range parts {
			at := strings.Index(text, part)
			require.Greater(t, at, last, "%s in\n%s", part, text)
			last = at
		}
	}
	order(short.String(), "permission denied", "no answer", "no prometheus", "no host", "and 2 more")
	require.NotContains(t, short.String(), "names a key")
	order(full.String(), "permission denied", "no answer", "no prometheus", "no host", "no redis", "names a key")
}

func TestNoLineIsWiderThanThePage(t *testing.T) {
	s := subject(t, map[string]evidence.Answer{
		"sessions": rows(idle(1, 999), idle(2, 999), idle(3, 999), idle(4, 999), idle(5, 999), idle(6, 999), idle(7, 999)),
		"waiting":  rows(map[string]any{"n": int64(12)}), "slow": rows(),
	})
	for _, width := range []int{0, 70, 100, 300} {
		var text bytes.Buffer
		p := page(diagnosis.Diagnose(diagnosis.Input{Subjects: []diagnosis.Subject{s}, At: at}))
		require.NoError(t, report.Write(&text, p, report.Style{Width: width}))
		limit := 110
		if width == 0 {
			limit = 80
		} else if width < limit {
			limit = width
		}
		for _, line := range strings.Split(text.String(), "\n") {
			require.LessOrEqual(t, len([]rune(line)), limit, line)
		}
	}
}

func TestColourIsOnlyColour(t *testing.T) {
	s := subject(t, map[string]evidence.Answer{"waiting": rows(map[string]any{"n": int64(12)})})
	p := page(diagnosis.Diagnose(diagnosis.Input{Subjects: []diagnosis.Subject{s}, At: at}))
	var plain, colored bytes.Buffer
	require.NoError(t, report.Write(&plain, p, report.Style{}))
	require.NoError(t, report.Write(&colored, p, report.Style{Color: true}))
	text := colored.String()
	for _, code := range []string{"1", "2", "31;1", "33;1", "32;1", "36", "0"} {
		text = strings.ReplaceAll(text, "\x1b["+code+"m", "")
	}
	require.Equal(t, plain.String(), text)
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// The second place of a cause is told by what is not as in the first.
func TestACauseInTwoPlacesIsToldOnce(t *testing.T) {
	root := func(target, only string) diagnosis.Root {
		return diagnosis.Root{Finding: &diagnosis.Finding{
			ID: "app/dead#it-is-dead", Title: "It is dead", Word: "likely", Probability: 0.9, Services: []string{"shop"}, Targets: []string{target},
			Signs: []diagnosis.SignResult{
				{Truth: "true", Pull: 2, Means: "nobody answers", Source: []string{"front"}},
				{Truth: "true", Pull: 1, Means: only, Source: []string{target}},
			},
			Proposals: []diagnosis.Proposal{{Kind: playbook.Mitigate, Title: "start it", Text: "It loses nothing.", Actions: []diagnosis.ProposedAction{{Type: "process.start", Target: target}}}},
		}}
	}
	d := diagnosis.Diagnosis{
		Verdict: diagnosis.Found, Summary: "It is dead (likely, in 2 places)", Roots: []diagnosis.Root{root("web-a", "web-a has ended"), root("web-b", "web-b has ended")},
		Unexplained: []diagnosis.Seen{{Title: "Workers die", Evidence: "4 died"}, {Title: "Workers die", Evidence: "4 died"}, {Title: "Workers die", Evidence: "2 died"}},
	}
	var short, full bytes.Buffer
	require.NoError(t, report.Write(&short, page(d), report.Style{}))
	require.NoError(t, report.Write(&full, page(d), report.Style{Full: true}))
	for text, times := range map[string][2]int{
		"nobody answers": {1, 2}, "web-a has ended": {1, 1}, "web-b has ended": {1, 1}, "It loses nothing": {1, 2},
		"process.start @web-a": {1, 1}, "process.start @web-b": {1, 1}, "the rest as in 1": {1, 0}, "4 died": {1, 2}, "2 died": {1, 1},
	} {
		require.Equal(t, times[0], strings.Count(short.String(), text), "%s in\n%s", text, short.String())
		require.Equal(t, times[1], strings.Count(full.String(), text), text)
	}
}
