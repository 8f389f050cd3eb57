package http

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func varySpec() probe.Spec {
	return probe.Spec{
		Name:     "http.vary",
		Question: "Does the same question get the same answer each time, and who gives which?",
		Why:      "Processes that each remember something of their own answer differently, each always the same: what looks like chance is who was asked. A stale cache answers everybody alike.",
		Cost:     "twelve GET requests of one path, each over a connection of its own (count)",
		Shape:    probe.Object,
		Params: []probe.Param{
			{Name: "path", Type: probe.Text, Default: `""`, About: "path to ask for; empty: the target's health path, else the path of its url"},
			{Name: "count", Type: probe.Number, Default: "12", About: "how many requests, at most 20"},
		},
		Fields: []probe.Field{
			{Name: "path", Type: "text", About: "the path that was asked for"},
			{Name: "requests", Type: "number", About: "requests that were answered"},
			{Name: "answers", Type: "number", About: "different answers (status and what the body says), without what changes each time"},
			{Name: "who", Type: "text", About: "the field or header that names who answered, like pid or x-served-by; empty when none does"},
			{Name: "answerers", Type: "number", About: "how many answered, by that name; null when none does"},
			{Name: "by_answerer", Type: "bool", About: "answers differ, and each answerer always gives its own; null when nobody is named or nothing differs"},
			{Name: "differs", Type: "list", About: "what differs: status, or fields of the body; values are not shown"},
			{Name: "versions", Type: "number", About: "different versions that the answers name; null when they name none"},
		},
		Outcomes: []probe.Outcome{
			{When: "by_answerer is true", Means: "each process or instance answers from something of its own: its memory, its settings, its release"},
			{When: "answers is above 1 and by_answerer is false", Means: "one and the same process answers differently: not its memory, but chance or time"},
			{When: "answers is 1", Means: "everybody answers alike, be it right or stale"},
			{When: "versions is above 1", Means: "two releases run beside each other"},
		},
	}
}

// vary asks again and again.
func (t *target) vary(ctx context.Context, q probe.Question) evidence.Answer {
	path, _ := q.Args["path"].(string)
	if path == "" {
		path = t.config.Health
	}
	req, err := t.get(path)
	if err != nil {
		return evidence.Not(evidence.Invalid, err.Error(), "write a path, like /health")
	}
	req.more = true
	count := 12
	if n, ok := number(q.Args["count"]); ok {
		count = min(max(int(n), 2), maxSamples)
	}
	var seen []map[string]string
	var notes []string
	begun := time.Now()
	for i := range count {
		if i > 0 && time.Since(begun) > longSampling {
			notes = append(notes, "fewer requests than asked for: it is slow")
			break
		}
		if i > 0 && !sleep(ctx, pause/2) {
			notes = append(notes, "fewer requests than asked for: time was up")
			break
		}
		r, err := t.do(ctx, req)
		if err != nil {
			if len(seen) == 0 {
				return failed(req, err)
			}
			notes = append(notes, "fewer requests than asked for: "+err.Error())
			break
		}
		if r.status == 0 {
			if len(seen) == 0 {
				return evidence.Not(evidence.Unreachable, "ask "+shown(req.url)+": "+r.sentence(), "")
			}
			notes = append(notes, r.sentence())
			break
		}
		seen = append(seen, said(r))
	}
	v := compare(seen)
	v["path"], v["requests"] = req.url.Path, int64(len(seen))
	return evidence.Of(v, notes...)
}

// Names of who answers, and of what is said of a release. Both differ rightly.
var (
	whoNames     = regexp.MustCompile(`(?i)^(x-)?(served-?by|server-?id|instance(-?id)?|backend(-?server)?|worker(-?(id|pid))?|pid|process(-?id)?|host(-?name)?|pod(-?name)?|node(-?(name|id))?|container(-?id)?|replica|upstream|app-?server)$`)
	versionNames = regexp.MustCompile(`(?i)^(x-)?(app-?)?(version|release|build|commit|git-?sha|revision)$`)
	// What tells of one request or of the moment.
	passing = regexp.MustCompile(`(?i)(time|date|age|uptime|started|since|now|id|uuid|nonce|token|etag|cookie|expires|duration|latency|elapsed|_ms|_s|count|total|requests|memory|rss|cpu|load)$|^(content-length|connection|keep-alive|server|via|traceparent)$`)
)

// said is what an answer says, by name: its status, its headers and the fields
// of its body; the whole body where it is no JSON.
func said(r result) map[string]string {
	out := map[string]string{"status": fmt.Sprint(r.status)}
	for name, values := range r.header {
		out["header "+strings.ToLower(name)] = strings.Join(values, ", ")
	}
	if doc, ok := parseJSON(r.body); ok && !r.cut {
		flatten("", doc, out, 0)
	} else {
		out["body"] = string(r.body)
	}
	return out
}

// deepestSaid bounds how far a document is read into.
const deepestSaid = 4

func flatten(at string, v any, out map[string]string, depth int) {
	switch v := v.(type) {
	case map[string]any:
		if depth < deepestSaid {
			for name, inner := range v {
				flatten(strings.TrimPrefix(at+"."+name, "."), inner, out, depth+1)
			}
			return
		}
	case []any:
		if depth < deepestSaid && len(v) <= 50 {
			for i, inner := range v {
				flatten(fmt.Sprintf("%s[%d]", at, i), inner, out, depth+1)
			}
			return
		}
	}
	if len(out) < 1000 {
		out["body "+at] = fmt.Sprint(v)
	}
}

// last is the last name of a field or header.
func last(name string) string {
	_, name, _ = strings.Cut(name, " ")
	name = name[strings.LastIndex(name, ".")+1:]
	return strings.ReplaceAll(name, "_", "-")
}

func compare(seen []map[string]string) map[string]any {
	names := map[string]bool{}
	for _, s := range seen {
		for n := range s {
			names[n] = true
		}
	}
	values := func(name string) []string {
		out := make([]string, len(seen))
		for i, s := range seen {
			out[i] = s[name]
		}
		return out
	}
	distinct := func(list []string) int {
		list = slices.Clone(list)
		slices.Sort(list)
		return len(slices.Compact(list))
	}
	v := map[string]any{"answers": int64(1), "who": "", "answerers": nil, "by_answerer": nil, "differs": []any{}, "versions": nil}
	var sorted, differs []string
	for n := range names {
		sorted = append(sorted, n)
	}
	sort.Strings(sorted)
	var who []string
	for _, n := range sorted {
		list := values(n)
		k := distinct(list)
		switch {
		case n == "status" || n == "body":
		case versionNames.MatchString(last(n)):
			if old, ok := v["versions"].(int64); !ok || int64(k) > old {
				v["versions"] = int64(k)
			}
			continue
		case whoNames.MatchString(last(n)):
			if k > 1 && (who == nil || k > distinct(who)) && k <= len(seen)/2 {
				who, v["who"], v["answerers"] = list, last(n), int64(k)
			}
			continue
		case strings.HasPrefix(n, "header ") || passing.MatchString(last(n)):
			continue
		}
		// What is new each time tells of the moment, and not of who answers.
		if k > 1 && k <= len(seen)/2 {
			differs = append(differs, n)
		}
	}
	if len(differs) == 0 {
		return v
	}
	answers := make([]string, len(seen))
	for i, s := range seen {
		for _, n := range differs {
			answers[i] += n + "\x00" + s[n] + "\x01"
		}
	}
	v["answers"] = int64(distinct(answers))
	shown := []any{}
	for _, n := range differs[:min(len(differs), 20)] {
		shown = append(shown, strings.TrimPrefix(n, "body "))
	}
	v["differs"] = shown
	if who != nil {
		by := map[string]string{}
		bound := true
		for i, w := range who {
			if a, ok := by[w]; ok && a != answers[i] {
				bound = false
			}
			by[w] = answers[i]
		}
		v["by_answerer"] = bound
	}
	return v
}
