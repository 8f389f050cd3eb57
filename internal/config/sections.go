package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/quellhq/quell/internal/connector"
)

// file reads the whole document. Targets come first, since services name them.
func (r *reader) file(root *yaml.Node) {
	pairs, ok := r.pairs(root, "the file")
	if !ok {
		return
	}
	sections := map[string]pair{}
	known := []string{"services", "targets", "limits", "playbooks", "params", "policy", "store", "redact"}
	for _, p := range pairs {
		if !contains(known, p.name) {
			r.unknown(p, "quell.yaml", known)
			continue
		}
		if p.value.Tag == "!!null" {
			continue // a heading without content says nothing
		}
		sections[p.name] = p
	}
	if p, ok := sections["limits"]; ok {
		r.limits = r.readLimits(p, connector.Limits{})
	}
	if p, ok := sections["targets"]; ok {
		r.targets(p)
	}
	if p, ok := sections["services"]; ok {
		r.services(p)
	}
	if p, ok := sections["playbooks"]; ok {
		for _, dir := range r.list(p) {
			path := dir.text
			if !filepath.IsAbs(path) {
				path = filepath.Join(r.config.Dir, path)
			}
			r.config.Playbooks = append(r.config.Playbooks, path)
		}
	}
	if p, ok := sections["params"]; ok {
		r.params(p)
	}
	if p, ok := sections["store"]; ok {
		r.store(p)
	}
	if p, ok := sections["policy"]; ok {
		r.policy(p)
	}
	if p, ok := sections["redact"]; ok {
		r.redact(p)
	}
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

var properName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func (r *reader) goodName(p pair, what string) bool {
	if !properName.MatchString(p.name) {
		r.wrong(p.key, "%q is no name for a %s: use letters, digits, dot, dash and underscore", p.name, what)
		return false
	}
	return true
}

func (r *reader) services(section pair) {
	pairs, _ := r.pairs(section.value, "services")
	var names []string
	for _, p := range pairs {
		names = append(names, p.name)
	}
	for _, p := range pairs {
		if r.goodName(p, "service") {
			r.service(p, names)
		}
	}
}

var serviceKeys = []string{"environment", "url", "health", "depends_on", "logs", "metrics", "runs_on", "processes", "operations"}

func (r *reader) service(p pair, services []string) {
	s := Service{Name: p.name, Line: p.key.Line}
	if p.value.Tag == "!!null" {
		r.wrong(p.key, "service %s says nothing: give it a url, or what it depends_on", p.name)
		return
	}
	pairs, ok := r.pairs(p.value, "service "+p.name)
	if !ok {
		return
	}
	var health *yaml.Node
	written := false // a url stands there, whether it can be used or not
	for _, key := range pairs {
		switch key.name {
		case "environment":
			if text, ok := r.text(key); ok {
				s.Environment = text
				if !properName.MatchString(text) {
					r.wrong(key.value, "environment is a name like production, not %q", text)
				}
			}
		case "url":
			s.URL, written = r.serviceURL(key), true
		case "health":
			if text, ok := r.text(key); ok {
				s.Health, health = text, key.value
				if !strings.HasPrefix(text, "/") {
					r.wrong(key.value, "health is a path like /health, not %q", text)
				}
			}
		case "depends_on":
			for _, i := range r.list(key) {
				if _, isTarget := r.target(i.text); !isTarget && contains(services, i.text) {
					s.Upstream = append(s.Upstream, i.text)
				} else if r.exists(i, services) {
					s.DependsOn = append(s.DependsOn, i.text)
				}
			}
		case "logs":
			s.Logs = r.serving(key, "logs")
		case "metrics":
			s.Metrics = r.serving(key, "prometheus")
		case "runs_on":
			s.Hosts = r.serving(key, "host")
		case "processes":
			s.Processes = r.serving(key, "process")
		case "operations":
			s.Operations = r.serving(key, "http")
		default:
			r.unknown(key, "service "+p.name, append([]string{}, serviceKeys...))
		}
	}
	if health != nil && !written {
		r.wrong(health, "health is a path below url, and service %s has no url", p.name)
	}
	if s.URL == "" && !written && len(s.Targets())+len(s.Upstream) == 0 {
		r.odd(p.key, "service %s names nothing that could be asked about it", p.name)
	}
	r.config.Services = append(r.config.Services, s)
}

func (r *reader) serviceURL(key pair) string {
	text, ok := r.text(key)
	if !ok {
		return ""
	}
	resolved, err := r.refs.resolve(text, false)
	if err != nil {
		r.odd(key.value, "url: %s: the service is looked at without it", err)
		return ""
	}
	u, err := url.Parse(resolved)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		r.wrong(key.value, "url is an address like http://127.0.0.1:8000")
		return ""
	}
	if u.User != nil {
		r.wrong(key.value, "url holds a user or a password: define a target of kind http with headers instead")
		return ""
	}
	return resolved
}

func (r *reader) target(name string) (Target, bool) {
	for _, t := range r.config.Targets {
		if t.Name == name {
			return t, true
		}
	}
	return Target{}, false
}

func (r *reader) targetNames() []string {
	var names []string
	for _, t := range r.config.Targets {
		names = append(names, t.Name)
	}
	return names
}

func (r *reader) exists(i item, services []string) bool {
	if _, ok := r.target(i.text); ok {
		return true
	}
	if guess := nearest(i.text, append(r.targetNames(), services...)); guess != "" {
		r.wrong(i.node, "there is no target %q: did you mean %s?", i.text, guess)
	} else {
		r.wrong(i.node, "there is no target %q: define it under targets", i.text)
	}
	return false
}

// serving reads a list of targets that must be able to take a kind's place.
func (r *reader) serving(key pair, kind string) []string {
	var out []string
	for _, i := range r.list(key) {
		if !r.exists(i, nil) {
			continue
		}
		t, _ := r.target(i.text)
		if t.Kind != "" && !r.serves(t.Kind, kind) {
			r.wrong(i.node, "%s is a %s, which does not serve %s", i.text, t.Kind, key.name)
			continue
		}
		out = append(out, i.text)
	}
	return out
}

func (r *reader) serves(kind, as string) bool {
	for _, k := range r.kinds {
		if k.Name == kind {
			return kind == as || contains(k.Serves, as)
		}
	}
	return false
}

// params reads overrides of playbooks' parameters: a plain value holds in all
// playbooks, a mapping in the playbook of that id.
func (r *reader) params(section pair) {
	pairs, _ := r.pairs(section.value, "params")
	for _, p := range pairs {
		if p.value.Kind != yaml.MappingNode {
			r.param("", p)
			continue
		}
		inner, _ := r.pairs(p.value, "params of "+p.name)
		for _, q := range inner {
			r.param(p.name, q)
		}
	}
}

func (r *reader) param(playbook string, p pair) {
	var value any
	if p.value.Kind == yaml.MappingNode || p.value.Tag == "!!null" || p.value.Decode(&value) != nil {
		r.wrong(p.value, "%s needs a value or a list, not %s", p.name, kindOf(p.value))
		return
	}
	if n, ok := value.(int); ok {
		value = int64(n)
	}
	if p.value.Tag == "!!timestamp" {
		value = p.value.Value
	}
	if r.config.Params[playbook] == nil {
		r.config.Params[playbook] = map[string]any{}
	}
	r.config.Params[playbook][p.name] = value
	r.config.ParamAt[playbook+"#"+p.name] = fmt.Sprintf("%s:%d:%d", r.path, p.key.Line, p.key.Column)
}
