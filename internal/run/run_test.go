package run_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

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
