// Package playbook reads the Markdown that people on call write, and makes it
// the program: headings are conditions, tables are signs, fences are questions
// and changes, checkboxes are checks, links are causality. Markdown in, checked
// conditions out; it asks nothing and runs nothing.
package playbook

import (
	"time"

	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/probe"
)

// Playbook is one file.
type Playbook struct {
	ID         string // its path in the playbook directory without ".md": "db/connections"
	Path       string // as given by the user, for messages
	Title      string
	Summary    string   // the first paragraph
	Alerts     []string // names of alerts that call it
	Severity   string   // low, medium, high, critical, or empty
	Needs      []Need
	Params     []Param
	Covers     []string // ids of root causes that it covers: "C-connection-leak"
	Probes     []*Probe
	Conditions []*Condition // in the order of the document
	Ladder     []Rung
	Resolved   []Item
	Source     []byte // the file, byte for byte
}

// Need is a role and the kind of target that can fill it.
type Need struct {
	Role     string // "db"
	Kind     string // "postgres"
	Optional bool   // better with it, works without
	Pos      Pos
}

// Param is a parameter with its default, already of its type: time.Duration,
// float64, string, bool or []any.
type Param struct {
	Name    string
	Type    probe.ParamType
	Default any
	About   string
	Pos     Pos
}

// Probe is a named question.
type Probe struct {
	Name    string
	Lang    string // "sql", "promql", …, or "probe"
	Builtin string // for Lang "probe": "postgres.lock_roots"
	Role    string
	Options map[string]string
	Text    probe.Template            // the body, holes unfilled (empty for Lang "probe")
	Args    map[string]probe.Template // for Lang "probe": arguments as written, holes unfilled
	Why     string                    // the paragraph before the fence
	Shape   probe.Shape
	Began   string // the field of its answer that says when what it tells of began; may be empty
	Pos     Pos    // of the fence's first line
	Body    Pos    // of the first line of the body
}

// ConditionKind tells what people notice from what explains it.
type ConditionKind string

// The two kinds of conditions.
const (
	Symptom ConditionKind = "symptom"
	Cause   ConditionKind = "cause"
)

// Condition is something that may be true of the system.
type Condition struct {
	ID        string // playbook id, "#", anchor: "db/connections#requests-wait-for-a-connection"
	Kind      ConditionKind
	Title     string
	Anchor    string // as Markdown viewers make it from the heading
	Prose     string // paragraphs under the heading, as plain text
	HowCommon HowCommon
	LeadsTo   []Link
	Signs     []Sign
	Remedies  []Remedy
	Pos       Pos
}

// HowCommon is the prior of a cause, in words; empty means Sometimes.
type HowCommon string

// The words for priors.
const (
	AlwaysSuspect HowCommon = "always suspect"
	Often         HowCommon = "often"
	Sometimes     HowCommon = "sometimes"
	Rare          HowCommon = "rare"
)

// Weight is what a sign is worth, in words.
type Weight string

// The words for weights.
const (
	Decisive Weight = "decisive"
	Strong   Weight = "strong"
	Weak     Weight = "weak"
	Against  Weight = "against"
	RulesOut Weight = "rules out"
)

// Link is one causal edge.
type Link struct {
	Text   string
	Target string // the id of the condition that this one leads to
	Href   string // as written
	Pos    Pos
}

// Sign is one row of a sign table.
type Sign struct {
	Program *expr.Program
	Weight  Weight
	Means   expr.Template
	Reads   []string // names of probes that it reads, sorted
	Pos     Pos      // of the expression
}

// RemedyKind tells restoring service now from removing the cause.
type RemedyKind string

// The two kinds of remedies.
const (
	Mitigate RemedyKind = "mitigate"
	Fix      RemedyKind = "fix"
)

// Remedy is what to do about a cause.
type Remedy struct {
	Kind      RemedyKind
	Title     string // after "Mitigate:" or "Fix:"
	Anchor    string
	Prose     expr.Template // may hold ${…}
	Actions   []Action
	Checklist []expr.Template // tasks for people; may hold ${…}
	// Only is what has to hold for the remedy to be proposed; nil: nothing.
	Only   *expr.Program
	Verify *Verify
	Pos    Pos
}

// Action is a typed change, with arguments to be evaluated over the evidence.
type Action struct {
	Type string // "postgres.terminate"
	Role string
	Args []Arg // in the order written
	Pos  Pos
}

// Arg is one argument of an action. Its value is a list when the template is
// a single ${…} that gives one, else text.
type Arg struct {
	Name  string
	Value expr.Template
	Pos   Pos
}

// Verify is the question asked again after the change.
type Verify struct {
	Within  time.Duration
	Param   string // parameter that says how long, whose default Within is; may be empty
	Program *expr.Program
	Pos     Pos
}

// For is how long the change may take to help, by the values of the playbook's
// parameters.
func (v *Verify) For(params map[string]any) time.Duration {
	if d, ok := params[v.Param].(time.Duration); ok && v.Param != "" {
		return d
	}
	return v.Within
}

// Rung is one step of the ladder: a link to a mitigation, and the watch after it.
type Rung struct {
	Text   string
	Target string // playbook id, "#", anchor of the remedy's heading
	Watch  time.Duration
	Pos    Pos
}

// Item is one line of the resolution checklist. Items without a program are
// asked of a person.
type Item struct {
	Text    string
	Program *expr.Program
	For     time.Duration // true without a break for so long; 0 means now
	Over    time.Duration // true over so long, watched on after closing
	Pos     Pos
}

// Pos is a place in a file; line and column count from 1, columns in bytes.
type Pos struct {
	Path string `json:"path"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}
