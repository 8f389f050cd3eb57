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

func TestWhatAGatewaysLogComplainsOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var b strings.Builder
	for age := 1200; age > 0; age -= 10 {
		at := noon.Add(-time.Duration(age) * time.Second).Format("2006/01/02 15:04:05")
		if age <= 100 {
			fmt.Fprintf(&b, "%s [error] 31#31: *%d connect() failed (111: Connection refused) while connecting to upstream, client: 198.51.100.%d, server: , request: \"GET /items/%[2]d HTTP/1.1\", upstream: \"http://10.0.0.5:8000/items/%[2]d\", host: \"shop\"\n", at, age, age)
		}
		if age == 900 {
			fmt.Fprintf(&b, "%s [error] 31#31: *7 client intended to send too large body: 9000000 bytes, client: 198.51.100.7, server: , request: \"POST /uploads HTTP/1.1\", host: \"shop\"\n", at)
		}
	}
	write(t, filepath.Join(dir, "nginx-error.log"), b.String())
	write(t, filepath.Join(dir, "shop.log"), ago(time.Minute)+" INFO shop: DOWN the road\n")
	settings := connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}
	rows := list(t, open(t, settings, dir).Ask(context.Background(), builtin("logs.gateway", nil)))
	require.Len(t, rows, 2)
	refused := rows[0].(map[string]any)
	require.Equal(t, "refused", refused["kind"])
	require.Equal(t, "10.0.0.5:8000", refused["upstream"])
	require.Equal(t, int64(10), refused["recent"])
	require.Equal(t, 10.0, refused["last_ago_s"])
	large := rows[1].(map[string]any)
	require.Equal(t, "body_too_large", large["kind"])
	require.Equal(t, int64(1), large["before"])
	require.Equal(t, "POST /uploads", large["request"])

	write(t, filepath.Join(dir, "nginx-error.log"), "")
	a := open(t, settings, dir).Ask(context.Background(), builtin("logs.gateway", nil))
	require.Equal(t, evidence.NoData, a.Status, "a gateway that is content says nothing, as one that is not there")
	a = open(t, settings, dir).Ask(context.Background(), builtin("logs.gateway", map[string]any{"window": "soon"}))
	require.Equal(t, evidence.Invalid, a.Status)
}
