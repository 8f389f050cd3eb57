package demo

import (
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// meter is what the shop measures of itself, under the names that client
// libraries commonly use.
type meter struct {
	exposition
	requests, durations   *family // by method, path, status, version; by path
	statements, rows      *family // durations by statement; errors by statement and kind
	lookups               *family // of the cache, by cache and result
	calls, callDurations  *family // of other services, by host and result; by host
	enqueued, worked, ran *family // jobs in; out by result; durations
}

// Bounds of durations in seconds: from a fast statement to the request limit.
var durationBounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}

func newMeter() *meter {
	m := &meter{}
	m.requests = m.counter("http_requests_total", "Requests answered.", "method", "path", "status", "version")
	m.durations = m.histogram("http_request_duration_seconds", "Time to answer a request.", durationBounds, "path")
	m.statements = m.histogram("db_query_duration_seconds", "Time of a statement, without the wait for a connection.", durationBounds, "statement")
	m.rows = m.counter("db_query_errors_total", "Statements that failed.", "statement", "error_type")
	m.lookups = m.counter("cache_requests_total", "Look-ups in the cache.", "cache", "result")
	m.calls = m.counter("http_client_requests_total", "Calls of other services.", "host", "status")
	m.callDurations = m.histogram("http_client_request_duration_seconds", "Time of a call of another service.", durationBounds, "host")
	m.enqueued = m.counter("jobs_enqueued_total", "Jobs put into the queue.", "queue")
	m.worked = m.counter("jobs_processed_total", "Jobs that ended, by result.", "queue", "status")
	m.ran = m.histogram("job_duration_seconds", "Time of one run of a job.", durationBounds, "queue")
	return m
}

// gauges registers what is read at the moment of a scrape.
func (s *server) gauges() {
	one := func(name, kind, help string, read func() float64) {
		s.meter.gauge(name, kind, help, nil, func(set func(float64, ...string)) { set(read()) })
	}
	pool := []string{"db_name"}
	of := func(name, kind, help string, read func() float64) {
		s.meter.gauge(name, kind, help, pool, func(set func(float64, ...string)) { set(read(), "shop") })
	}
	of("go_sql_max_open_connections", "gauge", "Most connections that the pool may open.", func() float64 { return float64(s.db.stats().MaxOpenConnections) })
	of("go_sql_open_connections", "gauge", "Connections, in use and idle.", func() float64 { return float64(s.db.stats().OpenConnections) })
	of("go_sql_in_use_connections", "gauge", "Connections that are taken.", func() float64 { return float64(s.db.stats().InUse) })
	of("go_sql_idle_connections", "gauge", "Connections that are free.", func() float64 { return float64(s.db.stats().Idle) })
	of("go_sql_wait_count_total", "counter", "Times that someone waited for a connection.", func() float64 { return float64(s.db.stats().WaitCount) })
	of("go_sql_wait_duration_seconds_total", "counter", "Time waited for connections.", func() float64 { return s.db.stats().WaitDuration.Seconds() })

	one("http_requests_in_flight", "gauge", "Requests being answered.", func() float64 { return float64(s.inFlight.Load()) })
	one("http_requests_in_flight_limit", "gauge", "Most requests at once; more are refused.", func() float64 { return maxInFlight })
	s.meter.gauge("cache_entries", "gauge", "Entries in the cache.", []string{"cache"}, func(set func(float64, ...string)) {
		for name, n := range s.cache.sizes() {
			set(float64(n), name)
		}
	})
	s.queueGauges()

	s.meter.gauge("app_build_info", "gauge", "The running version.", []string{"version"}, func(set func(float64, ...string)) { set(1, s.version()) })
	one("process_start_time_seconds", "gauge", "When the running version started.", func() float64 { return seconds(s.started) })
	one("process_resident_memory_bytes", "gauge", "Memory of the process.", residentBytes)
	one("process_cpu_seconds_total", "counter", "CPU time of the process.", cpuSeconds)
	one("go_gc_heap_live_bytes", "gauge", "Heap that was in use after the last collection.", liveHeapBytes)
	one("go_goroutines", "gauge", "Goroutines.", func() float64 { return float64(runtime.NumGoroutine()) })
}

func (s *server) queueGauges() {
	queue := []string{"queue"}
	of := func(name, help string, read func(queueState) float64) {
		s.meter.gauge(name, "gauge", help, queue, func(set func(float64, ...string)) { set(read(s.queue.state()), jobQueue) })
	}
	of("job_queue_depth", "Jobs that wait.", func(q queueState) float64 { return float64(q.waiting) })
	of("job_queue_oldest_age_seconds", "Age of the job that waits longest.", func(q queueState) float64 { return q.oldest.Seconds() })
	of("job_workers", "Workers that run.", func(q queueState) float64 { return float64(q.alive) })
	of("job_workers_busy", "Workers with a job in hand.", func(q queueState) float64 { return float64(q.busy) })
	s.meter.gauge("job_worker_last_heartbeat_timestamp_seconds", "gauge", "When each worker last gave a sign of life.", []string{"queue", "worker"}, func(set func(float64, ...string)) {
		for worker, at := range s.queue.state().heartbeats {
			set(seconds(at), jobQueue, strconv.Itoa(worker))
		}
	})
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// residentBytes is the memory of this process; on systems without /proc it is
// what the Go runtime has from the system.
func residentBytes() float64 {
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			if pages, err := strconv.ParseFloat(fields[1], 64); err == nil {
				return pages * float64(os.Getpagesize())
			}
		}
	}
	return sampleRuntime("/memory/classes/total:bytes") - sampleRuntime("/memory/classes/heap/released:bytes")
}

func liveHeapBytes() float64 { return sampleRuntime("/gc/heap/live:bytes") }

func sampleRuntime(name string) float64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return float64(sample[0].Value.Uint64())
}
