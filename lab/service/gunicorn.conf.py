"""How the service is run: see etc/orders.env for what differs between machines."""

import os

from prometheus_client import multiprocess

bind = os.environ["BIND"]
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "uvicorn.workers.UvicornWorker"
timeout = 20
graceful_timeout = 5
max_requests = 0


def child_exit(server, worker):
    multiprocess.mark_process_dead(worker.pid)
