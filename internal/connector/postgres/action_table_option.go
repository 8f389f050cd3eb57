package postgres

import (
	"context"
	"fmt"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

const resetAbout = "take the setting away instead, so that the default holds again; value is not looked at"

func tableOptionChange() change {
	return change{
		spec: action.Spec{
			Name: "postgres.table_option", Risk: action.R1,
			Does: "Sets a storage parameter of a table, such as autovacuum_enabled.", Undo: "sets or resets the former value",
			Tells: "the catalog has the new value",
			Params: []probe.Param{
				need("table", probe.Text, tableAbout),
				need("option", probe.Text, "the storage parameter: \"autovacuum_enabled\""),
				need("value", probe.Text, "its new value"),
				optional("reset", probe.Bool, "false", resetAbout),
				action.ForParam(),
			},
		},
		look: lookOption, stands: optionStands, make: setOption,
	}
}

// tableSetting is what an order asks for. A nil value is the default.
type tableSetting struct {
	table relation
	name  string
	value *string
}

func optionOf(a action.Args) (tableSetting, error) {
	table, err := relationOf(a.Text("table"), "table")
	if err != nil {
		return tableSetting{}, err
	}
	o := tableSetting{table: table, name: a.Text("option")}
	if a.Bool("reset") {
		if _, ok := tableOptions[o.name]; !ok {
			_, err = optionValue(o.name, "")
		}
		return o, err
	}
	value, err := optionValue(o.name, a.Text("value"))
	o.value = &value
	return o, err
}

// optionGuard is the former value; nil where there was none.
type optionGuard struct {
	OID   int64   `json:"oid"`
	Value *string `json:"value"`
}

// read returns the value of now, and whether our role may change it. The row is
// empty where the table is gone.
func (o tableSetting) read(ctx context.Context, ask asker) (optionGuard, map[string]any, error) {
	row, err := o.table.findAny(ctx, ask, `pg_has_role(c.relowner, 'USAGE') AS may,
       (SELECT x.option_value FROM pg_options_to_table(c.reloptions) x WHERE x.option_name = `+quoteText(o.name)+`) AS value`, "")
	if err != nil {
		return optionGuard{}, nil, err
	}
	g := optionGuard{OID: int64(num(row, "oid"))}
	if text, ok := row["value"].(string); ok {
		if same, err := optionValue(o.name, text); err == nil {
			text = same // off and false are one
		}
		g.Value = &text
	}
	return g, row, nil
}

func lookOption(ctx context.Context, ask asker, a action.Args) (action.Preview, error) {
	o, err := optionOf(a)
	if err != nil {
		return action.Preview{}, err
	}
	former, row, err := o.read(ctx, ask)
	switch kind := str(row, "kind"); {
	case err != nil:
		return action.Preview{}, err
	case len(row) == 0:
		return action.Preview{}, action.Refuse("", "there is no table %s in this database", o.table)
	case kind != "r" && kind != "m":
		return action.Preview{}, action.Refuse("name a table; of a partitioned one, its partitions", "%s holds no rows itself", o.table)
	case !truth(row, "may"):
		return action.Preview{}, action.Refuse("make our role a member of the table's owner", "our role may not alter %s", o.table)
	}
	if err := notOnStandby(row); err != nil {
		return action.Preview{}, err
	}
	what := o.name + " of " + o.table.String()
	p := action.Preview{
		Summary: fmt.Sprintf("sets %s from %s to %s", what, valueText(former.Value), valueText(o.value)),
		Items:   []action.Item{{ID: what, Now: valueText(former.Value), Then: valueText(o.value), Guard: guard(former)}},
	}
	if same(former.Value, o.value) {
		p.Already, p.Summary = true, what+" is "+valueText(o.value)
	}
	if o.name == "autovacuum_enabled" && o.value != nil && *o.value == "false" {
		p.Warnings = append(p.Warnings, "dead rows of the table pile up until it is vacuumed by hand or switched on again")
	}
	return p, nil
}

func valueText(v *string) string {
	if v == nil {
		return "the default"
	}
	return *v
}

func same(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

func setOption(ctx context.Context, v *visit, order action.Order, _ []action.Item) (action.Done, error) {
	o, err := optionOf(order.Args)
	if err != nil {
		return action.Done{}, err
	}
	former, err := guardOf[optionGuard](order)
	if err != nil {
		return action.Done{}, err
	}
	// The name is one of ours, checked against the table of storage parameters.
	statement := fmt.Sprintf("ALTER TABLE %s RESET (%s)", o.table.quoted(), o.name)
	if o.value != nil {
		statement = fmt.Sprintf("ALTER TABLE %s SET (%s = %s)", o.table.quoted(), o.name, quoteText(*o.value))
	}
	if _, err := v.do(ctx, order.Key, statement); err != nil {
		return action.Done{}, err
	}
	return o.done(former), nil
}

func (o tableSetting) done(former optionGuard) action.Done {
	back := action.Args{"table": o.table.String(), "option": o.name, "value": "", "reset": former.Value == nil, "for": "0s"}
	if former.Value != nil {
		back["value"] = *former.Value
	}
	return action.Done{
		Summary: fmt.Sprintf("%s of %s is %s", o.name, o.table, valueText(o.value)),
		Inverse: &action.Change{Type: "postgres.table_option", Args: back},
	}
}

func optionStands(ctx context.Context, ask asker, order action.Order) (action.Standing, error) {
	o, err := optionOf(order.Args)
	if err != nil {
		return action.Standing{}, err
	}
	former, err := guardOf[optionGuard](order)
	if err != nil {
		return action.Standing{}, err
	}
	now, _, err := o.read(ctx, ask)
	if err != nil {
		return action.Standing{}, err
	}
	switch {
	case now.OID != former.OID:
		return cannotTell("the table is gone, or is another one now"), nil
	case same(now.Value, o.value):
		done := o.done(former)
		return standing(action.Made, &done, "%s", done.Summary), nil
	case same(now.Value, former.Value):
		return standing(action.NotMade, nil, "%s is still %s", o.name, valueText(now.Value)), nil
	}
	return cannotTell("%s is %s: neither the former value (%s) nor the new one", o.name, valueText(now.Value), valueText(former.Value)), nil
}
