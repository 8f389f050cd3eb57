package rq_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
)

// Jobs that RQ's worker has seen fail are requeued, and its worker does them.
func TestRequeueKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]func(ids []string) map[string]any{
		"all of a queue": func([]string) map[string]any { return map[string]any{"queue": "mail"} },
		"by id": func(ids []string) map[string]any {
			return map[string]any{"queue": "mail", "ids": []any{ids[0], map[string]any{"id": ids[1]}, ids[2]}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			mend := s.breaks(t)
			ids := s.enqueue(t, "mail", "work", 1, 2, 3)
			s.work(t, "mail")
			before := s.calls(t, "rpush")
			actiontest.Run(t, actiontest.Case{
				Spec: hands.Spec(t, "rq.requeue"), Args: args(ids), Gone: nobodyThere,
				Open:    func(t *testing.T) action.Changer { return s.changer(t) },
				World:   func(t *testing.T) string { return s.world(t) },
				Effects: func(t *testing.T) int { return (s.calls(t, "rpush") - before) / 3 },
			})
			require.EqualValues(t, 3, s.cmd(t, "LLEN", "rq:queue:mail"))
			mend()
			s.work(t, "mail")
			require.ElementsMatch(t, []string{"1", "2", "3"}, s.done(t))
			for _, id := range ids {
				require.Equal(t, "finished", s.cmd(t, "HGET", "rq:job:"+id, "status"))
			}
			require.EqualValues(t, 0, s.cmd(t, "ZCARD", "rq:failed:mail"))
		})
	}
}

func TestWhatIsRequeuedIsAsRQItselfLeavesIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.breaks(t)
	ids := s.enqueue(t, "default", "work", 1, 2)
	s.work(t, "default")
	actiontest.Applied(t, s.changer(t), hands.Planned(t, s.changer(t), "rq.requeue", map[string]any{"ids": []any{ids[0]}}))
	s.run(t, s.rq, "requeue", "--url", s.server.URL(), "--queue", "default", ids[1])
	fields := func(id string) map[string]string {
		v, err := s.client.HGetAll(within(t, time.Second), "rq:job:"+id).Result()
		require.NoError(t, err)
		for _, own := range []string{"data", "description", "enqueued_at", "created_at", "last_heartbeat", "worker_name", "exc_info"} {
			delete(v, own) // of each job its own; RQ keeps an empty exc_info, which it reads like none
		}
		v["ttl of the key"] = fmt.Sprint(s.client.TTL(within(t, time.Second), "rq:job:"+id).Val() > 0)
		return v
	}
	require.Equal(t, fields(ids[1]), fields(ids[0]))
	require.Equal(t, []any{ids[0], ids[1]}, s.cmd(t, "LRANGE", "rq:queue:default", 0, -1))
}

// A job that failed again meanwhile is another failure than the approved one.
func TestAJobThatFailedAgainIsNotRequeuedTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.breaks(t)
	ids := s.enqueue(t, "default", "work", 1, 2)
	s.work(t, "default")
	target := s.changer(t)
	order := hands.Planned(t, target, "rq.requeue", nil)
	s.run(t, s.rq, "requeue", "--url", s.server.URL(), "--queue", "default", ids[0])
	s.work(t, "default")
	require.EqualValues(t, 2, s.cmd(t, "ZCARD", "rq:failed:default"))
	require.Equal(t, action.PartlyMade, actiontest.StandingOf(t, target, order).State)
	actiontest.Applied(t, target, order)
	require.Equal(t, []any{ids[1]}, s.cmd(t, "LRANGE", "rq:queue:default", 0, -1))
	require.Equal(t, action.Made, actiontest.StandingOf(t, target, order).State)
}

func TestAPreviewOfJobsShowsNoArguments(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.breaks(t)
	s.enqueue(t, "default", "work", `"geheim-geheim"`, 2, 3)
	s.work(t, "default")
	s.cmd(t, "DEL", "rq:job:"+s.cmd(t, "ZRANGE", "rq:failed:default", 0, 0).([]any)[0].(string))
	p, err := hands.Preview(t, s.changer(t), "rq.requeue", map[string]any{"most": 2})
	require.NoError(t, err)
	text := fmt.Sprintf("%+v", p)
	require.NotContains(t, text, "geheim")
	require.Contains(t, text, "jobs.work, failed at 20")
	require.Contains(t, text, "only a name")
	require.Contains(t, text, "1 failed job of the queue stay")
	require.Contains(t, text, "no worker is alive")
	require.Len(t, p.Items, 1)
}

func TestJobsThatAreNotThere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, err := hands.Preview(t, s.changer(t), "rq.requeue", map[string]any{"ids": []any{"no-such-job"}})
	require.NoError(t, err)
	require.True(t, p.Already)
	for name, args := range map[string]map[string]any{
		"no queue":       {"queue": ""},
		"no id":          {"ids": []any{7.0}},
		"too many":       {"most": 5000},
		"more than most": {"most": 1, "ids": []any{"a", "b"}},
	} {
		_, err := hands.Preview(t, s.changer(t), "rq.requeue", args)
		actiontest.Refuses(t, err)
		require.NotEmpty(t, name)
	}
}
