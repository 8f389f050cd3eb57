package host

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKillsOfABurstAreOfOneGroup(t *testing.T) {
	t.Parallel()
	list := grouped([]kill{
		{at: 100, process: "worker", scope: "group"},
		{at: 102, process: "worker", scope: "group", group: "/a"},
		{at: 103, process: "worker", scope: "group"},
		{at: 103, process: "other", scope: "group"},
		{at: 200, process: "worker", scope: "group"},
		{at: 103, process: "worker", scope: "host"},
	})
	var groups []string
	for _, k := range list {
		groups = append(groups, k.group)
	}
	require.Equal(t, []string{"/a", "/a", "/a", "", "", ""}, groups)
	v := victims{seen: true, names: map[string]struct{}{"worker": {}}}
	require.Nil(t, v.of(list[4]), "nobody can tell whose it was")
	require.Equal(t, false, v.of(list[1]))
}
