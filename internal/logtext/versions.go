package logtext

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/probe"
)

func versionsSpec() probe.Spec {
	return probe.Spec{
		Name:     "logs.versions",
		Question: "Which versions write the log, and since when?",
		Why:      "Where every line bears its version, the log knows to the second when another one began to serve.",
		Cost:     "reads the lines of the window that hold such a label, up to max_read of the target",
		Shape:    probe.Rows,
		Params: []probe.Param{
			{Name: "window", Type: probe.Duration, Default: "30m", About: "the time looked at"},
		},
		Fields: probe.ChangeFields(
			probe.Field{Name: "label", Type: "text", About: "what the version is called in the lines"},
			probe.Field{Name: "version", Type: "text", About: "its value"},
			probe.Field{Name: "lines", Type: "number", About: "lines of it in the window"},
			probe.Field{Name: "last", Type: "number", About: "its newest line, seconds since 1970"},
		),
		Outcomes: []probe.Outcome{
			{When: "a row of kind deploy", Means: "that version wrote its first line then, after others had written"},
			{When: "kind is none", Means: "it was there when the window began"},
		},
		Changes: probe.ChangeRows(probe.Deploy), Timeline: true, OfService: true,
	}
}

// versionLabel is how lines call the version of what wrote them.
var versionLabel = regexp.MustCompile(`^(app|application|service|release|build|git|deploy|image)?[._-]?(version|release|revision|commit|sha|build)$`)

// number is a version as well, and much else: an order's, a row's.
var number = regexp.MustCompile(`^[0-9]+$`)

// mostVersions bounds the values of one window; a label with more is none of versions.
const mostVersions = 20

// sighting is one version in the lines.
type sighting struct {
	label, value string
	lines        int64
	first, last  int64 // nanoseconds
}

type sightings map[string]*sighting

func (s sightings) add(label, value []byte, at int64) {
	key := string(label) + "\x00" + string(value)
	v := s[key]
	if v == nil {
		if len(s) > 8*mostVersions {
			return
		}
		v = &sighting{label: string(label), value: string(value), first: at, last: at}
		s[key] = v
	}
	v.lines++
	v.first, v.last = min(v.first, at), max(v.last, at)
}

func (t Asker) versions(ctx context.Context, q probe.Question) evidence.Answer {
	files, theirs, window, failed := t.opened(ctx, q, 30*time.Minute)
	if failed != nil {
		return *failed
	}
	span := logql.Since(q.Now, window)
	var all []sightings
	var read []*int64
	stats, reading, hint, err := logql.VisitLabels(ctx, theirs, files, span, func() func(logql.Entry) {
		own, lines := sightings{}, new(int64)
		all, read = append(all, own), append(read, lines)
		known := map[string]bool{} // which names are of versions
		return func(e logql.Entry) {
			if e.Time == 0 {
				return
			}
			*lines++
			for _, f := range e.Labels {
				is, ok := known[string(f.Name)]
				if !ok {
					if is = versionLabel.Match(bytes.ToLower(f.Name)); len(known) < 1000 {
						known[string(f.Name)] = is
					}
				}
				if is && len(f.Value) > 0 && len(f.Value) <= 80 {
					own.add(f.Name, f.Value, e.Time)
				}
			}
		}
	})
	if err != nil {
		return t.Failed(err)
	}
	merged := sightings{}
	for _, own := range all {
		for key, v := range own {
			m := merged[key]
			if m == nil {
				merged[key] = v
				continue
			}
			m.lines += v.lines
			m.first, m.last = min(m.first, v.first), max(m.last, v.last)
		}
	}
	var lines int64
	for _, n := range read {
		lines += *n
	}
	rows := versionRows(merged, lines, q.Service.Name)
	if len(rows) == 0 {
		if len(merged) == 0 && stats.Selected == 0 {
			return t.Silent(ctx, q, stats, window, hint)
		}
		return evidence.Not(evidence.NoData, "the lines do not say which version wrote them", "write the version into every line, as the field version")
	}
	return evidence.Of(rows, reading.Notes...)
}

// versionRows are the versions of each label that has few of them, newest first.
// A label of numbers counts where half of all lines bear it, since what writes a
// line writes its version into each.
func versionRows(all sightings, lines int64, service string) []any {
	byLabel := map[string][]*sighting{}
	bear, numbers := map[string]int64{}, map[string]bool{}
	for _, v := range all {
		byLabel[v.label] = append(byLabel[v.label], v)
		bear[v.label] += v.lines
		numbers[v.label] = numbers[v.label] || number.MatchString(v.value)
	}
	names := make([]string, 0, len(byLabel))
	for name := range byLabel {
		names = append(names, name)
	}
	sort.Strings(names)
	rows := []any{}
	for _, name := range names {
		list := byLabel[name]
		if len(list) > mostVersions || numbers[name] && 2*bear[name] < lines {
			continue // an id, not a version
		}
		sort.Slice(list, func(i, j int) bool {
			if list[i].first != list[j].first {
				return list[i].first < list[j].first
			}
			return list[i].value < list[j].value
		})
		for i, v := range list {
			kind := probe.Deploy
			if i == 0 {
				kind = "none"
			}
			what := service
			if what == "" {
				what = strings.ToLower(name)
			}
			rows = append(rows, map[string]any{
				"at": seconds(v.first), "kind": kind, "what": what, "detail": fmt.Sprintf("%s %s writes its first line", v.label, v.value),
				"label": v.label, "version": v.value, "lines": v.lines, "last": seconds(v.last),
			})
		}
	}
	return rows
}
