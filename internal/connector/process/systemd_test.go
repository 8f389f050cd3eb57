package process_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

// unit is a service unit for a service that plays a role.
func unit(t testing.TB, j journal, more string, role ...string) string {
	t.Helper()
	return fmt.Sprintf("[Unit]\nDescription=a service of a test\n[Service]\nExecStart=%s\nEnvironment=\"%s=%s\"\nTimeoutStopSec=5\n%s\n",
		self(t), roleKey, strings.Join(append([]string{string(j)}, role...), " "), more)
}

// booted is a real systemd with units, which sees this test binary and dir.
func booted(t testing.TB, dir string, units map[string]string) *realserver.Systemd {
	t.Helper()
	return realserver.StartSystemd(t, realserver.SystemdOptions{Units: units, Writable: []string{dir}, Readable: []string{filepath.Dir(self(t))}})
}

func unitOf(s *realserver.Systemd, name string) connector.Settings {
	through := make([]any, len(s.Through))
	for n, w := range s.Through {
		through[n] = w
	}
	return connector.Settings{"manager": "systemd", "name": name, "through": through}
}

const hup = "ExecReload=/bin/kill -HUP $MAINPID\n"

func TestAUnitOfSystemdKeepsTheContract(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	actions := []string{"process.start", "process.stop", "process.restart", "process.reload"}
	journals, units := map[string]journal{}, map[string]string{}
	for _, a := range actions {
		journals[a] = journal(filepath.Join(dir, a))
		units[a+".service"] = unit(t, journals[a], hup, "slow")
	}
	s := booted(t, dir, units)
	t.Run("actions", func(t *testing.T) {
		holdToTheContract(t, func(t *testing.T, name string) world {
			w := world{settings: unitOf(s, name+".service"), journal: journals[name], gone: unitOf(s, name+".service")}
			w.gone["through"] = []any{"/no/such/nsenter"}
			w.ready = func(t *testing.T, running bool) {
				if running {
					made(t, w.settings, "process.start", nil)
					w.journal.awaits(t, 1)
				}
			}
			return w
		}, actions...)
	})
}

func TestWhatSystemdSaysOfAUnitIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := journal(filepath.Join(dir, "journal"))
	s := booted(t, dir, map[string]string{
		"refusing.service": strings.Replace(unit(t, j, ""), "[Unit]\n", "[Unit]\nRefuseManualStop=yes\n", 1),
		"crashing.service": unit(t, j, "Restart=always\nRestartSec=600\n", "frail"),
		"broken.service":   "[Service]\nType=simple\n",
		"once.service":     "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n",
		"fails.service":    "[Service]\nType=oneshot\nExecStart=/bin/false\n",
	})
	_, _, err := preview(t, unitOf(s, "absent"), "process.start", nil)
	refuses(t, err, "no unit absent.service")
	_, _, err = preview(t, unitOf(s, "broken"), "process.start", nil)
	refuses(t, err, "cannot load unit broken.service")
	made(t, unitOf(s, "refusing"), "process.start", nil)
	_, _, err = preview(t, unitOf(s, "refusing"), "process.restart", nil)
	refuses(t, err, "CanStop=no")
	_, _, err = preview(t, unitOf(s, "refusing"), "process.reload", nil)
	refuses(t, err, "CanReload=no")

	_, err = apply(t, unitOf(s, "fails"), planned(t, unitOf(s, "fails"), "process.start", nil))
	fails(t, err, action.NotMade, "journalctl -u fails.service")
	made(t, unitOf(s, "once"), "process.start", nil)
	require.Equal(t, "active (exited)", instances(state(t, unitOf(s, "once")))[0]["state"])

	// It crashes, and systemd waits before it starts it again.
	_, _ = apply(t, unitOf(s, "crashing"), planned(t, unitOf(s, "crashing"), "process.start", nil))
	require.Eventually(t, func() bool {
		return instances(state(t, unitOf(s, "crashing")))[0]["state"] == "activating (auto-restart)"
	}, patience, step)
	_, err = apply(t, unitOf(s, "crashing"), planned(t, unitOf(s, "crashing"), "process.start", nil))
	fails(t, err, action.NotMade, "its manager is busy with it")
}

// Somebody restarts the unit between the approval and the act.
func TestAUnitThatRunsAnewIsNotRestartedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := journal(filepath.Join(dir, "journal"))
	s := booted(t, dir, map[string]string{"orders.service": unit(t, j, hup)})
	made(t, unitOf(s, "orders"), "process.start", nil)
	j.awaits(t, 1)
	order := planned(t, unitOf(s, "orders"), "process.restart", nil)
	out, err := s.Run("systemctl", "restart", "orders.service")
	require.NoError(t, err, string(out))
	order.Intended = time.Now().Add(time.Second)
	require.Equal(t, action.NotMade, standing(t, unitOf(s, "orders"), order).State)
	_, err = apply(t, unitOf(s, "orders"), order)
	fails(t, err, action.NotMade, "has changed since this was approved")
	j.awaits(t, 2)
}

// Units of a boot would empty directories and rename interfaces of the machine
// that the tests run on: systemd must not have them, nor anything of it.
func TestTheSystemdOfTheseTestsHasNothingOfTheMachine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := booted(t, dir, map[string]string{"orders.service": unit(t, journal(filepath.Join(dir, "journal")), "")})
	made(t, unitOf(s, "orders"), "process.start", nil)
	out, err := s.Run("systemctl", "list-units", "--all", "--plain", "--no-legend", "--type=service,timer,socket,path")
	require.NoError(t, err, string(out))
	for line := range strings.Lines(string(out)) {
		require.Truef(t, strings.Contains(line, "orders.service") || strings.Contains(line, "not-found"), "a unit of the machine is there: %s", line)
	}
	for _, command := range []string{"touch /usr/x", "test -e /boot", "test -e /etc/fstab"} {
		out, err := s.Run("/bin/sh", "-c", command)
		require.Error(t, err, command+" worked: "+string(out))
	}
	out, err = s.Run("/bin/sh", "-c", "ls /sys/class/net")
	require.NoError(t, err)
	require.Equal(t, "lo\n", string(out))
}
