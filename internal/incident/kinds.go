package incident

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/verification"
)

// The kinds of events, each with the type of its data. Kinds are only added:
// a record is read by every later version.
const (
	KindOpened    = "opened"     // Opened
	KindDiagnosed = "diagnosed"  // Diagnosed
	KindPlanned   = "planned"    // plan.Plan
	KindApproved  = "approved"   // approval.Envelope
	KindStarted   = "started"    // Started: somebody began to apply a plan
	KindHeld      = "held"       // Held: a step was not begun, and why
	KindCaptured  = "captured"   // Captured: what an act would destroy
	KindIntent    = "intent"     // Intent: from here on it may have happened
	KindResult    = "result"     // Result: what became of an intent
	KindMeasured  = "measured"   // Measured
	KindJudged    = "judged"     // Judged
	KindFinished  = "finished"   // Finished: nothing more is done for a plan by itself
	KindUndoAsked = "undo asked" // UndoAsked: a step is to be taken back
	KindCancelled = "cancelled"  // Note: somebody stopped a plan
	KindNoted     = "noted"      // Note
	KindItem      = "item"       // Item: one line of the resolution checklist
	KindResolved  = "resolved"   // Note
	KindReopened  = "reopened"   // Note
)

// Opened is how an incident began.
type Opened struct {
	Title    string   `json:"title"`
	Services []string `json:"services"`
	Symptom  string   `json:"symptom,omitempty"` // in a person's words
	Alert    string   `json:"alert,omitempty"`
	Severity string   `json:"severity,omitempty"`
}

// Diagnosed is a round of questions and what it says.
type Diagnosed struct {
	Diagnosis diagnosis.Diagnosis `json:"diagnosis"`
	Evidence  []evidence.Evidence `json:"evidence"`
	Since     string              `json:"since"` // how far back it looked, like 30m
	// After says that it was taken after a recovery, to show how it looks then.
	After     bool              `json:"after,omitempty"`
	Took      time.Duration     `json:"took_ns"`
	Notes     []string          `json:"notes,omitempty"`
	Playbooks map[string]string `json:"playbooks,omitempty"` // id → digest of the file that was asked
	// Params are the parameters of each playbook's round, by playbook and name.
	Params map[string]map[string]any `json:"params,omitempty"`
	// Asked says which question of which playbook got which answer: what a saved
	// case and the charts of the report need. See Askings.
	Asked []Asking `json:"asked,omitempty"`
}

// Started says who applies a plan, and which of its steps.
type Started struct {
	Plan  string   `json:"plan"`
	Steps []string `json:"steps,omitempty"` // ids; empty: all of them
}

// Held is why a step was not begun.
type Held struct {
	Plan string `json:"plan"`
	Undo bool   `json:"undo,omitempty"` // it was the step's undo that was not begun
	// Reason is one of the words below.
	Reason HoldReason `json:"reason"`
	Text   string     `json:"text"` // one line, and what to do
}

// HoldReason says what stands between a step and its act.
type HoldReason string

// The reasons for not beginning a step.
const (
	HeldUnapproved HoldReason = "not approved" // nobody has, or the approval does not hold any more
	HeldPolicy     HoldReason = "policy"       // freeze, limits, kill switch, forbidden
	HeldBusy       HoldReason = "busy"         // another change of the service is under way
	HeldStale      HoldReason = "stale"        // the world has changed since the plan was made
	HeldMoot       HoldReason = "moot"         // there is nothing to do any more
	HeldWell       HoldReason = "well"         // what people felt has gone by itself
	HeldBlind      HoldReason = "blind"        // the target cannot be asked
	HeldRefused    HoldReason = "refused"      // the target's connector will not do it
)

// UndoAsked says why a step is to be taken back.
type UndoAsked struct {
	Why string `json:"why"`
	// Anyway takes it back although somebody has changed it since.
	Anyway bool `json:"anyway,omitempty"`
}

// Captured is evidence that was kept because the act destroys it.
type Captured struct {
	Evidence []evidence.Evidence `json:"evidence"`
}

// Intent is written before the act. Without a Result it is unknown whether the
// act happened, and only the world can tell.
type Intent struct {
	Attempt int          `json:"attempt"` // 1, 2, 3
	Undo    bool         `json:"undo,omitempty"`
	Order   action.Order `json:"order"`
	// What policy looks at when it looks back.
	Target   string      `json:"target"`
	Services []string    `json:"services"`
	Risk     action.Risk `json:"risk"`
	Owner    string      `json:"owner"`    // of the lease
	Until    time.Time   `json:"until"`    // when the act must have ended
	By       []string    `json:"approved"` // who approved
}

// Result is what became of an intent.
type Result struct {
	Attempt int          `json:"attempt"`
	Undo    bool         `json:"undo,omitempty"`
	State   action.State `json:"state"`
	Text    string       `json:"text"`
	Done    *action.Done `json:"done,omitempty"`
	// Temporary says that what did not happen may be tried again.
	Temporary bool `json:"temporary,omitempty"`
	// Settled says that it was found out afterwards: by asking the world, or
	// by a person (the event's By).
	Settled bool          `json:"settled,omitempty"`
	Took    time.Duration `json:"took_ns,omitempty"`
	// Left is the preview of Done.Inverse right after the act: what an undo may
	// find. Where it finds something else, somebody has changed it since.
	Left *action.Preview `json:"left,omitempty"`
	// Ends is when a temporary measure has to be taken back.
	Ends time.Time `json:"ends,omitzero"`
}

// Measured is one look at whether it helped.
type Measured struct {
	Before bool `json:"before,omitempty"` // taken before the act
	verification.Sample
}

// Judged is the verdict on a step, by the samples or by a person (the event's By).
type Judged struct {
	verification.Judgement
}

// Finished is the end of a run over a plan.
type Finished struct {
	Plan    string  `json:"plan"`
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text"`
}

// Outcome is how a run over a plan ended.
type Outcome string

// The outcomes. Recovered is only said of a verified recovery.
const (
	Recovered   Outcome = "recovered"     // a step was applied, and verified to have helped
	Subsided    Outcome = "subsided"      // it was well again before anything was done
	NotHelped   Outcome = "not recovered" // all steps are used up
	NeedsPerson Outcome = "needs a person"
	Waiting     Outcome = "waiting" // a step may not begin yet: see the Held event
	Cancelled   Outcome = "cancelled"
)

// Note is what a person says.
type Note struct {
	Text string `json:"text"`
	Plan string `json:"plan,omitempty"`
}

// Item is one line of the resolution checklist, as it stands.
type Item struct {
	Playbook string             `json:"playbook"`
	Text     string             `json:"text"`
	Truth    verification.Truth `json:"truth"` // none: a person has to say
	Why      string             `json:"why,omitempty"`
	Due      time.Time          `json:"due,omitzero"` // when a long item can be answered
	// Now is what was seen at this look alone; Truth also asks how long.
	Now verification.Truth `json:"now,omitempty"`
	// Long items go on after closing (over 24h).
	Long bool `json:"long,omitempty"`
}

// New makes an event of a kind with its data.
func New(kind, by, step string, data any) (Event, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return Event{}, fmt.Errorf("write a %s event: %w", kind, err)
	}
	return Event{Kind: kind, By: by, Step: step, Data: raw}, nil
}

// Read gives an event's data back.
func Read[T any](e Event) (T, error) {
	var v T
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return v, fmt.Errorf("read event %d of %s (%s): %w", e.Seq, e.Incident, e.Kind, err)
	}
	return v, nil
}
