package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/chart"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/verification"
)

// Figure is one chart, with what a reader has to know of it.
type Figure struct {
	Name   string
	Query  string
	From   string // whom
	Unit   string
	Chart  chart.Chart
	Names  []string // of its lines, where there are several
	More   int      // lines that are not drawn
	Sparks []string // the lines in characters, for where no picture can be
	Cites  []int
}

// FigureMark is a moment that all figures show under one number.
type FigureMark struct {
	Sign, Clock, Text, Kind string
	at                      time.Time
}

// The most that is drawn; a report with thirty charts is read by nobody.
const (
	mostFigures = 8
	mostMarks   = 12
)

// figures are small charts on one time axis: what people felt, what the roots
// were seen by, and how the verification went.
func (t *teller) figures() (marks []FigureMark, list []Figure) {
	if t.round == nil {
		return nil, nil
	}
	seen := map[string]bool{}
	for _, r := range append(t.shownBy(t.felt()), t.shownBy(t.roots())...) {
		if key := exhibitKey(r); evidence.Streams(r.Value) != nil && !seen[key] && len(list) < mostFigures {
			seen[key] = true
			list = append(list, t.figure(r))
		}
	}
	marks = t.marks()
	t.frame(list, marks)
	if f, ok := t.feltFigure(); ok {
		// Samples come within minutes: on the axis of the others they would be one
		// stroke.
		felt := []Figure{f}
		t.frame(felt, marks)
		list = append(list, felt[0])
	}
	if len(list) == 0 {
		return nil, nil
	}
	return marks, list
}

// figure draws one question's series, with what later rounds saw of it.
func (t *teller) figure(r reading) Figure {
	streams := evidence.Streams(r.Value)
	for _, round := range t.incident.Rounds {
		for _, e := range round.Answer(r.playbook, r.probe, nil, []string{r.Target}) {
			if e.Question == r.Question && e.Service == r.Service {
				streams = joined(streams, evidence.Streams(e.Value))
			}
		}
	}
	slices.SortStableFunc(streams, func(a, b evidence.Stream) int { return cmp.Compare(peak(b), peak(a)) })
	f := Figure{Name: r.name(), Query: r.Question, From: r.Target, Cites: []int{t.cite(r)}}
	unit := unitOf(r)
	if unit != chart.Ratio { // its labels say so
		f.Unit = string(unit)
	}
	f.Chart = chart.Chart{Title: fmt.Sprintf("%s on %s over time", r.name(), r.Target), Unit: unit}
	for n, s := range streams {
		if n == chart.MostLines {
			f.More = len(streams) - n
			break
		}
		f.Chart.Lines = append(f.Chart.Lines, chart.Line{Points: s.Points})
		f.Names = append(f.Names, labelText(s.Labels))
		f.Sparks = append(f.Sparks, spark(s.Points, unit))
	}
	if len(f.Names) == 1 {
		f.Names = nil
	}
	return f
}

// joined are the points of both, each time once.
func joined(a, b []evidence.Stream) []evidence.Stream {
	out := slices.Clone(a)
	for _, s := range b {
		n := slices.IndexFunc(out, func(o evidence.Stream) bool { return labelText(o.Labels) == labelText(s.Labels) })
		if n < 0 {
			out = append(out, s)
			continue
		}
		points := append(slices.Clone(out[n].Points), s.Points...)
		slices.SortStableFunc(points, func(p, q evidence.Point) int { return cmp.Compare(p.T, q.T) })
		out[n].Points = slices.CompactFunc(points, func(p, q evidence.Point) bool { return p.T == q.T })
	}
	return out
}

// feltFigure is how likely it was that people still felt it, by the samples of
// the verification.
func (t *teller) feltFigure() (Figure, bool) {
	line := chart.Line{Dots: true}
	add := func(s *verification.Sample) {
		if s != nil && (s.Felt == verification.Yes || s.Felt == verification.No) {
			line.Points = append(line.Points, evidence.Point{T: float64(s.At.UnixMilli()) / 1000, V: s.Level})
		}
	}
	for _, p := range t.incident.Steps() {
		add(p.Before)
		for n := range p.Samples {
			add(&p.Samples[n])
		}
	}
	if len(line.Points) == 0 {
		return Figure{}, false
	}
	slices.SortStableFunc(line.Points, func(p, q evidence.Point) int { return cmp.Compare(p.T, q.T) })
	return Figure{
		Name: "still felt by people", Query: "the probability of what people feel, in each sample of the verification", From: "verification",
		Chart:  chart.Chart{Title: "Probability that people still felt it, by sample", Unit: chart.Ratio, Lines: []chart.Line{line}},
		Sparks: []string{spark(line.Points, chart.Ratio)},
	}, true
}

var verdictKind = map[verification.Verdict]string{
	verification.Better: "good", verification.NotBetter: "bad", verification.CannotTell: "doubt",
}

// marks are what happened, for all figures.
func (t *teller) marks() []FigureMark {
	var out []FigureMark
	add := func(at time.Time, kind, text string) {
		if !at.IsZero() {
			out = append(out, FigureMark{at: at, Kind: kind, Text: text})
		}
	}
	add(t.began, "bad", beganName)
	add(t.at(incident.Detected), "bad", string(incident.Detected))
	if t.round != nil {
		add(t.round.Written, "", "diagnosis")
	}
	for _, p := range t.incident.Steps() {
		for _, a := range p.Attempts {
			text := fmt.Sprintf("step %s: %s", p.Step.ID, p.Step.Title)
			if a.Undo {
				text = fmt.Sprintf("step %s taken back", p.Step.ID)
			}
			if a.Result == nil || a.Result.State == "cannot tell" {
				add(a.At, "doubt", text+" (not known whether it happened)")
			} else {
				add(a.At, "act", text)
			}
		}
		for _, v := range p.Verdicts {
			add(v.At, verdictKind[v.Verdict], fmt.Sprintf("verdict on step %s: %s", p.Step.ID, v.Verdict))
		}
	}
	add(t.at(incident.Ended), "good", string(incident.Ended))
	slices.SortStableFunc(out, func(a, b FigureMark) int { return a.at.Compare(b.at) })
	out = out[:min(len(out), mostMarks)]
	for n := range out {
		out[n].Sign, out[n].Clock = fmt.Sprint(n+1), t.clock(out[n].at)
	}
	return out
}

// frame gives all figures one time axis: from the first sample to the last, or
// to the last mark that is not far behind it.
func (t *teller) frame(list []Figure, marks []FigureMark) {
	var from, to time.Time
	for _, f := range list {
		for _, l := range f.Chart.Lines {
			for _, p := range l.Points {
				at := instant(p.T)
				if from.IsZero() || at.Before(from) {
					from = at
				}
				if at.After(to) {
					to = at
				}
			}
		}
	}
	far := to.Add(to.Sub(from) / 4)
	for _, m := range marks {
		if m.at.After(to) && m.at.Before(far) {
			to = m.at
		}
	}
	margin := to.Sub(from) / 60
	from, to = from.Add(-margin), to.Add(margin)
	shade := chart.Span{From: t.began, To: t.at(incident.Recovery)}
	if shade.To.IsZero() {
		shade.To = to
	}
	for n := range list {
		c := &list[n].Chart
		c.From, c.To, c.Shade = from, to, shade
		for _, m := range marks {
			c.Marks = append(c.Marks, chart.Mark{At: m.at, Sign: m.Sign, About: m.Clock + " " + m.Text, Kind: m.Kind})
		}
	}
}

// spark draws a series in one line of characters, from zero to its top.
func spark(points []evidence.Point, unit chart.Unit) string {
	const columns = 40
	levels := []rune("▁▂▃▄▅▆▇█")
	from, to := points[0].T, points[len(points)-1].T
	top, low := 0.0, points[0].V
	cells := make([]float64, columns)
	seen := make([]bool, columns)
	for _, p := range points {
		n := 0
		if to > from {
			n = min(int(columns*(p.T-from)/(to-from)), columns-1)
		}
		if !seen[n] || p.V > cells[n] {
			cells[n], seen[n] = p.V, true
		}
		top, low = max(top, p.V), min(low, p.V)
	}
	var b strings.Builder
	for n, v := range cells {
		switch {
		case !seen[n]:
			if len(points) >= columns {
				b.WriteByte(' ') // nothing was seen there
			}
		case top <= 0:
			b.WriteRune(levels[0])
		default:
			b.WriteRune(levels[min(int(max(v, 0)/top*float64(len(levels))), len(levels)-1)])
		}
	}
	return fmt.Sprintf("%s  %s to %s, last %s", b.String(), unit.Text(low), unit.Text(top), unit.Text(points[len(points)-1].V))
}
