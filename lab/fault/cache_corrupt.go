package fault

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// cacheCorrupt puts a cache before the service, as a CDN is, and spoils what it
// keeps of one page.
func cacheCorrupt() Fault {
	return Fault{
		Name: "cache-corrupt", Group: "Edge", Cause: "C-cdn-cache-corrupt",
		About:      "a caching gateway keeps a page that is cut off, or that is another's, and gives it to everybody",
		Truth:      one("edge/cache#the-cache-keeps-a-wrong-answer", "edge/cache#the-cache-keeps-an-old-version"),
		LookAlikes: []string{"C-stale-no-invalidation", "C-bad-deploy"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			err := s.EditQuell(func(yaml string) string {
				return strings.Replace(yaml, "params: {", fmt.Sprintf("params: {path: /top, origin: \"127.0.0.1:%d\", ", s.Port.A), 1)
			})
			if err != nil {
				return nil, err
			}
			kept := s.Path("nginx", "kept")
			heal, err := editFront(s, "    location / {\n", "    location = /top { proxy_pass http://orders; proxy_cache kept; proxy_cache_valid 200 1h; proxy_ignore_headers Cache-Control; add_header X-Cache $upstream_cache_status; }\n    location / {\n")
			if err != nil {
				return nil, err
			}
			if _, err := editFront(s, "  upstream orders {\n", "  proxy_cache_path "+kept+" keys_zone=kept:1m;\n  upstream orders {\n"); err != nil {
				return nil, err
			}
			if err := spoil(ctx, s.Front+"/top", kept, r.IntN(2) == 0); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error {
				if err := os.RemoveAll(kept); err != nil {
					return err
				}
				return heal(ctx)
			}, nil
		},
	}
}

// spoil lets the cache keep a page, and changes what it has kept: another text
// of the same length, or that of a page of errors.
func spoil(ctx context.Context, url, kept string, garbled bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var body []byte
	for range 2 {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return fmt.Errorf("let the cache keep a page: %w", err)
		}
		body, err = io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return fmt.Errorf("let the cache keep a page: %w", err)
		}
	}
	wrong := []byte("<html><title>Be right back</title>")
	if garbled {
		wrong = body[:0:0]
	}
	wrong = append(wrong, bytes.Repeat([]byte("\x00"), max(len(body)-len(wrong), 0))...)[:len(body)]
	found := false
	err := filepath.WalkDir(kept, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found = true
		return os.WriteFile(path, bytes.Replace(text, body, wrong, 1), 0o600)
	})
	if err == nil && !found {
		err = fmt.Errorf("spoil the cache: it keeps nothing in %s", kept)
	}
	return err
}
