package logs

import (
	"context"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/logql/logfile"
	"github.com/quellhq/quell/internal/probe"
)

func sourcesSpec() probe.Spec {
	return probe.Spec{
		Name:     "logs.sources",
		Question: "Which log files are there, are they still written, and can we understand them?",
		Why:      "Every other question to the logs rests on it: a log that stopped, or that we cannot parse, looks like a service without errors.",
		Cost:     "reads the last 64 KiB of each file, at most 50 files",
		Shape:    probe.Rows,
		Fields: []probe.Field{
			{Name: "path", Type: "text", About: "the file"},
			{Name: "state", Type: "text", About: "ok, denied, missing or unreadable"},
			{Name: "reason", Type: "text", About: "why it cannot be read; empty where it can"},
			{Name: "format", Type: "text", About: "json, logfmt or text"},
			{Name: "size_bytes", Type: "number", About: "size on disk"},
			{Name: "written_age_s", Type: "number", About: "seconds since the file was last written to"},
			{Name: "newest_age_s", Type: "number", About: "seconds since the time of the newest line; missing where no line bears a time"},
			{Name: "sampled", Type: "number", About: "lines looked at"},
			{Name: "parsed_share", Type: "number", About: "share of them, 0 to 1, that have the file's format; of plain text, those with a time"},
			{Name: "timed_share", Type: "number", About: "share of them, 0 to 1, that bear a time"},
		},
		Outcomes: []probe.Outcome{
			{When: "newest_age_s is far above written_age_s", Means: "times are read in the wrong zone: set timezone"},
			{When: "newest_age_s is large in every file", Means: "the service logs no more, or elsewhere: no lines is not no errors"},
			{When: "parsed_share below 0.95", Means: "text is mixed into the log; filters on fields do not see it"},
			{When: "state is not ok", Means: "this log is a blind spot"},
		},
	}
}

// maxSources bounds how many files are looked at.
const maxSources = 50

func (t *Target) sources(ctx context.Context, q probe.Question) evidence.Answer {
	files, err := t.files(q)
	if err != nil {
		return t.failure(err)
	}
	reports, err := files.Inspect(ctx, maxSources)
	if err != nil {
		return t.failure(err)
	}
	rows := make([]any, 0, len(reports))
	readable := 0
	var troubles []logfile.Trouble
	for _, r := range reports {
		row := map[string]any{"path": r.Path, "state": "ok", "reason": ""}
		if r.Trouble.Kind != 0 {
			troubles = append(troubles, r.Trouble)
			row["state"], row["reason"] = stateOf(r.Trouble.Kind), r.Trouble.Reason
			rows = append(rows, row)
			continue
		}
		readable++
		row["format"] = string(r.Format)
		row["size_bytes"] = r.Size
		row["written_age_s"] = max(q.Now.Sub(r.Modified).Seconds(), 0)
		row["sampled"] = int64(r.Lines)
		if !r.Newest.IsZero() {
			row["newest_age_s"] = q.Now.Sub(r.Newest).Seconds()
		}
		if r.Lines > 0 {
			row["parsed_share"] = float64(r.Parsed) / float64(r.Lines)
			row["timed_share"] = float64(r.Timed) / float64(r.Lines)
		}
		rows = append(rows, row)
	}
	if readable == 0 {
		return unreadable(&logfile.Failed{Troubles: troubles})
	}
	return evidence.Of(rows)
}

func stateOf(kind logfile.TroubleKind) string {
	switch kind {
	case logfile.Denied:
		return "denied"
	case logfile.Missing, logfile.NoMatch:
		return "missing"
	}
	return "unreadable"
}
