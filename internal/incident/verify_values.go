package incident

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// settles is how often the values are read again because somebody sets them at
// the same time.
const settles = 10

// values compares what Set has left with what it was last told.
func (a *audit) values(ctx context.Context) error {
	for range settles {
		values, err := a.store.Values(ctx)
		if err != nil {
			return err
		}
		before := a.sets
		if err := a.readOn(ctx); err != nil {
			return err
		}
		if a.sets == before {
			return a.compareValues(values)
		}
	}
	return errors.New("verify the audit log: values were set all the time, and none could be compared: try again")
}

func (a *audit) compareValues(values map[string]string) error {
	var first *Fault
	for _, name := range slices.Sorted(maps.Keys(a.set)) {
		was := a.set[name]
		if ValueDigest(values[name]) != was.digest && (first == nil || was.n < first.N) {
			first = fault(was.n, ValueAltered, "the value of %s is not the one that was set", name)
		}
	}
	if first != nil {
		return first
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, logged := a.set[name]; !logged {
			return fault(0, ValueAltered, "%s has a value that nobody has set", name)
		}
	}
	return nil
}
