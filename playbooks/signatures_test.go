package playbooks_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/playbook"
	"github.com/quellhq/quell/playbooks"
)

func shippedSignatures(t *testing.T) []playbook.Signature {
	t.Helper()
	signatures, findings := playbook.ReadSignatures(playbook.Root{FS: playbooks.Files, Prefix: "playbooks"})
	require.Empty(t, findings)
	return signatures
}

// Each signature matches its own lines, and neither its look-alikes nor the
// lines of another.
func TestSignaturesHoldByTheirExamples(t *testing.T) {
	t.Parallel()
	signatures := shippedSignatures(t)
	require.Greater(t, len(signatures), 150)
	for _, f := range playbook.CheckSignatures(signatures) {
		t.Error(f)
	}
}

// A healthy system writes much that sounds like trouble. What says that a
// service has started or recycles a worker is no trouble, and may match.
func TestNoSignatureMatchesAHealthyLine(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/healthy.log")
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Greater(t, len(lines), 100)
	for _, s := range shippedSignatures(t) {
		if len(s.Causes) == 0 {
			continue
		}
		pattern := regexp.MustCompile(s.Pattern)
		for _, line := range lines {
			require.NotRegexpf(t, pattern, line, "%s (%s) matches a healthy line", s.Name, s.Pos)
		}
	}
}

// The example of the guide stands beside the shipped ones.
func TestTheGuidesSignatureHolds(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/playbooks.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(guide), "```yaml\nsystem:")
	require.True(t, found)
	example, _, _ := strings.Cut(rest, "```\n")
	own := fstest.MapFS{"signatures.yaml": {Data: []byte("system:" + example)}}
	signatures, findings := playbook.ReadSignatures(playbook.Root{FS: playbooks.Files}, playbook.Root{FS: own})
	require.Empty(t, findings)
	require.Empty(t, playbook.CheckSignatures(signatures))
}
