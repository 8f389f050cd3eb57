package prometheus

import (
	"context"
	"encoding/json"
	"net/url"
	"sort"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promapi"
)

func deliverySpec() probe.Spec {
	return probe.Spec{
		Name:     "prometheus.delivery",
		Question: "Do the alerts of this server reach an Alertmanager?",
		Why:      "An alert that fires here and arrives nowhere wakes nobody, and every page about alerts looks calm.",
		Cost:     "one GET of /api/v1/alertmanagers and one of its own /metrics",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "alertmanagers", Type: "number", About: "Alertmanagers that it sends to"},
			{Name: "dropped", Type: "number", About: "discovered ones that relabelling drops"},
			{Name: "addresses", Type: "list", About: "host and port of those it sends to"},
			{Name: "sent", Type: "number", About: "notifications sent since it started, failed ones included; null where it does not tell of itself"},
			{Name: "failed", Type: "number", About: "of these, how many failed; null likewise"},
			{Name: "lost", Type: "number", About: "notifications given up since it started: the queue was full or no Alertmanager took them; null likewise"},
			{Name: "failed_share", Type: "number", About: "failed by sent, 0 to 1; null where nothing was sent"},
			{Name: "waiting", Type: "number", About: "notifications in its queue; null where it does not tell of itself"},
			{Name: "rules_failed", Type: "number", About: "rule evaluations that failed since it started; null likewise"},
			{Name: "rules_missed", Type: "number", About: "rounds of a rule group that were left out because the one before still ran; null likewise"},
			{Name: "scrapes_over_limit", Type: "number", About: "scrapes thrown away since it started for more samples than their limit; null likewise"},
		},
		Outcomes: []probe.Outcome{
			{When: "alertmanagers == 0", Means: "its alerts go nowhere: none is configured, or none was discovered"},
			{When: "failed_share is near 1", Means: "the Alertmanager cannot be reached from there, or refuses what it is sent"},
			{When: "lost > 0", Means: "alerts were given up before any Alertmanager took them"},
		},
	}
}

func (t *Target) delivery(ctx context.Context) evidence.Answer {
	reply, err := t.client.Get(ctx, "/api/v1/alertmanagers", url.Values{})
	if err != nil {
		return answer(err)
	}
	var data struct {
		Active  *[]struct{ URL string } `json:"activeAlertmanagers"`
		Dropped []struct{ URL string }  `json:"droppedAlertmanagers"`
	}
	if err := json.Unmarshal(reply.Data, &data); err != nil || data.Active == nil {
		return evidence.Not(evidence.NotApplicable, "this server does not list its Alertmanagers", "")
	}
	addresses := []any{}
	for _, a := range *data.Active {
		if u, err := url.Parse(a.URL); err == nil {
			addresses = append(addresses, u.Host)
		}
	}
	sort.Slice(addresses, func(i, j int) bool { return addresses[i].(string) < addresses[j].(string) })
	value := map[string]any{
		"alertmanagers": int64(len(*data.Active)), "dropped": int64(len(data.Dropped)), "addresses": addresses,
		"sent": nil, "failed": nil, "lost": nil, "failed_share": nil, "waiting": nil,
		"rules_failed": nil, "rules_missed": nil, "scrapes_over_limit": nil,
	}
	notes := reply.Notes
	own, err := t.client.Own(ctx, "prometheus_")
	if err != nil {
		notes = append(notes, "counters are not known: "+answer(err).Reason)
		return evidence.Of(value, notes...)
	}
	for field, name := range map[string]string{
		"sent": "prometheus_notifications_sent_total", "failed": "prometheus_notifications_errors_total",
		"lost": "prometheus_notifications_dropped_total", "waiting": "prometheus_notifications_queue_length",
		"rules_failed": "prometheus_rule_evaluation_failures_total", "rules_missed": "prometheus_rule_group_iterations_missed_total",
		"scrapes_over_limit": "prometheus_target_scrapes_exceeded_sample_limit_total",
	} {
		if sum, found := promapi.Total(own, name); found {
			value[field] = sum
		}
	}
	sent, _ := value["sent"].(float64)
	if failed, known := value["failed"].(float64); known && sent > 0 {
		value["failed_share"] = failed / sent
	}
	return evidence.Of(value, notes...)
}
