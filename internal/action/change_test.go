package action_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
)

func TestWhatHasComeSinceIsLeftAlone(t *testing.T) {
	t.Parallel()
	planned := action.Preview{Items: []action.Item{{ID: "job 1"}, {ID: "job 2"}}, MayGrow: true}
	now := action.Preview{Items: []action.Item{{ID: "job 0"}, {ID: "job 2"}, {ID: "job 3"}}}
	require.Equal(t, []action.Item{{ID: "job 2"}}, now.Among(planned).Items)
	require.Len(t, now.Items, 3, "the preview itself stays as it is")

	planned.MayGrow = false
	require.Equal(t, now, now.Among(planned))
}
