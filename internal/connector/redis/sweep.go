package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// sweep is a change of many keys: planned by family and type, since keys come
// and go, and carried out key by key in small steps, each of which changes only
// keys that still belong to what was planned.
type sweep struct {
	spec action.Spec
	pick func(a action.Args) (selection, error)
	want func(k found, a action.Args) bool
	// narrow leaves those of the keys that want wants that it is about, where
	// more has to be asked for that. May be nil.
	narrow func(ctx context.Context, s *redisapi.Session, a action.Args, keys []found) ([]found, error)
	// summary says what will be done to n keys; then what to those of a family.
	summary func(n int, a action.Args) string
	then    func(a action.Args) string
	past    string // "deleted"
	// advise adds what it may cost.
	advise func(p *action.Preview, families []swept, a action.Args)
	// script is the effect on KEYS[2…], with a text and a number for each in
	// ARGV; it calls counted(n) and returns n.
	script string
	// until is the number that each key gets, given when the order began.
	until func(o action.Order, base int64, key string) int64
	// back is the change that takes it back; nil where nothing does.
	back func(o action.Order, base int64) *action.Change
}

// Sizes of one step: a hundred keys keep the server for less than a
// millisecond, and it serves others between two steps.
const (
	sweepStep  = 100
	sweepPause = 5 * time.Millisecond
	// sweepMargin is left of the time allowed, to say how far it got.
	sweepMargin = time.Second
	mostGroups  = 100
)

func (k sweep) change() redisact.Change {
	return redisact.Change{Spec: k.spec, Keys: true, Resumes: true, Look: k.look, Stands: k.stands, Make: k.make}
}

func (k sweep) look(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	keys, err := k.keys(ctx, s, a)
	if err != nil {
		return action.Preview{}, err
	}
	if len(keys) == 0 {
		return action.Preview{Already: true, Summary: "there is no key that it would change"}, nil
	}
	families := bySweep(keys)
	if len(families) > mostGroups {
		return action.Preview{}, action.Refuse("narrow the pattern", "it comes to more than %d families of keys", mostGroups)
	}
	p := action.Preview{MayShrink: true, Summary: k.summary(len(keys), a), Blast: int64(len(keys))}
	for _, f := range families {
		p.Items = append(p.Items, f.item(k.then(a)))
	}
	p.Warnings = []string{"keys of these families that appear before it is carried out are changed too; a note (" + notePrefix + "…) stays for a week"}
	k.advise(&p, families, a)
	return p, nil
}

// keys are those that it would change now.
func (k sweep) keys(ctx context.Context, s *redisapi.Session, a action.Args) ([]found, error) {
	sel, err := k.pick(a)
	if err == nil {
		err = sel.affordable(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	keys, err := sel.find(ctx, s, func(f found) bool { return k.want(f, a) })
	if err != nil || k.narrow == nil {
		return keys, err
	}
	return k.narrow(ctx, s, a, keys)
}

func (k sweep) make(ctx context.Context, s *redisapi.Session, o action.Order, _ []action.Item) (action.Done, error) {
	sel, err := k.pick(o.Args)
	if err != nil {
		return action.Done{}, err
	}
	kindsOf, err := approved(o)
	if err != nil {
		return action.Done{}, err
	}
	n, err := newNoter(ctx, s, o.Key)
	if err != nil {
		return action.Done{}, err
	}
	base, over, err := n.begin(ctx)
	if err != nil {
		return action.Done{}, err
	}
	if !over {
		if err := k.steps(ctx, s, o, n, base, sel, kindsOf); err != nil {
			return action.Done{}, k.brokenOff(ctx, s, o, n, err)
		}
		if err := n.end(ctx, "over"); err != nil {
			return action.Done{}, k.brokenOff(ctx, s, o, n, err)
		}
	}
	what, err := readNote(ctx, s, o.Key)
	if err != nil {
		return action.Done{}, fmt.Errorf("read the note of what was done: %w", redisact.Plainly(err))
	}
	return k.done(o)(what), nil
}

// steps goes through the keys until all are done, or as many as were allowed.
func (k sweep) steps(ctx context.Context, s *redisapi.Session, o action.Order, n noter, base int64, sel selection, kindsOf func(string) string) error {
	left := int64(sel.most)
	return sel.names(ctx, s, func(names []string) (bool, error) {
		names = slices.DeleteFunc(names, func(name string) bool { return kindsOf(name) == "" })
		for step := range slices.Chunk(names, sweepStep) {
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < sweepMargin {
				return false, fmt.Errorf("the time allowed is over")
			}
			step = step[:min(int64(len(step)), left)]
			var args []any
			for _, name := range step {
				args = append(args, kindsOf(name), k.until(o, base, name))
			}
			changed, err := n.step(ctx, k.script, step, args...)
			if err != nil {
				return false, err
			}
			if left -= changed; left <= 0 {
				return false, nil
			}
			if err := pause(ctx, sweepPause); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// brokenOff says what is known of a sweep that did not get to its end: the note
// has counted every step, if the server can still be asked for it.
func (k sweep) brokenOff(ctx context.Context, s *redisapi.Session, o action.Order, n noter, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	var failure *action.Failure
	if errors.As(err, &failure) {
		return err // somebody else has it now
	}
	if ended := n.end(ctx, "broken off"); ended != nil {
		return redisact.Plainly(err)
	}
	so, unread := readNote(ctx, s, o.Key)
	switch {
	case unread != nil:
		return redisact.Plainly(err)
	case so.n == 0:
		return err
	}
	done := k.done(o)(so)
	return &action.Failure{State: action.PartlyMade, Text: fmt.Sprintf("%s, and then: %s", done.Summary, err), Done: &done}
}

func (k sweep) done(o action.Order) func(note) action.Done {
	return func(n note) action.Done {
		d := action.Done{Summary: redisact.Count(n.n, "key") + " " + k.past}
		if k.back != nil && n.n > 0 {
			d.Inverse = k.back(o, n.base)
		}
		return d
	}
}

// stands reads the note. Where there is none, nothing was done, unless the
// server throws keys away and the note may have been among them.
func (k sweep) stands(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	n, err := readNote(ctx, s, o.Key)
	if err != nil {
		return action.Standing{}, err
	}
	if n.there {
		return n.standing(k.done(o)), nil
	}
	evicts, err := evicting(ctx, s)
	if err != nil {
		return action.Standing{}, err
	}
	now, err := k.look(ctx, s, o.Args)
	switch {
	case err == nil && now.Already:
		done := action.Done{Summary: now.Summary}
		return redisact.Standing(action.Made, &done, "%s", now.Summary), nil
	case evicts:
		return redisact.Standing(action.CannotTell, nil, "no note of it is on the server, which throws keys away: look whether the keys are as wanted"), nil
	}
	return redisact.Standing(action.NotMade, nil, "no note of it is on the server"), nil
}

// evicting reports whether the server has thrown keys away.

func evicting(ctx context.Context, s *redisapi.Session) (bool, error) {
	v, err := s.One(ctx, "INFO", "stats")
	if err != nil {
		return false, err
	}
	n := redisapi.Fields(v)["evicted_keys"]
	return n != "" && n != "0", nil
}
