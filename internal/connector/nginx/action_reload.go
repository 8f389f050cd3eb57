package nginx

import (
	"context"
	"errors"
	"fmt"

	"github.com/quellhq/quell/internal/action"
)

func reloadSpec() action.Spec {
	return action.Spec{
		Name: "nginx.reload", Risk: action.R2,
		Does:  "Tests the configuration as it is on disk, lets the master load it, and sees the new workers come. Old workers finish what they have begun.",
		Tells: "workers that are younger than the order",
	}
}

type reloader struct{ *target }

func (r reloader) find(ctx context.Context) (*tree, master, error) {
	if err := ctx.Err(); err != nil {
		return nil, master{}, fmt.Errorf("look at nginx: %w", err)
	}
	tree, err := load(r.config.Conf, nil)
	if err != nil {
		return nil, master{}, err
	}
	m, err := r.findMaster(ctx, tree)
	return tree, m, err
}

// Preview implements action.Doer.
func (r reloader) Preview(ctx context.Context, _ action.Change) (action.Preview, error) {
	tree, m, err := r.find(ctx)
	if err != nil {
		return action.Preview{}, unavailable(err)
	}
	var no *rejected
	if err := r.test(ctx, r.config.Conf); errors.As(err, &no) {
		return action.Preview{}, action.Refuse("mend the configuration first", "nginx would not take its configuration: %s", no.text)
	} else if err != nil {
		return action.Preview{}, &action.Unavailable{Text: err.Error()}
	}
	p := action.Preview{
		Identity: r.identity(), Summary: fmt.Sprintf("loads %s anew", r.config.Conf),
		Items: []action.Item{{
			ID: "master", Now: fmt.Sprintf("pid %d with %d workers", m.pid, len(m.current())), Then: "new workers with the configuration as it is on disk",
			Guard: guardOf(tree, m),
		}},
	}
	changed := changedSince(tree, m)
	for _, path := range changed {
		p.Warnings = append(p.Warnings, path+" was changed since it was last loaded")
	}
	if len(changed) == 0 && looksUp(tree) {
		p.Warnings = append(p.Warnings, "no file of the configuration was changed since it was last loaded: only names of servers are looked up again")
	} else if len(changed) == 0 {
		p.Already, p.Summary = true, "no file of the configuration was changed since it was last loaded"
	}
	return p, nil
}

func guardOf(tree *tree, m master) string {
	return fmt.Sprintf("pid %d started %d, %s", m.pid, m.ticks, tree.digest())
}

// Apply implements action.Doer.
func (r reloader) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	tree, m, err := r.find(ctx)
	if err != nil {
		return action.Done{}, action.NotYet("%s", err)
	}
	if done, err := loadedSince(m, o.Intended); err == nil && done {
		return reloaded(m), nil
	}
	if len(o.Preview.Items) != 1 || o.Preview.Items[0].Guard != guardOf(tree, m) {
		return action.Done{}, action.Not("the master or a file of its configuration is not as it was in the preview any more")
	}
	if err := r.test(ctx, r.config.Conf); err != nil {
		return action.Done{}, action.Not("%s", err)
	}
	// So that workers that come now are younger than the order beyond doubt.
	if !sleep(ctx, settle) {
		return action.Done{}, action.NotYet("load the configuration: %s", ctx.Err())
	}
	now, err := r.reload(ctx, tree, m)
	var no *rejected
	switch {
	case errors.As(err, &no):
		return action.Done{}, action.Not("nginx did not load it and goes on with what it had: %s", no.text)
	case err != nil:
		return action.Done{}, fmt.Errorf("load the configuration: %w", err)
	}
	return reloaded(now), nil
}

// Standing implements action.Doer. A reload by somebody else after the order
// counts: the world is as it was wanted.
func (r reloader) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	_, m, err := r.find(ctx)
	if err != nil {
		return action.Standing{}, unavailable(err)
	}
	done, err := loadedSince(m, o.Intended)
	switch {
	case err != nil:
		return action.Standing{}, &action.Unavailable{Text: err.Error()}
	case !done:
		return action.Standing{State: action.NotMade, Text: "workers that are older than the order still serve"}, nil
	}
	d := reloaded(m)
	return action.Standing{State: action.Made, Text: "all workers that serve are younger than the order", Done: &d}, nil
}

func reloaded(m master) action.Done {
	return action.Done{
		Summary: fmt.Sprintf("the configuration is loaded: %d new workers", len(m.current())),
		Items:   []action.Result{{ID: "master", OK: true, Text: fmt.Sprintf("pid %d has %d workers", m.pid, len(m.current()))}},
	}
}

var _ action.Doer = reloader{}
