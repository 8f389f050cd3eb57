package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/recovery"
)

// demoTable runs every fault, and a healthy shop, and prints a line of each:
// what was found, and with --yes what came of mending it.
func demoTable(ctx context.Context, s streams, f demoFlags) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	if f.yes {
		return healTable(ctx, s, o)
	}
	fmt.Fprintf(s.out, "%-16s %-5s %-8s %s\n", "fault", "rank", "seconds", "first cause")
	right, all := 0, 0
	err = app.RunDemos(ctx, o, false, func(r *app.DemoResult) {
		all++
		if found(r) {
			right++
		}
		fmt.Fprintf(s.out, "%-16s %-5s %-8.1f %s\n", r.Fault.Name, rank(r), r.Outcome.Page.Took.Seconds(), joinedTitles(r.Outcome.Page))
	})
	if err == nil {
		fmt.Fprintf(s.out, "%d of %d right\n", right, all)
	}
	return err
}

func found(r *app.DemoResult) bool {
	return r.RootRank == 1 || r.Fault.Name == app.HealthyFault && r.Outcome.Page.Diagnosis.Verdict == diagnosis.Nothing
}

func rank(r *app.DemoResult) string {
	if r.Rank == 0 {
		return "–"
	}
	return fmt.Sprint(r.Rank)
}

// healTable is the closed loop. What Quell says of the end is held against what
// the visitors and the shop itself still feel.
func healTable(ctx context.Context, s streams, o app.DemoOptions) error {
	fmt.Fprintf(s.out, "%-16s %-5s %-8s %-14s %s\n", "fault", "rank", "seconds", "end", "what was done, and what is still felt")
	count := map[string]int{}
	err := app.RunDemos(ctx, o, true, func(r *app.DemoResult) {
		end := ending(r)
		count[end]++
		count["all"]++
		if found(r) {
			count["found"]++
		}
		text := strings.Join(deeds(r), "; ")
		if r.Trouble != "" {
			text += " — still felt: " + r.Trouble
			if end == recovered {
				count["wrong"]++
			}
		}
		fmt.Fprintf(s.out, "%-16s %-5s %-8.1f %-14s %s\n", r.Fault.Name, rank(r), r.Took.Seconds(), end, text)
	})
	if err == nil {
		fmt.Fprintf(s.out, "%d of %d right; %d recovered (%d of them wrongly so), %d not recovered, %d need a person\n",
			count["found"], count["all"], count[recovered], count["wrong"], count[notRecovered], count[needsPerson])
	}
	return err
}

// How a fault ended, in the words of the table.
const (
	recovered    = "recovered"
	notRecovered = "not recovered"
	needsPerson  = "by hand"
	nothingDone  = "nothing to do"
)

func ending(r *app.DemoResult) string {
	switch {
	case r.Plan.ID == "":
		return nothingDone
	case r.End.Outcome == incident.Recovered || r.End.Outcome == incident.Subsided:
		return recovered
	case len(r.Applied) == 0:
		return needsPerson
	}
	return notRecovered
}

// deeds are the steps that were begun with what became of them, or what is left
// to people.
func deeds(r *app.DemoResult) []string {
	var out []string
	for _, a := range r.Applied {
		text := a.Title
		if a.Standing != recovery.Helped {
			text += " (" + string(a.Standing) + ")"
		}
		out = append(out, text)
	}
	if len(out) > 0 || len(r.Plan.Tasks) == 0 {
		return out
	}
	return []string{"only for people: " + r.Plan.Tasks[0].Title}
}
