package playbook

import (
	"slices"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/probe"
)

// Vocabulary is what playbooks may speak of: the kinds of systems there are,
// with their fence languages, built-in questions and actions, and the lines of
// logs that have a name. Wiring fills the kinds from the list of connectors;
// the signatures stand beside the playbooks, and Load reads them.
type Vocabulary struct {
	Kinds      []connector.Kind
	Signatures []Signature // by name

	badSignatures bool // some could not be read: names that are missing are not reported
}

// KindNames lists what may stand in `needs`: kinds, and the places that kinds
// can take.
func (v Vocabulary) KindNames() []string {
	var names []string
	for _, k := range v.Kinds {
		names = append(names, k.Name)
		names = append(names, k.Serves...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Filling lists the kinds that can fill a role of the named kind: the kind
// itself first, then those that can take its place.
func (v Vocabulary) Filling(name string) []connector.Kind {
	var own, others []connector.Kind
	for _, k := range v.Kinds {
		switch {
		case k.Name == name:
			own = append(own, k)
		case slices.Contains(k.Serves, name):
			others = append(others, k)
		}
	}
	return append(own, others...)
}

// Languages lists the names of all fence languages, sorted.
func (v Vocabulary) Languages() []string {
	names := []string{probeLanguage}
	for _, k := range v.Kinds {
		for _, l := range k.Languages {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// probeLanguage is the fence language of built-in questions.
const probeLanguage = "probe"

// actionLanguage is the fence language of changes.
const actionLanguage = "action"

// Language returns the fence language as the role's kind has it, or failing
// that a kind that can take its place.
func (v Vocabulary) Language(roleKind, name string) (connector.Language, bool) {
	for _, k := range v.Filling(roleKind) {
		for _, l := range k.Languages {
			if l.Name == name {
				return l, true
			}
		}
	}
	return connector.Language{}, false
}

// Speaking lists the kinds that answer a fence language, sorted.
func (v Vocabulary) Speaking(language string) []string {
	var names []string
	for _, k := range v.Kinds {
		for _, l := range k.Languages {
			if l.Name == language {
				names = append(names, k.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Builtin returns the built-in question of a full name: "postgres.lock_roots".
func (v Vocabulary) Builtin(name string) (probe.Spec, bool) {
	for _, k := range v.Kinds {
		for _, s := range k.Probes {
			if s.Name == name {
				return s, true
			}
		}
	}
	return probe.Spec{}, false
}

// Builtins lists the built-in questions that a role of the named kind answers,
// or all where the name is empty.
func (v Vocabulary) Builtins(roleKind string) []string {
	kinds := v.Kinds
	if roleKind != "" {
		kinds = v.Filling(roleKind)
	}
	var names []string
	for _, k := range kinds {
		for _, s := range k.Probes {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Action returns the action of a full name: "postgres.terminate".
func (v Vocabulary) Action(name string) (action.Spec, bool) {
	for _, k := range v.Kinds {
		for _, s := range k.Actions {
			if s.Name == name {
				return s, true
			}
		}
	}
	return action.Spec{}, false
}

// Actions lists the actions that a role of the named kind knows, or all where
// the name is empty.
func (v Vocabulary) Actions(roleKind string) []string {
	kinds := v.Kinds
	if roleKind != "" {
		kinds = v.Filling(roleKind)
	}
	var names []string
	for _, k := range kinds {
		for _, s := range k.Actions {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
