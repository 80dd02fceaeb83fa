"""What a server's headers say: how long to wait (the first valid one), and what the limits are.

`retry-after-ms` goes before `retry-after`, and both before the times at which limits are restored. The names
are a table: OpenAI's, and those of Anthropic, Azure, Cerebras, Groq, Mistral, OpenRouter and SambaNova, and
the draft standard `ratelimit`. A value that makes no sense is ignored. This module does not sleep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pipeline.core.domain import ServerLimits
from pipeline.wire.times import milliseconds, seconds_until


class _Names(NamedTuple):
    """The headers of one limit. `measure` is "" where the period that it holds for is not known."""

    limit: str
    remaining: str
    reset: str
    measure: str


def _names(form: str, measure: str) -> _Names:
    return _Names(form.format("limit"), form.format("remaining"), form.format("reset"), measure)


_REQUESTS = _names("x-ratelimit-{}-requests", "rpm")  # OpenAI's; a minute's, or a day's (Groq)
_LIMITS = (
    _REQUESTS,
    _names("x-ratelimit-{}-tokens", "tpm"),
    _names("x-ratelimit-{}-requests-minute", "rpm"),
    _names("x-ratelimit-{}-req-minute", "rpm"),  # Mistral
    _names("x-ratelimit-{}-tokens-minute", "tpm"),  # Cerebras, Mistral
    _names("x-ratelimit-{}-requests-day", "rpd"),  # Cerebras, SambaNova
    _names("anthropic-ratelimit-requests-{}", "rpm"),
    _names("anthropic-ratelimit-tokens-{}", "tpm"),
    _names("x-ratelimit-{}", ""),  # OpenRouter, Together: per minute, hour or day
    _Names("", "x-ratelimit-remaining", "x-ratelimit-reset-after", ""),  # Discord's; gateways took it over
    _names("x-rate-limit-{}", ""),
    _names("ratelimit-{}", ""),  # an early draft of the standard
)
_DRAFT, _POLICY = "ratelimit", "ratelimit-policy"
"""the later drafts: `"default";r=0;t=30`, or `limit=100, remaining=0, reset=30`"""
_PLAIN_WAITS = ("retry-after-ms", "x-ms-retry-after-ms", "retry-after")
_WAITS = (*_PLAIN_WAITS, _DRAFT, *(names.reset for names in _LIMITS))
_TOLD = (*(names.limit for names in _LIMITS if names.measure), _POLICY)
_DAILY_AT = "x-groq-region"  # a header of Groq, whose limits of requests are always a day's
_MINUTE, _MINUTE_AND_A_BIT, _DAY = 60, 65.0, 86_400
_MOST_DIGITS = 15
_PARAMETER = re.compile(r"\b(limit|remaining|reset|q|r|t|w)=(\d{1,15})\b")


def advertised_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait, 0 < wait <= 24 h, or None where the headers (lower-case names) tell nothing valid."""
    if not any(name in headers for name in _WAITS):  # nearly always
        return None
    in_ms, azure, plain = _PLAIN_WAITS
    return (
        milliseconds(headers.get(in_ms))
        or milliseconds(headers.get(azure))
        or seconds_until(headers.get(plain), now)
        or max(_resets(headers, now), default=None)
    )


def _resets(headers: Mapping[str, str], now: float | None) -> Iterator[float]:
    """The resets of the limits that are used up, or whose headers do not say what is left."""
    for names in _LIMITS:
        if headers.get(names.remaining, "0").strip() in ("0", "0.0"):
            yield from filter(None, [seconds_until(headers.get(names.reset), now)])
    for item in _items(headers.get(_DRAFT, "")):
        if item.get("r", item.get("remaining", "0")) == "0":
            yield from filter(None, [seconds_until(item.get("t", item.get("reset")), now)])


def _items(text: str) -> Iterator[dict[str, str]]:
    """The parameters of each item of a structured header; commas may also stand between parameters."""
    for item in text[:1000].split(",") if ";" in text else [text[:1000]]:
        yield dict(_PARAMETER.findall(item))


def advertised_limits(headers: Mapping[str, str], now: float | None = None) -> ServerLimits | None:
    """What the headers (lower-case names) say of the account's limits; None where they say nothing.

    A limit of requests may be meant per day. Then it takes longer than a minute to be restored, or it
    is restored at a day's rate: `limit: 200, remaining: 199, reset: 7m12s`.
    """
    if not any(name in headers for name in _TOLD):
        return None
    found: dict[str, int] = {}
    for names in _LIMITS:
        limit = _whole(headers.get(names.limit)) if names.measure else None
        if limit:
            is_daily = names is _REQUESTS and _is_daily(headers, limit, now)
            found.setdefault("rpd" if is_daily else names.measure, limit)
            left = _whole(headers.get(names.remaining)) if names.measure == "rpm" and not is_daily else None
            if left:
                found.setdefault("left", left)
    _add_policies(found, headers.get(_POLICY, ""))
    return ServerLimits(**found) if found.keys() - {"left"} else None


def _add_policies(found: dict[str, int], text: str) -> None:
    """Add what `"default";q=100;w=60`, or `100;w=60`, says: so many requests in so many seconds."""
    for item in text[:1000].split(",") if "qu=" not in text else ():
        parts = dict(_PARAMETER.findall(item))
        quota, window = _whole(parts.get("q") or item.partition(";")[0]), _whole(parts.get("w"))
        if quota and window == _DAY:
            found.setdefault("rpd", quota)
        elif quota and window and window <= _MINUTE:
            found["rpm"] = min(found.get("rpm", quota * _MINUTE // window), quota * _MINUTE // window)


def _whole(text: str | None) -> int | None:
    """A whole number in a header; None for anything else, and for a number that is too long."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _is_daily(headers: Mapping[str, str], limit: int, now: float | None) -> bool:
    reset = seconds_until(headers.get(_REQUESTS.reset), now)
    remaining = _whole(headers.get(_REQUESTS.remaining))
    if _DAILY_AT in headers:
        return True
    if reset is None:
        return False
    if reset > _MINUTE_AND_A_BIT:
        return True
    used = 0 if remaining is None else limit - remaining
    return used > 0 and abs(reset * limit / used / _DAY - 1) < 0.05
