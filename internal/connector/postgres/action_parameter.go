package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

func setParameterChange() change {
	return change{
		spec: action.Spec{
			Name: "postgres.set_parameter", Risk: action.R2,
			Does:  "Sets a server parameter with ALTER SYSTEM and reloads the configuration. A parameter that needs a restart is written and named as waiting.",
			Undo:  "sets the former value, or resets it where there was none",
			Tells: "postgresql.auto.conf has the value and the server runs with it, or waits for a restart; for a role, the catalog has it",
			Params: []probe.Param{
				need("name", probe.Text, "the parameter: \"max_slot_wal_keep_size\""),
				need("value", probe.Text, "its new value, with its unit: \"10GB\""),
				optional("role", probe.Text, "\"\"", "set it for this role alone (ALTER ROLE … SET), which new sessions of it take up"),
				optional("reset", probe.Bool, "false", resetAbout),
				action.ForParam(),
			},
		},
		look: lookParameter, stands: parameterStands, make: setParameter, finish: loadParameter, bare: true,
	}
}

// setting is what an order asks for: a parameter, for the server or for one
// role. A nil value takes the setting away.
type setting struct {
	parameter
	role      string
	value     *string
	rights    rights
	elsewhere []string // who has a value of its own: "role app", "role app in database shop"
}

// rights are what our role may do about a parameter.
type rights struct{ read, alter, set, reload bool }

// parameterGuard is the text that was written before, nil where there was none.
type parameterGuard struct {
	Name  string  `json:"name"`
	Role  string  `json:"role,omitempty"`
	Value *string `json:"value"`
}

// written is where a setting stands now.
type written struct {
	here     *string // in postgresql.auto.conf, or of the role
	beneath  string  // what holds where it is not written there
	row      map[string]any
	broken   string   // why the server would not read the files at all
	unloaded []string // other parameters that a reload would take up
}

func lookParameter(ctx context.Context, ask asker, a action.Args) (action.Preview, error) {
	s, err := settingOf(ctx, ask, a)
	if err != nil {
		return action.Preview{}, err
	}
	w, err := s.read(ctx, ask)
	if err != nil {
		return action.Preview{}, err
	}
	if err := s.refuse(w); err != nil {
		return action.Preview{}, err
	}
	p := action.Preview{
		Summary: fmt.Sprintf("sets %s from %s to %s", s.what(), s.text(w.here, w), s.text(s.value, w)),
		Items: []action.Item{{
			ID: s.what(), Now: s.text(w.here, w), Then: s.text(s.value, w) + s.when(),
			Guard: guard(parameterGuard{Name: s.name, Role: s.role, Value: w.here}),
		}},
		Warnings: s.warnings(w),
	}
	switch {
	case s.same(w.here, s.value) && s.loaded(w, w.here), s.held(w):
		p.Already, p.Summary = true, s.what()+" is "+s.text(s.value, w)
		if s.pending {
			p.Summary += ", and waits for a restart"
		}
	case s.same(w.here, s.value):
		p.Summary = s.what() + " is written, and not loaded yet"
		p.Items[0].Then = "loaded"
	}
	if g, ok := graveParameters[s.name]; ok {
		p.Risk, p.Warnings = g.risk, append(p.Warnings, s.name+": "+g.why)
		if g.two {
			p.TwoPeople = s.name + ": " + g.why
		}
	}
	return p, nil
}

// held reports whether the server has the value already, from elsewhere than
// where we would write it.
func (s setting) held(w written) bool {
	return s.role == "" && w.here == nil && s.value != nil && !s.overridden() && !s.pending && s.runs(*s.value)
}

// same compares two written values; nil is the absence of one.
func (s setting) same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, errX := s.canon(*a)
	y, errY := s.canon(*b)
	return errX == nil && errY == nil && x == y || *a == *b
}

// text shows a written value.
func (s setting) text(value *string, w written) string {
	if value != nil {
		return fmt.Sprintf("%q", *value)
	}
	return fmt.Sprintf("the default (%q)", w.beneath)
}

func (s setting) what() string {
	if s.role != "" {
		return s.name + " of role " + s.role
	}
	return s.name
}

func (s setting) done(former parameterGuard) action.Done {
	back := action.Args{"name": s.name, "role": s.role, "value": "", "reset": former.Value == nil, "for": "0s"}
	if former.Value != nil {
		back["value"] = *former.Value
	}
	value := "reset"
	if s.value != nil {
		value = fmt.Sprintf("%q", *s.value)
	}
	d := action.Done{
		Summary: s.what() + " is " + value,
		Inverse: &action.Change{Type: "postgres.set_parameter", Args: back},
	}
	if s.needsRestart() {
		d.Summary += ", and holds after the next restart"
	}
	return d
}

func setParameter(ctx context.Context, v *visit, o action.Order, _ []action.Item) (action.Done, error) {
	s, err := settingOf(ctx, v.askBare, o.Args)
	if err != nil {
		return action.Done{}, err
	}
	statement, err := s.statement()
	if err != nil {
		return action.Done{}, err
	}
	if s.role != "" {
		if err := v.transact(ctx, o.Key, statement); err != nil {
			return action.Done{}, err
		}
		return settledParameter(ctx, v, o)
	}
	// ALTER SYSTEM writes a file: it neither takes part in a transaction nor waits for locks.
	if _, err := v.do(ctx, o.Key, statement); err != nil {
		return action.Done{}, err
	}
	return loadParameter(ctx, v, o)
}

// statement writes the setting, or takes it away.
func (s setting) statement() (string, error) {
	begin := "ALTER SYSTEM"
	if s.role != "" {
		begin = "ALTER ROLE " + quoteName(s.role)
	}
	if s.value == nil {
		return begin + " RESET " + s.name, nil
	}
	value, err := s.assignment(*s.value)
	return begin + " SET " + s.name + " = " + value, err
}

// loadParameter makes the server take up what is written.
func loadParameter(ctx context.Context, v *visit, o action.Order) (action.Done, error) {
	if _, err := v.do(ctx, o.Key, "SELECT pg_catalog.pg_reload_conf()"); err != nil {
		return action.Done{}, partlySet(ctx, v, o, v.t.outcome(err).Error())
	}
	return settledParameter(ctx, v, o)
}

// reloadTime is how long the server may take to read its configuration: the
// first process is told, and tells all others.
const reloadTime = 5 * time.Second

func settledParameter(ctx context.Context, v *visit, o action.Order) (action.Done, error) {
	wait, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	for {
		s, err := parameterStands(ctx, v.askBare, o)
		switch {
		case err != nil:
			return action.Done{}, fmt.Errorf("written; look whether it holds: %w", err)
		case s.State == action.Made:
			return *s.Done, nil
		case pause(wait, 50*time.Millisecond) != nil:
			return action.Done{}, partlySet(ctx, v, o, s.Text)
		}
	}
}

// partlySet says that a parameter is written and not taken up.
func partlySet(ctx context.Context, v *visit, o action.Order, why string) error {
	s, err := parameterStands(ctx, v.askBare, o)
	if err != nil || s.State != action.PartlyMade {
		return fmt.Errorf("written, and it is unknown whether it holds: %s", why)
	}
	return &action.Failure{State: action.PartlyMade, Text: "written, and not loaded: " + why, Done: s.Done}
}

func parameterStands(ctx context.Context, ask asker, o action.Order) (action.Standing, error) {
	former, err := guardOf[parameterGuard](o)
	if err != nil {
		return action.Standing{}, err
	}
	s, err := settingOf(ctx, ask, o.Args)
	if err != nil {
		return action.Standing{}, err
	}
	w, err := s.read(ctx, ask)
	if err != nil {
		return action.Standing{}, err
	}
	done := s.done(former)
	switch {
	case s.same(w.here, s.value) && s.loaded(w, former.Value):
		return standing(action.Made, &done, "%s", done.Summary), nil
	case s.same(w.here, s.value):
		return standing(action.PartlyMade, &done, "%s is written, and the server still runs with %q", s.name, s.live), nil
	case s.same(w.here, former.Value):
		return standing(action.NotMade, nil, "%s is still %s", s.what(), s.text(w.here, w)), nil
	}
	return cannotTell("%s is %s: neither the former value (%s) nor the new one", s.what(), s.text(w.here, w), s.text(former.Value, w)), nil
}
