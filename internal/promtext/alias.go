package promtext

import (
	"slices"
	"sort"
)

// metricGroups are names under which common instrumentation libraries expose
// one and the same thing, in the same unit: client libraries for Python, Go,
// Java (Micrometer) and the OpenTelemetry exporter. A playbook may use any of
// them. Names that only look alike (a gauge and a counter, bytes and counts)
// are kept apart.
func metricGroups() [][]string {
	groups := [][]string{
		{"http_requests_total", "requests_total", "http_server_requests_total", "http_request_total",
			"http_server_requests_seconds_count", "http_request_duration_seconds_count",
			"http_server_request_duration_seconds_count", "request_duration_seconds_count",
			"flask_http_request_total", "starlette_requests_total", "django_http_responses_total_by_status_total"},
		{"db_connections_active", "db_pool_connections_in_use", "db_pool_checked_out", "sqlalchemy_pool_checked_out",
			"hikaricp_connections_active", "go_sql_in_use_connections", "go_sql_stats_connections_in_use", "db_connections_in_use"},
		{"db_connections_waiting", "db_pool_waiting", "db_pool_waiters", "hikaricp_connections_pending", "db_connections_pending"},
		{"db_connections_max", "db_pool_size_max", "hikaricp_connections_max", "go_sql_max_open_connections",
			"go_sql_stats_connections_max_open", "db_pool_max"},
		{"redis_memory_used_peak_bytes", "redis_used_memory_peak", "redis_used_memory_peak_bytes"},
		{"redis_memory_used_bytes", "redis_used_memory", "redis_used_memory_bytes"},
		{"redis_commands_processed_total", "redis_commands_total", "redis_total_commands_processed"},
	}
	for _, family := range [][]string{
		{"http_request_duration_seconds", "request_duration_seconds", "http_server_requests_seconds",
			"http_server_request_duration_seconds", "http_requests_duration_seconds", "flask_http_request_duration_seconds"},
		{"db_query_duration_seconds", "db_client_operation_duration_seconds", "sql_query_duration_seconds", "database_query_duration_seconds"},
	} {
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			var group []string
			for _, base := range family {
				group = append(group, base+suffix)
			}
			groups = append(groups, group)
		}
	}
	return groups
}

// identityLabels name the service that a series speaks of. Another of them is
// taken only where its values say that it is the same service.
func identityLabels() []string {
	return []string{"service", "service_name", "app", "application", "app_kubernetes_io_name", "job"}
}

// labelGroups are labels with one meaning, by the same libraries.
func labelGroups() [][]string {
	return [][]string{
		identityLabels(),
		{"status", "code", "status_code", "http_status", "http_status_code", "response_code", "http_response_status_code"},
		{"endpoint", "path", "route", "handler", "uri", "http_route"},
		{"method", "verb", "http_method", "http_request_method"},
	}
}

// groupsOf returns every other name that shares a group with name, sorted.
func groupsOf(groups [][]string, name string) []string {
	var others []string
	for _, g := range groups {
		if !slices.Contains(g, name) {
			continue
		}
		for _, other := range g {
			if other != name && !slices.Contains(others, other) {
				others = append(others, other)
			}
		}
	}
	sort.Strings(others)
	return others
}

func isIdentity(label string) bool { return slices.Contains(identityLabels(), label) }
