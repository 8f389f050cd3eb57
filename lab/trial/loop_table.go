package trial

import (
	"fmt"
	"slices"
	"strings"
)

// LoopHead is the first line of the table of closed loops.
func LoopHead() string {
	return fmt.Sprintf("%-34s %4s  %-16s %-5s %-6s %7s  %s\n", "fault", "seed", "quell says", "well", "worse", "seconds", "actions of the plan")
}

// Line is a closed loop in one line.
func (c Closed) Line() string {
	if c.Error != "" {
		return fmt.Sprintf("%-34s %4d  not run: %s\n", c.Fault, c.Seed, strings.SplitN(c.Error, "\n", 2)[0])
	}
	word := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprintf("%-34s %4d  %-16s %-5s %-6s %7.0f  %s\n", c.Fault, c.Seed, c.Outcome, word(c.Well), word(c.Worse), c.Seconds, strings.Join(c.Steps, ", "))
}

// LoopSummary is what the closed loops come to.
func LoopSummary(all []Closed) string {
	var verified, worse, first share
	var wrong, idle, failed int
	var seconds []float64
	for _, c := range all {
		switch {
		case c.Error != "":
			failed++
			continue
		case !c.Acted():
			idle++
			continue
		}
		verified.count(c.Outcome == "recovered" && c.Well)
		first.count(c.Outcome == "recovered" && c.Well && c.Plans <= 1)
		worse.count(c.Worse)
		if c.Wrong() {
			wrong++
		}
		if c.Outcome == "recovered" && c.Well {
			seconds = append(seconds, c.Seconds)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nverified recovery where the plan has an action: %s\n", verified)
	fmt.Fprintf(&b, "by the first plan: %s\n", first)
	fmt.Fprintf(&b, "customers left worse off than before: %s\n", worse)
	fmt.Fprintf(&b, "wrongly called recovered: %d; plans without an action: %d; trials that could not be held: %d\n", wrong, idle, failed)
	if len(seconds) > 0 {
		slices.Sort(seconds)
		fmt.Fprintf(&b, "seconds from the fault to recovery: p50 %.0f, p95 %.0f\n", quantile(seconds, 0.5), quantile(seconds, 0.95))
	}
	return b.String()
}
