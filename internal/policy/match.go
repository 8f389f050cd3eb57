package policy

import (
	"path"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/action"
)

// Subject is what a change is, as far as policy looks at it.
type Subject struct {
	Action      string      `json:"action"` // type: "postgres.terminate"
	Risk        action.Risk `json:"risk"`   // of this instance: the graver of type, preview and playbook
	Service     string      `json:"service"`
	Environment string      `json:"environment"` // of the service; empty where it has none
	Target      string      `json:"target"`
}

// risk is the subject's class; one that is not known counts as the worst.
func (s Subject) risk() action.Risk {
	if slices.Contains(action.Risks(), s.Risk) {
		return s.Risk
	}
	return action.R4
}

// Match is a set of conditions that must all hold; an empty one always holds.
// In names * stands for any run of letters.
type Match struct {
	Action, Service, Environment, Target []string // one of them
	Risk                                 []action.Risk
}

// Matches is whether s fulfils every condition.
func (m Match) Matches(s Subject) bool {
	return anyOf(m.Action, s.Action) && anyOf(m.Service, s.Service) &&
		anyOf(m.Environment, s.Environment) && anyOf(m.Target, s.Target) &&
		(len(m.Risk) == 0 || slices.Contains(m.Risk, s.risk()))
}

// String lists the conditions as they are written in the file.
func (m Match) String() string {
	var parts []string
	add := func(key string, values []string) {
		if len(values) > 0 {
			parts = append(parts, key+" "+strings.Join(values, ", "))
		}
	}
	add("environment", m.Environment)
	add("service", m.Service)
	add("target", m.Target)
	add("action", m.Action)
	risks := make([]string, len(m.Risk))
	for i, r := range m.Risk {
		risks[i] = string(r)
	}
	add("risk", risks)
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, "; ")
}

func anyOf(patterns []string, name string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return Glob(p, name) })
}

// Glob is whether name fits pattern, in which * stands for any run of letters.
// A pattern that cannot be read fits nothing.
func Glob(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
