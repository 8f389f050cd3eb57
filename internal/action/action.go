// Package action is the face of a change to a system: what it would do, doing
// it, and telling from the world whether it was done. Connectors know how; the
// executor alone decides whether, and nothing else may call Apply (the floors
// test reads the sources for it).
package action

import (
	"context"
	"slices"

	"github.com/quellhq/quell/internal/probe"
)

// Risk is what an action may do to users, worst last: it is a property of the
// type that a preview or a playbook can only raise.
type Risk string

// The risk classes, as the atlas has them.
const (
	R1 Risk = "R1" // reversible, users notice nothing
	R2 Risk = "R2" // a brief blip or a cost, reversible
	R3 Risk = "R3" // disruptive or hard to undo
	R4 Risk = "R4" // destructive or irreversible
)

// Risks lists the classes from harmless to worst.
func Risks() []Risk { return []Risk{R1, R2, R3, R4} }

// Worse returns the graver of two classes; an empty one counts as none.
func (r Risk) Worse(than Risk) Risk {
	if slices.Index(Risks(), than) > slices.Index(Risks(), r) {
		return than
	}
	return r
}

// Spec is an action type stating itself: what explain, lint, a plan and the
// reference show. A type is written once and read everywhere.
type Spec struct {
	Name string // "postgres.terminate": connector, dot, verb
	Does string // one sentence
	Risk Risk
	Undo string // how it is taken back; empty where it cannot be
	// Tells says how the world shows afterwards whether it happened: what
	// Standing looks at.
	Tells    string
	Destroys string // evidence that it destroys; empty: none
	// Captures are built-in questions of the same connector, without required
	// parameters, that are asked and kept before the act: what Destroys names.
	Captures []string
	Params   []probe.Param
}

// Doer does one type of action on one opened target. The methods may be called
// by several goroutines at once and after each other in any order; the caller
// sets the deadline on ctx, and each returns soon after it ends. No error and
// no text that they return holds a secret of the target's settings.
type Doer interface {
	// Preview says what Apply would do now. It reads only: nothing in the
	// target is different afterwards. It refuses (Refusal) arguments and
	// targets that Apply would refuse. The same world gives the same preview,
	// byte for byte.
	Preview(ctx context.Context, c Change) (Preview, error)
	// Apply does it, once. It asks every guard of o.Preview again, in the same
	// session or transaction as the act where the system allows that, and
	// returns a Failure that says Not when one no longer holds. Applied a
	// second time with the same order it finds that it was done and does
	// nothing more. An error that is no *Failure means: unknown whether it
	// happened.
	Apply(ctx context.Context, o Order) (Done, error)
	// Standing asks the world whether the order was carried out; it reads
	// only. After a crash o.Done is nil, and Standing finds what Done would
	// have said. It is asked after every Apply too: a change that reported
	// success and cannot be seen has not succeeded. With a zero o.Intended
	// nobody has tried yet. NotMade means that it will not happen any more
	// either: what may still be under way is CannotTell, with Again.
	Standing(ctx context.Context, o Order) (Standing, error)
}

// Changer is a target that can be changed. Targets that only answer questions
// do not implement it.
type Changer interface {
	// Doer returns what does the named type on this target.
	Doer(name string) (Doer, bool)
}
