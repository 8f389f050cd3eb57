"""What is done after the answer: receipts, and later reminders, by RQ workers."""

import datetime
import time

import redis
from rq import Queue

from . import journal, measure, settings

_store = redis.Redis.from_url(settings.JOBS_URL, socket_timeout=settings.REDIS_TIMEOUT, socket_connect_timeout=settings.REDIS_TIMEOUT)
queue = Queue("receipts", connection=_store, default_timeout=settings.JOB_TIMEOUT)


REMIND_AFTER = 5


def receipt(order):
    try:
        queue.enqueue(send_receipt, order, result_ttl=settings.RESULT_TTL, failure_ttl=3600)
        queue.enqueue_in(datetime.timedelta(seconds=REMIND_AFTER), remind, order, result_ttl=60)
        measure.jobs_in.labels(measure.S, "receipts").inc()
    except redis.RedisError as wrong:
        journal.error("job could not be enqueued", error_type=type(wrong).__name__, details={"job_name": "send_receipt", "reason": str(wrong)})


def lines(order):
    """How many lines an order has, read by the worker itself."""
    import psycopg2  # by the worker alone: the service speaks asyncpg

    with psycopg2.connect(settings.DATABASE_URL.replace("+asyncpg", ""), connect_timeout=3) as db, db.cursor() as rows:
        rows.execute("SELECT count(l.id) FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id WHERE o.id = %s GROUP BY o.id", (order,))
        found = rows.fetchone()
    if found is None:
        raise LookupError(f"order {order} does not exist")
    return found[0]


def send_receipt(order):
    """The job itself, in a worker."""
    began = time.monotonic()
    lines(order)
    time.sleep(0.02)
    journal.info("job finished", duration_ms=round((time.monotonic() - began) * 1000), details={"job_name": "send_receipt", "order": order})
    return order


def remind(order):
    journal.info("job finished", details={"job_name": "remind", "order": order})
