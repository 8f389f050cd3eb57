package diagnosis

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/playbook"
)

// Diagnose ranks what the evidence speaks for. It depends on nothing but its
// input, and not on the order of the subjects.
func Diagnose(in Input) Diagnosis {
	in.Subjects = ordered(in.Subjects)
	all := findings(in)
	connect(all)
	for _, f := range all {
		f.time()
	}
	timeline := timelines(&in, all)
	judgeAgain(in, all)
	for _, f := range all {
		f.time()
	}
	late(all)
	d := Diagnosis{
		At: in.At, Reported: in.Reported,
		Roots: []Root{}, Causes: []*Finding{}, Symptoms: []*Finding{}, Unexplained: []Seen{}, RuledOut: []*Finding{},
		BlindSpots: []BlindSpot{}, Coverage: coverage(in, all), Timeline: timeline,
	}
	for _, f := range all {
		switch {
		case f.Kind == playbook.Symptom:
			d.Symptoms = append(d.Symptoms, f)
		case f.Vetoed:
			d.RuledOut = append(d.RuledOut, f)
		default:
			d.Causes = append(d.Causes, f)
		}
	}
	d.Roots = roots(d.Causes)
	retold(d.Timeline, d.Roots)
	rank(d.Causes, d.Roots)
	byProbability(d.Symptoms)
	sort.SliceStable(d.RuledOut, func(i, j int) bool { return d.RuledOut[i].logOdds > d.RuledOut[j].logOdds })
	d.Unexplained = unexplained(d.Symptoms)
	for _, r := range d.Roots {
		r.propose(in.At)
		r.hold(in.At)
	}
	for _, f := range d.Symptoms {
		if f.likely() {
			f.hold(in.At)
		}
	}
	d.BlindSpots, d.Next = blindSpots(in, all, d.Roots)
	d.judge(silent(in))
	return d
}

// First is the id of the first root, or nothing.
func (d Diagnosis) First() string {
	if len(d.Roots) == 0 {
		return ""
	}
	return d.Roots[0].ID
}

// ordered puts subjects in a fixed order, whatever order they came in.
func ordered(subjects []Subject) []Subject {
	out := append([]Subject{}, subjects...)
	key := func(s Subject) string {
		parts := []string{s.Playbook.ID, s.Service}
		for _, role := range sortedKeys(s.Targets) {
			parts = append(parts, role+"="+s.Targets[role])
		}
		return strings.Join(parts, "\x00")
	}
	sort.SliceStable(out, func(i, j int) bool { return key(out[i]) < key(out[j]) })
	return out
}

// roots are the likely causes with no likely cause behind them, by probability
// and then by how much of what is seen they explain.
func roots(causes []*Finding) []Root {
	var list, likely []*Finding
	for _, f := range causes {
		if f.likely() {
			likely = append(likely, f)
			if !f.explained() {
				list = append(list, f)
			}
		}
	}
	if len(list) == 0 {
		// Only a causal circle, which the lint refuses, leaves every likely
		// cause explained by another: then the likeliest one stands for it.
		byProbability(likely)
		list = likely[:min(1, len(likely))]
	}
	out := []Root{}
	for _, f := range once(list) {
		r := Root{Finding: f, Chain: []Seen{}, Also: []Seen{}}
		inChain := map[*Finding]bool{}
		for _, g := range f.chain() {
			inChain[g] = true
			r.Chain = append(r.Chain, g.seen())
		}
		for _, g := range f.downstream() {
			r.Explains++
			if !inChain[g] {
				r.Also = append(r.Also, g.seen())
			}
		}
		out = append(out, r)
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if x, y := step(a.Probability), step(b.Probability); x != y {
			return x > y
		}
		if a.Explains != b.Explains {
			return a.Explains > b.Explains
		}
		if a.logOdds != b.logOdds {
			return a.logOdds > b.logOdds
		}
		return a.less(b.Finding)
	})
	return out
}

// step is a probability to the nearest twentieth: closer than that, what a
// root explains says more than the third digit of its probability.
func step(p float64) float64 { return math.Round(p * 20) }

// rank orders causes: the roots first, then the other likely ones, then the
// rest. Within each, causes that nothing likely stands behind come before
// consequences. A likely consequence comes before what nobody suspects: it may
// be what people call the cause.
func rank(causes []*Finding, roots []Root) {
	place := map[*Finding]int{}
	for i, r := range roots {
		place[r.Finding] = i - len(roots)
	}
	// A consequence has all the causes of its cause behind it, and that one too.
	behind := map[*Finding]int{}
	for _, f := range causes {
		behind[f] = f.likelyBehind()
	}
	sort.SliceStable(causes, func(i, j int) bool {
		a, b := causes[i], causes[j]
		if place[a] != place[b] {
			return place[a] < place[b]
		}
		if a.likely() != b.likely() {
			return a.likely()
		}
		if behind[a] != behind[b] {
			return behind[a] < behind[b]
		}
		if a.logOdds != b.logOdds {
			return a.logOdds > b.logOdds
		}
		return a.less(b)
	})
}

func byProbability(list []*Finding) {
	sort.SliceStable(list, func(i, j int) bool {
		if list[i].Probability != list[j].Probability {
			return list[i].Probability > list[j].Probability
		}
		return list[i].less(list[j])
	})
}

func unexplained(symptoms []*Finding) []Seen {
	out := []Seen{}
	for _, f := range symptoms {
		if f.likely() && !f.explained() {
			out = append(out, f.seen())
		}
	}
	return out
}

func coverage(in Input, all []*Finding) Coverage {
	var c Coverage
	for _, f := range all {
		for _, s := range f.Signs[:len(f.condition.Signs)] {
			c.Signs++
			switch {
			case s.Truth != string(expr.Undecided):
				c.Known++
				c.Possible++
			case !f.withoutTarget(s):
				c.Possible++
			}
		}
	}
	type asked struct{ target, question, service string }
	seen := map[asked]bool{}
	for _, s := range in.Subjects {
		for _, name := range sortedKeys(s.Evidence) {
			e := s.Evidence[name]
			key := asked{e.Target, e.Question, e.Service}
			if seen[key] || e.Target == "" {
				continue
			}
			seen[key] = true
			c.Probes++
			if e.Known() {
				c.Answered++
			}
		}
	}
	return c
}

// withoutTarget reports a sign that reads from a system that the service does
// not have, as far as quell.yaml says: a playbook works without it, and no
// grant or repair would let it be seen.
func (f *Finding) withoutTarget(s SignResult) bool {
	for _, name := range s.reads {
		if e, asked := f.subject.Evidence[name]; (!asked || e.Target == "") && !playbook.OfTime(name) {
			return true
		}
	}
	return false
}

// Below this share of known signs, of those that could be, "nothing is wrong" would be a guess (own
// value: the demo without logs still sees three fifths of its signs).
const enoughSeen = 0.4

// silent lists the targets that were asked and could not be reached, even if
// only in the middle, or that let no question through. Health is never claimed
// over their heads.
func silent(in Input) []string {
	asked, heard, lost := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, s := range in.Subjects {
		for _, e := range s.Evidence {
			if e.Target == "" {
				continue
			}
			asked[e.Target] = true
			switch e.Status {
			case evidence.Unreachable:
				lost[e.Target] = true
			case evidence.Denied, evidence.TimedOut, evidence.NotAsked:
			default:
				heard[e.Target] = true
			}
		}
	}
	var out []string
	for _, name := range sortedKeys(asked) {
		if lost[name] || !heard[name] {
			out = append(out, name)
		}
	}
	return out
}

// judge says the verdict and one sentence for it.
func (d *Diagnosis) judge(silent []string) {
	share := 0.0
	if d.Coverage.Possible > 0 {
		share = float64(d.Coverage.Known) / float64(d.Coverage.Possible)
	}
	likelySymptoms := 0
	for _, s := range d.Symptoms {
		if s.likely() {
			likelySymptoms++
		}
	}
	switch {
	case len(d.Roots) > 0:
		d.Verdict = Found
		d.Summary = named(d.Roots)
	case d.Coverage.Answered == 0:
		d.Verdict = CannotTell
		d.Summary = "nothing could be seen: no question was answered"
	case likelySymptoms > 0:
		d.Verdict = CannotTell
		d.Summary = fmt.Sprintf("something is wrong (%s), but no cause is likely yet", d.firstLikelySymptom())
	case d.Reported != "":
		d.Verdict = CannotTell
		d.Summary = fmt.Sprintf("%q was reported, and nothing that was seen explains it", d.Reported)
	case share < enoughSeen:
		d.Verdict = CannotTell
		d.Summary = fmt.Sprintf("too little could be seen: %d of %s have an answer", d.Coverage.Known, plural(d.Coverage.Signs, "sign"))
	case len(silent) > 0:
		d.Verdict = CannotTell
		d.Summary = fmt.Sprintf("nothing is wrong in what could be seen, and %s could not be", strings.Join(silent, ", "))
	default:
		d.Verdict = Nothing
		d.Summary = fmt.Sprintf("nothing is wrong in what could be seen (%d of %s have an answer)", d.Coverage.Known, plural(d.Coverage.Signs, "sign"))
	}
}

func (d *Diagnosis) firstLikelySymptom() string {
	for _, s := range d.Symptoms {
		if s.likely() {
			return s.Title
		}
	}
	return ""
}
