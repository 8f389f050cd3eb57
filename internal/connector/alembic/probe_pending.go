package alembic

import (
	"context"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func pendingSpec() probe.Spec {
	return probe.Spec{
		Name:     "alembic.pending",
		Question: "What would the migrations that are not applied hold up, and what would they take away?",
		Why:      "A pending migration may be the cure, or the next outage: an index without CONCURRENTLY stops all writers of its table, a dropped column breaks the code that still reads it.",
		Cost:     "three starts of Python; one login and one read of alembic_version. The SQL is printed, not run",
		Shape:    probe.Rows,
		Fields: []probe.Field{
			{Name: "revision", Type: "text", About: "the migration, in the order in which they run"},
			{Name: "message", Type: "text", About: "what it says of itself"},
			{Name: "statements", Type: "number", About: "how many statements it sends; null when they cannot be shown"},
			{Name: "risks", Type: "list", About: "what it holds up or breaks, in words"},
			{Name: "waits", Type: "bool", About: "somebody waits for it for longer than a moment; null when its SQL cannot be shown"},
			{Name: "destroys", Type: "bool", About: "rows or values are gone afterwards; null when its SQL cannot be shown"},
		},
		Outcomes: []probe.Outcome{
			{When: "there are no rows", Means: "nothing is pending"},
			{When: "waits is true", Means: "run it when few write, or in the form that does not block"},
			{When: "destroys is true", Means: "there is no way back but a backup"},
		},
	}
}

// pendingRisks answers alembic.pending.
func (t *Target) pendingRisks(ctx context.Context) evidence.Answer {
	leave, err := t.tools.Gate.EnterBulk(ctx)
	if err != nil {
		return t.answer(err)
	}
	defer leave()
	g, s, err := t.where(ctx)
	if err != nil {
		return t.answer(err)
	}
	up := migration{t: t, spec: upgradeSpec(), verb: "upgrade", back: "downgrade"}
	r, err := up.route(g, s, action.Args{"revision": "head"})
	if err != nil {
		return t.answer(err)
	}
	if len(r.steps) == 0 {
		return evidence.Of([]any{})
	}
	sql, silent, err := t.offline(ctx, "upgrade", r.span)
	if err != nil {
		return t.answer(err)
	}
	// A step is weighed together with those before it: what an earlier one has
	// made holds up nobody.
	var rows []any
	var steps []scriptStep
	seen := map[string]bool{}
	for _, rev := range r.steps {
		row := map[string]any{"revision": rev.id, "message": rev.about, "statements": nil, "risks": []any{}, "waits": nil, "destroys": nil}
		if silent == "" {
			before := len(hazardsOf(steps).destroys)
			step := sql.step(rev.id)
			steps = append(steps, step)
			found := hazardsOf(steps)
			var risks []string
			waits := false
			for _, n := range found.notes {
				if seen[n] {
					continue
				}
				seen[n] = true
				risks = append(risks, strings.TrimPrefix(n, rev.id+" "))
				waits = waits || strings.Contains(n, "wait") && !strings.Contains(n, "for a moment")
			}
			row["statements"], row["risks"], row["waits"], row["destroys"] = int64(len(step.statements)), list(risks), waits, len(found.destroys) > before
		}
		if rows = append(rows, row); len(rows) == t.tools.Gate.Limits().Rows {
			break
		}
	}
	var notes []string
	if silent != "" {
		notes = append(notes, fmt.Sprintf("the SQL cannot be shown before it runs: %s", t.redact(silent)))
	}
	return evidence.Of(t.cfg.redact.Value(t.tools.Redact.Value(rows)), notes...)
}
