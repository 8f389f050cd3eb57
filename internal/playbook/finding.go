package playbook

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says whether a finding stops a load.
type Severity string

// The two severities. An error stops the load of the whole directory, a
// warning does not.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one mistake in a playbook: where, what is wrong, and what was meant.
type Finding struct {
	Pos      Pos      `json:"pos"`
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"` // the kind of mistake, a stable word: "unknown-key"
	Text     string   `json:"text"` // one line
}

// String is the line that lint prints: file:line:column: what is wrong.
func (f Finding) String() string {
	if f.Severity == Warning {
		return fmt.Sprintf("%s: warning: %s", f.Pos, f.Text)
	}
	return fmt.Sprintf("%s: %s", f.Pos, f.Text)
}

// String is path:line:column.
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.Path, p.Line, p.Col) }

// HasErrors reports whether any finding stops a load.
func HasErrors(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error })
}

// maxFindings bounds the findings kept of one file: who has more has one
// mistake with many consequences.
const maxFindings = 100

// sorted orders findings by place, drops repeats, and bounds them per file.
func sorted(findings []Finding) []Finding {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Pos.Path, b.Pos.Path),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Text, b.Text))
	})
	findings = slices.Compact(findings)
	perFile := map[string]int{}
	var errorsCut map[string]bool
	out := findings[:0:0]
	for _, f := range findings {
		perFile[f.Pos.Path]++
		switch n := perFile[f.Pos.Path]; {
		case n <= maxFindings:
			out = append(out, f)
		case f.Severity == Error && !errorsCut[f.Pos.Path]:
			// What is cut off must not turn an unloadable file into a loadable one.
			if errorsCut == nil {
				errorsCut = map[string]bool{}
			}
			errorsCut[f.Pos.Path] = true
			f.Rule, f.Text = "too-many", fmt.Sprintf("more than %d findings: the rest is not shown", maxFindings)
			out = append(out, f)
		}
	}
	return out
}
