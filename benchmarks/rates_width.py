"""A server that never refuses, and slows down beyond 200 requests at once: is that width found?

The run finds it, three times, and in turn with fixed widths below, at and above it. All are stopped 20 s
after their first request, and what was answered by then is counted; of the three the median.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.rates_workload import Bench, Traffic, held, model, plain, ran, saw, serving, texts
from benchmarks.workload import median
from pipeline.testing import Script, Server

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
        fixed: dict[int, float] = {}
        found: list[Traffic] = []
        for width in WIDTHS:
            if fixed:  # in turn: a machine is never quiet
                found.append(_ours(bench, script, {}))
            fixed[width] = _ours(bench, script, {"concurrency": width}).rate(0, SECONDS)
        with serving(script) as server:
            usual = _stopped(server, plain(server, bench, PLAIN_IN_FLIGHT)).rate(0, SECONDS)
    best = max(fixed, key=lambda width: fixed[width])
    rate = median([traffic.rate(0, SECONDS) for traffic in found])
    saw(name, "fixed widths: " + ", ".join(f"{width}: {each:.0f}/s" for width, each in fixed.items()))
    for traffic in found:
        saw(name, f"found: {_told(traffic, fixed[best])}")
    ratio = rate / usual if usual else 0.0
    saw(name, f"the SDK and a semaphore of {PLAIN_IN_FLIGHT}: {usual:.0f}/s, ours {ratio:.1f} times")
    share = rate / fixed[best] if fixed[best] else 0.0
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


def _told(traffic: Traffic, best: float) -> str:
    """The rate of a run, its requests at once, and when a second first had the rate that is wanted."""
    most, late = traffic.account.peak, traffic.at_once(SECONDS / 2, SECONDS)
    said = f"{traffic.rate(0, SECONDS):.0f}/s, at most {most} at once, {late:.0f} in the second half"
    for tenth in range(int(SECONDS * 10) - 10):
        if traffic.rate(tenth / 10, tenth / 10 + 1) >= LEAST_SHARE * best:
            return f"{said}; {LEAST_SHARE:.0%} of the best after {tenth / 10:.1f} s"
    return f"{said}; never a second at {LEAST_SHARE:.0%} of the best"
