package alertmanager

import (
	"context"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func silencesSpec() probe.Spec {
	return probe.Spec{
		Name:     "alertmanager.silences",
		Question: "What is silenced, by whom, why and until when?",
		Why:      "A silence that was meant for an hour explains why nobody was paged, and one that ends soon explains the next page.",
		Cost:     "one GET of /api/v2/silences",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "ended", Type: probe.Bool, Default: "false", About: "silences that are over as well"},
		},
		Fields: []probe.Field{
			{Name: "id", Type: "text", About: "the silence's id"},
			{Name: "state", Type: "text", About: "active, pending or expired"},
			{Name: "matchers", Type: "text", About: "what it mutes"},
			{Name: "created_by", Type: "text", About: "who made it"},
			{Name: "comment", Type: "text", About: "why"},
			{Name: "starts", Type: "number", About: "from when on, seconds since 1970"},
			{Name: "ends", Type: "number", About: "until when, seconds since 1970"},
			{Name: "left_s", Type: "number", About: "seconds until it ends; 0 when it is over"},
		},
		Outcomes: []probe.Outcome{
			{When: "no rows", Means: "nothing is silenced"},
			{When: "rows", Means: "listed by their end, the next first"},
		},
	}
}

func (t *target) silences(ctx context.Context, q probe.Question) evidence.Answer {
	all, err := t.client.list(ctx)
	if err != nil {
		return answer(err)
	}
	ended, _ := q.Args["ended"].(bool)
	sort.Slice(all, func(i, j int) bool {
		if !all[i].EndsAt.Equal(all[j].EndsAt) {
			return all[i].EndsAt.Before(all[j].EndsAt)
		}
		return all[i].ID < all[j].ID
	})
	rows := []any{}
	var notes []string
	for _, s := range all {
		if s.over() && !ended {
			continue
		}
		if len(rows) == t.tools.Gate.Limits().Rows {
			notes = append(notes, "cut at the limit of rows")
			break
		}
		rows = append(rows, map[string]any{
			"id": s.ID, "state": s.state(), "matchers": s.matchersText(), "created_by": s.CreatedBy, "comment": s.Comment,
			"starts": float64(s.StartsAt.UnixMilli()) / 1000, "ends": float64(s.EndsAt.UnixMilli()) / 1000,
			"left_s": max(s.EndsAt.Sub(t.tools.Now()).Seconds(), 0),
		})
	}
	return evidence.Of(rows, notes...)
}
