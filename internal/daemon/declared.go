package daemon

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/secret"
)

// Declared are the keys in quell.yaml that declare a program to start. A
// connector embeds them in its own.
type Declared struct {
	Worker    []string                 `json:"worker"`
	WorkerDir string                   `json:"worker_dir"`
	WorkerEnv map[string]secret.String `json:"worker_env"`
	RunDir    string                   `json:"run_dir"`
}

// SettingList says what each of them is, for Kind.Settings. example is
// a program, as it is written there.
func SettingList(example string) []connector.Setting {
	return []connector.Setting{
		{Name: "worker", Type: probe.List, Optional: true, About: "program and arguments of a worker that may be started on this machine, with {name} where its name goes: " + example},
		{Name: "worker_dir", Type: probe.Text, Optional: true, About: "directory in which workers start; that of quell.yaml otherwise"},
		{Name: "worker_env", Type: probe.Map, Optional: true, Secret: true, About: "environment of workers, beside PATH, HOME and the like"},
		{Name: "run_dir", Type: probe.Text, Optional: true, About: "directory for the records and logs of workers, for nobody else; needed with worker"},
	}
}

// Daemon checks the settings; nil where no program is declared. Relative
// directories start from dir. env is added to what the operator wrote.
func (s Declared) Daemon(dir string, env map[string]string) (*Daemon, error) {
	if len(s.Worker) == 0 {
		return nil, nil
	}
	named := slices.ContainsFunc(s.Worker, func(a string) bool { return strings.Contains(a, "{name}") })
	switch {
	case s.Worker[0] == "":
		return nil, errors.New("worker names no program")
	case !named:
		return nil, errors.New("worker has no {name}: without a name of its own a worker cannot be found again")
	case s.RunDir == "":
		return nil, errors.New("run_dir is missing: where the records of workers go, like /var/lib/quell/workers")
	}
	d := &Daemon{Argv: s.Worker, Dir: from(dir, s.WorkerDir), Env: map[string]string{}, Records: from(dir, s.RunDir)}
	for k, v := range env {
		d.Env[k] = v
	}
	for k, v := range s.WorkerEnv {
		d.Env[k] = v.Reveal()
	}
	return d, nil
}

func from(dir, path string) string {
	if filepath.IsAbs(path) || dir == "" {
		return path
	}
	return filepath.Join(dir, path)
}
