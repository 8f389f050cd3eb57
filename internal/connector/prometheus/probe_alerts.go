package prometheus

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
)

func alertsSpec() probe.Spec {
	return probe.Spec{
		Name:     "prometheus.alerts",
		Question: "Which alerts fire right now, and since when?",
		Why:      "One incident wakes many alerts; the one that began first is nearest to the cause.",
		Cost:     "one GET of /api/v1/alerts and, when there are alerts, one of /api/v1/rules",
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
			{Name: "for_s", Type: "number", About: "for how long its condition must hold before it fires, seconds; null where its rule is not known"},
			{Name: "limit", Type: "number", About: "the number that its value is compared with; null where the rule is not of that form"},
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
	notes := reply.Notes
	rules := map[string]alertRule{}
	if len(data.Alerts) > 0 {
		if rules, err = t.alertRules(ctx); err != nil {
			notes = append(notes, "for_s and limit are not known: "+answer(err).Reason)
		}
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
			"value": number(a.Value), "for_s": rules[a.Labels["alertname"]].wait, "limit": rules[a.Labels["alertname"]].limit, "summary": a.Annotations["summary"], "labels": labels,
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

// alertRule is what an alert waits for and is compared with; nil where that is
// not known, or where two rules of the name differ.
type alertRule struct{ wait, limit any }

func (t *Target) alertRules(ctx context.Context) (map[string]alertRule, error) {
	reply, err := t.client.Get(ctx, "/api/v1/rules", url.Values{"type": {"alert"}})
	if err != nil {
		return nil, err
	}
	var data struct {
		Groups []struct {
			Rules []struct {
				Name     string   `json:"name"`
				Query    string   `json:"query"`
				Duration *float64 `json:"duration"`
			} `json:"rules"`
		} `json:"groups"`
	}
	if err := json.Unmarshal(reply.Data, &data); err != nil {
		return nil, err
	}
	all := map[string]alertRule{}
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			rule := alertRule{limit: comparedWith(r.Query)}
			if r.Duration != nil {
				rule.wait = *r.Duration
			}
			if before, twice := all[r.Name]; twice && before != rule {
				rule = alertRule{}
			}
			all[r.Name] = rule
		}
	}
	return all, nil
}

// comparedWith is the number at the end of a rule like "… > 0.8".
func comparedWith(query string) any {
	e, err := promtext.NewParser().ParseExpr(query)
	if err != nil {
		return nil
	}
	for {
		inner, ok := e.(*parser.ParenExpr)
		if !ok {
			break
		}
		e = inner.Expr
	}
	if b, ok := e.(*parser.BinaryExpr); ok && b.Op.IsComparisonOperator() {
		if n, ok := b.RHS.(*parser.NumberLiteral); ok {
			return n.Val
		}
	}
	return nil
}
