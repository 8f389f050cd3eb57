package host

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

type config struct {
	Proc      string            `json:"proc"`
	Sys       string            `json:"sys"`
	Root      string            `json:"root"`
	KernelLog string            `json:"kernel_log"`
	Processes map[string]string `json:"processes"`

	patterns map[string]*regexp.Regexp
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "proc", Type: probe.Text, Default: "/proc", About: "where the proc file system is; /host/proc in a container that looks at its host"},
		{Name: "sys", Type: probe.Text, Default: "/sys", About: "where the sys file system is"},
		{Name: "root", Type: probe.Text, Optional: true, About: "directory under which the host's file systems are mounted, for a container that looks at its host"},
		{Name: "kernel_log", Type: probe.Text, Optional: true, About: "file with the kernel's messages; without it /dev/kmsg, then /var/log/kern.log and /var/log/messages"},
		{Name: "processes", Type: probe.Map, Optional: true, About: "for each service, a regular expression that its command line matches; without it the service's name is searched for in command lines, units and directories"},
	}
}

func parse(s connector.Settings) (config, error) {
	var c config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if c.Proc == "" {
		c.Proc = "/proc"
	}
	if c.Sys == "" {
		c.Sys = "/sys"
	}
	for name, dir := range map[string]string{"proc": c.Proc, "sys": c.Sys} {
		if !filepath.IsAbs(dir) {
			return c, errors.New(name + " must be an absolute path")
		}
	}
	c.patterns = map[string]*regexp.Regexp{}
	for name, text := range c.Processes {
		re, err := regexp.Compile(text)
		if err != nil {
			return c, fmt.Errorf("processes: the expression for %s cannot be read: %w", name, err)
		}
		c.patterns[name] = re
	}
	return c, nil
}

// own reports whether we look at the machine (or container) that we run on.
func (c config) own() bool { return c.Proc == "/proc" }
