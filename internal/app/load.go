package app

import (
	"fmt"
	"slices"

	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/connector/all"
)

// watchers are kinds of targets that look at everything: where no service
// names one, it is asked about all of them.
var watchers = []string{"prometheus", "series", "loki", "logs", "host"}

// LoadSetup reads the configuration at path, or finds it when path is empty.
func LoadSetup(path string) (Setup, error) {
	c, err := config.Load(config.Options{Path: path, Kinds: all.Kinds()})
	if err != nil {
		return Setup{}, err
	}
	return fromConfig(c), nil
}

func fromConfig(c config.Config) Setup {
	s := Setup{Playbooks: c.Playbooks, Params: c.Params, Dir: c.Dir, Secrets: c.Secrets}
	for _, w := range c.Warnings {
		s.Notes = append(s.Notes, w.String())
	}
	named := map[string]bool{}
	for _, service := range c.Services {
		names := service.Targets()
		for _, n := range names {
			named[n] = true
		}
		s.Services = append(s.Services, ServiceSetup{Name: service.Name, URL: service.URL, Health: service.Health, Targets: names})
	}
	if len(s.Services) == 0 {
		// Targets alone are worth a look: they stand for one service.
		s.Services = []ServiceSetup{{Name: everything}}
	}
	for _, t := range c.Targets {
		s.Targets = append(s.Targets, TargetSetup{Name: t.Name, Kind: t.Kind, Settings: t.Settings, Limits: t.Limits, Err: t.Err})
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
