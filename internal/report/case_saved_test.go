package report_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/diagnosis"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/internal/rehearsal"
	"github.com/quellhq/quell/internal/report"
)

// replay plays a saved case with a book.
func replay(t *testing.T, book *playbook.Book, saved report.SavedCase) rehearsal.Outcome {
	t.Helper()
	c, err := rehearsal.Parse(saved.Path(), saved.Data)
	require.NoError(t, err, string(saved.Data))
	out, err := rehearsal.Play(book, c)
	require.NoError(t, err, string(saved.Data))
	require.Empty(t, out.Failures, string(saved.Data))
	return out
}

func TestASavedCaseReadsLikeOneThatAPersonWrote(t *testing.T) {
	t.Parallel()
	book := poolBook(t)
	for name, i := range map[string]incident.Incident{"recovered": recovered(t), "unclear": unclear(t)} {
		saved, err := report.Case(i, book)
		require.NoError(t, err)
		require.Empty(t, saved.Left)
		require.Equal(t, "db/pool.cases/"+strings.ToLower(i.ID)+".txtar", saved.Path())
		out := replay(t, book, saved)
		require.Equal(t, i.Telling().Diagnosis.Summary, out.Diagnosis.Summary)
		golden(t, name+".txtar", saved.Data)
	}
}

func TestACaseFromARecordWithoutTheNamesOfItsPlaybooks(t *testing.T) {
	t.Parallel()
	i := recovered(t)
	for n := range i.Rounds {
		i.Rounds[n].Asked = nil
	}
	saved, err := report.Case(i, poolBook(t))
	require.NoError(t, err)
	require.Equal(t, i.Telling().Diagnosis.First(), replay(t, poolBook(t), saved).Diagnosis.First())
}

// A case holds one service and one target of a kind; of a round that asked
// about more it takes those of the root.
func TestOfSeveralServicesACaseTakesThatOfTheRoot(t *testing.T) {
	t.Parallel()
	sick := round(t, day("14:12:00"), map[string]evidence.Answer{"lost": sessions(6), "p95": one(shape(day("13:42:00"), day("14:12:00"), 0.1, ramp(0.2, 4, 10, 12)))})
	well := incident.Asking{Playbook: "db/pool", Service: "admin", Bound: map[string]string{"db": "admin-db"}, Answers: map[string]int{"lost": len(sick.Evidence)}}
	sick.Evidence = append(sick.Evidence, evidence.Evidence{Answer: sessions(0), Probe: "lost", Question: "q", Target: "admin-db", At: day("14:12:00")})
	sick.Asked = append([]incident.Asking{well}, sick.Asked...)
	s := &story{t: t, id: "INC-9"}
	s.at("14:12:00", incident.KindOpened, "alice", "", incident.Opened{Title: "slow", Services: []string{"admin", "checkout"}})
	s.at("14:12:01", incident.KindDiagnosed, "quell", "", sick)
	saved, err := report.Case(s.fold(), poolBook(t))
	require.NoError(t, err)
	require.Contains(t, string(saved.Data), "service: checkout")
	require.Equal(t, "db/pool#transactions-are-opened-and-never-finished", replay(t, poolBook(t), saved).Diagnosis.First())
}

func TestNoCaseWithoutItsDiagnosis(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*incident.Incident)
		says  string
	}{
		"nobody has asked":               {func(i *incident.Incident) { i.Rounds = nil }, "save a case of INC-7: nothing has been diagnosed yet"},
		"its playbook is gone":           {func(i *incident.Incident) { i.Rounds[0].Diagnosis.Roots[0].ID = "db/gone#x" }, `there is no playbook "db/gone" to put it beside`},
		"the playbook says other things": {func(i *incident.Incident) { i.Rounds[0].Evidence[0].Answer = sessions(0) }, "the playbooks as they are now say"},
		"the answers were not kept": {func(i *incident.Incident) {
			for n := range i.Rounds[0].Evidence {
				i.Rounds[0].Evidence[n].Value = nil
			}
		}, "the playbooks as they are now say"},
		"nobody was asked": {func(i *incident.Incident) {
			i.Rounds = i.Rounds[:1]
			i.Rounds[0].Asked, i.Rounds[0].Playbooks = []incident.Asking{}, nil
		}, "does not say which answers its playbook got"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := recovered(t)
			c.spoil(&i)
			_, err := report.Case(i, poolBook(t))
			require.ErrorContains(t, err, c.says)
		})
	}
}

// What the record's diagnosis says and a case cannot hold is named, and not
// expected.
func TestWhatACaseCannotHoldIsLeftOut(t *testing.T) {
	t.Parallel()
	i := recovered(t)
	root := i.Rounds[0].Diagnosis.Roots[0]
	other := *root.Finding
	other.ID = "db/pool#statements-are-slow"
	i.Rounds[0].Diagnosis.Roots = append(i.Rounds[0].Diagnosis.Roots, diagnosis.Root{Finding: &other})
	saved, err := report.Case(i, poolBook(t))
	require.NoError(t, err)
	require.Equal(t, []string{"roots"}, saved.Left)
	require.NotContains(t, string(saved.Data), "roots:")
	replay(t, poolBook(t), saved)
}
