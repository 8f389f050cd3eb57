// Command runbench measures what a durable step costs: plans of no-op steps,
// each with an intent and a result on disk (fsync at both), run by the same
// executor and the same SQLite store as a real plan. It prints steps per
// second, bytes of state per step, the peak of memory, and how long a process
// takes from its start to its first finished step.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/execution"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/recovery"
	"github.com/quellhq/quell/internal/store"
	"github.com/quellhq/quell/internal/verification"
)

func main() {
	dir := flag.String("dir", "", "where to keep the records: a directory on a real disk (default: the system's temporary one)")
	rounds := flag.Int("rounds", 5, "how often each size is run; the median is printed")
	one := flag.Int("one", 0, "run a single plan of so many steps in this process, and print what it took as JSON")
	flag.Parse()
	if err := run(*dir, *rounds, *one); err != nil {
		fmt.Fprintln(os.Stderr, "runbench:", err)
		os.Exit(1)
	}
}

// result is one plan that was run.
type result struct {
	Steps   int           `json:"steps"`
	Took    time.Duration `json:"took_ns"`  // of the run, the store being open
	First   time.Duration `json:"first_ns"` // from the start of the process to the first finished step
	State   int64         `json:"state_bytes"`
	PeakRSS int64         `json:"peak_rss_bytes"`
}

func run(dir string, rounds, one int) error {
	if one > 0 {
		r, err := single(dir, one)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Printf("%8s  %10s  %12s  %12s  %10s\n", "steps", "steps/s", "bytes/step", "first step", "peak RSS")
	for _, steps := range []int{10, 100, 500, 1000} {
		var list []result
		for range rounds {
			out, err := exec.Command(self, "-one", strconv.Itoa(steps), "-dir", dir).Output()
			if err != nil {
				return fmt.Errorf("%d steps: %w", steps, err)
			}
			var r result
			if err := json.Unmarshal(out, &r); err != nil {
				return err
			}
			list = append(list, r)
		}
		slices.SortFunc(list, func(a, b result) int { return int(a.Took - b.Took) })
		m := list[len(list)/2]
		fmt.Printf("%8d  %10.0f  %12d  %12s  %8.0fMB\n", steps, float64(steps)/m.Took.Seconds(), m.State/int64(steps),
			m.First.Round(time.Millisecond), float64(m.PeakRSS)/1e6)
	}
	return nil
}

// single runs one plan in this process.
func single(dir string, steps int) (result, error) {
	began := processStart()
	dir, err := os.MkdirTemp(dir, "runbench")
	if err != nil {
		return result{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, "incidents.db")})
	if err != nil {
		return result{}, err
	}
	p, begin, err := prepare(ctx, s, steps)
	if err != nil {
		return result{}, err
	}
	r := result{Steps: steps}
	x, err := execution.New(execution.Config{Store: s, World: nothing{}, Gate: nothing{}, Say: func(p execution.Progress) {
		if p.Point == execution.Acted && r.First == 0 {
			r.First = time.Since(began)
		}
	}})
	if err != nil {
		return result{}, err
	}
	start := time.Now()
	if _, err := x.Run(ctx, p, &begin); err != nil {
		return result{}, err
	}
	r.Took, r.PeakRSS = time.Since(start), peak()
	if err := s.Close(); err != nil {
		return result{}, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return result{}, err
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			r.State += info.Size()
		}
	}
	return r, nil
}

func prepare(ctx context.Context, s incident.Store, steps int) (plan.Plan, incident.Event, error) {
	opened, err := incident.New(incident.KindOpened, "bench", "", incident.Opened{Title: "bench"})
	if err != nil {
		return plan.Plan{}, incident.Event{}, err
	}
	id, err := s.Create(ctx, incident.Header{Title: "bench", OpenedAt: time.Now()}, opened)
	if err != nil {
		return plan.Plan{}, incident.Event{}, err
	}
	p := plan.Plan{ID: id + ".1", Incident: id}
	for n := range steps {
		p.Steps = append(p.Steps, plan.Step{
			// Continues: what a step did is verified with the next one, so the
			// bench measures the record and not the wait for better times.
			ID: fmt.Sprintf("%s.%d", p.ID, n+1), Target: "nothing", Services: []string{"bench"}, Continues: true,
			Change: action.Change{Type: "bench.nothing"}, Preview: preview,
		})
	}
	begin, err := incident.New(incident.KindStarted, "bench", "", incident.Started{Plan: p.ID})
	return p, begin, err
}

var preview = action.Preview{Identity: "nothing", Summary: "does nothing", Items: []action.Item{{ID: "nothing", Then: "nothing", Guard: "nothing"}}}

// nothing is a world in which every step is done at once.
type nothing struct{}

func (nothing) Doer(string, string) (action.Doer, error) { return nothing{}, nil }
func (nothing) Preview(context.Context, action.Change) (action.Preview, error) {
	return preview, nil
}

func (nothing) Apply(context.Context, action.Order) (action.Done, error) {
	return action.Done{Summary: "nothing"}, nil
}

func (nothing) Standing(context.Context, action.Order) (action.Standing, error) {
	return action.Standing{State: action.Made}, nil
}

func (nothing) Sample(context.Context, plan.Step, time.Time) verification.Sample {
	return verification.Sample{}
}
func (nothing) Capture(context.Context, plan.Step) []evidence.Evidence       { return nil }
func (nothing) Verifiable(plan.Step) error                                   { return nil }
func (nothing) MayUndo(context.Context, plan.Step, time.Time) *incident.Held { return nil }
func (nothing) Pass(context.Context, plan.Plan, plan.Step, recovery.View, action.Preview, time.Time) ([]string, *incident.Held) {
	return nil, nil
}

// processStart is when this process began, from /proc (proc(5)): its start in
// clock ticks since boot, of which there are 100 in a second.
func processStart() time.Time {
	stat, err := os.ReadFile("/proc/self/stat")
	uptime, err2 := os.ReadFile("/proc/uptime")
	if err != nil || err2 != nil {
		return time.Now()
	}
	text := string(stat)
	ticks, _ := strconv.ParseFloat(strings.Fields(text[strings.LastIndexByte(text, ')')+1:])[19], 64)
	up, _ := strconv.ParseFloat(strings.Fields(string(uptime))[0], 64)
	return time.Now().Add(-time.Duration((up - ticks/100) * float64(time.Second)))
}

// peak is the largest resident memory of this process so far, in bytes.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb * 1024
		}
	}
	return 0
}
