package trial

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quellhq/quell/lab/fault"
)

// Failed is the result of a trial that could not be held.
func Failed(t Trial, err error) Result {
	return Result{Fault: t.Fault.Name, Kind: t.Fault.Kind, Group: t.Fault.Group, Cause: t.Fault.Cause, Seed: t.Seed, Error: err.Error()}
}

// Head is the first line of the table.
func Head() string {
	return fmt.Sprintf("%-34s %4s  %-6s %-22s %-6s %-6s %6s %7s  %s\n", "fault", "seed", "rank", "said", "chain", "false", "probes", "seconds", "first root")
}

// Line is a result in one line.
func (r Result) Line() string {
	if r.Error != "" {
		return fmt.Sprintf("%-34s %4d  not run: %s\n", r.Fault, r.Seed, strings.SplitN(r.Error, "\n", 2)[0])
	}
	ranks := make([]string, len(r.Ranks))
	for i, rank := range r.Ranks {
		if ranks[i] = fmt.Sprint(rank); rank == 0 {
			ranks[i] = "no"
		}
	}
	rank, word, chain, first := strings.Join(ranks, ","), strings.Join(r.Words, ", "), "no", r.First
	if len(r.Ranks) == 0 {
		rank, word = "–", r.Verdict
	}
	if r.Chain {
		chain = "yes"
	} else if len(r.Ranks) == 0 {
		chain = "–"
	}
	if first == "" {
		first = "(" + r.Verdict + ")"
	}
	return fmt.Sprintf("%-34s %4d  %-6s %-22s %-6s %-6d %6d %7.1f  %s\n", r.Fault, r.Seed, rank, word, chain, len(r.False), r.Probes, r.Seconds, first)
}

// share is so many of so many.
type share struct{ of, all int }

func (s *share) count(yes bool) {
	s.all++
	if yes {
		s.of++
	}
}

func (s share) String() string {
	if s.all == 0 {
		return "none tried"
	}
	return fmt.Sprintf("%d of %d (%.0f %%)", s.of, s.all, 100*float64(s.of)/float64(s.all))
}

// Summary is what the results come to, group by group and in all.
func Summary(results []Result) string {
	var b strings.Builder
	type tally struct{ first, three, chain, alone share }
	groups := map[string]*tally{}
	all := &tally{}
	var quiet, both, herring share
	var failed, abstained int
	var seconds []float64
	for _, r := range results {
		if r.Error != "" {
			failed++
			continue
		}
		seconds = append(seconds, r.Seconds)
		switch r.Kind {
		case fault.Healthy, fault.Recovered:
			quiet.count(r.First == "")
			continue
		case fault.Double:
			both.count(!slices.Contains(r.Named, false))
			continue
		case fault.Herring:
			herring.count(r.Right())
		}
		if r.First == "" {
			abstained++
		}
		if groups[r.Group] == nil {
			groups[r.Group] = &tally{}
		}
		for _, t := range []*tally{groups[r.Group], all} {
			rank := r.Ranks[0]
			t.first.count(rank == 1)
			t.three.count(rank >= 1 && rank <= 3)
			t.chain.count(r.Chain)
			t.alone.count(len(r.False) == 0)
		}
	}
	line := func(name string, t *tally) {
		fmt.Fprintf(&b, "%-18s %-18s %-18s %-18s %s\n", name, t.first, t.three, t.chain, t.alone)
	}
	fmt.Fprintf(&b, "\n%-18s %-18s %-18s %-18s %s\n", "group", "first", "first three", "chain", "no false companion")
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		line(name, groups[name])
	}
	line("all", all)
	fmt.Fprintf(&b, "\nboth causes of a double fault named: %s\n", both)
	fmt.Fprintf(&b, "true cause first beside a red herring: %s\n", herring)
	fmt.Fprintf(&b, "nothing likely where nothing is wrong: %s\n", quiet)
	fmt.Fprintf(&b, "faults on which nothing was named: %d; trials that could not be held: %d\n", abstained, failed)
	b.WriteString(Calibration(results))
	if len(seconds) > 0 {
		slices.Sort(seconds)
		fmt.Fprintf(&b, "seconds of a diagnosis: p50 %.1f, p95 %.1f\n", quantile(seconds, 0.5), quantile(seconds, 0.95))
	}
	return b.String()
}

func quantile(sorted []float64, q float64) float64 {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
