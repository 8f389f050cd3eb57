package verification

import (
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/plan"
)

// Felt says whether people still feel what a step is for, by a diagnosis made
// now: No only when every watched condition was looked at and is unlikely. A
// condition whose signs cannot be seen any more is Unknown, unless what has shown
// them is known to be over. level is the highest probability among them, 0 to 1.
func Felt(d diagnosis.Diagnosis, services []string, watched []plan.Watched) (felt Truth, why string, level float64) {
	felt = No
	for _, w := range watched {
		for _, f := range find(d, w.ID, services) {
			level = max(level, f.Probability)
			switch t, reason := one(f, w, d.At); {
			case t == Yes:
				return Yes, reason, level
			case t == Unknown:
				felt, why = Unknown, reason
			case felt == No && why == "":
				why = reason
			}
		}
		if len(find(d, w.ID, services)) == 0 {
			felt, why = Unknown, fmt.Sprintf("%q was not looked at", w.Title)
		}
	}
	if len(watched) == 0 {
		return Unknown, "nothing is watched", 0
	}
	return felt, why, level
}

func one(f *diagnosis.Finding, w plan.Watched, at time.Time) (Truth, string) {
	if f.Probability >= diagnosis.Possible && !f.Vetoed {
		return Yes, fmt.Sprintf("%q is %s (%.0f %%)", f.Title, f.Word, 100*f.Probability)
	}
	known := 0
	for _, s := range f.Signs {
		switch {
		case s.Truth != string(expr.Undecided), f.Refuted(s.Sign, w.Held[s.Sign], at):
			known++
		case slices.Contains(w.Shown, s.Sign):
			return Unknown, fmt.Sprintf("%q cannot be seen any more: %s", f.Title, s.Why)
		}
	}
	if known == 0 {
		return Unknown, fmt.Sprintf("%q has no sign that could be read", f.Title)
	}
	return No, fmt.Sprintf("%q is %s", f.Title, f.Word)
}

// find are the findings of a condition that speak of one of the services.
func find(d diagnosis.Diagnosis, id string, services []string) []*diagnosis.Finding {
	var out []*diagnosis.Finding
	for _, list := range [][]*diagnosis.Finding{d.Symptoms, d.Causes, d.RuledOut} {
		for _, f := range list {
			if f.ID != id {
				continue
			}
			for _, s := range f.Services {
				if slices.Contains(services, s) {
					out = append(out, f)
					break
				}
			}
		}
	}
	return out
}
