"""Time as people write it: the time of day, opening hours, durations, deadlines.

This module does not know what is waited for. Its only I/O is reading the machine's clock.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

DAY = timedelta(days=1)
LONGEST = 366 * 86_400  # the longest duration, in seconds
_OF_DAY = re.compile(r"([0-9]{1,2}):([0-5][0-9])")
_DURATION = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")


class _SystemZone(tzinfo):
    """The machine's time zone with all its clock changes; `astimezone()` gives one fixed offset only."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        if moment is None:
            return None
        naive = moment.replace(tzinfo=None, microsecond=0)
        return naive - datetime.fromtimestamp(naive.timestamp(), UTC).replace(tzinfo=None)

    def dst(self, moment: datetime | None) -> timedelta | None:
        """None: nothing here needs more than the offset."""
        return None

    def tzname(self, moment: datetime | None) -> str | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, moment: datetime) -> datetime:
        there = moment.replace(tzinfo=UTC).astimezone()
        here = there.replace(tzinfo=self, fold=0)
        return here if here.utcoffset() == there.utcoffset() else here.replace(fold=1)


SYSTEM_ZONE = _SystemZone()


class Clock:
    """The time of day for a time on the event loop's clock.

    It moves with the loop's clock, and jumps forward where the machine's clock is ahead (the machine slept).
    It does not follow a machine's clock that is set back.
    """

    def __init__(self, now: float) -> None:
        self._start = now
        self._anchor = time.time()

    def at(self, now: float) -> float:
        """Unix time at `now` on the loop's clock."""
        return max(self._anchor + (now - self._start), time.time())

    def local(self, now: float) -> datetime:
        """Local time, aware, at `now` on the loop's clock."""
        return datetime.fromtimestamp(self.at(now), SYSTEM_ZONE)


@dataclass(frozen=True)
class Hours:
    """Hours of the day in local time. A span may go over midnight.

    On days when the clocks change, it is open exactly while the local time lies within a span.
    """

    text: str
    spans: tuple[tuple[timedelta, timedelta], ...]

    def wait(self, local: datetime) -> float:
        """Seconds until it is open, 0 when it is. `local` is aware, in the time zone that is meant."""
        return self.opens(local).timestamp() - local.timestamp()

    def opens(self, local: datetime) -> datetime:
        """When it opens next; `local` itself when it is open."""
        while not self._open(local):
            local = self._later(local)
        return local

    def _open(self, local: datetime) -> bool:
        shown = _of_day(local)
        return any(
            start <= shown < end if start < end else shown >= start or shown < end
            for start, end in self.spans
        )

    def _later(self, local: datetime) -> datetime:
        """The next moment at which it may open: the start of a span, or a change of the clocks before it."""
        shown = _of_day(local)
        start = _moved(local, min((start - shown) % DAY for start, _ in self.spans))
        return start if start.utcoffset() == local.utcoffset() else _change(local, start)


def hours_of(text: str) -> Hours:
    """Hours from "22:00-06:00", or several with commas between. A `ValueError` says what is wrong."""
    return Hours(text, tuple(_span(part.strip()) for part in text.split(",")))


def _span(text: str) -> tuple[timedelta, timedelta]:
    ends = [_time_in(part) for part in re.split(r"\s*[-–]\s*", text)]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0] == DAY:
        example = "write 22:00-06:00, and separate several with commas"
        raise ValueError(f"'{text}' is not a list of hours: {example}")
    if ends[0] == ends[1]:
        raise ValueError(f"'{text}' covers no time: the whole day is 00:00-24:00")
    return ends[0], ends[1]


def _time_in(text: str) -> timedelta | None:
    """A time of day, up to 24:00; None where the text is none."""
    found = _OF_DAY.fullmatch(text)
    if found is None:
        return None
    shown = timedelta(hours=int(found[1]), minutes=int(found[2]))
    return shown if shown <= DAY else None


def duration_of(text: str) -> float:
    """Seconds of "6h", "90m", "1h30m", "45s" or "2d". A `ValueError` says what is wrong."""
    found = _DURATION.fullmatch(text.replace(" ", "").lower())
    if not found or not any(found.groups()):
        raise ValueError(f"'{text}' is not a duration: write 6h, 90m, 1h30m, 45s or 2d")
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if whole == 0:
        raise ValueError(f"'{text}' is a duration of zero: write 6h, 90m, 1h30m, 45s or 2d")
    if whole > LONGEST:
        raise ValueError(f"'{text}' is more than a year")
    return float(whole)


def time_of(text: str, now: datetime) -> datetime:
    """The next moment that "07:00" or "2026-11-23T07:00" names, in the zone of `now`; else a `ValueError`."""
    shown = _time_in(text.strip())
    if shown is not None:
        return _next(shown, now)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or ":" not in text:
        raise ValueError(f"'{text}' is not a time: write 07:00, or with a date 2026-11-23T07:00")
    moment = _real(moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo), now.tzinfo)
    if moment.timestamp() <= now.timestamp():
        raise ValueError(f"'{text}' has passed: it is {now:%Y-%m-%dT%H:%M} now")
    return moment


def spoken(moment: datetime, now: datetime) -> str:
    """A moment for a message: "07:00", "07:00 tomorrow" or "07:00 on 2026-11-23"."""
    days = (moment.date() - now.date()).days
    day = {0: "", 1: " tomorrow"}.get(days, f" on {moment:%Y-%m-%d}")
    return f"{moment:%H:%M}{day}"


def _next(shown: timedelta, now: datetime) -> datetime:
    """The first moment after `now` with this local time; when clocks go back, some times come twice."""
    midnight = datetime(now.year, now.month, now.day)
    for days in range(3):
        for fold in (0, 1):
            naive = (midnight + days * DAY + shown).replace(fold=fold)
            moment = _real(naive.replace(tzinfo=now.tzinfo), now.tzinfo)
            if moment.timestamp() > now.timestamp():
                return moment
    raise AssertionError("the day after tomorrow is later than now")


def _real(moment: datetime, zone: tzinfo | None) -> datetime:
    """The moment as a time that exists: one that a change of the clocks skips is moved by the change."""
    return moment.astimezone(UTC).astimezone(zone)


def _moved(local: datetime, by: timedelta) -> datetime:
    return (local.astimezone(UTC) + by).astimezone(local.tzinfo)


def _of_day(local: datetime) -> timedelta:
    return timedelta(0, local.second, local.microsecond, 0, local.minute, local.hour)


def _change(before: datetime, after: datetime) -> datetime:
    """The moment between the two at which the clocks are changed, to the second."""
    zone, offset = before.tzinfo, before.utcoffset()
    seconds = range(int(before.timestamp()), int(after.timestamp()) + 1)
    index = bisect_left(seconds, True, key=lambda s: datetime.fromtimestamp(s, zone).utcoffset() != offset)
    return datetime.fromtimestamp(seconds[index], zone)
