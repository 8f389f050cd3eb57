package postgres

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

// lockTimeoutParam is for changes that may wait long without harm: nobody who
// reads or writes queues behind them.
func lockTimeoutParam() probe.Param {
	return optional("lock_timeout", probe.Duration, "1m", "longest wait for a lock, and for transactions that are older than the change")
}

func createIndexChange() change {
	return change{
		spec: action.Spec{
			Name: "postgres.create_index", Risk: action.R2,
			Does:  "Builds an index with CONCURRENTLY, which lets writes go on, and checks that it came out valid.",
			Undo:  "drops the index, CONCURRENTLY",
			Tells: "the index is there and valid; one that is still built, or was left invalid, is told apart",
			Params: []probe.Param{
				need("ddl", probe.Text, "the CREATE INDEX CONCURRENTLY statement, as postgres.missing_indexes proposes it"),
				lockTimeoutParam(), action.ForParam(),
			},
		},
		look: lookCreate, stands: createStands, make: createIndex, finish: finishCreate, patient: true, rolePath: true,
	}
}

// createGuard is the table, and the invalid index of that name that a build
// left behind (0: none of that name is there).
type createGuard struct {
	Table    int64 `json:"table"`
	Leftover int64 `json:"leftover"`
}

func lookCreate(ctx context.Context, ask asker, a action.Args) (action.Preview, error) {
	d, err := parseIndexDDL(a.Text("ddl"))
	if err != nil {
		return action.Preview{}, err
	}
	row, err := d.table.find(ctx, ask, "table", `pg_has_role(c.relowner, 'USAGE') AS may, has_schema_privilege(n.oid, 'CREATE') AS may_create`, "")
	if err != nil {
		return action.Preview{}, err
	}
	if err := d.refuseTable(row); err != nil {
		return action.Preview{}, err
	}
	x, err := indexNamed(ctx, ask, d.index())
	if err != nil {
		return action.Preview{}, err
	}
	if err := d.refuseTaken(x, int64(num(row, "oid"))); err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{
		Summary: "builds index " + d.index().String() + " on " + d.table.String(),
		Items: []action.Item{{
			ID: "index " + d.index().String(), Now: x.stateText(), Then: d.statement(),
			Guard: guard(createGuard{Table: int64(num(row, "oid")), Leftover: x.oid}),
		}},
		Warnings: []string{fmt.Sprintf("it reads the table twice (about %s) and waits for every transaction that is older than it", bytesText(num(row, "bytes")))},
	}
	switch {
	case x.valid:
		p.Already, p.Summary = true, "index "+d.index().String()+" is there and valid"
	case x.there():
		p.Items[0].Now += ": " + x.definition
		p.Items[0].Then = "dropped, then " + d.statement()
	}
	return p, nil
}

func (d indexDDL) refuseTable(row map[string]any) error {
	switch kind := str(row, "kind"); {
	case kind == "p":
		return action.Refuse("build it on each partition, then on the parent with ONLY", "%s is partitioned: CONCURRENTLY does not work there", d.table)
	case kind != "r" && kind != "m":
		return action.Refuse("", "%s is no table", d.table)
	case !truth(row, "may"):
		return action.Refuse("make our role a member of the table's owner", "our role may not build an index on %s", d.table)
	case !truth(row, "may_create"):
		return action.Refuse("GRANT CREATE ON SCHEMA "+quoteIdent(d.table.schema)+" TO our role", "our role may not make anything in schema %s", d.table.schema)
	}
	return notOnStandby(row)
}

// refuseTaken refuses where the name belongs to something else, and where
// somebody builds the index right now.
func (d indexDDL) refuseTaken(x indexState, table int64) error {
	if !x.there() {
		return nil
	}
	if x.kind != "i" || x.table != table {
		return action.Refuse("choose another name", "the name %s is taken", d.index())
	}
	if x.builder != 0 {
		return action.Refuse("wait for it", "index %s is being built: %s", d.index(), x.progress())
	}
	same, told := d.compares(x)
	if told && !same || x.valid && !same {
		return action.Refuse("choose another name", "there is another index %s: %s", d.index(), x.definition)
	}
	return nil
}

func createIndex(ctx context.Context, v *visit, o action.Order, _ []action.Item) (action.Done, error) {
	d, err := parseIndexDDL(o.Args.Text("ddl"))
	if err != nil {
		return action.Done{}, err
	}
	former, err := guardOf[createGuard](o)
	if err != nil {
		return action.Done{}, err
	}
	if former.Leftover != 0 { // of somebody else, as the preview shows it
		if _, err := v.do(ctx, o.Key, "DROP INDEX CONCURRENTLY IF EXISTS "+d.index().quoted()); err != nil {
			return action.Done{}, err
		}
	}
	if _, err := v.do(ctx, o.Key, d.statement()); err != nil {
		return v.sweep(ctx, o, err, d.leftBehind(o))
	}
	s, err := createStands(ctx, v.ask, o)
	switch {
	case err != nil:
		return action.Done{}, fmt.Errorf("built; look whether it is valid: %w", err)
	case s.State != action.Made:
		return v.sweep(ctx, o, action.Not("built, and not valid: %s", s.Text), d.leftBehind(o))
	}
	return *s.Done, nil
}

// finishCreate drops the invalid index that a stopped run left, and builds it.
func finishCreate(ctx context.Context, v *visit, o action.Order) (action.Done, error) {
	d, err := parseIndexDDL(o.Args.Text("ddl"))
	if err != nil {
		return action.Done{}, err
	}
	if _, err := v.cleared(ctx, o, d.leftBehind(o)); err != nil {
		return action.Done{}, err
	}
	return createIndex(ctx, v, o, nil)
}

// leftBehind is the invalid index that an order has left.
func (d indexDDL) leftBehind(o action.Order) func(context.Context, asker) (leftover, error) {
	return func(ctx context.Context, ask asker) (leftover, error) {
		s, err := createStands(ctx, ask, o)
		if err != nil || s.State != action.PartlyMade {
			return leftover{standing: s}, err
		}
		return leftover{name: d.index(), standing: s}, nil
	}
}

func (d indexDDL) done() action.Done {
	return action.Done{
		Summary: "index " + d.index().String() + " is built and valid",
		Inverse: &action.Change{Type: "postgres.drop_index", Args: action.Args{"index": d.index().String(), "lock_timeout": "1m", "for": "0s"}},
	}
}

func createStands(ctx context.Context, ask asker, o action.Order) (action.Standing, error) {
	d, err := parseIndexDDL(o.Args.Text("ddl"))
	if err != nil {
		return action.Standing{}, err
	}
	former, err := guardOf[createGuard](o)
	if err != nil {
		return action.Standing{}, err
	}
	x, err := indexNamed(ctx, ask, d.index())
	if err != nil {
		return action.Standing{}, err
	}
	done := d.done()
	switch same, told := d.compares(x); {
	case !x.there(), x.oid == former.Leftover:
		return standing(action.NotMade, nil, "index %s: %s", d.index(), x.stateText()), nil
	case x.table != former.Table, told && !same:
		return cannotTell("there is another index %s: %s", d.index(), x.definition), nil
	case x.builder != 0:
		return cannotTell("index %s is not ready: %s", d.index(), x.progress()), nil
	case !x.valid:
		return standing(action.PartlyMade, &done, "index %s was left invalid by a build that was stopped", d.index()), nil
	}
	return standing(action.Made, &done, "%s", done.Summary), nil
}
