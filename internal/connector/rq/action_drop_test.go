package rq_test

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
		"the first of a queue": func([]string) map[string]any { return map[string]any{"most": 2} },
		"by id":                func(ids []string) map[string]any { return map[string]any{"ids": []any{ids[0], ids[1]}} },
		"failed jobs":          func([]string) map[string]any { return map[string]any{"queue": "mail", "from": "failed"} },
		"results for ever":     func([]string) map[string]any { return map[string]any{"queue": "old", "from": "finished"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.breaks(t)
			s.enqueueHow(t, "_for_ever", "old", "result", 10, 10)
			s.work(t, "old")
			s.enqueue(t, "mail", "work", 1, 2)
			s.work(t, "mail")
			ids := s.enqueue(t, "default", "work", 3, 4, 5)
			before := s.calls(t, "lrem") + s.calls(t, "zrem")
			actiontest.Run(t, actiontest.Case{
				Spec: hands.Spec(t, "rq.drop"), Args: args(ids), Gone: nobodyThere,
				Open:    func(t *testing.T) action.Changer { return s.changer(t) },
				World:   func(t *testing.T) string { return s.world(t) },
				Effects: func(t *testing.T) int { return (s.calls(t, "lrem") + s.calls(t, "zrem") - before) / 2 },
			})
			require.Empty(t, s.client.Keys(within(t, time.Second), "quell:*").Val(), "an undo leaves nothing of ours")
		})
	}
}

// What was dropped and put back is a job that RQ's worker can do, in its turn.
func TestJobsThatWerePutBackAreDoneInTheirOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.enqueue(t, "default", "work", 1, 2, 3)
	target := s.changer(t)
	done := actiontest.Applied(t, target, hands.Planned(t, target, "rq.drop", map[string]any{"most": 2}))
	require.Equal(t, "2 jobs dropped", done.Summary)
	s.enqueue(t, "default", "work", 4)
	undo := action.Order{Change: *done.Inverse, Key: "INC-1.undo", Intended: time.Now()}
	var err error
	undo.Preview, err = actiontest.Doer(t, target, "rq.restore").Preview(within(t, time.Second), undo.Change)
	require.NoError(t, err)
	actiontest.Applied(t, target, undo)
	s.work(t, "default")
	require.Equal(t, []string{"1", "2", "3", "4"}, s.done(t))
}

func TestJobsThatAWorkerTookAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ids := s.enqueue(t, "default", "work", 1, 2)
	target := s.changer(t)
	order := hands.Planned(t, target, "rq.drop", nil)
	require.Equal(t, ids[0], s.cmd(t, "LPOP", "rq:queue:default"), "as a worker takes it")
	done := actiontest.Applied(t, target, order)
	require.Equal(t, "1 job dropped", done.Summary)
	require.EqualValues(t, 1, s.cmd(t, "EXISTS", "rq:job:"+ids[0]))
	require.Equal(t, action.PartlyMade, actiontest.StandingOf(t, target, order).State)
}

func TestDroppingForGood(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ids := s.enqueue(t, "default", "work", 1)
	target := s.changer(t)
	order := hands.Planned(t, target, "rq.drop", map[string]any{"keep": "0s"})
	require.Equal(t, action.R4, order.Preview.Risk)
	require.Contains(t, order.Preview.Undo, "cannot be taken back")
	done := actiontest.Applied(t, target, order)
	require.Nil(t, done.Inverse)
	require.Equal(t, action.Made, actiontest.StandingOf(t, target, order).State)
	require.Equal(t, done, actiontest.Applied(t, target, order))
	require.EqualValues(t, 0, s.cmd(t, "EXISTS", "rq:job:"+ids[0]))
	require.Empty(t, s.cmd(t, "HGET", "quell:kept:"+order.Key, ids[0]))
}

func TestCopiesEndAndAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ids := s.enqueue(t, "default", "work", 1)
	target := s.changer(t)
	order := hands.Planned(t, target, "rq.drop", map[string]any{"keep": "2h"})
	done := actiontest.Applied(t, target, order)
	for _, key := range []string{"quell:kept:" + order.Key, "quell:kept:" + order.Key + ":order"} {
		ttl := s.client.TTL(within(t, time.Second), key).Val()
		require.InDelta(t, 2*time.Hour, ttl, float64(time.Minute), key)
	}
	s.cmd(t, "DEL", "quell:kept:"+order.Key, "quell:kept:"+order.Key+":order") // as their end does
	standing := actiontest.StandingOf(t, target, order)
	require.Equal(t, action.Made, standing.State)
	require.Nil(t, standing.Done.Inverse)
	p, err := actiontest.Doer(t, target, "rq.restore").Preview(within(t, time.Second), *done.Inverse)
	require.NoError(t, err)
	require.True(t, p.Already)

	// forty megabytes are no copy to keep in a server in trouble
	s.cmd(t, "HSET", "rq:job:big", "data", strings.Repeat("x", 40<<20), "description", "jobs.work(9)")
	s.cmd(t, "RPUSH", "rq:queue:default", "big")
	_, err = hands.Preview(t, target, "rq.drop", nil)
	actiontest.Refuses(t, err, "40 MiB")
	require.NotEmpty(t, ids)
}

func TestDropsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, args := range []map[string]any{
		{"from": "wip"}, {"from": "x*"}, {"keep": "30d"}, {"keep": "1s"},
	} {
		_, err := hands.Preview(t, s.changer(t), "rq.drop", args)
		actiontest.Refuses(t, err)
	}
	p, err := hands.Preview(t, s.changer(t), "rq.drop", map[string]any{"from": "deferred"})
	require.NoError(t, err)
	require.True(t, p.Already)
}

func TestAJobThatExistsAgainIsNotOverwritten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ids := s.enqueue(t, "default", "work", 1, 2)
	target := s.changer(t)
	done := actiontest.Applied(t, target, hands.Planned(t, target, "rq.drop", nil))
	s.cmd(t, "HSET", "rq:job:"+ids[0], "data", "new")
	undo := action.Order{Change: *done.Inverse, Key: "INC-1.undo", Intended: time.Now()}
	var err error
	undo.Preview, err = actiontest.Doer(t, target, "rq.restore").Preview(within(t, time.Second), undo.Change)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(undo.Preview.Warnings), "exists again")
	require.Equal(t, "1 job put back", actiontest.Applied(t, target, undo).Summary)
	require.Equal(t, "new", s.cmd(t, "HGET", "rq:job:"+ids[0], "data"))
}
