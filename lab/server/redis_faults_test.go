package server_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
)

// redisFaults are let into a real redis-server. Nothing is scripted: every
// refusal, eviction and stall is the server's own.
func redisFaults() []Fault {
	return append(redisDoorFaults(), append(redisWriteFaults(), append(redisSlowFaults(), redisCacheFaults()...)...)...)
}

func redisDoorFaults() []Fault {
	return []Fault{
		{Name: "redis is down", Truth: []string{"redis/reach#redis-is-not-running"}, Variants: []Variant{ // C-redis-down
			{"killed under load", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				traffic(t, s)
				s.Kill()
			}},
			{"never started", func(t testing.TB, env *Env) {
				seeURL(env, "redis://"+net.JoinHostPort(redisHost(t), strconv.Itoa(realserver.Port(t))))
			}},
		}},
		{Name: "wrong address", Truth: []string{"redis/reach#the-address-is-wrong"}, Variants: []Variant{ // C-redis-misaddressed
			{"wrong port", func(t testing.TB, env *Env) {
				s := realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t)})
				traffic(t, s)
				seeURL(env, "redis://"+net.JoinHostPort(s.Host, strconv.Itoa(realserver.Port(t))))
			}},
			{"a web server", func(t testing.TB, env *Env) {
				web := httptest.NewServer(http.NotFoundHandler())
				t.Cleanup(web.Close)
				seeURL(env, strings.Replace(web.URL, "http", "redis", 1))
			}},
			{"TLS where there is none", func(t testing.TB, env *Env) {
				s := realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t)})
				traffic(t, s)
				seeURL(env, "rediss://"+s.Addr())
			}},
		}},
		{Name: "wrong password", Truth: []string{"redis/reach#the-password-is-missing-or-wrong"}, Variants: []Variant{ // C-redis-auth-mismatch
			{"ours", func(t testing.TB, env *Env) {
				s := realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t), Args: []string{"--requirepass", "neu-1"}})
				seeURL(env, "redis://:alt-1@"+s.Addr())
			}},
			{"the application's", func(t testing.TB, env *Env) {
				s := realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t), Args: []string{"--requirepass", "neu-1"}})
				seeURL(env, "redis://:neu-1@"+s.Addr())
				work(t, 2, 20*time.Millisecond, func(ctx context.Context, _, _ int) {
					c := goredis.NewClient(&goredis.Options{Addr: s.Addr(), Password: "alt-1", MaxRetries: -1})
					_ = c.Get(ctx, "a").Err()
					_ = c.Close()
				})
			}},
		}},
		{Name: "no password", Truth: []string{"redis/reach#the-password-is-missing-or-wrong"}, Variants: []Variant{ // C-redis-auth-mismatch
			{"ours", func(t testing.TB, env *Env) { startRedisNoWait(t, env, "--requirepass", "neu-1") }},
			{"the application's", func(t testing.TB, env *Env) {
				s := realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t), Args: []string{"--requirepass", "neu-1"}})
				seeURL(env, "redis://:neu-1@"+s.Addr())
				traffic(t, s)
			}},
		}},
		{Name: "not permitted", Truth: []string{"redis/reach#the-user-may-not-do-what-it-needs"}, Variants: []Variant{
			{"a command", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				must(t, redisClient(t, s), "ACL", "SETUSER", "app", "on", ">geheim-7", "~*", "+@read", "+ping")
				traffic(t, s, func(o *goredis.Options) { o.Username, o.Password = "app", "geheim-7" })
			}},
			{"a key", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				must(t, redisClient(t, s), "ACL", "SETUSER", "app", "on", ">geheim-7", "~other:*", "+@all")
				traffic(t, s, func(o *goredis.Options) { o.Username, o.Password = "app", "geheim-7" })
			}},
		}},
		{Name: "redis is frozen", Truth: []string{"redis/reach#the-process-is-stopped-or-gets-no-processor"}, Variants: []Variant{ // C-redis-resource-starved
			{"idle", func(t testing.TB, env *Env) { startRedis(t, env).Freeze(t) }},
			{"under load", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				traffic(t, s)
				s.Freeze(t)
			}},
		}},
		{Name: "maxclients reached", Truth: []string{"redis/reach#the-server-has-no-place-for-another-client"}, Variants: []Variant{ // C-redis-maxclients
			{"by clients that stay", func(t testing.TB, env *Env) {
				s := startRedis(t, env, "--maxclients", "20")
				holdConnections(t, s, 20)
				until(t, s, "a full server", func() bool { return refusedForPlace(s) })
			}},
			{"by clients that work", func(t testing.TB, env *Env) {
				s := startRedis(t, env, "--maxclients", "40")
				var held []*goredis.Client
				for range 39 {
					c := redisClient(t, s)
					must(t, c, "PING")
					held = append(held, c)
				}
				work(t, 39, 20*time.Millisecond, func(ctx context.Context, w, _ int) { held[w].Get(ctx, "product:1") })
				work(t, 4, 5*time.Millisecond, func(context.Context, int, int) {
					if conn, err := net.Dial("tcp", s.Addr()); err == nil {
						time.Sleep(20 * time.Millisecond) // a client that would work, if it were let in
						_ = conn.Close()
					}
				})
			}},
		}},
		{Name: "client pool used up", Truth: []string{"redis/reach#the-clients-own-pool-is-used-up"}, Variants: []Variant{ // C-redis-client-pool
			{"small pool", func(t testing.TB, env *Env) { poolFault(t, env, 1) }},
			{"larger pool", func(t testing.TB, env *Env) { poolFault(t, env, 4) }},
		}},
		{Name: "still loading", Truth: []string{"redis/reach#redis-is-still-loading-its-data"}, Variants: []Variant{
			{"a snapshot", func(t testing.TB, env *Env) { loadingFault(t, env, "--save", "3600 1") }},
			{"an append-only file", func(t testing.TB, env *Env) {
				loadingFault(t, env, "--appendonly", "yes", "--aof-use-rdb-preamble", "no")
			}},
		}},
		{Name: "broken configuration", Truth: []string{"redis/reach#its-configuration-cannot-be-read"}, Variants: []Variant{ // C-redis-bad-config
			{"a wrong word", func(t testing.TB, env *Env) { startAndFail(t, env, "--maxmemry", "10mb") }},
			{"a wrong value", func(t testing.TB, env *Env) { startAndFail(t, env, "--appendfsync", "sometimes") }},
		}},
		{Name: "damaged data", Truth: []string{"redis/reach#its-data-cannot-be-read"}, Variants: []Variant{ // C-redis-corrupt-data
			{"a snapshot that is none", func(t testing.TB, env *Env) {
				dir := realserver.TempDir(t, "")
				require.NoError(t, os.WriteFile(filepath.Join(dir, "dump.rdb"), []byte("hello, this is no snapshot"), 0o600))
				startAndFailIn(t, env, dir)
			}},
			{"a snapshot cut short", func(t testing.TB, env *Env) {
				s := realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t), Args: []string{"--save", "3600 1"}})
				fillKeys(t, s, "k:", 5000, 100, 0)
				must(t, redisClient(t, s), "SAVE")
				s.Kill()
				path := filepath.Join(s.Dir, "dump.rdb")
				info, err := os.Stat(path)
				require.NoError(t, err)
				require.NoError(t, os.Truncate(path, info.Size()/2))
				startAndFailIn(t, env, s.Dir)
			}},
		}},
		{Name: "out of memory at the limit of the process", Truth: []string{"redis/reach#redis-was-killed-for-want-of-memory"}, Variants: []Variant{ // C-redis-resource-starved
			{"100 MB", func(t testing.TB, env *Env) { starveFault(t, env, 100_000) }},
			{"160 MB", func(t testing.TB, env *Env) { starveFault(t, env, 160_000) }},
		}},
	}
}

// startRedisNoWait starts a server that asks a password of whoever comes.
func startRedisNoWait(t testing.TB, env *Env, args ...string) {
	t.Helper()
	s := startRedis(t, env, args...)
	traffic(t, s)
}

func refusedForPlace(s *realserver.RedisServer) bool {
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
	line := make([]byte, 100)
	n, _ := conn.Read(line)
	return bytes.Contains(line[:n], []byte("max number of clients"))
}

// poolFault has a real client library run out of its own pool: all connections
// wait in a blocking read, and what comes next is refused by the library.
func poolFault(t testing.TB, env *Env, size int) {
	s := startRedis(t, env)
	log := appLog(t, env)
	c := redisClient(t, s, func(o *goredis.Options) {
		o.PoolSize, o.PoolTimeout, o.ReadTimeout, o.ContextTimeoutEnabled = size, 50*time.Millisecond, -1, true
	})
	work(t, size, 0, func(ctx context.Context, _, _ int) { c.BLPop(ctx, 30*time.Second, "events") })
	until(t, s, "blocked clients", func() bool { return infoHas(redisClient(t, s), "clients", "blocked_clients:"+strconv.Itoa(size)) })
	for range 3 {
		err := c.Get(context.Background(), "user:1").Err()
		require.Error(t, err)
		log("cache lookup failed: " + err.Error())
	}
}

// loadingFault restarts a server whose data takes long to read.
func loadingFault(t testing.TB, env *Env, args ...string) {
	s := realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t), Args: args})
	fillKeys(t, s, "k:", 20000, 200, 0)
	c := redisClient(t, s)
	if args[0] == "--save" {
		must(t, c, "SAVE")
	} else {
		until(t, s, "an append-only file", func() bool { return infoHas(c, "persistence", "aof_pending_bio_fsync:0") })
	}
	s.Kill()
	slow := realserver.RedisWith(t, realserver.RedisOptions{Host: s.Host, Dir: s.Dir, NoWait: true,
		Args: append(args, "--key-load-delay", "400", "--loading-process-events-interval-bytes", "1024")})
	see(env, slow)
	until(t, slow, "a server that loads", func() bool {
		err := redisClient(t, slow).Ping(context.Background()).Err()
		return err != nil && strings.HasPrefix(err.Error(), "LOADING")
	})
}

// startAndFail starts a server that ends by itself.
func startAndFail(t testing.TB, env *Env, args ...string) {
	t.Helper()
	awaitEnd(t, env, realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t), Args: args, NoWait: true}))
}

func startAndFailIn(t testing.TB, env *Env, dir string) {
	t.Helper()
	awaitEnd(t, env, realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t), Dir: dir, NoWait: true}))
}

func awaitEnd(t testing.TB, env *Env, s *realserver.RedisServer) {
	t.Helper()
	until(t, s, "a server that ends", func() bool {
		return syscall.Kill(-s.Process.Cmd.Process.Pid, 0) != nil
	})
	see(env, s)
}

// starveFault runs a server with a limit on its address space and writes until
// it dies of it.
func starveFault(t testing.TB, env *Env, kilobytes int) {
	dir, port := realserver.TempDir(t, ""), realserver.Port(t)
	s := &realserver.RedisServer{Host: redisHost(t), Port: port, Dir: dir, Log: filepath.Join(dir, "redis.log")}
	s.Process = realserver.Start(t, "", dir, s.Log, "/bin/sh", "-c", fmt.Sprintf("ulimit -v %d; exec %s --bind %s --port %d --save '' --dir %s --crash-log-enabled no",
		kilobytes, realserver.Find(t, "redis-server", "redis-server"), s.Host, port, dir))
	s.WaitReady(t)
	see(env, s)
	c := redisClient(t, s)
	value := strings.Repeat("x", 1<<20)
	for i := 0; i < 1000; i++ {
		if c.Set(context.Background(), "blob:"+strconv.Itoa(i), value, 0).Err() != nil {
			break
		}
	}
	until(t, s, "a server that died", func() bool { return syscall.Kill(-s.Process.Cmd.Process.Pid, 0) != nil })
}

func redisWriteFaults() []Fault {
	const noMemory = "redis/writes#memory-is-full-and-nothing-may-be-evicted"
	const nothingToEvict = "redis/writes#only-keys-with-a-lifetime-may-be-evicted-and-there-are-none"
	writes := func(t testing.TB, s *realserver.RedisServer, size int) {
		c := redisClient(t, s)
		value := strings.Repeat("x", size)
		work(t, 1, 2*time.Millisecond, func(ctx context.Context, _, i int) { c.Set(ctx, "doc:"+strconv.Itoa(i), value, 0) })
		until(t, s, "a refused write", func() bool { return infoHas(c, "errorstats", "errorstat_OOM") })
	}
	return []Fault{
		{Name: "saving fails", Truth: []string{"redis/writes#saving-to-disk-fails-and-writes-are-stopped"}, Variants: []Variant{ // C-redis-disk-full
			{"a snapshot that cannot be written", func(t testing.TB, env *Env) {
				s := startRedis(t, env, "--save", "3600 1")
				require.NoError(t, os.MkdirAll(filepath.Join(s.Dir, "dump.rdb", "taken"), 0o755))
				c := redisClient(t, s)
				must(t, c, "SET", "a", 1)
				must(t, c, "BGSAVE")
				until(t, s, "a failed save", func() bool { return infoHas(c, "persistence", "rdb_last_bgsave_status:err") })
				traffic(t, s)
			}},
			{"a full disk under the append-only file", func(t testing.TB, env *Env) {
				dir := smallDisk(t, "1m")
				s := realserver.RedisWith(t, realserver.RedisOptions{Host: redisHost(t), Dir: dir, Args: []string{"--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"}})
				see(env, s)
				c := redisClient(t, s)
				value := strings.Repeat("x", 10000)
				until(t, s, "a full disk", func() bool {
					c.Set(context.Background(), "a", value, 0)
					return infoHas(c, "persistence", "aof_last_write_status:err")
				})
				traffic(t, s)
			}},
		}},
		{Name: "out of memory, noeviction", Truth: []string{noMemory}, Variants: []Variant{ // C-redis-memory-pressure
			{"small values", func(t testing.TB, env *Env) {
				writes(t, startRedis(t, env, "--maxmemory", "6mb", "--maxmemory-policy", "noeviction"), 20000)
			}},
			{"a list that grows", func(t testing.TB, env *Env) {
				s := startRedis(t, env, "--maxmemory", "12mb", "--maxmemory-policy", "noeviction")
				c := redisClient(t, s)
				value := strings.Repeat("x", 50000)
				work(t, 1, 2*time.Millisecond, func(ctx context.Context, _, _ int) { c.RPush(ctx, "events", value) })
				until(t, s, "a refused write", func() bool { return infoHas(c, "errorstats", "errorstat_OOM") })
			}},
		}},
		{Name: "nothing to evict", Truth: []string{nothingToEvict}, Variants: []Variant{ // C-redis-memory-pressure
			{"volatile-lru", func(t testing.TB, env *Env) {
				writes(t, startRedis(t, env, "--maxmemory", "6mb", "--maxmemory-policy", "volatile-lru"), 20000)
			}},
			{"volatile-ttl", func(t testing.TB, env *Env) {
				writes(t, startRedis(t, env, "--maxmemory", "10mb", "--maxmemory-policy", "volatile-ttl"), 60000)
			}},
		}},
		{Name: "writes reach a replica", Truth: []string{"redis/writes#clients-write-to-a-replica"}, Variants: []Variant{
			{"a replica from the start", func(t testing.TB, env *Env) {
				master := realserver.Redis(t)
				s := startRedis(t, env, "--replicaof", master.Host+" "+strconv.Itoa(master.Port))
				until(t, s, "a link", func() bool { return infoHas(redisClient(t, s), "replication", "master_link_status:up") })
				traffic(t, s)
			}},
			{"after a failover", func(t testing.TB, env *Env) {
				master := realserver.Redis(t)
				s := startRedis(t, env)
				warm(t, s, "product:", 500, 20, time.Hour)
				traffic(t, s)
				must(t, redisClient(t, s), "REPLICAOF", master.Host, master.Port)
				until(t, s, "a link", func() bool { return infoHas(redisClient(t, s), "replication", "master_link_status:up") })
			}},
		}},
		{Name: "link to the master is down", Truth: []string{"redis/writes#the-replica-has-lost-its-master"}, Variants: []Variant{
			{"serving what it has", func(t testing.TB, env *Env) {
				master := realserver.Redis(t)
				fillKeys(t, master, "product:", 500, 20, time.Hour)
				s := startRedis(t, env, "--replicaof", master.Host+" "+strconv.Itoa(master.Port))
				until(t, s, "a link", func() bool { return infoHas(redisClient(t, s), "replication", "master_link_status:up") })
				c := redisClient(t, s)
				work(t, 2, time.Millisecond, func(ctx context.Context, _, i int) { c.Get(ctx, "product:"+strconv.Itoa(i%500)) })
				master.Kill()
				until(t, s, "a broken link", func() bool { return infoHas(redisClient(t, s), "replication", "master_link_status:down") })
			}},
			{"serving nothing", func(t testing.TB, env *Env) {
				s := startRedis(t, env, "--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no")
				c := redisClient(t, s)
				work(t, 1, 5*time.Millisecond, func(ctx context.Context, _, _ int) { c.Get(ctx, "a") })
			}},
		}},
		{Name: "too few replicas", Truth: []string{"redis/writes#too-few-replicas-to-accept-writes"}, Variants: []Variant{
			{"none of one", func(t testing.TB, env *Env) { traffic(t, startRedis(t, env, "--min-replicas-to-write", "1")) }},
			{"none of two", func(t testing.TB, env *Env) {
				traffic(t, startRedis(t, env, "--min-replicas-to-write", "2", "--min-replicas-max-lag", "5"))
			}},
		}},
	}
}

// smallDisk mounts a disk of a given size, which needs root.
func smallDisk(t testing.TB, size string) string {
	t.Helper()
	dir := realserver.TempDir(t, "")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: a small disk cannot be mounted: %v\n\n", t.Name(), err)
		t.Skip("a small disk cannot be mounted")
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func redisSlowFaults() []Fault {
	const slow = "redis/slow#commands-walk-large-collections"
	return []Fault{
		{Name: "slow commands", Truth: []string{slow}, Variants: []Variant{ // C-redis-slow-commands
			{"KEYS over many keys", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				fillKeys(t, s, "user:", 150000, 8, time.Hour)
				warmTraffic(t, s)
				repeat(t, s, 30*time.Millisecond, "KEYS", "session:*")
			}},
			{"LRANGE of everything", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				bigList(t, s, 150000)
				warmTraffic(t, s)
				repeat(t, s, 20*time.Millisecond, "LRANGE", "feed:all", 0, -1)
			}},
			{"SORT", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				bigList(t, s, 60000)
				warmTraffic(t, s)
				repeat(t, s, 20*time.Millisecond, "SORT", "feed:all", "ALPHA", "LIMIT", 0, 10)
			}},
		}},
		{Name: "long scripts", Alone: true, Truth: []string{slow}, Variants: []Variant{ // C-redis-slow-commands
			{"again and again", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				warmTraffic(t, s)
				repeat(t, s, 40*time.Millisecond, "EVAL", "local n = 0; for i = 1, 3000000 do n = n + i end; return n", 0)
			}},
			{"without an end", func(t testing.TB, env *Env) {
				s := startRedis(t, env, "--busy-reply-threshold", "100")
				c := redisClient(t, s)
				done := make(chan struct{})
				go func() { defer close(done); c.Do(context.Background(), "EVAL", "while true do end", 0) }()
				t.Cleanup(func() { redisClient(t, s).Do(context.Background(), "SCRIPT", "KILL"); <-done })
				until(t, s, "a busy server", func() bool {
					err := redisClient(t, s).Ping(context.Background()).Err()
					return err != nil && strings.HasPrefix(err.Error(), "BUSY")
				})
			}},
		}},
		{Name: "a disk that is waited for", Truth: []string{"redis/slow#saving-to-disk-holds-it-up"}, Variants: []Variant{ // C-redis-persistence-overhead
			{"always, 30 ms", func(t testing.TB, env *Env) { slowDisk(t, env, "30", "always") }},
			{"always, 80 ms", func(t testing.TB, env *Env) { slowDisk(t, env, "80", "always") }},
			{"every second, 3 s", func(t testing.TB, env *Env) { slowDisk(t, env, "3000", "everysec") }},
		}},
		{Name: "output nobody reads", Truth: []string{"redis/slow#a-client-does-not-read-what-it-asked-for"}, Variants: []Variant{
			{"huge answers", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				must(t, redisClient(t, s), "SET", "blob", strings.Repeat("x", 4<<20))
				warmTraffic(t, s)
				conn, err := net.Dial("tcp", s.Addr())
				require.NoError(t, err)
				t.Cleanup(func() { _ = conn.Close() })
				_, err = conn.Write([]byte(strings.Repeat("GET blob\r\n", 20)))
				require.NoError(t, err)
				until(t, s, "a fat client", func() bool {
					return !infoHas(redisClient(t, s), "memory", "mem_clients_normal:0\r") && infoHas(redisClient(t, s), "commandstats", "cmdstat_get:calls=2")
				})
			}},
			{"a MONITOR left running", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				warmTraffic(t, s)
				conn, err := net.Dial("tcp", s.Addr())
				require.NoError(t, err)
				t.Cleanup(func() { _ = conn.Close() })
				_, err = conn.Write([]byte("MONITOR\r\n"))
				require.NoError(t, err)
				until(t, s, "a MONITOR", func() bool {
					return strings.Contains(redisClient(t, s).ClientList(context.Background()).Val(), "flags=O")
				})
			}},
		}},
		{Name: "a connection for every command", Truth: []string{"redis/slow#clients-connect-anew-for-every-command"}, Variants: []Variant{
			{"one command each", func(t testing.TB, env *Env) { churn(t, startRedis(t, env), 1) }},
			{"three commands each", func(t testing.TB, env *Env) { churn(t, startRedis(t, env), 3) }},
		}},
	}
}

func repeat(t testing.TB, s *realserver.RedisServer, pause time.Duration, args ...any) {
	t.Helper()
	c := redisClient(t, s)
	must(t, c, args...)
	work(t, 1, pause, func(ctx context.Context, _, _ int) { c.Do(ctx, args...) })
}

func bigList(t testing.TB, s *realserver.RedisServer, n int) {
	t.Helper()
	c := redisClient(t, s)
	pipe := c.Pipeline()
	for i := range n {
		pipe.RPush(context.Background(), "feed:all", "item number "+strconv.Itoa((i*7919)%n))
		if pipe.Len() == 2000 || i == n-1 {
			_, err := pipe.Exec(context.Background())
			require.NoError(t, err)
		}
	}
}

func churn(t testing.TB, s *realserver.RedisServer, commands int) {
	t.Helper()
	work(t, 4, 2*time.Millisecond, func(context.Context, int, int) {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		answer := make([]byte, 100)
		for range commands {
			_, _ = conn.Write([]byte("GET a\r\n"))
			_, _ = conn.Read(answer)
		}
	})
}

// slowDisk runs a server whose fdatasync takes so many milliseconds, as on a
// disk that is busy: a small library preloaded into it waits before the call.
func slowDisk(t testing.TB, env *Env, ms, policy string) {
	t.Helper()
	dir := realserver.TempDir(t, "")
	source, lib := filepath.Join(dir, "slow.c"), filepath.Join(dir, "slow.so")
	code := fmt.Sprintf("#define _GNU_SOURCE\n#include <unistd.h>\n#include <sys/syscall.h>\nint fdatasync(int fd) { usleep(%s * 1000); return syscall(SYS_fdatasync, fd); }\nint fsync(int fd) { usleep(%s * 1000); return syscall(SYS_fsync, fd); }\n", ms, ms)
	require.NoError(t, os.WriteFile(source, []byte(code), 0o600))
	compiler, err := exec.LookPath("cc")
	if err != nil {
		fmt.Fprintf(os.Stderr, "\n*** SKIPPED %s: no C compiler to make a slow disk with\n\n", t.Name())
		t.Skip("no C compiler")
	}
	out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", lib, source).CombinedOutput()
	require.NoError(t, err, string(out))
	s := &realserver.RedisServer{Host: redisHost(t), Port: realserver.Port(t), Dir: dir, Log: filepath.Join(dir, "redis.log")}
	s.Process = realserver.Start(t, "", dir, s.Log, "/usr/bin/env", "LD_PRELOAD="+lib, realserver.Find(t, "redis-server", "redis-server"),
		"--bind", s.Host, "--port", strconv.Itoa(s.Port), "--dir", dir, "--save", "", "--appendonly", "yes", "--appendfsync", policy, "--latency-monitor-threshold", "10")
	s.WaitReady(t)
	see(env, s)
	c := redisClient(t, s)
	work(t, 2, time.Millisecond, func(ctx context.Context, w, i int) { c.Set(ctx, fmt.Sprintf("k:%d:%d", w, i%100), "v", time.Hour) })
	until(t, s, "a write that waited", func() bool {
		events, _ := c.Do(context.Background(), "LATENCY", "LATEST").Val().([]any)
		return len(events) > 0 || policy != "always" && !infoHas(c, "persistence", "aof_delayed_fsync:0\r")
	})
}

func redisCacheFaults() []Fault {
	const evicted = "redis/cache#keys-are-evicted-because-the-cache-is-full"
	const emptied = "redis/cache#the-cache-was-emptied-at-once"
	return []Fault{
		{Name: "eviction", Truth: []string{evicted}, Variants: []Variant{ // C-redis-eviction
			{"allkeys-lru", func(t testing.TB, env *Env) {
				s := startRedis(t, env, "--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru")
				overfill(t, s, 30000, 1000)
			}},
			{"allkeys-lfu", func(t testing.TB, env *Env) {
				s := startRedis(t, env, "--maxmemory", "16mb", "--maxmemory-policy", "allkeys-lfu")
				overfill(t, s, 20000, 4000)
			}},
		}},
		{Name: "flush", Truth: []string{emptied}, Variants: []Variant{ // C-cache-mass-invalidation
			{"FLUSHDB once", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				warm(t, s, "page:", 60000, 50, time.Hour)
				readThrough(t, s, "page:", 60000, 50, time.Hour)
				must(t, redisClient(t, s), "FLUSHDB")
			}},
			{"FLUSHALL again and again", func(t testing.TB, env *Env) {
				s := startRedis(t, env)
				warm(t, s, "page:", 20000, 200, time.Hour)
				readThrough(t, s, "page:", 20000, 200, time.Hour)
				repeat(t, s, 300*time.Millisecond, "FLUSHALL")
			}},
		}},
		{Name: "cold after a restart", Truth: []string{"redis/cache#the-cache-was-restarted-and-is-still-cold"}, Variants: []Variant{ // C-cold-cache
			{"many small values", func(t testing.TB, env *Env) { coldFault(t, env, 200000, 20) }},
			{"fewer large values", func(t testing.TB, env *Env) { coldFault(t, env, 80000, 500) }},
		}},
		{Name: "lifetimes too short", Truth: []string{"redis/cache#keys-expire-too-soon"}, Variants: []Variant{ // C-wrong-ttl
			{"milliseconds for seconds", func(t testing.TB, env *Env) { shortLife(t, env, 3000, 60*time.Millisecond) }},
			{"half a second", func(t testing.TB, env *Env) { shortLife(t, env, 12000, 500*time.Millisecond) }},
		}},
		{Name: "keys without a lifetime", Truth: []string{"redis/cache#keys-are-kept-for-ever"}, Variants: []Variant{ // C-wrong-ttl
			{"pages", func(t testing.TB, env *Env) { keepForEver(t, env, "cache:page:") }},
			{"sessions", func(t testing.TB, env *Env) { keepForEver(t, env, "session:") }},
		}},
		{Name: "mass expiry", Alone: true, Truth: []string{"redis/cache#many-keys-expire-in-the-same-moment"}, Variants: []Variant{
			{"six waves", func(t testing.TB, env *Env) { waves(t, env, 6, 15000, 700*time.Millisecond) }},
			{"four waves", func(t testing.TB, env *Env) { waves(t, env, 4, 30000, 900*time.Millisecond) }},
		}},
	}
}

func overfill(t testing.TB, s *realserver.RedisServer, n, size int) {
	t.Helper()
	readThrough(t, s, "product:", n, size, time.Hour)
	c := redisClient(t, s)
	until(t, s, "evictions", func() bool { return !infoHas(c, "stats", "evicted_keys:0\r") })
}

func coldFault(t testing.TB, env *Env, n, size int) {
	s := startRedis(t, env)
	warm(t, s, "page:", n/10, size, time.Hour)
	readThrough(t, s, "page:", n, size, time.Hour)
	s.Restart(t)
}

func shortLife(t testing.TB, env *Env, n int, ttl time.Duration) {
	s := startRedis(t, env)
	readThrough(t, s, "page:", n, 50, ttl)
	c := redisClient(t, s)
	// A steady state, in which as many keys end as begin.
	until(t, s, "a steady state", func() bool { return infoNumber(c, "stats", "expired_keys") > 3*infoNumber(c, "keyspace", "db0:keys") })
}

func keepForEver(t testing.TB, env *Env, prefix string) {
	s := startRedis(t, env, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	fillKeys(t, s, prefix, 60000, 800, 0)
	traffic(t, s)
	c := redisClient(t, s)
	value := strings.Repeat("v", 800)
	work(t, 1, 5*time.Millisecond, func(ctx context.Context, _, i int) { c.Set(ctx, prefix+strconv.Itoa(100000+i), value, 0) })
}

// waves writes keys of which many end in the same millisecond: so many waves,
// of so many keys each, so far apart. A wave is a large part of the keys: Redis
// takes its time with fewer than a tenth.
func waves(t testing.TB, env *Env, count, keys int, apart time.Duration) {
	s := startRedis(t, env)
	traffic(t, s)
	c := redisClient(t, s)
	first := time.Now().Add(4 * time.Second) // when all are written
	pipe := c.Pipeline()
	for w := range count {
		at := first.Add(time.Duration(w) * apart).UnixMilli()
		for i := range keys {
			pipe.Do(context.Background(), "SET", fmt.Sprintf("report:%d:%d", w, i), "v", "PXAT", at)
		}
		_, err := pipe.Exec(context.Background())
		require.NoError(t, err)
	}
	until(t, s, "a wave that ended", func() bool { return infoNumber(c, "stats", "expired_keys") > 0 })
}
