package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/child"
	"github.com/quellhq/quell/internal/probe"
)

// call is a declared command with its values.
type call struct {
	command
	filled map[string]any
	argv   []string
	check  []string // empty: nothing tells
}

// read finds and fills the command of a change. The errors are refusals.
func (t *target) read(c action.Change) (call, error) {
	if !t.config.Enabled {
		return call{}, action.Refuse("write enabled: true, if quell may run what is declared there", "this target is switched off")
	}
	name := c.Args.Text("name")
	cmd, ok := t.config.commands[name]
	if !ok {
		return call{}, action.Undeclared("declared are: "+strings.Join(t.config.names(), ", "), "no command %q is declared", name)
	}
	values, err := cmd.values.Read(c.Args.List("values"))
	if err != nil {
		return call{}, err
	}
	for name, v := range values {
		if strings.HasPrefix(fmt.Sprint(v), "-") && !cmd.values.Bounded(name) {
			return call{}, action.Refuse("say in values of the command what it may be", "the value of %s begins with a dash, and the program would take it for an option", name)
		}
	}
	out := call{command: cmd, filled: values}
	if out.argv, err = fill(cmd.run, values); err != nil {
		return call{}, action.Refuse("", "command %s: %s", name, err)
	}
	if out.check, err = fill(cmd.check, values); err != nil {
		return call{}, action.Refuse("", "check of command %s: %s", name, err)
	}
	return out, nil
}

func fill(list []probe.Template, values map[string]any) ([]string, error) {
	var out []string
	for _, t := range list {
		filled, err := t.WithValues(values)
		if err != nil {
			return nil, err
		}
		text, err := filled.Fill(func(_ string, v any) (string, error) { return fmt.Sprint(v), nil })
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// text is the command line for a person.
func (t *target) text(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		words[i] = a
		if a == "" || strings.ContainsAny(a, " \t'\"\\$") {
			words[i] = fmt.Sprintf("%q", a)
		}
	}
	return t.tools.Redact.Text(strings.Join(words, " "))
}

// start runs an argument list within the command's time. key is the order's:
// a program that keeps it can tell that it has run for it already.
func (t *target) start(ctx context.Context, c call, argv []string, key string) (child.Result, error) {
	p, err := find(argv[0], t.config.dir)
	if err != nil {
		return child.Result{}, fmt.Errorf("%w: %w", child.ErrNotStarted, err)
	}
	env := map[string]string{}
	for name, v := range t.config.Env {
		env[name] = v.Reveal()
	}
	if key != "" {
		env["QUELL_ORDER"] = key
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return child.Run(ctx, child.Command{
		Argv: append([]string{p.path}, argv[1:]...), Dir: t.config.dir, Env: child.Environment(env), Most: t.config.Output,
	})
}

// seen is what a check says.
type seen struct {
	state action.State // Made, NotMade or CannotTell
	text  string
}

// look runs the check of a command. The error is that of our own time.
func (t *target) look(ctx context.Context, c call) (seen, error) {
	if len(c.check) == 0 {
		return seen{action.CannotTell, "the command has no check that would tell"}, nil
	}
	r, err := t.start(ctx, c, c.check, "")
	if ctx.Err() != nil {
		return seen{}, &action.Unavailable{Text: fmt.Sprintf("check of command %s: no answer within the time allowed", c.name)}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return seen{action.CannotTell, fmt.Sprintf("its check has not ended after %s", c.timeout)}, nil
	case err != nil:
		return seen{action.CannotTell, t.tools.Redact.Text("its check cannot be run: " + err.Error())}, nil
	case r.Code == 0:
		return seen{action.Made, "its check ended with 0"}, nil
	case r.Code == 1:
		return seen{action.NotMade, "its check ended with 1"}, nil
	}
	return seen{action.CannotTell, "its check " + t.ended(r)}, nil
}

// ended says how a program ended, with the last of what it said.
func (t *target) ended(r child.Result) string {
	text := fmt.Sprintf("ended with %d", r.Code)
	if r.Signal != 0 {
		text = "was ended by " + r.Signal.String()
	}
	said := r.Stderr
	if len(said) == 0 {
		said = r.Stdout
	}
	if last := t.last(said); last != "" {
		text += ": " + last
	}
	return text
}

// last is the end of an output, for a report: at most three lines.
func (t *target) last(output []byte) string {
	const lines, longest = 3, 400
	all := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(output), "?")), "\n")
	text := t.tools.Redact.Text(strings.Join(all[max(0, len(all)-lines):], "; "))
	if len(text) > longest {
		text = "…" + strings.ToValidUTF8(text[len(text)-longest:], "")
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// inverse is the change that runs the undo with the same values.
func (t *target) inverse(c call) *action.Change {
	if c.undo == "" {
		return nil
	}
	return &action.Change{Type: "command.run", Args: action.Args{
		"name": c.undo, "values": t.config.commands[c.undo].values.List(c.filled), "for": "0s",
	}}
}
