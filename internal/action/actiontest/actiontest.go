// Package actiontest is the contract of an action type, run against the real
// system: a preview touches nothing, an order is carried out once however
// often it is applied, the world shows afterwards whether it was, and what is
// said to be undone is undone.
package actiontest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
)

// Case is one action type with a world that it can change.
type Case struct {
	Spec action.Spec
	// Open opens the target anew, as a process that starts after a crash does.
	// The suite closes nothing: register that with t.Cleanup.
	Open func(t *testing.T) action.Changer
	Args map[string]any
	// World is what the real system shows of everything that the action could
	// touch: two calls are equal when nothing has changed.
	World func(t *testing.T) string
	// Effects counts, at the real system (its log, its statistics, a process's
	// start), how often the change was made since the case began.
	Effects func(t *testing.T) int
	// Gone, where set, opens a target of the same kind that nobody answers for.
	Gone func(t *testing.T) action.Changer
	// Settles is how long the world may take to show an effect; 0: at once.
	Settles time.Duration
	// Same compares the worlds before and after an undo, where they cannot be
	// equal (a process has another pid). Nil: they must be equal.
	Same func(t *testing.T, before, after string)
}

// Run holds one action type to the contract.
func Run(t *testing.T, c Case) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args, err := c.Spec.Complete(c.Args)
	require.NoError(t, err)
	change := action.Change{Type: c.Spec.Name, Args: args}
	before := c.World(t)

	preview := c.preview(ctx, t, change)
	require.Equal(t, before, c.World(t), "the preview has changed something")
	require.Zero(t, c.Effects(t), "the preview had an effect")
	require.False(t, preview.Already, "the case begins with nothing to do")
	require.NotEmpty(t, preview.Identity, "a preview says what the target is")
	require.NotEmpty(t, preview.Summary)
	require.NotEmpty(t, preview.Items, "a preview names what it touches")
	seen := map[string]bool{}
	for _, i := range preview.Items {
		require.NotEmpty(t, i.ID)
		require.Falsef(t, seen[i.ID], "two items are called %s", i.ID)
		seen[i.ID] = true
		require.NotEmptyf(t, i.Guard, "item %s has no guard", i.ID)
		require.NotEmptyf(t, i.Then, "item %s does not say what will be", i.ID)
	}
	require.Equal(t, digest(t, preview), digest(t, c.preview(ctx, t, change)), "the same world gives the same preview")
	require.Equal(t, preview.Risk.Worse(c.Spec.Risk), c.Spec.Risk.Worse(preview.Risk), "a preview only raises the risk")

	order := action.Order{Change: change, Preview: preview, Key: "INC-1.1.1-test", By: "tester", Intended: time.Now()}
	standing, err := c.doer(t).Standing(ctx, order)
	require.NoError(t, err)
	if standing.Again == 0 { // else it may still be under way, for all that the world shows
		require.Equalf(t, action.NotMade, standing.State, "nothing was done yet: %s", standing.Text)
	}
	require.NotEqual(t, action.Made, standing.State, standing.Text)
	require.Equal(t, before, c.World(t), "asking whether it stands has changed something")

	stopped, stop := context.WithCancel(ctx)
	stop()
	_, err = c.doer(t).Preview(stopped, change)
	require.Error(t, err, "a preview whose time is over says so")

	order.Intended = time.Now()
	done, err := c.doer(t).Apply(ctx, order)
	require.NoError(t, err)
	require.NotEmpty(t, done.Summary)
	c.settle(t, func() bool { return c.Effects(t) > 0 }, "the change has no effect that the system shows")
	require.Equal(t, 1, c.Effects(t))
	require.NotEqual(t, before, c.World(t), "the world is as it was")

	// As after a crash between the act and its result: another process, which
	// knows the order alone.
	crashed := order
	c.settle(t, func() bool {
		standing, err = c.doer(t).Standing(ctx, crashed)
		return err == nil && standing.State == action.Made
	}, "it was made, and after a crash nobody can tell")
	require.NotNil(t, standing.Done, "who finds it made says what was done")
	require.Equal(t, done.Inverse, standing.Done.Inverse, "an undo is found again after a crash")
	crashed.Done = &done
	standing, err = c.doer(t).Standing(ctx, crashed)
	require.NoError(t, err)
	require.Equal(t, action.Made, standing.State, standing.Text)

	// Applied again by somebody who has not heard of the first time.
	_, err = c.doer(t).Apply(ctx, order)
	var failure *action.Failure
	var refusal *action.Refusal
	require.Truef(t, err == nil || errors.As(err, &failure) || errors.As(err, &refusal), "a second Apply must know what it did: %v", err)
	require.Equal(t, 1, c.Effects(t), "applied twice, it had its effect twice")

	if c.Gone != nil {
		c.gone(ctx, t, order)
	}
	if c.Spec.Undo == "" {
		require.Nil(t, done.Inverse, "the type says that it cannot be undone")
		return
	}
	require.NotNil(t, done.Inverse, "the type says how it is undone")
	c.undo(ctx, t, *done.Inverse, before)
}

func (c Case) undo(ctx context.Context, t *testing.T, inverse action.Change, before string) {
	t.Helper()
	doer, ok := c.Open(t).Doer(inverse.Type)
	require.Truef(t, ok, "the target cannot do its own undo, %s", inverse.Type)
	preview, err := doer.Preview(ctx, inverse)
	require.NoError(t, err)
	require.False(t, preview.Already, "there is something to undo")
	order := action.Order{Change: inverse, Preview: preview, Key: "INC-1.1.1-undo", By: "tester", Intended: time.Now()}
	_, err = doer.Apply(ctx, order)
	require.NoError(t, err)
	same := c.Same
	if same == nil {
		same = func(t *testing.T, before, after string) {
			require.Equal(t, before, after, "the undo did not bring back what was")
		}
	}
	var standing action.Standing
	c.settle(t, func() bool {
		standing, err = doer.Standing(ctx, order)
		return err == nil && standing.State == action.Made
	}, "the undo was made, and nobody can tell")
	same(t, before, c.World(t))
	again, err := doer.Preview(ctx, inverse)
	if err == nil {
		require.True(t, again.Already, "an undo of what was undone has nothing to do")
	} else {
		var refusal *action.Refusal
		require.ErrorAs(t, err, &refusal)
	}
}

// gone asks a target that nobody answers for.
func (c Case) gone(ctx context.Context, t *testing.T, o action.Order) {
	t.Helper()
	doer, ok := c.Gone(t).Doer(c.Spec.Name)
	require.True(t, ok)
	_, err := doer.Preview(ctx, o.Change)
	var unavailable *action.Unavailable
	require.ErrorAs(t, err, &unavailable, "a preview of a target that is gone")
	standing, err := doer.Standing(ctx, o)
	if err == nil {
		require.Equal(t, action.CannotTell, standing.State, "nobody was asked, so nobody can tell")
	} else {
		require.ErrorAs(t, err, &unavailable)
	}
	_, err = doer.Apply(ctx, o)
	var failure *action.Failure
	if errors.As(err, &failure) {
		require.Equal(t, action.NotMade, failure.State)
	}
	require.Error(t, err)
}

func (c Case) doer(t *testing.T) action.Doer {
	t.Helper()
	d, ok := c.Open(t).Doer(c.Spec.Name)
	require.Truef(t, ok, "the target has nothing that does %s", c.Spec.Name)
	return d
}

func (c Case) preview(ctx context.Context, t *testing.T, change action.Change) action.Preview {
	t.Helper()
	p, err := c.doer(t).Preview(ctx, change)
	require.NoError(t, err)
	return p
}

// settle waits up to Settles until the world shows what it should.
func (c Case) settle(t *testing.T, shown func() bool, otherwise string) {
	t.Helper()
	for end := time.Now().Add(c.Settles); ; time.Sleep(20 * time.Millisecond) {
		if shown() {
			return
		}
		require.Truef(t, time.Now().Before(end), "%s", otherwise)
	}
}

func digest(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return string(data)
}
