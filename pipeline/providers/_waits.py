"""How long a server told us to wait: the first valid of four headers.

Order and formats follow the public documentation of OpenAI's rate limits: `retry-after-ms`,
`retry-after` as seconds or as an HTTP date, `x-ratelimit-reset-requests` / `-tokens` as Go durations.
This module does not sleep.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isfinite

LONGEST = 24 * 3600.0
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")


def told_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait, 0 < wait <= 24 h, or None where the headers (lower-case names) tell nothing valid."""
    candidates = (
        _number(headers.get("retry-after-ms"), 1e-3),
        _number(headers.get("retry-after"), 1.0),
        _date(headers.get("retry-after"), time.time() if now is None else now),
        _reset(headers),
    )
    return next((wait for wait in candidates if wait is not None), None)


def _valid(seconds: float) -> float | None:
    return seconds if isfinite(seconds) and 0 < seconds <= LONGEST else None


def _number(text: str | None, unit: float) -> float | None:
    try:
        return _valid(float(text) * unit) if text else None
    except ValueError:
        return None


def _date(text: str | None, now: float) -> float | None:
    try:
        return _valid(parsedate_to_datetime(text).timestamp() - now) if text else None
    except (ValueError, OverflowError):
        return None


def _reset(headers: Mapping[str, str]) -> float | None:
    """The longer of the two resets of the limits that are used up; both where none says it is."""
    waits = []
    for name in ("requests", "tokens"):
        wait = duration(headers.get(f"x-ratelimit-reset-{name}", ""))
        if wait is not None and headers.get(f"x-ratelimit-remaining-{name}", "0").strip() == "0":
            waits.append(wait)
    return max(waits, default=None)


def duration(text: str) -> float | None:
    """Seconds of a Go duration such as `6m0s`, `20ms` or `1h2m`; None for anything else."""
    text = text.strip()
    if not text or len(text) > 40 or _PART.sub("", text):
        return None
    return _valid(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))
