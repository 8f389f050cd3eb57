// Package server_test breaks real servers and scores the diagnosis of them.
package server_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/quellhq/quell/internal/diagnosis"
)

// score is what came of one variant of one fault.
type score struct {
	rank  int // of the true cause among the ranked causes, from 1; notRanked: it is not among them
	roots int
	what  string // the first root, or the verdict where there is none
	said  []claim
	again *score // the second try, where the first was missed
}

// missed reports a true cause that is not among the first three, or a likely
// cause where nothing is wrong.
func (s score) missed(f Fault) bool {
	if len(f.Truth) == 0 {
		return s.roots > 0
	}
	return s.rank > 3
}

// stillMissed is missed, in both tries.
func (s score) stillMissed(f Fault) bool {
	return s.missed(f) && (s.again == nil || s.again.missed(f))
}

// claim is a root that was named, and whether it was a true cause.
type claim struct {
	word  string
	right bool
}

// TestScore injects every fault into a real server, asks everything, and looks
// for the true cause. It prints the table, and fails below the aims: the true
// cause first in 23 of 25 faults at the first try; and, with a second try where
// the first missed, among the first three in all of them, and no likely cause on
// any healthy state. With -short, as the whole suite runs it, each fault comes in
// its first variant only; `make score` lets in all of them.
func TestScore(t *testing.T) {
	var mu sync.Mutex
	byName := map[string]score{}
	all := faults()
	if testing.Short() {
		for i := range all {
			all[i].Variants = all[i].Variants[:1]
		}
	}
	// Faults that take both processors come alone, before the others.
	for _, alone := range []bool{true, false} {
		t.Run(fmt.Sprintf("alone=%v", alone), func(t *testing.T) {
			for _, f := range all {
				for _, v := range f.Variants {
					if f.Alone != alone {
						continue
					}
					t.Run(f.Name+"/"+v.Name, func(t *testing.T) {
						if !alone {
							t.Parallel()
						}
						s := try(t, f, v)
						if s.missed(f) {
							// Real servers under load are not the same twice. What
							// fails twice is a fault of ours; the table and the
							// first aim keep to the first try.
							t.Run("again", func(t *testing.T) { s.again = new(try(t, f, v)) })
						}
						mu.Lock()
						defer mu.Unlock()
						byName[f.Name+"/"+v.Name] = s
					})
				}
			}
		})
	}
	if !t.Failed() {
		tally(t, all, byName)
	}
}

// try lets one variant in, asks, and looks for the true cause.
func try(t *testing.T, f Fault, v Variant) score {
	env := &Env{Service: "shop"}
	v.Inject(t, env)
	d := diagnose(t, env)
	s := score{rank: rankOf(d, f.Truth), roots: len(d.Roots), what: "(" + d.Summary + ")"}
	for _, r := range d.Roots {
		s.said = append(s.said, claim{r.Word, slices.Contains(f.Truth, r.ID)})
	}
	if len(d.Roots) > 0 {
		s.what = fmt.Sprintf("%s (%s)", d.Roots[0].ID, d.Roots[0].Word)
	} else if s.rank == 1 {
		s.rank = 2 // the most suspected, but not named as the cause
	}
	if len(f.Truth) > 0 && s.rank != 1 || len(f.Truth) == 0 && s.roots > 0 {
		t.Log(explain(d, f.Truth))
	}
	return s
}

// faults lists everything that is let in, healthy states included.
func faults() []Fault {
	return slices.Concat(postgresFaults(), redisFaults(), redisHealthy())
}

// rankOf is the place of the best true cause in the ranking.
func rankOf(d diagnosis.Diagnosis, truth []string) int {
	for i, f := range d.Causes {
		if slices.Contains(truth, f.ID) {
			return i + 1
		}
	}
	return notRanked
}

// notRanked is the rank of a cause that is ruled out, or was not asked about.
const notRanked = 999

// tally prints the table and holds it to the aims. A fault counts by the worse
// of its variants.
func tally(t *testing.T, all []Fault, scores map[string]score) {
	var first, top, tried, sick, states int
	var twice []string
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-46s %-34s %-5s %s\n", "fault", "variant", "rank", "first root")
	for _, f := range all {
		worst := 1
		for _, v := range f.Variants {
			s := scores[f.Name+"/"+v.Name]
			shown := fmt.Sprint(s.rank)
			if len(f.Truth) == 0 {
				shown = "–"
				states++
				sick += min(s.roots, 1)
			}
			worst = max(worst, s.rank)
			if s.stillMissed(f) {
				twice = append(twice, f.Name+", "+v.Name)
			}
			fmt.Fprintf(&b, "%-46s %-34s %-5s %s\n", f.Name, v.Name, shown, s.what)
		}
		if len(f.Truth) > 0 {
			tried++
			if worst == 1 {
				first++
			}
			if worst <= 3 {
				top++
			}
		}
	}
	fmt.Fprintf(&b, "\ntrue cause first in %d of %d faults (every variant), among the first three in %d; a likely cause on %d of %d healthy states (first tries)\n", first, tried, top, sick, states)
	calibration(&b, scores)
	fmt.Fprint(os.Stdout, b.String())
	if first*25 < tried*23 {
		t.Errorf("the true cause is first in %d of %d faults; the aim is 23 of 25", first, tried)
	}
	for _, name := range twice {
		t.Errorf("%s: twice in a row the true cause was not among the first three, or a healthy state had a likely cause", name)
	}
	if tried < 25 || states < 10 {
		t.Errorf("%d faults and %d healthy states were tried; the aim is 25 and 10", tried, states)
	}
}

// calibration prints how often each word for a probability was right.
func calibration(b *strings.Builder, scores map[string]score) {
	right, said := map[string]int{}, map[string]int{}
	for _, s := range scores {
		for _, c := range s.said {
			said[c.word]++
			if c.right {
				right[c.word]++
			}
		}
	}
	for _, word := range slices.Sorted(maps.Keys(said)) {
		fmt.Fprintf(b, "%q was said of %d roots, and right of %d (%.0f %%)\n", word, said[word], right[word], 100*float64(right[word])/float64(said[word]))
	}
}

// explain is the ranking, for a fault that was not understood.
func explain(d diagnosis.Diagnosis, truth []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", d.Summary)
	for i, f := range d.Causes {
		if i >= 5 && !slices.Contains(truth, f.ID) {
			continue
		}
		fmt.Fprintf(&b, "%2d  %.3f  %s\n", i+1, f.Probability, f.ID)
		if i < 2 || slices.Contains(truth, f.ID) {
			for _, s := range f.Signs {
				fmt.Fprintf(&b, "      %-8s %-9s %+.2f  %s %s\n", s.Truth, s.Weight, s.Pull, s.Means, s.Why)
			}
		}
	}
	for _, f := range d.RuledOut {
		if slices.Contains(truth, f.ID) {
			for _, s := range f.Signs {
				fmt.Fprintf(&b, "      ruled out: %-8s %-9s %s\n", s.Truth, s.Weight, s.Means)
			}
		}
	}
	return b.String()
}
