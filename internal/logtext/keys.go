package logtext

import (
	"context"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql/auth"
	"github.com/quellhq/quell/internal/logql/request"
	"github.com/quellhq/quell/internal/probe"
)

func keysSpec() probe.Spec {
	return probe.Spec{
		Name:     "logs.keys",
		Question: "From where are the keys of programs used, and for what, that they were not before?",
		Why:      "A key that leaked works as it always did; only the networks and the calls change.",
		Cost:     "reads the lines of window and before together, up to max_read of the target",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "query", Type: probe.Text, Default: "-", About: "a log query that takes the lines; \"-\" takes all lines of the service"},
			{Name: "window", Type: probe.Duration, Default: "15m", About: "the recent time"},
			{Name: "before", Type: probe.Duration, Default: "2h", About: "the time before it, to compare with"},
		},
		Fields: []probe.Field{
			{Name: "keys", Type: "rows", About: "at most 50, those with the most requests from new networks first: key (an id; of what opens something the last four characters), kind (the field that names it), requests, requests_before, networks, networks_before (distinct, /24 or /48; before are those that were seen in the first half of the time that is known of the key), new_networks (list), from_new (requests from these), new_share (of the requests), new_paths (list), first_new (when the first new network came; missing without)"},
			{Name: "strange", Type: "number", About: "keys that were well known before (20 requests, at most 5 networks) and are now used from new networks, for at least 5 requests and a fifth of all"},
		},
		Outcomes: []probe.Outcome{
			{When: "a well-known key has new_share above 0.2 and new_paths", Means: "somebody else has it: revoke it, and ask its owner whether they have moved"},
			{When: "every key has new networks at the same moment", Means: "a proxy or a network of ours has changed, and nothing has leaked"},
		},
	}
}

func (t Asker) keys(ctx context.Context, q probe.Question) evidence.Answer {
	if q.Args["window"] == nil {
		q.Args = withArg(q.Args, "window", "15m")
	}
	count, v, failed := tallied(ctx, t, q, "2h", auth.NewKeys, func(count *auth.Keys, l request.Line, _ string) { count.Add(l) })
	if failed != nil {
		return *failed
	}
	uses := count.Uses()
	if len(uses) == 0 {
		return evidence.Not(evidence.NoData, "no line of the recent time names a key", "let the service log the id of the key (api_key_id), never the key")
	}
	rows, strange := []any{}, 0
	for i := range uses {
		u := &uses[i]
		share := float64(u.FromNew) / float64(u.Requests)
		if u.Before >= 20 && u.NetworksBefore >= 1 && u.NetworksBefore <= 5 && u.FromNew >= 5 && share >= 0.2 {
			strange++
		}
		if i >= 50 {
			continue
		}
		row := map[string]any{"key": u.Key, "kind": u.Kind, "requests": int64(u.Requests), "requests_before": int64(u.Before),
			"networks": int64(u.Networks), "networks_before": int64(u.NetworksBefore), "new_networks": texts(u.NewNetworks[:min(len(u.NewNetworks), 20)]),
			"from_new": int64(u.FromNew), "new_share": share, "new_paths": texts(u.NewPaths[:min(len(u.NewPaths), 20)])}
		if u.FirstNew != 0 {
			row["first_new"] = seconds(u.FirstNew)
		}
		rows = append(rows, row)
	}
	return evidence.Of(map[string]any{"keys": rows, "strange": int64(strange)}, v.notes...)
}
