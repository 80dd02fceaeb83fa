"""Which fault of a script a request meets, and how long its answer takes: pure, and always the same.

This module does not know HTTP, clocks or counters: the service passes them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from pipeline.testing.script import BatchRule, Latency, Rule, Script


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
        dice = 0.0 if rule.share is None else _dice(script.seed, place, asked)
        if (
            _hits(rule, asked.n, dice)
            and (rule.during is None or rule.during[0] <= asked.elapsed < rule.during[1])
            and (rule.match is None or rule.match.encode() in asked.body)
        ):
            return place
    return None


def latency_of(script: Script, asked: Asked) -> float:
    """Seconds this attempt's answer takes."""
    return _spread(script.latency, _dice(script.seed, -1, asked))


def strikes(script: Script, n: int) -> tuple[BatchRule, ...]:
    """The rules that apply to the `n`-th batch."""
    rules = script.batches.faults
    return tuple(rule for place, rule in enumerate(rules) if _hits(rule, n, drawn(script.seed, place, n)))


def _hits(rule: Rule | BatchRule, n: int, dice: float) -> bool:
    return (
        (rule.first is None or n <= rule.first)
        and (rule.after is None or n > rule.after)
        and (rule.every is None or n % rule.every == 0)
        and (rule.share is None or dice < rule.share)
    )


def batch_latency(script: Script, n: int) -> float:
    """Seconds until the `n`-th batch is complete."""
    return _spread(script.batches.latency, drawn(script.seed, -1, n))


def _spread(latency: float | Latency, dice: float) -> float:
    if not isinstance(latency, Latency):
        return latency
    return max(0.0, latency.mean + (2 * dice - 1) * latency.jitter)


def drawn(*what: object) -> float:
    """A number in [0, 1), always the same for the same words and numbers."""
    return _in_unit(sha256(" ".join(map(str, what)).encode()).digest())


def _dice(seed: int, place: int, asked: Asked) -> float:
    """A number in [0, 1), always the same for the same attempt of the same request."""
    return _in_unit(sha256(f"{seed} {place} {asked.attempt} ".encode() + asked.digest).digest())


def _in_unit(digest: bytes) -> float:
    return int.from_bytes(digest[:7]) / 256**7
