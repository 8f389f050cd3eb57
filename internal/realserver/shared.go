package realserver

import (
	"fmt"
	"os"
	"testing"
)

// Main runs the tests of a package around one shared setup: setup gets a
// testing.TB whose clean-up runs after the last test. Call it from TestMain and
// give its result to os.Exit. A setup that fails ends the run; one that is
// skipped (a missing server) lets every test find that for itself.
func Main(m *testing.M, setup func(t testing.TB)) int {
	t := &mainTB{}
	defer t.cleanup()
	func() {
		defer func() {
			if r := recover(); r != nil {
				if _, ended := r.(endOfSetup); !ended {
					panic(r)
				}
			}
		}()
		setup(t)
	}()
	if t.failed {
		return 1
	}
	return m.Run()
}

// endOfSetup is thrown by mainTB where a test would leave its goroutine.
type endOfSetup struct{}

// mainTB is enough of a testing.TB for the starters of this package.
type mainTB struct {
	testing.TB
	failed bool
	clean  []func()
}

func (t *mainTB) cleanup() {
	for i := len(t.clean) - 1; i >= 0; i-- {
		t.clean[i]()
	}
}

func (t *mainTB) Helper()          {}
func (t *mainTB) Name() string     { return "TestMain" }
func (t *mainTB) Cleanup(f func()) { t.clean = append(t.clean, f) }
func (t *mainTB) Logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
func (t *mainTB) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	t.failed = true
	panic(endOfSetup{})
}
func (t *mainTB) Fatalf(format string, args ...any) { t.Fatal(fmt.Sprintf(format, args...)) }
func (t *mainTB) Skip(...any)                       { panic(endOfSetup{}) }
