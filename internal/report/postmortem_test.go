package report_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/report"
)

var seal = report.Seal{Entries: 412, Head: "9f2b7c1d3e5a6b8c0d1e2f3a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e"}

func TestReports(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		incident incident.Incident
		seal     report.Seal
	}{
		"recovered": {recovered(t), seal},
		"unclear":   {unclear(t), report.Seal{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := report.NewPostmortem(c.incident, c.seal)
			golden(t, name+".md", p.Markdown())
			page, err := p.HTML()
			require.NoError(t, err)
			golden(t, name+".html", page)
			again, err := report.NewPostmortem(c.incident, c.seal).HTML()
			require.NoError(t, err)
			require.Equal(t, string(page), string(again))
		})
	}
}
