package loki

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/promapi"
	"github.com/quellhq/quell/internal/promtext"
)

type window struct{ start, end time.Time }

func (w window) params() url.Values {
	return url.Values{"start": {nano(w.start)}, "end": {nano(w.end)}}
}

func nano(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// identity are the labels under which agents put the name of a service:
// promtail, Alloy, Docker's driver, the OpenTelemetry collector.
func identity() []string {
	return []string{"service", "service_name", "app", "application", "app_kubernetes_io_name", "job", "container", "compose_service"}
}

// discovered is the label into which Loki 3 copies the name of the service from
// one of the others, unless it is told not to.
const discovered = "service_name"

// translate reads the service's name from the label under which this Loki has
// it, where the one that the playbook uses does not exist and exactly one other
// has the value, or the one that Loki itself has found.
func (t *Target) translate(ctx context.Context, text string) (string, []string, error) {
	var notes []string
	for _, s := range selectorsOf(text) {
		matchers, err := promtext.ParseSelector(text[s.from:s.to])
		if err != nil {
			return text, notes, nil // Loki will say what is wrong with it
		}
		for _, m := range matchers {
			if !slices.Contains(identity(), m.Name) || m.Matches("") {
				continue
			}
			here, err := t.recently(ctx, labelsPath)
			if err != nil {
				return text, notes, err
			}
			if slices.Contains(here, m.Name) {
				continue
			}
			alias, err := t.alias(ctx, m.Matches, here)
			if err != nil {
				return text, notes, err
			}
			if alias != "" {
				notes = append(notes, fmt.Sprintf("no stream bears the label %s; %s is read in its place", m.Name, alias))
				text = renameLabel(text, m.Name, alias)
			}
		}
		if len(notes) > 0 {
			return text, notes, nil // all selectors were renamed at once
		}
	}
	return text, notes, nil
}

func (t *Target) alias(ctx context.Context, fits func(string) bool, here []string) (string, error) {
	var found []string
	for _, name := range identity() {
		if !slices.Contains(here, name) {
			continue
		}
		values, err := t.recently(ctx, fmt.Sprintf(valuesPath, url.PathEscape(name)))
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(values, fits) {
			found = append(found, name)
		}
	}
	switch {
	case slices.Contains(found, discovered):
		return discovered, nil
	case len(found) == 1:
		return found[0], nil
	}
	return "", nil
}

// span is a stretch of a query: the braces of a selector and what is between.
type span struct{ from, to int }

// selectorsOf finds the stream selectors. Outside of texts and comments, braces
// stand nowhere else in LogQL.
func selectorsOf(text string) []span {
	var found []span
	from := -1
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '`':
			for i++; i < len(text) && text[i] != c; i++ {
				if c == '"' && text[i] == '\\' {
					i++
				}
			}
		case '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case '{':
			from = i
		case '}':
			if from >= 0 {
				found = append(found, span{from, i + 1})
				from = -1
			}
		}
	}
	return found
}

// renameLabel gives a label another name in every selector of the query. The
// rest of the query keeps its bytes.
func renameLabel(text, name, alias string) string {
	var b strings.Builder
	at := 0
	for _, s := range selectorsOf(text) {
		b.WriteString(text[at:s.from] + promtext.RenameLabel(text[s.from:s.to], name, alias))
		at = s.to
	}
	return b.String() + text[at:]
}

// empty tells apart what an answer without lines may mean: the streams are
// there and nothing in them fits, which is an answer, or there are no streams,
// which is none.
func (t *Target) empty(ctx context.Context, text string, w window, notes []string) evidence.Answer {
	for _, s := range selectorsOf(text) {
		selector := text[s.from:s.to]
		params := w.params()
		params.Set("match[]", selector)
		reply, err := t.client.Get(ctx, "/loki/api/v1/series", params)
		if err != nil {
			return answer(err)
		}
		var streams []map[string]string
		if err := json.Unmarshal(reply.Data, &streams); err != nil && string(reply.Data) != "null" {
			return evidence.Not(evidence.Unreachable, "read Loki's list of streams: "+err.Error(), "")
		}
		if len(streams) == 0 {
			a := evidence.Not(evidence.NoData, t.noStream(ctx, selector, w), "")
			a.Notes = notes
			return a
		}
	}
	return evidence.Of([]any{}, append(notes, "the streams exist, and no line of them fits")...)
}

// noStream says which label of a selector finds no stream, and what there is.
func (t *Target) noStream(ctx context.Context, selector string, w window) string {
	reason := "no stream fits " + selector
	here, err := t.labels(ctx, w)
	if err != nil {
		return reason
	}
	if len(here) == 0 {
		return reason + ": Loki holds no logs at all in this time; look at the agent that ships them"
	}
	matchers, err := promtext.ParseSelector(selector)
	if err != nil {
		return reason
	}
	for _, m := range matchers {
		if m.Matches("") {
			continue
		}
		if !slices.Contains(here, m.Name) {
			return fmt.Sprintf("no stream bears the label %s; labels seen: %s", m.Name, few(here))
		}
		values, err := t.values(ctx, m.Name, w)
		if err == nil && !slices.ContainsFunc(values, m.Matches) {
			return fmt.Sprintf("no stream has %s; seen: %s", m, few(values))
		}
	}
	return reason + ": each label has the value somewhere, and no stream has all of them"
}

// few lists the first of many words: a reason is one line for a person.
func few(words []string) string {
	const most = 8
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return strings.Join(words[:most], ", ") + fmt.Sprintf(" and %d more", len(words)-most)
}

const (
	labelsPath = "/loki/api/v1/labels"
	valuesPath = "/loki/api/v1/label/%s/values"
)

// labels and values are those of a window, asked when an answer was empty.
func (t *Target) labels(ctx context.Context, w window) ([]string, error) {
	return t.list(ctx, labelsPath, w)
}

func (t *Target) values(ctx context.Context, name string, w window) ([]string, error) {
	return t.list(ctx, fmt.Sprintf(valuesPath, url.PathEscape(name)), w)
}

func (t *Target) list(ctx context.Context, path string, w window) ([]string, error) {
	reply, err := t.client.Get(ctx, path, w.params())
	if err != nil {
		return nil, err
	}
	return promapi.ReadList(reply)
}

// recently lists names of the last hour; every fence needs them, so they are kept.
func (t *Target) recently(ctx context.Context, path string) ([]string, error) {
	return t.lists.Get(ctx, path, url.Values{}, func(p url.Values, now time.Time) {
		p.Set("start", nano(now.Add(-time.Hour)))
		p.Set("end", nano(now))
	})
}
