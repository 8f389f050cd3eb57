"""Orders: made in one transaction, paid at the partner's, receipts sent by a job."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy import text

from . import database, jobs, journal, payment, people

routes = APIRouter()


class Basket(BaseModel):
    items: list[int]


@routes.post("/orders", status_code=201)
async def make(basket: Basket, request: Request):
    customer = await people.user(request)
    async with database.transaction() as db:
        order = (await db.execute(text("INSERT INTO orders (customer_id, state) VALUES (:c, 'new') RETURNING id"), {"c": customer})).scalar()
        for item in basket.items[:20]:
            await db.execute(text("INSERT INTO order_lines (order_id, item_id, amount) VALUES (:o, :i, 1)"), {"o": order, "i": item})
            await db.execute(text("UPDATE items SET stock = stock - 1 WHERE id = :i"), {"i": item})
    await payment.charge(order)
    async with database.transaction() as db:
        await db.execute(text("UPDATE orders SET state = 'paid' WHERE id = :o"), {"o": order})
    jobs.receipt(order)
    journal.info("order made", user_id=customer, details={"order": order})
    return {"order": order}


@routes.get("/orders")
async def mine(request: Request, limit: int = 10):
    customer = await people.user(request)
    async with database.transaction() as db:
        orders = await db.execute(
            text(
                "SELECT o.id, o.state, count(l.id) AS lines FROM"
                " (SELECT id, state FROM orders WHERE customer_id = :c ORDER BY id DESC LIMIT :limit) o"
                " LEFT JOIN order_lines l ON l.order_id = o.id GROUP BY o.id, o.state ORDER BY o.id DESC"
            ),
            {"c": customer, "limit": min(limit, 50)},
        )
        return [dict(row._mapping) for row in orders]


@routes.get("/orders/{number}")
async def one(number: int):
    async with database.transaction() as db:
        row = (await db.execute(text("SELECT id, state, customer_id FROM orders WHERE id = :id"), {"id": number})).first()
        if row is None:
            raise HTTPException(404, "no such order")
        lines = await db.execute(text("SELECT item_id, amount FROM order_lines WHERE order_id = :id"), {"id": number})
        return {**row._mapping, "lines": [dict(line._mapping) for line in lines]}


@routes.get("/export")
async def export(rows: int = 200):
    """Orders as CSV, streamed."""

    async def lines():
        async with database.transaction() as db:
            found = await db.execute(text("SELECT id, customer_id, state FROM orders ORDER BY id DESC LIMIT :rows"), {"rows": min(rows, 5000)})
            for row in found:
                yield f"{row.id},{row.customer_id},{row.state}\n"

    return StreamingResponse(lines(), media_type="text/csv")
