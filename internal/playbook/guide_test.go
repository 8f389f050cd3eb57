package playbook_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/playbook"
)

func TestTheGuidesExampleIsSoundAndTidy(t *testing.T) {
	guide, err := os.ReadFile("../../docs/playbooks.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(guide), "````markdown\n")
	require.True(t, found)
	example, _, found := strings.Cut(rest, "````\n")
	require.True(t, found)
	p, findings := playbook.ParseFile("db/replicas.md", []byte(example), vocabulary())
	require.Empty(t, findings)
	require.Len(t, p.Conditions, 2)
	formatted, err := playbook.Format([]byte(example))
	require.NoError(t, err)
	require.Equal(t, example, string(formatted))
}
