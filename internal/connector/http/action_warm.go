package http

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

// Bounds of a warm-up: it must never be the load that it is meant to spare.
const (
	mostPaths       = 500
	mostRate        = 50
	mostConcurrency = 8
)

func warmSpec() action.Spec {
	return action.Spec{
		Name: "http.warm", Risk: action.R1,
		Does:  "Asks for pages that a cache has lost, a few at a time, each twice, and reports the times.",
		Tells: "the pages' cache headers, or that they answer fast; where neither is to be seen, nobody can tell",
		Params: []probe.Param{
			{Name: "paths", Type: probe.List, About: "paths to ask for with GET, at most 500"},
			{Name: "rate", Type: probe.Number, Default: "5", About: "paths begun each second, at most 50"},
			{Name: "concurrency", Type: probe.Number, Default: "2", About: "requests under way at once, at most 8"},
		},
	}
}

type warmer struct{ *target }

type warming struct {
	paths       []string
	rate        float64
	concurrency int
}

func (t warmer) readWarming(args action.Args) (warming, error) {
	w := warming{rate: args.Number("rate"), concurrency: int(args.Number("concurrency"))}
	if w.rate <= 0 || w.rate > mostRate {
		return w, action.Refuse("", "rate is more than 0 and at most %d, not %s", mostRate, args.Text("rate"))
	}
	if n := args.Number("concurrency"); n < 1 || n > mostConcurrency || n != math.Trunc(n) {
		return w, action.Refuse("", "concurrency is a whole number from 1 to %d, not %s", mostConcurrency, args.Text("concurrency"))
	}
	seen := map[string]bool{}
	if len(args.List("paths")) == 0 {
		return w, action.Undeclared("name them in the parameter of the playbook (params: {warm: [/products]})", "nobody has said which pages fill the cache")
	}
	for _, item := range args.List("paths") {
		path := fmt.Sprint(item)
		u, err := url.Parse(path)
		if err != nil || !strings.HasPrefix(path, "/") || u.Host != "" || strings.ContainsAny(path, " \t\r\n#") {
			return w, action.Refuse("write one like /products?page=1", "%q is no path of this target", path)
		}
		if _, err := t.to(path); err != nil {
			return w, action.Refuse("", "%s", err)
		}
		if !seen[path] {
			seen[path] = true
			w.paths = append(w.paths, path)
		}
	}
	if len(w.paths) > mostPaths {
		return w, action.Refuse("", "1 to %d paths can be warmed at once, not %d", mostPaths, len(w.paths))
	}
	return w, nil
}

// least is the time that a warm-up takes at least.
func (w warming) least() time.Duration {
	return time.Duration(float64(len(w.paths)) / w.rate * float64(time.Second)).Round(time.Second)
}

// Preview implements action.Doer. It connects and asks for none of the paths:
// asking is what the change is.
func (t warmer) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	w, err := t.readWarming(c.Args)
	if err != nil {
		return action.Preview{}, err
	}
	req, err := t.to(w.paths[0])
	if err != nil {
		return action.Preview{}, action.Refuse("", "%s", err)
	}
	if err := t.reach(ctx, req); err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{
		Identity: t.identity(),
		Summary:  fmt.Sprintf("asks for %d paths twice, %s a second and %d at once: %s or longer", len(w.paths), c.Args.Text("rate"), w.concurrency, w.least()),
	}
	for _, path := range w.paths {
		p.Items = append(p.Items, action.Item{ID: path, Now: "not asked", Then: "in the cache", Guard: path})
	}
	return p, nil
}

// Apply implements action.Doer. Paths that a cache says it holds are left alone.
func (t warmer) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	w, err := t.readWarming(o.Args)
	if err != nil {
		return action.Done{}, err
	}
	if ctx.Err() != nil {
		return action.Done{}, action.NotYet("warm up %s: the time is over", t.identity())
	}
	visits := round(ctx, w.paths, w.concurrency, w.rate, t.warm)
	done, good := warmDone(visits)
	switch {
	case good == len(visits):
		return done, nil
	case good == 0:
		return action.Done{}, action.NotYet("warm up %s: no path answered well (%s: %s)", t.identity(), visits[0].path, visits[0].text)
	}
	return action.Done{}, &action.Failure{State: action.PartlyMade, Text: done.Summary, Done: &done}
}

// warm asks for one path until it was answered once cold and once again.
func (t warmer) warm(ctx context.Context, path string) visit {
	v := t.visit(ctx, path, true)
	if v.temp == warm || v.failed {
		return v
	}
	first := v
	if v.text = ""; !v.ok { // a cache that passes nothing on had nothing
		first = t.visit(ctx, path, false)
	}
	if first.failed {
		return first
	}
	v = t.visit(ctx, path, false)
	v.cold = first.last
	v.text = fmt.Sprintf("%.3f s cold, then %.3f s", first.last.Seconds(), v.last.Seconds())
	return v
}

func warmDone(visits []visit) (action.Done, int) {
	d := action.Done{Facts: map[string]any{}}
	var before, after []float64
	times := map[string]any{}
	good := 0
	for _, v := range visits {
		ok := v.ok && v.asked
		d.Items = append(d.Items, action.Result{ID: v.path, OK: ok, Text: v.text})
		if !ok {
			continue
		}
		good++
		after = append(after, v.last.Seconds())
		if v.cold > 0 {
			before = append(before, v.cold.Seconds())
			times[v.path] = v.cold.Seconds()
		}
	}
	d.Facts["cold_s"] = times
	d.Summary = fmt.Sprintf("%d of %d paths asked for", good, len(visits))
	if good > 0 {
		d.Summary += fmt.Sprintf(": median %.3f s now", median(after))
	}
	if len(before) > 0 {
		d.Summary += fmt.Sprintf(", %.3f s cold", median(before))
	}
	return d, good
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

// Standing implements action.Doer. It asks for every path and for what caches
// hold only, so one that understands that passes nothing on.
func (t warmer) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	w, err := t.readWarming(o.Args)
	if err != nil {
		return action.Standing{}, err
	}
	before := map[string]any{}
	if o.Done != nil {
		before, _ = o.Done.Facts["cold_s"].(map[string]any)
	}
	within, cancel := connector.Within(ctx, time.Minute)
	defer cancel()
	visits := round(within, w.paths, w.concurrency, mostRate, func(ctx context.Context, path string) visit { return t.visit(ctx, path, true) })
	count := map[temperature]int{}
	for i, v := range visits {
		seconds, _ := before[v.path].(float64)
		found := warmed(v, time.Duration(seconds*float64(time.Second)))
		count[found]++
		visits[i].ok = found == warm
	}
	if visits[0].asked && visits[0].failed && count[warm]+count[cold] == 0 {
		return action.Standing{}, &action.Unavailable{Text: fmt.Sprintf("ask %s for %s: %s", t.identity(), visits[0].path, visits[0].text)}
	}
	return warmStanding(visits, count), nil
}

func warmStanding(visits []visit, count map[temperature]int) action.Standing {
	s := action.Standing{Text: fmt.Sprintf("%d paths are in a cache, %d are not, of %d nothing tells", count[warm], count[cold], count[noSign])}
	switch {
	case count[warm] == len(visits):
		s.State = action.Made
	case count[noSign] > 0:
		s.State = action.CannotTell
	case count[warm] == 0:
		s.State = action.NotMade
	default:
		s.State = action.PartlyMade
	}
	if s.State == action.Made || s.State == action.PartlyMade {
		done, _ := warmDone(visits)
		s.Done = &done
	}
	return s
}

var _ action.Doer = warmer{}
