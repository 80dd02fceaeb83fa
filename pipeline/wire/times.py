"""Times that servers write, read as seconds from now: numbers, durations, dates, and words in a sentence.

Whatever is not surely a time within 24 hours from now is none. This module does not sleep.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 24 * 3600.0
_UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")
_UNIT = r"(?:more |additional )?(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)"
_WORDED = re.compile(rf"(\d{{1,9}}(?:\.\d{{1,9}})?)[ -]?({_UNIT})(?![a-z])", re.IGNORECASE)
_AND = r"(?:,| |and)*"
_IN_WORDS = re.compile(
    rf"\b(?:again|retry|retrying|wait|available|resets?)\b[^.\d]{{0,24}}?"
    rf"((?:\d{{1,9}}(?:\.\d{{1,9}})?[ -]?{_UNIT}(?![a-z]){_AND}){{1,4}})",
    re.IGNORECASE,
)
"""`try again in 6m0s`, `retry after 20 seconds`, `wait 3 seconds`; but not `timed out after 60 seconds`"""
_BARE = re.compile(r"\bretry[ _-]?after\W{1,4}(\d{1,19}(?:\.\d{1,19})?)(?=\W*\Z|[.;)\]]\s)", re.IGNORECASE)
"""`Retry after: 3`; but not `retry after 3 attempts`"""
_NUMBERS = re.compile(r"\+?\d{1,19}(?:\.\d{1,19})?(?: *, *\+?\d{1,19}(?:\.\d{1,19})?)*")
"""one number, or the values of a header that was sent several times: `3, 3`"""
_PERIOD = re.compile(r"P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.IGNORECASE)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_LONGEST_TEXT = 40
_EPOCH, _TOO_LATE = 1e9, 1e11
"""a number from the first on is a Unix time (2001); from the second on it has a smaller unit than seconds"""


def valid(seconds: float) -> float | None:
    """The wait where it is one: above 0, and not above 24 hours."""
    return seconds if 0 < seconds <= LONGEST else None


def duration(text: str) -> float | None:
    """Seconds of a Go duration such as `6m0s`, `20ms`, `1h2m` or `1d2h`; None for anything else."""
    text = text.strip()
    if not text or len(text) > _LONGEST_TEXT or _PART.sub("", text):
        return None
    return valid(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text)))


def seconds_until(text: str | None, now: float | None = None) -> float | None:
    """Seconds of a wait in any form: a number, a Unix time (s, ms, µs), a duration, a date of ISO or HTTP.

    Of several numbers, the largest one counts.
    """
    text = (text or "").strip()
    if not text or len(text) > _LONGEST_TEXT:
        return None
    if _NUMBERS.fullmatch(text):
        number = _largest(text)
        while number >= _TOO_LATE:
            number /= 1000
        return valid(number - _clock(now) if number >= _EPOCH else number)
    if _PERIOD.fullmatch(text):
        return duration(text[1:].lower().replace("t", ""))
    return duration(text) or _worded(text) or _date(text, now)


def milliseconds(text: str | None) -> float | None:
    """Seconds of a number of milliseconds."""
    text = (text or "").strip()
    return valid(_largest(text) / 1000) if _NUMBERS.fullmatch(text) else None


def _largest(numbers: str) -> float:
    return max(map(float, numbers.split(",")))


def _clock(now: float | None) -> float:
    return time.time() if now is None else now


def _worded(text: str) -> float | None:
    """Seconds of `20 seconds`, `1 minute 30 seconds`, `2 days`."""
    rest = _WORDED.sub("", text)
    if re.fullmatch(_AND, rest.strip()) is None:
        return None
    return valid(sum(float(number) * _size(unit) for number, unit in _WORDED.findall(text)))


def _size(unit: str) -> float:
    unit = unit.lower().removeprefix("more ").removeprefix("additional ")
    return _UNITS["ms"] if unit.startswith(("ms", "milli")) else _UNITS[unit[0]]


def _date(text: str, now: float | None) -> float | None:
    try:
        when = datetime.fromisoformat(text) if _ISO.match(text) else parsedate_to_datetime(text)
        when = when if when.tzinfo else when.replace(tzinfo=UTC)  # "-0000", or no zone at all
        return valid(when.timestamp() - _clock(now))
    except (ValueError, OverflowError):
        return None


def said_in(message: str) -> float | None:
    """The wait that a server's sentence asks for, such as `Please try again in 6m0s`."""
    found = _IN_WORDS.search(message)
    if found:
        return _worded(found[1].rstrip(" ,"))
    bare = _BARE.search(message)
    return seconds_until(bare[1]) if bare else None
