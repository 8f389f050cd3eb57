package playbook_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/playbook"
)

// FuzzParse holds that no input panics, that every finding has a place in the
// file, and that formatting keeps what a file says.
func FuzzParse(f *testing.F) {
	for _, file := range []string{
		"testdata/good/db/connections.md", "testdata/good/app/slow.md", "testdata/format/untidy.md",
		"testdata/mistakes/bar-unescaped.md", "testdata/mistakes/ladder.md", "testdata/mistakes/alias-in-yaml.md",
	} {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(text)
	}
	for _, text := range []string{
		"---\n---\n", "---\n", "---\nneeds: {a: b?\n---\n", "# \n##\n### \n####\n", "## Causes\n### A\n|\n|-|\n|\n", "## Causes\n### A\nsign|weight|means\n-|-|-\n\\|`|`\n",
		"## Evidence\n```sql a @b\n", "## Evidence\n~~~\n~~~", "## Resolved when\n- [ ] \n- [ ] `", "## Ladder\n1. [](\n2. [a](#b)\n3.\n", "## Causes\n### A\n#### Fix:\n```action\n",
		"Title\n===\nSymptoms\n---\n### A\nLeads to: [a][b]\n\n[b]: #a\n", "\t```sql a @b\n\tx\n\t```\n## Evidence\n  ```sql a @b\n \t x\n  ```\n", "## Symptoms\r\n### A\r\nLeads to:\r\n",
	} {
		f.Add([]byte(text))
	}
	words := vocabulary()
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 64<<10 {
			return
		}
		_, findings := playbook.ParseFile("x.md", text, words)
		for _, finding := range findings {
			require.Positive(t, finding.Pos.Line)
			require.Positive(t, finding.Pos.Col)
			require.NotEmpty(t, finding.Text)
		}
		formatKeeps(t, text)
	})
}
