"""Runs that meet a dead key, a spent quota, an outage: how soon they stop, and how they go on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rates_workload import (
    KEY,
    Bench,
    Ran,
    Traffic,
    explain,
    held,
    model,
    saw,
    serving,
    texts,
)
from pipeline.core.errors import OutOfQuota, RunStopped
from pipeline.testing import Rule, Script

ROWS, IN_FLIGHT, LATENCY = 600, 64, 0.1
MOST_SECONDS = 5.0
SPENT_AFTER = 300

AT_ONCE = 10
"""what the server of the outage works on at once: 100 requests a second"""
BEFORE, OUTAGE, OUTAGE_ROWS = 10.0, 10.0, 4000
LEAST_SHARE, MOST_RECOVERY, WINDOW = 0.8, 60.0, 3.0
DOWN_AFTER, PATIENCE, MOST_LATE = 200, 15.0, 15.0
MOST_KNOCKS = 30
"""requests that a server may be sent that has said it is down, once its answers could be heard: probes"""


@dataclass(frozen=True, slots=True)
class _Scene:
    """A job that is run against one server after another."""

    name: str
    bench: Bench
    limits: dict[str, Any]

    def run(self, script: Script, *, key: str = KEY) -> tuple[Ran, Traffic]:
        """Run against a server of its own; how it ended, and what the server saw."""
        with serving(script) as server:
            self.bench.job({"writer": model(server, limits=self.limits)})
            done = self.bench.run(key=key)
            return done, Traffic(server.ledger())

    def completes(self, script: Script, before: Traffic, rows: int) -> None:
        """Run again: all is answered, and of what was paid for nothing is paid twice."""
        done, after = self.run(script)
        if done.code:
            explain(self.name, done)
        paid = before.account.paid + after.account.paid
        met = done.code == 0 and len(paid) == rows and paid.total() == rows
        held(f"{self.name}: paid for, with the next run", paid.total(), f"{rows}", met)

    def ended(self, done: Ran, code: int) -> None:
        """Print the exit code."""
        if done.code != code:
            explain(self.name, done)
        held(f"{self.name}: exit code", done.code, str(code), done.code == code)
        failures = self.bench.folder / "output/bench/failures.csv"
        held(
            f"{self.name}: rows marked failed", "some" if failures.exists() else 0, "0", not failures.exists()
        )


@contextmanager
def _scene(name: str, rows: int, **limits: Any) -> Iterator[_Scene]:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.write(texts(rows))
        yield _Scene(name, bench, limits)


def dead_key() -> None:
    """The server refuses the key; then it is mended."""
    script = Script(latency=LATENCY, api_key=KEY)
    with _scene("dead-key", ROWS, concurrency=IN_FLIGHT) as scene:
        done, traffic = scene.run(script, key="a-key-that-was-revoked")
        most = 2 * IN_FLIGHT
        requests = traffic.account.requests
        held("dead-key: requests", requests, f"<= {most}", requests <= most)
        scene.ended(done, OutOfQuota.exit_code)
        met = done.seconds <= MOST_SECONDS
        held("dead-key: process", f"{done.seconds:.1f} s", f"<= {MOST_SECONDS:g} s", met)
        scene.completes(script, traffic, ROWS)


def exhausted() -> None:
    """The account's quota ends in the middle; then there is more."""
    script = Script(latency=LATENCY, faults=(Rule(after=SPENT_AFTER, fault="insufficient_quota"),))
    with _scene("quota-exhausted", ROWS, concurrency=IN_FLIGHT) as scene:
        done, traffic = scene.run(script)
        scene.ended(done, OutOfQuota.exit_code)
        refused = [line for line in traffic.lines if line.status == 429]
        first = min((line.at for line in refused), default=0.0)
        later = sum(line.arrived > first for line in traffic.lines)
        held("quota-exhausted: requests after the first", later, f"<= {IN_FLIGHT}", later <= IN_FLIGHT)
        scene.completes(Script(latency=LATENCY), traffic, ROWS)


def outage() -> None:
    """503 for ten seconds, at 100 requests a second; the width is found by the run."""
    over = BEFORE + OUTAGE
    down = Rule(during=(BEFORE, over), fault="server_error", status=503)
    with _scene("outage", OUTAGE_ROWS) as scene:
        done, traffic = scene.run(Script(latency=LATENCY, capacity=AT_ONCE, faults=(down,)))
        saw("outage", traffic.summary())
        scene.ended(done, 0)
        _knocks("outage", traffic)
        usual = traffic.rate(BEFORE / 2, BEFORE)
        seconds = _recovery(traffic, usual, over)
        said = f"{usual:.0f} requests/s before, {traffic.rate(over, over + 10):.0f} in the ten seconds after"
        saw("outage", said)
        what = f"outage: until {LEAST_SHARE:.0%} of the rate before"
        shown = "never" if seconds is None else f"{seconds:.1f} s"
        held(what, shown, f"<= {MOST_RECOVERY:g} s", seconds is not None and seconds <= MOST_RECOVERY)


def _knocks(name: str, traffic: Traffic) -> None:
    """What was sent to a server that is down, once it had said so to all that was under way."""
    down = [line for line in traffic.lines if line.fault]
    first = min((line.at for line in down), default=0.0) + 2 * LATENCY
    later = [line.arrived - first for line in down if line.arrived > first]
    lasted = f"the last one {max(later, default=0.0):.1f} s after that was known"
    saw(name, f"{len(down)} requests met a server that was down, {lasted}")
    held(f"{name}: requests once that was known", len(later), f"<= {MOST_KNOCKS}", len(later) <= MOST_KNOCKS)


def _recovery(traffic: Traffic, usual: float, over: float) -> float | None:
    """Seconds from the end of the outage until the start of a window with the rate wanted; None for never."""
    tenths = range(int((traffic.span - over) * 10))
    starts = (tenth / 10 for tenth in tenths)
    for start in starts:
        if traffic.rate(over + start, over + start + WINDOW) >= LEAST_SHARE * usual > 0:
            return start
    return None


def down_for_ever() -> None:
    """503 from the middle on, without end; then the server is back."""
    down = Rule(after=DOWN_AFTER, fault="server_error", status=503)
    with _scene("down-for-ever", ROWS, outage=PATIENCE) as scene:
        done, traffic = scene.run(Script(latency=LATENCY, faults=(down,)))
        scene.ended(done, RunStopped.exit_code)
        _knocks("down-for-ever", traffic)
        most = PATIENCE + MOST_LATE
        what = f"down-for-ever: process (outage: {PATIENCE:g})"
        held(what, f"{done.seconds:.1f} s", f"<= {most:g} s", done.seconds <= most)
        scene.completes(Script(latency=LATENCY), traffic, ROWS)
