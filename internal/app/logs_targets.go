package app

import (
	"errors"
	"time"

	"github.com/quellhq/quell/internal/config"
	"github.com/quellhq/quell/internal/connector/all"
	"github.com/quellhq/quell/internal/connector/logs"
	"github.com/quellhq/quell/internal/logql/logfile"
)

// logTargets are the log files that a configuration names. Lines that do not
// name their service belong to the one service whose logs they are.
func logTargets(path string, labels map[string]string, zone *time.Location) ([]logfile.Config, error) {
	c, err := config.Load(config.Options{Path: path, Kinds: all.Kinds()})
	if errors.Is(err, config.ErrNone) && path == "" {
		return nil, noLogs("no log is named: add a FILE, a glob, or - for standard input; or name log targets in quell.yaml (`quell init` finds them)")
	}
	if err != nil {
		return nil, err
	}
	var out []logfile.Config
	for _, t := range c.Targets {
		if t.Kind != "logs" || t.Err != nil {
			continue
		}
		files, err := logs.Files(t.Settings, c.Dir)
		if err != nil {
			return nil, err
		}
		if name := onlyServiceOf(c, t.Name); name != "" {
			files.Otherwise = map[string]string{"service": name}
		}
		files.Labels = withLabels(files.Labels, labels)
		if zone != nil {
			files.Location = zone
		}
		out = append(out, files)
	}
	if len(out) == 0 {
		return nil, noLogs("%s names no log files: add a target {kind: logs, paths: [/var/log/app/*.log]}, or name a FILE here", c.Path)
	}
	return out, nil
}

func onlyServiceOf(c config.Config, target string) string {
	name := ""
	for _, s := range c.Services {
		for _, t := range s.Targets() {
			if t == target && name == "" {
				name = s.Name
			} else if t == target {
				return ""
			}
		}
	}
	return name
}
