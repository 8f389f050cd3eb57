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

func answered(t testing.TB, a evidence.Answer) map[string]any {
	t.Helper()
	require.True(t, a.Known(), "%+v", a)
	return a.Value.(map[string]any)
}

// TestWhoIsTurnedAway reads an hour of logins: one in ten mistypes, and for the
// last five minutes one address guesses.
func TestWhoIsTurnedAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var app, access strings.Builder
	for i := 3600; i > 0; i -= 10 {
		at := ago(time.Duration(i) * time.Second)
		user, ip := i%97, fmt.Sprintf("198.51.100.%d", i%200)
		if i%100 == 0 {
			fmt.Fprintf(&app, `{"timestamp":%q,"level":"WARNING","service":"shop","message":"Authentication failed","user_id":"u%d","source_ip":%q,"details":{"reason":"wrong password"}}`+"\n", at, user, ip)
		} else {
			fmt.Fprintf(&app, `{"timestamp":%q,"level":"INFO","service":"shop","message":"Login successful","user_id":"u%d","source_ip":%q}`+"\n", at, user, ip)
		}
		if i <= 300 {
			fmt.Fprintf(&app, `{"timestamp":%q,"level":"WARNING","service":"shop","message":"Authentication failed","user_id":"v%d","source_ip":"203.0.113.9","details":{"reason":"wrong password"}}`+"\n", at, i)
		}
		fmt.Fprintf(&access, `198.51.100.7 - - [%s] "GET /products/%d HTTP/1.1" 200 512 "-" "curl/8"`+"\n", noon.Add(-time.Duration(i)*time.Second).Format("02/Jan/2006:15:04:05 -0700"), i)
	}
	fmt.Fprintf(&access, `203.0.113.9 - - [%s] "GET /.env HTTP/1.1" 200 840 "-" "curl/8"`+"\n", noon.Add(-time.Minute).Format("02/Jan/2006:15:04:05 -0700"))
	write(t, filepath.Join(dir, "app.log"), app.String())
	write(t, filepath.Join(dir, "access.log"), access.String())
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)

	v := answered(t, target.Ask(context.Background(), builtin("logs.auth", nil)))
	require.Equal(t, int64(35), v["failed_logins"])
	require.Equal(t, int64(35), v["now"].(map[string]any)["password"])
	require.InDelta(t, 5, v["usual"].(map[string]any)["password"], 3)
	source := v["sources"].([]any)[0].(map[string]any)
	require.Equal(t, "203.0.113.9", source["ip"])
	require.Equal(t, int64(30), source["users"])
	require.InDelta(t, 30.0/35, v["top_ip_share"], 0.01)
	require.Contains(t, v, "onset")

	v = answered(t, target.Ask(context.Background(), builtin("logs.attacks", nil)))
	require.Equal(t, int64(1), v["worked"])
	require.Equal(t, "/.env", v["successes"].([]any)[0].(map[string]any)["target"])

	a := target.Ask(context.Background(), builtin("logs.keys", nil))
	require.Equal(t, evidence.NoData, a.Status, "nothing names a key")
}

func TestAKeyFromElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var b strings.Builder
	for i := 7200; i > 0; i -= 60 {
		at := ago(time.Duration(i) * time.Second)
		for key := range 3 {
			fmt.Fprintf(&b, `{"timestamp":%q,"level":"INFO","service":"shop","message":"request","api_key_id":"k%d","client_ip":"198.51.100.%d","method":"GET","path":"/orders/%d","status_code":200}`+"\n", at, key, key, i)
		}
		if i <= 600 {
			fmt.Fprintf(&b, `{"timestamp":%q,"level":"INFO","service":"shop","message":"request","api_key_id":"k1","client_ip":"203.0.113.9","method":"GET","path":"/export/users","status_code":200}`+"\n", at)
		}
	}
	write(t, filepath.Join(dir, "app.log"), b.String())
	target := open(t, connector.Settings{"paths": []any{"*.log"}, "timezone": "UTC"}, dir)
	v := answered(t, target.Ask(context.Background(), builtin("logs.keys", nil)))
	require.Equal(t, int64(1), v["strange"])
	row := v["keys"].([]any)[0].(map[string]any)
	require.Equal(t, "k1", row["key"])
	require.Equal(t, []any{"203.0.113.0/24"}, row["new_networks"])
	require.Equal(t, []any{"GET /export/users"}, row["new_paths"])
}
