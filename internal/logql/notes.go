package logql

import (
	"fmt"
	"sort"
	"strings"
)

// notes says what the pipeline skipped or read otherwise than asked.
func (p *pipeline) notes() []string {
	var out []string
	for _, name := range sortedNames(p.counts.Broken) {
		out = append(out, fmt.Sprintf("%s not be read by %q and %s left out of %d",
			count(p.counts.Broken[name], "line could", "lines could"), name, was(p.counts.Broken[name]), p.counts.Selected))
	}
	for _, format := range sortedNames(p.counts.Fallback) {
		n := p.counts.Fallback[format]
		what := "their own fields were read"
		if format == string(Plain) {
			what = "only level, message and status were read from them"
		}
		out = append(out, fmt.Sprintf("%d of %s in another format than the query asks for: %s (%s)",
			n, count(p.counts.Selected, "line", "lines"), what, format))
	}
	return out
}

// anyHas reports whether a series has the label.
func (j *rangeJob) anyHas(name string) bool {
	for _, s := range j.series {
		if s.labels[name] != "" {
			return true
		}
	}
	return false
}

func (j *rangeJob) notes() []string {
	out := j.pipe.notes()
	for _, name := range j.asked {
		if len(j.series) > 0 && !j.anyHas(name) {
			out = append(out, fmt.Sprintf("no line has the label %s, by which is grouped", name))
		}
	}
	if n := j.pipe.counts.Unusable; n > 0 {
		out = append(out, fmt.Sprintf("the label %s was no number in %s, which %s left out",
			j.node.Unwrap.Label, count(n, "line", "lines"), was(n)))
	}
	return out
}

// hint says, for a selector that took no line, which values its labels had; and
// for stages that let nothing through, at which one the lines ended.
func (p *pipeline) hint() string {
	if p.counts.Selected == 0 {
		for _, m := range p.matchers {
			values := sortedNames(m.seen)
			if len(values) == 0 {
				return fmt.Sprintf("no line has the label %[1]s: say it with --label %[1]s=…, or on the target with labels: {%[1]s: …}", m.Name)
			}
			matched := false
			for _, v := range values {
				matched = matched || m.test([]byte(v))
			}
			if !matched {
				return fmt.Sprintf("%s is one of: %s", m.Name, strings.Join(values, ", "))
			}
		}
		return ""
	}
	if p.counts.Matched > 0 {
		return ""
	}
	before := p.counts.Selected
	for i, n := range p.counts.Passed {
		if n == 0 {
			return fmt.Sprintf("none of %s passed %s", count(before, "line", "lines"), p.names[i])
		}
		before = n
	}
	return ""
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}
