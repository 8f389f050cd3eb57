"""Redis: the cache, and what else the workers share."""

import contextvars
import json
import time

import redis.asyncio as redis

from . import journal, measure, settings

pool = redis.ConnectionPool.from_url(
    settings.REDIS_URL,
    max_connections=settings.REDIS_MAX,
    socket_timeout=settings.REDIS_TIMEOUT,
    socket_connect_timeout=settings.REDIS_TIMEOUT,
    client_name=f"{settings.SERVICE}-{settings.INSTANCE}",
)
store = redis.Redis(connection_pool=pool)


# Of one request: whether it wants what the source says (Cache-Control: no-cache), and how old its answer is.
wish = contextvars.ContextVar("wish", default={})


async def cached(key, make, ttl=None):
    """What the cache has under key, else what make makes. A cache that is ill is gone without."""
    measure.cache_asked.labels(measure.S).inc()
    try:
        found = None if wish.get().get("fresh") else await store.get(key)
    except redis.RedisError as wrong:
        journal.error("cache read failed", error_type=type(wrong).__name__, details={"key": key, "reason": str(wrong)})
        return await make()
    if found is not None:
        measure.cache_hits.labels(measure.S).inc()
        found = json.loads(found)
        wish.get()["age"] = max(0, int(time.time() - found["at"]))
        return found["value"]
    wish.get()["missed"] = True
    value = await make()
    try:
        await store.set(key, json.dumps({"at": time.time(), "value": value}, default=lambda moment: moment.isoformat()), ex=ttl or settings.CACHE_TTL)
    except redis.RedisError as wrong:
        journal.error("cache write failed", error_type=type(wrong).__name__, details={"key": key, "reason": str(wrong)})
    return value


async def forget(key):
    try:
        await store.delete(key)
    except redis.RedisError as wrong:
        journal.error("cache invalidate failed", error_type=type(wrong).__name__, details={"key": key, "reason": str(wrong)})
