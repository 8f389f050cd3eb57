// Package change is what has changed lately: deploys, settings, migrations,
// restarts and the rest, read out of answers that say which of their fields is
// the moment of a change. It is pure.
package change

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/onset"
	"github.com/quellhq/quell/internal/probe"
)

// Change is one change of something.
type Change struct {
	Kind   string    `json:"kind"` // one of probe.ChangeKinds
	What   string    `json:"what"`
	At     time.Time `json:"at"`
	Detail string    `json:"detail,omitempty"`
	Target string    `json:"target,omitempty"` // who tells it
	Probe  string    `json:"probe,omitempty"`  // by which question
	// Before is how many seconds before the onset it was, by the latest moment
	// that the onset can have; below zero: after it. Nil: no onset is known.
	Before *float64 `json:"before_onset_s,omitempty"`
}

// Log is the changes that a service has seen.
type Log struct {
	// Kinds are those that somebody could have told of, sorted. Of any other
	// kind nothing is known.
	Kinds   []string `json:"kinds"`
	Changes []Change `json:"changes"` // newest first
}

// Most bounds a log; the changes that are nearest to its end are kept.
const Most = 200

// longest is how far back a change is told of, and how long a text of it may be.
const (
	longest     = 24 * time.Hour
	longestText = 160
)

// Add takes in what one answer says of changes.
func (l *Log) Add(spec probe.Spec, e evidence.Evidence, now time.Time) {
	if !e.Known() {
		return
	}
	for _, m := range spec.Changes {
		if !m.Hearsay {
			for _, kind := range m.Sees() {
				l.see(kind)
			}
		}
		for _, row := range rows(e.Value, m.Rows) {
			c, ok := read(m, row, e.At)
			if !ok || c.At.After(now.Add(time.Minute)) || now.Sub(c.At) > longest {
				continue
			}
			c.Target, c.Probe = e.Target, spec.Name
			l.Changes = append(l.Changes, c)
		}
	}
}

// Empty reports whether nobody can tell of changes, and nobody did.
func (l Log) Empty() bool { return len(l.Kinds)+len(l.Changes) == 0 }

func (l *Log) see(kind string) {
	if i, found := slices.BinarySearch(l.Kinds, kind); !found {
		l.Kinds = slices.Insert(slices.Clone(l.Kinds), i, kind)
	}
}

// Sorted is the log newest first, each change once, bounded: whatever order it
// was filled in.
func (l Log) Sorted() Log {
	out := Log{Kinds: slices.Clone(l.Kinds), Changes: slices.Clone(l.Changes)}
	slices.SortFunc(out.Changes, compare)
	out.Changes = slices.CompactFunc(out.Changes, func(a, b Change) bool {
		// Two who tell of one thing tell it once.
		return a.Kind == b.Kind && a.What == b.What && a.Detail == b.Detail && a.At.Equal(b.At)
	})
	out.Changes = out.Changes[:min(len(out.Changes), Most)]
	return out
}

func compare(a, b Change) int {
	return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.What, b.What), cmp.Compare(a.Detail, b.Detail),
		cmp.Compare(a.Target, b.Target), cmp.Compare(a.Probe, b.Probe))
}

// Since sets how long before the onset each change was; nil: it is not known.
func (l Log) Since(began *onset.Interval) Log {
	out := Log{Kinds: l.Kinds, Changes: slices.Clone(l.Changes)}
	for i := range out.Changes {
		out.Changes[i].Before = nil
		if began != nil {
			before := math.Round(1000*(began.To-seconds(out.Changes[i].At))) / 1000
			out.Changes[i].Before = &before
		}
	}
	return out
}

// Value is the log as expressions see it: for each kind that could be seen its
// changes, newest first. A kind that nobody tells of is missing, and so unknown.
func (l Log) Value(now time.Time) map[string]any {
	out := map[string]any{}
	for _, kind := range l.Kinds {
		out[kind] = []any{}
	}
	for _, c := range l.Changes {
		row := map[string]any{
			"kind": c.Kind, "what": c.What, "detail": c.Detail, "at": seconds(c.At), "age_s": seconds(now) - seconds(c.At), "target": c.Target,
		}
		if c.Before != nil {
			row["before_onset_s"] = *c.Before
		}
		list, _ := out[c.Kind].([]any)
		out[c.Kind] = append(list, row)
	}
	return out
}

// rows are the maps that a moment is looked for in.
func rows(value any, field string) []map[string]any {
	if field != "" {
		object, _ := value.(map[string]any)
		value = object[field]
	}
	switch v := value.(type) {
	case map[string]any:
		return []map[string]any{v}
	case []any:
		out := make([]map[string]any, 0, len(v))
		for _, item := range v {
			if row, ok := item.(map[string]any); ok {
				out = append(out, row)
			}
		}
		return out
	}
	return nil
}

// read makes one change of a row; false where it bears no moment.
func read(m probe.Moment, row map[string]any, asked time.Time) (Change, bool) {
	c := Change{Kind: m.Kind, What: cut(filled(m.What, row)), Detail: cut(text(row[m.About]))}
	if c.Kind == "" {
		c.Kind = text(row["kind"])
		if !slices.Contains(m.Kinds, c.Kind) {
			return c, false
		}
	}
	if m.Ago != "" {
		ago, ok := number(row[m.Ago])
		if !ok || ago < 0 {
			return c, false
		}
		// To the second: what was counted and what was read are not of one moment.
		c.At = asked.Add(-time.Duration(ago * float64(time.Second))).Round(time.Second).UTC()
		return c, true
	}
	if at, ok := number(row[m.At]); ok && at > 0 {
		c.At = time.UnixMilli(int64(at * 1000)).UTC()
		return c, true
	}
	at, err := time.Parse(time.RFC3339, text(row[m.At]))
	c.At = at.UTC()
	return c, err == nil
}

var hole = regexp.MustCompile(`\{([a-z_]+)\}`)

// filled puts fields where a text names them in braces.
func filled(template string, row map[string]any) string {
	return strings.TrimSpace(hole.ReplaceAllStringFunc(template, func(h string) string { return text(row[h[1:len(h)-1]]) }))
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return fmt.Sprintf("%g", v)
	}
	return fmt.Sprint(v)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

func cut(s string) string {
	if r := []rune(s); len(r) > longestText {
		return string(r[:longestText-1]) + "…"
	}
	return s
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
