// Package action is the face of a change to a system. This release parses
// actions, checks their names and arguments, and shows them in a diagnosis;
// nothing in it can apply one.
package action

import "github.com/quellhq/quell/internal/probe"

// Risk is what an action may do to users, worst first in meaning: it is a
// property of the type that a playbook can only raise.
type Risk string

// The risk classes, as the atlas has them.
const (
	R1 Risk = "R1" // reversible, users notice nothing
	R2 Risk = "R2" // a brief blip or a cost, reversible
	R3 Risk = "R3" // disruptive or hard to undo
	R4 Risk = "R4" // destructive or irreversible
)

// Spec is an action type stating itself: what explain, lint and a diagnosis show.
type Spec struct {
	Name   string // "postgres.terminate": connector, dot, verb
	Does   string // one sentence
	Risk   Risk
	Undo   string // how it is taken back; empty where it cannot be
	Params []probe.Param
}
