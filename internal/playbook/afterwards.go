package playbook

import "github.com/quellhq/quell/internal/expr"

// Afterwards lists the expressions that are asked after a change: those of
// verifications and of the resolution checklist.
func (p *Playbook) Afterwards() []*expr.Program {
	var out []*expr.Program
	for _, c := range p.Conditions {
		for _, r := range c.Remedies {
			if r.Verify != nil {
				out = append(out, r.Verify.Program)
			}
		}
	}
	for _, i := range p.Resolved {
		if i.Program != nil {
			out = append(out, i.Program)
		}
	}
	return out
}

// Remedy returns the remedy whose heading has the anchor, with its condition.
func (p *Playbook) Remedy(anchor string) (*Condition, *Remedy) {
	for _, c := range p.Conditions {
		for i := range c.Remedies {
			if c.Remedies[i].Anchor == anchor {
				return c, &c.Remedies[i]
			}
		}
	}
	return nil, nil
}
