package playbooks_test

import (
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/expr"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/rehearsal"
	"github.com/quellhq/quell/internal/report"
)

// Every shipped case is played, kept as an incident, and saved as a case
// again: that one must give the same diagnosis.
func TestAnIncidentSavedAsACaseGivesItsDiagnosisAgain(t *testing.T) {
	t.Parallel()
	book, findings := app.LoadShipped()
	require.NotNil(t, book, "%v", findings)
	files := os.DirFS(".")
	paths, err := rehearsal.Find(files)
	require.NoError(t, err)
	require.Greater(t, len(paths), 100)
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			data, err := fs.ReadFile(files, path)
			require.NoError(t, err)
			c, err := rehearsal.Parse(path, data)
			require.NoError(t, err)
			out, err := rehearsal.Play(book, c)
			require.NoError(t, err)
			require.Empty(t, out.Failures)

			saved, err := report.Case(asIncident(t, book, c, out), book)
			require.NoError(t, err)
			require.Empty(t, saved.Left)
			again, err := rehearsal.Parse(saved.Path(), saved.Data)
			require.NoError(t, err, string(saved.Data))
			replayed, err := rehearsal.Play(book, again)
			require.NoError(t, err, string(saved.Data))
			require.Empty(t, replayed.Failures, string(saved.Data))
			require.Equal(t, out.Diagnosis.Summary, replayed.Diagnosis.Summary)
			require.Equal(t, story(out.Diagnosis), story(replayed.Diagnosis))
		})
	}
}

// asIncident keeps a played case as a diagnosis of real systems would be kept.
func asIncident(t *testing.T, book *playbook.Book, c *rehearsal.Case, out rehearsal.Outcome) incident.Incident {
	t.Helper()
	record := incident.Diagnosed{Diagnosis: out.Diagnosis, Since: "30m", Params: map[string]map[string]any{}}
	for _, s := range out.Subjects {
		record.Params[s.Playbook.ID] = map[string]any{}
		for name, v := range s.Params {
			if d, ok := v.(time.Duration); ok {
				v = expr.FormatDuration(d)
			}
			record.Params[s.Playbook.ID][name] = v
		}
		for _, e := range s.Evidence {
			record.Evidence = append(record.Evidence, e)
		}
	}
	record.Asked = incident.Askings(out.Subjects, record.Evidence)
	opened := incident.Opened{Title: c.Story, Services: []string{c.Expect.Service}, Symptom: c.Expect.Symptom, Alert: c.Expect.Alert}
	var events []incident.Event
	for n, data := range []any{opened, record} {
		e, err := incident.New([]string{incident.KindOpened, incident.KindDiagnosed}[n], "quell", "", data)
		require.NoError(t, err)
		e.Incident, e.Seq, e.At = "INC-7", int64(n+1), c.Expect.At
		events = append(events, e)
	}
	i, err := incident.Fold(events)
	require.NoError(t, err)
	return i
}

// story is what a diagnosis says of its roots and of what it ruled out.
func story(d diagnosis.Diagnosis) (out []string) {
	for _, r := range d.Roots {
		out = append(out, r.ID, r.Word)
		for _, s := range r.Chain {
			out = append(out, s.ID, s.Evidence)
		}
	}
	return out
}
