package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/report"
)

// A report can be asked for at any point of an incident, and so can its page.
func TestEveryPointOfAStoryCanBeReported(t *testing.T) {
	t.Parallel()
	for _, s := range []*story{recoveredStory(t), unclearStory(t)} {
		for n := 1; n <= len(s.events); n++ {
			i := (&story{t: t, id: s.id, events: s.events[:n]}).fold()
			p := report.NewPostmortem(i, report.Seal{})
			require.NotEmpty(t, p.Markdown())
			_, err := p.HTML()
			require.NoError(t, err)
			for _, style := range []report.Style{{}, {Width: 70, Full: true}, {Width: 200}} {
				var b bytes.Buffer
				require.NoError(t, report.WriteIncident(&b, i, day("23:00:00"), style))
				require.NoError(t, report.WriteIncidents(&b, []incident.Incident{i}, day("23:00:00"), style))
				for _, line := range strings.Split(b.String(), "\n") {
					width := map[int]int{0: 80, 70: 70, 200: 110}[style.Width]
					require.LessOrEqual(t, len([]rune(line)), width, line)
				}
			}
		}
	}
}

func TestColourOfIncidentsIsOnlyColour(t *testing.T) {
	t.Parallel()
	draw := func(s report.Style) string {
		var b bytes.Buffer
		for _, i := range []incident.Incident{recovered(t), unclear(t)} {
			require.NoError(t, report.WriteIncident(&b, i, day("23:20:00"), s))
			require.NoError(t, report.WriteIncidents(&b, []incident.Incident{i}, day("23:20:00"), s))
		}
		return b.String()
	}
	colored := draw(report.Style{Color: true})
	require.Contains(t, colored, "\x1b[")
	for _, code := range []string{"1", "2", "31;1", "33;1", "32;1", "36", "0"} {
		colored = strings.ReplaceAll(colored, "\x1b["+code+"m", "")
	}
	require.Equal(t, draw(report.Style{}), colored)
}

func stretches(p report.Postmortem) map[string]string {
	out := map[string]string{}
	for _, s := range p.Stretches {
		out[s.Name] = s.Text()
		if !s.Known {
			out[s.Name] += ": " + s.Why
		}
	}
	return out
}

func TestHowLongItTook(t *testing.T) {
	t.Parallel()
	p := report.NewPostmortem(recovered(t), seal)
	require.Equal(t, map[string]string{
		"Time to detect": "14 min 40 s", "Time to diagnose": "1 min 26 s", "Time to recover": "10 min 8 s", "Time to resolve": "30 min 20 s",
	}, stretches(p))
	var took time.Duration
	share := 0.0
	for _, phase := range p.Phases {
		took += phase.Took
		share += phase.Share
	}
	require.Equal(t, day("14:41:00").Sub(day("13:56:00")), took)
	require.InDelta(t, 1, share, 1e-9)

	p = report.NewPostmortem(unclear(t), seal)
	require.Equal(t, map[string]string{
		"Time to detect": "16 min 11 s", "Time to diagnose": "unknown: no cause was identified",
		"Time to recover": "unknown: no recovery was verified", "Time to resolve": "unknown: it is not resolved",
	}, stretches(p))
	require.Empty(t, p.Phases)
}

// A step in a series that comes after somebody noticed is not what they noticed.
func TestWhatBeganLaterIsNotTheBeginning(t *testing.T) {
	t.Parallel()
	s := &story{t: t, id: "INC-9"}
	s.at("13:50:00", incident.KindOpened, "carol", "", incident.Opened{Title: "slow", Services: []string{"checkout"}})
	s.at("14:12:00", incident.KindDiagnosed, "quell", "", round(t, day("14:12:00"), map[string]evidence.Answer{
		"p95": one(shape(day("13:42:00"), day("14:12:00"), 0.1, ramp(0.2, 4, 20, 22))),
	}))
	p := report.NewPostmortem(s.fold(), report.Seal{})
	require.Equal(t, "unknown: no series shows when it began", stretches(p)["Time to detect"])
	require.False(t, p.Moments[0].Known)
	require.Equal(t, "unknown", p.Impact.Measures[0].Usual, "without a beginning nothing says what was usual")
}

func TestOnlyWhatWasMeasuredIsImpact(t *testing.T) {
	t.Parallel()
	i := report.NewPostmortem(recovered(t), seal).Impact
	require.Empty(t, i.Missing)
	require.Equal(t, []report.Measured{
		{Kind: "errors", Name: "error ratio", From: "prometheus", Usual: "0.06 %", Worst: "5.97 %", At: "14:06:45", Last: "4.9 %", Cites: []int{1}},
		{Kind: "waiting work", Name: "waiting", From: "prometheus", Usual: "0", Worst: "43.9", At: "14:06:45", Last: "37.6", Cites: []int{2}},
		{Kind: "latency", Name: "p95", From: "prometheus", Usual: "180 ms", Worst: "7.33 s", At: "14:06:45", Last: "6.74 s", Cites: []int{3}},
	}, i.Measures)
	i = report.NewPostmortem(unclear(t), seal).Impact
	require.Equal(t, []string{"errors", "waiting work"}, i.Missing)
	require.False(t, i.Lasted.Known)

	s := &story{t: t, id: "INC-9"}
	s.at("13:50:00", incident.KindOpened, "carol", "", incident.Opened{Title: "slow"})
	i = report.NewPostmortem(s.fold(), report.Seal{}).Impact
	require.Equal(t, []string{"errors", "latency", "waiting work"}, i.Missing)
	require.Empty(t, i.Felt)
}

// The charts show what a later round saw as well.
func TestAChartGoesOnWithLaterRounds(t *testing.T) {
	t.Parallel()
	p := report.NewPostmortem(recovered(t), seal)
	for _, f := range p.Figures {
		require.NotEmpty(t, f.Chart.Marks, f.Name)
		if f.From != "prometheus" {
			continue
		}
		for _, l := range f.Chart.Lines {
			last := l.Points[len(l.Points)-1]
			require.Equal(t, day("14:35:00").Unix(), int64(last.T), f.Name)
			for n := 1; n < len(l.Points); n++ {
				require.Greater(t, l.Points[n].T, l.Points[n-1].T)
			}
		}
	}
	require.Len(t, p.Figures, 5)
}

// Each action item says how one will know that it is done.
func TestEveryActionItemCanBeTested(t *testing.T) {
	t.Parallel()
	for _, i := range []incident.Incident{recovered(t), unclear(t)} {
		list := report.NewPostmortem(i, seal).Actions
		require.NotEmpty(t, list)
		for _, a := range list {
			require.NotEmpty(t, a.Test, a.Title)
			require.NotEmpty(t, a.Code, a.Title)
			require.NotEmpty(t, a.Title)
		}
	}
}
