package redis

import (
	"context"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/redisact"
	"github.com/quellhq/quell/internal/redisapi"
)

// setting is a name and its value.
type setting struct{ name, value string }

// settingGuard is the guard of a setting: what it was, and what it shall be.
// No setting that can be changed from here holds a secret.
type settingGuard struct {
	Name string `json:"name"`
	Was  string `json:"was"`
	Then string `json:"then"`
}

// settingChange is any change that sets settings.
type settingChange struct {
	name   string                                 // of the action
	wanted func(a action.Args) ([]setting, error) // what is asked for, in a fixed order
	back   func(former []setting) action.Args     // arguments that take it back
}

func (k settingChange) change(spec action.Spec) redisact.Change {
	k.name = spec.Name
	return redisact.Change{Spec: spec, Look: k.look, Stands: k.stands, Make: k.make}
}

func (k settingChange) look(ctx context.Context, s *redisapi.Session, a action.Args) (action.Preview, error) {
	wanted, err := k.wanted(a)
	if err != nil {
		return action.Preview{}, err
	}
	now, err := present(ctx, s, wanted)
	if err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{Warnings: []string{"a restart of the server forgets it, unless its configuration file says the same"}}
	var sets []string
	for i, w := range wanted {
		then, err := settable[w.name](w.value, now[i])
		if err != nil {
			return p, err
		}
		if then == now[i] {
			continue
		}
		g := settingGuard{w.name, now[i], then}
		p.Items = append(p.Items, action.Item{ID: w.name, Now: quoted(now[i]), Then: quoted(then), Guard: redisact.Guard(g)})
		sets = append(sets, fmt.Sprintf("%s to %s (it is %s)", w.name, quoted(then), quoted(now[i])))
		if err := advise(ctx, s, &p, g); err != nil {
			return p, err
		}
	}
	if len(sets) == 0 {
		return action.Preview{Already: true, Summary: "the server is set like that already"}, nil
	}
	p.Summary = "sets " + strings.Join(sets, " and ")
	return p, nil
}

// quoted writes a value for people: an empty one can be seen.
func quoted(value string) string {
	if value == "" || strings.Contains(value, " ") {
		return `"` + value + `"`
	}
	return value
}

// present reads settings as they are now. A name that this server does not
// know is refused; the names are checked before anything is asked, since the
// value of a closed one may be a secret.
func present(ctx context.Context, s *redisapi.Session, names []setting) ([]string, error) {
	cmds := make([][]any, len(names))
	for i, n := range names {
		if _, err := settableKind(n.name); err != nil {
			return nil, err
		}
		cmds[i] = []any{"CONFIG", "GET", n.name}
	}
	replies, err := s.All(ctx, cmds...)
	if err != nil {
		return nil, err
	}
	values := make([]string, len(names))
	for i, r := range replies {
		value, ok := configText(r)
		if !ok {
			return nil, action.Refuse("", "this version of the server has no setting %s", names[i].name)
		}
		values[i] = value
	}
	return values, nil
}

// make sets all settings of an order in one command, all or none. (Before 7.0
// the server takes one pair alone, and refuses more.)
func (k settingChange) make(ctx context.Context, s *redisapi.Session, _ action.Order, items []action.Item) (action.Done, error) {
	set, err := redisact.ReadGuards[settingGuard](items)
	if err != nil {
		return action.Done{}, err
	}
	cmd := []any{"CONFIG", "SET"}
	for _, g := range set {
		cmd = append(cmd, g.Name, g.Then)
	}
	if _, err := s.One(ctx, cmd...); err != nil {
		return action.Done{}, err
	}
	return k.done(set), nil
}

func (k settingChange) done(set []settingGuard) action.Done {
	var d action.Done
	var former []setting
	var texts []string
	for _, g := range set {
		texts = append(texts, fmt.Sprintf("%s is %s", g.Name, quoted(g.Then)))
		d.Items = append(d.Items, action.Result{ID: g.Name, OK: true, Text: fmt.Sprintf("%s, was %s", quoted(g.Then), quoted(g.Was))})
		former = append(former, setting{g.Name, g.Was})
	}
	d.Summary = strings.Join(texts, ", ")
	d.Inverse = &action.Change{Type: k.name, Args: k.back(former)}
	return d
}

// stands compares the settings with what they were and what they should be. One
// that is neither was changed by somebody else.
func (k settingChange) stands(ctx context.Context, s *redisapi.Session, o action.Order) (action.Standing, error) {
	all, err := redisact.ReadGuards[settingGuard](o.Preview.Items)
	if err != nil {
		return action.Standing{}, err
	}
	names := make([]setting, len(all))
	for i, g := range all {
		names[i].name = g.Name
	}
	now, err := present(ctx, s, names)
	if err != nil {
		return action.Standing{}, err
	}
	made := 0
	for i, g := range all {
		switch now[i] {
		case g.Then:
			made++
		case g.Was:
		default:
			return redisact.Standing(action.CannotTell, nil, "%s is %s: neither what it was nor what it should be, somebody else has set it", g.Name, quoted(now[i])), nil
		}
	}
	done := k.done(all)
	switch made {
	case 0:
		return redisact.Standing(action.NotMade, nil, "%s is %s, as before", all[0].Name, quoted(all[0].Was)), nil
	case len(all):
		return redisact.Standing(action.Made, &done, "%s", done.Summary), nil
	}
	return redisact.Standing(action.CannotTell, nil, "some of it is set and some is not, and it is set all at once: somebody else has been here"), nil
}
