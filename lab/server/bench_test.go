package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/realserver"
	"github.com/quellhq/quell/internal/report"
)

// BenchmarkDiagnose measures what a diagnosis costs: us, and the patients. It
// runs the built binary against a local Postgres and Redis with data in them,
// and prints a table. `make bench-diagnose` runs it; it is never a test, since
// the machine that runs tests is shared.
func BenchmarkDiagnose(b *testing.B) {
	const runs = 20
	bench := newBench(b)
	for range b.N {
		var walls, rss []float64
		var page report.Page
		before := bench.load(b)
		for range runs {
			wall, peak, p := bench.diagnose(b)
			walls, rss, page = append(walls, wall.Seconds()), append(rss, peak), p
		}
		after := bench.load(b)
		var starts []float64
		for range runs {
			start := time.Now()
			require.NoError(b, exec.Command(bench.quell, "--version").Run())
			starts = append(starts, float64(time.Since(start).Microseconds())/1000)
		}
		row := func(what, format string, args ...any) { fmt.Printf("%-46s %s\n", what, fmt.Sprintf(format, args...)) }
		fmt.Println()
		row("diagnose, wall time", "p50 %.2f s, p95 %.2f s (%d runs)", quantileOf(walls, .5), quantileOf(walls, .95), runs)
		row("verdict on the idle servers", "%s", page.Diagnosis.Summary)
		row("questions", "%d asked, %d answered", page.Diagnosis.Coverage.Probes, page.Diagnosis.Coverage.Answered)
		row("postgres, for each diagnosis", "%.0f statements, %.1f ms of server time", (after.statements-before.statements)/runs, (after.pgMS-before.pgMS)/runs)
		row("redis, for each diagnosis", "%.0f commands, %.1f ms of server time", (after.commands-before.commands)/runs, (after.redisMS-before.redisMS)/runs)
		row("peak memory (RSS)", "%.1f MB", quantileOf(rss, 1))
		row("quell --version, wall time", "p50 %.1f ms, p95 %.1f ms", quantileOf(starts, .5), quantileOf(starts, .95))
		row("stripped binary", "%.1f MB", bench.size)
		alone, with := bench.patients(b)
		for _, name := range []string{"pgbench", "redis-benchmark"} {
			row(name+" p99 alone / while we look", "%s / %s (medians %.2f / %.2f ms, ratio %.2f)",
				spread(alone[name]), spread(with[name]), quantileOf(alone[name], .5), quantileOf(with[name], .5),
				quantileOf(with[name], .5)/quantileOf(alone[name], .5))
		}
		if os.Getenv("QUELL_BENCH_BUILD") != "" {
			wall, cpu := bench.coldBuild(b)
			row("cold build (empty build cache)", "%.0f s wall, %.0f CPU s", wall, cpu)
		}
	}
}

type bench struct {
	quell, config string
	size          float64
	pg            *realserver.Postgres
	redis         *realserver.RedisServer
	pgbench       string
}

func newBench(b *testing.B) *bench {
	dir := b.TempDir()
	x := &bench{quell: filepath.Join(dir, "quell"), config: filepath.Join(dir, "quell.yaml")}
	out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", x.quell, "../cmd/quell").CombinedOutput()
	require.NoError(b, err, string(out))
	info, err := os.Stat(x.quell)
	require.NoError(b, err)
	x.size = float64(info.Size()) / 1e6
	x.pg = realserver.StartPostgres(b, realserver.PostgresConfig{Settings: map[string]string{"shared_buffers": "128MB", "max_connections": "100"}})
	x.redis = realserver.Redis(b)
	x.pgbench = realserver.Find(b, "pgbench", "postgresql-contrib")
	x.pg.Exec(b, "app", "CREATE ROLE quell LOGIN", "GRANT pg_monitor TO quell")
	out, err = exec.Command(x.pgbench, "-i", "-s", "10", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(x.pg.Port), "-U", "postgres", "app").CombinedOutput()
	require.NoError(b, err, string(out))
	x.redisBenchmark(b, "50000")
	yaml := fmt.Sprintf("services:\n  shop:\n    depends_on: [db, cache]\ntargets:\n  db: {kind: postgres, url: \"postgres://quell@127.0.0.1:%d/app\"}\n  cache: {kind: redis, url: \"%s\"}\n", x.pg.Port, x.redis.URL())
	require.NoError(b, os.WriteFile(x.config, []byte(yaml), 0o600))
	return x
}

func (x *bench) diagnose(b *testing.B) (wall time.Duration, peakMB float64, page report.Page) {
	cmd := exec.Command(x.quell, "diagnose", "--json", "--config", x.config)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	start := time.Now()
	err := cmd.Run()
	wall = time.Since(start)
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() < 3) {
		b.Fatalf("diagnose: %v: %s", err, errOut.String())
	}
	require.NoError(b, json.Unmarshal(out.Bytes(), &page))
	return wall, float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / 1000, page
}

type load struct{ statements, pgMS, commands, redisMS float64 }

// load reads what our role and our commands have cost the servers so far.
func (x *bench) load(b *testing.B) load {
	var l load
	conn := x.pg.Connect(b, "app")
	err := conn.QueryRow(b.Context(), `SELECT coalesce(sum(calls), 0)::float8, coalesce(sum(total_exec_time + total_plan_time), 0)::float8
		FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = 'quell'`).Scan(&l.statements, &l.pgMS)
	require.NoError(b, err)
	out, err := exec.Command("redis-cli", "-p", strconv.Itoa(x.redis.Port), "info", "commandstats").Output()
	require.NoError(b, err)
	for _, line := range strings.Split(string(out), "\n") {
		_, rest, ok := strings.Cut(strings.TrimSpace(line), ":calls=")
		if !ok || strings.HasPrefix(line, "cmdstat_set:") || strings.HasPrefix(line, "cmdstat_get:") {
			continue
		}
		fields := strings.Split(rest, ",")
		calls, err := strconv.ParseFloat(fields[0], 64)
		require.NoError(b, err)
		usec, err := strconv.ParseFloat(strings.TrimPrefix(fields[1], "usec="), 64)
		require.NoError(b, err)
		l.commands += calls
		l.redisMS += usec / 1000
	}
	return l
}

// patients measures the p99 of a running pgbench and redis-benchmark, by turns
// alone and with a diagnosis every three seconds. Our own process runs at the
// lowest priority: it stands for one on another machine, so that the figure is
// what the questions do to the servers, and not who gets the two cores.
func (x *bench) patients(b *testing.B) (alone, with map[string][]float64) {
	alone, with = map[string][]float64{}, map[string][]float64{}
	const rounds = 5
	for range rounds {
		for _, looking := range []bool{false, true} {
			into := alone
			if looking {
				into = with
			}
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				tick := time.NewTicker(3 * time.Second)
				defer tick.Stop()
				for looking && ctx.Err() == nil {
					_ = exec.CommandContext(ctx, "nice", "-n", "19", x.quell, "diagnose", "--json", "--config", x.config).Run()
					select {
					case <-tick.C:
					case <-ctx.Done():
					}
				}
			}()
			into["pgbench"] = append(into["pgbench"], x.pgbenchP99(b))
			into["redis-benchmark"] = append(into["redis-benchmark"], x.redisBenchmark(b, "300000"))
			cancel()
			<-done
		}
	}
	return alone, with
}

// pgbenchP99 runs four clients at a fixed rate for some seconds, in milliseconds.
func (x *bench) pgbenchP99(b *testing.B) float64 {
	dir := b.TempDir()
	cmd := exec.Command(x.pgbench, "-n", "-c", "4", "-T", "6", "-R", "400", "-l", "-h", "127.0.0.1", "-p", strconv.Itoa(x.pg.Port), "-U", "postgres", "app")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, string(out))
	logs, err := filepath.Glob(filepath.Join(dir, "pgbench_log.*"))
	require.NoError(b, err)
	var latencies []float64
	for _, name := range logs {
		f, err := os.Open(name)
		require.NoError(b, err)
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			us, err := strconv.ParseFloat(fields[2], 64)
			require.NoError(b, err)
			latencies = append(latencies, us/1000)
		}
		f.Close()
	}
	return quantileOf(latencies, .99)
}

// redisBenchmark gives the p99 of GET in milliseconds.
func (x *bench) redisBenchmark(b *testing.B, requests string) float64 {
	out, err := exec.Command("redis-benchmark", "-p", strconv.Itoa(x.redis.Port), "-n", requests, "-r", "20000", "-c", "10", "-t", "set,get", "--csv").Output()
	require.NoError(b, err)
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	require.NoError(b, err)
	column := -1
	for i, name := range rows[0] {
		if strings.HasPrefix(name, "p99_latency") {
			column = i
		}
	}
	require.GreaterOrEqual(b, column, 0)
	for _, r := range rows {
		if r[0] == "GET" {
			v, err := strconv.ParseFloat(r[column], 64)
			require.NoError(b, err)
			return v
		}
	}
	b.Fatal("redis-benchmark printed no GET")
	return 0
}

func (x *bench) coldBuild(b *testing.B) (wall, cpu float64) {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(b.TempDir(), "quell"), "../cmd/quell")
	cmd.Env = append(os.Environ(), "GOCACHE="+b.TempDir())
	start := time.Now()
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, string(out))
	return time.Since(start).Seconds(), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
}

func quantileOf(values []float64, q float64) float64 {
	sorted := append([]float64{}, values...)
	sort.Float64s(sorted)
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func spread(values []float64) string {
	return fmt.Sprintf("%.2f–%.2f ms", quantileOf(values, 0), quantileOf(values, 1))
}
