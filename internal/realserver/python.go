package realserver

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// FindModule makes sure that the system's Python has a module. hint is the
// Debian package that has it. Where it is missing the test fails in CI and is
// skipped, loudly, elsewhere.
func FindModule(t testing.TB, module, hint string) {
	t.Helper()
	python := Find(t, "python3", "python3-minimal")
	if exec.Command(python, "-c", "import "+module).Run() == nil {
		return
	}
	message := fmt.Sprintf("python3 has no module %s: apt-get install %s", module, hint)
	if os.Getenv("CI") != "" || os.Getenv("QUELL_NEED_SERVERS") != "" {
		t.Fatal(message)
	}
	fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: %s\n\n", t.Name(), message)
	t.Skip(message)
}
