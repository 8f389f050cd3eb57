package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/playbook"
)

func TestShippedPlaybooksLoadWithoutFindings(t *testing.T) {
	book, findings := app.LoadShipped()
	for _, f := range findings {
		t.Error(f)
	}
	require.NotNil(t, book)
	require.Greater(t, len(book.Playbooks), 15)
}

// Each cause has a case in which it comes first, and stands in another that
// says what else it must not be taken for.
func TestEveryShippedCauseHasTwoCases(t *testing.T) {
	played, err := app.Rehearse("../../playbooks", nil)
	require.NoError(t, err)
	first, named := map[string]int{}, map[string]int{}
	for _, p := range played {
		require.Truef(t, p.OK(), "%s: %s %v", p.Path, p.Error, p.Failures)
		first[p.First]++
		for _, id := range p.Names {
			named[id]++
		}
	}
	book, _ := app.LoadShipped()
	for _, c := range book.Conditions() {
		if c.Kind == playbook.Cause && (first[c.ID] < 1 || named[c.ID] < 2) {
			t.Errorf("%s comes first in %d cases and is named in %d: it needs one in which it comes first and one in which its look-alike does", c.ID, first[c.ID], named[c.ID])
		}
	}
}
