package run_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/run"
	"github.com/quellhq/quell/internal/secret"
)

const text = `---
needs: {db: postgres, metrics: prometheus?}
params:
  after: {type: duration, default: 5m, about: how long is too long}
---
# A book

## Evidence

` + "```" + `sql sessions @db
SELECT 1 WHERE ${after} IS NOT NULL
` + "```" + `

` + "```" + `sql own @db
SELECT ${service}
` + "```" + `

` + "```" + `promql waiting @metrics
sum(waiting)
` + "```" + `

## Causes

### One

| sign                  | weight | means     |
|-----------------------|--------|-----------|
| ` + "`sessions.size() > 0`" + ` | strong | there are |
| ` + "`own.size() > 0`" + `      | strong | ours      |
| ` + "`last(waiting) > 0`" + `   | strong | waiting   |
`

func vocabulary() playbook.Vocabulary {
	return playbook.Vocabulary{Kinds: []connector.Kind{
		{Name: "postgres", Languages: []connector.Language{{Name: "sql", Shape: probe.Rows}}},
		{Name: "prometheus", Languages: []connector.Language{{Name: "promql", Shape: probe.Series}}},
		{Name: "series", Serves: []string{"prometheus"}, Languages: []connector.Language{{Name: "promql", Shape: probe.Series}}},
		{Name: "process"},
	}}
}

func book(t *testing.T) *playbook.Playbook {
	t.Helper()
	p, findings := playbook.ParseFile("book.md", []byte(text), vocabulary())
	for _, f := range findings {
		require.NotEqual(t, playbook.Error, f.Severity, f.String())
	}
	return p
}

// prober answers as it is told, and remembers what it was asked.
type prober struct {
	answer func(context.Context, probe.Question) evidence.Answer
	mu     sync.Mutex
	asked  []string
}

func (p *prober) Ask(ctx context.Context, q probe.Question) evidence.Answer {
	p.mu.Lock()
	p.asked = append(p.asked, q.Name)
	p.mu.Unlock()
	return p.answer(ctx, q)
}

func rows(context.Context, probe.Question) evidence.Answer {
	return evidence.Of([]any{map[string]any{"query": "alter role x password 'hunter22'"}})
}

func services(names ...string) []run.Service {
	var out []run.Service
	for _, n := range names {
		out = append(out, run.Service{Facts: probe.Service{Name: n}, Targets: []string{"main"}})
	}
	return out
}

func TestAQuestionIsAskedOnce(t *testing.T) {
	p := &prober{answer: rows}
	r := run.Investigation{
		Playbooks: []*playbook.Playbook{book(t)}, Services: services("shop", "billing"),
		Targets: map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: p}},
	}.Ask(t.Context())
	require.ElementsMatch(t, []string{"sessions", "own", "own"}, p.asked, "sessions is the same question for both services")
	require.Len(t, r.Subjects, 2)
	require.Equal(t, evidence.Answered, r.Subjects[1].Evidence["sessions"].Status)
	require.Equal(t, "billing", r.Subjects[1].Evidence["own"].Service)
	require.Empty(t, r.Subjects[0].Evidence["sessions"].Service)
	waiting := r.Subjects[0].Evidence["waiting"]
	require.Equal(t, evidence.NotAsked, waiting.Status)
	require.Contains(t, waiting.Reason, "no prometheus target")
}

// A record answers instead of the systems: each question with its own answer,
// although the text of two of them is the same.
func TestARecordAnswersAndNobodyIsAsked(t *testing.T) {
	p := &prober{answer: rows}
	i := run.Investigation{
		Playbooks: []*playbook.Playbook{book(t)}, Services: services("shop"), Now: time.Unix(1_800_000_000, 0),
		Targets: map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: p}},
	}
	asked := i.Ask(t.Context())
	p.asked = nil

	i.Recorded = asked.Evidence
	again := i.Ask(t.Context())
	require.Empty(t, p.asked)
	require.Equal(t, asked.Evidence, again.Evidence)
	require.Equal(t, asked.Subjects[0].Evidence, again.Subjects[0].Evidence)

	other := asked.Evidence[0]
	other.Probe, other.Answer = "the_day_before", evidence.Of("of another window")
	i.Recorded = append([]evidence.Evidence{other}, asked.Evidence...)
	require.Equal(t, asked.Evidence, i.Ask(t.Context()).Evidence, "a record without windows tells two of them apart by name")

	wider := asked.Evidence[0]
	wider.Options, wider.Answer = map[string]string{"range": "24h"}, evidence.Of("of another window")
	i.Recorded = append([]evidence.Evidence{wider}, asked.Evidence...)
	require.Equal(t, asked.Evidence, i.Ask(t.Context()).Evidence, "the same name, text and target, over another window")

	i.Recorded = []evidence.Evidence{other, other}
	for _, e := range i.Ask(t.Context()).Evidence {
		require.Equal(t, evidence.NotAsked, e.Status)
		require.Contains(t, e.Reason, "was not asked when this was recorded")
	}
	require.Empty(t, p.asked)
}

func TestSecretsAreRemoved(t *testing.T) {
	p := &prober{answer: rows}
	r := run.Investigation{
		Playbooks: []*playbook.Playbook{book(t)}, Services: services("shop"), Redact: secret.NewRedactor(secret.New("hunter22")),
		Targets: map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: p}},
	}.Ask(t.Context())
	require.NotContains(t, fmt.Sprint(r.Subjects[0].Evidence["sessions"]), "hunter22")
}

func TestARoleThatNothingFillsSkipsThePlaybook(t *testing.T) {
	r := run.Investigation{
		Playbooks: []*playbook.Playbook{book(t)}, Services: services("shop"),
		Targets: map[string]run.Target{"main": {Name: "main", Kind: "series", Serves: []string{"prometheus"}, Prober: &prober{answer: rows}}},
	}.Ask(t.Context())
	require.Equal(t, []run.Skipped{{Playbook: "book", Service: "shop", Role: "db", Kind: "postgres"}}, r.Skipped)
	require.Empty(t, r.Subjects)
}

func TestOneSickConnectorNeverFailsTheRound(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(context.Context, probe.Question) evidence.Answer
		want   evidence.Status
	}{
		"one that hangs and ignores its deadline": {func(context.Context, probe.Question) evidence.Answer {
			time.Sleep(time.Minute)
			return evidence.Of(true)
		}, evidence.TimedOut},
		"one that panics": {func(context.Context, probe.Question) evidence.Answer { panic("oh") }, evidence.Invalid},
		"one that obeys": {func(ctx context.Context, _ probe.Question) evidence.Answer {
			<-ctx.Done()
			return evidence.Not(evidence.TimedOut, "slow", "")
		}, evidence.TimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				p := &prober{answer: func(ctx context.Context, q probe.Question) evidence.Answer {
					if q.Name == "own" {
						return rows(ctx, q)
					}
					return c.answer(ctx, q)
				}}
				r := run.Investigation{
					Playbooks: []*playbook.Playbook{book(t)}, Services: services("shop"), Timeout: 2 * time.Second,
					Targets: map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: p}},
				}.Ask(t.Context())
				require.Equal(t, c.want, r.Subjects[0].Evidence["sessions"].Status)
				require.Equal(t, evidence.Answered, r.Subjects[0].Evidence["own"].Status)
				require.Less(t, time.Since(start), 3*time.Second)
				time.Sleep(time.Minute) // let the one that hangs come home before the bubble ends
			})
		})
	}
}

func TestInterruptedGivesWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &prober{answer: func(ctx context.Context, q probe.Question) evidence.Answer {
			if q.Name == "own" {
				return rows(ctx, q)
			}
			<-ctx.Done()
			return evidence.Not(evidence.NotAsked, "interrupted", "")
		}}
		go func() { time.Sleep(time.Second); cancel() }()
		r := run.Investigation{
			Playbooks: []*playbook.Playbook{book(t)}, Services: services("shop"),
			Targets: map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: p}},
		}.Ask(ctx)
		require.True(t, r.Interrupted)
		require.Equal(t, evidence.Answered, r.Subjects[0].Evidence["own"].Status)
		require.Equal(t, evidence.NotAsked, r.Subjects[0].Evidence["sessions"].Status)
	})
}

func TestLongListsAreCut(t *testing.T) {
	p := &prober{answer: func(context.Context, probe.Question) evidence.Answer {
		return evidence.Of(make([]any, 5000))
	}}
	r := run.Investigation{
		Playbooks: []*playbook.Playbook{book(t)}, Services: services("shop"), Rows: 10,
		Targets: map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: p}},
	}.Ask(t.Context())
	e := r.Subjects[0].Evidence["sessions"]
	require.Len(t, e.Value, 10)
	require.Equal(t, []string{"cut at 10 of 5000"}, e.Notes)
}

func TestAnActionMeansTheServicesOwnProcesses(t *testing.T) {
	pb, findings := playbook.ParseFile("book.md", []byte(strings.Replace(text, "metrics: prometheus?", "svc: process?, server: process?", 1)), vocabulary())
	require.NotNil(t, pb, findings)
	targets := map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: &prober{answer: rows}}}
	for _, name := range []string{"web-a", "web-b", "pg", "worker"} {
		targets[name] = run.Target{Name: name, Kind: "process", Prober: &prober{answer: rows}}
	}
	bound := func(own []string, names ...string) []map[string]string {
		r := run.Investigation{Playbooks: []*playbook.Playbook{pb}, Targets: targets, Services: []run.Service{
			{Facts: probe.Service{Name: "shop"}, Targets: append(names, "main"), Processes: own},
		}}.Ask(t.Context())
		var all []map[string]string
		for _, s := range r.Subjects {
			all = append(all, s.Targets)
		}
		return all
	}
	own := []string{"web-a", "web-b"}
	require.Equal(t, []map[string]string{{"db": "main", "svc": "web-a", "server": "pg"}, {"db": "main", "svc": "web-b", "server": "pg"}},
		bound(own, "web-a", "web-b", "pg"), "the one that is not the service")
	require.Equal(t, []map[string]string{{"db": "main", "svc": "web-a"}, {"db": "main", "svc": "web-b"}},
		bound(own, "web-a", "web-b", "pg", "worker"), "which of the others is meant, nobody knows")
	require.Equal(t, []map[string]string{{"db": "main"}}, bound(nil, "web-a", "pg"), "nobody said which is the service")
	require.Equal(t, []map[string]string{{"db": "main", "svc": "web-a", "server": "web-a"}}, bound(nil, "web-a"), "there is only one")
}

func TestARoleMeansTheProcessThatBearsItsName(t *testing.T) {
	pb, findings := playbook.ParseFile("book.md", []byte(strings.Replace(text, "metrics: prometheus?", "worker: process?", 1)), vocabulary())
	require.NotNil(t, pb, findings)
	bound := func(service string, own []string, names ...string) []map[string]string {
		targets := map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: &prober{answer: rows}}}
		for _, name := range names {
			targets[name] = run.Target{Name: name, Kind: "process", Prober: &prober{answer: rows}}
		}
		r := run.Investigation{Playbooks: []*playbook.Playbook{pb}, Targets: targets, Services: []run.Service{
			{Facts: probe.Service{Name: service}, Targets: append(names, "main"), Processes: own},
		}}.Ask(t.Context())
		var all []map[string]string
		for _, s := range r.Subjects {
			all = append(all, s.Targets)
		}
		return all
	}
	require.Equal(t, []map[string]string{{"db": "main", "worker": "worker-1"}}, bound("shop", []string{"web", "worker-1"}, "web", "worker-1"))
	require.Equal(t, []map[string]string{{"db": "main", "worker": "bg"}}, bound("shop-worker", []string{"bg"}, "bg"))
	require.Equal(t, []map[string]string{{"db": "main"}}, bound("shop", []string{"worker-1", "worker-2"}, "worker-1", "worker-2"), "which of the two")
	require.Equal(t, []map[string]string{{"db": "main"}}, bound("shop", []string{"web"}, "web"), "a web server is no worker")
}

func TestAnActionMeansTheProcessBehindItsTarget(t *testing.T) {
	for _, db := range []string{"postgres", "postgres?"} { // where nothing is required, the first one is meant
		testServerOf(t, strings.NewReplacer("metrics: prometheus?", "server: process?", "db: postgres", "db: "+db).Replace(text))
	}
}

func testServerOf(t *testing.T, text string) {
	t.Helper()
	pb, findings := playbook.ParseFile("book.md", []byte(text), vocabulary())
	require.NotNil(t, pb, findings)
	bound := func(process string) []map[string]string {
		targets := map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: &prober{answer: rows}, Process: process}}
		for _, name := range []string{"web", "worker", "pg"} {
			targets[name] = run.Target{Name: name, Kind: "process", Prober: &prober{answer: rows}}
		}
		r := run.Investigation{Playbooks: []*playbook.Playbook{pb}, Targets: targets, Services: []run.Service{
			{Facts: probe.Service{Name: "shop"}, Targets: []string{"main", "web", "worker"}},
		}}.Ask(t.Context())
		var all []map[string]string
		for _, s := range r.Subjects {
			all = append(all, s.Targets)
		}
		return all
	}
	require.Equal(t, []map[string]string{{"db": "main", "server": "pg"}}, bound("pg"))
	require.Equal(t, []map[string]string{{"db": "main"}}, bound(""), "which one is meant, nobody said")
	require.Equal(t, []map[string]string{{"db": "main"}}, bound("gone"))
}

func TestAnActionMeansTheOperationsThatAreNamed(t *testing.T) {
	pb, findings := playbook.ParseFile("book.md", []byte(strings.Replace(text, "metrics: prometheus?", "ops: http?", 1)), vocabulary())
	require.NotNil(t, pb, findings)
	targets := map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: &prober{answer: rows}}}
	for _, name := range []string{"shop/http", "deploy"} {
		targets[name] = run.Target{Name: name, Kind: "http", Prober: &prober{answer: rows}}
	}
	bound := func(operations ...string) []map[string]string {
		r := run.Investigation{Playbooks: []*playbook.Playbook{pb}, Targets: targets, Services: []run.Service{
			{Facts: probe.Service{Name: "shop"}, Targets: []string{"main", "shop/http"}, Operations: operations},
		}}.Ask(t.Context())
		var all []map[string]string
		for _, s := range r.Subjects {
			all = append(all, s.Targets)
		}
		return all
	}
	require.Equal(t, []map[string]string{{"db": "main", "ops": "deploy"}}, bound("deploy"))
	require.Equal(t, []map[string]string{{"db": "main", "ops": "shop/http"}}, bound(), "nobody named any: what the service depends on")
}

// A call that nobody declares is not proposed.
func TestACallMeansATargetThatDeclaresCalls(t *testing.T) {
	call := "\n#### Mitigate: go back\n\n```action http.call @ops\ncall: roll-back\n```\n\nVerify within 1m: `own.size() == 0`\n"
	words := vocabulary()
	words.Kinds = append(words.Kinds, connector.Kind{Name: "http", Actions: []action.Spec{{Name: "http.call", Params: []probe.Param{{Name: "call", Type: probe.Text}}}}})
	pb, findings := playbook.ParseFile("book.md", []byte(strings.Replace(text, "metrics: prometheus?", "ops: http?", 1)+call), words)
	require.NotNil(t, pb, findings)
	for calls, want := range map[bool]map[string]string{true: {"db": "main", "ops": "shop/http"}, false: {"db": "main"}} {
		r := run.Investigation{
			Playbooks: []*playbook.Playbook{pb},
			Targets: map[string]run.Target{
				"main":      {Name: "main", Kind: "postgres", Prober: &prober{answer: rows}},
				"shop/http": {Name: "shop/http", Kind: "http", Prober: &prober{answer: rows}, Calls: calls},
			},
			Services: []run.Service{{Facts: probe.Service{Name: "shop"}, Targets: []string{"main", "shop/http"}}},
		}.Ask(t.Context())
		require.Len(t, r.Subjects, 1)
		require.Equal(t, want, r.Subjects[0].Targets)
	}
}

func TestBuiltInQuestionsAreAskedFirst(t *testing.T) {
	withBuiltin := strings.Replace(text, "## Causes", "Who?\n\n```probe who @db postgres.who\n```\n\n## Causes", 1)
	withBuiltin = strings.Replace(withBuiltin, "|-----------------------|", "|-----------------------|", 1) + "| `who.size() > 0`        | strong | somebody  |\n"
	words := vocabulary()
	words.Kinds[0].Probes = []probe.Spec{{Name: "postgres.who", Shape: probe.Rows}}
	pb, findings := playbook.ParseFile("book.md", []byte(withBuiltin), words)
	require.NotNil(t, pb, findings)
	p := &prober{answer: rows}
	r := run.Investigation{
		Playbooks: []*playbook.Playbook{pb}, Services: services("shop"), AtOnce: 1,
		Targets: map[string]run.Target{"main": {Name: "main", Kind: "postgres", Prober: p, Probes: words.Kinds[0].Probes}},
	}.Ask(t.Context())
	require.Equal(t, []string{"who", "sessions", "own"}, p.asked)
	require.Len(t, r.Evidence, 3)
	require.Equal(t, "sessions", r.Evidence[0].Probe, "the record keeps the order of the playbook")
}
