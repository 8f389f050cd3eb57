// Package crash kills quell with kill -9 at seeded points of a whole incident
// (diagnose, plan, approve, apply, verify, undo), has a person go on as a
// person would, and counts in the world what was done: nothing twice, nothing
// lost, nothing stuck, nothing reported that was not so, no process left.
package crash_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

var (
	points = flag.Int("points", 60, "how many points to kill quell at")
	seed   = flag.Uint64("seed", 1, "of the choice of points")
	pairs  = flag.Int("pairs", 3, "pairs of points played at once, one for each scene")
)

// fault is one thing that went wrong at a point.
type fault struct {
	kind  string
	point point
	stage string
	text  string
}

// kinds are what must be zero.
var kinds = []string{"applied twice", "lost", "stuck", "wrongly reported", "orphans"}

func TestKilledAnywhere(t *testing.T) {
	quell := build(t)
	postgres := realserver.StartPostgres(t, realserver.PostgresConfig{Settings: map[string]string{"log_statement": "ddl", "max_connections": "100"}})
	scenes := map[string]func() scene{
		"guarded changes (Postgres, Redis)":     func() scene { return newGuarded(t, postgres) },
		"changes nobody can tell of afterwards": func() scene { return newUntold(t) },
	}
	table := &table{}
	var wg sync.WaitGroup
	for n, name := range []string{"guarded changes (Postgres, Redis)", "changes nobody can tell of afterwards"} {
		calls := count(t, &stage{scene: scenes[name](), quell: quell, store: "sqlite", postgres: postgres}, n)
		table.scene(name, scenes[name]().story(), calls)
		work := make(chan int)
		drawn := draw((*points+n)/2, *seed+uint64(n), calls)
		for i := range *pairs {
			s := &stage{scene: scenes[name](), quell: quell, store: []string{"sqlite", "postgres"}[i%2], postgres: postgres}
			wg.Go(func() {
				for at := range work {
					s.next(t, fmt.Sprintf("p%d_%d", n, at+1))
					killed, wrong := s.play(t, drawn[at])
					s.gone(t)
					table.add(killed, wrong)
				}
			})
		}
		wg.Go(func() {
			defer close(work)
			for at := range drawn {
				work <- at
			}
		})
	}
	wg.Wait()
	table.print()
	require.Equal(t, *points, table.played)
	require.Greater(t, table.killed, *points*8/10, "most points must really kill it")
	require.Empty(t, table.faults)
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
func count(t *testing.T, s *stage, number int) []int {
	t.Helper()
	s.next(t, fmt.Sprintf("whole_%d", number))
	var calls []int
	for _, c := range s.story() {
		a := s.run(t, "", c.args...)
		if c.name != "diagnose" {
			require.Zerof(t, a.code, "%s: %s", c.name, a.out)
		}
		calls = append(calls, s.calls(t))
	}
	for _, e := range s.effects(t) {
		require.Equalf(t, e.want, e.got, "without a crash, how often %s", e.what)
	}
	return calls
}

// play plays one point: the story with a crash in it, and then what a person
// does who finds it so.
func (s *stage) play(t *testing.T, p point) (killed bool, wrong []fault) {
	t.Helper()
	add := func(kind, format string, args ...any) {
		wrong = append(wrong, fault{kind, p, s.playbook() + ", " + s.store + " store", fmt.Sprintf(format, args...)})
	}
	for i, c := range s.story() {
		crash := ""
		if i == p.command {
			crash = fmt.Sprintf("%d:%s", p.call, p.when)
		}
		a := s.run(t, crash, c.args...)
		if a.killed {
			killed = true
			if n := s.orphans(); n > 0 {
				add("orphans", "%d processes outlive it", n)
			}
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
		if c.name == "apply" && strings.Contains(a.out, "recovered") && !s.cured(t) {
			add("wrongly reported", "apply says recovered, and it is not")
		}
	}
	s.compare(t, add)
	return killed, wrong
}

// goOn is what a person does after quell has died: settle, look where nobody
// else can tell, and say it again.
func (s *stage) goOn(t *testing.T, c command) answer {
	t.Helper()
	var a answer
	for range 4 {
		a = s.run(t, "", "reconcile")
		if a.hung {
			return a
		}
		if _, _, step := told(t, s.events(t)); step != "" {
			word := "no"
			if s.happened(t, key(step, false)) {
				word = "yes"
			}
			if a = s.run(t, "", "reconcile", step, "--happened", word); a.code != 0 {
				return a
			}
		} else if a.code != 0 {
			return a
		}
		if c.name == "diagnose" && s.run(t, "", "incident", "show", "INC-1", "--json").code == 0 ||
			c.name == "plan" && s.run(t, "", "plan", "INC-1.1").code == 0 {
			return answer{}
		}
		a = s.run(t, "", c.args...)
		if a.code == 0 || a.hung || c.name == "diagnose" || c.name == "undo" && strings.Contains(a.out, "taken back already") {
			a.code = 0
			return a
		}
	}
	return a
}

// compare holds the record against what the world has counted.
func (s *stage) compare(t *testing.T, add func(kind, format string, args ...any)) {
	t.Helper()
	for _, e := range s.effects(t) {
		if e.got > e.want {
			add("applied twice", "%s: %d times, not %d", e.what, e.got, e.want)
		}
		if e.got < e.want {
			add("lost", "%s: %d times, not %d", e.what, e.got, e.want)
		}
	}
	made, open, _ := told(t, s.events(t))
	for _, step := range s.made() {
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

// table is what `make crash` prints.
type table struct {
	mu             sync.Mutex
	text           strings.Builder
	played, killed int
	faults         []fault
}

func (b *table) scene(name string, story []command, calls []int) {
	fmt.Fprintf(&b.text, "%s\n", name)
	for i, c := range story {
		fmt.Fprintf(&b.text, "  %-9s %3d calls to the store and to the systems\n", c.name, calls[i])
	}
}

func (b *table) add(killed bool, wrong []fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.played++
	if killed {
		b.killed++
	}
	b.faults = append(b.faults, wrong...)
}

func (b *table) print() {
	out := &b.text
	fmt.Fprintf(out, "kill -9 at %d seeded points (seed %d), %d of which were reached; SQLite and Postgres stores\n", b.played, *seed, b.killed)
	for _, kind := range kinds {
		n := 0
		for _, f := range b.faults {
			if f.kind == kind {
				n++
			}
		}
		fmt.Fprintf(out, "%-17s %d\n", kind, n)
	}
	for i, f := range b.faults {
		if i == 12 {
			break
		}
		fmt.Fprintf(out, "  %s: %s (%s): %s\n", f.kind, f.point, f.stage, f.text)
	}
	_, _ = fmt.Fprint(os.Stdout, out.String())
}
