"""Items for sale: searched in the database, looked at through the cache."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel
from sqlalchemy import text

from . import database, journal, memory

routes = APIRouter()


class Price(BaseModel):
    price: int


@routes.get("/items")
async def search(category: int = 1, skip: int = 0, limit: int = 20):
    async with database.transaction() as db:
        rows = await db.execute(
            text("SELECT id, name, price FROM items WHERE category = :category ORDER BY id OFFSET :skip LIMIT :limit"),
            {"category": category, "skip": skip, "limit": min(limit, 100)},
        )
        return [dict(row._mapping) for row in rows]


@routes.get("/items/{number}")
async def item(number: int):
    async def make():
        async with database.transaction() as db:
            row = (await db.execute(text("SELECT id, name, price, updated_at FROM items WHERE id = :id"), {"id": number})).first()
        return dict(row._mapping) if row else None

    found = await memory.cached(f"cache:item:{number}", make)
    if found is None:
        raise HTTPException(404, "no such item")
    return found


@routes.put("/items/{number}")
async def price(number: int, new: Price):
    async with database.transaction() as db:
        await db.execute(text("UPDATE items SET price = :price, updated_at = now() WHERE id = :id"), {"price": new.price, "id": number})
    await memory.forget(f"cache:item:{number}")
    journal.info("cache invalidated", details={"key": f"cache:item:{number}"})
    return {"id": number, "price": new.price}


@routes.get("/top")
async def top():
    """What sells best: dear to work out, so it is cached."""

    async def make():
        async with database.transaction() as db:
            rows = await db.execute(
                text(
                    "SELECT item_id, count(*) AS sold FROM order_lines WHERE id > (SELECT max(id) - 20000 FROM order_lines)"
                    " GROUP BY item_id ORDER BY sold DESC, item_id LIMIT 10"
                )
            )
            return [dict(row._mapping) for row in rows]

    return await memory.cached("cache:top", make, ttl=15)
