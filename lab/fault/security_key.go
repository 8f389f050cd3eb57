package fault

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/quellhq/quell/lab/stack"
)

// keyExposed is a key of a partner's program that somebody else has found.
func keyExposed() Fault {
	return Fault{
		Name: "key-exposed", Group: "Security", Cause: "C-credential-exposed",
		About:      "programs of partners come with keys; one of the keys is used from elsewhere too, for more than it ever was",
		Truth:      one("security/breach#a-key-is-in-other-hands"),
		LookAlikes: []string{"C-vuln-exploited", "C-brute-force", "C-traffic-spike"},
		Settle:     30 * time.Second,
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			field := pick(r, "api_key_id", "key_id", "client_id")
			if _, err := shipped(ctx, s, "Keys for partners",
				stack.Edit{File: "orders/partners.py", New: fmt.Sprintf(partnersCode, field)},
				stack.Edit{File: "orders/main.py", Old: "from . import catalogue, database, journal, measure, memory, people,", New: "from . import catalogue, database, journal, measure, memory, partners, people,"},
				stack.Edit{File: "orders/main.py", Old: "for part in (people, catalogue, purchases):", New: "for part in (people, catalogue, purchases, partners):"},
			); err != nil {
				return nil, err
			}
			names := []string{"warehouse", "courier", "bookshop"}
			for i, name := range names {
				from := fmt.Sprintf("192.0.2.%d", 10+i)
				go program(ctx, s, name, from, time.Second, func(n int) string { return fmt.Sprintf("/partners/stock/%d", 1+n%500) })
			}
			if err := meanwhile(ctx, 50*time.Second); err != nil { // so it has been for a while
				return nil, err
			}
			stolen, from := pick(r, names...), fmt.Sprintf("203.0.113.%d", between(r, 1, 250))
			ctx, cancel := context.WithCancel(ctx)
			go program(ctx, s, stolen, from, time.Second/time.Duration(between(r, 2, 6)), func(n int) string {
				if n%3 == 0 {
					return fmt.Sprintf("/partners/stock/%d", 1+n)
				}
				return fmt.Sprintf("/partners/customers/%d", 1+n%300)
			})
			return func(context.Context) error { cancel(); return nil }, nil
		},
	}
}

const partnersCode = `"""What programs of partners may ask, with a key of theirs."""

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import text

from . import database, journal

routes = APIRouter(prefix="/partners")
KEYS = {"warehouse-f3a1": "warehouse", "courier-f3a1": "courier", "bookshop-f3a1": "bookshop"}


def program(request):
    name = KEYS.get(request.headers.get("x-api-key"))
    if name is None:
        raise HTTPException(401, "unknown key")
    journal.request.get()["%s"] = name


@routes.get("/stock/{number}")
async def stock(number: int, request: Request):
    program(request)
    async with database.transaction() as db:
        row = (await db.execute(text("SELECT id, price FROM items WHERE id = :id"), {"id": number})).first()
    return dict(row._mapping) if row else None


@routes.get("/customers/{number}")
async def customer(number: int, request: Request):
    program(request)
    async with database.transaction() as db:
        row = (await db.execute(text("SELECT id, name FROM customers WHERE id = :id"), {"id": number})).first()
    return dict(row._mapping) if row else None
`

// program asks for pages with a key, one after another, until ctx ends.
func program(ctx context.Context, s *stack.Stack, key, from string, pause time.Duration, page func(n int) string) {
	client := &http.Client{Timeout: 10 * time.Second}
	for n := 0; meanwhile(ctx, pause) == nil; n++ {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Front+page(n), nil)
		if err != nil {
			return
		}
		request.Header.Set("X-Forwarded-For", from)
		request.Header.Set("X-Api-Key", key+"-f3a1")
		if answer, err := client.Do(request); err == nil {
			answer.Body.Close()
		}
	}
}
