package firewall

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/probe"
)

func blockSpec() action.Spec {
	return action.Spec{
		Name: "firewall.block", Risk: action.R3,
		Does:  "Drops everything that comes from addresses or networks, for a while. The kernel ends it by itself, even when quell is gone.",
		Undo:  "takes the addresses out again",
		Tells: "the addresses in the kernel, with the order's key as their comment",
		Params: []probe.Param{
			{Name: "addresses", Type: probe.List, About: "addresses and networks: 192.0.2.7, 2001:db8::/48; none wider than /16 or (IPv6) /32"},
			{Name: "for", Type: probe.Duration, Default: "1h", About: "how long, at most a week"},
		},
	}
}

// longest is how long anything of ours may last: what is needed for longer
// belongs into the configuration of the machine (own value).
const longest = 7 * 24 * time.Hour

// readFor reads how long something is to last.
func readFor(args action.Args) (time.Duration, error) {
	d := args.Duration("for")
	if d < time.Second || d > longest {
		return 0, action.Refuse("", "for is from 1s to %s, not %s", expr.FormatDuration(longest), args.Text("for"))
	}
	return d.Truncate(time.Second), nil
}

type blocker struct{ *target }

// blocking is what a block would do to the world as it is.
type blocking struct {
	lasts    time.Duration
	add      []netip.Prefix
	instead  []netip.Prefix // entries that end before and are replaced
	items    []action.Item
	warnings []string
}

func (b blocker) plan(r rules, args action.Args) (blocking, error) {
	lasts, err := readFor(args)
	if err != nil {
		return blocking{}, err
	}
	networks, err := parsePrefixes(args.List("addresses"))
	if err != nil {
		return blocking{}, err
	}
	if err := b.refuse(networks); err != nil {
		return blocking{}, err
	}
	w := blocking{lasts: lasts}
	for _, p := range networks {
		if err := w.take(p, r); err != nil {
			return w, err
		}
	}
	return w, nil
}

// take decides about one network: it is added, it takes the place of an entry
// that ends before, or it is blocked for long enough already.
func (w *blocking) take(p netip.Prefix, r rules) error {
	item := action.Item{ID: p.String(), Now: "not blocked", Then: "everything from it is dropped for " + expr.FormatDuration(w.lasts), Guard: "not blocked"}
	for _, e := range r.blocked {
		switch {
		case !e.prefix.Overlaps(p):
			continue
		case contains(e.prefix, p) && e.left >= w.lasts:
			w.warnings = append(w.warnings, fmt.Sprintf("%s is blocked for longer already (%s)", p, e.comment))
			return nil
		case e.prefix != p:
			return action.Refuse("take that one out first, with firewall.unblock", "%s overlaps with %s, which is blocked (%s)", p, e.prefix, e.comment)
		}
		w.instead = append(w.instead, p)
		item.Now = fmt.Sprintf("blocked (%s), and that ends before", e.comment)
		item.Guard = "blocked by " + e.comment
	}
	w.add = append(w.add, p)
	w.items = append(w.items, item)
	return nil
}

// Preview implements action.Doer.
func (b blocker) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	r, err := b.list(ctx)
	if err != nil {
		return action.Preview{}, err
	}
	w, err := b.plan(r, c.Args)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{
		Identity: b.identity(),
		Summary:  fmt.Sprintf("drops everything from %s for %s", names(w.add), expr.FormatDuration(w.lasts)),
		Items:    w.items, Already: len(w.items) == 0, Warnings: w.warnings, Lasts: w.lasts,
	}
	if all, err := connections(); err == nil {
		n := 0
		for _, c := range all {
			if anyContains(w.add, c.remote.Addr()) {
				n++
			}
		}
		p.Blast = int64(max(n, len(w.items)))
		if n > 0 {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%d connections of this machine with them would break", n))
		}
	}
	return p, nil
}

func anyContains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

func names(list []netip.Prefix) string {
	const shown = 5
	if len(list) == 0 {
		return "nothing more"
	}
	var texts []string
	for _, p := range list[:min(len(list), shown)] {
		texts = append(texts, written(p))
	}
	if len(list) > shown {
		texts = append(texts, fmt.Sprintf("and %d more", len(list)-shown))
	}
	return strings.Join(texts, ", ")
}

// Apply implements action.Doer.
func (b blocker) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	if !keyText.MatchString(o.Key) {
		return action.Done{}, action.Refuse("", "the order's key %q cannot stand in a rule", o.Key)
	}
	r, err := b.list(ctx)
	if err != nil {
		return action.Done{}, notYet(err)
	}
	if mine := r.of(o.Key); len(mine) > 0 {
		return blocked(mine, o.Key), nil
	}
	w, err := b.plan(r, o.Args)
	if err != nil {
		return action.Done{}, err
	}
	if err := sameItems(o.Preview.Items, w.items); err != nil {
		return action.Done{}, err
	}
	if err := b.run(ctx, b.blockScript(r, w.add, w.instead, w.lasts, o.Key)); err != nil {
		return action.Done{}, err
	}
	return blocked(w.add, o.Key), nil
}

// notYet is an error of what was only read before a change.
func notYet(err error) error {
	var unavailable *action.Unavailable
	if errors.As(err, &unavailable) {
		return action.NotYet("%s", err)
	}
	return err
}

// sameItems refuses a world that is not the one that was approved.
func sameItems(approved, now []action.Item) error {
	guards := map[string]string{}
	for _, i := range approved {
		guards[i.ID] = i.Guard
	}
	for _, i := range now {
		if guards[i.ID] != i.Guard {
			return action.Not("%s is not as it was in the preview any more: it is %s", i.ID, i.Now)
		}
		delete(guards, i.ID)
	}
	for id := range guards {
		return action.Not("%s is not as it was in the preview any more", id)
	}
	return nil
}

// of are the networks that an order has blocked.
func (r rules) of(key string) []netip.Prefix {
	var out []netip.Prefix
	for _, e := range r.blocked {
		if e.comment == comment(key) {
			out = append(out, e.prefix)
		}
	}
	return out
}

// Standing implements action.Doer.
func (b blocker) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	r, err := b.list(ctx)
	if err != nil {
		return action.Standing{}, err
	}
	mine := r.of(o.Key)
	switch {
	case len(mine) == 0:
		return absent(o, b.tools.Now()), nil
	case !r.dropping():
		done := blocked(mine, o.Key)
		return action.Standing{State: action.PartlyMade, Done: &done, Text: "the addresses are in the table, and the rules that drop them were taken away"}, nil
	case len(mine) < len(o.Preview.Items):
		done := blocked(mine, o.Key)
		return action.Standing{State: action.PartlyMade, Done: &done, Text: fmt.Sprintf("%d of %d are blocked", len(mine), len(o.Preview.Items))}, nil
	}
	done := blocked(mine, o.Key)
	return action.Standing{State: action.Made, Done: &done, Text: names(mine) + " blocked"}, nil
}

// absent is the standing of an order of which the kernel shows nothing: not
// made, unless its time is over.
func absent(o action.Order, now time.Time) action.Standing {
	lasts, _ := readFor(o.Args)
	switch over := now.After(o.Intended.Add(lasts)); {
	case over && o.Done != nil:
		return action.Standing{State: action.Made, Done: o.Done, Text: "it was made, and has ended by itself"}
	case over:
		return action.Standing{State: action.CannotTell, Text: "nothing of it is there, and its time would be over"}
	}
	return action.Standing{State: action.NotMade, Text: "nothing in the table has the mark of this order"}
}

func blocked(networks []netip.Prefix, key string) action.Done {
	d := action.Done{Summary: "everything from " + names(networks) + " is dropped"}
	list := []any{}
	for _, p := range networks {
		d.Items = append(d.Items, action.Result{ID: p.String(), OK: true, Text: "blocked"})
		list = append(list, written(p))
	}
	d.Inverse = &action.Change{Type: "firewall.unblock", Args: action.Args{"addresses": list, "order": key}}
	return d
}

var _ action.Doer = blocker{}
