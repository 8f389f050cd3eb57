package playbook_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/playbook"
)

func TestEachMistakeGetsItsMessage(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			_, findings := playbook.ParseFile(filepath.Base(file), text, vocabulary())
			var out bytes.Buffer
			for _, f := range findings {
				out.WriteString(f.String() + "\n")
			}
			if name == "sound" {
				require.Empty(t, out.String())
				return
			}
			require.NotEmpty(t, out.String(), "the mistake goes unseen")
			golden(t, strings.TrimSuffix(file, ".md")+".golden", out.String())
		})
	}
}
