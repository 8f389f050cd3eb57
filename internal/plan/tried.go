package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/expr"
)

// triedWithin is how long a change that did not help is not proposed again: by
// then there may be another release to go back from, or another leak.
const triedWithin = 30 * time.Minute

// Tried is a change that an earlier plan of an incident has made or attempted,
// and that is known not to have mended it.
type Tried struct {
	Step   string // "INC-7.1.2"
	Target string
	Change action.Change
	At     time.Time // when that was known
	Why    string    // "it did not help"
}

// Untried leaves out the steps that were tried lately, and says so in a note.
func Untried(steps []Step, tried []Tried, now time.Time, notes []string) ([]Step, []string) {
	var kept []Step
	for _, s := range steps {
		digest := action.Digest(s.Change)
		at := slices.IndexFunc(tried, func(t Tried) bool {
			return t.Target == s.Target && now.Sub(t.At) < triedWithin && action.Digest(t.Change) == digest
		})
		if at < 0 {
			kept = append(kept, s)
			continue
		}
		t := tried[at]
		notes = append(notes, fmt.Sprintf("%s: %s on %s is not in the plan: step %s tried that %s ago, and %s",
			s.Title, s.Change.Type, s.Target, t.Step, expr.FormatDuration(now.Sub(t.At).Round(time.Second)), t.Why))
	}
	endRemedies(kept)
	return kept, notes
}
