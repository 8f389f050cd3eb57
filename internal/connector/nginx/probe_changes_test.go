package nginx_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func TestChangesOfTheGatewayBearTheirTimes(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	edited := time.Now().Add(-10 * time.Minute).Truncate(time.Second)
	require.NoError(t, os.Chtimes(s.shopFile(), edited, edited))
	a := open(t, s.settings()).Ask(t.Context(), probe.Question{Lang: "probe", Builtin: "nginx.changes"})
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	found := map[string]float64{}
	for _, r := range a.Value.([]any) {
		row := r.(map[string]any)
		found[row["kind"].(string)+" "+row["what"].(string)] = row["at"].(float64)
	}
	require.Equal(t, float64(edited.Unix()), at(found, s.shopFile()))
	require.InDelta(t, float64(time.Now().Unix()), found["restart nginx"], 60)
	require.NotContains(t, found, "reload nginx", "its workers came with its master")
}

// at is when a file of the configuration was written, by either of its names.
func at(found map[string]float64, path string) float64 {
	for what, when := range found {
		if len(what) > 10 && what[len(what)-9:] == path[len(path)-9:] {
			return when
		}
	}
	return 0
}
