package loki_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/realserver"
)

// The stand-in of the other tests must answer as a real Loki does: both have
// the same lines, and are asked the same. Loki has its default settings, with
// which it adds the labels service_name and detected_level.
func TestARealLokiAnswersTheSame(t *testing.T) {
	real := realserver.StartLoki(t, "")
	// Loki lays points at multiples of the step; this is one of every step below.
	now := time.Unix(time.Now().Unix()/420*420, 0)
	standIn := shopAt(now)
	many := lokiStream{labels: map[string]string{"app": "many", "env": "prod"}}
	for i := range 501 {
		many.lines = append(many.lines, lokiLine{now.Add(time.Duration(i-600) * time.Second), fmt.Sprintf(`{"id":%d}`, i)})
	}
	standIn.streams = append(standIn.streams, many)
	for _, s := range standIn.streams {
		var lines []realserver.LokiLine
		for _, l := range s.lines {
			lines = append(lines, realserver.LokiLine{At: l.at.UnixNano(), Text: l.text})
		}
		real.Push(t, s.labels, lines)
		s.labels["service_name"] = s.labels["app"] // as Loki finds it
	}
	here := open(t, connector.Settings{"url": standIn.start(t)}, connector.Limits{})
	there := open(t, connector.Settings{"url": real.URL}, connector.Limits{})
	for _, c := range []struct {
		query   string
		options []string
		status  evidence.Status
	}{
		{`{app="${service}"} | json | level="error"`, nil, evidence.Answered},
		{`{app="${service}"} | json | level="error"`, []string{"since=5m"}, evidence.Answered},
		{`{app="orders-api"}`, []string{"limit=3"}, evidence.Answered},
		{`{app="orders-api"}`, []string{"limit=3", "direction=forward"}, evidence.Answered},
		{`{app="orders-api"} |= "${word}"`, nil, evidence.Answered},
		{`{service="${service}"} | json | duration_ms > 1500`, nil, evidence.Answered},
		{`sum by (level) (count_over_time({app="orders-api"} | json [30m]))`, nil, evidence.Answered},
		{`sum(count_over_time({service="${service}"} | json | level="error" [30m]))`, nil, evidence.Answered},
		{`sum(count_over_time({app="orders-api"}[1m]))`, []string{"since=10m", "step=1m"}, evidence.Answered},
		{`sum(count_over_time({app="orders-api"}[1m]))`, []string{"since=7m", "step=7s"}, evidence.Answered},
		{`sum(count_over_time({app="orders-api"} |= "nothing" [5m])) / 0`, nil, evidence.Answered},
		{`vector(1) / 0`, nil, evidence.NoData},
		{`{app="orders-api"} |= "no such text"`, nil, evidence.Answered},
		{`{app="shop"}`, nil, evidence.NoData},
		{`{pod="x"}`, nil, evidence.NoData},
		{`{app="orders-api", env!="prod"}`, nil, evidence.NoData},
		{`sum(count_over_time({app="shop"}[5m]))`, nil, evidence.NoData},
		{`{app="billing"} | nonsense`, nil, evidence.Invalid},
		{`{}`, nil, evidence.Invalid},
		{`count_over_time({app="many"} | json [30m])`, []string{"dialect=strict"}, evidence.Invalid}, // more than 500 series
		{`sum by (level) (count_over_time({app="orders-api"} | logfmt --strict [30m]))`, []string{"dialect=strict"}, evidence.Invalid},
		// What only the playbook dialect says, rewritten for a Loki.
		{`count_over_time({app="many"} | json [30m])`, nil, evidence.Answered},
		{`avg by (app) (avg_over_time({app="many"} | json | unwrap id [30m]))`, nil, evidence.Answered},
		{`{app="${service}"} | json | message=~"(?i)e"`, nil, evidence.Answered},
		{`{app="${service}"} | json | level=~"err|warn"`, nil, evidence.Answered},
		{`sum(count_over_time({app="${service}"} | json | duration_ms > 100 [30m]))`, nil, evidence.Answered},
	} {
		name := fmt.Sprint(c.query, c.options)
		want, got := askAt(t, now, here, c.query, c.options...), askAt(t, now, there, c.query, c.options...)
		require.Equal(t, c.status, got.Status, "%s: %s", name, got.Reason)
		require.Equal(t, want.Status, got.Status, "%s: %s", name, want.Reason)
		if c.status == evidence.Invalid {
			continue // in each one's own words
		}
		require.Equal(t, want.Reason, got.Reason, name)
		require.Equal(t, want.Notes, got.Notes, name)
		require.Equal(t, plain(t, want.Value), plain(t, got.Value), name)
	}
	for _, c := range there.(connector.Examiner).Examine(context.Background()) {
		require.True(t, c.OK, "%+v", c)
	}
}

// plain is a value as JSON, without the label that only Loki finds.
func plain(t *testing.T, value any) any {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	var out any
	require.NoError(t, json.Unmarshal(data, &out))
	list, _ := out.([]any)
	for _, item := range list {
		if line, ok := item.(map[string]any); ok {
			if labels, ok := line["labels"].(map[string]any); ok {
				delete(labels, "detected_level")
			}
		}
	}
	return out
}
