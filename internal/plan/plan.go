// Package plan turns a diagnosis into proposed steps: what would be done, in
// which order, on what, at which risk, how it is taken back and how one will
// know that it helped. It is pure: previews are handed in, nothing is asked.
package plan

import (
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/policy"
)

// Source says where a plan comes from.
type Source string

// The two sources of a plan.
const (
	Diagnosis Source = "diagnosis" // remedies of the roots, most harmless first
	Ladder    Source = "ladder"    // the rungs of a playbook, in its order
)

// Plan is what is proposed for an incident. It does not change: another look
// at the world gives another plan.
type Plan struct {
	ID       string    `json:"id"` // "INC-7.1"
	Incident string    `json:"incident"`
	At       time.Time `json:"at"`
	By       string    `json:"by"` // who asked for it
	Source   Source    `json:"source"`
	Playbook string    `json:"playbook,omitempty"` // of a ladder
	Evidence string    `json:"evidence"`           // digest of the evidence that it rests on
	Summary  string    `json:"summary"`            // the diagnosis in a sentence
	Steps    []Step    `json:"steps"`              // for the executor, in order
	Tasks    []Task    `json:"tasks"`              // for people
	Notes    []string  `json:"notes"`              // what is not in it, and why
}

// Step is one change, exactly.
type Step struct {
	ID    string              `json:"id"` // "INC-7.1.2"
	Kind  playbook.RemedyKind `json:"kind"`
	Title string              `json:"title"`
	Text  string              `json:"text,omitempty"` // what the playbook says besides

	Root      string            `json:"root"` // id of the condition that it is for
	RootTitle string            `json:"root_title"`
	Playbook  string            `json:"playbook"`
	Remedy    string            `json:"remedy"` // anchor of the remedy's heading
	Services  []string          `json:"services"`
	Bound     map[string]string `json:"bound"` // role → target, for the verification

	Target     string        `json:"target"`
	TargetKind string        `json:"target_kind"`
	Change     action.Change `json:"change"`
	Does       string        `json:"does"`
	Risk       action.Risk   `json:"risk"`
	// Preview is what was found when the plan was made; applying it to another
	// world is refused.
	Preview  action.Preview `json:"preview"`
	Undo     string         `json:"undo,omitempty"`
	Destroys string         `json:"destroys,omitempty"`
	Captures []string       `json:"captures,omitempty"` // asked and kept before the act

	Verify string        `json:"verify,omitempty"` // expression of the playbook
	Within time.Duration `json:"within_ns"`
	// Settle is how long after Within a symptom may go on showing what was,
	// because its questions look back so far.
	Settle time.Duration `json:"settle_ns,omitempty"`
	// Watch are the conditions that people feel; gone is what they should be.
	Watch []Watched `json:"watch"`

	// Decision is what policy said when the plan was made. It is asked again
	// when the step is applied.
	Decision policy.Decision `json:"decision"`
	// Blocked says why the step cannot be applied at all; it is shown, and
	// skipped.
	Blocked string `json:"blocked,omitempty"`
	// Undeclared says that what is Blocked was never declared by the operator.
	Undeclared bool `json:"-"`
	// Continues says that the next step belongs to the same remedy: what they
	// do is verified after the last of them.
	Continues bool `json:"continues,omitempty"`
}

// Watched is a condition whose end is the aim.
type Watched struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Shown are the signs that showed it when the plan was made: that one of
	// them cannot be seen any more says nothing about its end.
	Shown []string `json:"shown,omitempty"`
	// Held are, of those of the form "a || b", the alternatives that held, by sign.
	Held map[string][]string `json:"held,omitempty"`
}

// Task is something that a person has to do.
type Task struct {
	Kind  playbook.RemedyKind `json:"kind"`
	Root  string              `json:"root"`
	Title string              `json:"title"` // of the remedy
	Text  string              `json:"text,omitempty"`
	Items []string            `json:"items,omitempty"`
	Why   string              `json:"why,omitempty"` // where it could have been a step
}

// Digest names everything that an approval of s covers: the change, its
// target, what was found there, the risk, and how it is verified and undone.
// Policy and wording are not part of it.
func (s Step) Digest() string {
	return action.Digest(struct {
		ID, Target, TargetKind string
		Change                 action.Change
		Preview                action.Preview
		Risk                   action.Risk
		Services               []string
		Root, Verify           string
		Within                 time.Duration
	}{s.ID, s.Target, s.TargetKind, s.Change, s.Preview, s.Risk, s.Services, s.Root, s.Verify, s.Within})
}

// Key names one carrying-out of s, for systems that take idempotency keys.
func (s Step) Key(attempt int, undo bool) string {
	if undo {
		return fmt.Sprintf("%s-undo-%d", s.ID, attempt)
	}
	return fmt.Sprintf("%s-%d", s.ID, attempt)
}

// Step returns the step with an id, or numbered so.
func (p Plan) Step(id string) (Step, bool) {
	for _, s := range p.Steps {
		if s.ID == id {
			return s, true
		}
	}
	return Step{}, false
}
