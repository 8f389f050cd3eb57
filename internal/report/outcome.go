package report

import (
	"fmt"

	"github.com/quellhq/quell/internal/incident"
)

// Outcome is how a run over a plan ended, in a line.
func Outcome(end incident.Finished, color bool) string {
	mark, code := "●", red
	switch end.Outcome {
	case incident.Recovered, incident.Subsided:
		mark, code = "✓", green
	case incident.Waiting, incident.NeedsPerson:
		mark, code = "?", yellow
	}
	return Style{Color: color}.paint(code, fmt.Sprintf("%s %s", mark, end.Outcome)) + ": " + end.Text
}
