package postgres

import (
	"context"
	"fmt"
	"math"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

const limitAbout = "sessions it may have; -1 for no limit of its own"

func roleLimitChange() change {
	k := limited{
		noun: "role", sql: roleLimitSQL, grant: "ALTER ROLE … CREATEROLE for our role, or ask an administrator",
		set: "ALTER ROLE %s CONNECTION LIMIT %d",
	}
	return k.change(action.Spec{
		Name: "postgres.role_limit", Does: "Changes a role's CONNECTION LIMIT.",
		Params: []probe.Param{need("role", probe.Text, "the role"), need("limit", probe.Number, limitAbout), action.ForParam()},
	})
}

func databaseLimitChange() change {
	k := limited{
		noun: "database", sql: databaseLimitSQL, grant: "make our role a member of the role that owns it",
		set: "ALTER DATABASE %s CONNECTION LIMIT %d",
	}
	return k.change(action.Spec{
		Name: "postgres.database_limit", Does: "Changes a database's CONNECTION LIMIT.",
		Params: []probe.Param{need("database", probe.Text, "the database"), need("limit", probe.Number, limitAbout), action.ForParam()},
	})
}

// limited is what may have a CONNECTION LIMIT.
type limited struct {
	noun  string // and the name of the argument
	sql   string // reads its limit; %s is its name
	set   string // sets it; name and number
	grant string // what to do where our role may not
}

func (k limited) change(spec action.Spec) change {
	spec.Risk, spec.Undo = action.R2, "sets the former limit"
	spec.Tells = "the catalog has the new limit"
	return change{spec: spec, look: k.look, stands: k.stands, make: k.make}
}

// A superuser's own sessions are not held to any limit.
const (
	roleLimitSQL = `SELECT r.rolconnlimit AS "limit", r.rolsuper AS unbound,
       me.rolsuper OR me.rolcreaterole AND NOT r.rolsuper AS may,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid AND a.backend_type = 'client backend') AS used,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS usable
FROM pg_roles r, pg_roles me WHERE r.rolname = %s AND me.rolname = current_user`
	databaseLimitSQL = `SELECT d.datconnlimit AS "limit", false AS unbound,
       pg_has_role(d.datdba, 'USAGE') AS may,
       (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND a.backend_type = 'client backend') AS used,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS usable
FROM pg_database d WHERE d.datname = %s`
)

// limitGuard is the former limit.
type limitGuard struct {
	Limit int64 `json:"limit"`
}

func (k limited) look(ctx context.Context, ask asker, a action.Args) (action.Preview, error) {
	name, limit := a.Text(k.noun), a.Number("limit")
	if limit != math.Trunc(limit) || limit < -1 || limit > math.MaxInt32 {
		return action.Preview{}, action.Refuse("", "limit is %v: it is a whole number of sessions, or -1 for no limit", limit)
	}
	r, err := ask(ctx, fmt.Sprintf(k.sql, quoteText(name)))
	if err != nil {
		return action.Preview{}, err
	}
	v := r.first()
	switch {
	case len(r.rows) == 0:
		return action.Preview{}, action.Refuse("", "there is no %s %s", k.noun, name)
	case !truth(v, "may"):
		return action.Preview{}, action.Refuse(k.grant, "our role may not alter %s %s", k.noun, name)
	}
	former := int64(num(v, "limit"))
	what := k.noun + " " + name
	p := action.Preview{
		Summary: fmt.Sprintf("sets the connection limit of %s from %s to %s", what, limitText(former), limitText(int64(limit))),
		Items:   []action.Item{{ID: what, Now: limitText(former), Then: limitText(int64(limit)), Guard: guard(limitGuard{former})}},
	}
	if former == int64(limit) {
		p.Already, p.Summary = true, fmt.Sprintf("the connection limit of %s is %s", what, limitText(former))
	}
	if truth(v, "unbound") {
		p.Warnings = append(p.Warnings, what+" is a superuser, who is held to no limit")
	}
	if limit >= 0 && num(v, "used") > limit {
		p.Warnings = append(p.Warnings, what+" has more sessions than that: they stay, and no new one is let in")
	}
	if limit > num(v, "usable") {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the server lets in %.0f ordinary sessions in all", num(v, "usable")))
	}
	return p, nil
}

func limitText(n int64) string {
	if n < 0 {
		return "no limit"
	}
	return fmt.Sprint(n)
}

func (k limited) make(ctx context.Context, v *visit, o action.Order, _ []action.Item) (action.Done, error) {
	former, err := guardOf[limitGuard](o)
	if err != nil {
		return action.Done{}, err
	}
	name, limit := o.Args.Text(k.noun), int64(o.Args.Number("limit"))
	if _, err := v.do(ctx, o.Key, fmt.Sprintf(k.set, quoteName(name), limit)); err != nil {
		return action.Done{}, err
	}
	return k.done(o, former), nil
}

func (k limited) done(o action.Order, former limitGuard) action.Done {
	return action.Done{
		Summary: fmt.Sprintf("the connection limit of %s %s is %s", k.noun, o.Args.Text(k.noun), limitText(int64(o.Args.Number("limit")))),
		Inverse: &action.Change{Type: o.Type, Args: action.Args{
			k.noun: o.Args.Text(k.noun), "limit": float64(former.Limit), "for": "0s",
		}},
	}
}

func (k limited) stands(ctx context.Context, ask asker, o action.Order) (action.Standing, error) {
	former, err := guardOf[limitGuard](o)
	if err != nil {
		return action.Standing{}, err
	}
	r, err := ask(ctx, fmt.Sprintf(k.sql, quoteText(o.Args.Text(k.noun))))
	if err != nil {
		return action.Standing{}, err
	}
	if len(r.rows) == 0 {
		return cannotTell("%s %s is gone", k.noun, o.Args.Text(k.noun)), nil
	}
	switch now := int64(num(r.first(), "limit")); now {
	case int64(o.Args.Number("limit")):
		done := k.done(o, former)
		return standing(action.Made, &done, "%s", done.Summary), nil
	case former.Limit:
		return standing(action.NotMade, nil, "the limit is still %s", limitText(now)), nil
	default:
		return cannotTell("the limit is %s: neither the former (%s) nor the new one", limitText(now), limitText(former.Limit)), nil
	}
}
