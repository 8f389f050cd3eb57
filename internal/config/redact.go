package config

import "github.com/quellhq/quell/internal/secret"

// redact reads what is masked besides what Quell knows by itself: patterns, and
// references to secrets that no target uses.
func (r *reader) redact(section pair) {
	for _, rule := range r.list(section) {
		if isReference(rule.text) {
			if _, err := r.refs.resolve(rule.text, true); err != nil {
				r.wrong(rule.node, "redact: %s", err)
			}
			continue
		}
		var m secret.Masking
		if err := m.Rule(rule.text); err != nil {
			r.wrong(rule.node, "redact: %s", err)
			continue
		}
		r.config.Redact = append(r.config.Redact, rule.text)
	}
}
