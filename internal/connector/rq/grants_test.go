package rq_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/rq"
)

// The README's grants are enough for what it says, and no more are needed.
func TestTheGrantsOfTheReadmeAreEnough(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.breaks(t)
	s.enqueue(t, "default", "work", 1)
	s.work(t, "default")
	s.enqueue(t, "default", "work", 2, 3)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var grants [][]any
	for _, line := range strings.Split(string(readme), "\n") {
		if words := strings.Fields(line); strings.HasPrefix(line, "    ACL SETUSER") {
			cmd := []any{}
			for _, w := range words {
				cmd = append(cmd, strings.Replace(w, ">PASSWORD", ">pass-word", 1))
			}
			grants = append(grants, cmd)
		}
	}
	require.Len(t, grants, 2)
	s.cmd(t, grants[0]...)
	target := open(t, connector.Settings{"url": "redis://quell:pass-word@" + s.server.Addr()})
	s.cmd(t, "HSET", "rq:worker:w", "birth", "2020-01-01T00:00:00.000000Z", "last_heartbeat", "2020-01-01T00:00:00.000000Z", "version", "1.13.0", "hostname", "elsewhere", "ip_address", "127.0.0.1:9")
	s.cmd(t, "SADD", "rq:workers", "rq:worker:w")
	for _, q := range rq.Kind().Probes {
		ask(t, target, q.Name)
	}
	require.Equal(t, "ValueError", ask(t, target, "rq.failed")["groups"].([]any)[0].(map[string]any)["exception"])
	require.NotNil(t, ask(t, target, "rq.jobs")["kept_bytes"])
	require.Equal(t, true, ask(t, target, "rq.workers")["workers"].([]any)[0].(map[string]any)["gone"])
	_, err = hands.Preview(t, target.(action.Changer), "rq.requeue", nil)
	actiontest.Refuses(t, err, "ACL SETUSER quell +")

	s.cmd(t, grants[1]...)
	changer := target.(action.Changer)
	done := actiontest.Applied(t, changer, hands.Planned(t, changer, "rq.drop", nil))
	undo := action.Order{Change: *done.Inverse, Key: "INC-1.undo", Intended: time.Now()}
	undo.Preview, err = actiontest.Doer(t, changer, "rq.restore").Preview(within(t, time.Second), undo.Change)
	require.NoError(t, err)
	require.Equal(t, "2 jobs put back", actiontest.Applied(t, changer, undo).Summary)
	actiontest.Applied(t, changer, hands.Planned(t, changer, "rq.drop", map[string]any{"from": "failed", "most": 1, "keep": "1h"}))
	s.enqueue(t, "default", "work", 4)
	s.work(t, "default")
	require.Contains(t, actiontest.Applied(t, changer, hands.Planned(t, changer, "rq.requeue", nil)).Summary, "requeued")
}
