"""A server that never refuses, and slows down beyond 200 requests at once: is that width found?

The run finds it; beside it, in turn, fixed widths below, at and above it. All are stopped 20 s after
their first request, and what was answered by then is counted.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.rates_workload import Bench, Traffic, held, model, plain, ran, saw, serving, texts
from pipeline.scripted import Script, Server

AT_ONCE, SECONDS, ROWS = 200, 20.0, 40_000
WIDTHS = (50, 100, 200, 400)
LEAST_SHARE = 0.85
PLAIN_IN_FLIGHT = 200


def capacity() -> None:
    """The server answers after 100 ms: at most 2,000 a second, more than one core of a client can ask."""
    _capacity("capacity", 0.1)


def slow_capacity() -> None:
    """The server answers after 500 ms: at most 400 a second, and the width alone decides."""
    _capacity("capacity-slow", 0.5)


def _capacity(name: str, latency: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.write(texts(ROWS, 80))
        script = Script(latency=latency, capacity=AT_ONCE)
        fixed: dict[int, Traffic] = {}
        for width in WIDTHS[: len(WIDTHS) // 2]:
            fixed[width] = _ours(bench, script, {"concurrency": width})
        found = _ours(bench, script, {})
        for width in WIDTHS[len(WIDTHS) // 2 :]:
            fixed[width] = _ours(bench, script, {"concurrency": width})
        with serving(script) as server:
            usual = _stopped(server, plain(server, bench, PLAIN_IN_FLIGHT))
    rates = {width: traffic.rate(0, SECONDS) for width, traffic in fixed.items()}
    best = max(rates, key=lambda width: rates[width])
    saw(name, "fixed widths: " + ", ".join(f"{width}: {rate:.0f}/s" for width, rate in rates.items()))
    rate = found.rate(0, SECONDS)
    bare = usual.rate(0, SECONDS)
    saw(
        name,
        f"the SDK and a semaphore of {PLAIN_IN_FLIGHT}: {bare:.0f}/s, ours {rate / (bare or 1):.1f} times",
    )
    saw(name, f"found: {rate:.0f}/s, at most {found.account.peak} at once; {_seconds_to(found, rates[best])}")
    share = rate / rates[best] if rates[best] else 0.0
    what = f"{name}: share of the best width ({best})"
    held(what, f"{share:.0%}", f">= {LEAST_SHARE:.0%}", share >= LEAST_SHARE)


def _ours(bench: Bench, script: Script, limits: dict[str, Any]) -> Traffic:
    bench.begin_anew()
    with serving(script) as server:
        bench.job({"writer": model(server, limits=limits)})
        return _stopped(server, bench.command("run"))


def _stopped(server: Server, command: list[str]) -> Traffic:
    """What the server saw of a command that is interrupted after `SECONDS`."""
    ran(command, ledger=server.ledger_path, seconds=SECONDS)
    return Traffic(server.ledger())


def _seconds_to(traffic: Traffic, best: float) -> str:
    """When a second first had the rate that is wanted."""
    for tenth in range(int(SECONDS * 10) - 10):
        if traffic.rate(tenth / 10, tenth / 10 + 1) >= LEAST_SHARE * best:
            return f"{LEAST_SHARE:.0%} of the best after {tenth / 10:.1f} s"
    return f"never a second at {LEAST_SHARE:.0%} of the best"
