package config

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/approval"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/policy"
)

var policyKeys = []string{"zone", "approvers", "expires", "risk", "rules", "limits", "freeze", "autonomy", "auto", "stop"}

// policy reads who must approve what. Services and targets are read before it,
// since it names them; within it, the zone and the people come first.
func (r *reader) policy(section pair) {
	pairs, _ := r.pairs(section.value, "policy")
	keys := map[string]pair{}
	for _, p := range pairs {
		if !contains(policyKeys, p.name) {
			r.unknown(p, "policy", slices.Clone(policyKeys))
			continue
		}
		if p.value.Tag != "!!null" {
			keys[p.name] = p
		}
	}
	out := &r.config.Policy
	out.At = map[string]string{}
	read := func(name string, with func(pair)) {
		if p, ok := keys[name]; ok {
			out.At[name] = r.place(p.key)
			with(p)
		}
	}
	zone := time.UTC
	read("zone", func(p pair) { zone = r.zone(p) })
	read("approvers", r.approvers)
	read("expires", func(p pair) { out.Expires = r.lasting(p, time.Second, 24*time.Hour) })
	read("risk", r.risks)
	read("rules", r.rules)
	read("limits", func(p pair) { out.Limits = r.changeLimits(p) })
	read("freeze", func(p pair) { r.freeze(p, zone) })
	read("autonomy", r.autonomy)
	read("auto", r.auto)
	read("stop", r.stop)
}

// place is where something stands, as the decisions of a policy show it.
func (r *reader) place(n *yaml.Node) string {
	return fmt.Sprintf("%s:%d:%d", r.path, n.Line, n.Column)
}

// approvers reads a list of names, or names with their public keys.
func (r *reader) approvers(section pair) {
	if section.value.Kind != yaml.MappingNode {
		for _, i := range r.list(section) {
			r.approver(i, nil)
		}
	} else {
		pairs, _ := r.pairs(section.value, "approvers")
		for _, p := range pairs {
			r.approver(item{p.name, p.key}, r.publicKey(p))
		}
	}
	list := r.config.Policy.Approvers
	keyless := slices.IndexFunc(list, func(a policy.Approver) bool { return a.Key == nil })
	if keyless >= 0 && slices.ContainsFunc(list, func(a policy.Approver) bool { return a.Key != nil }) {
		r.odd(section.key, "%s has no key here, as others have: whoever applies a plan can sign as %s", list[keyless].Name, list[keyless].Name)
	}
	if len(list) == 1 {
		r.odd(section.key, "%s is the only approver: nobody can approve what needs two, or what %s asked for", list[0].Name, list[0].Name)
	}
}

func (r *reader) approver(i item, key ed25519.PublicKey) {
	name, err := approval.Person(i.text)
	if err != nil {
		r.wrong(i.node, "%s", err)
		return
	}
	for _, a := range r.config.Policy.Approvers {
		switch {
		case a.Name == name:
			r.wrong(i.node, "%s stands twice: first at %s", name, a.At)
			return
		case key != nil && key.Equal(a.Key):
			r.wrong(i.node, "%s has the key of %s: that is one person", name, a.Name)
			return
		}
	}
	r.config.Policy.Approvers = append(r.config.Policy.Approvers, policy.Approver{Name: name, Key: key, At: r.place(i.node)})
}

// publicKey reads what stands behind the name of an approver: nothing, or a key.
func (r *reader) publicKey(p pair) ed25519.PublicKey {
	if p.value.Tag == "!!null" {
		return nil
	}
	var key ed25519.PublicKey
	pairs, _ := r.pairs(p.value, "approver "+p.name)
	for _, q := range pairs {
		if q.name != "key" {
			r.unknown(q, "approver "+p.name, []string{"key"})
			continue
		}
		text, ok := r.text(q)
		if !ok {
			continue
		}
		var err error
		if key, err = approval.ParseKey(text); err != nil {
			r.wrong(q.value, "key: %s", err)
		}
	}
	return key
}

// risks reads what each class needs. A graver class that needs less is a
// mistake: decisions would raise it, and the file would say something else.
func (r *reader) risks(section pair) {
	out := map[action.Risk]policy.Need{}
	nodes := map[action.Risk]pair{}
	pairs, _ := r.pairs(section.value, "risk")
	for _, p := range pairs {
		class := action.Risk(p.name)
		if !slices.Contains(action.Risks(), class) {
			r.unknown(p, "risk", words(action.Risks()))
			continue
		}
		need := oneOf(r, p, policy.Needs())
		if need != "" && need.More(policy.LeastNeed(class)) != need {
			r.wrong(p.value, "%s needs at least %s: nothing of that risk is done without a person", class, policy.LeastNeed(class))
			need = ""
		}
		out[class], nodes[class] = need, p
		r.config.Policy.At["risk."+p.name] = r.place(p.key)
	}
	so := policy.Need("")
	for _, class := range action.Risks() {
		need := out[class]
		if p, written := nodes[class]; written && need != "" && need.More(so) != need {
			r.wrong(p.value, "%s needs %s, which is less than a lesser class needs (%s)", class, need, so)
		} else if !written {
			need = policy.DefaultNeed(class)
		}
		so = so.More(need)
	}
	r.config.Policy.Risk = out
}

var changeLimitKeys = []string{"per_hour", "all_per_hour", "blast", "blast_per_hour"}

const mostPerHour, mostBlast = 10_000, 1_000_000_000

// changeLimits reads how much may be changed.
func (r *reader) changeLimits(section pair) policy.Limits {
	var l policy.Limits
	pairs, _ := r.pairs(section.value, "limits")
	for _, p := range pairs {
		r.config.Policy.At["limits."+p.name] = r.place(p.key)
		if p.name == "all_per_hour" {
			l.AllPerHour = r.whole(p, 1, mostPerHour)
		} else if !r.changeLimit(p, &l) {
			r.unknown(p, "limits of policy", slices.Clone(changeLimitKeys))
		}
	}
	return l
}

// changeLimit reads a limit that rules may set too.
func (r *reader) changeLimit(p pair, l *policy.Limits) bool {
	switch p.name {
	case "per_hour":
		l.PerHour = r.whole(p, 1, mostPerHour)
	case "blast":
		l.Blast = int64(r.whole(p, 1, mostBlast))
	case "blast_per_hour":
		l.BlastPerHour = int64(r.whole(p, 1, mostBlast))
	default:
		return false
	}
	return true
}

func (r *reader) autonomy(section pair) {
	pairs, _ := r.pairs(section.value, "autonomy")
	for _, p := range pairs {
		r.names(item{p.name, p.key}, "action", r.actions())
		r.config.Policy.Autonomy = append(r.config.Policy.Autonomy, policy.Grade{
			Action: p.name, Autonomy: oneOf(r, p, policy.Autonomies()), At: r.place(p.key),
		})
	}
}

func (r *reader) auto(section pair) {
	pairs, _ := r.pairs(section.value, "auto")
	for _, p := range pairs {
		switch p.name {
		case "after":
			r.config.Policy.Auto.After = r.whole(p, 1, 1000)
		case "within":
			r.config.Policy.Auto.Within = r.lasting(p, time.Hour, 730*24*time.Hour)
		default:
			r.unknown(p, "auto", []string{"after", "within"})
		}
	}
}

// stop reads the kill switch: true, false, or the reason.
func (r *reader) stop(p pair) {
	text, ok := r.text(p)
	if ok && !(p.value.Tag == "!!bool" && strings.EqualFold(text, "false")) {
		r.config.Policy.Stop = text
	}
}

// lasting reads a duration as playbooks write it, days too.
func (r *reader) lasting(p pair, least, longest time.Duration) time.Duration {
	d, err := expr.ParseDuration(p.value.Value)
	if p.value.Kind != yaml.ScalarNode || err != nil || d < least || d > longest {
		r.wrong(p.value, "%s is a duration like 15m, from %s to %s, not %s", p.name, expr.FormatDuration(least), expr.FormatDuration(longest), kindOf(p.value))
		return 0
	}
	return d
}

// oneOf reads one of a few words.
func oneOf[T ~string](r *reader, p pair, list []T) T {
	if p.value.Kind == yaml.ScalarNode && slices.Contains(list, T(p.value.Value)) {
		return T(p.value.Value)
	}
	r.wrong(p.value, "%s is one of %s, not %s", p.name, strings.Join(words(list), ", "), kindOf(p.value))
	return ""
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}
