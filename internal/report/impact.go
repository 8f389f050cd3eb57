package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/incident"
)

// Impact is what people felt, as far as it was measured.
type Impact struct {
	Lasted   Stretch
	Felt     []Symptom
	Measures []Measured
	Missing  []string // kinds of measures that nobody took
}

// Symptom is something that people feel, with what shows it.
type Symptom struct {
	Title string
	Word  string // how likely
	Signs []SignLine
}

// SignLine is one sign in a sentence.
type SignLine struct {
	Text   string
	Weight string
	From   string // whom, and when
	Cites  []int
}

// Measured is one series that people's trouble is counted by.
type Measured struct {
	Kind  string // errors, latency, waiting work, or other
	Name  string
	From  string
	Usual string // the middle of the time before it began; "unknown"
	Worst string
	At    string // when it was worst
	Last  string // the last sample
	Cites []int
}

// mostMeasures is how many series the impact lists.
const mostMeasures = 8

func (t *teller) impact() Impact {
	i := Impact{Lasted: t.lasted()}
	for _, f := range t.felt() {
		s := Symptom{Title: f.Title, Word: f.Word}
		for _, sign := range f.Signs {
			if truth(sign.Truth) && sign.Pull > 0 {
				s.Signs = append(s.Signs, t.signLine(f, sign))
			}
		}
		i.Felt = append(i.Felt, s)
	}
	kinds := map[string]bool{}
	for _, r := range t.counted() {
		m := t.measure(r)
		kinds[m.Kind] = true
		if len(i.Measures) < mostMeasures {
			m.Cites = []int{t.cite(r)}
			i.Measures = append(i.Measures, m)
		}
	}
	for _, kind := range measureKinds {
		if !kinds[kind.name] {
			i.Missing = append(i.Missing, kind.name)
		}
	}
	return i
}

// lasted is how long people felt it: until it was verified to be over, or else
// until somebody said so.
func (t *teller) lasted() Stretch {
	from, about := t.began, "from its beginning"
	if from.IsZero() {
		from, about = t.at(incident.Detected), "from its detection, since no series shows its beginning,"
	}
	if to := t.at(incident.Recovery); !to.IsZero() {
		return between("Duration", about+" to the verified recovery", from, to, "")
	}
	return between("Duration", about+" until somebody called it resolved; no recovery was verified", from, t.at(incident.Ended), "it is not over, as far as the record knows")
}

// counted are the series that symptoms are counted by: those that are felt
// first, and then the others, which say what did not suffer.
func (t *teller) counted() []reading {
	if t.round == nil {
		return nil
	}
	symptoms := slices.Clone(t.diagnosis().Symptoms)
	slices.SortStableFunc(symptoms, func(a, b *diagnosis.Finding) int { return cmp.Compare(b.Probability, a.Probability) })
	var out []reading
	seen := map[string]bool{}
	for _, f := range symptoms {
		for _, s := range f.Signs {
			for _, r := range t.answers(f, s) {
				if key := exhibitKey(r); !seen[key] && evidence.Streams(r.Value) != nil {
					seen[key] = true
					out = append(out, r)
				}
			}
		}
	}
	return out
}

// measure reads a series: how it usually was, how bad it got, how it ended.
func (t *teller) measure(r reading) Measured {
	streams := evidence.Streams(r.Value)
	worst := tallest(streams)
	unit := unitOf(r)
	m := Measured{Kind: kindOf(r), Name: r.name(), From: r.Target, Usual: "unknown", Last: unit.Text(worst.Points[len(worst.Points)-1].V)}
	usual, known := usually(worst.Points, t.began)
	if known {
		m.Usual = unit.Text(usual)
	}
	far := slices.MaxFunc(worst.Points, func(a, b evidence.Point) int { return cmp.Compare(abs(a.V-usual), abs(b.V-usual)) })
	m.Worst, m.At = unit.Text(far.V), t.clock(instant(far.T))
	if len(streams) > 1 {
		m.Name += fmt.Sprintf(" (the worst of %d: %s)", len(streams), labelText(worst.Labels))
	}
	return m
}

// usually is the middle of the values before a time; it takes a few to say.
func usually(points []evidence.Point, before time.Time) (float64, bool) {
	const few = 3
	var values []float64
	for _, p := range points {
		if !before.IsZero() && instant(p.T).Before(before) {
			values = append(values, p.V)
		}
	}
	if len(values) < few {
		return 0, false
	}
	slices.Sort(values)
	return values[len(values)/2], true
}

func labelText(labels map[string]string) string {
	var parts []string
	for k, v := range labels {
		parts = append(parts, k+"="+v)
	}
	slices.Sort(parts)
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, ", ")
}

// signLine tells a sign, and cites what it was read from.
func (t *teller) signLine(f *diagnosis.Finding, s diagnosis.SignResult) SignLine {
	l := SignLine{Text: s.Says(), Weight: string(s.Weight), From: strings.Join(s.Source, ", ")}
	if !s.At.IsZero() {
		l.From += " at " + t.clock(s.At)
	}
	for _, r := range t.answers(f, s) {
		l.Cites = append(l.Cites, t.cite(r))
	}
	return l
}
