"""Who is it: logins, sessions in Redis with a cookie, tokens for programs."""

import hashlib
import json
import secrets
import time

import jwt
from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel
from sqlalchemy import text

from . import database, journal, measure, memory, settings

routes = APIRouter()


class Login(BaseModel):
    name: str
    password: str


def digest(password):
    return hashlib.sha256(password.encode()).hexdigest()


def failed(request, user, reason):
    measure.logins.labels(measure.S, "failed").inc()
    journal.warning("authentication failed", user_id=user, source_ip=address(request), details={"reason": reason})
    return HTTPException(401, reason)


def address(request):
    return request.headers.get("x-forwarded-for", request.client.host if request.client else "").split(",")[0].strip()


@routes.post("/login")
async def login(who: Login, request: Request, response: Response):
    async with database.transaction() as db:
        row = (await db.execute(text("SELECT id, password FROM customers WHERE name = :name"), {"name": who.name})).first()
    if row is None or row.password != digest(who.password):
        raise failed(request, who.name, "invalid credentials")
    measure.logins.labels(measure.S, "ok").inc()
    session = secrets.token_hex(16)
    await memory.store.set(f"session:{session}", json.dumps({"user": row.id}), ex=settings.SESSION_TTL)
    response.set_cookie("session", session, max_age=settings.SESSION_TTL, httponly=True, samesite="lax")
    token = jwt.encode({"sub": str(row.id), "exp": time.time() + settings.TOKEN_TTL}, settings.TOKEN_KEY, algorithm="HS256")
    return {"user": row.id, "token": token}


async def user(request: Request):
    """The number of the customer that a request is of."""
    bearer = request.headers.get("authorization", "")
    if bearer.startswith("Bearer "):
        try:
            return int(jwt.decode(bearer[7:], settings.TOKEN_KEY, algorithms=["HS256"])["sub"])
        except jwt.ExpiredSignatureError as wrong:
            raise failed(request, None, "token expired") from wrong
        except jwt.InvalidSignatureError as wrong:
            raise failed(request, None, "signature verification failed") from wrong
        except jwt.InvalidTokenError as wrong:
            raise failed(request, None, "invalid token") from wrong
    session = request.cookies.get("session")
    if not session:
        raise failed(request, None, "no session cookie")
    found = await memory.store.get(f"session:{session}")
    if found is None:
        raise failed(request, None, "session not found")
    return json.loads(found)["user"]


@routes.get("/me")
async def me(request: Request):
    return {"user": await user(request)}
