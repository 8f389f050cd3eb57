package host

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// freeStands looks at each file: whether it is as it was, and if not, where
// what was in it has gone.
func freeStands(_ context.Context, t *target, o action.Order) (action.Standing, error) {
	how := o.Args.Text("method")
	done := action.Done{}
	over, moved, packed, vanished := 0, false, []any{}, 0
	for _, i := range o.Preview.Items {
		r := action.Result{ID: i.ID}
		var err error
		if r.OK, r.Text, err = t.fate(how, o.Key, i); err != nil {
			return action.Standing{}, err
		}
		if r.OK {
			over++
			switch {
			case r.Text == textGone && how != "delete":
				vanished++
			case how == "move":
				moved = true
			case how == "compress":
				packed = append(packed, i.ID)
			}
		}
		done.Items = append(done.Items, r)
	}
	done.Summary = fmt.Sprintf("%s: %d of %s", how, over-vanished, count(len(done.Items), "file"))
	if vanished > 0 {
		done.Summary += fmt.Sprintf(", and %d had gone before", vanished)
	}
	switch {
	case moved:
		done.Inverse = restoreOf(map[string]any{"batch": o.Key})
	case len(packed) > 0:
		done.Inverse = restoreOf(map[string]any{"packed": packed})
	}
	return summed(done), nil
}

// What is said of the fate of a file.
const (
	textGone = "gone"
	textSame = "as it was"
)

// fate tells whether a file was done.
func (t *target) fate(how, key string, i action.Item) (done bool, text string, err error) {
	now, there, err := t.current(i.ID)
	if err != nil {
		return false, "", err
	}
	kept, isKept := t.kept(key, i.ID)
	if how == "truncate" {
		least, _ := strconv.ParseInt(strings.Fields(i.Guard[strings.Index(i.Guard, "at least ")+len("at least "):])[0], 10, 64)
		switch {
		case !there:
			return true, textGone, nil
		case now.size < least && isKept:
			return true, "emptied; a copy of " + size(kept.size) + " is in the quarantine", nil
		case now.size < least:
			return true, "emptied", nil
		}
		return false, textSame, nil
	}
	if there && now.guard() == i.Guard {
		return false, textSame, nil
	}
	switch {
	case how == "move" && isKept:
		return true, "moved to the quarantine", nil
	case how == "compress":
		if p, ok, err := t.current(i.ID + packedSuffix); err == nil && ok {
			return true, "packed to " + size(p.takes), nil
		}
	}
	if there {
		return false, "changed: left alone", nil
	}
	return true, textGone, nil
}

func restoreOf(args map[string]any) *action.Change {
	complete, err := restoreChange().spec.Complete(args)
	if err != nil {
		return nil
	}
	return &action.Change{Type: restoreChange().spec.Name, Args: complete}
}
