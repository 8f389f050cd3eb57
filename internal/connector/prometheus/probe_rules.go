package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"sort"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/promtext"
)

func rulesSpec() probe.Spec {
	return probe.Spec{
		Name:     "prometheus.rules",
		Question: "Which rules fail, run late, or can never fire?",
		Why:      "An alert that cannot be evaluated, or that reads a metric nobody exposes, is silent in the very incident it was written for.",
		Cost:     "one GET of /api/v1/rules and one of the metric names",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "rules", Type: "number", About: "rules in all"},
			{Name: "alerting", Type: "number", About: "alerting rules"},
			{Name: "failing", Type: "number", About: "rules whose last evaluation failed"},
			{Name: "late_groups", Type: "number", About: "groups whose evaluation takes longer than their interval"},
			{Name: "failed", Type: "rows", About: "the failing rules: group, name, type, error"},
			{Name: "blind", Type: "rows", About: "alerting rules that read a metric without any series: group, name, metric"},
		},
		Outcomes: []probe.Outcome{
			{When: "alerting == 0", Means: "this server wakes nobody: silence is no sign of health"},
			{When: "failing > 0", Means: "these alerts do not fire whatever happens; the error says what to mend"},
			{When: "blind not empty", Means: "a misspelt or renamed metric, or something that was never scraped; fine for a counter that no error has made yet"},
		},
	}
}

type ruleGroup struct {
	Name           string  `json:"name"`
	Interval       float64 `json:"interval"`
	EvaluationTime float64 `json:"evaluationTime"`
	Rules          []struct {
		Name      string `json:"name"`
		Type      string `json:"type"`
		Query     string `json:"query"`
		Health    string `json:"health"`
		LastError string `json:"lastError"`
	} `json:"rules"`
}

func (t *Target) rules(ctx context.Context) evidence.Answer {
	reply, err := t.client.Get(ctx, "/api/v1/rules", url.Values{})
	if err != nil {
		return answer(err)
	}
	var data struct {
		Groups []ruleGroup `json:"groups"`
	}
	if err := json.Unmarshal(reply.Data, &data); err != nil {
		return evidence.Not(evidence.NotApplicable, "this server does not list its rules", "")
	}
	notes := reply.Notes
	names, err := t.source.Names(ctx)
	if err != nil {
		notes = append(notes, "blind is not known: "+err.Error())
	}
	known := make(map[string]bool, len(names))
	for _, n := range names {
		known[n] = true
	}
	var total, alerting, late int64
	failed, blind := []any{}, []any{}
	for _, g := range data.Groups {
		if g.Interval > 0 && g.EvaluationTime > g.Interval {
			late++
		}
		for _, r := range g.Rules {
			total++
			if r.Health == "err" {
				failed = append(failed, map[string]any{"group": g.Name, "name": r.Name, "type": r.Type, "error": r.LastError})
			}
			if r.Type != "alerting" {
				continue
			}
			alerting++
			for _, metric := range unread(r.Query, known) {
				blind = append(blind, map[string]any{"group": g.Name, "name": r.Name, "metric": metric})
			}
		}
	}
	sortRows(failed, "group", "name")
	sortRows(blind, "group", "name", "metric")
	value := map[string]any{
		"rules": total, "alerting": alerting, "failing": int64(len(failed)), "late_groups": late,
		"failed": failed, "blind": blind,
	}
	if err != nil {
		value["blind"] = nil
	}
	return evidence.Of(value, notes...)
}

// unread lists the metrics of a rule that have no series at all. One that is
// asked for by absent() is meant to be missing.
func unread(query string, known map[string]bool) []string {
	expr, err := promtext.NewParser().ParseExpr(query)
	if err != nil {
		return nil // written for a newer server than our parser
	}
	missing := map[string]bool{}
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		v, ok := node.(*parser.VectorSelector)
		if !ok || v.Name == "" || known[v.Name] {
			return nil
		}
		for _, above := range path {
			if call, ok := above.(*parser.Call); ok && strings.HasPrefix(call.Func.Name, "absent") {
				return nil
			}
		}
		missing[v.Name] = true
		return nil
	})
	list := make([]string, 0, len(missing))
	for name := range missing {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

// answer turns the error of a request into an answer.
func answer(err error) evidence.Answer {
	var failed interface{ Answer() evidence.Answer }
	if errors.As(err, &failed) {
		return failed.Answer()
	}
	return connector.Failure("ask Prometheus", err)
}
