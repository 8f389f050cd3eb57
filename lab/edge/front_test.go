package edge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

// front is a real nginx in front of two servers, with people who use it.
type front struct {
	*world
	*realserver.Nginx
	conf    string
	servers [2]*behind
}

// behind is a server whose manners can be changed.
type behind struct {
	address  string
	listener net.Listener
	mu       sync.Mutex
	manners  http.HandlerFunc
}

func (b *behind) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	manners := b.manners
	b.mu.Unlock()
	manners(w, r)
}

func (b *behind) become(manners http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.manners = manners
}

func fine(w http.ResponseWriter, r *http.Request) {
	time.Sleep(3 * time.Millisecond)
	w.Header().Set("Cache-Control", "public, max-age=60")
	fmt.Fprintf(w, "page %s\n", strings.Repeat("x", 500+len(r.URL.Path)*10))
}

// before is how long people use it before anything happens, and then how long it
// takes until somebody asks.
const (
	before = 8 * time.Second
	then   = 8 * time.Second
)

func newFront(t *testing.T, name string) *front {
	t.Helper()
	f := &front{world: newWorld(t, name)}
	for i := range f.servers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		b := &behind{address: l.Addr().String(), listener: l, manners: fine}
		server := &http.Server{Handler: b}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
		f.servers[i] = b
	}
	f.Nginx = realserver.StartNginx(t, fmt.Sprintf(`
  log_format told '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent $request_time "$upstream_addr" "$upstream_status" "$upstream_response_time"';
  access_log DIR/told.log told;
  set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;
  upstream shop { least_conn; server %s; server %s; }
  server {
    listen 127.0.0.1:PORT; proxy_read_timeout 1s; proxy_connect_timeout 1s;
    location / { proxy_pass http://shop; }
    location = /status { stub_status; }
  }`, f.servers[0].address, f.servers[1].address), nil)
	f.port, f.url, f.health = f.Nginx.Port, fmt.Sprintf("http://127.0.0.1:%d", f.Nginx.Port), "/health"
	f.apart = true
	f.params = "params: {recently: 6s, least: 20}\n"
	f.target("front", fmt.Sprintf("{kind: nginx, conf: %s/nginx.conf, prefix: %[1]s}", f.Dir))
	text, err := os.ReadFile(f.Dir + "/nginx.conf")
	require.NoError(t, err)
	f.conf = string(text)
	f.people(25)
	time.Sleep(before)
	return f
}

// people are so many requests a second from a hundred addresses. Stopping them
// waits for what is under way.
func (f *front) people(perSecond int) {
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	busy.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			path := []string{"/items/" + fmt.Sprint(n), "/orders", "/", "/search?q=x"}[n%4]
			from := fmt.Sprintf("198.51.%d.%d", n%10, n%100)
			busy.Go(func() { f.visit(ctx, path, from) })
			time.Sleep(time.Second / time.Duration(perSecond))
		}
	})
	stop := func() { cancel(); busy.Wait() }
	f.world.t.Cleanup(stop)
}

func (f *front) visit(ctx context.Context, path, from string) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url+path, nil)
	if err != nil {
		return
	}
	req.Header.Set("X-Forwarded-For", from)
	if res, err := http.DefaultClient.Do(req); err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}

// edit changes the configuration and loads it.
func (f *front) edit(old, now string) {
	f.world.t.Helper()
	require.Contains(f.world.t, f.conf, old)
	f.conf = strings.Replace(f.conf, old, now, 1)
	require.NoError(f.world.t, os.WriteFile(f.Dir+"/nginx.conf", []byte(f.conf), 0o600))
	require.NoError(f.world.t, f.Nginx.Proc.Cmd.Process.Signal(syscall.SIGHUP))
}

func TestFrontFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault func(f *front)
		first string
	}{
		"one of two servers is dead": {func(f *front) { _ = f.servers[0].listener.Close() }, "gateway/backends#a-server-behind-the-gateway-is-dead"},
		"one of two is stuck": {func(f *front) {
			f.servers[1].become(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}, "gateway/backends#one-server-is-stuck-while-others-answer"},
		"one of two is ill": {func(f *front) {
			f.servers[0].become(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		}, "gateway/backends#one-server-fails-while-the-others-work"},
		"both hang up": {func(f *front) {
			for _, b := range f.servers {
				b.become(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/orders" || r.URL.Path == "/" {
						panic(http.ErrAbortHandler)
					}
					fine(w, r)
				})
			}
		}, "gateway/backends#servers-hang-up-before-they-answer"},
		"the health path is gone": {func(f *front) {
			for _, b := range f.servers {
				b.become(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/health" {
						w.WriteHeader(404)
						return
					}
					fine(w, r)
				})
			}
		}, "gateway/backends#the-health-path-fails-while-the-server-serves"},
		// In turn: with least_conn, the light server gets whatever comes while the heavy one is busy.
		"a weight": {func(f *front) {
			f.edit("least_conn; server "+f.servers[0].address, "server "+f.servers[0].address+" weight=12")
		}, "gateway/balance#weights-give-one-server-too-much"},
		"a hash of what is always the same": {func(f *front) { f.edit("least_conn;", "hash $server_port;") }, "gateway/balance#the-gateway-ties-clients-to-servers"},
		"a limit for all together": {func(f *front) {
			f.edit("  upstream shop", "limit_req_zone $server_port zone=all:1m rate=10r/s; limit_req zone=all burst=3 nodelay;\n  upstream shop")
		}, "gateway/traffic#a-limit-turns-honest-requests-away"},
		"a flood from one address": {func(f *front) {
			ctx, cancel := context.WithCancel(context.Background())
			f.world.t.Cleanup(cancel)
			go func() {
				for ctx.Err() == nil {
					go f.visit(ctx, "/search?q=y", "203.0.113.9")
					time.Sleep(8 * time.Millisecond)
				}
			}()
		}, "gateway/traffic#one-client-sends-most-of-the-requests"},
		"a list without an end": {func(f *front) {
			for _, b := range f.servers {
				b.become(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/orders" {
						fine(w, r)
						return
					}
					time.Sleep(300 * time.Millisecond)
					fmt.Fprint(w, strings.Repeat("order ", 100_000))
				})
			}
		}, "gateway/payload#an-endpoint-answers-with-too-much"},
		"headers that are too large": {func(f *front) {
			for _, b := range f.servers {
				b.become(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasPrefix(r.URL.Path, "/items/") {
						w.Header().Set("X-Session", strings.Repeat("s", 9000))
					}
					fine(w, r)
				})
			}
		}, "gateway/backends#headers-of-the-service-are-too-large-for-the-gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, "front-shop")
			c.fault(f)
			time.Sleep(then)
			f.first(c.first)
		})
	}
}

func TestHealthyFronts(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *front){
		"an ordinary day":          func(*front) {},
		"a half more people":       func(f *front) { f.people(12) },
		"a configuration reloaded": func(f *front) { f.edit("proxy_connect_timeout 1s", "proxy_connect_timeout 2s") },
		"a spare that never ran":   func(f *front) { f.edit("least_conn;", "least_conn; server 127.0.0.1:1 backup;") },
		"a crawler that meets what is gone": func(f *front) {
			for _, b := range f.servers {
				b.become(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasPrefix(r.URL.Path, "/search") {
						w.WriteHeader(404)
						return
					}
					fine(w, r)
				})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, "front-shop")
			change(f)
			time.Sleep(then)
			f.healthy()
		})
	}
}
