package plan

import (
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// Stale compares what was found when a step was planned with what is found
// now, and says what has changed, in one line; "" where the step may go on.
// Items that are gone are allowed where the preview says so, as long as one is
// left; nothing may be new, unless the preview says that it is left alone; and no
// guard may differ.
func Stale(planned, now action.Preview) string {
	if planned.Identity != now.Identity {
		return fmt.Sprintf("the target is another one: it was %s and is %s", planned.Identity, now.Identity)
	}
	were := map[string]action.Item{}
	for _, i := range planned.Items {
		were[i.ID] = i
	}
	var added, changed []string
	for _, i := range now.Items {
		was, ok := were[i.ID]
		delete(were, i.ID)
		switch {
		case !ok:
			added = append(added, i.ID)
		case was.Guard != i.Guard:
			changed = append(changed, difference(was, i))
		case was.Then != i.Then:
			changed = append(changed, fmt.Sprintf("%s (was to become %s, and would become %s)", i.ID, was.Then, i.Then))
		}
	}
	var gone []string
	for _, i := range planned.Items {
		if _, left := were[i.ID]; left {
			gone = append(gone, i.ID)
		}
	}
	switch {
	case len(changed) > 0:
		return "changed since it was planned: " + few(changed)
	case len(added) > 0 && !planned.MayGrow:
		return "it would now touch more than was planned: " + few(added)
	case len(gone) > 0 && !planned.MayShrink:
		return "no longer there: " + few(gone)
	case now.TwoPeople != "" && planned.TwoPeople == "":
		return "it has become graver: " + now.TwoPeople
	case now.Risk.Worse(planned.Risk) != planned.Risk:
		return fmt.Sprintf("its risk has risen to %s", now.Risk)
	}
	return ""
}

func difference(was, is action.Item) string {
	if was.Now != is.Now {
		return fmt.Sprintf("%s (was %s, is %s)", was.ID, was.Now, is.Now)
	}
	return was.ID
}

// few lists the first three of many.
func few(list []string) string {
	if len(list) > 3 {
		list = append(list[:3:3], fmt.Sprintf("and %d more", len(list)-3))
	}
	return strings.Join(list, ", ")
}
