"""Periodic work by Celery: its beat puts tasks in, its workers do them."""

import time

from celery import Celery
from celery.signals import setup_logging, task_failure

from . import journal, settings

app = Celery("orders", broker=settings.CELERY_BROKER_URL, backend=settings.CELERY_BROKER_URL)
app.conf.update(
    task_time_limit=settings.JOB_TIMEOUT,
    task_acks_late=True,
    result_expires=600,
    broker_transport_options={"visibility_timeout": 300},
    beat_schedule={"refresh-top": {"task": "orders.tasks.refresh", "schedule": 5.0}},
    worker_hijack_root_logger=False,
)


@setup_logging.connect
def _lines(**_):
    journal.start()


@task_failure.connect
def _told(sender=None, task_id=None, exception=None, einfo=None, **_):
    journal.error("task failed", job_id=task_id, error_type=type(exception).__name__, details={"job_name": sender.name, "reason": str(exception)})


@app.task(name="orders.tasks.refresh")
def refresh():
    time.sleep(0.05)
    journal.info("task finished", details={"job_name": "refresh"})
