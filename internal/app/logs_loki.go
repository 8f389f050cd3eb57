package app

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/loki"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// LokiAddress says which Loki is asked, and as whom. Password and Bearer are
// references: env:NAME or file:PATH.
type LokiAddress struct{ URL, Tenant, User, Password, Bearer string }

// lokiPatience is the longest wait for one request: a person waits for it.
const lokiPatience = 60 * time.Second

// LokiError is a question that Loki did not answer.
type LokiError struct{ Reason, Hint string }

func (e *LokiError) Error() string {
	if e.Hint == "" {
		return e.Reason
	}
	return e.Reason + "\n  " + e.Hint
}

// AskLoki asks the same query of a Loki. Why is set where there is nothing: no
// stream, or no line that fits.
func AskLoki(ctx context.Context, at LokiAddress, q logql.Query, w LogWindow, limits logql.Limits) (a LogAnswer, why []string, err error) {
	began := time.Now()
	a = LogAnswer{From: w.From, Until: w.Until, Step: w.Step}
	target, err := at.open(limits)
	if err != nil {
		return a, nil, err
	}
	defer func() { _ = target.Close() }()
	said := target.Ask(ctx, at.question(q, w, limits))
	a.Took = time.Since(began)
	a.Notes = said.Notes
	switch said.Status {
	case evidence.Answered:
	case evidence.NoData:
		return a, []string{said.Reason}, nil
	default:
		return a, nil, &LokiError{said.Reason, said.Hint}
	}
	rows, _ := said.Value.([]any)
	for _, row := range rows {
		if q.Metric() {
			a.Series = append(a.Series, seriesOf(row))
		} else {
			a.Lines = append(a.Lines, lineOf(row))
		}
	}
	a.Stats.Matched = len(a.Lines)
	if len(rows) == 0 {
		why = []string{"the streams are there, and nothing in them matches"}
	}
	return a, why, nil
}

func (at LokiAddress) open(limits logql.Limits) (connector.Target, error) {
	settings := connector.Settings{}
	var known []secret.String
	for _, s := range []struct{ name, text string }{{"password", at.Password}, {"bearer", at.Bearer}} {
		if s.text == "" {
			continue
		}
		value, err := config.Secret(s.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		settings[s.name] = value.Reveal()
		known = append(known, value)
	}
	for name, text := range map[string]string{"url": at.URL, "tenant": at.Tenant, "user": at.User} {
		if text != "" {
			settings[name] = text
		}
	}
	kind := loki.Kind()
	return kind.Open(settings, connector.Tools{
		Gate:   connector.NewGate(connector.Limits{Timeout: lokiPatience, Rows: limits.Lines, Bytes: limits.Bytes}),
		Redact: secret.NewRedactor(known...),
	})
}

func (at LokiAddress) question(q logql.Query, w LogWindow, limits logql.Limits) probe.Question {
	options := map[string]string{"limit": strconv.Itoa(limits.Lines), "dialect": "playbook", "direction": "backward"}
	if q.Dialect == logql.Strict {
		options["dialect"] = "strict"
	}
	if limits.Oldest {
		options["direction"] = "forward"
	}
	if w.Step > 0 {
		options["step"] = w.Step.String()
	}
	return probe.Question{Name: "query", Lang: "logql", Text: probe.Literal(q.Text), Options: options, Now: w.Until, Since: w.Until.Sub(w.From)}
}

func lineOf(row any) evidence.Line {
	m, _ := row.(map[string]any)
	l := evidence.Line{Labels: labelsOf(m)}
	l.T, _ = m["at"].(float64)
	l.Text, _ = m["line"].(string)
	return l
}

func seriesOf(row any) evidence.Stream {
	m, _ := row.(map[string]any)
	s := evidence.Stream{Labels: labelsOf(m)}
	points, _ := m["points"].([]any)
	for _, p := range points {
		pair, _ := p.([]any)
		if len(pair) != 2 {
			continue
		}
		t, _ := pair[0].(float64)
		v, _ := pair[1].(float64)
		s.Points = append(s.Points, evidence.Point{T: t, V: v})
	}
	return s
}

func labelsOf(row map[string]any) map[string]string {
	out := map[string]string{}
	labels, _ := row["labels"].(map[string]any)
	for name, v := range labels {
		out[name] = fmt.Sprint(v)
	}
	return out
}
