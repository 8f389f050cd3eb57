// Package crash kills quell with kill -9 at seeded points of a whole incident
// (diagnose, plan, approve, apply, verify, undo), has a person go on as a
// person would, and counts at the servers what was done: nothing twice, nothing
// lost, nothing stuck, nothing reported that was not so, no process left.
package crash_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

var (
	points = flag.Int("points", 60, "how many points to kill quell at")
	seed   = flag.Uint64("seed", 1, "of the choice of points")
	stages = flag.Int("stages", 4, "points played at once")
)

// fault is one thing that went wrong at a point.
type fault struct {
	kind  string
	point point
	store string
	text  string
}

// kinds are what must be zero.
var kinds = []string{"applied twice", "lost", "stuck", "wrongly reported", "orphans"}

func TestKilledAnywhere(t *testing.T) {
	quell := build(t)
	postgres := realserver.StartPostgres(t, realserver.PostgresConfig{Settings: map[string]string{"log_statement": "ddl", "max_connections": "100"}})
	calls := count(t, newStage(t, quell, "sqlite", postgres))
	drawn := draw(*points, *seed, calls)

	var mu sync.Mutex
	var faults []fault
	killed, number := 0, 0
	var wg sync.WaitGroup
	work := make(chan int)
	for i := range *stages {
		store := []string{"sqlite", "postgres"}[i%2]
		s := newStage(t, quell, store, postgres)
		wg.Go(func() {
			for n := range work {
				s.next(t, n+1)
				dead, wrong := s.play(t, drawn[n])
				mu.Lock()
				faults = append(faults, wrong...)
				number++
				if dead {
					killed++
				}
				mu.Unlock()
			}
		})
	}
	for n := range drawn {
		work <- n
	}
	close(work)
	wg.Wait()
	report(t, number, killed, calls, faults)
	require.Equal(t, *points, number)
	require.Greater(t, killed, *points*8/10, "most points must really kill it")
	require.Empty(t, faults)
}

// build makes the quell that dies at an exact call.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "quell")
	out, err := exec.Command("go", "build", "-tags", "crash", "-o", path, "github.com/quellhq/quell/cmd/quell").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// count plays the story without a crash, and counts each command's calls.
func count(t *testing.T, s *stage) []int {
	t.Helper()
	s.next(t, 0)
	var calls []int
	for _, c := range story {
		a := s.run(t, "", c.args...)
		if c.name != "diagnose" {
			require.Zerof(t, a.code, "%s: %s", c.name, a.out)
		}
		calls = append(calls, s.calls(t))
	}
	require.Equal(t, -1, s.limit(t))
	limited, unlimited, configured := s.effects(t)
	require.Equal(t, []int{1, 1, 2}, []int{limited, unlimited, configured}, "without a crash, everything happens once")
	return calls
}

// play plays one point: the story with a crash in it, and then what a person
// does who finds it so.
func (s *stage) play(t *testing.T, p point) (killed bool, wrong []fault) {
	t.Helper()
	add := func(kind, format string, args ...any) {
		wrong = append(wrong, fault{kind, p, s.store, fmt.Sprintf(format, args...)})
	}
	for i, c := range story {
		crash := ""
		if i == p.command {
			crash = fmt.Sprintf("%d:%s", p.call, p.when)
		}
		a := s.run(t, crash, c.args...)
		if a.killed {
			killed = true
			a = s.goOn(t, c)
		}
		if a.hung {
			add("stuck", "%s did not come back: %s", c.name, a.out)
			return killed, wrong
		}
		if a.code != 0 && c.name != "diagnose" {
			add("stuck", "%s cannot be brought to an end: %s", c.name, a.out)
			return killed, wrong
		}
		if c.name == "apply" && strings.Contains(a.out, "recovered") && s.limit(t) != 5 {
			add("wrongly reported", "apply says recovered, and the limit is %d", s.limit(t))
		}
	}
	s.compare(t, add)
	return killed, wrong
}

// goOn is what a person does after quell has died: settle, and say it again.
func (s *stage) goOn(t *testing.T, c command) answer {
	t.Helper()
	var a answer
	for range 3 {
		if a = s.run(t, "", "reconcile"); a.hung || a.code != 0 {
			return a
		}
		switch c.name {
		case "diagnose":
			if s.run(t, "", "incident", "show", "INC-1", "--json").code == 0 {
				return answer{}
			}
		case "plan":
			if s.run(t, "", "plan", "INC-1.1").code == 0 {
				return answer{}
			}
		}
		a = s.run(t, "", c.args...)
		if a.code == 0 || a.hung || c.name == "diagnose" || c.name == "undo" && strings.Contains(a.out, "taken back already") {
			a.code = 0
			return a
		}
	}
	return a
}

// compare holds the record against what the servers have counted.
func (s *stage) compare(t *testing.T, add func(kind, format string, args ...any)) {
	t.Helper()
	limited, unlimited, configured := s.effects(t)
	for _, e := range []struct {
		what      string
		got, want int
	}{{"the limit was set", limited, 1}, {"the limit was taken back", unlimited, 1}, {"the cache was configured", configured, 2}} {
		if e.got > e.want {
			add("applied twice", "%s %d times, not %d", e.what, e.got, e.want)
		}
		if e.got < e.want {
			add("lost", "%s %d times, not %d", e.what, e.got, e.want)
		}
	}
	if n := s.limit(t); n != -1 {
		add("lost", "the limit is %d at the end", n)
	}
	made, open := told(t, s.events(t))
	for _, step := range []string{"1", "1 undone", "2", "2 undone"} {
		if made[step] != 1 {
			add("wrongly reported", "the record says %d times that %s was made", made[step], step)
		}
	}
	if open > 0 {
		add("stuck", "%d intents are open at the end", open)
	}
	if a := s.run(t, "", "audit", "verify"); a.code != 0 {
		add("wrongly reported", "the audit log does not hold: %s", a.out)
	}
	if n := s.orphans(); n > 0 {
		add("orphans", "%d processes are left", n)
	}
}

// report prints the table that `make crash` is for.
func report(t *testing.T, number, killed int, calls []int, faults []fault) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "kill -9 at %d points (seed %d), %d of them hit; SQLite and Postgres stores, real Postgres and Redis\n", number, *seed, killed)
	for i, c := range story {
		fmt.Fprintf(&b, "  %-9s %3d calls to the outside\n", c.name, calls[i])
	}
	for _, kind := range kinds {
		n := 0
		for _, f := range faults {
			if f.kind == kind {
				n++
			}
		}
		fmt.Fprintf(&b, "%-17s %d\n", kind, n)
	}
	slices.SortFunc(faults, func(a, b fault) int { return strings.Compare(a.kind, b.kind) })
	for i, f := range faults {
		if i == 10 {
			break
		}
		fmt.Fprintf(&b, "  %s: %s (%s store): %s\n", f.kind, f.point, f.store, f.text)
	}
	if _, err := fmt.Fprint(os.Stdout, b.String()); err != nil {
		t.Log(err)
	}
}
