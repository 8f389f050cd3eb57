package cli

import (
	"fmt"
	"net"
	"os"
	"os/exec"
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
	for nice, want := range map[string]int{"0": nice, "5": 5} {
		cmd := exec.Command("nice", "-n", nice, quell, "diagnose", "shop")
		cmd.Dir = dir
		require.NoError(t, cmd.Start())
		seen := func() int {
			p, err := unix.Getpriority(unix.PRIO_PROCESS, cmd.Process.Pid)
			require.NoError(t, err)
			return normal - p
		}
		if unix.Geteuid() != 0 && nice == "0" {
			want = 0
		}
		assert.Eventually(t, func() bool { return seen() == want }, 3*time.Second, 20*time.Millisecond, nice)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
