package diagnosis

import (
	"slices"
	"time"

	"github.com/quellhq/quell/internal/expr"
)

// hold notes which alternatives of its true signs have shown f.
func (f *Finding) hold(at time.Time) {
	vars := f.subject.vars(at)
	for i, sign := range f.condition.Signs {
		if f.Signs[i].Truth != string(expr.True) {
			continue
		}
		for _, a := range sign.Program.Alternatives() {
			if truth, _ := a.Test(vars); truth == expr.True {
				f.Signs[i].Held = append(f.Signs[i].Held, a.Source())
			}
		}
	}
}

// Refuted reports whether what had shown a sign is known not to be so at a time:
// each of the alternatives that held is false, whatever is unknown of the others.
func (f *Finding) Refuted(sign string, held []string, at time.Time) bool {
	if len(held) == 0 {
		return false
	}
	for _, s := range f.condition.Signs {
		if s.Program.Source() != sign {
			continue
		}
		vars := f.subject.vars(at)
		left := slices.Clone(held)
		for _, a := range s.Program.Alternatives() {
			if truth, _ := a.Test(vars); truth == expr.False {
				left = slices.DeleteFunc(left, func(text string) bool { return text == a.Source() })
			}
		}
		return len(left) == 0
	}
	return false
}
