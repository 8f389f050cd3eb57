package celery_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/celery"
)

// The README's grants are enough for what it says.
func TestTheGrantsOfTheReadmeAreEnough(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send(t, "celery", "work", 1, 2)
	s.held(t, "a", "", "celery", 3*time.Hour)
	s.held(t, "b", "shop", "mail", 3*time.Hour)
	s.cmd(t, "SADD", "_kombu.binding.shop", "mail\x06\x16\x06\x16mail")
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
	s.cmd(t, "SET", "celery-task-meta-1", `{"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": ["no"]}, "traceback": "", "date_done": null}`)
	for _, q := range celery.Kind().Probes {
		if q.Name != "celery.beat" {
			ask(t, target, q.Name)
		}
	}
	require.NotNil(t, ask(t, target, "celery.results")["bytes"])
	changer := target.(action.Changer)
	s.cmd(t, grants[1]...)
	done := actiontest.Applied(t, changer, hands.Planned(t, changer, "celery.drop", nil))
	undo := action.Order{Change: *done.Inverse, Key: "INC-1.undo", Intended: time.Now()}
	undo.Preview, err = actiontest.Doer(t, changer, "celery.restore").Preview(within(t, time.Second), undo.Change)
	require.NoError(t, err)
	require.Equal(t, "2 tasks put back", actiontest.Applied(t, changer, undo).Summary)
	actiontest.Applied(t, changer, hands.Planned(t, changer, "celery.requeue", map[string]any{"from": "celery", "to": "mail"}))
	require.Equal(t, "2 tasks requeued", actiontest.Applied(t, changer, hands.Planned(t, changer, "celery.requeue", nil)).Summary)
}
