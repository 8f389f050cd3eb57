"""The partner that charges cards: a slow world outside, so asked with a time limit."""

import asyncio
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from fastapi import HTTPException

from . import journal, measure, settings

HOST = urllib.parse.urlsplit(settings.PAYMENT_URL).netloc
_hands = ThreadPoolExecutor(max_workers=16)


def _ask(order):
    with urllib.request.urlopen(f"{settings.PAYMENT_URL}/charge?order={order}", timeout=settings.PAYMENT_TIMEOUT) as answer:
        return answer.status


async def charge(order):
    began = time.monotonic()
    status = "error"
    try:
        status = await asyncio.get_running_loop().run_in_executor(_hands, _ask, order)
    except urllib.error.HTTPError as wrong:
        status = wrong.code
        journal.error("external api call failed", error_type="PaymentError", details={"host": HOST, "status": wrong.code})
        raise HTTPException(502, "the payment was refused") from wrong
    except OSError as wrong:
        journal.error("external api call failed", error_type="PaymentError", details={"host": HOST, "reason": str(wrong)})
        raise HTTPException(504, "the payment partner does not answer") from wrong
    finally:
        took = time.monotonic() - began
        measure.outbound.labels(measure.S, HOST, str(status)).inc()
        measure.outbound_seconds.labels(measure.S, HOST).observe(took)
        if took > 1:
            journal.warning("external api call slow", duration_ms=round(took * 1000), details={"host": HOST})
