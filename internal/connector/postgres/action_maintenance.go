package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

const tableAbout = "the table, with its schema: \"public.orders\""

func analyzeChange() change {
	return change{
		spec: action.Spec{
			Name: "postgres.analyze", Risk: action.R1,
			Does:   "Refreshes a table's planner statistics with ANALYZE.",
			Tells:  "the server has counted one more ANALYZE of the table",
			Params: []probe.Param{need("table", probe.Text, tableAbout)},
		},
		look: lookMaintenance, stands: maintenanceStands, make: maintain, patient: true,
	}
}

func vacuumChange() change {
	return change{
		spec: action.Spec{
			Name: "postgres.vacuum", Risk: action.R2,
			Does:  "Vacuums a table without an exclusive lock. It reads the whole table, so it costs disk.",
			Tells: "the server has counted one more VACUUM of the table", Destroys: "how many dead rows there were", Captures: []string{"postgres.tables"},
			Params: []probe.Param{
				need("table", probe.Text, tableAbout),
				optional("freeze", probe.Bool, "false", "freeze all rows as well, against wraparound"),
				optional("analyze", probe.Bool, "false", "refresh the planner statistics as well"),
			},
		},
		look: lookMaintenance, stands: maintenanceStands, make: maintain, patient: true,
	}
}

// upkeep is what an order asks for.
type upkeep struct {
	table                   relation
	vacuum, freeze, analyze bool
}

func upkeepOf(c action.Args) (upkeep, error) {
	table, err := relationOf(c.Text("table"), "table")
	_, vacuum := c["freeze"] // only postgres.vacuum has the argument
	return upkeep{table: table, vacuum: vacuum, freeze: c.Bool("freeze"), analyze: c.Bool("analyze") || !vacuum}, err
}

// maintenanceGuard is how often it was done by hand before. The server's own
// counts are compared, not clocks: its clock and ours differ.
type maintenanceGuard struct {
	OID      int64  `json:"oid"`
	Vacuums  int64  `json:"vacuums"`
	Analyzes int64  `json:"analyzes"`
	Frozen   string `json:"frozen,omitempty"` // relfrozenxid, where freezing is asked for
}

const maintenanceColumns = `(` + mayMaintain + `) AS may, current_setting('track_counts')::bool AS counted,
       coalesce(s.vacuum_count, 0) AS vacuums, coalesce(s.analyze_count, 0) AS analyzes, c.relfrozenxid::text AS frozen,
       coalesce(to_char(greatest(s.last_vacuum, s.last_autovacuum) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), 'never') AS last_vacuum,
       coalesce(to_char(greatest(s.last_analyze, s.last_autoanalyze) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), 'never') AS last_analyze,
       c.relfrozenxid <> '0' AND age(c.relfrozenxid) <= current_setting('vacuum_freeze_min_age')::int AS young,
       coalesce((SELECT min(p.pid) FROM pg_stat_progress_vacuum p WHERE p.relid = c.oid), 0) AS vacuuming`

const maintenanceJoins = `LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid`

func (u upkeep) guard(row map[string]any) maintenanceGuard {
	g := maintenanceGuard{OID: int64(num(row, "oid")), Vacuums: int64(num(row, "vacuums")), Analyzes: int64(num(row, "analyzes"))}
	if u.freeze {
		g.Frozen = str(row, "frozen")
	}
	return g
}

func lookMaintenance(ctx context.Context, ask asker, a action.Args) (action.Preview, error) {
	u, err := upkeepOf(a)
	if err != nil {
		return action.Preview{}, err
	}
	row, err := u.table.find(ctx, ask, "table", maintenanceColumns, maintenanceJoins)
	if err != nil {
		return action.Preview{}, err
	}
	if err := u.refuse(row); err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{
		Summary: strings.ToLower(u.does()) + " table " + u.table.String(),
		Items: []action.Item{{
			ID: "table " + u.table.String(), Guard: guard(u.guard(row)), Then: u.then(),
			Now: fmt.Sprintf("about %s, vacuumed last %s, analyzed last %s (UTC)", bytesText(num(row, "bytes")), str(row, "last_vacuum"), str(row, "last_analyze")),
		}},
	}
	if pid := num(row, "vacuuming"); pid != 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("pid %.0f vacuums this table now: an autovacuum gives way, any other is waited for", pid))
	}
	return p, nil
}

func (u upkeep) refuse(row map[string]any) error {
	switch kind := str(row, "kind"); {
	case kind == "p" && u.vacuum:
		return action.Refuse("name its partitions", "%s is partitioned: it holds no rows itself", u.table)
	case kind != "r" && kind != "m" && kind != "p":
		return action.Refuse("", "%s is no table", u.table)
	case !truth(row, "may"):
		return action.Refuse("make our role a member of the table's owner, or GRANT MAINTAIN (17 and later)", "our role may not vacuum or analyze %s", u.table)
	case !truth(row, "counted"):
		return action.Refuse("track_counts = on", "the server does not count, so that nobody could tell whether it happened")
	}
	return notOnStandby(row)
}

func (u upkeep) does() string {
	switch {
	case u.freeze:
		return "Vacuums and freezes"
	case u.vacuum:
		return "Vacuums"
	}
	return "Analyzes"
}

func (u upkeep) then() string {
	var then []string
	if u.vacuum {
		then = append(then, "dead rows are free for use again; the file does not shrink")
	}
	if u.freeze {
		then = append(then, "old rows are frozen")
	}
	if u.analyze {
		then = append(then, "planner statistics are fresh")
	}
	return strings.Join(then, ", ")
}

// statement leaves out the end of a vacuum that cuts the file: that takes the
// lock which stops every reader, on the standbys too.
func (u upkeep) statement() string {
	if !u.vacuum {
		return "ANALYZE " + u.table.quoted()
	}
	options := "TRUNCATE false"
	if u.freeze {
		options += ", FREEZE"
	}
	if u.analyze {
		options += ", ANALYZE"
	}
	return "VACUUM (" + options + ") " + u.table.quoted()
}

// statisticsTime is how long the server's statistics may lag behind: before
// version 15 a process of their own collects them.
const statisticsTime = 2 * time.Second

func maintain(ctx context.Context, v *visit, o action.Order, _ []action.Item) (action.Done, error) {
	u, err := upkeepOf(o.Args)
	if err != nil {
		return action.Done{}, err
	}
	if _, err := v.do(ctx, o.Key, u.statement()); err != nil {
		return action.Done{}, err
	}
	wait, cancel := context.WithTimeout(ctx, statisticsTime)
	defer cancel()
	for {
		s, err := maintenanceStands(ctx, v.ask, o)
		if err != nil {
			return action.Done{}, fmt.Errorf("look whether it was counted: %w", err)
		}
		if s.State == action.Made {
			return *s.Done, nil
		}
		if pause(wait, 50*time.Millisecond) != nil {
			return action.Done{}, fmt.Errorf("it ran without an error, and the server has not counted it: %s", s.Text)
		}
	}
}

func maintenanceStands(ctx context.Context, ask asker, o action.Order) (action.Standing, error) {
	u, err := upkeepOf(o.Args)
	if err != nil {
		return action.Standing{}, err
	}
	before, err := guardOf[maintenanceGuard](o)
	if err != nil {
		return action.Standing{}, err
	}
	row, err := u.table.findAny(ctx, ask, maintenanceColumns, maintenanceJoins)
	if err != nil {
		return action.Standing{}, err
	}
	now := u.guard(row)
	done := &action.Done{Summary: "table " + u.table.String() + ": " + u.then()}
	switch {
	case now.OID != before.OID:
		return cannotTell("the table is gone, or is another one now"), nil
	case now.Vacuums < before.Vacuums || now.Analyzes < before.Analyzes:
		return cannotTell("the server's statistics were reset since"), nil
	case u.vacuum && now.Vacuums == before.Vacuums, u.analyze && now.Analyzes == before.Analyzes:
		return standing(action.NotMade, nil, "none was counted since"), nil
	case u.freeze && now.Frozen == before.Frozen && !truth(row, "young"):
		return standing(action.NotMade, nil, "the table was vacuumed since, and its oldest transaction is still %s", now.Frozen), nil
	}
	return standing(action.Made, done, "%s", done.Summary), nil
}
