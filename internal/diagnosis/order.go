package diagnosis

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/change"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/onset"
	"github.com/quellhq/quell/internal/playbook"
)

// This file is what comes of time: when what is felt began, what had changed by
// then, and which causes come too late for what they should explain.

// begun is when one answer took its step, and how exactly that can be told.
type begun struct {
	onset.Interval
	steps  []onset.Interval
	probe  string
	target string
	within float64 // seconds that two such moments may differ by and be one
}

// mostStreams bounds how many streams of one answer are looked at.
const mostStreams = 20

// time finds when the answers began that speak for f; of an answer with several
// streams the first one counts.
func (f *Finding) time() {
	f.onsets, f.certain = nil, true
	read := map[string]bool{}
	for _, s := range f.Signs {
		if s.Truth != string(expr.True) || s.value.whenTrue <= 1 {
			continue
		}
		seen := false
		for _, name := range s.reads {
			e, ok := f.subject.Evidence[name]
			if !ok || !e.Known() {
				continue
			}
			b, ok := f.subject.begun(name, e)
			seen = seen || ok
			if ok && !read[name] {
				read[name] = true
				f.onsets = append(f.onsets, b)
			}
		}
		if !seen && s.weight != playbook.Weak {
			// A row of now may have been so for long: it bears no moment.
			f.certain = false
		}
	}
	slices.SortFunc(f.onsets, func(a, b begun) int {
		switch {
		case a.To != b.To:
			return compareFloats(a.To, b.To)
		case a.From != b.From:
			return compareFloats(a.From, b.From)
		}
		return strings.Compare(a.probe, b.probe)
	})
	f.Began = nil
	if len(f.onsets) > 0 {
		f.Began = f.onsets[0].moment(f.Title)
	}
}

func compareFloats(a, b float64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func (b begun) moment(title string) *Moment {
	return &Moment{From: instant(b.From), To: instant(b.To), Title: title, Probe: b.probe, Target: b.target}
}

func instant(seconds float64) time.Time { return time.UnixMilli(int64(seconds * 1000)).UTC() }

// begun is when an answer began: what it says itself, or its series.
func (s *Subject) begun(name string, e evidence.Evidence) (begun, bool) {
	out := begun{probe: name, target: e.Target}
	for _, p := range s.Playbook.Probes {
		if p.Name != name || p.Began == "" {
			continue
		}
		object, _ := e.Value.(map[string]any)
		at, ok := object[p.Began].(float64)
		if n, whole := object[p.Began].(int64); whole {
			at, ok = float64(n), true
		}
		if !ok || at <= 0 {
			return out, false
		}
		out.Interval = onset.Interval{From: at - told, To: at + toldLate}
		out.steps, out.within = []onset.Interval{out.Interval}, told
		return out, true
	}
	found := false
	for i, stream := range evidence.Streams(e.Value) {
		if i == mostStreams {
			break
		}
		at, err := onset.Began(stream.Points)
		if err != nil {
			continue
		}
		out.steps = append(out.steps, onset.Steps(stream.Points)...)
		out.within = max(out.within, onset.Spacing(stream.Points)+window(e.Question))
		if !found || at.To < out.To {
			out.Interval = at
		}
		found = true
	}
	return out, found
}

// told is how exact a moment is that a question finds itself, in seconds: it
// counts lines by the minute.
const (
	told     = 60
	toldLate = 15 // it says the beginning of the stretch that it counted, of ten seconds as a rule
)

// windows are the stretches that a question takes its rates over: [1m].
var windows = regexp.MustCompile(`\[([0-9a-z]+)(?::[0-9a-z]*)?\]`)

// window is the longest of them, in seconds: a step is smeared over it.
func window(question string) float64 {
	longest := 0.0
	for _, m := range windows.FindAllStringSubmatch(question, -1) {
		if d, err := expr.ParseDuration(m[1]); err == nil {
			longest = max(longest, d.Seconds())
		}
	}
	return longest
}

// beganByService is, for each service, the symptom that was there first.
func beganByService(all []*Finding) map[string]*Finding {
	out := map[string]*Finding{}
	for _, f := range all {
		if f.Kind != playbook.Symptom || !f.likely() || len(f.onsets) == 0 {
			continue
		}
		for _, service := range f.Services {
			if first := out[service]; first == nil || f.onsets[0].To < first.onsets[0].To {
				out[service] = f
			}
		}
	}
	return out
}

// timelines is what has changed of each service, and tells the subjects.
func timelines(in *Input, all []*Finding) []Timeline {
	first := beganByService(all)
	logs := map[string]change.Log{}
	for i := range in.Subjects {
		s := &in.Subjects[i]
		s.began = nil
		if f := first[s.Service]; f != nil {
			s.began = &f.onsets[0].Interval
		}
		s.Changes = s.Changes.Since(s.began)
		logs[s.Service] = s.Changes
	}
	out := []Timeline{}
	for _, service := range sortedKeys(logs) {
		t := Timeline{Service: service, Log: logs[service].Sorted()}
		if f := first[service]; f != nil {
			t.Began = f.Began
		}
		if t.Kinds == nil {
			t.Kinds = []string{}
		}
		if t.Changes == nil {
			t.Changes = []change.Change{}
		}
		if t.Began != nil || !t.Empty() {
			out = append(out, t)
		}
	}
	return out
}

// timed is the subject of f with the onset of what f itself would explain:
// another symptom of the service may have begun at another time, for another
// reason. Where nothing that f leads to has an onset, the service's counts.
func (f *Finding) timed() *Subject {
	var first *Finding
	f.walk(func(g *Finding) []*Finding { return g.effects }, func(g *Finding) {
		if g.Kind == playbook.Symptom && g.likely() && len(g.onsets) > 0 && (first == nil || g.onsets[0].To < first.onsets[0].To) {
			first = g
		}
	})
	if first == nil {
		return f.subject
	}
	s := *f.subject
	s.began = &first.onsets[0].Interval
	s.Changes = s.Changes.Since(s.began)
	return &s
}

// felt is the symptom behind the first root that was there first: the one that
// a page tells the onset of. Nil: no root leads to one with an onset.
func felt(roots []Root) map[string]*Finding {
	out := map[string]*Finding{}
	for _, r := range roots {
		for _, g := range r.downstream() {
			if g.Kind != playbook.Symptom || len(g.onsets) == 0 {
				continue
			}
			for _, service := range g.Services {
				if first := out[service]; first == nil || g.onsets[0].To < first.onsets[0].To {
					out[service] = g
				}
			}
		}
		if len(out) > 0 {
			break // a second root may have another onset: the page tells one
		}
	}
	return out
}

// retold sets the timelines beside the onset of what the first root explains.
func retold(list []Timeline, roots []Root) {
	first := felt(roots)
	for i := range list {
		f := first[list[i].Service]
		if f == nil {
			continue
		}
		list[i].Began = f.Began
		list[i].Log = list[i].Log.Since(&f.onsets[0].Interval)
	}
}

// judgeAgain evaluates what asks for changes and the onset, now that both are known.
func judgeAgain(in Input, all []*Finding) {
	for _, f := range all {
		asks := false
		var vars expr.Vars
		for i, sign := range f.condition.Signs {
			if !slices.ContainsFunc(sign.Program.Reads(), playbook.OfTime) && !slices.ContainsFunc(sign.Means.Reads(), playbook.OfTime) {
				continue
			}
			if vars == nil {
				vars = f.timed().vars(in.At)
			}
			truth, why := sign.Program.Test(vars)
			f.Signs[i].Truth, f.Signs[i].Why, f.Signs[i].Means = string(truth), why, sign.Means.Sentence(vars)
			asks = true
		}
		if asks {
			f.weigh()
		}
	}
}

// late takes weight from causes that began clearly after everything that they
// should explain. All are looked at first, and changed together: the order of
// findings must not matter.
func late(all []*Finding) {
	type verdict struct {
		f    *Finding
		sign SignResult
	}
	var verdicts []verdict
	for _, f := range all {
		if f.Kind != playbook.Cause || f.Vetoed || !f.certain || len(f.onsets) == 0 {
			continue
		}
		if g, by := f.tooLate(); g != nil {
			verdicts = append(verdicts, verdict{f, SignResult{
				Sign: began, Weight: playbook.Against, Truth: string(expr.True),
				Means:  fmt.Sprintf("it began %s after what it should explain (%s): a cause does not begin after its effect", expr.FormatDuration(by.Round(time.Second)), g.Title),
				Probes: unique(f.onsets[0].probe, g.onsets[0].probe), Source: unique(f.onsets[0].target, g.onsets[0].target),
				At: instant(f.onsets[0].To), value: ratio{afterEffect, 1}, weight: playbook.Against,
			}})
		}
	}
	for _, v := range verdicts {
		v.f.Signs = append(v.f.Signs, v.sign)
		v.f.weigh()
	}
}

// began stands in place of an expression for the sign that the engine adds itself.
const began = "began after its effect"

func unique(names ...string) []string {
	out := []string{}
	for _, n := range names {
		if n != "" {
			out = addSorted(out, n)
		}
	}
	return out
}

// tooLate is the effect that f came nearest to being in time for, and by how
// much it was late; nil where it may explain any step of any effect, or where
// nothing can be told.
func (f *Finding) tooLate() (nearest *Finding, by time.Duration) {
	own := f.onsets[0]
	for _, b := range f.onsets {
		own.From, own.within = min(own.From, b.From), max(own.within, b.within)
	}
	smallest := 0.0
	for _, g := range f.downstream() {
		if g == f || len(g.onsets) == 0 {
			continue
		}
		for _, effect := range g.onsets {
			for _, step := range append([]onset.Interval{effect.Interval}, effect.steps...) {
				if own.From <= step.To+own.within+effect.within {
					return nil, 0
				}
			}
			if gap := own.To - effect.To; nearest == nil || gap < smallest {
				nearest, smallest = g, gap
			}
		}
	}
	return nearest, time.Duration(smallest * float64(time.Second))
}
