package host

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

type config struct {
	Proc       string            `json:"proc"`
	Sys        string            `json:"sys"`
	Root       string            `json:"root"`
	KernelLog  string            `json:"kernel_log"`
	Processes  map[string]string `json:"processes"`
	MayClean   []string          `json:"may_clean"`
	Quarantine string            `json:"quarantine"`

	patterns map[string]*regexp.Regexp
}

func settings() []connector.Setting {
	return []connector.Setting{
		{Name: "proc", Type: probe.Text, Default: "/proc", About: "where the proc file system is; /host/proc in a container that looks at its host"},
		{Name: "sys", Type: probe.Text, Default: "/sys", About: "where the sys file system is"},
		{Name: "root", Type: probe.Text, Optional: true, About: "directory under which the host's file systems are mounted, for a container that looks at its host"},
		{Name: "kernel_log", Type: probe.Text, Optional: true, About: "file with the kernel's messages; without it /dev/kmsg, then /var/log/kern.log and /var/log/messages"},
		{Name: "processes", Type: probe.Map, Optional: true, About: "for each service, a regular expression that its command line matches; without it the service's name is searched for in command lines, units and directories"},
		{Name: "may_clean", Type: probe.List, Optional: true, About: "directories in which host.free_disk may move, pack, empty or delete files; without them it does nothing"},
		{Name: "quarantine", Type: probe.Text, Optional: true, About: "directory on another file system that files are moved to"},
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
	for n, dir := range c.MayClean {
		clean, err := cleanable(dir)
		if err != nil {
			return c, fmt.Errorf("may_clean: %w", err)
		}
		c.MayClean[n] = clean
	}
	if c.Quarantine != "" && (!filepath.IsAbs(c.Quarantine) || within(c.Quarantine, c.MayClean) != "") {
		return c, errors.New("quarantine must be an absolute path outside of may_clean")
	}
	return c, nil
}

// neverCleaned are directories of the system: neither they nor anything in
// them is cleaned.
var neverCleaned = []string{"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys", "/usr", "/nix"}

// tooWide are directories that hold what belongs to many: only parts of them
// may be cleaned.
var tooWide = []string{"/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/var", "/var/lib", "/var/lib/postgresql", "/var/lib/mysql", "/var/lib/redis", "/var/lib/docker"}

// cleanable checks a directory that may be cleaned.
func cleanable(dir string) (string, error) {
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("%s must be an absolute path", dir)
	}
	dir = filepath.Clean(dir)
	if slices.Contains(tooWide, dir) {
		return "", fmt.Errorf("%s is too much: name the directories in it that may be cleaned", dir)
	}
	if within(dir, neverCleaned) != "" {
		return "", fmt.Errorf("%s is the system's own", dir)
	}
	return dir, nil
}

// within returns the directory of a list that a path is or lies in, or "".
func within(path string, dirs []string) string {
	for _, d := range dirs {
		if path == d || strings.HasPrefix(path, d+"/") {
			return d
		}
	}
	return ""
}

// own reports whether we look at the machine (or container) that we run on.
func (c config) own() bool { return c.Proc == "/proc" }
