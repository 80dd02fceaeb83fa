"""A job's model behind a scripted server, with a price, so that money can be held against the ledger."""

from __future__ import annotations

from typing import Any

from pipeline.money.prices import price_of
from pipeline.testing.ledger import Account

PRICE: dict[str, Any] = {
    "input": 1.25,
    "output": 10,
    "cached": 0.125,
    "cache_write": 1.5,
    "tiers": {"flex": 0.5, "batch": 0.5, "priority": 2},
}


def served(base_url: str, *, limits: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The `models` of a job: one named writer; `changes` replace its keys, None takes one out."""
    model = {
        "provider": "openai",
        "model": "m",
        "base_url": base_url,
        "api_key_env": "TEST_KEY",
        "limits": limits or {},
        "price": PRICE,
    }
    model |= changes
    return {"writer": {name: value for name, value in model.items() if value is not None}}


def bill(account: Account) -> int:
    """What a ledger comes to at `PRICE`, in nano-dollars."""
    price = price_of("m", "http://127.0.0.1/v1", PRICE)
    assert price is not None
    return account.cost(lambda line: price.cost(line.usage, line.tier))


def nano(dollars: float) -> int:
    """Dollars as the commands give them, in whole nano-dollars."""
    return round(dollars * 1e9)
