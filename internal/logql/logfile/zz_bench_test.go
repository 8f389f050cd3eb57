package logfile_test

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

func BenchmarkShapes(b *testing.B) {
	path := os.Getenv("QUELL_BENCH_LOG")
	if path == "" {
		b.Skip("no file")
	}
	end, _ := time.Parse(time.RFC3339, "2026-03-02T02:00:10Z")
	info, _ := os.Stat(path)
	for _, q := range []struct{ name, text string }{
		{"Q1", `{service="orders-api"} | json | level=~"ERROR|CRITICAL" | line_format "{{.timestamp}} {{.error_type}}: {{.message}}"`},
		{"Q2", `{service=~".+"} | json | duration_ms > 1500`},
		{"Q3", `avg by (endpoint) (avg_over_time({service=~"orders-api|billing|accounts|search|media"} | json | unwrap duration_ms [2d]))`},
		{"Q4", `sum by (error_type) (count_over_time({service=~".+"} | json | level="ERROR" [2d]))`},
		{"Q5", `{service="orders-api"} | json | message=~"(?i)starting|started|stopping|stopped|fatal|panic"`},
		{"Q6", `{service=~".+"} |= "deployment started"`},
	} {
		b.Run(q.name, func(b *testing.B) {
			query, err := logql.Parse(q.text)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			var before, after syscall.Rusage
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
			defer func() {
				_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
				cpu := float64(after.Utime.Nano()-before.Utime.Nano()+after.Stime.Nano()-before.Stime.Nano()) / float64(b.N)
				b.ReportMetric(float64(info.Size())/cpu, "GB/cpu-s")
			}()
			for b.Loop() {
				files, err := logfile.New(logfile.Config{Paths: []string{path}, Location: time.UTC, Budget: 1 << 40})
				if err != nil {
					b.Fatal(err)
				}
				r, err := logql.Run(context.Background(), query, files, logql.Asked{End: end, Since: 48 * time.Hour}, logql.Limits{Lines: 1 << 20, Bytes: 1 << 30})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(r.Stats.Matched), "matched")
			}
		})
	}
}
