package loki_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// A playbook's readings reach a Loki, which has none of them: the server here
// reads strict LogQL only.
func TestAPlaybookMeansTheSameOnALoki(t *testing.T) {
	s := shop()
	target := open(t, connector.Settings{"url": s.start(t)}, connector.Limits{})

	a := ask(t, target, `{app="orders-api"} | json | message=~"(?i)REQUEST 1|request 2" | level="ERROR"`)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.Len(t, a.Value, 2, "requests 12 and 16")
	require.Contains(t, a.Notes[len(a.Notes)-1], `asked of Loki as: {app="orders-api"} | json | label_format`)

	a = ask(t, target, `avg by (level) (avg_over_time({app="orders-api"} | json | unwrap duration_ms [1h]))`)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.Equal(t, 800.0, value(a, 0), "of requests 0, 4, 8, 12, 16")

	a = ask(t, target, `{app="orders-api"} | json | message=~"request 1"`, "dialect=strict")
	require.Empty(t, a.Value, "as Loki documents it, the whole message must match")
}

func value(a evidence.Answer, series int) float64 {
	points := a.Value.([]any)[series].(map[string]any)["points"].([]any)
	return points[len(points)-1].([]any)[1].(float64)
}

func TestWhatLokiCannotSayIsDoneHere(t *testing.T) {
	s := &lokiServer{}
	st := lokiStream{labels: map[string]string{"app": "api"}}
	const lines = 2500 // several pages
	for i := range lines {
		at := end.Add(-time.Duration(i/3) * time.Second) // three of each moment
		st.lines = append(st.lines, lokiLine{at, fmt.Sprintf(`{"n":%d,"pool":{"active":%d,"size":5}}`, i, i%10)})
	}
	st.lines = append(st.lines, lokiLine{end, `{"n":0,"pool":`})
	s.streams = []lokiStream{st}
	target := open(t, connector.Settings{"url": s.start(t)}, connector.Limits{})

	a := ask(t, target, `sum(count_over_time({app="api"} |= "pool" | json | pool.active == pool.size [1h]))`)
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	require.Equal(t, float64(lines/10), value(a, 0))
	require.Contains(t, a.Notes[0], "Loki cannot compare two labels: pool_active == pool_size, so it is done here: 2501 lines were fetched")
	require.Equal(t, `{app="api"} |= "pool"`, s.queries[0], "only what the first filters let through is fetched")
	require.Greater(t, len(s.queries), 2, "in pages")

	a = ask(t, target, `{app="api"} | json | pool.active == pool.size`, "limit=3")
	require.Len(t, a.Value, 3)
	a = ask(t, target, `{app="nobody"} | json | a == b`)
	require.Equal(t, evidence.NoData, a.Status)
	a = ask(t, target, `{} | json | a == b`)
	require.Equal(t, evidence.Invalid, a.Status)
	require.Contains(t, a.Reason, "names a stream")
}
