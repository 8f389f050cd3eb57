package all_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector/all"
	"github.com/quellhq/quell/internal/probe"
)

// Whoever declares a moment names a field that there is, and a kind that
// playbooks can ask for.
func TestEveryConnectorDeclaresWhatItHas(t *testing.T) {
	t.Parallel()
	declared := 0
	for _, k := range all.Kinds() {
		for _, spec := range k.Probes {
			fields := map[string]bool{}
			for _, f := range spec.Fields {
				fields[f.Name] = true
			}
			for _, m := range spec.Changes {
				declared++
				require.NotEmpty(t, m.Sees(), spec.Name)
				for _, kind := range m.Sees() {
					require.Contains(t, probe.ChangeKinds(), kind, spec.Name)
				}
				require.True(t, (m.At == "") != (m.Ago == ""), spec.Name)
				if m.Rows != "" {
					require.True(t, fields[m.Rows], "%s: %s", spec.Name, m.Rows)
					continue
				}
				for _, name := range []string{m.At, m.Ago, m.About} {
					require.True(t, name == "" || fields[name], "%s: %s", spec.Name, name)
				}
			}
			require.True(t, !spec.Timeline || len(spec.Changes) > 0, spec.Name)
			require.True(t, spec.Began == "" || fields[spec.Began], spec.Name)
			for _, p := range spec.Params {
				require.True(t, !spec.Timeline || p.Default != "", "%s is asked in every diagnosis, and %s has no default", spec.Name, p.Name)
			}
		}
	}
	require.Greater(t, declared, 10)
}
