package alertmanager

import (
	"context"
	"io"
	"net/http"
	"sort"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
)

func healthSpec() probe.Spec {
	return probe.Spec{
		Name:     "alertmanager.health",
		Question: "Does this Alertmanager get its messages out, and with which configuration?",
		Why:      "An alert that is held here and cannot be delivered wakes nobody. A configuration that was refused leaves the old one in force.",
		Cost:     "one GET of /api/v2/status, one of /api/v2/receivers and one of its own /metrics",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "version", Type: "text", About: "its version"},
			{Name: "uptime_s", Type: "number", About: "seconds since it started"},
			{Name: "cluster", Type: "text", About: "ready, settling, or disabled for a single one"},
			{Name: "peers", Type: "number", About: "members of its cluster, itself included; 0 for a single one"},
			{Name: "receivers", Type: "list", About: "names of those who can be told"},
			{Name: "reload_ok", Type: "bool", About: "whether its last configuration was accepted; null where it does not tell"},
			{Name: "sent", Type: "number", About: "notifications tried since it started; null where it does not tell"},
			{Name: "failed", Type: "number", About: "of these, how many failed; null likewise"},
			{Name: "received", Type: "number", About: "alerts that it was sent since it started; null likewise"},
			{Name: "invalid", Type: "number", About: "alerts that it refused as invalid since it started; null likewise"},
			{Name: "integrations", Type: "rows", About: "kinds of receiver that were used: integration, sent, failed, failed_share; the worst first"},
			{Name: "worst", Type: "text", About: "the integration with the highest failed_share; empty where nothing failed"},
			{Name: "worst_share", Type: "number", About: "its failed_share, 0 to 1; 0 where nothing failed; null where it does not tell"},
		},
		Outcomes: []probe.Outcome{
			{When: "reload_ok is false", Means: "the configuration on disk is wrong: the one before still runs, and is lost with the next restart"},
			{When: "worst_share is near 1", Means: "that kind of receiver cannot be reached, or refuses: those people are told nothing"},
			{When: "received is 0", Means: "no Prometheus has sent it an alert since it started"},
		},
	}
}

func (t *target) health(ctx context.Context) evidence.Answer {
	status, err := t.client.status(ctx)
	if err != nil {
		return answer(err)
	}
	value := map[string]any{
		"version": status.VersionInfo.Version, "uptime_s": t.tools.Now().Sub(status.Uptime).Seconds(),
		"cluster": status.Cluster.Status, "peers": int64(len(status.Cluster.Peers)), "receivers": []any{},
		"reload_ok": nil, "sent": nil, "failed": nil, "received": nil, "invalid": nil,
		"integrations": []any{}, "worst": "", "worst_share": nil,
	}
	var notes []string
	var receivers []struct{ Name string }
	if err := t.client.ask(ctx, http.MethodGet, "/receivers", nil, nil, &receivers); err != nil {
		notes = append(notes, "receivers are not known: "+answer(err).Reason)
	}
	names := []any{}
	for _, r := range receivers {
		names = append(names, r.Name)
	}
	value["receivers"] = names
	own, err := t.client.own(ctx)
	if err != nil {
		return evidence.Of(value, append(notes, "counters are not known: "+answer(err).Reason)...)
	}
	for field, name := range map[string]string{
		"sent": "alertmanager_notifications_total", "failed": "alertmanager_notifications_failed_total",
		"received": "alertmanager_alerts_received_total", "invalid": "alertmanager_alerts_invalid_total",
	} {
		if sum, found := promapi.Total(own, name); found {
			value[field] = sum
		}
	}
	if ok, found := promapi.Total(own, "alertmanager_config_last_reload_successful"); found {
		value["reload_ok"] = ok == 1
	}
	integrations(own, value)
	return evidence.Of(value, notes...)
}

// integrations says for each kind of receiver that was used how much of what
// was sent failed.
func integrations(own []promapi.Figure, value map[string]any) {
	sent, failed := map[string]float64{}, map[string]float64{}
	for _, f := range own {
		switch f.Name {
		case "alertmanager_notifications_total":
			sent[f.Labels["integration"]] += f.Value
		case "alertmanager_notifications_failed_total":
			failed[f.Labels["integration"]] += f.Value // newer servers have one for each reason
		}
	}
	rows := []any{}
	for name, n := range sent {
		if n > 0 {
			rows = append(rows, map[string]any{"integration": name, "sent": n, "failed": failed[name], "failed_share": min(failed[name]/n, 1)})
		}
	}
	sort.Slice(rows, func(i, j int) bool {
		a, b := rows[i].(map[string]any), rows[j].(map[string]any)
		if x, y := a["failed_share"].(float64), b["failed_share"].(float64); x != y {
			return x > y
		}
		return a["integration"].(string) < b["integration"].(string)
	})
	value["integrations"], value["worst_share"] = rows, 0.0
	if len(rows) > 0 {
		if worst := rows[0].(map[string]any); worst["failed_share"].(float64) > 0 {
			value["worst"], value["worst_share"] = worst["integration"], worst["failed_share"]
		}
	}
}

// own reads what Alertmanager tells of itself.
func (c *client) own(ctx context.Context) ([]promapi.Figure, error) {
	what := "ask Alertmanager at " + c.base.Host
	leave, err := c.tools.Gate.Enter(ctx)
	if err != nil {
		return nil, &fault{Answer: connector.Failure(what, err)}
	}
	defer leave()
	ctx, cancel := connector.Within(ctx, c.timeout)
	defer cancel()
	u := *c.base
	u.Path += "/metrics"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &fault{Answer: connector.Failure(what, err)}
	}
	req.Header = c.headers.Clone()
	req.Header.Set("Accept", "text/plain;version=0.0.4")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &fault{Answer: connector.Failure(what, err)}
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(io.LimitReader(res.Body, int64(c.tools.Gate.Limits().Bytes)))
	if err != nil {
		return nil, &fault{Answer: connector.Failure(what, err), sent: true}
	}
	figures := promapi.ReadFigures(string(page), "alertmanager_")
	if res.StatusCode != http.StatusOK || len(figures) == 0 {
		return nil, &fault{Answer: evidence.Not(evidence.NotApplicable, what+": it does not show its own /metrics", ""), sent: true}
	}
	return figures, nil
}
