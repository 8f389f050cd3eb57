package playbook_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/playbook"
)

func good(t *testing.T) *playbook.Book {
	t.Helper()
	book, findings := playbook.Load(vocabulary(), playbook.Dir("testdata/good"))
	require.Empty(t, findings)
	require.NotNil(t, book)
	return book
}

func TestLoadReadsAWholeDirectory(t *testing.T) {
	book := good(t)
	require.Len(t, book.Playbooks, 2)
}
