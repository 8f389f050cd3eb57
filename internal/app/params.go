package app

import (
	"errors"
	"fmt"
	"sort"

	"github.com/quellhq/quell/internal/playbook"
)

// parameters gives every playbook the values of its parameters: what the setup
// says for it, else what it says for all, else the playbook's own defaults. The
// error joins everything that is wrong, each with its place.
func parameters(l Library, setup Setup) (map[string]map[string]any, error) {
	var wrong []error
	at := func(id, name string, err error) {
		if place := setup.ParamAt[id+"#"+name]; place != "" {
			err = fmt.Errorf("%s: %w", place, err)
		}
		wrong = append(wrong, err)
	}
	out := map[string]map[string]any{}
	used := map[string]bool{}
	var names []string
	for _, p := range l.Book.Playbooks {
		overrides := map[string]any{}
		for _, param := range p.Params {
			names = append(names, param.Name)
			if v, ok := setup.Params[""][param.Name]; ok {
				used[param.Name] = true
				if _, err := playbook.ParamValue(param.Type, v); err != nil {
					at("", param.Name, fmt.Errorf("parameter %s of playbook %s: %w", param.Name, p.ID, err))
					continue
				}
				overrides[param.Name] = v
			}
		}
		for name, v := range setup.Params[p.ID] {
			overrides[name] = v
			if _, err := p.Values(map[string]any{name: v}); err != nil {
				at(p.ID, name, err)
				delete(overrides, name)
			}
		}
		values, err := p.Values(overrides)
		if err != nil {
			wrong = append(wrong, err)
		}
		out[p.ID] = values
	}
	if len(l.Broken) == 0 {
		// Otherwise the names may be those of playbooks that were left out.
		for name := range setup.Params[""] {
			if !used[name] {
				at("", name, fmt.Errorf("no playbook has a parameter %q%s", name, playbook.Suggest(name, names)))
			}
		}
		for id, params := range setup.Params {
			for name := range params {
				if id != "" && l.Book.Playbook(id) == nil {
					at(id, name, l.Book.Unknown(id))
				}
			}
		}
	}
	sort.SliceStable(wrong, func(i, j int) bool { return wrong[i].Error() < wrong[j].Error() })
	return out, errors.Join(wrong...)
}
