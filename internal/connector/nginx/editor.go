package nginx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/quellhq/quell/internal/action"
)

// editor carries out changes of one file: test, keep, write, load, look, and
// put back what nginx did not take. What the change is, propose says.
type editor struct {
	*target
	propose propose
}

// found is the world as a change finds it.
type found struct {
	tree   *tree
	master master
	proposal
	loaded bool // the workers have read the file as it is
}

// find reads the configuration and the processes. The error is a refusal or
// says what could not be read.
func (e editor) find(ctx context.Context, args action.Args) (found, error) {
	if err := ctx.Err(); err != nil {
		return found{}, fmt.Errorf("look at nginx: %w", err)
	}
	var f found
	var err error
	if f.tree, err = load(e.config.Conf, nil); err != nil {
		return f, err
	}
	if f.proposal, err = e.propose(f.tree, args); err != nil {
		return f, err
	}
	if f.master, err = e.findMaster(ctx, f.tree); err != nil {
		return f, err
	}
	f.loaded, err = f.proposal.loaded(f.master)
	f.item.Guard = nameOf(f.former)
	return f, err
}

// unavailable is an error of find for what only reads.
func unavailable(err error) error {
	var refusal *action.Refusal
	if errors.As(err, &refusal) {
		return err
	}
	return &action.Unavailable{Text: err.Error()}
}

// Preview implements action.Doer. It lets nginx test a copy of the
// configuration with the change in it.
func (e editor) Preview(ctx context.Context, c action.Change) (action.Preview, error) {
	f, err := e.find(ctx, c.Args)
	if err != nil {
		return action.Preview{}, unavailable(err)
	}
	p := action.Preview{
		Identity: e.identity(), Summary: e.tools.Redact.Text(f.summary), Items: []action.Item{f.item},
		Already: f.already && f.loaded, Warnings: f.warnings, Undo: f.undo, Lasts: c.Args.Duration("for"),
	}
	p.Items[0].Now, p.Items[0].Then = e.tools.Redact.Text(f.item.Now), e.tools.Redact.Text(f.item.Then)
	if p.Already {
		return p, nil
	}
	if f.already {
		p.Items[0].Now += " (written, and not loaded yet)"
		p.Items[0].Then += " (loaded)"
	}
	if err := e.possible(f); err != nil {
		return action.Preview{}, err
	}
	var no *rejected
	switch err := e.try(ctx, f.over()); {
	case errors.Is(err, errNoTrial):
		p.Warnings = append(p.Warnings, "it can be tested in its place only, and is taken back if nginx does not take it: "+err.Error())
	case errors.As(err, &no):
		return action.Preview{}, action.Refuse("", "nginx would not take it: %s", no.text)
	case err != nil:
		return action.Preview{}, &action.Unavailable{Text: err.Error()}
	}
	for _, path := range changedSince(f.tree, f.master) {
		if path != f.path {
			p.Warnings = append(p.Warnings, path+" was changed and not loaded since: this loads it too")
		}
	}
	return p, nil
}

// possible refuses what could not be written or undone.
func (e editor) possible(f found) error {
	if err := writable(f.path); err != nil {
		return action.Refuse("run quell as a user who may", "%s", err)
	}
	if _, in := f.tree.within(realPath(e.kept(digest(nil)))); in {
		return action.Refuse("set backups to a directory that nginx does not include", "former texts would be a part of the configuration in %s", e.config.Backups)
	}
	return nil
}

// identity names the nginx, whatever its processes are at the moment.
func (t *target) identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	return "nginx with " + t.config.Conf + " on " + host
}

// Apply implements action.Doer.
func (e editor) Apply(ctx context.Context, o action.Order) (action.Done, error) {
	f, err := e.find(ctx, o.Args)
	var refusal *action.Refusal
	switch {
	case errors.As(err, &refusal):
		return action.Done{}, err
	case err != nil:
		return action.Done{}, action.NotYet("%s", err)
	case f.already && f.loaded:
		return e.finish(ctx, o, f)
	case f.already: // written before a crash: only loading is left
		return e.activate(ctx, o, f, nil)
	case len(o.Preview.Items) != 1 || o.Preview.Items[0].Guard != f.item.Guard:
		return action.Done{}, action.Not("%s is not as it was in the preview any more", f.path)
	}
	if err := e.possible(f); err != nil {
		return action.Done{}, err
	}
	if err := e.try(ctx, f.over()); err != nil && !errors.Is(err, errNoTrial) {
		return action.Done{}, action.Not("%s", err)
	}
	if err := errors.Join(e.keep(f.former), e.keep(f.next)); err != nil {
		return action.Done{}, action.Not("%s", err)
	}
	if _, now, err := current(f.path); err != nil || now != f.item.Guard {
		return action.Done{}, action.Not("%s was changed while it was being tested", f.path)
	}
	var before *time.Time
	if info, err := os.Stat(f.path); err == nil {
		at := info.ModTime()
		before = &at
	}
	if err := replace(f.path, f.next, nil); err != nil {
		return action.Done{}, action.Not("%s", err)
	}
	return e.activate(ctx, o, f, func() error { return replace(f.path, f.former, before) })
}

// activate loads what is written. Where nginx does not take it, back (if there is
// one) brings the former text.
func (e editor) activate(ctx context.Context, o action.Order, f found, back func() error) (action.Done, error) {
	err := e.test(ctx, e.config.Conf)
	if err == nil && !sleep(ctx, settle) {
		err = ctx.Err()
	}
	if err == nil {
		f.master, err = e.reload(ctx, f.tree, f.master)
	}
	switch {
	case err == nil:
		return e.finish(ctx, o, f)
	case ctx.Err() != nil:
		return action.Done{}, fmt.Errorf("%s is written, and whether nginx has loaded it is unknown: %w", f.path, err)
	case back == nil:
		done := e.done(f, o)
		return action.Done{}, &action.Failure{State: action.PartlyMade, Done: &done, Text: fmt.Sprintf("%s is written, and nginx does not load it: %s", f.path, err)}
	}
	if failed := back(); failed != nil {
		done := e.done(f, o)
		return action.Done{}, &action.Failure{State: action.PartlyMade, Done: &done, Text: fmt.Sprintf("nginx does not load %s (%s), and the former text could not be put back: %s", f.path, err, failed)}
	}
	return action.Done{}, action.Not("nginx did not load it, and the former text of %s is back: %s", f.path, err)
}

// finish says what was done; a server that is drained is waited for.
func (e editor) finish(ctx context.Context, o action.Order, f found) (action.Done, error) {
	done := e.done(f, o)
	for f.drain {
		m, err := e.again(f.master)
		if err != nil {
			return action.Done{}, fmt.Errorf("wait until the old workers have ended: %w", err)
		}
		if m.ending() == 0 {
			break
		}
		if !sleep(ctx, glance) {
			return action.Done{}, &action.Failure{State: action.PartlyMade, Done: &done, Text: fmt.Sprintf("it gets no new requests; %d old workers still finish theirs", m.ending())}
		}
	}
	return done, nil
}

// Standing implements action.Doer: the text is as wanted, and the workers are
// younger than the file.
func (e editor) Standing(ctx context.Context, o action.Order) (action.Standing, error) {
	f, err := e.find(ctx, o.Args)
	if err != nil {
		return action.Standing{}, unavailable(err)
	}
	if !f.already {
		return action.Standing{State: action.NotMade, Text: f.path + " has another text"}, nil
	}
	done := e.done(f, o)
	s := action.Standing{State: action.Made, Done: &done, Text: f.path + " has the text, and nginx has loaded it"}
	switch ending := f.master.ending(); {
	case !f.loaded:
		s.State, s.Text = action.PartlyMade, f.path+" has the text, and nginx has not loaded it since: load it with nginx.reload, or undo this"
	case f.drain && ending > 0:
		s.State, s.Text = action.PartlyMade, fmt.Sprintf("loaded; %d old workers still finish their requests", ending)
	}
	return s, nil
}

func (e editor) done(f found, o action.Order) action.Done {
	return action.Done{
		Summary: e.tools.Redact.Text(f.summary) + ": loaded",
		Items:   []action.Result{{ID: f.item.ID, OK: true, Text: e.tools.Redact.Text(f.item.Then)}},
		Inverse: e.inverse(f, o),
	}
}

// inverse is found from the order alone: its guard names the former text, and
// what was made of that can be made again to see what was written.
func (e editor) inverse(f found, o action.Order) *action.Change {
	if len(o.Preview.Items) != 1 {
		return nil
	}
	former := o.Preview.Items[0].Guard
	text, err := e.bring(former)
	if err != nil {
		return nil // it was never kept, so it was never written over
	}
	then, err := load(e.config.Conf, overlay{f.path: text})
	if err != nil {
		return nil
	}
	p, err := e.propose(then, o.Args)
	if err != nil || p.already || p.path != f.path {
		return nil
	}
	return &action.Change{Type: "nginx.restore", Args: action.Args{"file": f.path, "written": nameOf(p.next), "former": former}}
}

var _ action.Doer = editor{}
