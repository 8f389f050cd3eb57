package prometheus

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func alertsSpec() probe.Spec {
	return probe.Spec{
		Name:     "prometheus.alerts",
		Question: "Which alerts fire right now, and since when?",
		Why:      "One incident wakes many alerts; the one that began first is nearest to the cause.",
		Cost:     "one GET of /api/v1/alerts",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "state", Type: probe.Text, Default: "firing", About: "firing, pending, or any"},
		},
		Fields: []probe.Field{
			{Name: "name", Type: "text", About: "the alert's name"},
			{Name: "state", Type: "text", About: "firing or pending"},
			{Name: "severity", Type: "text", About: "its label severity; empty without one"},
			{Name: "service", Type: "text", About: "its label service; empty without one"},
			{Name: "job", Type: "text", About: "its label job; empty without one"},
			{Name: "instance", Type: "text", About: "its label instance; empty without one"},
			{Name: "since", Type: "number", About: "when its condition became true, seconds since 1970"},
			{Name: "active_s", Type: "number", About: "for how long, in seconds"},
			{Name: "value", Type: "number", About: "the value of its expression; null where it is not a number"},
			{Name: "summary", Type: "text", About: "its annotation summary, or description"},
			{Name: "labels", Type: "object", About: "all its labels"},
		},
		Outcomes: []probe.Outcome{
			{When: "no rows", Means: "no alert of this server is in that state: it may also have no rules (ask prometheus.rules)"},
			{When: "rows", Means: "listed oldest first"},
		},
	}
}

func (t *Target) alerts(ctx context.Context, q probe.Question) evidence.Answer {
	want, _ := q.Args["state"].(string)
	switch want {
	case "":
		want = "firing"
	case "firing", "pending", "any":
	default:
		return evidence.Not(evidence.Invalid, "state is firing, pending or any, not "+want, "")
	}
	reply, err := t.client.Get(ctx, "/api/v1/alerts", url.Values{})
	if err != nil {
		return answer(err)
	}
	var data struct {
		Alerts []struct {
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
			State       string            `json:"state"`
			ActiveAt    time.Time         `json:"activeAt"`
			Value       string            `json:"value"`
		} `json:"alerts"`
	}
	if err := json.Unmarshal(reply.Data, &data); err != nil {
		return evidence.Not(evidence.NotApplicable, "this server does not list its alerts", "")
	}
	rows := []any{}
	for _, a := range data.Alerts {
		if want != "any" && a.State != want {
			continue
		}
		labels := make(map[string]any, len(a.Labels))
		for k, v := range a.Labels {
			labels[k] = v
		}
		row := map[string]any{
			"name": a.Labels["alertname"], "state": a.State, "severity": a.Labels["severity"],
			"service": a.Labels["service"], "job": a.Labels["job"], "instance": a.Labels["instance"],
			"since": float64(a.ActiveAt.UnixMilli()) / 1000, "active_s": t.tools.Now().Sub(a.ActiveAt).Seconds(),
			"value": number(a.Value), "summary": a.Annotations["summary"], "labels": labels,
			"order": a.ActiveAt.UTC().Format(time.RFC3339Nano),
		}
		if row["summary"] == "" {
			row["summary"] = a.Annotations["description"]
		}
		rows = append(rows, row)
	}
	sortRows(rows, "order", "name", "service", "job", "instance")
	for _, row := range rows {
		delete(row.(map[string]any), "order")
	}
	notes := reply.Notes
	if most := t.tools.Gate.Limits().Rows; len(rows) > most {
		rows = rows[:most]
		notes = append(notes, "cut at the limit of rows, oldest first")
	}
	return evidence.Of(rows, notes...)
}

// number reads a value as the API writes it; nil for what is not finite.
func number(text string) any {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v != v || v > 1e308 || v < -1e308 {
		return nil
	}
	return v
}
