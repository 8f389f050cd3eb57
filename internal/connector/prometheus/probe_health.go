package prometheus

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/promtext"
)

// staleAfter is the age of the newest scrape from which the server counts as
// not scraping: the usual scrape interval is 15 to 60 s.
const staleAfter = 180 * time.Second

func (t *Target) health(ctx context.Context) evidence.Answer {
	value := map[string]any{
		"version": nil, "uptime_s": nil, "reload_ok": nil, "corruptions": nil, "retention": nil, "head_series": nil,
		"largest": []any{}, "widest": []any{}, "scraping": nil, "last_sample_age_s": nil, "clock_offset_s": nil,
	}
	var notes []string
	result, err := t.source.Query(ctx, "time() - max(timestamp(up))", promtext.Window{End: t.tools.Now()})
	if err != nil {
		return answer(err) // the one thing that every server of this kind must do
	}
	value["scraping"] = false
	if len(result.Streams) == 1 {
		age := result.Streams[0].Points[0].V
		value["last_sample_age_s"] = age
		value["scraping"] = age < staleAfter.Seconds()
	}
	var build struct {
		Version string `json:"version"`
	}
	if t.status(ctx, "buildinfo", &build, value, &notes) && build.Version != "" {
		value["version"] = build.Version
	}
	var run struct {
		Start       time.Time `json:"startTime"`
		ReloadOK    *bool     `json:"reloadConfigSuccess"`
		Corruptions *int64    `json:"corruptionCount"`
		Retention   string    `json:"storageRetention"`
	}
	if t.status(ctx, "runtimeinfo", &run, value, &notes) {
		if !run.Start.IsZero() {
			value["uptime_s"] = t.tools.Now().Sub(run.Start).Seconds()
		}
		if run.ReloadOK != nil {
			value["reload_ok"] = *run.ReloadOK
		}
		if run.Corruptions != nil {
			value["corruptions"] = *run.Corruptions
		}
		if run.Retention != "" {
			value["retention"] = run.Retention
		}
	}
	var tsdb struct {
		Head struct {
			Series int64 `json:"numSeries"`
		} `json:"headStats"`
		Largest []struct {
			Name  string `json:"name"`
			Value int64  `json:"value"`
		} `json:"seriesCountByMetricName"`
		Widest []struct {
			Name  string `json:"name"`
			Value int64  `json:"value"`
		} `json:"labelValueCountByLabelName"`
	}
	if t.status(ctx, "tsdb", &tsdb, value, &notes) {
		value["head_series"] = tsdb.Head.Series
		largest := []any{}
		for _, m := range tsdb.Largest {
			largest = append(largest, map[string]any{"name": m.Name, "series": m.Value})
		}
		value["largest"] = largest
		widest := []any{}
		for _, l := range tsdb.Widest {
			if l.Name != "__name__" && l.Name != "le" {
				widest = append(widest, map[string]any{"name": l.Name, "values": l.Value})
			}
		}
		value["widest"] = widest
	}
	return evidence.Of(value, notes...)
}

// status reads one page of /api/v1/status. Servers that only speak the API
// lack some of them: a note, not a failure.
func (t *Target) status(ctx context.Context, page string, into any, value map[string]any, notes *[]string) bool {
	reply, err := t.client.Get(ctx, "/api/v1/status/"+page, url.Values{})
	if err == nil {
		err = json.Unmarshal(reply.Data, into)
	}
	if err != nil {
		*notes = append(*notes, page+" is not known: "+answer(err).Reason)
		return false
	}
	if reply.Timed {
		value["clock_offset_s"] = reply.Offset.Seconds()
	}
	return true
}
