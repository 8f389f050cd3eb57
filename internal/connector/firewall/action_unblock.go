package firewall

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func unblockSpec() action.Spec {
	return action.Spec{
		Name: "firewall.unblock", Risk: action.R2,
		Does:  "Takes addresses or networks out of those that are blocked.",
		Tells: "the addresses are not in the kernel, or with another comment",
		Params: []probe.Param{
			{Name: "addresses", Type: probe.List, About: "as they were blocked"},
			{Name: "order", Type: probe.Text, Default: `""`, About: "only what the order with this key has blocked; empty: whoever did"},
		},
	}
}

type unblocker struct{ *target }

// plan finds which of the networks are blocked.
func (u unblocker) plan(ctx context.Context, args action.Args) ([]entry, error) {
	networks, err := parsePrefixes(args.List("addresses"))
	if err != nil {
		return nil, err
	}
	key := args.Text("order")
	r, err := u.list(ctx)
	if err != nil {
		return nil, err
	}
	var found []entry
	for _, p := range networks {
		for _, e := range r.blocked {
			if e.prefix == p && (key == "" || e.comment == comment(key)) {
				found = append(found, e)
			}
		}
	}
	return found, nil
}

func unblockItems(found []entry) []action.Item {
	var items []action.Item
	for _, e := range found {
		items = append(items, action.Item{ID: e.prefix.String(), Now: "blocked (" + e.comment + ")", Then: "not blocked", Guard: "blocked by " + e.comment})
	}
	return items
}

// Preview implements action.Doer.
func (u unblocker) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	found, err := u.plan(ctx, c.Args)
	if err != nil {
		return action.Preview{}, err
	}
	return action.Preview{
		Identity: u.identity(), Summary: "lets in again: " + names(prefixes(found)),
		Items: unblockItems(found), MayShrink: true, Already: len(found) == 0,
	}, nil
}

func prefixes(list []entry) []netip.Prefix {
	var out []netip.Prefix
	for _, e := range list {
		out = append(out, e.prefix)
	}
	return out
}

// Apply implements action.Doer. An entry that ends while it works makes the
// kernel refuse the whole, so it looks again once.
func (u unblocker) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	for again := true; ; again = false {
		found, err := u.plan(ctx, o.Args)
		if err != nil {
			return action.Done{}, notYet(err)
		}
		approved := map[string]string{}
		for _, i := range o.Preview.Items {
			approved[i.ID] = i.Guard
		}
		var script []string
		for _, i := range unblockItems(found) {
			if approved[i.ID] != i.Guard {
				return action.Done{}, action.Not("%s is not as it was in the preview any more: it is %s", i.ID, i.Now)
			}
		}
		for _, e := range found {
			script = append(script, u.unblockStatement(e.prefix))
		}
		if len(script) > 0 {
			err = u.run(ctx, script)
		}
		if err == nil {
			return unblocked(o), nil
		}
		if !again {
			return action.Done{}, err
		}
	}
}

// Standing implements action.Doer.
func (u unblocker) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	r, err := u.list(ctx)
	if err != nil {
		return action.Standing{}, err
	}
	there := map[string]string{}
	for _, e := range r.blocked {
		there[e.prefix.String()] = "blocked by " + e.comment
	}
	left := 0
	for _, i := range o.Preview.Items {
		if there[i.ID] == i.Guard {
			left++
		}
	}
	done := unblocked(o)
	switch {
	case left == 0:
		return action.Standing{State: action.Made, Done: &done, Text: "none of them is blocked by that any more"}, nil
	case left < len(o.Preview.Items):
		return action.Standing{State: action.PartlyMade, Done: &done, Text: fmt.Sprintf("%d of %d are still blocked", left, len(o.Preview.Items))}, nil
	}
	return action.Standing{State: action.NotMade, Text: "they are still blocked"}, nil
}

func unblocked(o action.Order) action.Done {
	d := action.Done{Summary: fmt.Sprintf("%d addresses or networks are let in again", len(o.Preview.Items))}
	for _, i := range o.Preview.Items {
		d.Items = append(d.Items, action.Result{ID: i.ID, OK: true, Text: "not blocked"})
	}
	return d
}

var _ action.Doer = unblocker{}
