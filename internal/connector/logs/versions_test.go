package logs_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

func TestAVersionIsADeployFromItsFirstLineOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var b strings.Builder
	for i := range 1200 {
		at, version := time.Duration(1200-i)*time.Second, "1.4.0"
		if i >= 900 && i%2 == 0 {
			version = "1.4.1" // one instance of two is new
		}
		fmt.Fprintf(&b, `{"timestamp":%q,"level":"INFO","service":"shop","version":%q,"request_id":"r%d","message":"GET /"}`+"\n", ago(at), version, i)
	}
	write(t, filepath.Join(dir, "shop.log"), b.String())
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)
	rows := list(t, target.Ask(context.Background(), builtin("logs.versions", nil)))
	require.Len(t, rows, 2)
	first, second := rows[0].(map[string]any), rows[1].(map[string]any)
	require.Equal(t, "none", first["kind"], "it was there when the window began")
	require.Equal(t, "deploy", second["kind"])
	require.Equal(t, "1.4.1", second["version"])
	require.Equal(t, "shop", second["what"])
	require.Equal(t, float64(noon.Add(-300*time.Second).Unix()), second["at"])
	require.Equal(t, int64(150), second["lines"])
}

func TestLinesWithoutAVersionTellOfNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shop(t, dir)
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)
	require.Equal(t, evidence.NoData, target.Ask(context.Background(), builtin("logs.versions", nil)).Status)
}

// A number that some lines bear is the version of what they speak of.
func TestTheVersionOfAnOrderIsNoRelease(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		every int // line that bears one
		kinds []string
	}{{"an order's", 10, nil}, {"a build's", 1, []string{"none", "deploy"}}} {
		dir := t.TempDir()
		var b strings.Builder
		for i := range 600 {
			field := ""
			if i%c.every == 0 {
				field = fmt.Sprintf(`,"version":%d`, 88+i/300)
			}
			fmt.Fprintf(&b, `{"timestamp":%q,"level":"INFO","message":"saved"%s}`+"\n", ago(time.Duration(600-i)*time.Second), field)
		}
		write(t, filepath.Join(dir, "shop.log"), b.String())
		answer := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir).Ask(context.Background(), builtin("logs.versions", nil))
		if c.kinds == nil {
			require.Equal(t, evidence.NoData, answer.Status, c.name)
			continue
		}
		var kinds []string
		for _, row := range list(t, answer) {
			kinds = append(kinds, row.(map[string]any)["kind"].(string))
		}
		require.Equal(t, c.kinds, kinds, c.name)
	}
}
