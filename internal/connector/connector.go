// Package connector is the face of a system we can talk to. A connector is a
// folder below this one; package all lists them. It says what it is called,
// which settings it takes, which questions it answers, and opens targets.
package connector

import (
	"context"
	"log/slog"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// Kind is one sort of system.
type Kind struct {
	Name      string   // as quell.yaml has it: "postgres"
	About     string   // one sentence
	Serves    []string // further kinds whose place it can take: "series" serves "prometheus"
	Settings  []Setting
	Languages []Language   // fences that it answers
	Probes    []probe.Spec // built-in questions
	// Actions are the changes it knows. Its targets implement action.Changer
	// and have a Doer for each.
	Actions []action.Spec
	// Tried says on what real systems the contract of its actions (preview,
	// apply, standing, undo) is tested, and what is not: for the reference.
	Tried string
	// Open makes a target from settings. It checks the settings and reads
	// secrets, but does not connect: a target that is down still opens.
	Open func(Settings, Tools) (Target, error)
}

// Language is a fence language that a kind answers.
type Language struct {
	Name  string      // "sql"
	Shape probe.Shape // of its answers
	// Check reads the text of a fence without any system and reports what is
	// wrong with it: syntax, a change in a question, an unbounded read. The
	// holes of the text are not filled. May be nil.
	Check func(text probe.Template, options map[string]string) []Problem
	// ShapeOf tells the shape of one question's answers where Shape is
	// probe.Any: a logql fence gives lines or series. It reads the text only,
	// and answers probe.Any where it cannot tell. May be nil.
	ShapeOf func(text probe.Template) probe.Shape
	// Patterns says that a ${signature.NAME} may stand in its text.
	Patterns bool
	// Options lists what may follow the role on the fence's first line.
	Options []probe.Param
	// Fields documents an answer of shape Object; lint refuses other names in
	// signs. Empty: nothing is checked.
	Fields []probe.Field
}

// Problem is one finding of a Check.
type Problem struct {
	Offset  int    // byte offset in the fence's body (Template.Source of it)
	Text    string // what is wrong, and what was meant
	Warning bool   // does not stop a load
}

// Setting is one key of a target in quell.yaml.
type Setting struct {
	Name    string
	Type    probe.ParamType
	Default string // empty: required, unless Optional
	About   string
	// Optional settings may be missing without a default.
	Optional bool
	Secret   bool
	// Holes leaves ${name} in its texts for the connector to fill when it acts;
	// env: and file: references are resolved all the same, and count as secret.
	Holes bool
}

// Target is an opened system. Ask may be called by several goroutines at once,
// and after Close answers NotAsked. Close may be called twice.
type Target interface {
	probe.Prober
	Close() error
}

// Examiner is a target that can say what it may and may not see; `quell
// doctor` asks it. Every target should be one.
type Examiner interface {
	Examine(ctx context.Context) []Check
}

// Check is one line of the doctor's report.
type Check struct {
	Name   string `json:"name"`             // "reachable", "may read pg_stat_statements"
	OK     bool   `json:"ok"`               //
	Detail string `json:"detail"`           // what was seen, in one line
	Fix    string `json:"fix,omitempty"`    // the exact grant, setting or command, where not OK
	Needed bool   `json:"needed,omitempty"` // without it the target is of no use
}

// Tools is what every target gets from outside.
type Tools struct {
	Now    func() time.Time // never nil after Filled
	Gate   *Gate            // limits and measures what is sent to the target
	Log    *slog.Logger     // chatter for operators
	Dir    string           // directory that relative paths in settings start from
	Redact *secret.Redactor // may be nil
	// Services are all services of the configuration, where one of them alone has
	// this target; empty where several share it.
	Services []string
}

// Filled returns t with defaults where something is missing.
func (t Tools) Filled() Tools {
	if t.Now == nil {
		t.Now = time.Now
	}
	if t.Gate == nil {
		t.Gate = NewGate(Limits{})
	}
	if t.Log == nil {
		t.Log = slog.New(slog.DiscardHandler)
	}
	return t
}
