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


def known(user, session=None):
    """The lines of this request tell whose it is; of a session only a digest, since its name opens it."""
    line = journal.request.get()
    line["user_id"] = user
    if session:
        line["session"] = digest(session)[:12]


async def remember(response, user):
    """A new session, and the cookie that names it."""
    session = secrets.token_hex(16)
    await memory.store.set(f"session:{session}", json.dumps({"user": user}), ex=settings.SESSION_TTL)
    response.set_cookie("session", session, max_age=settings.SESSION_TTL, httponly=True, samesite="lax")
    return session


def address(request):
    return request.headers.get("x-forwarded-for", request.client.host if request.client else "").split(",")[0].strip()


@routes.post("/login")
async def login(who: Login, request: Request, response: Response):
    async with database.transaction() as db:
        row = (await db.execute(text("SELECT id, password FROM customers WHERE name = :name"), {"name": who.name})).first()
    if row is None or row.password != digest(who.password):
        raise failed(request, who.name, "invalid credentials")
    measure.logins.labels(measure.S, "ok").inc()
    known(row.id, await remember(response, row.id))
    token = jwt.encode({"sub": str(row.id), "exp": time.time() + settings.TOKEN_TTL}, settings.TOKEN_KEY, algorithm="HS256")
    return {"user": row.id, "token": token}


async def session_of(request):
    """What the store keeps under the cookie of a request; None where there is none."""
    session = request.cookies.get("session")
    found = await memory.store.get(f"session:{session}") if session else None
    return json.loads(found) if found else None


@routes.get("/login")
async def form(request: Request, response: Response):
    """The page with the form: visitors get a session that is nobody's yet."""
    if await session_of(request) is None:
        await remember(response, None)
    return {"fields": ["name", "password"]}


async def user(request: Request):
    """The number of the customer that a request is of."""
    bearer = request.headers.get("authorization", "")
    if bearer.startswith("Bearer "):
        try:
            number = int(jwt.decode(bearer[7:], settings.TOKEN_KEY, algorithms=["HS256"])["sub"])
            known(number)
            return number
        except jwt.ExpiredSignatureError as wrong:
            raise failed(request, None, "token expired") from wrong
        except jwt.InvalidSignatureError as wrong:
            raise failed(request, None, "signature verification failed") from wrong
        except jwt.InvalidTokenError as wrong:
            raise failed(request, None, "invalid token") from wrong
    session = request.cookies.get("session")
    if not session:
        raise failed(request, None, "no session cookie")
    known(None, session)
    found = await session_of(request)
    if found is None:
        raise failed(request, None, "session not found")
    if found["user"] is None:
        raise failed(request, None, "not logged in")
    known(found["user"], session)
    return found["user"]


@routes.get("/me")
async def me(request: Request):
    return {"user": await user(request)}
