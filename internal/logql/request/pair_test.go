package request_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql/request"
)

// paths tells what requests of two lines are counted as.
func paths(lines ...request.Line) map[string]string {
	tally := request.NewTally(1)
	for i, l := range lines {
		if l.At == 0 {
			l.At = int64(i + 2)
		}
		tally.Add(l, "info")
	}
	r, _ := tally.Report(0, 1e12)
	out := map[string]string{}
	for _, p := range r.Paths {
		out[p.Name] = fmt.Sprintf("%d, %.1g s, failed %.1f", p.Now.Counted, p.Now.P50, p.Now.Failed)
	}
	return out
}

func TestRequestsOfTwoLines(t *testing.T) {
	t.Parallel()
	ruby := func(pid int, text string) request.Line {
		return line(0, fmt.Sprintf("I, [2026-11-30T06:00:00.123456 #%d]  INFO -- : %s", pid, text))
	}
	const start, other = `Started GET "/orders/17?x=1" for 198.51.100.7 at 2026-11-30 06:00:00 +0000`, `Started POST "/carts" for 198.51.100.8 at 2026-11-30 06:00:00 +0000`
	for name, c := range map[string]struct {
		lines []request.Line
		want  map[string]string
	}{
		"by a tag": {
			[]request.Line{
				ruby(1, "[3f2c] "+start), ruby(1, "[77aa] "+other), ruby(1, "[3f2c] Processing by OrdersController#show as JSON"),
				ruby(1, "[77aa] Completed 500 Internal Server Error in 40ms (ActiveRecord: 30.2ms)"), ruby(1, "[3f2c] Completed 200 OK in 2000ms (Views: 1.2ms | ActiveRecord: 2400.0ms)"),
			},
			map[string]string{"/orders/*": "1, 2 s, failed 0.0", "/carts": "1, 0.04 s, failed 1.0"},
		},
		"by the process": {
			[]request.Line{ruby(1, start), ruby(2, other), ruby(1, "Completed 200 OK in 100ms"), ruby(2, "Completed 201 Created in 40ms")},
			map[string]string{"/orders/*": "1, 0.1 s, failed 0.0", "/carts": "1, 0.04 s, failed 0.0"},
		},
		"two at once that nothing tells apart": {
			[]request.Line{ruby(1, start), ruby(1, other), ruby(1, "Completed 200 OK in 100ms"), ruby(1, start), ruby(1, "Completed 200 OK in 100ms")},
			map[string]string{"(others)": "1, 0.1 s, failed 0.0", "/orders/*": "1, 0.1 s, failed 0.0"},
		},
		"by a field": {
			[]request.Line{line(0, "GET /orders/17", "request_id=a"), line(0, "GET /carts", "request_id=b"), line(0, "Sent 503 in 812µs", "request_id=b"), line(0, "Sent 200 in 100ms", "request_id=a")},
			map[string]string{"/orders/*": "1, 0.1 s, failed 0.0", "/carts": "1, 0.0008 s, failed 1.0"},
		},
		"one whose end was never written": {
			[]request.Line{line(2, start), line(900e9, other), line(901e9, "Completed 200 OK in 100ms")},
			map[string]string{"/carts": "1, 0.1 s, failed 0.0"},
		},
		"an end alone": {
			[]request.Line{line(0, "Completed 200 OK in 100ms")},
			map[string]string{"(others)": "1, 0.1 s, failed 0.0"},
		},
		"what only sounds like it": {
			[]request.Line{line(0, "Completed 200 jobs, the last in 3 runs"), line(0, "the job Completed 200 rows in 4ms"), line(0, "Sent 20000 mails in 4s")},
			map[string]string{},
		},
	} {
		require.Equal(t, c.want, paths(c.lines...), name)
	}
}
