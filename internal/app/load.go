package app

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/connector/all"
	"github.com/quellhq/quell/internal/discover"
)

// watchers are kinds of targets that look at everything: where no service
// names one, it is asked about all of them.
var watchers = []string{"prometheus", "series", "loki", "logs", "host", "docker", "otel"}

// LoadSetup reads the configuration at path, or finds it when path is empty.
// Where there is none at all it looks around, as `quell init` does, and goes on
// with what it finds.
func LoadSetup(path string) (Setup, error) {
	options := config.Options{Path: path, Kinds: all.Kinds()}
	c, err := config.Load(options)
	if errors.Is(err, config.ErrNone) && path == "" {
		return found(options)
	}
	if err != nil {
		return Setup{}, err
	}
	s := fromConfig(c)
	if here, err := os.Getwd(); path == "" && err == nil && here != c.Dir {
		s.Notes = append([]string{"using " + c.Path}, s.Notes...)
	}
	return s, nil
}

// found is the setup of what can be found without a configuration.
func found(options config.Options) (Setup, error) {
	draft, err := Draft(".")
	if err != nil {
		return Setup{}, err
	}
	c, err := config.Parse(options, "quell.yaml", []byte(draft.YAML))
	if err != nil {
		return Setup{}, fmt.Errorf("no quell.yaml, and what was found by itself cannot be used: %w", err)
	}
	s := fromConfig(c)
	text := "there is no quell.yaml: going on with what was found here (" + strings.Join(draft.Seen, ", ") + "); `quell init` writes it down"
	if draft.Empty {
		text = "there is no quell.yaml, and nothing to ask was found but this machine: `quell init` writes a first one to fill in"
	}
	s.Notes = append([]string{text}, s.Notes...)
	return s, nil
}

// FirstConfig is what `quell init` writes.
type FirstConfig struct {
	YAML  string
	Seen  []string // names of the targets found
	Notes []string // what was seen and cannot be written down
	Empty bool     // nothing but this machine was found
}

// Draft looks around a directory and its machine, connecting to nothing.
func Draft(dir string) (FirstConfig, error) {
	world, err := discover.Here(dir)
	if err != nil {
		return FirstConfig{}, err
	}
	f := discover.Look(world)
	d := FirstConfig{YAML: f.YAML(), Notes: f.Notes, Empty: f.Empty()}
	for _, t := range f.Targets {
		if !t.Off {
			d.Seen = append(d.Seen, t.Name)
		}
	}
	return d, nil
}

// WriteConfig writes a first configuration; an existing file stays unless forced.
func WriteConfig(path string, draft FirstConfig, force bool) error {
	return discover.Write(path, draft.YAML, force)
}

func fromConfig(c config.Config) Setup {
	s := Setup{Playbooks: c.Playbooks, Params: c.Params, ParamAt: c.ParamAt, Dir: c.Dir, Secrets: c.Secrets, Redact: c.Redact,
		Policy: c.Policy, Store: StoreSetup{Path: c.Store.Path, DSN: c.Store.DSN},
	}
	for _, w := range c.Warnings {
		s.Notes = append(s.Notes, w.String())
	}
	named := map[string]bool{}
	for _, service := range c.Services {
		names := service.Targets()
		for _, n := range slices.Concat(names, service.Operations) {
			named[n] = true
		}
		s.Services = append(s.Services, ServiceSetup{Name: service.Name, URL: service.URL, Health: service.Health, Environment: service.Environment, Targets: names, Processes: service.Processes, Operations: service.Operations})
	}
	if len(s.Services) == 0 {
		// Targets alone are worth a look: they stand for one service.
		s.Services = []ServiceSetup{{Name: everything}}
	}
	for _, t := range c.Targets {
		named[t.Process] = true // asked for what it is behind, not for itself; "" is nobody's name
	}
	for _, t := range c.Targets {
		s.Targets = append(s.Targets, TargetSetup{Name: t.Name, Kind: t.Kind, Settings: t.Settings, Limits: t.Limits, Process: t.Process, Err: t.Err})
		if named[t.Name] {
			continue
		}
		if !slices.Contains(watchers, t.Kind) && len(s.Services) > 1 {
			s.Notes = append(s.Notes, fmt.Sprintf("no service names the target %s: it is not asked (add it to depends_on)", t.Name))
			continue
		}
		for i := range s.Services {
			own := i < len(c.Services) && namesOne(c.Services[i].Targets(), c.Targets, t.Kind)
			if !own {
				s.Services[i].Targets = append(s.Services[i].Targets, t.Name)
			}
		}
	}
	return s
}

// everything is the name of the service that stands for a setup without one.
const everything = "everything"

// namesOne reports whether a watcher of the kind, or one that takes its place,
// is among the targets that a service names itself.
func namesOne(names []string, targets []config.Target, kind string) bool {
	if !slices.Contains(watchers, kind) {
		return false
	}
	for _, t := range targets {
		if slices.Contains(names, t.Name) && sameRole(t.Kind, kind) {
			return true
		}
	}
	return false
}

// sameRole reports whether two kinds fill the same role, as series and
// prometheus do.
func sameRole(a, b string) bool {
	serves := func(name string) []string {
		for _, k := range all.Kinds() {
			if k.Name == name {
				return append([]string{name}, k.Serves...)
			}
		}
		return nil
	}
	for _, x := range serves(a) {
		if slices.Contains(serves(b), x) {
			return true
		}
	}
	return false
}

// ConfigExample is a configuration that shows every section.
func ConfigExample() string { return config.Example() }
