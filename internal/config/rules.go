package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/approval"
	"github.com/quellhq/quell/internal/policy"
)

var (
	matchKeys = []string{"service", "environment", "target", "action", "risk"}
	ruleKeys  = []string{"approval", "approvers", "expires", "autonomy", "per_hour", "blast", "blast_per_hour", "why"}
)

// entries reads a list of mappings, such as rules.
func (r *reader) entries(section pair, each func(n *yaml.Node, pairs []pair)) {
	if section.value.Kind != yaml.SequenceNode {
		r.wrong(section.value, "%s is a list of {…}, not %s", section.name, kindOf(section.value))
		return
	}
	for _, n := range section.value.Content {
		if pairs, ok := r.pairs(n, "an entry of "+section.name); ok {
			each(n, pairs)
		}
	}
}

func (r *reader) rules(section pair) {
	r.entries(section, func(n *yaml.Node, pairs []pair) {
		rule := policy.Rule{At: r.place(n)}
		says := false
		for _, p := range pairs {
			if r.condition(p, &rule.Match) {
				continue
			}
			says = says || p.name != "why"
			if !r.ruling(p, &rule) {
				r.unknown(p, "a rule", append(slices.Clone(matchKeys), ruleKeys...))
			}
		}
		if !says {
			r.wrong(n, "a rule that says nothing of what it matches: give it one of %s", strings.Join(ruleKeys[:len(ruleKeys)-1], ", "))
		}
		r.possible(n, rule)
		r.config.Policy.Rules = append(r.config.Policy.Rules, rule)
	})
}

// ruling reads what a rule says of the changes that it matches.
func (r *reader) ruling(p pair, rule *policy.Rule) bool {
	switch p.name {
	case "approval":
		rule.Need = oneOf(r, p, policy.Needs())
	case "approvers":
		rule.Approvers = r.someApprovers(p)
	case "expires":
		rule.Expires = r.lasting(p, time.Second, 24*time.Hour)
	case "autonomy":
		rule.Autonomy = oneOf(r, p, policy.Autonomies())
	case "why":
		rule.Why, _ = r.text(p)
	default:
		return r.changeLimit(p, &rule.Limits)
	}
	return true
}

// possible refuses what a rule says in vain.
func (r *reader) possible(n *yaml.Node, rule policy.Rule) {
	if len(rule.Risk) == 0 || slices.ContainsFunc(rule.Risk, func(c action.Risk) bool { return policy.LeastNeed(c) == policy.Nobody }) {
		return
	}
	if rule.Need == policy.Nobody {
		r.wrong(n, "R3 and R4 need at least %s: nothing of that risk is done without a person", policy.Anyone)
	}
	if rule.Autonomy == policy.Auto {
		r.wrong(n, "R3 and R4 are never automatic")
	}
}

func (r *reader) someApprovers(p pair) []string {
	var known, out []string
	for _, a := range r.config.Policy.Approvers {
		known = append(known, a.Name)
	}
	for _, i := range r.list(p) {
		name, err := approval.Person(i.text)
		switch {
		case err != nil:
			r.wrong(i.node, "%s", err)
		case !contains(known, name):
			r.wrong(i.node, "%s is none of the approvers of the policy: add them there", name)
		default:
			out = append(out, name)
		}
	}
	return out
}

// condition reads one condition of a rule or a window; false where p is none.
func (r *reader) condition(p pair, m *policy.Match) bool {
	switch p.name {
	case "service":
		m.Service = r.patterns(p, r.serviceNames())
	case "environment":
		m.Environment = r.patterns(p, r.environments())
	case "target":
		m.Target = r.patterns(p, r.targetNames())
	case "action":
		m.Action = r.patterns(p, r.actions())
	case "risk":
		m.Risk = r.classes(p)
	default:
		return false
	}
	return true
}

func (r *reader) classes(p pair) []action.Risk {
	var out []action.Risk
	for _, i := range r.list(p) {
		class := action.Risk(i.text)
		if !slices.Contains(action.Risks(), class) {
			r.wrong(i.node, "%q is no risk: there are %s", i.text, strings.Join(words(action.Risks()), ", "))
			continue
		}
		out = append(out, class)
	}
	return out
}

// patterns reads a list of names in which * stands for any letters. An empty
// list would match everything, which nobody means who writes one.
func (r *reader) patterns(p pair, known []string) []string {
	var out []string
	list := r.list(p)
	for _, i := range list {
		if r.names(i, p.name, known) {
			out = append(out, i.text)
		}
	}
	if p.value.Kind == yaml.SequenceNode && len(list) == 0 {
		r.wrong(p.value, "%s is empty: leave it out where it does not matter", p.name)
	}
	return out
}

var properPattern = regexp.MustCompile(`^[A-Za-z0-9._*-]+$`)

// names checks a pattern against what there is. One that fits nothing is a
// misspelling where there is something like it, and else only odd: a policy may
// be written before the service is.
func (r *reader) names(i item, what string, known []string) bool {
	if !properPattern.MatchString(i.text) {
		r.wrong(i.node, "%q is no name of a %s, nor a pattern: use letters, digits, dot, dash, underscore, and * for any of them", i.text, what)
		return false
	}
	if len(known) == 0 && what == "action" || slices.ContainsFunc(known, func(n string) bool { return policy.Glob(i.text, n) }) {
		return true
	}
	if guess := nearest(i.text, known); guess != "" {
		r.wrong(i.node, "there is no %s %q: did you mean %s?", what, i.text, guess)
		return false
	}
	r.odd(i.node, "no %s is called %q: this matches nothing", what, i.text)
	return true
}

func (r *reader) serviceNames() []string {
	var names []string
	for _, s := range r.config.Services {
		names = append(names, s.Name)
	}
	return names
}

func (r *reader) environments() []string {
	var names []string
	for _, s := range r.config.Services {
		if s.Environment != "" && !contains(names, s.Environment) {
			names = append(names, s.Environment)
		}
	}
	return names
}

// actions are the types of changes that the connectors know.
func (r *reader) actions() []string {
	var names []string
	for _, k := range r.kinds {
		for _, a := range k.Actions {
			names = append(names, a.Name)
		}
	}
	return names
}
