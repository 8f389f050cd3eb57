package cli

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The test runs in a process of its own: a priority cannot be taken back without
// permission, and other tests start services.
func TestADiagnosisGoesBeforeOthers(t *testing.T) {
	dir := t.TempDir()
	quell := dir + "/quell"
	self, err := os.Executable() // the scripts' own quell: it goes by its name
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, quell))
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and answers nobody
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	config := fmt.Sprintf("services: {shop: {url: \"http://%s\"}}\n", silent.Addr())
	require.NoError(t, os.WriteFile(dir+"/quell.yaml", []byte(config), 0o600))
	before, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	require.NoError(t, err)
	own := normal - before // the whole suite may run behind others
	for set, want := range map[int]int{0: nice, 5: 5} {
		if unix.Geteuid() != 0 { // may not go before others
			set = max(set, own)
			want = set
		}
		cmd := exec.Command("nice", "-n", strconv.Itoa(set-own), quell, "diagnose", "shop")
		cmd.Dir = dir
		require.NoError(t, cmd.Start())
		seen := func() int {
			p, err := unix.Getpriority(unix.PRIO_PROCESS, cmd.Process.Pid)
			require.NoError(t, err)
			return normal - p
		}
		assert.Eventually(t, func() bool { return seen() == want }, 3*time.Second, 20*time.Millisecond, set)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
