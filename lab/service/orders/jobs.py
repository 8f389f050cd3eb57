"""What is done after the answer: receipts by RQ workers."""

import time

import redis
from rq import Queue

from . import journal, measure, settings

_store = redis.Redis.from_url(settings.JOBS_URL, socket_timeout=settings.REDIS_TIMEOUT, socket_connect_timeout=settings.REDIS_TIMEOUT)
queue = Queue("receipts", connection=_store, default_timeout=settings.JOB_TIMEOUT)


def receipt(order):
    try:
        queue.enqueue(send_receipt, order, result_ttl=settings.RESULT_TTL, failure_ttl=3600)
        measure.jobs_in.labels(measure.S, "receipts").inc()
    except redis.RedisError as wrong:
        journal.error("job could not be enqueued", error_type=type(wrong).__name__, details={"job_name": "send_receipt", "reason": str(wrong)})


def send_receipt(order):
    """The job itself, in a worker."""
    began = time.monotonic()
    time.sleep(0.02)
    journal.info("job finished", duration_ms=round((time.monotonic() - began) * 1000), details={"job_name": "send_receipt", "order": order})
    return order
