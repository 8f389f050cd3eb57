package realserver

import (
	"os/exec"
	"testing"
)

// Python returns an interpreter that has a module: Debian's own, or the one on
// the PATH. hint is the Debian package that has it. Where none has, the test
// fails in CI and is skipped elsewhere.
func Python(t testing.TB, module, hint string) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import "+module).Run() == nil {
			return python
		}
	}
	Missing(t, "no python3 has the module "+module+": apt-get install "+hint)
	return ""
}
