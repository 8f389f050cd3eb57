package logs

import (
	"fmt"
	"time"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
	"github.com/quellhq/quell/internal/probe"
)

type config struct {
	Paths    []string          `json:"paths"`
	Journal  []string          `json:"journal"`
	Dir      string            `json:"journal_directory"`
	Labels   map[string]string `json:"labels"`
	Timezone string            `json:"timezone"`
	MaxRead  string            `json:"max_read"`
	MaxLine  string            `json:"max_line"`

	files   logfile.Config
	journal *journal // nil where the journal is not read
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "paths", Type: probe.List, Optional: true, About: "log files and globs, ** for any directories; rotated files beside them (.1, -20260131, .gz) come along by themselves"},
		{Name: "journal", Type: probe.List, Optional: true, About: "units of which the system's journal is read by journalctl, like [shop.service]; [\"*\"] for all. paths or journal is needed"},
		{Name: "journal_directory", Type: probe.Text, Optional: true, About: "read the journal that lies in this directory, in place of this machine's own"},
		{Name: "labels", Type: probe.Map, Optional: true, About: "stream labels of every line, like service: shop; what a line says itself of other labels is used too"},
		{Name: "timezone", Type: probe.Text, Default: "Local", About: "zone of times that name none: Local, UTC or a name like Europe/Paris"},
		{Name: "max_read", Type: probe.Text, Default: "128MiB", About: "how much one question may read, newest first"},
		{Name: "max_line", Type: probe.Text, Default: "256KiB", About: "longest line that is kept; the rest of a longer one is skipped"},
	}
}

func parse(s connector.Settings, dir string) (config, error) {
	c := config{Timezone: "Local", MaxRead: "128MiB", MaxLine: "256KiB"}
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return c, fmt.Errorf("timezone: there is no zone %q: write Local, UTC or a name like Europe/Paris", c.Timezone)
	}
	read, ok := logql.ParseBytes(c.MaxRead)
	if !ok || read < 64<<10 {
		return c, fmt.Errorf("max_read: %q is not a size of at least 64KiB", c.MaxRead)
	}
	line, ok := logql.ParseBytes(c.MaxLine)
	if !ok || line < 1<<10 || line > 64<<20 {
		return c, fmt.Errorf("max_line: %q is not a size between 1KiB and 64MiB", c.MaxLine)
	}
	c.files = logfile.Config{Paths: c.Paths, Dir: dir, Labels: c.Labels, Location: zone, Budget: read, Line: int(line)}
	if len(c.Journal) > 0 {
		if c.journal, err = newJournal(c, dir); err != nil {
			return c, err
		}
	}
	if len(c.Paths) == 0 && c.journal != nil {
		return c, nil
	}
	if len(c.Paths) == 0 {
		return c, fmt.Errorf("no paths are given: set paths to log files, or journal to units")
	}
	if c.Dir != "" && c.journal == nil {
		return c, fmt.Errorf("journal_directory: journal is not set, so nothing is read there: add journal: [\"*\"]")
	}
	if _, err := logfile.New(c.files); err != nil {
		return c, fmt.Errorf("paths: %w", err)
	}
	return c, nil
}

// Files reads the settings of a target: the files that it would ask. The
// command line asks them without a playbook.
func Files(s connector.Settings, dir string) (logfile.Config, error) {
	c, err := parse(s, dir)
	return c.files, err
}
