package http_test

import (
	stdhttp "net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/connector"
)

// A server that works on a call for longer than its sender waits, and does it
// all the same.
func TestACallThatIsStillUnderWayIsNotTakenForUnmade(t *testing.T) {
	t.Parallel()
	for repeat, after := range map[string]action.State{"once": action.CannotTell, "idempotent": action.NotMade} {
		t.Run(repeat, func(t *testing.T) {
			t.Parallel()
			var made atomic.Bool
			release := make(chan struct{})
			free := sync.OnceFunc(func() { close(release) })
			server := httptest.NewServer(stdhttp.HandlerFunc(func(w stdhttp.ResponseWriter, r *stdhttp.Request) {
				switch {
				case r.Method != stdhttp.MethodGet:
					<-release
					made.Store(true)
				case !made.Load():
					w.WriteHeader(stdhttp.StatusNotFound)
				}
			}))
			t.Cleanup(server.Close)
			t.Cleanup(free) // before that
			d := callDoer(t, connector.Settings{"url": server.URL, "calls": map[string]any{
				"fix": map[string]any{"request": "POST /fix", "timeout": "300ms", "repeat": repeat, "check": map[string]any{"get": "/fix", "status": "200"}},
			}})
			o := orderOf(t, d, call(t, "fix"))
			o.Intended = time.Now()
			_, err := d.Apply(t.Context(), o)
			require.Error(t, err)
			var failure *action.Failure
			require.NotErrorAs(t, err, &failure, "what was sent and not answered is unknown, not unmade")

			s, err := d.Standing(t.Context(), o)
			require.NoError(t, err)
			require.Equal(t, action.CannotTell, s.State, s.Text)
			o.Intended = time.Now().Add(-time.Hour)
			late, err := d.Standing(t.Context(), o)
			require.NoError(t, err)
			require.Equal(t, after, late.State, late.Text)
			require.Zero(t, late.Again)

			free()
			require.Eventually(t, made.Load, 5*time.Second, 5*time.Millisecond)
			s, err = d.Standing(t.Context(), o)
			require.NoError(t, err)
			require.Equal(t, action.Made, s.State, s.Text)
		})
	}
}
