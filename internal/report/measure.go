package report

import (
	"strings"

	"github.com/quellhq/quell/internal/chart"
	"github.com/quellhq/quell/internal/evidence"
)

// measureKinds are the three that every report looks for, each with the words
// that names of series have by convention. They only sort and label: nothing is
// concluded from them.
var measureKinds = []struct {
	name  string
	words []string
}{
	{"errors", []string{"error", "fail", "5xx", "refus", "reject"}},
	{"latency", []string{"latency", "slow", "duration", "response_time", "p50", "p90", "p95", "p99", "quantile"}},
	{"waiting work", []string{"wait", "queue", "depth", "backlog", "pending", "lag"}},
}

// kindOf sorts a series by the name that its playbook gives it, and else by its
// query.
func kindOf(r reading) string {
	for _, text := range []string{r.probe, r.Question} {
		text = strings.ToLower(text)
		for _, k := range measureKinds {
			for _, w := range k.words {
				if strings.Contains(text, w) {
					return k.name
				}
			}
		}
	}
	return "other"
}

// unitOf reads the unit from the names in a query, which end in their unit by
// the convention of Prometheus. Where they do not, a number is just a number.
func unitOf(r reading) chart.Unit {
	name, query := strings.ToLower(r.probe), strings.ToLower(r.Question)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(query, w) || strings.Contains(name, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("percent"):
		return chart.Percent
	case has("histogram_quantile(") && has("_seconds"), has("_seconds_sum") && has("_seconds_count"):
		return chart.Seconds
	case has("ratio", "share") && within(r, 1), strings.Contains(query, " / ") && within(r, 1):
		return chart.Ratio
	case has("rate("):
		return chart.PerSecond
	case has("seconds"), strings.HasSuffix(name, "_s"):
		return chart.Seconds
	case has("bytes"):
		return chart.Bytes
	}
	return chart.Number
}

// within reports whether no value of a series is outside of 0 and most.
func within(r reading, most float64) bool {
	for _, s := range evidence.Streams(r.Value) {
		for _, p := range s.Points {
			if p.V < 0 || p.V > most {
				return false
			}
		}
	}
	return true
}
