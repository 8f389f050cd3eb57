package diagnosis

import (
	"math"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
)

// blindSpots groups what could not be seen by what would open it, and names
// the question whose answer could move the ranking most.
func blindSpots(in Input, all []*Finding, roots []Root) ([]BlindSpot, *Question) {
	type group struct{ target, status, reason string }
	spots := map[group]*BlindSpot{}
	var order []group
	settled := map[*Finding]bool{}
	for _, r := range roots {
		for _, f := range r.downstream() {
			settled[f] = true
		}
	}
	// What could be behind something that is seen is asked before all else.
	var next [2]*Question
	var best [2]float64
	for _, f := range all {
		for i, s := range f.Signs {
			if s.Truth != string(expr.Undecided) || f.Vetoed {
				continue
			}
			gain := f.gain(i, settled[f])
			for _, name := range s.reads {
				e, asked := f.subject.Evidence[name]
				if asked && e.Known() || playbook.OfTime(name) {
					continue // what nobody tells of changes is no answer of a question
				}
				if !asked {
					e = evidence.Evidence{Answer: evidence.Not(evidence.NotAsked, "was not asked", "")}
				}
				if e.Status == evidence.NotApplicable {
					// The question does not arise there: nothing is hidden by it.
					continue
				}
				key := group{e.Target, string(e.Status), e.Reason}
				spot := spots[key]
				if spot == nil {
					spot = &BlindSpot{Target: e.Target, Status: e.Status, Reason: e.Reason, Hint: e.Hint, Probes: []string{}, Conditions: []string{}}
					spots[key] = spot
					order = append(order, key)
				}
				spot.Probes = addSorted(spot.Probes, name)
				spot.Conditions = addSorted(spot.Conditions, f.Title)
				spot.Matters = math.Max(spot.Matters, round(gain))
				rank := 1
				if !settled[f] && f.feltBySomeone() {
					rank = 0
				}
				if gain > best[rank] {
					best[rank] = gain
					next[rank] = &Question{Probe: name, Target: e.Target, Text: s.Means, Condition: f.ID, Title: f.Title, Hint: e.Hint}
				}
			}
		}
	}
	out := make([]BlindSpot, 0, len(order))
	for _, key := range order {
		out = append(out, *spots[key])
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Matters != b.Matters {
			return a.Matters > b.Matters
		}
		if len(a.Conditions) != len(b.Conditions) {
			return len(a.Conditions) > len(b.Conditions)
		}
		return a.Target+string(a.Status)+a.Reason < b.Target+string(b.Status)+b.Reason
	})
	if next[0] == nil || best[0] < leastGain && best[1] >= leastGain {
		return out, next[1]
	}
	return out, next[0]
}

// leastGain is how much a question has to be able to move to be worth asking
// first (own value).
const leastGain = 0.05

// gain is how much the probability of f could move if its unknown sign i had an
// answer. What a found root already explains matters little, and a cause whose
// symptoms are seen matters more than one that nobody feels.
func (f *Finding) gain(i int, settled bool) float64 {
	gain := math.Abs(f.ifTrue(i) - f.Probability)
	switch {
	case settled:
		return gain / 4
	case f.Kind == playbook.Cause && f.feltBySomeone():
		return gain
	}
	return gain / 2
}

func (f *Finding) feltBySomeone() bool {
	if f.Reported > 0 {
		return true
	}
	for _, g := range f.effects {
		if g.likely() || g.Reported > 0 {
			return true
		}
	}
	return false
}
