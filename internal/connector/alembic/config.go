package alembic

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// settings are the keys of an alembic target in quell.yaml.
type settings struct {
	Kind    string                   `json:"kind"`
	Dir     string                   `json:"dir"`
	Command []string                 `json:"command"`
	Config  string                   `json:"config"`
	Env     map[string]secret.String `json:"env"`
	Timeout connector.Duration       `json:"timeout"`
}

// defaultTimeout is the longest a run that only reads may take: a start of
// Python with a large application behind env.py takes seconds.
const defaultTimeout = 30 * time.Second

func settingSpecs() []connector.Setting {
	return []connector.Setting{
		{Name: "dir", Type: probe.Text, About: "directory of the project, with its alembic.ini: Alembic runs there"},
		{Name: "command", Type: probe.List, Default: "[alembic]", About: "how Alembic is called, as a list of arguments: [/srv/app/venv/bin/alembic], [poetry, run, alembic]"},
		{Name: "config", Type: probe.Text, Default: "alembic.ini", About: "the configuration file, from dir on"},
		{Name: "env", Type: probe.Map, Optional: true, Secret: true, About: "environment of Alembic beside PATH, HOME and LANG, with what env.py needs to find the database: {DATABASE_URL: \"env:DATABASE_URL\"}"},
		{Name: "timeout", Type: probe.Duration, Default: "30s", About: "longest time of a run that only reads"},
	}
}

// config is a checked form of the settings.
type config struct {
	dir, ini string
	command  []string
	env      []string // NAME=value
	options  string   // PGOPTIONS that the operator has set
	timeout  time.Duration
	redact   *secret.Redactor
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func parse(s connector.Settings, dir string) (config, error) {
	set := settings{Command: []string{"alembic"}, Config: "alembic.ini", Timeout: connector.Duration{Duration: defaultTimeout}}
	if err := s.Decode(&set); err != nil {
		return config{}, err
	}
	if set.Dir == "" {
		return config{}, errors.New("dir is missing: write the directory with the project's alembic.ini")
	}
	if len(set.Command) == 0 || set.Command[0] == "" {
		return config{}, errors.New("command is empty: write how Alembic is called, as in [alembic]")
	}
	if set.Timeout.Duration <= 0 {
		return config{}, errors.New("timeout must be above zero")
	}
	if !filepath.IsAbs(set.Dir) {
		set.Dir = filepath.Join(dir, set.Dir)
	}
	c := config{dir: set.Dir, ini: set.Config, command: set.Command, timeout: set.Timeout.Duration}
	c.env = inherited()
	var secrets []secret.String
	for _, name := range sortedNames(set.Env) {
		if !variable.MatchString(name) {
			return config{}, fmt.Errorf("env: %q is no name of a variable", name)
		}
		value := set.Env[name]
		secrets = append(secrets, value)
		if name == "PGOPTIONS" {
			c.options = value.Reveal()
			continue
		}
		c.env = append(c.env, name+"="+value.Reveal())
	}
	c.redact = secret.NewRedactor(secrets...)
	return c, nil
}

// inherited is what a child gets of our own environment: where programs are,
// and nothing that could be a secret of Quell's.
func inherited() []string {
	// Without bytecode: a question leaves no file behind.
	env := []string{"PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1", "PYTHONIOENCODING=utf-8"}
	for _, name := range []string{"PATH", "HOME", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
