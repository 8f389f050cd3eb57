// Package diagnosis turns evidence into ranked causes, each with its reasons
// for and against, and the chain from a root cause to what users feel. It is
// pure: no clock, no I/O, no order of maps, so that the same evidence gives
// the same diagnosis, byte for byte.
package diagnosis

import (
	"strings"
	"time"

	"github.com/quellhq/quell/internal/change"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/onset"
	"github.com/quellhq/quell/internal/playbook"
)

// Subject is one playbook asked about one service, with its roles bound.
type Subject struct {
	Playbook *playbook.Playbook
	Service  string
	Targets  map[string]string            // role → name of the target
	Params   map[string]any               // of their declared types
	Evidence map[string]evidence.Evidence // by name of the probe; a missing one was not asked
	// Usual is when what was usual ended at the latest: the moment of the
	// diagnosis, where it is asked again whether a change helped. Zero: it ends
	// where the expression says.
	Usual time.Time
	// Changes is what is known to have changed of what the service rests on.
	Changes change.Log

	began *onset.Interval // of the first symptom of the service, once it is known
}

// Input is everything that a diagnosis rests on.
type Input struct {
	Subjects []Subject
	At       time.Time          // the end of the investigation's window
	Reported string             // what a person says they see; may be empty
	Matches  map[string]float64 // conditions that Reported resembles, 0 to 1
}

// Verdict is the answer in one word.
type Verdict string

// The three verdicts. All of them are results.
const (
	Found      Verdict = "found"
	Nothing    Verdict = "nothing is wrong"
	CannotTell Verdict = "cannot tell"
)

// Diagnosis is what the evidence says. Its JSON form is documented in
// docs/reference/diagnosis.md and is stable.
type Diagnosis struct {
	Verdict     Verdict     `json:"verdict"`
	Summary     string      `json:"summary"` // the verdict as a sentence
	At          time.Time   `json:"at"`
	Reported    string      `json:"reported,omitempty"`
	Roots       []Root      `json:"roots"`       // ranked; empty unless the verdict is "found"
	Causes      []*Finding  `json:"causes"`      // every cause, ranked: roots first, then by probability
	Symptoms    []*Finding  `json:"symptoms"`    // every symptom, by probability
	Unexplained []Seen      `json:"unexplained"` // likely symptoms that no root leads to
	RuledOut    []*Finding  `json:"ruled_out"`   // causes that a sign excluded, most suspected first
	BlindSpots  []BlindSpot `json:"blind_spots"` // what could not be looked at, what matters most first
	Next        *Question   `json:"next,omitempty"`
	Coverage    Coverage    `json:"coverage"`
	Timeline    []Timeline  `json:"timeline,omitempty"` // what has changed, for each service that anything is known of
}

// Timeline is what has changed of a service, beside when what is felt began.
type Timeline struct {
	Service string  `json:"service"`
	Began   *Moment `json:"began,omitempty"` // of the symptom that was there first; nothing where it cannot be told
	change.Log
}

// Moment is when something began: after From, and by To at the latest.
type Moment struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Title  string    `json:"title"` // of the condition
	Probe  string    `json:"probe"` // whose answer shows it
	Target string    `json:"target"`
}

// Coverage says how much of what the playbooks ask was answered.
type Coverage struct {
	Signs    int `json:"signs"`    // signs of all conditions looked at
	Known    int `json:"known"`    // of them true or false
	Possible int `json:"possible"` // of them those that read only from systems that the service has
	Probes   int `json:"probes"`   // questions asked
	Answered int `json:"answered"` // of them answered
}

// Finding is one condition on one set of targets.
type Finding struct {
	ID          string                 `json:"id"`
	Kind        playbook.ConditionKind `json:"kind"`
	Title       string                 `json:"title"`
	Services    []string               `json:"services"`
	Targets     []string               `json:"targets"` // those that its signs were read from
	Covers      []string               `json:"covers,omitempty"`
	Probability float64                `json:"probability"` // 0 to 1, rounded to 0.001
	Word        string                 `json:"word"`
	Vetoed      bool                   `json:"ruled_out,omitempty"`
	Reported    float64                `json:"reported,omitempty"` // how well a person's words match it, 0 to 1
	Signs       []SignResult           `json:"signs"`
	Proposals   []Proposal             `json:"proposals,omitempty"` // for likely causes
	// Began is when its evidence took its first lasting step; nothing where that
	// cannot be told.
	Began *Moment `json:"began,omitempty"`

	condition *playbook.Condition
	subject   *Subject
	others    []*Subject // further ones that rest on the same answers
	logOdds   float64
	causes    []*Finding // findings that lead to this one
	effects   []*Finding // findings that this one leads to
	byRole    map[string]string
	onsets    []begun // of the answers that speak for it
	certain   bool    // that nothing else that speaks for it may have begun earlier
}

// SignResult is one sign, evaluated.
type SignResult struct {
	Sign   string          `json:"sign"` // the expression
	Weight playbook.Weight `json:"weight"`
	Truth  string          `json:"truth"`         // true, false, unknown
	Means  string          `json:"means"`         // the sentence, filled in
	Why    string          `json:"why,omitempty"` // why it is unknown
	Pull   float64         `json:"pull"`          // what it moved the log-odds by, after discounts
	Probes []string        `json:"probes"`        // what it read
	Source []string        `json:"targets"`       // from whom
	At     time.Time       `json:"at,omitzero"`   // when the newest of it was answered
	// Held are those of its alternatives ("a || b") that held, of a true sign of a
	// likely symptom: what has shown it, where another may be unknown later.
	Held   []string        `json:"held,omitempty"`
	reads  []string        // names of probes, without pseudo names
	value  ratio           // of its weight
	weight playbook.Weight // for sorting
}

// Tells reports whether the sentence has everything that it names: what was not
// seen leaves holes in the sentence of a sign that is not so.
func (s SignResult) Tells() bool {
	says := strings.TrimSpace(s.Means)
	return says != "" && !strings.Contains(says, "(unknown)") && !strings.ContainsAny(says[len(says)-1:], ":,;(")
}

// Says is the sign as a sentence, and that it is not so where it is false. Where
// the sentence has nothing to name, the expression stands for it.
func (s SignResult) Says() string {
	says := s.Means
	if strings.TrimSpace(says) == "" {
		says = s.Sign
	}
	if s.Truth == "false" {
		return "not so: " + says
	}
	return says
}

// Root is a likely cause with no likely cause behind it.
type Root struct {
	*Finding
	Chain    []Seen `json:"chain"`    // the why-chain: root first, what users feel last
	Also     []Seen `json:"also"`     // further likely conditions that it leads to
	Explains int    `json:"explains"` // how many likely conditions it leads to
}

// Seen is a condition as a step of a story: what was seen of it, and when.
type Seen struct {
	ID          string                 `json:"id"`
	Kind        playbook.ConditionKind `json:"kind"`
	Title       string                 `json:"title"`
	Probability float64                `json:"probability"`
	// Confirmed is false for a step that was not seen itself but lies between
	// two that were.
	Confirmed bool      `json:"confirmed"`
	Evidence  string    `json:"evidence,omitempty"` // the sentence of its strongest true sign
	Targets   []string  `json:"targets"`
	At        time.Time `json:"at,omitzero"` // when that was answered
}

// Proposal is a remedy with its holes filled. Nothing here is executed.
type Proposal struct {
	Playbook  string              `json:"playbook"`        // id of the playbook that it stands in
	Remedy    string              `json:"remedy"`          // anchor of its heading there
	Bound     map[string]string   `json:"bound,omitempty"` // role → target, as its playbook was asked
	Kind      playbook.RemedyKind `json:"kind"`
	Title     string              `json:"title"`
	Text      string              `json:"text,omitempty"`
	Actions   []ProposedAction    `json:"actions,omitempty"`
	Checklist []string            `json:"checklist,omitempty"`
	Verify    string              `json:"verify,omitempty"`
	Within    string              `json:"within,omitempty"`
}

// ProposedAction is the exact action that would be taken.
type ProposedAction struct {
	Type   string         `json:"type"`
	Target string         `json:"target"`
	Args   map[string]any `json:"args"`
	// Missing says why the action cannot be completed from the evidence.
	Missing string `json:"missing,omitempty"`
}

// BlindSpot is what could not be looked at, grouped by what would open it.
type BlindSpot struct {
	Target     string          `json:"target"`
	Status     evidence.Status `json:"status"`
	Reason     string          `json:"reason"`
	Hint       string          `json:"hint,omitempty"`
	Probes     []string        `json:"probes"`
	Conditions []string        `json:"conditions"` // titles of what it hides
	Matters    float64         `json:"matters"`    // the most it could move any probability, 0 to 1
}

// Question is the next best question: the unknown sign that would move the
// ranking most.
type Question struct {
	Probe     string `json:"probe"`
	Target    string `json:"target"`
	Text      string `json:"text"`      // what it would tell
	Condition string `json:"condition"` // id of the condition that it would settle most
	Title     string `json:"title"`     // of that condition
	Hint      string `json:"hint,omitempty"`
}
