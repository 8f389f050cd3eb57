package fault

import (
	"fmt"
	"slices"
	"strings"
)

// All are the faults, group by group, in the order in which they are tried.
func All() []Fault {
	all := slices.Concat(
		startup(), deploy(), workers(), resources(), database(), redis(), cache(), sessions(), jobs(), gateway(), observability(),
		doubles(), herrings(), healthy(), recovered(),
	)
	for i := range all {
		if all[i].Kind == "" {
			all[i].Kind = Single
		}
	}
	return all
}

// Find is the fault of a name. Errors: there is none; it says which come near.
func Find(name string) (Fault, error) {
	var near []string
	for _, f := range All() {
		if f.Name == name {
			return f, nil
		}
		for _, word := range strings.Split(name, "-") {
			if strings.Contains(f.Name, word) && !slices.Contains(near, f.Name) {
				near = append(near, f.Name)
			}
		}
	}
	if len(near) > 0 {
		return Fault{}, fmt.Errorf("no fault is called %q: there is %s", name, strings.Join(near, ", "))
	}
	return Fault{}, fmt.Errorf("no fault is called %q: `go run ./lab list` names all", name)
}
