"""Metrics, added up over the workers of an instance."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from . import processes, settings
from .version import VERSION

S = settings.SERVICE
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

requests = Counter("http_requests_total", "requests answered", ["service", "method", "endpoint", "status"])
seconds = Histogram("http_request_duration_seconds", "time to answer", ["service", "method", "endpoint"], buckets=BUCKETS)
sizes = Histogram("http_response_size_bytes", "bytes of an answer", ["service", "endpoint"], buckets=(1e3, 1e4, 1e5, 1e6, 1e7))
in_flight = Gauge("http_requests_in_progress", "requests being answered", ["service"], multiprocess_mode="livesum")
pool_size = Gauge("db_pool_size", "connections a pool may have", ["service"], multiprocess_mode="livesum")
pool_active = Gauge("db_connections_active", "connections taken from the pool", ["service"], multiprocess_mode="livesum")
pool_waiting = Gauge("db_connections_waiting", "requests that wait for a connection", ["service"], multiprocess_mode="livesum")
statements = Histogram("db_query_duration_seconds", "time of a statement", ["service"], buckets=BUCKETS)
cache_asked = Counter("cache_requests_total", "look-ups in the cache", ["service"])
cache_hits = Counter("cache_hits_total", "look-ups that found something", ["service"])
outbound = Counter("http_client_requests_total", "requests to others", ["service", "host", "status"])
outbound_seconds = Histogram("http_client_request_duration_seconds", "time that others take", ["service", "host"], buckets=BUCKETS)
logins = Counter("auth_attempts_total", "logins", ["service", "result"])
jobs_in = Counter("jobs_enqueued_total", "jobs put in", ["service", "queue"])
build = Gauge("build_info", "the release that runs", ["service", "version"], multiprocess_mode="max")


def start():
    build.labels(S, VERSION).set(1)
    pool_size.labels(S).set(settings.POOL_SIZE + settings.POOL_OVERFLOW)


def page():
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)
    registry.register(processes.Workers())
    return generate_latest(registry)
