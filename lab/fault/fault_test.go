package fault_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/lab/fault"
)

// Every fault says all that a reader of the table wants to know, and the truth
// that it names is a condition of the shipped playbooks.
func TestFaultsAreWhole(t *testing.T) {
	t.Parallel()
	known := conditions(t)
	names := map[string]bool{}
	for _, f := range fault.All() {
		require.Regexp(t, `^[a-z0-9]+(-[a-z0-9]+)*$`, f.Name)
		require.Falsef(t, names[f.Name], "two faults are called %s", f.Name)
		names[f.Name] = true
		require.NotEmpty(t, f.About, f.Name)
		require.NotEmpty(t, f.Group, f.Name)
		require.NotNil(t, f.Inject, f.Name)
		lists := map[fault.Kind]int{fault.Single: 1, fault.Herring: 1, fault.Double: 2, fault.Healthy: 0, fault.Recovered: 0}
		want, ok := lists[f.Kind]
		require.Truef(t, ok, "%s is of the kind %q", f.Name, f.Kind)
		require.Lenf(t, f.Truth, want, "%s is a %s", f.Name, f.Kind)
		if f.Kind == fault.Single {
			require.Regexpf(t, `^C-[a-z0-9-]+$`, f.Cause, "the cause of %s", f.Name)
		}
		for _, list := range f.Truth {
			require.NotEmpty(t, list, f.Name)
			for _, id := range list {
				require.Truef(t, known[id], "%s names %q, which is no cause of the shipped playbooks", f.Name, id)
			}
		}
		for _, id := range f.Symptoms {
			require.Truef(t, known[id], "%s names %q, which is no symptom of the shipped playbooks", f.Name, id)
		}
	}
}

// conditions are the ids of all causes and symptoms that are shipped.
func conditions(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, c := range shipped(t).Conditions() {
		known[c.ID] = true
	}
	return known
}

func shipped(t *testing.T) *playbook.Book {
	t.Helper()
	book, findings := app.LoadShipped()
	require.NotNil(t, book, findings)
	return book
}

// No playbook may know the lab: what it names is its own.
func TestNoPlaybookKnowsTheLab(t *testing.T) {
	t.Parallel()
	own := regexp.MustCompile(`\b(quell-lab|lab/|send_receipt|customer\d|orders\.(main|tasks|worker|jobs)|partner\.py|web-[ab]\b)`)
	for _, p := range shipped(t).Playbooks {
		for n, line := range strings.Split(string(p.Source), "\n") {
			require.NotRegexpf(t, own, line, "%s:%d names something of the lab", p.ID, n+1)
		}
	}
}
