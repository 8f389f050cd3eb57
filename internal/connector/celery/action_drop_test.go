package celery_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
)

func TestDropKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]func(ids []string) map[string]any{
		"the oldest":            func([]string) map[string]any { return map[string]any{"most": 2} },
		"by id":                 func(ids []string) map[string]any { return map[string]any{"ids": []any{ids[0], ids[1]}} },
		"of one task":           func([]string) map[string]any { return map[string]any{"task": "app.work"} },
		"with another priority": func([]string) map[string]any { return map[string]any{"queue": "mail"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			ids := s.send(t, "celery", "work", 1, 2)
			s.send(t, "celery", "slow", 3)
			s.sendWith(t, "mail", "work", 5, 4, 5)
			before := s.calls(t, "lrem")
			actiontest.Run(t, actiontest.Case{
				Spec: hands.Spec(t, "celery.drop"), Args: args(ids), Gone: nobodyThere,
				Open:    func(t *testing.T) action.Changer { return s.changer(t) },
				World:   func(t *testing.T) string { return s.world(t) },
				Effects: func(t *testing.T) int { return (s.calls(t, "lrem") - before) / 2 },
			})
			require.Empty(t, s.client.Keys(within(t, time.Second), "quell:*").Val(), "an undo leaves nothing of ours")
		})
	}
}

func TestDroppingForGood(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send(t, "celery", "work", 1)
	target := s.changer(t)
	order := hands.Planned(t, target, "celery.drop", map[string]any{"keep": "0s"})
	require.Equal(t, action.R4, order.Preview.Risk)
	done := actiontest.Applied(t, target, order)
	require.Nil(t, done.Inverse)
	require.Equal(t, done, actiontest.Applied(t, target, order))
	require.Equal(t, action.Made, actiontest.StandingOf(t, target, order).State)
	require.EqualValues(t, 0, s.cmd(t, "LLEN", "celery"))
}

// A message that a worker took since is no longer there, and one that is sent
// again is another.
func TestMessagesThatMovedOnAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send(t, "celery", "work", 1, 2)
	target := s.changer(t)
	order := hands.Planned(t, target, "celery.drop", nil)
	s.cmd(t, "RPOP", "celery")
	s.send(t, "celery", "work", 3)
	done := actiontest.Applied(t, target, order)
	require.Equal(t, "2 tasks taken out", done.Summary, "one by a worker")
	require.EqualValues(t, 1, s.cmd(t, "LLEN", "celery"))
	require.EqualValues(t, 1, s.cmd(t, "HLEN", "quell:kept:"+order.Key))
}

func TestAPreviewOfMessagesShowsNoArguments(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send(t, "celery", "work", `"geheim-geheim"`)
	s.cmd(t, "LPUSH", "celery", "no message at all: geheim")
	p, err := hands.Preview(t, s.changer(t), "celery.drop", nil)
	require.NoError(t, err)
	text := fmt.Sprintf("%+v", p)
	require.NotContains(t, text, "geheim")
	require.Contains(t, text, "app.work waits")
	require.Len(t, p.Items, 2)
}

func TestCopiesAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 6 {
		s.cmd(t, "LPUSH", "celery", fmt.Sprintf(`{"headers":{"id":"%d","task":"t"},"body":"%s"}`, i, strings.Repeat("x", 7<<20)))
	}
	_, err := hands.Preview(t, s.changer(t), "celery.drop", nil)
	actiontest.Refuses(t, err, "too large")
	for _, args := range []map[string]any{{"keep": "30d"}, {"queue": ""}, {"most": 0}, {"ids": []any{1.0}}, {"queue": "a\x06\x163"}} {
		_, err := hands.Preview(t, s.changer(t), "celery.drop", args)
		actiontest.Refuses(t, err)
	}
}
