package logs_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/evidence"
)

// A hundred questions at once get what each would get alone, some of them gone
// before the answer.
func TestManyQuestionsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := noon
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "{\"timestamp\":%q,\"service\":\"shop\",\"message\":\"word%d was met\"}\n", now.Add(-time.Duration(5000-i)*100*time.Millisecond+50*time.Millisecond).Format(time.RFC3339Nano), i%100)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "app.log"), []byte(b.String()), 0o600))
	target := open(t, connector.Settings{"paths": []any{"app.log"}}, dir)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			ctx := t.Context()
			if i%10 == 3 {
				gone, cancel := context.WithTimeout(ctx, time.Duration(i)*50*time.Microsecond)
				defer cancel()
				ctx = gone
			}
			since := []string{"5m", "10m"}[i%2]
			a := target.Ask(ctx, fence(t, fmt.Sprintf(`{service="shop"} |~ "(?i)WORD%d was"`, i), map[string]string{"since": since}))
			if a.Status != evidence.Answered && ctx != t.Context() {
				return
			}
			if !assert.Equal(t, evidence.Answered, a.Status, "%+v", a) {
				return
			}
			want := 30
			if since == "10m" {
				want = 50
			}
			assert.Len(t, a.Value, want)
			for _, line := range list(t, a) {
				assert.Contains(t, line.(map[string]any)["line"], fmt.Sprintf(`"word%d was`, i))
			}
		})
	}
	all.Wait()
}
