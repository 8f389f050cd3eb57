package spike

import (
	"fmt"
	"math"
	"sort"
	"time"

	"github.com/quellhq/quell/internal/logql/pattern"
)

// leastBefore is how many messages must have been written before the split for
// a comparison. Own value.
const leastBefore = 20

func (q Question) filled() Question {
	if q.Least <= 0 {
		q.Least = leastRise
	}
	if q.FalseShare <= 0 {
		q.FalseShare = 0.01
	}
	return q
}

func (c *Collector) report(q Question) Report {
	q = q.filled()
	r := Report{}
	if c.all.lines.Total() == 0 {
		r.Verdict, r.Reason = CannotTell, "no message bears a time within the window"
		return r
	}
	g := newGrid(&c.all.lines, q.Start, q.End)
	lines, errors := g.dense(&c.all.lines), g.dense(&c.all.errors)
	if g.strays > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d messages bear times far from all others: left out", g.strays))
	}
	for _, gap := range g.gaps {
		r.Notes = append(r.Notes, fmt.Sprintf("the log is silent from %s to %s: this time is left out", clock(gap[0]), clock(gap[1])))
	}
	if q.Rule {
		r.Rule = rule(&g, errors)
	}
	templates := c.miner.Templates()
	found := c.onset(&r, &g, lines, errors, templates)
	split := g.index(q.Split)
	switch {
	case q.Split > 0:
	case found && !r.Ramp:
		split = g.index(r.Onset)
	case found:
		r.Verdict, r.Reason = Rose, r.Subject+" grew slowly over the whole window: there is no moment to compare before and after"
		return r
	case sum(lines) < leastBefore:
		r.Verdict, r.Reason = CannotTell, fmt.Sprintf("only %.0f messages in the window", sum(lines))
		return r
	default:
		r.Verdict, r.Reason = Nothing, "neither errors, nor lines, nor any one template came clearly more often at any time of the window"
		return r
	}
	r.Split = g.at(split)
	r.Before, r.After = g.span(0, split, lines, errors), g.span(split, len(lines), lines, errors)
	if r.Before.Lines < leastBefore || r.Before.Seconds == 0 {
		r.Verdict = CannotTell
		r.Reason = fmt.Sprintf("only %d messages were written before %s: too little to compare with", r.Before.Lines, clock(r.Split))
		return r
	}
	if r.After.Lines == 0 {
		r.Verdict, r.Reason = CannotTell, "no message was written after "+clock(r.Split)
		return r
	}
	compareTemplates(&r, q, &g, split, templates)
	c.compareLabels(&r, q, &g, split)
	r.Verdict = Rose
	if !found && len(r.Risen) == 0 && len(r.Labels) == 0 && !anySure(r.New, q) {
		r.Verdict, r.Reason = Nothing, "no template and no label value came clearly more often than before"
	}
	return r
}

func clock(nanoseconds int64) string {
	return time.Unix(0, nanoseconds).UTC().Format("2006-01-02 15:04:05Z")
}

// anySure reports whether a new template is more than a rare message.
func anySure(list []Change, q Question) bool {
	for _, c := range list {
		if c.After >= q.Least && c.P < q.FalseShare {
			return true
		}
	}
	return false
}

// onset finds when it began: of errors, else of all lines, else of the one
// template that stands out most.
func (c *Collector) onset(r *Report, g *grid, lines, errors []float64, templates []pattern.Template) bool {
	take := func(s step, subject string) bool {
		r.Onset, r.Subject, r.Ramp = g.at(s.from), subject, s.ramp
		if s.to < len(lines) {
			r.Over = g.at(s.to)
		}
		if s.ramp {
			r.Onset = 0
		}
		return true
	}
	if s, ok := findStep(errors, g.exposure, 0); ok {
		return take(s, "errors")
	}
	if s, ok := findStep(lines, g.exposure, 0); ok {
		return take(s, "lines")
	}
	best, of := step{}, -1
	more := math.Log(float64(max(len(templates), 1)))
	for i := range min(len(templates), steppedTemplates) {
		if s, ok := findStep(coarse(g, &templates[i].Times, more)); ok && !s.ramp && s.gain > best.gain {
			best, of = s, i
		}
	}
	if of < 0 {
		return false
	}
	k := coarseBy(g)
	best.from, best.to = best.from*k, min(best.to*k, len(lines))
	return take(best, "template: "+templates[of].Text)
}

// To look for a step costs the square of the number of stretches, so templates
// are looked at more coarsely, and not more than so many.
const (
	steppedTemplates = 500
	coarseStretches  = 128
)

func coarseBy(g *grid) int {
	return (len(g.exposure) + coarseStretches - 1) / coarseStretches
}

func coarse(g *grid, s *pattern.Series, more float64) (counts, exposure []float64, _ float64) {
	k := coarseBy(g)
	dense := g.dense(s)
	for i := 0; i < len(dense); i += k {
		end := min(i+k, len(dense))
		counts = append(counts, sum(dense[i:end]))
		exposure = append(exposure, sum(g.exposure[i:end])/float64(k))
	}
	return counts, exposure, more
}

func (g *grid) span(from, to int, lines, errors []float64) Span {
	s := Span{Start: g.at(from), End: g.at(to)}
	s.Seconds = sum(g.exposure[from:to]) * float64(g.width) / 1e9
	s.Lines, s.Errors = int(sum(lines[from:to])), int(sum(errors[from:to]))
	return s
}

// compareTemplates sorts the templates into new, risen and vanished ones.
func compareTemplates(r *Report, q Question, g *grid, split int, templates []pattern.Template) {
	share := r.After.Seconds / (r.After.Seconds + r.Before.Seconds)
	var risen, gone []Change
	var chances []float64
	for i := range templates {
		t := &templates[i]
		dense := g.dense(&t.Times)
		c := Change{Template: *t, Before: int(sum(dense[:split])), After: int(sum(dense[split:]))}
		c.Expected = float64(c.Before) * r.After.Seconds / r.Before.Seconds
		together := spread(dense[:split], g.exposure[:split], 0, 0)
		switch {
		case c.Before == 0 && c.After > 0:
			c.P = riseChance(0, c.After, share, 1)
			r.New = append(r.New, c)
		case c.After == 0 && c.Before >= q.Least && c.Expected >= float64(q.Least):
			c.P = riseChance(0, c.Before, 1-share, together)
			gone = append(gone, c)
		case c.After >= q.Least && float64(c.After) >= onsetRatio*c.Expected:
			c.P = riseChance(c.Before, c.After, share, together)
			risen = append(risen, c)
		default:
			chances = append(chances, 1) // a series that was looked at all the same
		}
	}
	tests := len(risen) + len(gone)
	all := make([]float64, 0, tests+len(chances))
	for _, c := range append(append([]Change(nil), risen...), gone...) {
		all = append(all, c.P)
	}
	sure := discoveries(append(all, chances...), q.FalseShare)
	for i, c := range risen {
		if sure[i] {
			if s, ok := findStep(coarse(g, &c.Template.Times, 0)); ok && !s.ramp {
				c.Onset = g.at(s.from * coarseBy(g))
			}
			r.Risen = append(r.Risen, c)
		}
	}
	for i, c := range gone {
		if sure[len(risen)+i] {
			r.Vanished = append(r.Vanished, c)
		}
	}
	for i := range r.New {
		r.New[i].Onset = r.New[i].Template.First
	}
	rank(r.New)
	rank(r.Risen)
	rank(r.Vanished)
}

// rank puts what is least likely by chance first, and of new ones errors.
func rank(list []Change) {
	sort.SliceStable(list, func(a, b int) bool {
		x, y := &list[a], &list[b]
		if ex, ey := 2*x.Template.Errors > x.Template.Total(), 2*y.Template.Errors > y.Template.Total(); ex != ey {
			return ex
		}
		if x.P != y.P {
			return x.P < y.P
		}
		if x.After+x.Before != y.After+y.Before {
			return x.After+x.Before > y.After+y.Before
		}
		return x.Template.Text < y.Template.Text
	})
}
