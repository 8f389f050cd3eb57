package host_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/host"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/secret"
)

func ask(t *testing.T, s connector.Settings, builtin string, args map[string]any) evidence.Answer {
	t.Helper()
	target, err := host.Kind().Open(s, connector.Tools{})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if args == nil {
		args = map[string]any{}
	}
	if args["sample"] == nil {
		args["sample"] = 100 * time.Millisecond
	}
	a := target.Ask(ctx, probe.Question{Lang: "probe", Builtin: builtin, Args: args, Now: time.Now(), Since: time.Hour})
	require.NoError(t, target.Close())
	require.NoError(t, target.Close())
	return a
}

func object(t *testing.T, a evidence.Answer) map[string]any {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	return a.Value.(map[string]any)
}

func rows(t *testing.T, a evidence.Answer) []map[string]any {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	var out []map[string]any
	for _, r := range a.Value.([]any) {
		out = append(out, r.(map[string]any))
	}
	return out
}

// TestEveryQuestionAnswersOnThisMachine holds each answer to its own
// documentation: every documented field is there, and no other.
func TestEveryQuestionAnswersOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, spec := range host.Kind().Probes {
		t.Run(spec.Name, func(t *testing.T) {
			a := ask(t, nil, spec.Name, nil)
			if a.Status == evidence.NotApplicable {
				fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: %s\n\n", t.Name(), a.Reason)
				t.Skip(a.Reason)
			}
			var want []string
			for _, f := range spec.Fields {
				want = append(want, f.Name)
			}
			var got map[string]any
			if spec.Shape == probe.Object {
				got = object(t, a)
			} else if list := rows(t, a); len(list) > 0 {
				got = list[0]
			}
			for k := range got {
				require.Contains(t, want, k)
			}
			if got != nil {
				require.Len(t, got, len(want))
			}
			require.NotEmpty(t, spec.Question)
			require.NotEmpty(t, spec.Why)
			require.NotEmpty(t, spec.Cost)
		})
	}
}

func TestListenersNameTheirProcess(t *testing.T) {
	t.Parallel()
	port := realserver.Port(t)
	cmd := start(t, fmt.Sprintf("listen 127.0.0.1:%d", port), "orders-api", "--db=postgres://app:hunter22@db/x", "--api-token", "hunter22")
	client, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)) // a client of the port is no listener
	require.NoError(t, err)
	defer func() { _ = client.Close() }()

	found := rows(t, ask(t, nil, "host.listeners", map[string]any{"port": strconv.Itoa(port)}))
	require.Len(t, found, 1)
	require.Equal(t, int64(cmd.Process.Pid), found[0]["pid"])
	require.Equal(t, "127.0.0.1", found[0]["address"])
	require.Equal(t, true, found[0]["loopback"])
	require.Equal(t, int64(1), found[0]["waiting"]) // the connection that nobody accepts
	require.NotContains(t, found[0]["cmdline"], "hunter22")
	require.Contains(t, found[0]["cmdline"], secret.Placeholder)
}

func TestServiceHoldsItsPort(t *testing.T) {
	t.Parallel()
	port := realserver.Port(t)
	cmd := start(t, fmt.Sprintf("master 127.0.0.1:%d 3", port), "gunicorn", "--workers", "3", "orders-main:app")
	v := object(t, ask(t, nil, "host.service", map[string]any{"service": "orders-main", "host": "127.0.0.1", "port": strconv.Itoa(port)}))
	require.Equal(t, true, v["found"])
	require.Equal(t, "name", v["found_by"])
	require.Equal(t, "service", v["port_owner"])
	require.Equal(t, int64(cmd.Process.Pid), v["port_pid"])
	require.Equal(t, "gunicorn", v["server"])
	require.Equal(t, int64(1), v["masters"])
	require.Equal(t, int64(3), v["workers"])
	require.Equal(t, int64(3), v["configured_workers"])
	require.Equal(t, true, v["loopback_only"])
	require.Equal(t, true, v["url_loopback"])
	require.Equal(t, []any{int64(port)}, v["listens_on"])
	require.Equal(t, false, v["master_stopped"])
	require.Equal(t, int64(0), v["orphans"])

	require.NoError(t, syscall.Kill(cmd.Process.Pid, syscall.SIGSTOP))
	realserver.WaitFor(t, "the stop", 5*time.Second, "", func() error {
		v = object(t, ask(t, nil, "host.service", map[string]any{"service": "orders-main", "port": strconv.Itoa(port)}))
		if v["master_stopped"] != true {
			return fmt.Errorf("the master is not stopped: %v", v["list"])
		}
		return nil
	})
	require.Equal(t, int64(1), v["stopped"])
}

func TestStrangerHoldsThePort(t *testing.T) {
	t.Parallel()
	port := realserver.Port(t)
	cmd := start(t, fmt.Sprintf("listen 127.0.0.1:%d", port), "somebody-else")
	start(t, "sleep", "python3", "orders-worker.py")
	v := object(t, ask(t, nil, "host.service", map[string]any{"service": "orders-worker", "port": strconv.Itoa(port)}))
	require.Equal(t, "other", v["port_owner"])
	require.Equal(t, int64(cmd.Process.Pid), v["port_pid"])
	require.Contains(t, v["port_command"], "somebody-else")

	t.Run("without any process of that name it is only assumed", func(t *testing.T) {
		a := ask(t, nil, "host.service", map[string]any{"service": "no-such-service", "port": strconv.Itoa(port)})
		v := object(t, a)
		require.Equal(t, "assumed", v["port_owner"])
		require.Equal(t, "port", v["found_by"])
		require.NotEmpty(t, a.Notes)
	})
	t.Run("with an expression it is certain", func(t *testing.T) {
		v := object(t, ask(t, connector.Settings{"processes": map[string]any{"shop": "^shop-server"}}, "host.service", map[string]any{"service": "shop", "port": strconv.Itoa(port)}))
		require.Equal(t, "other", v["port_owner"])
		require.Equal(t, false, v["found"])
	})
	t.Run("nobody listens", func(t *testing.T) {
		v := object(t, ask(t, nil, "host.service", map[string]any{"service": "orders-worker", "port": strconv.Itoa(realserver.Port(t))}))
		require.Equal(t, "nobody", v["port_owner"])
		require.Equal(t, true, v["found"])
	})
	t.Run("a service without a port has no port that nobody listens on", func(t *testing.T) {
		v := object(t, ask(t, nil, "host.service", map[string]any{"service": "orders-worker"}))
		require.Empty(t, v["port_owner"])
		require.Nil(t, v["port"])
		require.Equal(t, true, v["found"])
	})
	t.Run("another machine's service is not looked for here", func(t *testing.T) {
		a := ask(t, nil, "host.service", map[string]any{"service": "orders-worker", "host": "192.0.2.1", "port": "80"})
		require.Equal(t, evidence.NotApplicable, a.Status)
	})
}

func TestOnlookersAreNotTheService(t *testing.T) {
	t.Parallel()
	start(t, "sleep", "tail", "-f", "/var/log/lonesome-shop.log")
	start(t, "sleep", "postgres: app lonesome_shop 127.0.0.1(4000) idle")
	start(t, "sleep", "python3", "not-lonesome-shopping.py")
	v := object(t, ask(t, nil, "host.service", map[string]any{"service": "lonesome-shop"}))
	require.Equal(t, false, v["found"], "%v", v["list"])
	start(t, "sleep", "python3", "-m", "lonesome_shop.main")
	v = object(t, ask(t, nil, "host.service", map[string]any{"service": "lonesome-shop"}))
	require.Equal(t, int64(1), v["processes"])
}

func TestOrphansAndZombies(t *testing.T) {
	t.Parallel()
	cmd := start(t, "master - 2", "gunicorn", "-w2", "lonely-shop:app")
	require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
	_ = cmd.Wait()
	v := object(t, ask(t, nil, "host.service", map[string]any{"service": "lonely-shop"}))
	require.Equal(t, int64(2), v["orphans"])
	require.Equal(t, int64(0), v["masters"])

	t.Run("one server in the background is no orphan", func(t *testing.T) {
		cmd := start(t, "master - 1", "gunicorn", "-w1", "small-shop:app")
		require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
		_ = cmd.Wait()
		v := object(t, ask(t, nil, "host.service", map[string]any{"service": "small-shop"}))
		require.Equal(t, int64(1), v["processes"])
		require.Equal(t, int64(0), v["orphans"])
	})

	start(t, "zombie", "careless-parent")
	v = object(t, ask(t, nil, "host.service", map[string]any{"service": "careless-parent"}))
	require.Equal(t, int64(1), v["zombies"])
}

func TestOpenFilesNearTheLimit(t *testing.T) {
	t.Parallel()
	cmd := start(t, "files 200", "hungry-shop")
	v := object(t, ask(t, nil, "host.service", map[string]any{"service": "hungry-shop"}))
	require.Equal(t, int64(100), v["fd_limit"])
	require.Greater(t, v["fd_share"].(float64), 0.9)
	f := object(t, ask(t, nil, "host.fds", nil))
	require.Equal(t, int64(cmd.Process.Pid), f["max_pid"])
	require.Greater(t, f["max_share"].(float64), 0.9)
}

func TestDeletedFileThatIsOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.log")
	cmd := start(t, fmt.Sprintf("deleted %s %d", path, 3<<20), "forgetful")
	v := object(t, ask(t, nil, "host.files", nil))
	require.GreaterOrEqual(t, v["bytes"].(int64), int64(3<<20))
	var mine map[string]any
	for _, f := range v["files"].([]any) {
		if f.(map[string]any)["pid"] == int64(cmd.Process.Pid) {
			mine = f.(map[string]any)
		}
	}
	require.NotNil(t, mine)
	require.Equal(t, path, mine["path"])
	require.GreaterOrEqual(t, mine["bytes"].(int64), int64(3<<20))
}

func TestBusyProcessShows(t *testing.T) {
	t.Parallel()
	cmd := start(t, "spin", "busy-shop")
	list := rows(t, ask(t, nil, "host.processes", map[string]any{"sample": 400 * time.Millisecond}))
	var mine map[string]any
	for _, r := range list {
		if r["pid"] == int64(cmd.Process.Pid) {
			mine = r
		}
	}
	require.NotNil(t, mine)
	require.Greater(t, mine["cpu_cores"].(float64), 0.02) // many share this machine; a sleeping process has 0
	require.Equal(t, "busy-shop", mine["cmdline"])
	v := object(t, ask(t, nil, "host.cpu", map[string]any{"sample": 400 * time.Millisecond}))
	require.Greater(t, v["busy_share"].(float64), 0.02)
	require.LessOrEqual(t, v["busy_share"].(float64), 1.0)
}

// The one who looks is in neither the list nor the sum.
func TestWhoLooksIsLeftOut(t *testing.T) {
	t.Parallel()
	for _, r := range rows(t, ask(t, nil, "host.processes", nil)) {
		require.NotEqual(t, int64(os.Getpid()), r["pid"])
	}
	var done atomic.Bool
	defer done.Store(true)
	go func() {
		for !done.Load() {
		}
	}()
	v := object(t, ask(t, nil, "host.cpu", map[string]any{"sample": 400 * time.Millisecond}))
	own, busy := v["own_share"].(float64), v["busy_share"].(float64)
	require.Greater(t, own, 0.02)
	require.GreaterOrEqual(t, busy, 0.0)
	all := v["user_share"].(float64) + v["system_share"].(float64) + v["steal_share"].(float64)
	left := all - own
	if all > 0.97 && own < 0.2 { // nothing was idle: the others have all of the rest
		left /= 1 - own
	}
	require.InDelta(t, min(left, 1), busy, 1e-9)
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("quell", dir, "tmpfs", 0, "size=1m,nr_inodes=20"); err != nil {
		realserver.Missing(t, fmt.Sprintf("a tmpfs cannot be mounted here: %v", err))
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	find := func() map[string]any {
		for _, r := range rows(t, ask(t, nil, "host.disk", nil)) {
			if r["mount"] == dir {
				return r
			}
		}
		t.Fatal("the mount is not listed")
		return nil
	}
	require.Less(t, find()["used_share"].(float64), 0.1)
	_ = os.WriteFile(filepath.Join(dir, "big"), make([]byte, 2<<20), 0o600)
	require.Greater(t, find()["used_share"].(float64), 0.99)
	old := filepath.Join(dir, "sub", "old")
	require.NoError(t, os.Mkdir(filepath.Dir(old), 0o700))
	require.NoError(t, os.WriteFile(old, nil, 0o600))
	require.NoError(t, os.Chtimes(old, time.Now(), time.Now().Add(-3*time.Hour)))
	grown := object(t, ask(t, nil, "host.written", map[string]any{"least": 1000.0, "within": time.Hour, "fuller": 0.95}))
	require.Contains(t, grown["looked_at"], any(dir))
	var largest map[string]any
	for _, f := range grown["files"].([]any) {
		if f := f.(map[string]any); strings.HasPrefix(f["path"].(string), dir) {
			require.Nil(t, largest, "the old file was listed")
			largest = f
		}
	}
	require.Equal(t, filepath.Join(dir, "big"), largest["path"])
	require.NoError(t, os.Remove(filepath.Join(dir, "big")))
	for i := range 30 {
		_ = os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600)
	}
	r := find()
	require.Greater(t, r["inode_share"].(float64), 0.99)
	require.Less(t, r["used_share"].(float64), 0.5)
	require.Equal(t, false, r["turned_read_only"])
}

func TestConnections(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	for range 30 {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer func() { _ = c.Close() }()
		s, err := l.Accept()
		require.NoError(t, err)
		_ = s.Close() // the peer has gone, and c is not closed: CLOSE_WAIT
	}
	v := object(t, ask(t, nil, "host.connections", nil))
	require.GreaterOrEqual(t, v["close_wait"].(int64), int64(30))
	require.Contains(t, v["close_wait_command"], "host.test")
	port := int64(l.Addr().(*net.TCPAddr).Port)
	var mine map[string]any
	for _, r := range v["remotes"].([]any) {
		if r.(map[string]any)["port"] == port {
			mine = r.(map[string]any)
		}
	}
	require.NotNil(t, mine)
	require.Equal(t, int64(30), mine["close_wait"])
}

const oomLog = `6,1001,100000000,-;python invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
6,1002,100000010,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=shop,mems_allowed=0,oom_memcg=/docker/abc,task_memcg=/docker/abc,task=python,pid=4321,uid=0
3,1003,100000020,-;Memory cgroup out of memory: Killed process 4321 (python) total-vm:900000kB, anon-rss:262144kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:600kB oom_score_adj:0
3,1004,200000000,-;EXT4-fs error (device vda1): ext4_find_entry:1455: inode #2: comm ls: reading directory lblock 0
2,1005,200000100,-;EXT4-fs (vda1): Remounting filesystem read-only
4,1006,300000000,-;nf_conntrack: nf_conntrack: table full, dropping packet
6,1007,300000100,-;usb 1-1: new device
`

func TestKernelMessages(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kmsg")
	require.NoError(t, os.WriteFile(path, []byte(oomLog), 0o600))
	s := connector.Settings{"kernel_log": path}
	v := object(t, ask(t, s, "host.oom", nil))
	require.Equal(t, "python", v["newest_process"])
	require.Equal(t, "group", v["newest_scope"])
	list := v["kills"].([]any)
	require.Len(t, list, 1)
	k := list[0].(map[string]any)
	require.Equal(t, int64(4321), k["pid"])
	require.Equal(t, "/docker/abc", k["group"])
	require.Equal(t, int64(256<<20), k["rss_bytes"])

	var kinds []string
	for _, r := range rows(t, ask(t, s, "host.kernel_messages", nil)) {
		kinds = append(kinds, r["kind"].(string))
	}
	require.Equal(t, []string{"conntrack_full", "read_only", "disk_error", "oom", "oom"}, kinds)

	t.Run("syslog and dmesg lines", func(t *testing.T) {
		stamp := time.Now().Add(-time.Minute)
		text := stamp.Format(time.RFC3339) + " box kernel: [12.5] Out of memory: Killed process 77 (java) total-vm:1kB, anon-rss:2kB\n" +
			stamp.Format(time.Stamp) + " box kernel: Out of memory: Killed process 78 (ruby) total-vm:1kB, anon-rss:2kB\n" +
			"[   99.000000] Out of memory: Killed process 79 (node) total-vm:1kB, anon-rss:2kB\n"
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		v := object(t, ask(t, s, "host.oom", nil))
		list := v["kills"].([]any)
		require.Len(t, list, 3)
		require.InDelta(t, 60, list[1].(map[string]any)["age_s"], 5)
		require.InDelta(t, 60, list[2].(map[string]any)["age_s"], 5)
		require.Equal(t, "host", v["newest_scope"])
	})
	t.Run("a log that is not there is an answer without it, and a hint", func(t *testing.T) {
		a := ask(t, connector.Settings{"kernel_log": path + "x"}, "host.kernel_messages", nil)
		require.NotEqual(t, evidence.Answered, a.Status)
		require.NotEmpty(t, a.Hint)
	})
}

const meminfo = "MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 40 kB\nSwapTotal: 100 kB\nSwapFree: 25 kB\nDirty: 1 kB\n"

func TestAnotherMachinesProc(t *testing.T) {
	t.Parallel()
	proc := fixture(t, map[string]string{
		"stat":            "cpu 100 0 100 800 0 0 0 0 0 0\ncpu0 100 0 100 800 0 0 0 0 0 0\nctxt 5\nbtime 1000\nprocs_running 1\nprocs_blocked 0\n",
		"loadavg":         "4.00 2.00 1.00 1/100 99\n",
		"uptime":          "1000.00 900.00\n",
		"meminfo":         meminfo,
		"vmstat":          "pswpin 0\npswpout 0\npgmajfault 0\noom_kill 3\n",
		"pressure/cpu":    "some avg10=50.00 avg60=1.00 avg300=0.00 total=1\n",
		"pressure/memory": "some avg10=20.00 avg60=1.00 avg300=0.00 total=1\nfull avg10=10.00 avg60=0.00 avg300=0.00 total=1\n",
		"pressure/io":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
		"self/cgroup":     "0::/shop.slice/app.service\n",
		"self/mountinfo": "1 0 8:1 / / rw,relatime - ext4 /dev/vda1 ro,errors=remount-ro\n" +
			"2 1 8:2 / /tmp ro - ext4 /dev/vdb1 ro\n3 1 0:3 / /sys rw - sysfs sysfs rw\n",
		"net/tcp": "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
			"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000007 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0\n",
		"net/tcp6": "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
			"   0: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12346 1\n",
		"sys/fs/file-nr":                       "950 0 1000\n",
		"sys/kernel/pid_max":                   "32768\n",
		"sys/net/ipv4/ip_local_port_range":     "32768 60999\n",
		"sys/net/netfilter/nf_conntrack_count": "97\n",
		"sys/net/netfilter/nf_conntrack_max":   "100\n",
	})
	sys := fixture(t, map[string]string{
		"fs/cgroup/shop.slice/memory.max":                 "max\n",
		"fs/cgroup/shop.slice/cpu.max":                    "50000 100000\n",
		"fs/cgroup/shop.slice/cpu.stat":                   "usage_usec 1\nnr_periods 100\nnr_throttled 40\nthrottled_usec 9000000\n",
		"fs/cgroup/shop.slice/app.service/memory.max":     "104857600\n",
		"fs/cgroup/shop.slice/app.service/memory.current": "99614720\n",
		"fs/cgroup/shop.slice/app.service/memory.events":  "low 0\nhigh 0\nmax 5\noom 2\noom_kill 2\n",
		"fs/cgroup/shop.slice/app.service/cpu.max":        "max 100000\n",
	})
	s := connector.Settings{"proc": proc, "sys": sys, "kernel_log": filepath.Join(proc, "none")}

	v := object(t, ask(t, s, "host.memory", nil))
	require.InDelta(t, 0.04, v["available_share"], 1e-9)
	require.InDelta(t, 0.75, v["swap_used_share"], 1e-9)
	require.Equal(t, int64(3), v["oom_kills"])
	require.InDelta(t, 0.1, v["stalled_share"], 1e-9)
	require.Equal(t, int64(104857600), v["cgroup_limit_bytes"])
	require.InDelta(t, 0.95, v["cgroup_share"], 1e-9)
	require.Equal(t, int64(2), v["cgroup_oom_kills"])

	v = object(t, ask(t, s, "host.cpu", nil))
	require.Equal(t, 0.5, v["quota_cores"]) // the tighter limit above it counts
	require.InDelta(t, 4.0, v["load_per_core"], 1e-9)
	require.InDelta(t, 0.5, v["waiting_share"], 1e-9)

	list := rows(t, ask(t, s, "host.listeners", nil))
	require.Len(t, list, 2)
	require.Equal(t, int64(8080), list[0]["port"])
	require.Equal(t, int64(7), list[0]["waiting"])
	require.Nil(t, list[0]["pid"])
	require.Equal(t, "::", list[1]["address"])

	list = rows(t, ask(t, s, "host.disk", nil))
	require.Equal(t, "/", list[0]["mount"])
	require.Equal(t, true, list[0]["turned_read_only"])
	require.Equal(t, false, list[1]["turned_read_only"])

	v = object(t, ask(t, s, "host.connections", nil))
	require.InDelta(t, 0.97, v["conntrack_share"], 1e-9)
	require.Equal(t, int64(28232), v["ports_total"])

	v = object(t, ask(t, s, "host.oom", nil)) // counter without messages: how many, not when
	require.Equal(t, int64(3), v["kills_since_boot"])
	require.Nil(t, v["recent"])

	require.Equal(t, evidence.NotApplicable, ask(t, s, "host.clock", nil).Status)
	require.Equal(t, evidence.NotApplicable, ask(t, connector.Settings{"proc": "/nowhere"}, "host.cpu", nil).Status)
}

// TestWithoutRights asks as a user who may not look into others' processes:
// what can be seen is answered, with a note; what cannot is said to be denied.
func TestWithoutRights(t *testing.T) {
	if os.Geteuid() != 0 {
		fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: only root can change to another user\n\n", t.Name())
		t.Skip("only root can change to another user")
	}
	t.Parallel()
	port := realserver.Port(t)
	start(t, fmt.Sprintf("listen 127.0.0.1:%d", port), "roots-service")
	require.Regexp(t, `^answered .*listeners belong to processes that are hidden`, askAsNobody(t, "host.listeners"))
	require.Regexp(t, `^answered .*open files of \d+ processes are hidden`, askAsNobody(t, "host.fds"))
	require.Regexp(t, `^answered .*open files of \d+ processes are hidden`, askAsNobody(t, "host.files"))
	require.Regexp(t, `^answered`, askAsNobody(t, "host.memory"))
}

func TestCommandWithBracketsIsRead(t *testing.T) {
	t.Parallel()
	proc := fixture(t, map[string]string{
		"stat": "cpu 1 1 1 1\n", "uptime": "100.0 1.0\n",
		"77/stat": "77 (x) y) S 1 77 77 0 -1 0 0 0 0 0 5 5 0 0 20 0 3 0 1000 1000 20 0",
	})
	list := rows(t, ask(t, connector.Settings{"proc": proc}, "host.processes", nil))
	require.Equal(t, "x) y", list[0]["command"])
	require.Equal(t, int64(3), list[0]["threads"])
	require.InDelta(t, 90, list[0]["age_s"], 1e-9)
}

func TestDeadlineAndInterruption(t *testing.T) {
	t.Parallel()
	target, err := host.Kind().Open(nil, connector.Tools{})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	a := target.Ask(ctx, probe.Question{Builtin: "host.cpu", Args: map[string]any{"sample": 5 * time.Second}})
	require.NoError(t, ctx.Err(), "the sample is shortened to fit the deadline")
	require.Equal(t, evidence.Answered, a.Status)
	done, stop := context.WithCancel(context.Background())
	stop()
	require.Equal(t, evidence.NotAsked, target.Ask(done, probe.Question{Builtin: "host.cpu"}).Status)
	require.Equal(t, evidence.NotApplicable, target.Ask(context.Background(), probe.Question{Builtin: "host.nonsense"}).Status)
	require.NoError(t, target.Close())
	require.Equal(t, evidence.NotAsked, target.Ask(context.Background(), probe.Question{Builtin: "host.cpu"}).Status)
	for says, s := range map[string]connector.Settings{
		"unknown setting": {"prok": "/proc"}, "absolute": {"proc": "proc"}, "cannot be read": {"processes": map[string]any{"a": "("}},
	} {
		_, err := host.Kind().Open(s, connector.Tools{})
		require.ErrorContains(t, err, says)
	}
}

func TestExamineSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	target, err := host.Kind().Open(connector.Settings{"kernel_log": "/nowhere/kmsg"}, connector.Tools{})
	require.NoError(t, err)
	var failed []string
	for _, c := range target.(connector.Examiner).Examine(context.Background()) {
		if !c.OK {
			failed = append(failed, c.Name)
			require.NotEmpty(t, c.Fix)
		}
	}
	require.Contains(t, strings.Join(failed, ","), "kernel's messages")
}

func TestWhoseProcessWasKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kmsg")
	require.NoError(t, os.WriteFile(path, []byte(oomLog), 0o600))
	for service, want := range map[string]any{
		"abc":         true,  // the group bears its name
		"nobody-here": nil,   // it is not running: nobody can tell
		"init":        false, // process 1 runs, in another group and under another name
	} {
		s := connector.Settings{"kernel_log": path, "processes": map[string]any{"init": "."}}
		target, err := host.Kind().Open(s, connector.Tools{})
		require.NoError(t, err)
		answer := target.Ask(t.Context(), probe.Question{
			Lang: "probe", Builtin: "host.oom", Now: time.Now(), Since: time.Hour, Service: probe.Service{Name: service},
		})
		require.NoError(t, target.Close())
		k := object(t, answer)["kills"].([]any)[0].(map[string]any)
		require.Equal(t, want, k["of_service"], service)
	}
}
