package docker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
)

const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

// Where a published port leads is told by the sockets of the container's first process.
func TestWherePublishedPortsLead(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("ab", 32)
	proc := t.TempDir()
	write := func(pid, cgroup, tcp, tcp6 string) {
		dir := filepath.Join(proc, pid, "net")
		require.NoError(t, os.MkdirAll(dir, 0o755))
		for name, text := range map[string]string{"../cgroup": cgroup, "tcp": tcp, "tcp6": tcp6} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
	}
	write("7", "0::/system.slice/docker-"+id+".scope\n", header+
		"   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n"+
		"   1: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n"+
		"   2: 0100007F:270F 0100007F:1F40 01 00000000:00000000 00:00000000 00000000     0        0 1\nnonsense\n", header+
		"   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n")
	write("8", "0::/user.slice\n", header, header)
	target := &target{client: &client{local: true, proc: proc}, tools: connector.Tools{}.Filled()}
	one := func(pid int, key string, bindings ...binding) map[string]any {
		var c container
		c.ID, c.Name, c.State.Pid = id, "web", pid
		c.NetworkSettings.Ports = map[string][]binding{key: bindings}
		listeners, seen := target.listeners(c)
		rows := target.mappings(c, listeners, seen)
		require.Len(t, rows, 1)
		return rows[0].(map[string]any)
	}
	everywhere := binding{"0.0.0.0", "18000"}

	r := one(7, "8000/tcp", everywhere, binding{"::", "18000"})
	require.Equal(t, true, r["reaches"])
	require.Equal(t, false, r["loopback_only"])
	require.Equal(t, int64(18000), r["outside"])
	require.Equal(t, []any{"0.0.0.0:8000", "127.0.0.1:5000", "[::]:80"}, r["listens_on"])
	r = one(7, "5000/tcp", everywhere)
	require.Equal(t, false, r["reaches"])
	require.Equal(t, true, r["loopback_only"], "it listens for itself only")
	require.Equal(t, true, one(7, "80/tcp", everywhere)["reaches"], "an address of IPv6 takes IPv4 too")
	r = one(7, "9000/tcp", everywhere)
	require.Equal(t, false, r["reaches"])
	require.Equal(t, false, r["loopback_only"])
	require.Nil(t, one(7, "53/udp", everywhere)["reaches"], "udp has no state that tells")
	// A process that is not the container's says nothing of it.
	require.Nil(t, one(8, "8000/tcp", everywhere)["reaches"])
	require.Nil(t, one(9, "8000/tcp", everywhere)["reaches"])
}

func TestWhoseAContainerIs(t *testing.T) {
	t.Parallel()
	none := map[string]string{}
	require.Equal(t, 1, way("web", "x", "y", map[string]string{labelCompose: "web"}))
	require.Equal(t, 1, way("web", "x", "y", map[string]string{labelSwarm: "shop_web"}))
	require.Equal(t, 0, way("web", "x", "y", map[string]string{labelSwarm: "shop_spiderweb"}))
	require.Equal(t, 2, way("web", "web", "y", none))
	require.Equal(t, 3, way("web", "shop-web-1", "y", none))
	require.Equal(t, 3, way("shop-web", "shop_web_1", "y", none))
	require.Equal(t, 0, way("hop", "shop-web-1", "y", none))
	require.Equal(t, 4, way("web", "quirky_name", "registry:5000/team/web:1.2@sha256:abc", none))
}

func TestWhatTheEngineSays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "",
		"driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:8000 failed: port is already allocated": "port_taken",
		`failed to create shim task: OCI runtime create failed: exec: "/nope": stat /nope: no such file or directory: unknown`:     "not_found",
		`OCI runtime create failed: exec: "serve": executable file not found in $PATH: unknown`:                                    "not_found",
		`OCI runtime create failed: exec: "/app/run.sh": permission denied: unknown`:                                               "not_runnable",
		"exec /app: exec format error":                               "architecture",
		"No such image: nosuch/image:9":                              "image",
		"pull access denied for team/app, repository does not exist": "image",
		"manifest for team/app:9 not found: manifest unknown":        "image",
		"no suitable node (insufficient resources on 2 nodes)":       "no_place",
		"task: non-zero exit (3)":                                    "exit",
		"network 0b7c not found":                                     "network",
		"write /var/lib/docker/tmp/x: no space left on device":       "disk_full",
		"something that nobody has thought of":                       "other",
	} {
		require.Equal(t, want, problem(text), text)
	}
}
