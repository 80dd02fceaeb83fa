"""Which fault of a script a request meets, and how long its answer takes: pure, and always the same.

This module does not know HTTP, clocks or counters: the service passes them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from pipeline.testing.script import Latency, Rule, Script


@dataclass(frozen=True, slots=True)
class Asked:
    """The `n`-th request of all and `attempt`-th of its digest, `elapsed` seconds after the first one."""

    n: int
    digest: bytes
    attempt: int
    elapsed: float
    body: bytes


def decide(script: Script, asked: Asked, struck: Mapping[tuple[bytes, int], int]) -> int | None:
    """The index of the rule that applies, None for none; `struck` counts by digest and rule."""
    for place, rule in enumerate(script.faults):
        if rule.times is not None and struck.get((asked.digest, place), 0) >= rule.times:
            continue
        drawn = rule.share is None or _dice(script.seed, place, asked) < rule.share
        if drawn and _holds(rule, asked):
            return place
    return None


def _holds(rule: Rule, asked: Asked) -> bool:
    return (
        (rule.first is None or asked.n <= rule.first)
        and (rule.after is None or asked.n > rule.after)
        and (rule.every is None or asked.n % rule.every == 0)
        and (rule.during is None or rule.during[0] <= asked.elapsed < rule.during[1])
        and (rule.match is None or rule.match.encode() in asked.body)
    )


def latency_of(script: Script, asked: Asked) -> float:
    """Seconds this attempt's answer takes."""
    if not isinstance(script.latency, Latency):
        return script.latency
    spread = 2 * _dice(script.seed, -1, asked) - 1
    return max(0.0, script.latency.mean + spread * script.latency.jitter)


def _dice(seed: int, place: int, asked: Asked) -> float:
    """A number in [0, 1), always the same for the same attempt of the same request."""
    drawn = sha256(f"{seed} {place} {asked.attempt} ".encode() + asked.digest).digest()
    return int.from_bytes(drawn[:7]) / 256**7
