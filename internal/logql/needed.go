package logql

import "strings"

// needed is the set of labels that the stages of a query look at, so that
// parsers need not make the others; nil where a template looks at all of them.
func needed(log *Log, more ...string) map[string]bool {
	rules, want := log.rules(), map[string]bool{}
	add := func(name string) {
		if name == "" {
			return
		}
		want[name] = true
		want[strings.TrimSuffix(name, "_extracted")] = true
		if !rules.aliases {
			return
		}
		for _, alias := range aliases(name) {
			want[alias] = true
		}
	}
	for _, name := range more {
		add(name)
	}
	everything := false
	template := func(text string) {
		t, err := rules.compileTemplate(text)
		everything = everything || err != nil || t.everything
		for _, field := range t.fields {
			add(field)
		}
	}
	for _, stage := range log.Stages {
		switch s := stage.(type) {
		case *Unwrap:
			add(s.Label)
		case *LabelFilter:
			eachCompare(s.Cond, func(c *Compare) {
				for _, name := range c.labels() {
					add(name)
				}
			})
		case *LineFormat:
			template(s.Template)
		case *LabelFormat:
			for _, set := range s.Sets {
				add(set.Name)
				add(set.From)
				template(set.Template)
			}
		case *Select:
			for _, m := range s.Labels {
				add(m.Name)
			}
		}
	}
	if everything {
		return nil
	}
	return want
}
