package process_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

// program is a section of supervisord's configuration, for a service that
// plays a role.
func program(t testing.TB, name string, j journal, more string, role ...string) string {
	t.Helper()
	return fmt.Sprintf("[program:%s]\ncommand=%s\nenvironment=%s=\"%s\"\nautostart=false\n%s\n\n",
		name, self(t), roleKey, strings.Join(append([]string{string(j)}, role...), " "), more)
}

func supervised(s *realserver.Supervisor, name string) connector.Settings {
	return connector.Settings{"manager": "supervisor", "url": s.URL, "name": name, "username": s.Username, "password": s.Password}
}

func TestAProgramOfSupervisorKeepsTheContract(t *testing.T) {
	t.Parallel()
	holdToTheContract(t, func(t *testing.T, _ string) world {
		j := newJournal(t)
		s := realserver.StartSupervisor(t, program(t, "orders", j, "startsecs=0", "workers"))
		w := world{settings: supervised(s, "orders"), journal: j, gone: supervised(s, "orders")}
		w.gone["url"] = s.URL + ".gone"
		w.ready = func(t *testing.T, running bool) {
			if running {
				made(t, w.settings, "process.start", nil)
				j.awaits(t, 1)
			}
		}
		return w
	}, "process.start", "process.stop", "process.restart", "process.reload")
}

func TestAGroupOfSupervisorIsChangedAsAWhole(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	s := realserver.StartSupervisor(t, program(t, "orders", j, "startsecs=0\nnumprocs=3\nprocess_name=%(program_name)s_%(process_num)d")+
		program(t, "other", newJournal(t), ""))
	all := supervised(s, "orders:*")
	done := made(t, all, "process.start", map[string]any{"only": []any{"orders:orders_0", "orders:orders_2"}})
	require.Equal(t, []any{"orders:orders_0", "orders:orders_2"}, done.Inverse.Args["only"])
	j.awaits(t, 2)
	require.Equal(t, false, state(t, all)["running"])

	p, _, err := preview(t, all, "process.restart", nil)
	require.NoError(t, err)
	require.Len(t, p.Items, 2)
	require.Contains(t, strings.Join(p.Warnings, ";"), "1 of its 3 instances do not run")
	made(t, all, "process.restart", nil)
	j.awaits(t, 4)
	_, _, err = preview(t, all, "process.stop", map[string]any{"only": []any{"orders:orders_7"}})
	refuses(t, err, "has no instance orders:orders_7: there are orders:orders_0, orders:orders_1")

	// One of the two is stopped after the approval: it is no longer what was approved.
	order := planned(t, all, "process.restart", nil)
	made(t, all, "process.stop", map[string]any{"only": []any{"orders:orders_2"}})
	_, err = apply(t, all, order)
	fails(t, err, action.NotMade, "has changed since this was approved")
	require.Equal(t, 4, j.count(t, "start"))
}

func TestWhatSupervisorSaysIsToldToPeople(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	s := realserver.StartSupervisor(t, program(t, "frail", j, "startsecs=10\nstartretries=0", "frail")+
		"[program:missing]\ncommand=/no/such/program\nautostart=false\n")
	order := planned(t, supervised(s, "frail"), "process.start", nil)
	_, err := apply(t, supervised(s, "frail"), order)
	fails(t, err, action.NotMade, "Exited too quickly")
	require.Contains(t, instances(state(t, supervised(s, "frail")))[0]["state"], "FATAL")
	_, err = apply(t, supervised(s, "missing"), planned(t, supervised(s, "missing"), "process.start", nil))
	fails(t, err, action.NotMade, "NO_FILE")

	_, _, err = preview(t, supervised(s, "absent"), "process.start", nil)
	refuses(t, err, "has no program absent")
	wrong := supervised(s, "frail")
	wrong["password"] = "hunter23"
	_, _, err = preview(t, wrong, "process.start", nil)
	var unavailable *action.Unavailable
	require.ErrorAs(t, err, &unavailable)
	require.ErrorContains(t, err, "wants another username or password")
	require.NotContains(t, err.Error(), "hunter23")
}
