package run_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/run"
)

// seer remembers the options of the question "waiting".
type seer struct {
	mu      sync.Mutex
	options map[string]string
}

func (s *seer) Ask(_ context.Context, q probe.Question) evidence.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.Name == "waiting" {
		s.options = q.Options
	}
	return evidence.Of([]any{})
}

func TestAShortLookBackShortensTheWindowOfAQuestion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		since time.Duration
		usual time.Duration // so long ago is what was usual
		want  map[string]string
	}{
		"as long as usual: as the fence says":                             {30 * time.Minute, 0, map[string]string{"range": "15m", "step": "15s"}},
		"longer than the fence":                                           {20 * time.Minute, 0, map[string]string{"range": "15m", "step": "15s"}},
		"shorter: the step is chosen anew":                                {time.Minute, 0, map[string]string{"range": "1m"}},
		"afterwards: further back by what has passed since the diagnosis": {30 * time.Minute, 90 * time.Second, map[string]string{"range": "16m30s", "step": "15s"}},
		"afterwards, days later: no further back than six hours":          {30 * time.Minute, 72 * time.Hour, map[string]string{"range": "6h15m", "step": "15s"}},
		"afterwards, and shorter":                                         {time.Minute, 90 * time.Second, map[string]string{"range": "2m30s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			windowed := strings.Replace(text, "promql waiting @metrics", "promql waiting @metrics range=15m step=15s", 1)
			p, findings := playbook.ParseFile("book.md", []byte(windowed), windowVocabulary())
			require.False(t, playbook.HasErrors(findings), "%v", findings)
			s, now := &seer{}, time.Now()
			usual := now.Add(-c.usual)
			if c.usual == 0 {
				usual = time.Time{}
			}
			run.Investigation{
				Playbooks: []*playbook.Playbook{p}, Since: c.since, Now: now, Usual: usual,
				Services: []run.Service{{Facts: probe.Service{Name: "shop"}, Targets: []string{"db", "m"}}},
				Targets: map[string]run.Target{
					"db": {Name: "db", Kind: "postgres", Prober: &seer{}},
					"m":  {Name: "m", Kind: "prometheus", Prober: s},
				},
			}.Ask(t.Context())
			require.Equal(t, c.want, s.options)
		})
	}
}

// windowVocabulary is vocabulary with the options of a window.
func windowVocabulary() playbook.Vocabulary {
	v := vocabulary()
	for i := range v.Kinds {
		for n := range v.Kinds[i].Languages {
			v.Kinds[i].Languages[n].Options = []probe.Param{{Name: "range", Type: probe.Duration}, {Name: "step", Type: probe.Duration}}
		}
	}
	return v
}
