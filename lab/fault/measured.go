package fault

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// A fault of processors has to bite on a quick machine as on a slow one, so it
// is made to measure: of what the service uses, and of what a step costs here.

// coresUsed is how many cores a process and its children use on an ordinary day,
// over a few seconds of it.
func coresUsed(ctx context.Context, p *stack.Process) (float64, error) {
	before, began := ticks(p), time.Now()
	if err := meanwhile(ctx, 5*time.Second); err != nil {
		return 0, err
	}
	const perSecond = 100 // of /proc/PID/stat, on every architecture that runs this
	used := float64(ticks(p)-before) / perSecond / time.Since(began).Seconds()
	if used <= 0 {
		return 0, fmt.Errorf("%s uses no processor: nobody visits it", p.Name)
	}
	return used, nil
}

// ticks are the clock ticks that a process and its children have computed.
func ticks(p *stack.Process) int {
	sum := 0
	for _, pid := range append(p.Children(), p.Pid()) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended meanwhile
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if words := strings.Fields(rest); len(words) > 12 {
			user, _ := strconv.Atoi(words[11])
			system, _ := strconv.Atoi(words[12])
			sum += user + system
		}
	}
	return sum
}

// limited gives each instance so many cores and no more, once it has started: a
// start costs more than an ordinary minute.
func limited(ctx context.Context, s *stack.Stack, cores float64) error {
	var groups []string
	for _, p := range []*stack.Process{s.WebA, s.WebB} {
		group, err := fenced(s, p, "cpu", nil)
		if err != nil {
			return err
		}
		groups = append(groups, group)
	}
	if err := meanwhile(ctx, 6*time.Second); err != nil {
		return err
	}
	const period = 100_000 // µs, the kernel's own
	quota := strconv.Itoa(max(int(cores*period), 1000))
	for _, group := range groups {
		if err := os.WriteFile(filepath.Join(group, "cpu.cfs_quota_us"), []byte(quota), 0o644); err != nil {
			return fmt.Errorf("limit the processors: %w", err)
		}
	}
	return nil
}

// comparedIn is how many names have to be compared each with each, letter by
// letter in Python, for it to take so long.
func comparedIn(ctx context.Context, s *stack.Stack, want time.Duration) (int, error) {
	const measure = `import time
a = "category 12 item"
began = time.perf_counter()
for _ in range(300):
    sum(x == y for x in a for y in a)
print((time.perf_counter() - began) / 300)`
	out, err := s.Tool(ctx, nil, stack.Python, "-c", measure)
	if err != nil {
		return 0, err
	}
	each, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
	if err != nil || each <= 0 {
		return 0, fmt.Errorf("measure a comparison: %q", out)
	}
	return int(math.Sqrt(want.Seconds() / each)), nil
}
