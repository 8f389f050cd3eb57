package postgres

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func rollbackPreparedChange() change {
	return change{
		spec: action.Spec{
			Name: "postgres.rollback_prepared", Risk: action.R4,
			Does:     "Rolls back a prepared transaction for good; ask its coordinator first whether it was meant to commit.",
			Tells:    "the server knows the transaction as aborted",
			Destroys: "what the transactions had changed, and the locks they hold",
			Captures: []string{"postgres.locks", "postgres.horizon"},
			Params:   []probe.Param{need("transactions", probe.List, "names (gid) of prepared transactions of this database")},
		},
		look: lookPrepared, stands: preparedStands, make: rollBackPrepared, finish: finishPrepared,
	}
}

// preparedGuard is one prepared transaction. XID counts on over the wraparound
// of ids, so that the server can be asked years later what became of it.
type preparedGuard struct {
	GID      string `json:"gid"`
	XID      string `json:"xid"`
	Prepared string `json:"prepared"`
	Owner    string `json:"owner"`
}

// The id in pg_prepared_xacts has 32 bits; those of snapshots have 64, and the
// two are less than half of the circle apart, one way or the other.
const preparedSQL = `
SELECT p.gid, p.owner::text AS owner, p.prepared::text AS prepared, p.database::text AS database, p.database = current_database() AS here,
       (n.near + ((p.transaction::text::bigint - n.near + 2147483648) & 4294967295) - 2147483648)::text AS xid,
       pg_has_role(p.owner, 'MEMBER') AS may
FROM pg_prepared_xacts p, (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS near) n
WHERE p.gid IN (%s)`

func lookPrepared(ctx context.Context, ask asker, a action.Args) (action.Preview, error) {
	gids, err := listed(a, "transactions")
	if err != nil {
		return action.Preview{}, err
	}
	r, err := ask(ctx, fmt.Sprintf(preparedSQL, quotedList(gids)))
	if err != nil {
		return action.Preview{}, err
	}
	there := map[string]map[string]any{}
	for _, row := range r.rows {
		there[str(row, "gid")] = row
	}
	var p action.Preview
	for _, gid := range gids {
		row := there[gid]
		switch {
		case row == nil:
			p.Warnings = append(p.Warnings, "there is no prepared transaction "+gid)
			continue
		case !truth(row, "here"):
			return p, action.Refuse("use a target of that database", "%s was prepared in database %s", gid, str(row, "database"))
		case !truth(row, "may"):
			return p, action.Refuse("GRANT "+quoteIdent(str(row, "owner"))+" TO our role", "%s belongs to %s", gid, str(row, "owner"))
		}
		g := preparedGuard{GID: gid, XID: str(row, "xid"), Prepared: str(row, "prepared"), Owner: str(row, "owner")}
		p.Items = append(p.Items, action.Item{
			ID: "transaction " + gid, Guard: guard(g),
			Now: fmt.Sprintf("prepared by %s at %s, holds its locks", g.Owner, g.Prepared), Then: "rolled back for good",
		})
	}
	p.Summary = fmt.Sprintf("rolls back %s", count(len(p.Items), "prepared transaction"))
	if len(p.Items) == 0 {
		p.Already, p.Summary = true, "none of the prepared transactions is there any more"
	}
	return p, nil
}

func rollBackPrepared(ctx context.Context, v *visit, o action.Order, items []action.Item) (action.Done, error) {
	for n, i := range items {
		g, err := readGuard[preparedGuard](i)
		if err != nil {
			return action.Done{}, err
		}
		// Only the very role that prepared it may end it, or a superuser.
		_, err = v.do(ctx, o.Key, "SET ROLE "+quoteName(g.Owner))
		if err == nil {
			_, err = v.do(ctx, o.Key, "ROLLBACK PREPARED "+quoteText(g.GID))
		}
		if err != nil {
			if n > 0 {
				return action.Done{}, partlyPrepared(ctx, v.ask, o, v.t.outcome(err))
			}
			return action.Done{}, err
		}
	}
	return settledPrepared(ctx, v.ask, o)
}

// finishPrepared rolls back those that are left of an order.
func finishPrepared(ctx context.Context, v *visit, o action.Order) (action.Done, error) {
	now, err := lookPrepared(ctx, v.ask, o.Args)
	if err != nil {
		return action.Done{}, err
	}
	approved := o.Preview
	approved.MayShrink = true // by those that are rolled back already
	items, err := stillSo(approved, now)
	if err != nil {
		return action.Done{}, err
	}
	return rollBackPrepared(ctx, v, o, items)
}

// partlyPrepared is what Apply says when one of several could not be rolled back.
func partlyPrepared(ctx context.Context, ask asker, o action.Order, err error) error {
	s, looked := preparedStands(ctx, ask, o)
	if looked != nil || s.State != action.PartlyMade {
		return fmt.Errorf("some are rolled back: %s", err.Error())
	}
	return &action.Failure{State: action.PartlyMade, Text: s.Text + ": " + err.Error(), Done: s.Done}
}

// settledPrepared says what was done after all statements went well.
func settledPrepared(ctx context.Context, ask asker, o action.Order) (action.Done, error) {
	s, err := preparedStands(ctx, ask, o)
	if err != nil || s.Done == nil {
		return action.Done{}, fmt.Errorf("rolled back, and the server does not show it: %s", s.Text)
	}
	return *s.Done, nil
}

// preparedStands asks what became of each transaction. That one is no longer
// prepared proves nothing: its coordinator may have committed it.
func preparedStands(ctx context.Context, ask asker, o action.Order) (action.Standing, error) {
	var done action.Done
	aborted, open := 0, 0
	for _, i := range o.Preview.Items {
		g, err := readGuard[preparedGuard](i)
		if err != nil {
			return action.Standing{}, err
		}
		r, err := ask(ctx, fmt.Sprintf(`SELECT coalesce(pg_xact_status(%s::xid8), 'forgotten') AS status`, quoteText(g.XID)))
		if err != nil {
			return action.Standing{}, err
		}
		status := str(r.first(), "status")
		switch status {
		case "aborted":
			aborted++
		case "in progress":
			open++
		default:
			return cannotTell("%s is %s: not by us", g.GID, status), nil
		}
		done.Items = append(done.Items, action.Result{ID: i.ID, OK: status == "aborted", Text: status})
	}
	done.Summary = count(aborted, "prepared transaction") + " rolled back"
	switch {
	case aborted == 0:
		return standing(action.NotMade, nil, "%s still prepared", count(open, "transaction")), nil
	case open > 0:
		return standing(action.PartlyMade, &done, "%s, %d still prepared", done.Summary, open), nil
	}
	return standing(action.Made, &done, "%s", done.Summary), nil
}
