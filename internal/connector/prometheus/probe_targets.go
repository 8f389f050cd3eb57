package prometheus

import (
	"context"
	"encoding/json"
	"net/url"
	"sort"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/promtext"
)

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
	answering := map[string]bool{} // jobs of which any target answers
	for _, a := range data.Active {
		answering[a.Labels["job"]] = answering[a.Labels["job"]] || a.Health != "down"
	}
	dark := []any{}
	for job, some := range answering {
		if !some {
			dark = append(dark, job)
		}
	}
	sort.Slice(dark, func(i, j int) bool { return dark[i].(string) < dark[j].(string) })
	jobs := map[string]int64{}
	var slow int64
	rows := []any{}
	for _, a := range data.Active {
		counts[a.Health]++
		jobs[a.Labels["job"]]++
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
		"dark_jobs": dark, "jobs": jobRows(jobs),
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

// jobRows says how many targets each job has, by name.
func jobRows(jobs map[string]int64) []any {
	rows := []any{}
	for job, n := range jobs {
		rows = append(rows, map[string]any{"job": job, "targets": n})
	}
	sortRows(rows, "job")
	return rows
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
