// Package fault holds what can be wrong with the lab's service: each fault is a
// small file that says what it does, what is true then, and how it is healed.
package fault

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// Kind is what a state of the stack is tried for.
type Kind string

// Kinds of states.
const (
	Single    Kind = "fault"       // one thing is wrong
	Double    Kind = "double"      // two are, at the same time
	Herring   Kind = "red herring" // one is, and beside it something odd but harmless
	Healthy   Kind = "healthy"     // nothing is, however it looks
	Recovered Kind = "recovered"   // something was, and the alert is old
)

// Fault is a state that the stack is brought into.
type Fault struct {
	Name  string // words with hyphens, as it is called on the command line
	Group string // group of causes, as "DB connections"
	Kind  Kind   // Single where it is empty
	About string // what is done, in a sentence

	// Cause is the id of the root cause: C-connection-leak. Truth are the
	// conditions of the shipped playbooks that say it, by id; one of each list
	// has to be named. A Single has one list, a Double two, a Healthy none.
	Cause string
	Truth [][]string
	// Symptoms are conditions of which the chain has to reach one, by id. None:
	// any symptom will do.
	Symptoms []string
	// LookAlikes are the ids of the causes that it is easily taken for.
	LookAlikes []string

	// Needs are programs or rights beside those of every stack: "root", "iptables".
	Needs []string
	// Alone: it takes both processors, so no other stack may run beside it.
	Alone bool
	// Warm is how long the stack serves customers before; 20 s when 0. Settle is
	// how long after the injection the alert comes; 20 s when 0.
	Warm, Settle time.Duration
	// Alert is the name of the alert that fires, if one would.
	Alert string

	// Ill asks the world, and not quell, whether the fault still does harm; it is
	// what a recovery is held against. Nil: customers are asked.
	Ill func(ctx context.Context, s *stack.Stack) (bool, error)

	// Inject brings it about, with parameters drawn from r, and returns how it
	// is healed. What runs on beside it ends when ctx does.
	Inject func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error)
}

// Times are Warm and Settle, with what is usual where the fault does not say.
func (f Fault) Times() (warm, settle time.Duration) {
	const usual = 20 * time.Second
	return cmp.Or(f.Warm, usual), cmp.Or(f.Settle, usual)
}

// Heal takes the fault away, as the person who found it would. Nil: there is
// nothing to heal.
type Heal func(ctx context.Context) error

// one is the Truth of a fault with one cause.
func one(conditions ...string) [][]string { return [][]string{conditions} }

// between draws a whole number, low and high included.
func between(r *rand.Rand, low, high int) int { return low + r.IntN(high-low+1) }

// pick draws one of several.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// pause waits so many seconds, or until ctx ends.
func pause(ctx context.Context, seconds int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(seconds) * time.Second):
		return nil
	}
}
