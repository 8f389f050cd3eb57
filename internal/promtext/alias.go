package promtext

import (
	"slices"
	"sort"
	"strings"
)

// A group holds names of one and the same thing, in the same unit, as common
// instrumentation libraries and exporters expose it: client libraries for
// Python, Go, Java (Micrometer) and Node, and the OpenTelemetry exporter. A
// playbook may use any of them. Names that only look alike (a gauge and a
// counter, bytes and counts) are kept apart.
type group struct {
	names []string
	// weaker are names that say the same where none of names is there: the
	// count of a histogram beside a counter of the same requests.
	weaker []string
}

func (g group) has(name string) bool {
	return slices.Contains(g.names, name) || slices.Contains(g.weaker, name)
}

func metricGroups() []group {
	groups := []group{
		{
			names: []string{"http_requests_total", "requests_total", "http_server_requests_total", "http_request_total", "request_count_total",
				"http_requests_count_total", "flask_http_request_total", "starlette_requests_total", "fastapi_requests_total", "django_http_responses_total_by_status_total"},
			weaker: []string{"http_server_requests_seconds_count", "http_request_duration_seconds_count", "http_server_request_duration_seconds_count",
				"request_duration_seconds_count", "http_requests_duration_seconds_count", "http_request_seconds_count", "flask_http_request_duration_seconds_count",
				"starlette_request_duration_seconds_count", "fastapi_requests_duration_seconds_count", "http_request_latency_seconds_count", "request_latency_seconds_count"},
		},
		{
			names: []string{"http_client_requests_total", "outbound_requests_total", "outgoing_requests_total", "external_requests_total", "external_api_requests_total",
				"external_calls_total", "external_api_calls_total", "upstream_requests_total", "dependency_requests_total", "client_requests_total"},
			weaker: []string{"http_client_requests_seconds_count", "http_client_request_duration_seconds_count", "http_client_duration_seconds_count",
				"outbound_request_duration_seconds_count", "external_request_duration_seconds_count", "external_api_duration_seconds_count",
				"external_call_duration_seconds_count", "upstream_request_duration_seconds_count", "dependency_request_duration_seconds_count"},
		},
		{names: []string{"http_requests_in_flight", "http_requests_in_progress", "http_requests_inprogress", "http_server_active_requests", "requests_in_progress",
			"requests_in_flight", "http_requests_active", "in_flight_requests", "starlette_requests_processing", "fastapi_requests_in_progress"}},

		{names: []string{"db_connections_active", "db_pool_connections_in_use", "db_pool_checked_out", "db_pool_checkedout", "db_pool_checked_out_connections", "db_pool_in_use",
			"db_pool_connections_active", "db_pool_active_connections", "sqlalchemy_pool_checked_out", "sqlalchemy_pool_checkedout", "sqlalchemy_pool_connections_in_use",
			"hikaricp_connections_active", "go_sql_in_use_connections", "go_sql_stats_connections_in_use", "db_connections_in_use", "pgxpool_acquired_conns", "asyncpg_pool_in_use",
			"pg_pool_active_count", "pg_pool_active", "pg_pool_in_use", "db_pool_used", "db_pool_used_connections", "db_pool_active", "knex_pool_used",
			"prisma_pool_connections_busy", "active_record_connection_pool_busy", "npgsql_busy_connections"}},
		{names: []string{"db_connections_waiting", "db_pool_waiting", "db_pool_waiters", "db_pool_connections_waiting", "hikaricp_connections_pending", "db_connections_pending", "sqlalchemy_pool_waiting",
			"pg_pool_waiting_count", "pg_pool_waiting", "db_pool_waiting_count", "db_pool_waiting_requests", "db_pool_requests_waiting", "db_pool_pending",
			"db_pool_pending_requests", "db_pool_queue_length", "knex_pool_pending_acquires", "prisma_client_queries_wait",
			"active_record_connection_pool_waiting", "psycopg_pool_requests_waiting"}},
		{names: []string{"db_connections_max", "db_pool_size_max", "hikaricp_connections_max", "go_sql_max_open_connections",
			"go_sql_stats_connections_max_open", "db_pool_max", "db_pool_max_connections", "db_pool_capacity", "db_pool_limit", "pgxpool_max_conns",
			"pg_pool_max", "pg_pool_max_count", "active_record_connection_pool_size", "psycopg_pool_pool_max"},
			weaker: []string{"db_pool_size", "sqlalchemy_pool_size", "pg_pool_size", "pg_pool_total_count", "prisma_pool_connections_open"}},
		// Of node-postgres and its like: those that are open, and those of them that nobody has.
		{names: []string{"pg_pool_total_count", "pg_pool_total", "db_pool_total_count", "db_pool_open_connections", "db_pool_total_connections"}},
		{names: []string{"pg_pool_idle_count", "pg_pool_idle", "db_pool_idle_count", "db_pool_idle", "db_pool_idle_connections", "db_pool_connections_idle"}},

		// The longest wait since the last look says more than that of the moment.
		{names: []string{"nodejs_eventloop_lag_max_seconds", "nodejs_eventloop_delay_max_seconds", "event_loop_lag_max_seconds"},
			weaker: []string{"nodejs_eventloop_lag_p99_seconds", "nodejs_eventloop_delay_p99_seconds", "event_loop_lag_seconds", "event_loop_delay_seconds",
				"python_event_loop_lag_seconds", "asyncio_event_loop_lag_seconds", "asyncio_loop_lag_seconds", "app_event_loop_lag_seconds", "nodejs_eventloop_lag_seconds"}},

		{names: []string{"process_resident_memory_bytes", "process_memory_rss_bytes", "process_rss_bytes", "worker_memory_bytes", "worker_rss_bytes", "process_memory_bytes"}},
		{names: []string{"container_spec_memory_limit_bytes", "container_memory_limit_bytes"}},

		{names: []string{"cache_entries", "cache_items", "cache_keys", "cache_entries_count"}},
		{names: []string{"cache_hits_total", "cache_hit_total"}},
		{names: []string{"cache_misses_total", "cache_miss_total"}},
		{names: []string{"cache_requests_total", "cache_lookups_total", "cache_gets_total", "cache_operations_total", "cache_accesses_total"}},

		{names: []string{"job_queue_depth", "job_queue_length", "job_queue_size", "queue_depth", "queue_length", "jobs_queued", "jobs_waiting", "jobs_pending",
			"celery_queue_length", "rq_queue_length", "rq_queue_depth", "task_queue_length", "task_queue_depth"}},
		{names: []string{"jobs_enqueued_total", "jobs_queued_total", "jobs_submitted_total", "jobs_created_total", "tasks_enqueued_total", "celery_task_sent_total"}},
		{names: []string{"jobs_processed_total", "jobs_finished_total", "job_runs_total", "jobs_total", "tasks_processed_total", "rq_jobs_processed_total"}},
		{names: []string{"job_workers", "rq_workers", "celery_worker_up", "workers_alive", "job_workers_alive", "worker_count"}},
		{names: []string{"job_workers_busy", "workers_busy", "job_workers_active", "workers_active", "jobs_in_progress", "jobs_running"}},
		{names: []string{"job_worker_last_heartbeat_timestamp_seconds", "worker_last_heartbeat_timestamp_seconds", "worker_heartbeat_timestamp_seconds", "worker_last_seen_timestamp_seconds"}},
		{names: []string{"job_scheduler_last_run_timestamp_seconds", "scheduler_last_run_timestamp_seconds", "beat_last_run_timestamp_seconds", "scheduler_last_tick_timestamp_seconds"}},

		{names: []string{"redis_memory_used_peak_bytes", "redis_used_memory_peak", "redis_used_memory_peak_bytes"}},
		{names: []string{"redis_memory_used_bytes", "redis_used_memory", "redis_used_memory_bytes"}},
		{names: []string{"redis_commands_processed_total", "redis_commands_total", "redis_total_commands_processed"}},
	}
	for _, family := range [][]string{
		{"http_request_duration_seconds", "request_duration_seconds", "http_server_requests_seconds", "http_server_request_duration_seconds",
			"http_requests_duration_seconds", "http_request_seconds", "flask_http_request_duration_seconds", "starlette_request_duration_seconds",
			"fastapi_requests_duration_seconds", "http_request_latency_seconds", "request_latency_seconds"},
		{"http_client_request_duration_seconds", "http_client_requests_seconds", "http_client_duration_seconds", "outbound_request_duration_seconds",
			"external_request_duration_seconds", "external_api_duration_seconds", "external_call_duration_seconds", "upstream_request_duration_seconds",
			"dependency_request_duration_seconds"},
		{"http_response_size_bytes", "http_server_response_body_size_bytes", "http_server_response_size_bytes", "response_size_bytes"},
		{"db_query_duration_seconds", "db_client_operation_duration_seconds", "sql_query_duration_seconds", "database_query_duration_seconds",
			"sqlalchemy_query_duration_seconds", "db_statement_duration_seconds", "query_duration_seconds"},
		{"job_duration_seconds", "task_duration_seconds", "job_run_duration_seconds", "job_processing_seconds", "rq_job_duration_seconds", "celery_task_runtime_seconds"},
	} {
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			var g group
			for _, base := range family {
				g.names = append(g.names, base+suffix)
			}
			groups = append(groups, g)
		}
	}
	return groups
}

// A split is a metric that others keep as one for each value of a label: hits
// and misses in two counters, where the playbook has them as one with a label.
type split struct {
	metric, label, value string
	part                 string // the counter of that value alone
	others               []string
}

func splits() []split {
	return []split{
		{"cache_requests_total", "result", "hit", "cache_hits_total", []string{"cache_misses_total"}},
		{"cache_requests_total", "result", "miss", "cache_misses_total", []string{"cache_hits_total"}},
	}
}

// identityLabels name the service that a series speaks of. Another of them is
// taken only where its values say that it is the same service.
func identityLabels() []string {
	return []string{"service", "service_name", "app", "application", "app_kubernetes_io_name", "job"}
}

// labelGroups are labels with one meaning, by the same libraries.
func labelGroups() []group {
	return []group{
		{names: identityLabels()},
		{names: []string{"status", "code", "status_code", "http_status", "http_status_code", "response_code", "http_response_status_code"}},
		{names: []string{"endpoint", "path", "route", "handler", "uri", "http_route", "path_template", "url_path"}},
		{names: []string{"method", "verb", "http_method", "http_request_method"}},
		{names: []string{"host", "server_address", "net_peer_name", "peer_service", "client_name", "upstream", "target", "destination", "dependency", "provider"}},
		{names: []string{"statement", "query", "query_name", "db_statement", "db_query_text", "operation"}},
		{names: []string{"cache", "cache_name"}},
		{names: []string{"result", "outcome"}},
		{names: []string{"queue", "queue_name"}},
		{names: []string{"version", "app_version", "service_version", "release"}},
	}
}

// peers lists the other names of a group's thing, those that mean it best
// first: of a later tier one asks only where the earlier have none.
func peers(groups []group, name string) (tiers [2][]string) {
	for _, g := range groups {
		if !g.has(name) {
			continue
		}
		for i, tier := range [][]string{g.names, g.weaker} {
			for _, other := range tier {
				if other != name && !slices.Contains(tiers[i], other) {
					tiers[i] = append(tiers[i], other)
				}
			}
		}
	}
	sort.Strings(tiers[0])
	sort.Strings(tiers[1])
	return tiers
}

// groupsOf returns every other name that shares a group with name, sorted.
func groupsOf(groups []group, name string) []string {
	tiers := peers(groups, name)
	others := slices.Concat(tiers[0], tiers[1])
	sort.Strings(others)
	return slices.Compact(others)
}

func isIdentity(label string) bool { return slices.Contains(identityLabels(), label) }

// strangers begin the names of metrics that end like a service's own and are
// those of something else: a gateway's, a monitor's, or of calls that go out.
var strangers = []string{"prometheus", "promhttp", "alertmanager", "grafana", "loki", "nginx", "traefik", "envoy", "haproxy", "istio", "caddy", "apiserver", "etcd", "probe"}

// outwards are words of metrics that count what a service asks of others.
var outwards = []string{"client", "outbound", "outgoing", "external", "upstream", "dependency", "proxy", "remote", "webhook"}

// prefixed lists names that are the metric's behind a word of their own, as an
// application's name often stands before what it counts: shop_http_requests_total.
func prefixed(names map[string]bool, metric string) []string {
	var found []string
	for name := range names {
		prefix, is := strings.CutSuffix(name, "_"+metric)
		if !is || prefix == "" {
			continue
		}
		words := strings.Split(prefix, "_")
		if slices.Contains(strangers, words[0]) || slices.ContainsFunc(words, func(w string) bool { return slices.Contains(outwards, w) }) {
			continue
		}
		found = append(found, name)
	}
	sort.Strings(found)
	return found
}
