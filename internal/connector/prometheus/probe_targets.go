package prometheus

import (
	"context"
	"encoding/json"
	"net/url"
	"sort"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
)

func targetsSpec() probe.Spec {
	return probe.Spec{
		Name:     "prometheus.targets",
		Question: "Which endpoints does Prometheus fail to scrape, and why?",
		Why:      "A gap in the metrics looks like an outage, and an outage like a gap: the scrape error says which it is.",
		Cost:     "one GET of /api/v1/targets",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "active", Type: "number", About: "targets that Prometheus means to scrape"},
			{Name: "up", Type: "number", About: "targets whose last scrape worked"},
			{Name: "down", Type: "number", About: "targets whose last scrape failed"},
			{Name: "unknown", Type: "number", About: "targets not scraped yet"},
			{Name: "dropped", Type: "number", About: "discovered targets that relabelling drops; null where the server does not say"},
			{Name: "slow", Type: "number", About: "up targets whose scrape took over 80 % of its timeout"},
			{Name: "targets", Type: "rows", About: "the down and the slow ones: job, instance, service, url, health, cause, error, scrape_s, timeout_s (seconds), last_scrape_age_s (seconds; null if never)"},
		},
		Outcomes: []probe.Outcome{
			{When: "down == 0", Means: "every endpoint answers; what is missing in the metrics is missing at the source"},
			{When: "cause refused", Means: "the host is up and nothing listens on that port"},
			{When: "cause no_such_host", Means: "the name in the scrape configuration does not exist"},
			{When: "cause timeout", Means: "silence, or a /metrics page slower than the scrape timeout"},
			{When: "cause not_found", Means: "the process answers, and metrics_path is wrong"},
			{When: "cause server_error", Means: "the process answers, and its own /metrics fails"},
			{When: "cause unauthorized", Means: "the endpoint wants credentials that the scrape configuration does not send"},
			{When: "cause wrong_format", Means: "something else than metrics is served there: a login page or an error page"},
			{When: "all targets of one job down", Means: "the exporter or the network path of that job, not one instance"},
		},
	}
}

// slowShare is the share of the scrape timeout above which a scrape is called
// slow: own value, since the next hiccup makes it a gap.
const slowShare = 0.8

type activeTarget struct {
	DiscoveredLabels   map[string]string `json:"discoveredLabels"`
	Labels             map[string]string `json:"labels"`
	ScrapeURL          string            `json:"scrapeUrl"`
	LastError          string            `json:"lastError"`
	LastScrape         time.Time         `json:"lastScrape"`
	LastScrapeDuration float64           `json:"lastScrapeDuration"`
	Health             string            `json:"health"`
	ScrapeTimeout      string            `json:"scrapeTimeout"`
}

func (t *Target) targets(ctx context.Context) evidence.Answer {
	reply, err := t.client.Get(ctx, "/api/v1/targets", url.Values{"state": {"active"}})
	if err != nil {
		return answer(err)
	}
	var data struct {
		Active        []activeTarget `json:"activeTargets"`
		DroppedCounts map[string]int `json:"droppedTargetCounts"`
	}
	if err := json.Unmarshal(reply.Data, &data); err != nil {
		return evidence.Not(evidence.NotApplicable, "this server does not list its targets", "")
	}
	counts := map[string]int64{}
	var slow int64
	rows := []any{}
	for _, a := range data.Active {
		counts[a.Health]++
		timeout, _ := time.ParseDuration(a.ScrapeTimeout)
		late := a.Health == "up" && timeout > 0 && a.LastScrapeDuration > slowShare*timeout.Seconds()
		if late {
			slow++
		}
		if a.Health == "down" || late {
			rows = append(rows, t.targetRow(a, timeout))
		}
	}
	sortRows(rows, "health", "job", "instance", "url")
	value := map[string]any{
		"active": int64(len(data.Active)), "up": counts["up"], "down": counts["down"],
		"unknown": counts["unknown"], "slow": slow, "targets": rows, "dropped": nil,
	}
	if data.DroppedCounts != nil {
		var n int64
		for _, c := range data.DroppedCounts {
			n += int64(c)
		}
		value["dropped"] = n
	}
	var notes []string
	if most := t.tools.Gate.Limits().Rows; len(rows) > most {
		value["targets"] = rows[:most]
		notes = append(notes, "the list of targets is cut")
	}
	if len(data.Active) == 0 {
		notes = append(notes, "Prometheus has no target at all: look at its service discovery")
	}
	return evidence.Of(value, append(notes, reply.Notes...)...)
}

func (t *Target) targetRow(a activeTarget, timeout time.Duration) map[string]any {
	row := map[string]any{
		"job": a.Labels["job"], "instance": a.Labels["instance"], "service": a.Labels["service"],
		"url": bareURL(a.ScrapeURL), "health": a.Health, "error": a.LastError, "cause": "",
		"scrape_s": a.LastScrapeDuration, "timeout_s": nil, "last_scrape_age_s": nil,
	}
	if a.LastError != "" {
		row["cause"] = promtext.ScrapeCause(a.LastError)
	} else if a.Health == "up" {
		row["cause"] = "slow"
	}
	if timeout > 0 {
		row["timeout_s"] = timeout.Seconds()
	}
	if !a.LastScrape.IsZero() {
		row["last_scrape_age_s"] = t.tools.Now().Sub(a.LastScrape).Seconds()
	}
	return row
}

// bareURL drops the user and the query of an address: both may hold secrets.
func bareURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// sortRows orders rows by the given text fields.
func sortRows(rows []any, by ...string) {
	sort.SliceStable(rows, func(i, j int) bool {
		a, b := rows[i].(map[string]any), rows[j].(map[string]any)
		for _, field := range by {
			x, _ := a[field].(string)
			y, _ := b[field].(string)
			if x != y {
				return x < y
			}
		}
		return false
	})
}
