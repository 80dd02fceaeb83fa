"""The bill: what a job says it has cost, beside the ledgers of its servers. Money is in nano-dollars.

Three steps by two models with prices of their own, through retries, answers that are cut off, refused,
empty or no JSON, repairs, and answers that are paid for again because the first ones were rejected. Prompts
are cached in part, answers are reasoned for, and one step is served by a tier at half the price.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.rates_workload import Bench, Traffic, explain, held, model, saw, serving, texts
from pipeline.testing import Line, Rule, Script

ROWS = 300
CENT = 10_000_000
PRICES: dict[str, dict[str, Any]] = {
    "writer": {"input": 0.274, "output": 2.2, "cached": 0.056, "cache_write": 0.342, "tiers": {"flex": 0.5}},
    "editor": {"input": 13.131, "output": 77.777},
}
"""dollars per million tokens, with so many decimals that a token costs whole nano-dollars in each tier"""
STEPS = [
    {
        "name": "facts",
        "model": "writer",
        "prompt": "Facts about {{ text }}",
        "answer": {"json": {"headline": "string", "score": "integer"}},
    },
    {
        "name": "post",
        "model": "editor",
        "prompt": "Write with the headline {{ facts.headline }} about {{ text }}",
        "checks": {"excludes": ["unwanted"]},
    },
    {"name": "tag", "model": "writer", "prompt": "A tag for {{ post }}", "params": {"service_tier": "flex"}},
]
_WRITER = Script(
    latency=0.02,
    cached=0.3,
    cache_written=0.1,
    reasoning=7,
    answer={"row 00001": "no JSON at all", "row 00002": '{"headline": 7}'},
    faults=(
        Rule(every=7, times=1, fault="server_error", status=503, billed=False),
        Rule(first=10, fault="rate_limit", retry_after=0.2),
        Rule(every=11, fault="length"),
        Rule(every=13, times=1, fault="refusal"),
    ),
)
_EDITOR = Script(
    latency=0.02,
    tokens=120,
    answer={"row 00003": "an unwanted word"},
    faults=(
        Rule(every=8, times=1, fault="server_error", billed=False),
        Rule(every=12, fault="empty"),
        Rule(every=17, times=1, fault="filtered"),
    ),
)
_UNREADABLE = (
    Rule(share=0.03, times=1, fault="garbage"),
    Rule(share=0.03, times=1, fault="truncate_body"),
    Rule(share=0.03, times=1, fault="empty_body"),
)


@dataclass(frozen=True, slots=True)
class _Bill:
    """What a job says: the sum, and what attempts that may have been billed add to it at the most."""

    cost: int
    maybe: int

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> _Bill:
        """The bill in what `status --json` prints, which is in dollars."""
        return cls(*(round(Decimal(str(status[name])) * 10**9) for name in ("cost", "maybe_cost")))


def cost() -> None:
    """A job whose paid answers can all be read, and the same where the server bills for some that cannot."""
    owed, bill = _billed("cost", _WRITER, _EDITOR)
    held("cost: reported", _dollars(bill.cost), _dollars(owed), abs(bill.cost - owed) * 2 < CENT)
    saw("cost", f"reported - owed: {bill.cost - owed:+,} nano-dollars")
    faults = _UNREADABLE + _WRITER.faults
    owed, bill = _billed("cost, unreadable", _WRITER.model_copy(update={"faults": faults}), _EDITOR)
    met = bill.cost <= owed <= bill.cost + bill.maybe
    held("cost, unreadable: reported at the least", _dollars(bill.cost), f"<= {_dollars(owed)}", met)
    held("cost, unreadable: and at the most", _dollars(bill.cost + bill.maybe), f">= {_dollars(owed)}", met)


def _billed(name: str, writer: Script, editor: Script) -> tuple[int, _Bill]:
    """What the servers have billed for a job that ran three times, and what the job says."""
    with tempfile.TemporaryDirectory() as folder, serving(writer) as one, serving(editor) as other:
        bench = Bench(Path(folder))
        bench.write(texts(ROWS))
        servers = {"writer": one, "editor": other}
        models = {label: model(server, price=PRICES[label]) for label, server in servers.items()}
        bench.job(models, steps=STEPS, max_failed=1)
        for options in ((), ("--retry-failed",), ("--retry-failed",)):
            done = bench.run(*options)
            if done.code not in (0, 3):
                explain(name, done)
        accounts = {label: server.ledger() for label, server in servers.items()}
        bill = _Bill.of(bench.status())
    owed = 0
    for label, account in accounts.items():
        saw(f"{name}, {label}", Traffic(account).summary())
        owed += sum(_price(line, PRICES[label]) for line in account.lines if line.billed)
    return owed, bill


def _price(line: Line, prices: Mapping[str, Any]) -> int:
    """Nano-dollars of a line, by arithmetic of its own."""
    whole = {name: round(Decimal(str(prices[name])) * 1000) for name in prices if name != "tiers"}
    plain = line.input - line.cached - line.cache_written
    cached = line.cached * whole.get("cached", whole["input"])
    written = line.cache_written * whole.get("cache_write", whole["input"])
    full = plain * whole["input"] + cached + written + line.output * whole["output"]
    return round(full * Decimal(str(prices.get("tiers", {}).get(line.tier, 1))))


def _dollars(nano: int) -> str:
    return f"${nano / 1e9:.6f}"
