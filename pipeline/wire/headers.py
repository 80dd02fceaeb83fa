"""What a server's headers say: how long to wait (the first valid of four), and what the limits are.

Order and formats follow the public documentation of OpenAI's rate limits: `retry-after-ms`,
`retry-after` as seconds or as an HTTP date, `x-ratelimit-reset-requests` / `-tokens` as Go durations.
This module does not sleep.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isfinite

from pipeline.core.domain import ServerLimits

LONGEST = 24 * 3600.0
_WAITS = ("retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_MINUTE_AND_A_BIT = 65.0
_DAY = 86_400.0
_MOST_DIGITS = 15
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")


def advertised_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait, 0 < wait <= 24 h, or None where the headers (lower-case names) tell nothing valid."""
    if not any(name in headers for name in _WAITS):  # nearly always
        return None
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
        if not text:
            return None
        when = parsedate_to_datetime(text)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)  # "-0000", or no zone at all
        return _valid(when.timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _reset(headers: Mapping[str, str]) -> float | None:
    """The longest reset of the limits that are used up, or whose headers do not say what is left."""
    waits = [
        duration(headers.get(f"x-ratelimit-reset-{name}", ""))
        for name in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{name}", "0").strip() == "0"
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def duration(text: str) -> float | None:
    """Seconds of a Go duration such as `6m0s`, `20ms` or `1h2m`; None for anything else."""
    text = text.strip()
    if not text or len(text) > 40 or _PART.sub("", text):
        return None
    return _valid(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))


def advertised_limits(headers: Mapping[str, str]) -> ServerLimits | None:
    """What the headers (lower-case names) say of the account's limits; None where they say nothing.

    A limit of requests may be meant per day. Then it takes longer than a minute to be restored, or it
    is restored at a day's rate: `limit: 200, remaining: 199, reset: 7m12s`.
    """
    requests = _count(headers.get("x-ratelimit-limit-requests"))
    tokens = _count(headers.get("x-ratelimit-limit-tokens"))
    if requests is None and tokens is None:
        return None
    if requests is not None and _is_daily(headers, requests):
        return ServerLimits(tpm=tokens, rpd=requests)
    left = _count(headers.get("x-ratelimit-remaining-requests"))
    return ServerLimits(rpm=requests, tpm=tokens, left=left)


def _count(text: str | None) -> int | None:
    return _whole(text or "") or None


def _whole(text: str) -> int | None:
    """A whole number in a header; None for anything else, and for a number that is too long."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _is_daily(headers: Mapping[str, str], limit: int) -> bool:
    reset = duration(headers.get("x-ratelimit-reset-requests", ""))
    remaining = _whole(headers.get("x-ratelimit-remaining-requests", ""))
    if reset is None:
        return False
    if reset > _MINUTE_AND_A_BIT:
        return True
    used = 0 if remaining is None else limit - remaining
    return used > 0 and abs(reset * limit / used / _DAY - 1) < 0.05
