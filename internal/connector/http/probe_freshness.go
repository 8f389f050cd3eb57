package http

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// maxPages bounds how many pages one question compares, and maxFields how many
// fields of a page.
const (
	maxPages  = 10
	maxFields = 500
)

func freshnessSpec() probe.Spec {
	return probe.Spec{
		Name:     "http.freshness",
		Question: "Does a page say the same from the cache as from its source?",
		Why:      "Whoever reads an old value sees nothing wrong in it; only the comparison shows it. What changes between two requests of the same kind, like a time or a counter, is left out.",
		Cost:     "two to five GET requests of each page, at most ten pages, and up to three times as many where the source is slow; where the service stores what it fetches anew, these pages are fresh afterwards",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "pages", Type: probe.List, Default: "[]", About: "paths to compare, like /products/1; without any there is no answer"},
			{Name: "header", Type: probe.Text, Default: "Cache-Control: no-cache", About: "header that asks for the value of the source"},
			{Name: "query", Type: probe.Text, Default: `""`, About: "added to the address where a header is not enough, like fresh=1"},
		},
		Fields: []probe.Field{
			{Name: "pages", Type: "rows", About: "path, compared (both ways gave a page), honoured (the second way did go to the source; null where nothing tells), differs, fields (JSON fields that differ, at most 20), stored_s (how long the cached answer has been stored, from Age or a field like cached_at; null where nothing tells), behind_s (how much older the cached value is than the source's, from a field like updated_at; null), filled_late (the old value was stored after the source had changed; null where it cannot be told)"},
			{Name: "compared", Type: "number", About: "pages that were compared"},
			{Name: "stale", Type: "number", About: "pages of them that differ"},
			{Name: "honoured", Type: "bool", About: "for some page it is known that the source was asked, or a difference shows it"},
		},
		Outcomes: []probe.Outcome{
			{When: "stale is above 0 and filled_late is false", Means: "the source was changed after the value was stored, and nobody took it away"},
			{When: "stale is above 0 and filled_late is true", Means: "an old value was stored after the change: a reader was slower than the writer"},
			{When: "honoured is false and stale is 0", Means: "the service may not heed the header: nothing is known"},
		},
	}
}

func (t *target) freshness(ctx context.Context, q probe.Question) evidence.Answer {
	list, _ := q.Args["pages"].([]any)
	if len(list) == 0 {
		return evidence.Not(evidence.NotApplicable, "no pages are named to compare", "name some in params, like pages: [/products/1]")
	}
	name, value, _ := strings.Cut(argument(q, "header", "Cache-Control: no-cache"), ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if name == "" || forbidden[strings.ToLower(name)] {
		return evidence.Not(evidence.Invalid, "the header "+name+" may not be set in a question", "write it like Cache-Control: no-cache")
	}
	var notes []string
	if len(list) > maxPages {
		notes = append(notes, fmt.Sprintf("the first %d of %d pages are compared", maxPages, len(list)))
		list = list[:maxPages]
	}
	requests := make([][2]request, len(list))
	for i, p := range list {
		req, err := t.get(fmt.Sprint(p))
		if err != nil {
			return evidence.Not(evidence.Invalid, err.Error(), "write paths, like /products/1")
		}
		fresh := req
		fresh.headers = req.headers.Clone()
		fresh.headers.Set(name, value)
		if extra := argument(q, "query", ""); extra != "" {
			u := *req.url
			if u.RawQuery != "" {
				u.RawQuery += "&"
			}
			u.RawQuery += extra
			fresh.url = &u
		}
		requests[i] = [2]request{req, fresh}
	}
	rows, compared, stale, honoured := []any{}, 0, 0, false
	for _, row := range t.compareAll(ctx, list, requests) {
		if row["compared"] == true {
			compared++
		}
		if row["differs"] == true {
			stale++
		}
		honoured = honoured || row["honoured"] == true || row["differs"] == true
		rows = append(rows, row)
	}
	if compared == 0 {
		return evidence.Not(evidence.NoData, "none of the pages could be had both ways in the time there was", "name pages that answer, or a longer timeout")
	}
	return evidence.Of(map[string]any{"pages": rows, "compared": int64(compared), "stale": int64(stale), "honoured": honoured}, notes...)
}

// Of a source that takes long to read, a value that was overtaken by a change is
// stored now and then: pages that are as their source is are looked at again.
const (
	slowSource = 200 * time.Millisecond
	looks      = 3
	lookUntil  = 3 * time.Second // after which no new look begins
	lookAtMost = 5 * time.Second // of all pages: others wait for the same service
)

// compareAll compares all pages beside each other: a source that is slow must
// not use up the time of all. What was not compared in time is said to be so.
func (t *target) compareAll(ctx context.Context, paths []any, requests [][2]request) []map[string]any {
	ctx, cancel := connector.Within(ctx, lookAtMost)
	defer cancel()
	t.first.wait(ctx) // before the pages begin, so that none of their requests overtakes another there
	begun := time.Now()
	rows := make([]map[string]any, len(paths))
	var group sync.WaitGroup
	for i, p := range paths {
		group.Go(func() {
			for n := range looks {
				c := t.compare(ctx, fmt.Sprint(p), requests[i][0], requests[i][1])
				if n > 0 && c.row["compared"] != true {
					return // the look before stands
				}
				rows[i] = c.row
				if c.row["differs"] != false || c.took < slowSource || time.Since(begun) > lookUntil {
					return
				}
			}
		})
	}
	group.Wait()
	return rows
}

// same compares two values; a time may be written in more ways than one.
func same(a, b string) bool {
	if a == b {
		return true
	}
	x, isTime := moment(a)
	y, isToo := moment(b)
	return isTime && isToo && x.Equal(y)
}

func argument(q probe.Question, name, otherwise string) string {
	if s, ok := q.Args[name].(string); ok && s != "" {
		return s
	}
	return otherwise
}

// asked reports whether the second answer came from the source, where the
// answers tell.
func asked(ordinary, fresh result) (source, known bool) {
	switch a, b := sign(ordinary), sign(fresh); {
	case b == cold:
		return true, true
	case b == warm:
		return false, true
	case a == warm && b == noSign:
		return true, true
	}
	return false, false
}

// flat is a JSON body as fields by their path; of another body the whole.
func flat(body []byte) map[string]string {
	out := map[string]string{}
	doc, ok := parseJSON(body)
	if !ok {
		out["body"] = string(body)
		return out
	}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		if len(out) >= maxFields {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				walk(at+"/"+k, inner)
			}
		case []any:
			for i, inner := range v {
				walk(at+"/"+strconv.Itoa(i), inner)
			}
		default:
			text, _ := json.Marshal(v)
			out[at] = string(text)
		}
	}
	walk("", doc)
	return out
}

func names(a, b map[string]string) []string {
	seen := map[string]bool{}
	for k := range a {
		seen[k] = true
	}
	for k := range b {
		seen[k] = true
	}
	list := make([]string, 0, len(seen))
	for k := range seen {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}

// lastWord is the last word of a field's path, in lower case without dashes.
func lastWord(field string) string {
	field = field[strings.LastIndexByte(field, '/')+1:]
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(field))
}

// isStorage reports whether a field tells of the cache and not of the thing.
func isStorage(field string) bool {
	switch lastWord(field) {
	case "cachedat", "storedat", "cached", "cache", "fromcache", "source", "cacheage", "cachettl", "ttl", "servedby", "generatedat", "requestid":
		return true
	}
	return false
}

// storedFor is how long an answer has lain in a cache.
func storedFor(r result, fields map[string]string, now time.Time) (time.Duration, bool) {
	for field, value := range fields {
		if w := lastWord(field); w == "cachedat" || w == "storedat" {
			if at, ok := moment(value); ok {
				return now.Sub(at), true
			}
		}
	}
	if n, err := strconv.Atoi(strings.TrimSpace(r.header.Get("Age"))); err == nil && n >= 0 {
		return time.Duration(n) * time.Second, true
	}
	return 0, false
}

// changed is when the thing was last changed, by its own words.
func changed(fields map[string]string) (time.Time, bool) {
	var newest time.Time
	for field, value := range fields {
		switch lastWord(field) {
		case "updatedat", "modifiedat", "changedat", "lastmodified", "updated", "modified", "lastupdated", "updatedon":
			if at, ok := moment(value); ok && at.After(newest) {
				newest = at
			}
		}
	}
	return newest, !newest.IsZero()
}

// moment reads a time as JSON has it: text, or seconds or milliseconds since 1970.
func moment(value string) (time.Time, bool) {
	value = strings.Trim(value, `"`)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05.999999Z07:00", "2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999"} {
		if at, err := time.Parse(layout, value); err == nil {
			return at, true
		}
	}
	n, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || n < 1e9:
		return time.Time{}, false
	case n > 1e12:
		n /= 1000
	}
	return time.UnixMilli(int64(n * 1000)), n < 1e11
}
