package promtext

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

// ChangesSpec is the question that every source of metrics answers about changes.
func ChangesSpec() probe.Spec {
	return probe.Spec{
		Name:     "prometheus.changes",
		Question: "Which versions and which processes of the service are new, by its own metrics?",
		Why:      "A service that tells its version and its start says itself when it was deployed or restarted, on every instance.",
		Cost:     "one instant query, and two of an hour",
		Shape:    probe.Rows,
		Fields:   probe.ChangeFields(),
		Outcomes: []probe.Outcome{
			{When: "a deploy and a restart at the same time", Means: "a release: the errors that begin then are held against it"},
			{When: "a restart without a deploy", Means: "other settings, a crash, or a hand: the log before it says which"},
			{When: "no row", Means: "the same version and the same processes all the time, as far as it counts them"},
		},
		Changes:  probe.ChangeRows(probe.Deploy, probe.Restart, probe.Reload),
		Timeline: true, OfService: true,
	}
}

// versionInfo is how services tell their version: as a label of a metric that
// is always 1.
const versionInfo = `count by (version) ({__name__=~"((app|application|service)_)?(build_)?info",service=%[1]s,version!=""})`

// changeStep is how exactly the beginning of a version is found.
const changeStep = "15s"

// Changes answers ChangesSpec. Where the service tells neither its version nor
// its start nothing is known: that is no answer, and not an empty one.
func (a Asker) Changes(ctx context.Context, q probe.Question) evidence.Answer {
	name := strconv.Quote(q.Service.Name)
	rows := []any{}
	var notes []string
	var last evidence.Answer
	told := false
	ask := func(text string, options map[string]string) []evidence.Stream {
		if ctx.Err() != nil {
			return nil
		}
		last = a.Ask(ctx, probe.Question{Lang: "promql", Text: probe.Literal(text), Options: options, Service: q.Service, Now: q.Now, Since: q.Since})
		notes = append(notes, last.Notes...)
		return evidence.Streams(last.Value)
	}
	starts := ask(fmt.Sprintf(`process_start_time_seconds{service=%s}`, name), map[string]string{"range": "1h", "step": changeStep})
	for _, s := range starts {
		told = true
		what := s.Labels["instance"]
		if what == "" {
			what = q.Service.Name
		}
		before := 0.0
		for _, p := range s.Points {
			// A start that two samples give differently by a hair is one.
			if p.V > before+1 {
				rows = append(rows, changeRow(p.V, probe.Restart, what, "its process started"))
			}
			before = max(before, p.V)
		}
	}
	failed := last
	versions := ask(fmt.Sprintf(versionInfo, name), map[string]string{"range": "1h", "step": changeStep})
	oldest := 0.0
	for _, s := range versions {
		told = true
		if first := s.Points[0].T; oldest == 0 || first < oldest {
			oldest = first
		}
	}
	for _, s := range versions {
		// What was there when we began to look is not new.
		if first := s.Points[0].T; first > oldest {
			rows = append(rows, changeRow(first, probe.Deploy, q.Service.Name, "version "+s.Labels["version"]+" is seen for the first time"))
		}
	}
	for _, s := range ask(`prometheus_config_last_reload_success_timestamp_seconds`, nil) {
		rows = append(rows, changeRow(s.Points[len(s.Points)-1].V, probe.Reload, "prometheus", "it loaded its configuration"))
	}
	if !told {
		if !failed.Known() && failed.Status != evidence.NoData {
			return failed
		}
		return evidence.Not(evidence.NoData, "the service tells neither its version nor when it started", "export process_start_time_seconds and a build_info with the label version")
	}
	slices.Sort(notes)
	return evidence.Of(rows, slices.Compact(notes)...)
}

func changeRow(at float64, kind, what, detail string) map[string]any {
	return map[string]any{"at": at, "kind": kind, "what": what, "detail": detail}
}
