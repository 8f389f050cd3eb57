package report

import (
	"strings"
	"time"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/incident"
)

// Postmortem is the report of an incident: what its record says, in the order
// that people ask for it. It is made from the record alone, without a clock, so
// that the same record gives the same report. What only people know is left as
// a blank to fill in; what nobody measured says so.
type Postmortem struct {
	ID       string
	Title    string
	Status   incident.Status
	Severity string
	Services []string
	Opened   time.Time

	Summary   []string
	Stretches []Stretch // time to detect, diagnose, recover, resolve
	Phases    []Phase   // the same as a strip
	Moments   []Moment
	Timeline  []Entry
	Impact    Impact
	Marks     []FigureMark // of every figure
	Figures   []Figure
	Causes    []Cause
	NoCause   string // why there is none
	RuledOut  []Exclusion
	Unseen    []diagnosis.BlindSpot
	Deeds     []Deed
	Temporary []incident.Measure
	Checklist []incident.Checked
	Actions   []ActionItem
	Lessons   []Lesson
	Exhibits  []Exhibit
	Rounds    []RoundLine
	Others    int // questions asked that nothing above rests on
	Seal      Seal
	Events    int64
	Digest    string // of all events of the record
}

// Seal is where the audit log stood when the report was made: its last entry.
// The zero Seal is a log that was not read.
type Seal struct {
	Entries int64
	Head    string
}

// NewPostmortem compiles the report of an incident.
func NewPostmortem(i incident.Incident, s Seal) Postmortem {
	t := &teller{incident: i, round: i.Telling(), cited: map[string]int{}}
	t.began, t.beganFrom = t.onset()
	p := Postmortem{
		ID: i.ID, Title: i.Title, Status: i.Status, Severity: i.Severity, Services: i.Services, Opened: i.OpenedAt.UTC(),
		Summary: t.summary(), Stretches: t.stretches(), Phases: t.phases(), Moments: t.moments(), Timeline: t.timeline(),
		Temporary: i.Temporary(), Checklist: i.Checklist, Rounds: t.rounds(),
		Seal: s, Events: i.Last, Digest: i.Digest,
	}
	// In the order of the page, since evidence is numbered as it is cited.
	p.Impact = t.impact()
	p.Marks, p.Figures = t.figures()
	p.Causes, p.NoCause = t.causes()
	p.RuledOut = t.ruledOut()
	p.Unseen = t.diagnosis().BlindSpots
	p.Deeds = t.deeds()
	p.Actions = t.actions()
	p.Lessons = t.lessons()
	p.Exhibits, p.Others = t.exhibits, t.others()
	return p
}

// teller reads an incident's record and keeps what the parts of the report
// share: which diagnosis is told, and which evidence was cited.
type teller struct {
	incident  incident.Incident
	round     *incident.Round // nil: nobody has asked
	began     time.Time       // as a series shows it; zero: none does
	beganFrom string
	exhibits  []Exhibit
	cited     map[string]int // number of an exhibit
}

func (t *teller) diagnosis() diagnosis.Diagnosis {
	if t.round == nil {
		return diagnosis.Diagnosis{}
	}
	return t.round.Diagnosis
}

// felt are the symptoms that are likely: what people feel.
func (t *teller) felt() []*diagnosis.Finding {
	var out []*diagnosis.Finding
	for _, f := range t.diagnosis().Symptoms {
		if f.Probability >= diagnosis.Likely {
			out = append(out, f)
		}
	}
	return out
}

// finding looks a condition up by its id.
func (t *teller) finding(id string) *diagnosis.Finding {
	d := t.diagnosis()
	for _, list := range [][]*diagnosis.Finding{d.Causes, d.Symptoms, d.RuledOut} {
		for _, f := range list {
			if f.ID == id {
				return f
			}
		}
	}
	return nil
}

// answers is what a sign of a finding was read from.
func (t *teller) answers(f *diagnosis.Finding, s diagnosis.SignResult) []reading {
	var out []reading
	for _, probe := range s.Probes {
		for _, e := range t.round.Answer(playbookOf(f.ID), probe, f.Services, s.Source) {
			out = append(out, reading{playbook: playbookOf(f.ID), probe: probe, Evidence: e})
		}
	}
	return out
}

// reading is an answer as a playbook calls it.
type reading struct {
	playbook, probe string
	evidence.Evidence
}

// name is the question's name for a person: error_ratio is "error ratio".
func (r reading) name() string { return strings.ReplaceAll(r.probe, "_", " ") }

// at is when a moment came; zero where it did not.
func (t *teller) at(name incident.MomentName) time.Time {
	m, _ := t.incident.Moment(name)
	return m.At
}

// clock is a time of the incident: with its day where that is another one.
func (t *teller) clock(at time.Time) string {
	at = at.UTC()
	if at.Format(time.DateOnly) != t.incident.OpenedAt.UTC().Format(time.DateOnly) {
		return at.Format("2 Jan 15:04:05")
	}
	return at.Format("15:04:05")
}

// truth reports whether a sign was seen.
func truth(word string) bool { return word == "true" }
