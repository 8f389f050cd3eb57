// Package redisact carries out changes to what lives in a Redis: the order of
// the steps that all of them share, from getting in to saying what is known
// afterwards. A connector states each change of its own and leaves the rest to
// Doer.
package redisact

import (
	"context"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisapi"
)

// Change is one type of change, as its file states it. The functions get a
// session of their own and return the errors of that session as they are.
type Change struct {
	Spec action.Spec
	// Look says what the change would do now; it only asks.
	Look func(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error)
	// Stands tells from the world alone whether an order was carried out, and
	// what was done; o.Done may be nil.
	Stands func(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error)
	// Make carries out the items that are still as they were approved. Where it
	// returns a *redisapi.Said, nothing happened.
	Make func(ctx context.Context, s *redisapi.Session, o action.Order, items []action.Item) (action.Done, error)
	// Resumes are changes whose Make goes on where an order was left half made.
	Resumes bool
	// Keys are changes of keys: refused on replicas, on nodes of a cluster, and
	// while the server loads.
	Keys bool
	// Lenient changes reach a server that answers BUSY to everything else, and
	// know it by its address alone.
	Lenient bool
	// Here names what else the target is, where a change also touches this
	// machine: "on host web-1". May be nil.
	Here func() string
}

// Target is what changes are made to.
type Target struct {
	At redisapi.Address
	// Open gets in, for one change.
	Open func(ctx context.Context, at redisapi.Address) (*redisapi.Session, error)
	// Redact hides secrets in texts for people.
	Redact func(string) string
}

// Specs is what each change says of itself.
func Specs(changes []Change) []action.Spec {
	specs := make([]action.Spec, len(changes))
	for i, c := range changes {
		specs[i] = c.Spec
	}
	return specs
}

// Doer finds what does the named change on t.
func Doer(changes []Change, t Target, name string) (action.Doer, bool) {
	for _, c := range changes {
		if c.Spec.Name == name {
			return doer{t: t, change: c}, true
		}
	}
	return nil, false
}
