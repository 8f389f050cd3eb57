package postgres

import (
	"context"

	"github.com/quellhq/quell/internal/action"
)

// MakeUnseen carries out an order without the look that Apply takes first, as
// if the world had moved on between that look and the act.
func MakeUnseen(ctx context.Context, target action.Changer, o action.Order) (action.Done, error) {
	t := target.(*Target)
	found, _ := t.Doer(o.Type)
	d := found.(doer)
	v, err := t.visit(ctx, d.settings(ctx, o.Args))
	if err != nil {
		return action.Done{}, err
	}
	defer v.close()
	return d.change.make(ctx, v, o, o.Preview.Items)
}

// Canon is the one form of a parameter's value; row is its row of pg_settings.
func Canon(row map[string]any, value string) (string, error) { return parameterOf(row).canon(value) }

// IndexStatement is what is sent for a CREATE INDEX statement.
func IndexStatement(ddl string) (string, error) {
	d, err := parseIndexDDL(ddl)
	if err != nil {
		return "", err
	}
	return d.statement(), nil
}
