package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/change"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/onset"
	"github.com/quellhq/quell/internal/report"
)

func TestThePageTellsWhatHadChangedWhenItBegan(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	began := at.Add(-4 * time.Minute)
	log := change.Log{Kinds: []string{"deploy", "restart"}}
	for i := range 9 {
		log.Changes = append(log.Changes, change.Change{Kind: "restart", What: "worker", At: at.Add(-time.Duration(i*10) * time.Minute), Target: "web"})
	}
	log.Changes = append(log.Changes, change.Change{Kind: "deploy", What: "shop", Detail: "v2 “Charge in \x1b[31mcents”", At: began.Add(-30 * time.Second), Target: "code"})
	to := float64(began.Unix())
	d := diagnosis.Diagnosis{Verdict: diagnosis.CannotTell, At: at, Timeline: []diagnosis.Timeline{{
		Service: "shop", Log: log.Sorted().Since(&onset.Interval{From: to - 15, To: to}),
		Began: &diagnosis.Moment{From: began.Add(-15 * time.Second), To: began, Title: "Requests fail", Probe: "error_ratio", Target: "prom"},
	}}}
	text := func(full bool) string {
		var b strings.Builder
		require.NoError(t, report.Write(&b, report.Page{Diagnosis: d}, report.Style{Full: full}))
		return b.String()
	}
	short := text(false)
	require.Contains(t, short, "Began     between 11:55:45 and 11:56:00 (Requests fail, by error_ratio on")
	require.Contains(t, short, "11:55:30 (30s before) deploy: shop")
	require.Contains(t, short, "12:00:00 (4m after) restart: worker")
	require.Contains(t, short, "and 5 more (--full)")
	require.NotContains(t, short, "\x1b[31m", "no text of others steers a terminal")
	require.Less(t, strings.Index(short, "12:00:00"), strings.Index(short, "11:55:30"), "newest first")
	require.Contains(t, text(true), "10:40:00")
	d.Verdict = diagnosis.Nothing
	require.NotContains(t, text(false), "Changed", "where nothing is wrong, what changed is no news")
}
