package http_test

import (
	"fmt"
	stdhttp "net/http"
	"net/http/httptest"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/action/actiontest"
	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/realserver"
)

// shelf is a cache of pages that knows only-if-cached and says Age.
type shelf struct {
	mu      sync.Mutex
	held    map[string]bool
	fills   int
	asked   int
	now     int // requests under way
	most    int
	methods map[string]bool
	// signless says nothing of its being a cache; delay is what a page costs.
	signless bool
	delay    time.Duration
	fail     map[string]int
}

func (s *shelf) ServeHTTP(w stdhttp.ResponseWriter, r *stdhttp.Request) {
	s.mu.Lock()
	s.methods[r.Method] = true
	s.asked++
	s.now++
	s.most = max(s.most, s.now)
	held, status := s.held[r.URL.Path], s.fail[r.URL.Path]
	s.mu.Unlock()
	defer func() { s.mu.Lock(); s.now--; s.mu.Unlock() }()
	switch {
	case status != 0:
		w.WriteHeader(status)
	case held && !s.signless:
		w.Header().Set("Age", "3")
	case held:
	case r.Header.Get("Cache-Control") == "only-if-cached" && !s.signless:
		w.WriteHeader(504)
	default:
		time.Sleep(s.delay) // what a page costs that has to be made
		s.mu.Lock()
		s.held[r.URL.Path] = true
		s.fills++
		s.mu.Unlock()
	}
}

func newShelf(t *testing.T, s *shelf) (*shelf, string) {
	t.Helper()
	s.held, s.methods = map[string]bool{}, map[string]bool{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

func (s *shelf) world() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var held []string
	for path := range s.held {
		held = append(held, path)
	}
	sort.Strings(held)
	return fmt.Sprint(held)
}

func warmOrder(t *testing.T, url string, args map[string]any) (action.Doer, action.Order) {
	t.Helper()
	d, ok := changer(t, connector.Settings{"url": url}).Doer("http.warm")
	require.True(t, ok)
	complete, err := actionSpec(t, "http.warm").Complete(args)
	require.NoError(t, err)
	return d, orderOf(t, d, action.Change{Type: "http.warm", Args: complete})
}

func TestWarm(t *testing.T) {
	t.Parallel()
	s, url := newShelf(t, &shelf{})
	actiontest.Run(t, actiontest.Case{
		Spec:  actionSpec(t, "http.warm"),
		Open:  func(t *testing.T) action.Changer { return changer(t, connector.Settings{"url": url}) },
		Args:  map[string]any{"paths": []any{"/a", "/b?x=1", "/c/d"}, "rate": 50.0},
		World: func(*testing.T) string { return s.world() },
		Effects: func(*testing.T) int {
			s.mu.Lock()
			defer s.mu.Unlock()
			require.Zero(t, s.fills%3)
			return s.fills / 3
		},
		Gone: func(t *testing.T) action.Changer { return changer(t, connector.Settings{"url": nobody(t)}) },
	})
	require.Equal(t, map[string]bool{"GET": true}, s.methods)
}

// A real cache that knows nothing of only-if-cached.
func TestWarmingNginx(t *testing.T) {
	t.Parallel()
	n := realserver.StartNginx(t, `
proxy_cache_path DIR/cache keys_zone=pages:1m;
server {
  listen 127.0.0.1:PORT;
  location / { proxy_pass http://unix:DIR/origin.sock; proxy_cache pages; proxy_cache_valid 200 1h; add_header X-Cache-Status $upstream_cache_status; }
}
server { listen unix:DIR/origin.sock; location / { root DIR/www; } }`,
		map[string]string{"www/one": "1", "www/two": "2"})
	d, o := warmOrder(t, fmt.Sprintf("http://127.0.0.1:%d", n.Port), map[string]any{"paths": []any{"/one", "/two"}, "rate": 50.0})
	done, err := d.Apply(t.Context(), o)
	require.NoError(t, err)
	require.Contains(t, done.Items[0].Text, "cold, then")
	standing, err := d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.Made, standing.State, standing.Text)

	d, o = warmOrder(t, fmt.Sprintf("http://127.0.0.1:%d", n.Port), map[string]any{"paths": []any{"/one", "/missing"}, "rate": 50.0})
	_, err = d.Apply(t.Context(), o)
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.PartlyMade, failure.State)
	require.Equal(t, []bool{true, false}, []bool{failure.Done.Items[0].OK, failure.Done.Items[1].OK})
}

func TestWithoutASignTheTimesTell(t *testing.T) {
	t.Parallel()
	s, url := newShelf(t, &shelf{signless: true, delay: 150 * time.Millisecond})
	d, o := warmOrder(t, url, map[string]any{"paths": []any{"/slow"}})
	done, err := d.Apply(t.Context(), o)
	require.NoError(t, err)
	after := o
	after.Done = &done
	standing, err := d.Standing(t.Context(), after)
	require.NoError(t, err)
	require.Equal(t, action.Made, standing.State, standing.Text)
	standing, err = d.Standing(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, action.CannotTell, standing.State, "after a crash nobody knows how slow it was")
	// The cache loses it again, and it is as slow as before.
	s.mu.Lock()
	s.held = map[string]bool{}
	s.mu.Unlock()
	standing, err = d.Standing(t.Context(), after)
	require.NoError(t, err)
	require.Equal(t, action.CannotTell, standing.State)
}

func TestAWarmUpIsBounded(t *testing.T) {
	t.Parallel()
	s, url := newShelf(t, &shelf{delay: 30 * time.Millisecond})
	var paths []any
	for i := range 10 {
		paths = append(paths, fmt.Sprintf("/%d", i))
	}
	d, o := warmOrder(t, url, map[string]any{"paths": paths, "rate": 20.0, "concurrency": 2.0})
	start := time.Now()
	_, err := d.Apply(t.Context(), o)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(start), 450*time.Millisecond, "ten at twenty a second")
	require.LessOrEqual(t, s.most, 2)

	ill, url := newShelf(t, &shelf{fail: map[string]int{}})
	for _, p := range paths {
		ill.fail[p.(string)] = 500
	}
	d, o = warmOrder(t, url, map[string]any{"paths": paths, "rate": 50.0, "concurrency": 1.0})
	_, err = d.Apply(t.Context(), o)
	var failure *action.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, action.NotMade, failure.State)
	require.LessOrEqual(t, ill.asked, 6, "a service that is ill was asked on and on")

	for name, args := range map[string]map[string]any{
		"no path":            {"paths": []any{}},
		"another host":       {"paths": []any{"http://evil.test/"}},
		"without a scheme":   {"paths": []any{"//evil.test/"}},
		"too many":           {"paths": make([]any, 501)},
		"too fast":           {"paths": []any{"/"}, "rate": 1000.0},
		"not at all":         {"paths": []any{"/"}, "rate": 0.0},
		"too many at once":   {"paths": []any{"/"}, "concurrency": 100.0},
		"a path that climbs": {"paths": []any{"/a/../b"}},
	} {
		t.Run(name, func(t *testing.T) {
			complete, err := actionSpec(t, "http.warm").Complete(args)
			require.NoError(t, err)
			_, err = d.Preview(t.Context(), action.Change{Type: "http.warm", Args: complete})
			var refusal *action.Refusal
			require.ErrorAs(t, err, &refusal)
		})
	}
}
