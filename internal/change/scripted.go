package change

import (
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/probe"
)

// Scripted reads a log from what a case says of it: for each kind that somebody
// could have told of a list of changes, {deploy: [{what: shop, at: …}]}. The
// moment is at (seconds since 1970, or RFC 3339) or age_s, seconds before now.
func Scripted(value any, now time.Time) (Log, error) {
	kinds, ok := value.(map[string]any)
	if !ok {
		return Log{}, fmt.Errorf("changes are written as a list for each kind that can be seen: {deploy: [{what: shop, age_s: 300}], restart: []}")
	}
	var l Log
	for kind, list := range kinds {
		if !slices.Contains(probe.ChangeKinds(), kind) {
			return Log{}, fmt.Errorf("there is no kind of change %q: it is one of %v", kind, probe.ChangeKinds())
		}
		l.see(kind)
		if _, ok := list.([]any); list != nil && !ok {
			return Log{}, fmt.Errorf("%s: the changes of a kind are a list; [] where there was none", kind)
		}
		for _, row := range rows(list, "") {
			m := probe.Moment{Kind: kind, At: "at", What: "{what}", About: "detail"}
			if row["at"] == nil {
				m.Ago = "age_s"
			}
			c, ok := read(m, row, now)
			if !ok {
				return Log{}, fmt.Errorf("%s: a change says when it was: at (seconds since 1970, or a time as RFC 3339 writes it) or age_s", kind)
			}
			c.Target = text(row["target"])
			l.Changes = append(l.Changes, c)
		}
	}
	return l.Sorted(), nil
}
