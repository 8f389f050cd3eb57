package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func alertsSpec() probe.Spec {
	return probe.Spec{
		Name:     "alertmanager.alerts",
		Question: "Which alerts does Alertmanager hold, and which of them notify nobody?",
		Why:      "What a silence or another alert mutes is missing from the pages that people got.",
		Cost:     "one GET of /api/v2/alerts",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "matchers", Type: probe.List, Default: "[]", About: "only alerts that all of these match, as in alertmanager.silence"},
		},
		Fields: []probe.Field{
			{Name: "name", Type: "text", About: "the alert's name"},
			{Name: "state", Type: "text", About: "active (it notifies), suppressed (it does not) or unprocessed"},
			{Name: "severity", Type: "text", About: "its label severity; empty without one"},
			{Name: "service", Type: "text", About: "its label service; empty without one"},
			{Name: "since", Type: "number", About: "when it began, seconds since 1970"},
			{Name: "active_s", Type: "number", About: "for how long, in seconds"},
			{Name: "silenced_by", Type: "list", About: "ids of the silences that mute it"},
			{Name: "inhibited", Type: "bool", About: "another alert mutes it"},
			{Name: "receivers", Type: "list", About: "who is told"},
			{Name: "summary", Type: "text", About: "its annotation summary, or description"},
			{Name: "labels", Type: "object", About: "all its labels"},
		},
		Outcomes: []probe.Outcome{
			{When: "no rows", Means: "nothing fires, or Prometheus does not reach this Alertmanager"},
			{When: "rows with silenced_by", Means: "somebody muted them: look who and why with alertmanager.silences"},
		},
	}
}

func (t *target) alerts(ctx context.Context, q probe.Question) evidence.Answer {
	var matchers []matcher
	for _, item := range action.Args(q.Args).List("matchers") {
		m, err := parseMatcher(fmt.Sprint(item))
		if err != nil {
			return evidence.Not(evidence.Invalid, fmt.Sprintf("matcher %v: %s", item, err), "")
		}
		matchers = append(matchers, m)
	}
	alerts, err := t.client.firing(ctx, matchers, true)
	if err != nil {
		return answer(err)
	}
	sort.Slice(alerts, func(i, j int) bool {
		if !alerts[i].StartsAt.Equal(alerts[j].StartsAt) {
			return alerts[i].StartsAt.Before(alerts[j].StartsAt)
		}
		return alerts[i].Fingerprint < alerts[j].Fingerprint
	})
	var notes []string
	if most := t.tools.Gate.Limits().Rows; len(alerts) > most {
		alerts, notes = alerts[:most], []string{"cut at the limit of rows, oldest first"}
	}
	rows := make([]any, len(alerts))
	for i, a := range alerts {
		rows[i] = t.row(a)
	}
	return evidence.Of(rows, notes...)
}

func (t *target) row(a alert) map[string]any {
	labels := map[string]any{}
	for k, v := range a.Labels {
		labels[k] = v
	}
	receivers := []any{}
	for _, r := range a.Receivers {
		receivers = append(receivers, r.Name)
	}
	silenced := []any{}
	for _, id := range a.Status.SilencedBy {
		silenced = append(silenced, id)
	}
	summary := a.Annotations["summary"]
	if summary == "" {
		summary = a.Annotations["description"]
	}
	return map[string]any{
		"name": a.Labels["alertname"], "state": a.Status.State, "severity": a.Labels["severity"], "service": a.Labels["service"],
		"since": float64(a.StartsAt.UnixMilli()) / 1000, "active_s": t.tools.Now().Sub(a.StartsAt).Seconds(),
		"silenced_by": silenced, "inhibited": len(a.Status.Inhibited) > 0,
		"receivers": receivers, "summary": summary, "labels": labels,
	}
}

// name is an alert in one line: ApiSlow{service="shop"}.
func (a alert) name() string {
	const longest = 200
	var labels []string
	for k, v := range a.Labels {
		if k != "alertname" {
			labels = append(labels, k+"="+quote(v))
		}
	}
	sort.Strings(labels)
	text := a.Labels["alertname"] + "{" + strings.Join(labels, ",") + "}"
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// answer is why a question got no value.
func answer(err error) evidence.Answer {
	var f *fault
	if errors.As(err, &f) {
		return f.Answer
	}
	return evidence.Not(evidence.Unreachable, err.Error(), "")
}
