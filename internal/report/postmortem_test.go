package report_test

import (
	"bytes"
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

func TestIncidentsOnATerminal(t *testing.T) {
	t.Parallel()
	now := day("23:20:00")
	for name, style := range map[string]report.Style{"list.txt": {Width: 100}, "list_narrow.txt": {}} {
		var text bytes.Buffer
		require.NoError(t, report.WriteIncidents(&text, []incident.Incident{unclear(t), recovered(t)}, now, style))
		golden(t, name, text.Bytes())
	}
	for name, i := range map[string]incident.Incident{"recovered_show.txt": recovered(t), "unclear_show.txt": unclear(t)} {
		var text bytes.Buffer
		require.NoError(t, report.WriteIncident(&text, i, now, report.Style{}))
		golden(t, name, text.Bytes())
	}
	var text bytes.Buffer
	require.NoError(t, report.WriteIncidents(&text, nil, now, report.Style{}))
	require.Equal(t, "There are no incidents. `quell diagnose --save` opens one.\n", text.String())
}
