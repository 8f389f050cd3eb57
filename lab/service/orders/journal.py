"""Logs: one JSON object a line, with the request that it belongs to."""

import contextvars
import datetime
import json
import logging
import os
import sys
import traceback

from . import settings
from .version import VERSION

request = contextvars.ContextVar("request", default={})


class Lines(logging.Formatter):
    def format(self, record):
        line = {
            "timestamp": datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "service": settings.SERVICE,
            "instance": settings.INSTANCE,
            "version": VERSION,
            "pid": os.getpid(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(request.get())
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0]:
            line.setdefault("error_type", record.exc_info[0].__name__)
            line["stack_trace"] = "".join(traceback.format_exception(*record.exc_info))[-4000:]
        return json.dumps(line, default=str)


def start():
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("httpx", "asyncio", "rq.worker"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


log = logging.getLogger("orders")


def info(message, **fields):
    log.info(message, extra={"fields": fields})


def warning(message, **fields):
    log.warning(message, extra={"fields": fields})


def error(message, exc_info=None, **fields):
    log.error(message, exc_info=exc_info, extra={"fields": fields})
