"""The application: routes, and around each request its log line and its measures."""

import time
import uuid

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import text

from . import catalogue, database, journal, measure, memory, people, purchases, settings
from .version import VERSION

journal.start()
measure.start()
app = FastAPI(title=settings.SERVICE, version=VERSION)
for part in (people, catalogue, purchases):
    app.include_router(part.routes)


@app.on_event("startup")
async def startup():
    async with database.transaction() as db:
        await db.execute(text("SELECT 1"))
    journal.info("application started")


@app.on_event("shutdown")
async def shutdown():
    await database.engine.dispose()
    journal.info("application stopped")


@app.middleware("http")
async def around(request: Request, call_next):
    number = request.headers.get("x-request-id") or uuid.uuid4().hex
    journal.request.set({"request_id": number, "method": request.method, "endpoint": request.url.path, "source_ip": people.address(request)})
    wish = {"fresh": "no-cache" in request.headers.get("cache-control", "")}
    memory.wish.set(wish)
    measure.in_flight.labels(measure.S).inc()
    began = time.monotonic()
    try:
        response = await call_next(request)
    except Exception as wrong:  # the edge of the service: everything that was not foreseen becomes a 500
        journal.error(f"unhandled error: {wrong}", exc_info=(type(wrong), wrong, wrong.__traceback__), status_code=500)
        response = JSONResponse({"detail": "internal error"}, 500)
    finally:
        measure.in_flight.labels(measure.S).dec()
    took = time.monotonic() - began
    route = request.scope.get("route")
    endpoint = getattr(route, "path", "unknown")
    if endpoint not in ("/metrics", "/health", "/health/ready"):
        measure.requests.labels(measure.S, request.method, endpoint, str(response.status_code)).inc()
        measure.seconds.labels(measure.S, request.method, endpoint).observe(took)
        measure.sizes.labels(measure.S, endpoint).observe(float(response.headers.get("content-length", 0)))
        say = journal.error if response.status_code >= 500 else journal.info
        say("request", status_code=response.status_code, duration_ms=round(took * 1000, 1))
    response.headers["x-request-id"] = number
    if "age" in wish:
        response.headers["age"] = str(wish["age"])
        response.headers["x-cache"] = "hit"
    elif wish.get("missed"):
        response.headers["x-cache"] = "miss"
    return response


@app.get("/health")
async def health():
    return {"status": "ok", "version": VERSION}


@app.get("/health/ready")
async def ready():
    async with database.transaction() as db:
        await db.execute(text("SELECT 1"))
    await memory.store.ping()
    return {"status": "ready"}


@app.get("/metrics")
async def metrics():
    return Response(measure.page(), media_type="text/plain; version=0.0.4")
