package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

// contained is the service of the containers: a shell that keeps the journal.
const contained = `w() { echo $1 $$ >>/journal/journal; }
trap 'w end; exit 0' TERM
trap 'w reload' HUP
w start
while :; do /busybox sleep 3600 & wait $!; done`

// composed is a Compose project whose services play that.
func composed(t testing.TB, d *realserver.Docker, dir string, services ...string) (file string) {
	t.Helper()
	text := "version: \"3\"\nservices:\n"
	for _, s := range services {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, s), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, s, "service"), []byte(contained), 0o644))
		text += fmt.Sprintf("  %s:\n    image: %s\n    command: [/busybox, sh, /journal/service]\n    network_mode: none\n    volumes: [./%s:/journal]\n", s, d.Image, s)
	}
	file = filepath.Join(dir, "compose.yml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	out, err := d.Run(realserver.Find(t, "docker-compose", "docker-compose"), "-f", file, "up", "-d")
	require.NoError(t, err, string(out))
	return file
}

func serviceOf(d *realserver.Docker, file, name string) connector.Settings {
	return connector.Settings{"manager": "compose", "url": d.URL, "file": file, "name": name}
}

// shopService is a service of the project shop as the suite needs it.
func shopService(d *realserver.Docker, file, name string) world {
	w := world{
		settings: serviceOf(d, file, name), gone: serviceOf(d, file, name),
		journal: journal(filepath.Join(filepath.Dir(file), name, "journal")),
		running: func(t testing.TB) string { return runningContainers(t, d, name) },
	}
	w.gone["url"] = d.URL + ".gone"
	w.ready = func(t *testing.T, running bool) {
		w.journal.awaits(t, 1)
		if !running {
			made(t, w.settings, "process.stop", nil)
		}
	}
	return w
}

func TestAServiceOfComposeKeepsTheContract(t *testing.T) {
	t.Parallel()
	d := realserver.StartDocker(t)
	file := composed(t, d, filepath.Join(d.Dir, "shop"), "start", "stop", "restart")
	t.Run("actions", func(t *testing.T) {
		holdToTheContract(t, func(_ *testing.T, name string) world { return shopService(d, file, name[len("process."):]) },
			"process.start", "process.stop", "process.restart")
	})
}

// A container of an engine that counts processes otherwise shows no children.
func TestAContainerIsToldToReloadOnce(t *testing.T) {
	t.Parallel()
	d := realserver.StartDocker(t)
	w := shopService(d, composed(t, d, filepath.Join(d.Dir, "shop"), "orders"), "orders")
	w.ready(t, true)
	order := planned(t, w.settings, "process.reload", nil)
	done, err := apply(t, w.settings, order)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.journal.count(t, "reload") == 1 }, patience, step)
	require.Equal(t, action.CannotTell, standing(t, w.settings, order).State)
	order.Done = &done
	require.Equal(t, action.Made, standing(t, w.settings, order).State)
	require.Equal(t, 1, w.journal.count(t, "start"))
}

// runningContainers is what docker itself says of a service's containers.
func runningContainers(t testing.TB, d *realserver.Docker, name string) string {
	t.Helper()
	out, err := d.Run("docker", "ps", "--no-trunc", "--format", "{{.ID}}", "--filter", "label=com.docker.compose.service="+name)
	require.NoError(t, err, string(out))
	return string(out)
}

func TestTheRightProjectIsMeant(t *testing.T) {
	t.Parallel()
	d := realserver.StartDocker(t)
	one := composed(t, d, filepath.Join(d.Dir, "one"), "orders")
	two := composed(t, d, filepath.Join(d.Dir, "two"), "orders")
	v := state(t, serviceOf(d, one, "orders"))
	require.Equal(t, "one_orders_1", instances(v)[0]["name"])
	require.Equal(t, true, v["running"])
	require.Equal(t, int64(0), instances(v)[0]["restarts"])
	require.Nil(t, instances(v)[0]["pid"], "the number is one of the engine's namespace, and means another process here")
	named := connector.Settings{"manager": "compose", "url": d.URL, "project": "two", "name": "orders"}
	require.Equal(t, "two_orders_1", instances(state(t, named))[0]["name"])
	_, _, err := preview(t, connector.Settings{"manager": "compose", "url": d.URL, "name": "orders"}, "process.restart", nil)
	refuses(t, err, "2 projects have a service orders")
	_, _, err = preview(t, serviceOf(d, one, "carts"), "process.start", nil)
	refuses(t, err, "there is no container")

	// The container is made anew between the approval and the act.
	order := planned(t, serviceOf(d, two, "orders"), "process.restart", nil)
	out, err := d.Run("docker-compose", "-f", two, "up", "-d", "--force-recreate")
	require.NoError(t, err, string(out))
	order.Intended = time.Now().Add(time.Second)
	before := runningContainers(t, d, "orders")
	_, err = apply(t, serviceOf(d, two, "orders"), order)
	fails(t, err, action.NotMade, "has changed since this was approved")
	require.Equal(t, before, runningContainers(t, d, "orders"))
}
