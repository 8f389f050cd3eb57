package host

import (
	"context"
	"regexp"
	"strconv"
	"strings"
)

// victims tells whether the kernel killed something of the service under
// investigation: the machine may be full of others, whose kills are not its own.
type victims struct {
	seen   bool                // a live process of the service was found
	groups map[string]struct{} // memory groups of its processes
	names  map[string]struct{} // names of its processes
	word   *regexp.Regexp      // the service's name; nil when it is too short to tell anything
}

// victims looks at the service's live processes. What cannot be read is not seen.
func (t *target) victims(ctx context.Context, name string) victims {
	v := victims{groups: map[string]struct{}{}, names: map[string]struct{}{}}
	if len(name) >= 3 {
		v.word = regexp.MustCompile(`(^|[^A-Za-z0-9])` + strings.ReplaceAll(regexp.QuoteMeta(name), "-", "[-_]") + `($|[^A-Za-z0-9])`)
	}
	match, _, err := t.matcher(name, "")
	if err != nil || name == "" {
		return v
	}
	all, err := t.sys.processes(ctx)
	if err != nil {
		return v
	}
	for _, p := range all {
		if !match(t.sys, p) {
			continue
		}
		v.seen = true
		v.names[p.comm] = struct{}{}
		if group, ok := t.sys.memoryGroup(p.pid); ok {
			v.groups[group] = struct{}{}
		}
	}
	return v
}

// of reports whether a kill was the service's: true, false, or nil where nobody
// can tell. At the limit of a group it was when the service lives in that group
// or below it, or the group bears its name. On a full machine the name of the
// process has to do.
func (v victims) of(k kill) any {
	if v.word != nil && (v.word.MatchString(k.group) || v.word.MatchString(k.process)) {
		return true
	}
	if k.scope == "group" && k.group == "" {
		return nil // at the limit of some group, and the kernel did not say of which
	}
	if k.scope == "group" {
		for group := range v.groups {
			if group == k.group || strings.HasPrefix(group, strings.TrimSuffix(k.group, "/")+"/") {
				return true
			}
		}
	} else if _, ok := v.names[k.process]; ok {
		return true
	}
	if v.seen {
		return false
	}
	return nil
}

// memoryGroup is the path of the control group that limits a process's memory.
func (s system) memoryGroup(pid int) (string, bool) {
	data, err := s.read(strconv.Itoa(pid), "cgroup")
	if err != nil {
		return "", false
	}
	unified, found := "", false
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for _, controller := range strings.Split(parts[1], ",") {
			if controller == "memory" {
				return parts[2], true
			}
		}
		if parts[1] == "" {
			unified, found = parts[2], true
		}
	}
	return unified, found
}
