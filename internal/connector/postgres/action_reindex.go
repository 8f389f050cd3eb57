package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func reindexChange() change {
	return change{
		spec: action.Spec{
			Name: "postgres.reindex", Risk: action.R2,
			Does:   "Rebuilds an index with REINDEX INDEX CONCURRENTLY.",
			Tells:  "another index has taken its place under the same name, and is valid",
			Params: []probe.Param{need("index", probe.Text, "the index, with its schema"), lockTimeoutParam()},
		},
		look: lookReindex, stands: reindexStands, make: reindex, finish: finishReindex, patient: true,
	}
}

// reindexGuard is the index as it was: a rebuilt one is another one under the
// same name. Leftovers were there before us.
type reindexGuard struct {
	OID       int64    `json:"oid"`
	Valid     bool     `json:"valid"`
	Leftovers []string `json:"leftovers"`
}

func lookReindex(ctx context.Context, ask asker, a action.Args) (action.Preview, error) {
	name, err := relationOf(a.Text("index"), "index")
	if err != nil {
		return action.Preview{}, err
	}
	x, err := indexNamed(ctx, ask, name)
	if err != nil {
		return action.Preview{}, err
	}
	if err := x.refuseReindex(name); err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{
		Summary: "rebuilds index " + name.String() + " of " + x.tableName.String(),
		Items: []action.Item{{
			ID: "index " + name.String(), Now: fmt.Sprintf("%s, about %s", x.stateText(), bytesText(x.bytes)), Then: "rebuilt and valid",
			Guard: guard(reindexGuard{OID: x.oid, Valid: x.valid, Leftovers: x.leftovers}),
		}},
		Warnings: []string{"it needs as much disk again while it works, and waits for every transaction that is older than it"},
	}
	if len(x.leftovers) > 0 {
		p.Warnings = append(p.Warnings, "former rebuilds left invalid indexes behind, which postgres.drop_index takes away: "+strings.Join(x.leftovers, ", "))
	}
	return p, nil
}

func (x indexState) refuseReindex(name relation) error {
	switch {
	case !x.there():
		return action.Refuse("", "there is no index %s in this database", name)
	case x.kind != "i":
		return action.Refuse("", "%s is no index of one table", name)
	case name.schema == "pg_catalog" || name.schema == "pg_toast":
		return action.Refuse("", "%s belongs to the server's own tables, which CONCURRENTLY cannot rebuild", name)
	case x.exclusion:
		return action.Refuse("", "an exclusion constraint rests on %s, which CONCURRENTLY cannot rebuild", name)
	case x.builder != 0:
		return action.Refuse("wait for it", "%s is being built: %s", name, x.progress())
	case !x.may:
		return action.Refuse("make our role a member of its owner", "our role may not rebuild %s", name)
	case x.standby:
		return notOnStandby(map[string]any{"standby": true})
	}
	return nil
}

func reindex(ctx context.Context, v *visit, o action.Order, _ []action.Item) (action.Done, error) {
	name, err := relationOf(o.Args.Text("index"), "index")
	if err != nil {
		return action.Done{}, err
	}
	if _, err := v.do(ctx, o.Key, "REINDEX INDEX CONCURRENTLY "+name.quoted()); err != nil {
		return v.sweep(ctx, o, err, leftoverOf(o))
	}
	s, err := reindexStands(ctx, v.ask, o)
	switch {
	case err != nil:
		return action.Done{}, fmt.Errorf("rebuilt; look whether it is valid: %w", err)
	case s.State != action.Made:
		return v.sweep(ctx, o, action.Not("rebuilt, and not valid: %s", s.Text), leftoverOf(o))
	}
	return *s.Done, nil
}

// finishReindex drops what a stopped run left, and rebuilds the index if that
// had not been done.
func finishReindex(ctx context.Context, v *visit, o action.Order) (action.Done, error) {
	s, err := v.cleared(ctx, o, leftoverOf(o))
	if err != nil {
		return action.Done{}, err
	}
	if s.State == action.Made {
		return *s.Done, nil
	}
	return reindex(ctx, v, o, nil)
}

// leftoverOf finds invalid indexes that were not there when the order was approved.
func leftoverOf(o action.Order) func(context.Context, asker) (leftover, error) {
	return func(ctx context.Context, ask asker) (leftover, error) {
		s, err := reindexStands(ctx, ask, o)
		if err != nil || s.State != action.PartlyMade {
			return leftover{standing: s}, err
		}
		name, err := relationOf(o.Args.Text("index"), "index")
		if err != nil {
			return leftover{}, err
		}
		left, _, err := leftBehind(ctx, ask, o, name)
		if err != nil || len(left) == 0 {
			return leftover{standing: s}, err
		}
		return leftover{name: relation{name.schema, left[0]}, standing: s}, nil
	}
}

func leftBehind(ctx context.Context, ask asker, o action.Order, name relation) ([]string, indexState, error) {
	former, err := guardOf[reindexGuard](o)
	if err != nil {
		return nil, indexState{}, err
	}
	x, err := indexNamed(ctx, ask, name)
	left := slices.DeleteFunc(x.leftovers, func(l string) bool { return slices.Contains(former.Leftovers, l) })
	return left, x, err
}

func reindexStands(ctx context.Context, ask asker, o action.Order) (action.Standing, error) {
	name, err := relationOf(o.Args.Text("index"), "index")
	if err != nil {
		return action.Standing{}, err
	}
	former, err := guardOf[reindexGuard](o)
	if err != nil {
		return action.Standing{}, err
	}
	left, x, err := leftBehind(ctx, ask, o, name)
	if err != nil {
		return action.Standing{}, err
	}
	done := action.Done{Summary: "index " + name.String() + " is rebuilt and valid"}
	switch {
	case !x.there():
		return cannotTell("index %s is gone", name), nil
	case x.builder != 0:
		return cannotTell("index %s is not ready: %s", name, x.progress()), nil
	case len(left) > 0:
		done.Summary = "a rebuild of " + name.String() + " was stopped, and left " + strings.Join(left, ", ")
		return standing(action.PartlyMade, &done, "%s", done.Summary), nil
	case x.oid == former.OID:
		return standing(action.NotMade, nil, "index %s is the one that was there: %s", name, x.stateText()), nil
	case !x.valid:
		return cannotTell("index %s is another one, and invalid", name), nil
	}
	return standing(action.Made, &done, "%s", done.Summary), nil
}
