package postgres

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func dropIndexChange() change {
	return change{
		spec: action.Spec{
			Name: "postgres.drop_index", Risk: action.R3,
			Does:  "Drops an index with CONCURRENTLY. Indexes that a constraint rests on are refused.",
			Undo:  "builds it again from its definition, CONCURRENTLY",
			Tells: "there is no index of that name", Destroys: "what the server has counted of its use", Captures: []string{"postgres.indexes"},
			Params: []probe.Param{
				need("index", probe.Text, "the index, with its schema"), lockTimeoutParam(), action.ForParam(),
			},
		},
		look: lookDrop, stands: dropStands, make: dropIndex, finish: finishDrop, patient: true,
	}
}

// dropGuard keeps the definition: it is all that an undo has.
type dropGuard struct {
	OID   int64  `json:"oid"`
	Valid bool   `json:"valid"`
	DDL   string `json:"ddl"`
}

func lookDrop(ctx context.Context, ask asker, a action.Args) (action.Preview, error) {
	name, err := relationOf(a.Text("index"), "index")
	if err != nil {
		return action.Preview{}, err
	}
	x, err := indexNamed(ctx, ask, name)
	if err != nil {
		return action.Preview{}, err
	}
	if !x.there() {
		return action.Preview{Already: true, Summary: "there is no index " + name.String()}, nil
	}
	if err := x.refuseDrop(name); err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{
		Summary: "drops index " + name.String() + " of " + x.tableName.String(),
		Items: []action.Item{{
			ID: "index " + name.String(), Now: fmt.Sprintf("%s, about %s: %s", x.stateText(), bytesText(x.bytes), x.definition),
			Then: "gone", Guard: guard(dropGuard{OID: x.oid, Valid: x.valid, DDL: concurrently(x.definition)}),
		}},
	}
	if x.used {
		p.Warnings = append(p.Warnings, "statements have used it since the statistics began: they will read the table instead")
	}
	if x.unique {
		p.Warnings = append(p.Warnings, "nothing keeps the values apart any more, and building it again fails once two are equal")
	}
	return p, nil
}

func (x indexState) refuseDrop(name relation) error {
	switch {
	case x.kind == "I" || x.partition:
		return action.Refuse("", "%s belongs to a partitioned index, which CONCURRENTLY cannot drop", name)
	case x.kind != "i":
		return action.Refuse("", "%s is no index", name)
	case x.constraint != "":
		return action.Refuse("drop the constraint, in a migration", "the constraint %s rests on %s", x.constraint, name)
	case x.replica:
		return action.Refuse("", "%s identifies rows to subscribers", name)
	case x.builder != 0:
		return action.Refuse("wait for it", "%s is being built: %s", name, x.progress())
	case !x.may:
		return action.Refuse("make our role a member of its owner", "our role may not drop %s", name)
	case x.standby:
		return notOnStandby(map[string]any{"standby": true})
	}
	return nil
}

func dropIndex(ctx context.Context, v *visit, o action.Order, _ []action.Item) (action.Done, error) {
	return finishDrop(ctx, v, o)
}

// finishDrop drops the index, also one that a former try has left invalid.
func finishDrop(ctx context.Context, v *visit, o action.Order) (action.Done, error) {
	name, err := relationOf(o.Args.Text("index"), "index")
	if err != nil {
		return action.Done{}, err
	}
	_, failed := v.do(ctx, o.Key, "DROP INDEX CONCURRENTLY "+name.quoted())
	if failed != nil && v.s.conn.IsClosed() {
		return action.Done{}, failed
	}
	s, err := dropStands(ctx, v.ask, o)
	switch {
	case err != nil && failed != nil:
		return action.Done{}, fmt.Errorf("%s, and then: %w", v.t.outcome(failed).Error(), err)
	case err != nil:
		return action.Done{}, fmt.Errorf("dropped; look whether it is gone: %w", err)
	case s.State == action.Made:
		return *s.Done, nil
	case s.State == action.PartlyMade:
		return action.Done{}, &action.Failure{State: action.PartlyMade, Done: s.Done, Text: fmt.Sprintf("%s: %v", s.Text, v.t.outcome(failed))}
	case failed == nil:
		return action.Done{}, fmt.Errorf("dropped, and it is still there: %s", s.Text)
	}
	return action.Done{}, failed
}

func dropStands(ctx context.Context, ask asker, o action.Order) (action.Standing, error) {
	name, err := relationOf(o.Args.Text("index"), "index")
	if err != nil {
		return action.Standing{}, err
	}
	former, err := guardOf[dropGuard](o)
	if err != nil {
		return action.Standing{}, err
	}
	x, err := indexNamed(ctx, ask, name)
	if err != nil {
		return action.Standing{}, err
	}
	done := action.Done{
		Summary: "index " + name.String() + " is dropped",
		Inverse: &action.Change{Type: "postgres.create_index", Args: action.Args{"ddl": former.DDL, "lock_timeout": "1m", "for": "0s"}},
	}
	switch {
	case !x.there():
		return standing(action.Made, &done, "%s", done.Summary), nil
	case x.oid != former.OID:
		return cannotTell("%s is another index than the one that was seen", name), nil
	case former.Valid && !x.valid:
		return standing(action.PartlyMade, &done, "the drop of %s was stopped: it serves no read, and still costs writes", name), nil
	}
	return standing(action.NotMade, nil, "%s is still there", name), nil
}
