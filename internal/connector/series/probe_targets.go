package series

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/promtext"
	engine "github.com/quellhq/quell/internal/series"
)

// targets answers prometheus.targets in the same form as a Prometheus server.
func (t *Target) targets(ctx context.Context) evidence.Answer {
	if answer, ok := t.ready(ctx, 1); !ok {
		return answer
	}
	var up, down, unknown int64
	rows := []any{}
	jobs, answering := map[string]int64{}, map[string]bool{}
	for i, s := range t.scraper.States() {
		job := s.Labels["job"]
		jobs[job]++
		answering[job] = answering[job] || s.Scrapes == 0 || s.Err == nil
		switch {
		case s.Scrapes == 0:
			unknown++
		case s.Err == nil:
			up++
		default:
			down++
			rows = append(rows, t.row(i, s))
		}
	}
	all, dark := []any{}, []any{}
	for _, job := range slices.Sorted(maps.Keys(jobs)) {
		all = append(all, map[string]any{"job": job, "targets": jobs[job]})
		if !answering[job] {
			dark = append(dark, job)
		}
	}
	return evidence.Of(map[string]any{
		"jobs": all, "dark_jobs": dark,
		"active": up + down + unknown, "up": up, "down": down, "unknown": unknown,
		"dropped": int64(0), "slow": int64(0), "targets": rows,
	})
}

func (t *Target) row(i int, s engine.State) map[string]any {
	text := scrapeFailure(s).Reason
	return map[string]any{
		"job": s.Labels["job"], "instance": s.Labels["instance"], "service": s.Labels["service"],
		"url": t.urls[i], "health": "down", "error": text, "cause": promtext.ScrapeCause(s.Err.Error()),
		"scrape_s": s.Took.Seconds(), "timeout_s": nil,
		"last_scrape_age_s": t.tools.Now().Sub(s.Last).Seconds(),
	}
}

// health answers prometheus.health for ourselves.
func (t *Target) health(ctx context.Context) evidence.Answer {
	if answer, ok := t.ready(ctx, 1); !ok {
		return answer
	}
	var first, last time.Time
	scraping := false
	for _, s := range t.scraper.States() {
		if s.Scrapes == 0 {
			continue
		}
		if first.IsZero() || s.First.Before(first) {
			first = s.First
		}
		if s.Last.After(last) {
			last = s.Last
		}
		scraping = scraping || s.Err == nil
	}
	now := t.tools.Now()
	return evidence.Of(map[string]any{
		"version": nil, "uptime_s": now.Sub(first).Seconds(), "reload_ok": nil, "corruptions": int64(0),
		"retention": promtext.Duration(t.store.Window()), "head_series": int64(t.store.Size().Series), "largest": []any{}, "widest": []any{},
		"scraping": scraping, "last_sample_age_s": now.Sub(last).Seconds(), "clock_offset_s": 0.0,
	})
}
