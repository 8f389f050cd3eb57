"""What the operator wrote: a file of NAME=value lines, and the environment above it."""

import os


def _read(path):
    values = {}
    if path and os.path.exists(path):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                name, equals, value = line.strip().partition("=")
                if equals and not name.startswith("#"):
                    values[name.strip()] = value.strip()
    return values


_written = _read(os.environ.get("ORDERS_ENV"))


def text(name, default=None):
    value = os.environ.get(name, _written.get(name, default))
    if value is None:
        raise KeyError(f"missing setting {name}: set it in {os.environ.get('ORDERS_ENV')}")
    return value


def number(name, default=None):
    value = text(name, default)
    try:
        return float(value)
    except ValueError as wrong:
        raise ValueError(f"invalid setting {name}={value!r}: a number is wanted") from wrong


SERVICE = text("SERVICE_NAME", "orders")
INSTANCE = text("INSTANCE", "a")
DATABASE_URL = text("DATABASE_URL")
POOL_SIZE = int(number("DB_POOL_SIZE", "8"))
POOL_OVERFLOW = int(number("DB_MAX_OVERFLOW", "0"))
POOL_TIMEOUT = number("DB_POOL_TIMEOUT", "3")
REDIS_URL = text("REDIS_URL")
REDIS_MAX = int(number("REDIS_MAX_CONNECTIONS", "50"))
REDIS_TIMEOUT = number("REDIS_TIMEOUT", "2")
JOBS_URL = text("JOBS_REDIS_URL")
CELERY_BROKER_URL = text("CELERY_BROKER_URL")
SESSION_TTL = int(number("SESSION_TTL", "1800"))
TOKEN_TTL = int(number("TOKEN_TTL", "3600"))
TOKEN_KEY = text("TOKEN_KEY")
CACHE_TTL = int(number("CACHE_TTL", "60"))
PAYMENT_URL = text("PAYMENT_URL")
PAYMENT_TIMEOUT = number("PAYMENT_TIMEOUT", "10")
JOB_TIMEOUT = int(number("JOB_TIMEOUT", "60"))
RESULT_TTL = int(number("JOB_RESULT_TTL", "120"))
