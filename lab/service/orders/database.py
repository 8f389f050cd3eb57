"""The database: one pool a worker, every statement timed."""

import contextlib
import time

from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from . import measure, settings

engine = create_async_engine(
    settings.DATABASE_URL,
    pool_size=settings.POOL_SIZE,
    max_overflow=settings.POOL_OVERFLOW,
    pool_timeout=settings.POOL_TIMEOUT,
    connect_args={"server_settings": {"application_name": f"{settings.SERVICE}-{settings.INSTANCE}"}, "timeout": 3},
)

_active = measure.pool_active.labels(measure.S)
_waiting = measure.pool_waiting.labels(measure.S)


@event.listens_for(engine.sync_engine, "checkout")
def _taken(*_):
    _active.inc()


@event.listens_for(engine.sync_engine, "checkin")
def _given_back(*_):
    _active.dec()


@event.listens_for(engine.sync_engine, "before_cursor_execute")
def _began(connection, *_):
    connection.info["began"] = time.monotonic()


@event.listens_for(engine.sync_engine, "after_cursor_execute")
def _ended(connection, *_):
    measure.statements.labels(measure.S).observe(time.monotonic() - connection.info.pop("began", time.monotonic()))


@contextlib.asynccontextmanager
async def transaction():
    """A connection inside a transaction, given back on every path."""
    _waiting.inc()
    try:
        connection = await engine.connect()
    finally:
        _waiting.dec()
    try:
        async with connection.begin():
            yield connection
    finally:
        await connection.close()
