package fault

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/quellhq/quell/lab/stack"
)

// together are two faults at the same time.
func together(name string, a, b Fault) Fault {
	warmA, settleA := a.Times()
	warmB, settleB := b.Times()
	return Fault{
		Name: name, Group: "double", Kind: Double, Cause: a.Cause + ", " + b.Cause,
		About: a.About + "; and " + b.About,
		Truth: slices.Concat(a.Truth, b.Truth), Symptoms: slices.Concat(a.Symptoms, b.Symptoms),
		Needs: slices.Concat(a.Needs, b.Needs), Alone: a.Alone || b.Alone,
		Warm: max(warmA, warmB), Settle: max(settleA, settleB),
		Inject: both(a.Inject, b.Inject),
	}
}

// beside is a fault with something odd but harmless beside it, which comes
// first: it is there when the fault begins.
func beside(name string, f Fault, about string, odd func(context.Context, *stack.Stack, *rand.Rand) (Heal, error)) Fault {
	h := f
	h.Name, h.Kind, h.Group = name, Herring, f.Group
	h.About = f.About + "; beside it, and harmless: " + about
	h.Inject = both(odd, f.Inject)
	return h
}

type injection = func(context.Context, *stack.Stack, *rand.Rand) (Heal, error)

// both brings two things about, and heals them in the other order.
func both(first, second injection) injection {
	return func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
		one, err := first(ctx, s, r)
		if err != nil {
			return nil, err
		}
		two, err := second(ctx, s, r)
		if err != nil {
			return one, err
		}
		return func(ctx context.Context) error {
			var errs []error
			for _, heal := range []Heal{two, one} {
				if heal != nil {
					errs = append(errs, heal(ctx))
				}
			}
			return errors.Join(errs...)
		}, nil
	}
}
