package rq_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
)

// row finds the row of a list that has a value in a field.
func row(t testing.TB, rows any, field string, value any) map[string]any {
	t.Helper()
	for _, r := range rows.([]any) {
		if r.(map[string]any)[field] == value {
			return r.(map[string]any)
		}
	}
	require.Failf(t, "no such row", "%s %v in %v", field, value, rows)
	return nil
}

// begun waits until a slow job runs.
func (s *site) begun(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "begun"))
		return err == nil
	}, time.Minute, 50*time.Millisecond)
}

func TestAJobWhoseWorkerWasKilledIsAnOrphanAndASlowOneIsNot(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL()})
	ids := s.enqueue(t, "default", "slow", 600)
	worker := s.starts(t, "default")
	s.begun(t)
	v := ask(t, target, "rq.running")
	require.EqualValues(t, 1, v["running"])
	require.EqualValues(t, 1, v["worked_on"])
	require.EqualValues(t, 0, v["orphaned"])
	job := v["jobs"].([]any)[0].(map[string]any)
	require.Equal(t, ids[0], job["id"])
	require.Equal(t, "jobs.slow", job["function"])
	require.InDelta(t, 180, job["timeout_s"], 0.1)
	w := row(t, ask(t, target, "rq.workers")["workers"], "pid", worker.Process.Pid)
	require.Equal(t, false, w["gone"])
	require.Equal(t, ids[0], w["job_id"])

	require.NoError(t, syscall.Kill(-worker.Process.Pid, syscall.SIGKILL))
	_ = worker.Wait()
	v = ask(t, target, "rq.running")
	require.EqualValues(t, 1, v["orphaned"])
	require.EqualValues(t, 0, v["worked_on"])
	require.Equal(t, []any{ids[0]}, v["orphans"])
	require.Equal(t, "the process of its worker has ended", v["jobs"].([]any)[0].(map[string]any)["why"])
	workers := ask(t, target, "rq.workers")
	require.EqualValues(t, 0, workers["alive"])
	require.EqualValues(t, 1, workers["gone"])
	require.EqualValues(t, 0, ask(t, target, "rq.queues")["workers"])
}

// A worker of another machine is known by its connections.
func TestAWorkerOfAnotherMachineIsGoneWithItsConnections(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL()})
	worker := s.starts(t, "--name", "far", "default")
	require.Eventually(t, func() bool { return s.cmd(t, "EXISTS", "rq:worker:far") == int64(1) }, time.Minute, 50*time.Millisecond)
	require.Eventually(t, func() bool { return ask(t, target, "rq.workers")["alive"] == int64(1) }, 5*time.Second, 50*time.Millisecond)
	s.cmd(t, "HSET", "rq:worker:far", "hostname", "elsewhere")
	w := row(t, ask(t, target, "rq.workers")["workers"], "name", "far")
	require.Equal(t, false, w["gone"])
	require.NoError(t, syscall.Kill(-worker.Process.Pid, syscall.SIGKILL))
	_ = worker.Wait()
	w = row(t, ask(t, target, "rq.workers")["workers"], "name", "far")
	require.Equal(t, true, w["gone"])
	// one that is too old to listen cannot be told from one that is gone
	s.cmd(t, "HSET", "rq:worker:far", "version", "1.5.2")
	w = row(t, ask(t, target, "rq.workers")["workers"], "name", "far")
	require.Nil(t, w["gone"])
	require.Equal(t, true, w["alive"])
}

func TestFailuresAreGroupedByWhatRaisedThem(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL()})
	s.breaks(t)
	s.enqueue(t, "default", "work", 1, 2, 3)
	missing := s.enqueue(t, "default", "absent", 77)
	s.enqueueHow(t, "_limited", "default", "slow", 30)
	s.enqueue(t, "default", "no_such_function", 1)
	s.work(t, "default")
	silent := s.enqueue(t, "default", "work", 4)
	s.work(t, "default")
	s.cmd(t, "DEL", "rq:results:"+silent[0])
	v := ask(t, target, "rq.failed")
	require.EqualValues(t, 7, v["failed"])
	require.EqualValues(t, 7, v["recent"])
	require.EqualValues(t, 1, v["silent"])
	require.EqualValues(t, 1, v["timeouts"])
	require.EqualValues(t, 1, v["absent"])
	require.Equal(t, []any{missing[0]}, v["absent_ids"])
	require.InDelta(t, 1, v["at_limit_s"], 0.01)
	first := v["groups"].([]any)[0].(map[string]any)
	require.Equal(t, "default", first["queue"])
	require.Equal(t, "jobs.work", first["function"])
	require.Equal(t, "ValueError", first["exception"])
	require.Equal(t, "the database is away, <*>", first["says"], "what may be data is masked")
	require.EqualValues(t, 3, first["count"])
	require.Equal(t, "order <*> does not exist", row(t, v["groups"], "exception", "LookupError")["says"])
	require.Equal(t, "timeout", row(t, v["groups"], "exception", "JobTimeoutException")["kind"])
	require.Equal(t, "import", row(t, v["groups"], "function", "jobs.no_such_function")["kind"])
}

func TestOverdueJobsHaveNoScheduler(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL()})
	s.enqueueHow(t, "_later", "default", "work", 1, 2)
	s.enqueueHow(t, "_behind", "default", "work", 3)
	v := ask(t, target, "rq.scheduler")
	require.EqualValues(t, 2, v["scheduled"])
	require.EqualValues(t, 2, v["overdue"])
	require.InDelta(t, 300, v["overdue_s"], 30)
	require.Equal(t, false, v["scheduler"])
	require.EqualValues(t, 0, v["stuck"])
	s.work(t, "default") // the first fails, and the one behind it waits for ever
	require.EqualValues(t, 1, ask(t, target, "rq.scheduler")["stuck"])
	s.starts(t, "--with-scheduler", "default")
	require.Eventually(t, func() bool {
		v = ask(t, target, "rq.scheduler")
		return v["overdue"] == int64(0)
	}, time.Minute, 300*time.Millisecond)
	require.Equal(t, true, v["scheduler"])
}

func TestJobsKeptForEverAndJobsThatAreNowhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	target := open(t, connector.Settings{"url": s.server.URL()})
	s.enqueueHow(t, "_for_ever", "default", "result", 100000, 100000)
	s.enqueue(t, "default", "result", 10)
	s.work(t, "default")
	v := ask(t, target, "rq.jobs")
	require.EqualValues(t, 3, v["ended"])
	require.EqualValues(t, 2, v["kept"])
	require.Greater(t, v["kept_bytes"], 100000.0)
	require.Equal(t, []any{map[string]any{"function": "jobs.result", "count": int64(2)}}, v["functions"])
	require.EqualValues(t, 2, ask(t, target, "rq.registries")["for_ever"])

	lost := s.enqueue(t, "default", "work", 1)
	s.cmd(t, "LPOP", "rq:queue:default")
	require.EqualValues(t, 0, ask(t, target, "rq.jobs")["lost"], "one that was just taken may be on its way")
	s.cmd(t, "HSET", "rq:job:"+lost[0], "enqueued_at", "2020-01-01T00:00:00.000000Z")
	v = ask(t, target, "rq.jobs")
	require.EqualValues(t, 1, v["lost"], "%v", v)
	require.Equal(t, []any{lost[0]}, v["lost_ids"])
}
