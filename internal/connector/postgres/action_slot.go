package postgres

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func dropSlotChange() change {
	return change{
		spec: action.Spec{
			Name: "postgres.drop_slot", Risk: action.R4,
			Does:     "Drops a replication slot that nobody reads. Its consumer has to be set up anew.",
			Tells:    "there is no slot of that name",
			Destroys: "the place up to which the consumer had read, and the log that was kept for it",
			Captures: []string{"postgres.wal", "postgres.replication"},
			Params:   []probe.Param{need("slots", probe.List, "names of inactive slots")},
		},
		look: lookSlots, stands: slotsStand, make: dropSlots,
	}
}

// slotGuard is a slot as it lies unread. A consumer that comes back moves the
// position from which log is kept.
type slotGuard struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Plugin   string `json:"plugin"`
	Database string `json:"database"`
	From     string `json:"from"` // restart_lsn; empty where no log is kept any more
}

const namedSlotsSQL = `
SELECT s.slot_name::text AS name, s.slot_type AS type, coalesce(s.plugin, '')::text AS plugin, coalesce(s.database, '')::text AS database,
       s.active, s.temporary, coalesce(s.restart_lsn::text, '') AS "from", r.rolsuper OR r.rolreplication AS may
FROM pg_replication_slots s, pg_roles r WHERE r.rolname = current_user AND s.slot_name IN (%s)`

func lookSlots(ctx context.Context, ask asker, a action.Args) (action.Preview, error) {
	names, err := listed(a, "slots")
	if err != nil {
		return action.Preview{}, err
	}
	r, err := ask(ctx, fmt.Sprintf(namedSlotsSQL, quotedList(names)))
	if err != nil {
		return action.Preview{}, err
	}
	there := map[string]map[string]any{}
	for _, row := range r.rows {
		there[str(row, "name")] = row
	}
	var p action.Preview
	for _, name := range names {
		row := there[name]
		switch {
		case row == nil:
			p.Warnings = append(p.Warnings, "there is no slot "+name)
			continue
		case truth(row, "active"):
			return p, action.Refuse("stop its consumer first", "slot %s is being read", name)
		case truth(row, "temporary"):
			return p, action.Refuse("end that session", "slot %s belongs to one session and goes with it", name)
		case !truth(row, "may"):
			return p, action.Refuse("ALTER ROLE … REPLICATION for our role", "our role may not drop slots")
		}
		p.Items = append(p.Items, slotItem(row))
	}
	p.Summary = "drops " + count(len(p.Items), "replication slot")
	if len(p.Items) == 0 {
		p.Already, p.Summary = true, "none of the slots is there any more"
	}
	return p, nil
}

func slotItem(row map[string]any) action.Item {
	g := slotGuard{Name: str(row, "name"), Type: str(row, "type"), Plugin: str(row, "plugin"), Database: str(row, "database"), From: str(row, "from")}
	now := g.Type + " slot that nobody reads"
	if g.Database != "" {
		now += ", of " + g.Plugin + " on database " + g.Database
	}
	if g.From != "" {
		now += ", keeps log from " + g.From + " on"
	}
	then := "dropped: its standby is set up anew, or catches up from an archive"
	if g.Type == "logical" {
		then = "dropped: its subscriber copies everything anew"
	}
	return action.Item{ID: "slot " + g.Name, Now: now, Then: then, Guard: guard(g)}
}

// dropSlots drops each in one statement with the check of its guard.
func dropSlots(ctx context.Context, v *visit, o action.Order, items []action.Item) (action.Done, error) {
	for n, i := range items {
		g, err := readGuard[slotGuard](i)
		if err != nil {
			return action.Done{}, err
		}
		r, err := v.do(ctx, o.Key, fmt.Sprintf(`SELECT pg_catalog.pg_drop_replication_slot(s.slot_name) FROM pg_catalog.pg_replication_slots s
WHERE s.slot_name = %s AND NOT s.active AND s.slot_type = %s AND coalesce(s.restart_lsn::text, '') = %s`,
			quoteText(g.Name), quoteText(g.Type), quoteText(g.From)))
		if err == nil && len(r.rows) == 0 {
			err = action.Not("%s: somebody has begun to read it", i.ID)
		}
		if err != nil && n > 0 {
			return action.Done{}, v.partlyDropped(o, items[n:], err)
		}
		if err != nil {
			return action.Done{}, err
		}
	}
	return slotsDone(o, nil), nil
}

// partlyDropped is what Apply says when a slot could not be dropped after others were.
func (v *visit) partlyDropped(o action.Order, left []action.Item, err error) error {
	there := map[string]bool{}
	for _, i := range left {
		there[i.ID] = true
	}
	done := slotsDone(o, there)
	return &action.Failure{State: action.PartlyMade, Text: done.Summary + ", then: " + v.t.outcome(err).Error(), Done: &done}
}

func slotsDone(o action.Order, there map[string]bool) action.Done {
	var d action.Done
	n := 0
	for _, i := range o.Preview.Items {
		r := action.Result{ID: i.ID, OK: !there[i.ID], Text: "dropped"}
		if r.OK {
			n++
		} else {
			r.Text = "still there"
		}
		d.Items = append(d.Items, r)
	}
	d.Summary = count(n, "replication slot") + " dropped"
	return d
}

func slotsStand(ctx context.Context, ask asker, o action.Order) (action.Standing, error) {
	var names []string
	for _, i := range o.Preview.Items {
		g, err := readGuard[slotGuard](i)
		if err != nil {
			return action.Standing{}, err
		}
		names = append(names, g.Name)
	}
	r, err := ask(ctx, fmt.Sprintf(namedSlotsSQL, quotedList(names)))
	if err != nil {
		return action.Standing{}, err
	}
	there := map[string]bool{}
	for _, row := range r.rows {
		there["slot "+str(row, "name")] = true
	}
	done := slotsDone(o, there)
	switch len(there) {
	case 0:
		return standing(action.Made, &done, "%s", done.Summary), nil
	case len(names):
		return standing(action.NotMade, nil, "%s still there", count(len(there), "slot")), nil
	}
	return standing(action.PartlyMade, &done, "%s, %d still there", done.Summary, len(there)), nil
}
