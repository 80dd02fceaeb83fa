"""A night of batches in seconds: a job against the scripted model in process, on a clock that jumps."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import polars as pl
import pytest
import yaml

from pipeline.core.domain import Billed, Fate, Fault
from pipeline.job.load import load
from pipeline.providers import scripted
from pipeline.runs.run import run_async
from pipeline.runs.state import Wish
from pipeline.runs.status import status_of
from pipeline.testing.ledger import Account, Ledger
from tests.support.clock import on_test_time
from tests.support.served import PRICE, nano

HOURS = 3600.0
FULL = frozenset({"", "default", "standard"})
"""the tiers that cost the whole price"""

CALLS = ("submit", "find", "look", "fetch", "cancel")
NO_ANSWER = Fault("unreachable", "cannot connect", billed=Billed.NO, fate=Fate.RETRY)
LOST = Fault("disconnected", "the connection was lost", billed=Billed.MAYBE, fate=Fate.RETRY)


@dataclass(frozen=True)
class Morning:
    """How a night ended: seconds after its begin, its rows, its bills, and what the run has said."""

    began: float  # Unix time
    seconds: float
    ok: int
    bills: Account
    said: list[tuple[float, str]]
    table: pl.DataFrame
    cost: tuple[int, int]  # nano-dollars that the journal knows of, for sure and at most

    def at(self, words: str) -> float | None:
        """Seconds after the begin when this was said; None where it was not."""
        return next((at for at, said in self.said if words in said), None)


def faults_of(seed: int) -> list[dict[str, Any]]:
    """What goes wrong with the batches of a night."""
    draw = random.Random(seed)
    faults: list[dict[str, Any]] = [
        {"fault": "stall", "share": draw.choice([0.3, 0.6, 1.0]), "part": draw.random()},
        {"fault": "slow_cancel", "share": min(1.0, draw.random() + 0.01), "seconds": draw.uniform(1, 500)},
        {"fault": "expired", "share": 0.2, "part": draw.random()},
        {"fault": "line_429", "share": 0.3, "part": 0.2},
        {"fault": "missing", "share": 0.2, "part": 0.1},
    ]
    return draw.sample(faults, draw.randint(1, len(faults)))


def pass_a_night(
    folder: Path, *, hours: float | None, faults: list[dict[str, Any]], seed: int, rows: int = 24, **wish: Any
) -> Morning:
    """Run a job of two steps by the lane batch, to be done within so many hours, if that is said."""
    (folder / "records.csv").write_text("k,title\n" + "".join(f"{i},thing {i}\n" for i in range(rows)))
    batches = {"latency": {"mean": 1200, "jitter": 1000}, "faults": faults}
    options = {"ledger": str(folder / "ledger.jsonl"), "seed": seed, "batches": batches}
    options["latency"] = {"mean": 6, "jitter": 5}
    model = {"provider": "scripted", "model": "m", "lane": "batch", "options": options, "price": PRICE}
    job = {
        "name": "night",
        "records": {"from": "records.csv", "key": "k"},
        "models": {"writer": model},
        "steps": [
            {"name": "idea", "prompt": "An idea for {{ title }}"},
            {"name": "post", "prompt": "Write: {{ idea }} ({{ title }})"},
        ],
        "output": {"to": str(folder / "output/night/posts.csv")},
    }
    (folder / "job.yaml").write_text(yaml.safe_dump(job))
    said: list[tuple[float, str]] = []

    async def main() -> tuple[float, int]:
        began = anyio.current_time()
        by = None if hours is None else time.time() + hours * HOURS
        loaded = load(folder / "job.yaml")
        result = await run_async(
            loaded,
            say=lambda words: said.append((anyio.current_time() - began, words)),
            wish=Wish(by=by, **wish),
        )
        return anyio.current_time() - began, result.ok

    start = time.time()
    seconds, ok = on_test_time(main, patience=0.03)
    known = status_of(load(folder / "job.yaml"))
    cost = nano(known["cost"]), nano(known["cost"] + known["maybe_cost"])
    table = pl.read_csv(folder / "output/night/posts.csv")
    return Morning(start, seconds, ok, Ledger.read(folder / "ledger.jsonl"), said, table, cost)


def fail_batches(
    patch: pytest.MonkeyPatch, down: Callable[[float, str], bool], lost: Callable[[], bool]
) -> None:
    """Have calls fail while they are `down`; where a batch is made all the same, its reply is `lost`."""

    def failing(name: str, whole: Any) -> Any:
        async def call(*args: Any) -> Any:
            if not down(anyio.current_time(), name):
                return await whole(*args)
            if name == "submit" and lost():
                await whole(*args)
                raise LOST
            raise NO_ANSWER

        return call

    for name in CALLS:
        patch.setattr(scripted.Batches, name, failing(name, getattr(scripted.Batches, name)))
