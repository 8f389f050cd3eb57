package playbook_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata, or writes it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update")
	require.Equal(t, string(want), got)
}

func TestExplainShowsAPlaybookAndACondition(t *testing.T) {
	book := good(t)
	for id, file := range map[string]string{
		"db/connections": "connections.txt",
		"db/connections#connections-are-taken-and-never-given-back": "leak.txt",
	} {
		var out bytes.Buffer
		require.NoError(t, book.Explain(&out, id))
		golden(t, filepath.Join("testdata", "explain", file), out.String())
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\n"))), 100, line)
			require.NotRegexp(t, ` +\n$`, line)
		}
	}
}

func TestExplainNamesTheNearestIdOfAnUnknownOne(t *testing.T) {
	book := good(t)
	require.ErrorContains(t, book.Explain(&bytes.Buffer{}, "db/conections"), `did you mean "db/connections"?`)
	require.ErrorContains(t, book.Explain(&bytes.Buffer{}, "db/connections#request-wait-for-a-connection"), `did you mean "requests-wait-for-a-connection"?`)
}
