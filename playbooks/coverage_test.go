package playbooks_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/playbooks"
)

func coverage(t *testing.T) playbook.Coverage {
	t.Helper()
	c, findings := playbook.ReadCoverage(playbook.Root{FS: playbooks.Files, Prefix: "playbooks"})
	require.Empty(t, findings)
	return c
}

// Nothing that the project sets out to know is forgotten, and nothing is said
// to be where it is not.
func TestEverythingHasItsPlace(t *testing.T) {
	t.Parallel()
	c := coverage(t)
	var have []string
	for _, p := range slices.Concat(c.Causes, c.Actions, c.Sources, c.Checks) {
		have = append(have, p.ID)
	}
	text, err := os.ReadFile("testdata/atlas.txt")
	require.NoError(t, err)
	var want []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			want = append(want, line)
		}
	}
	require.ElementsMatch(t, want, have)

	book, findings := app.LoadShipped()
	require.NotNil(t, book, "%v", findings)
	for _, f := range c.Check(book, commands(t)) {
		t.Error(f)
	}
}

// commands are those that the reference lists.
func commands(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../docs/reference/commands.md")
	require.NoError(t, err)
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (quell(?: [a-z-]+)+)`).FindAllStringSubmatch(string(page), -1) {
		out = append(out, m[1])
	}
	return out
}

// What a signature speaks for is a cause that the coverage knows.
func TestSignaturesSpeakForKnownCauses(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, p := range coverage(t).Causes {
		known[p.ID] = true
	}
	for _, s := range shippedSignatures(t) {
		for _, id := range s.Causes {
			require.Truef(t, known[id], "%s: %s is no cause", s.Pos, id)
		}
	}
}
