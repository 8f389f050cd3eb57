package actiontest

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
)

// How long a test waits for one look at a target, and for one act.
const (
	lookTime = 20 * time.Second
	actTime  = time.Minute
)

// Hands do single actions of one kind, for tests that ask more of them than
// the contract does.
type Hands struct{ Specs []action.Spec }

// Spec returns the action type of a name.
func (h Hands) Spec(t testing.TB, name string) action.Spec {
	t.Helper()
	for _, s := range h.Specs {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no action %s", name)
	return action.Spec{}
}

// Change completes the arguments of a change as a plan does.
func (h Hands) Change(t testing.TB, name string, args map[string]any) action.Change {
	t.Helper()
	complete, err := h.Spec(t, name).Complete(args)
	require.NoError(t, err)
	return action.Change{Type: name, Args: complete}
}

// Preview asks what a change would do.
func (h Hands) Preview(t testing.TB, target action.Changer, name string, args map[string]any) (action.Preview, error) {
	t.Helper()
	return Doer(t, target, name).Preview(within(t, lookTime), h.Change(t, name, args))
}

// noKey is what an order's key does not hold.
var noKey = regexp.MustCompile(`[^A-Za-z0-9.-]`)

// Planned previews a change that has something to do, and makes an order of
// it, whose key is the test's own.
func (h Hands) Planned(t testing.TB, target action.Changer, name string, args map[string]any) action.Order {
	t.Helper()
	p, err := h.Preview(t, target, name, args)
	require.NoError(t, err)
	require.False(t, p.Already, p.Summary)
	key := "INC-9.1." + noKey.ReplaceAllString(t.Name(), "-")
	return action.Order{Change: h.Change(t, name, args), Preview: p, Key: key, By: "tester", Intended: time.Now()}
}

// Doer returns what does a type of action on a target.
func Doer(t testing.TB, target action.Changer, name string) action.Doer {
	t.Helper()
	d, ok := target.Doer(name)
	require.Truef(t, ok, "the target has nothing that does %s", name)
	return d
}

// Apply carries an order out.
func Apply(t testing.TB, target action.Changer, o action.Order) (action.Done, error) {
	t.Helper()
	return Doer(t, target, o.Type).Apply(within(t, actTime), o)
}

// Applied carries out an order that must succeed.
func Applied(t testing.TB, target action.Changer, o action.Order) action.Done {
	t.Helper()
	done, err := Apply(t, target, o)
	require.NoError(t, err)
	return done
}

// StandingOf asks the world whether an order was carried out.
func StandingOf(t testing.TB, target action.Changer, o action.Order) action.Standing {
	t.Helper()
	s, err := Doer(t, target, o.Type).Standing(within(t, lookTime), o)
	require.NoError(t, err)
	return s
}

// Refuses requires a Refusal that says all of the given.
func Refuses(t testing.TB, err error, says ...string) {
	t.Helper()
	var refusal *action.Refusal
	require.ErrorAs(t, err, &refusal)
	for _, s := range says {
		require.Contains(t, refusal.Error(), s)
	}
}

// NotMade requires a Failure of which nothing happened, that says all of the given.
func NotMade(t testing.TB, err error, says ...string) {
	t.Helper()
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	for _, s := range says {
		require.Contains(t, failure.Error(), s)
	}
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
