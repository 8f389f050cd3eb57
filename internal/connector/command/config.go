package command

import (
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/declared"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// config is what quell.yaml may say of a target of kind command.
type config struct {
	Enabled  bool                     `json:"enabled"`
	Commands map[string]written       `json:"commands"`
	Env      map[string]secret.String `json:"env"`
	Dir      string                   `json:"dir"`
	Output   int                      `json:"output"`

	dir      string
	commands map[string]command
}

// written is one command as the operator writes it.
type written struct {
	Run     []string           `json:"run"`
	Check   []string           `json:"check"`
	Undo    string             `json:"undo"`
	About   string             `json:"about"`
	Values  map[string]string  `json:"values"`
	Timeout connector.Duration `json:"timeout"`
	Risk    string             `json:"risk"`
}

// command is one that was checked.
type command struct {
	name, about, undo string
	run, check        []probe.Template // each a literal, or one hole
	values            declared.Values
	timeout           time.Duration
	risk              action.Risk
}

// Defaults and bounds of a command: half a minute is long for what mends
// something, and two minutes are what one act may take in all.
const (
	defaultTimeout = 30 * time.Second
	longestTimeout = 2 * time.Minute
	defaultOutput  = 64 << 10
	largestOutput  = 1 << 20
)

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "enabled", Type: probe.Bool, Default: "false", About: "whether anything is run at all"},
		{Name: "commands", Type: probe.Map, Optional: true, Holes: true, About: "what may be run, by name: run (program and arguments; ${name} as a whole argument is a value), check (ends with 0 when the change is made, 1 when not), undo (name of the command that takes it back), values (name to regular expression), timeout, risk, about"},
		{Name: "env", Type: probe.Map, Optional: true, Secret: true, About: "variables that every command sees; of ours it sees PATH, HOME and the like only"},
		{Name: "dir", Type: probe.Text, Optional: true, About: "working directory; the directory of quell.yaml"},
		{Name: "output", Type: probe.Number, Default: "65536", About: "bytes kept of each output of a command"},
	}
}

func parse(s connector.Settings, dir string) (config, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	c.dir = dir
	if c.Dir != "" {
		c.dir = c.Dir
		if !filepath.IsAbs(c.dir) {
			c.dir = filepath.Join(dir, c.dir)
		}
	}
	if c.Output == 0 {
		c.Output = defaultOutput
	}
	if c.Output < 0 || c.Output > largestOutput {
		return c, fmt.Errorf("output is a number of bytes from 1 to %d, not %d", largestOutput, c.Output)
	}
	for name := range c.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return c, fmt.Errorf("env: %q is no name of a variable", name)
		}
	}
	c.commands = map[string]command{}
	for name, w := range c.Commands {
		cmd, err := w.checked(name)
		if err != nil {
			return c, fmt.Errorf("command %s: %w", name, err)
		}
		c.commands[name] = cmd
	}
	return c, c.checkUndos()
}

func (c config) names() []string {
	var names []string
	for name := range c.commands {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (c config) checkUndos() error {
	for _, name := range c.names() {
		cmd := c.commands[name]
		if cmd.undo == "" {
			continue
		}
		back, ok := c.commands[cmd.undo]
		if !ok {
			return fmt.Errorf("command %s: its undo, %s, is not declared", name, cmd.undo)
		}
		if hole := back.values.Within(cmd.values); hole != "" {
			return fmt.Errorf("command %s: its undo, %s, has the hole ${%s}, which %s has not", name, cmd.undo, hole, name)
		}
	}
	return nil
}

func (w written) checked(name string) (command, error) {
	cmd := command{name: name, about: w.About, undo: w.Undo, timeout: w.Timeout.Duration}
	var err error
	var holes, inCheck []string
	if cmd.run, holes, err = arguments(w.Run); err != nil {
		return cmd, fmt.Errorf("run: %w", err)
	}
	if len(w.Check) > 0 {
		if cmd.check, inCheck, err = arguments(w.Check); err != nil {
			return cmd, fmt.Errorf("check: %w", err)
		}
	}
	if cmd.values, err = declared.NewValues(holes, w.Values); err != nil {
		return cmd, err
	}
	for _, hole := range inCheck {
		if !cmd.values.Has(hole) {
			return cmd, fmt.Errorf("check has the hole ${%s}, which run has not", hole)
		}
	}
	if cmd.timeout == 0 {
		cmd.timeout = defaultTimeout
	}
	if cmd.timeout < 0 || cmd.timeout > longestTimeout {
		return cmd, fmt.Errorf("timeout is at most %s, not %s", longestTimeout, cmd.timeout)
	}
	cmd.risk, err = declared.Risk(w.Risk, action.R2, action.R3)
	return cmd, err
}

// arguments reads an argument list. A hole is an argument by itself: inside of
// another text it could change what the text means.
func arguments(list []string) (out []probe.Template, holes []string, err error) {
	if len(list) == 0 || list[0] == "" {
		return nil, nil, errors.New("a list of program and arguments is needed, like [/usr/bin/systemctl, restart, shop]")
	}
	for i, text := range list {
		t, err := probe.ParseTemplate(text)
		if err != nil {
			return nil, nil, err
		}
		found := t.Holes()
		switch {
		case strings.ContainsRune(text, 0):
			return nil, nil, fmt.Errorf("argument %d holds a zero byte", i+1)
		case len(found) > 0 && i == 0:
			return nil, nil, errors.New("the program itself cannot be a value")
		case len(found) > 0 && len(t.Parts) > 1:
			return nil, nil, fmt.Errorf("%q: a value is an argument by itself; write it as its own element", text)
		}
		holes = append(holes, found...)
		out = append(out, t)
	}
	return out, holes, nil
}
