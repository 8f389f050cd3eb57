package playbook_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/playbook"
)

func TestTheCatalogueHoldsEveryCauseOnce(t *testing.T) {
	t.Parallel()
	book := good(t)
	coverage, findings := playbook.ReadCoverage(playbook.Root{FS: fstest.MapFS{"coverage.yaml": {Data: []byte(`causes:
  C-connection-leak: {about: connections are never given back, group: database, at: ["db/connections#connections-are-taken-and-never-given-back", "gone/away#nowhere"]}
  C-cloud: {about: the cloud is down, group: others, cloud: no account}
`)}}})
	require.Empty(t, findings)
	known := book.Catalogue(coverage)
	seen := map[string]int{}
	for _, k := range known {
		for _, told := range k.Told {
			seen[told.Condition]++
		}
	}
	for _, c := range book.Conditions() {
		want := 0
		if c.Kind == playbook.Cause {
			want = 1
		}
		require.Equal(t, want, seen[c.ID], c.ID)
	}
	text, err := json.MarshalIndent(known, "", "  ")
	require.NoError(t, err)
	golden(t, filepath.Join("testdata", "explain", "catalogue.json"), string(text)+"\n")
}
