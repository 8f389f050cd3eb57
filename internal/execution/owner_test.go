package execution

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhetherAnOwnerStillRuns(t *testing.T) {
	t.Parallel()
	self := Self()
	require.False(t, ended(self), self)
	part := strings.Split(self, "/")
	with := func(n int, text string) string {
		changed := append([]string{}, part...)
		changed[n] = text
		return strings.Join(changed, "/")
	}
	require.True(t, ended(with(1, "another-boot")), "before the machine was started anew")
	require.True(t, ended(with(3, "1")), "its number belongs to another process now")
	require.False(t, ended(with(0, "elsewhere")), "of another machine nothing is known")
	require.False(t, ended("somebody"))

	child := exec.Command("sleep", "600")
	require.NoError(t, child.Start())
	number := strconv.Itoa(child.Process.Pid)
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	require.True(t, ended(with(2, number)), "it has ended and is gone")
}
