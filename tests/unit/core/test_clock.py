"""Hours, durations and times as people write them, and the limits that keep to them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline.core.clock import Clock, duration_of, hours_of, spoken, time_of
from tests.support.tickets import HOUR

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = "2026-03-29"
"""Berlin's clocks go from 02:00 to 03:00"""
AUTUMN = "2026-10-25"
"""Berlin's clocks go from 03:00 to 02:00"""


def berlin(text: str, *, fold: int = 0) -> datetime:
    """A local time in Berlin; `fold` 1 is the second of two."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


# hours


@pytest.mark.parametrize(
    ("text", "now", "wait"),
    [
        ("22:00-06:00", "2026-11-22T21:59:59", 1),
        ("22:00-06:00", "2026-11-22T22:00", 0),
        ("22:00-06:00", "2026-11-23T05:59:59.999999", 0),
        ("22:00-06:00", "2026-11-23T06:00", 16 * HOUR),
        ("09:00-17:00", "2026-11-22T17:00", 16 * HOUR),
        ("09:00-17:00", "2026-11-22T08:59:59.750", 0.25),
        ("22:00-06:00, 12:00-13:00", "2026-11-22T07:00", 5 * HOUR),
        ("22:00-06:00,12:00 – 13:00", "2026-11-22T12:30", 0),
        ("22:00-06:00, 12:00-13:00", "2026-11-22T13:00", 9 * HOUR),
        ("00:00-24:00", "2026-11-22T23:59:59", 0),
        ("22:00-24:00", "2026-11-22T00:00", 22 * HOUR),
        ("22:00-00:00", "2026-11-22T23:59", 0),
        ("6:00-7:00", "2026-12-31T23:00", 7 * HOUR),
    ],
)
def test_hours_tell_how_long_until_they_open(text: str, now: str, wait: float) -> None:
    assert hours_of(text).wait(berlin(now)) == pytest.approx(wait, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "now", "wait", "why"),
    [
        ("06:00-08:00", f"{SPRING}T01:00", 4 * HOUR, "an hour is missing on the way"),
        ("02:30-04:00", f"{SPRING}T01:00", 1 * HOUR, "the wall jumps from 01:59 into the span"),
        ("02:15-02:45", f"{SPRING}T01:00", 24.25 * HOUR, "this day the wall never shows the span"),
        ("22:00-06:00", f"{SPRING}T06:00", 16 * HOUR, "the change is behind"),
        ("06:00-08:00", f"{AUTUMN}T01:00", 6 * HOUR, "an hour comes twice on the way"),
        ("02:30-04:00", f"{AUTUMN}T02:45", 0, "the first time round"),
        ("01:30-02:30", f"{AUTUMN}T02:45", 0.25 * HOUR, "the wall goes back into the span"),
        ("22:00-06:00", "2026-10-24T22:00", 0, "open all night"),
    ],
)
def test_hours_are_those_on_the_wall_when_the_clocks_change(
    text: str, now: str, wait: float, why: str
) -> None:
    assert hours_of(text).wait(berlin(now)) == wait, why


def test_of_the_hour_that_comes_twice_both_are_told_apart() -> None:
    hours = hours_of("02:30-04:00")
    assert hours.wait(berlin(f"{AUTUMN}T02:15")) == 0.25 * HOUR
    assert hours.wait(berlin(f"{AUTUMN}T02:15", fold=1)) == 0.25 * HOUR
    assert (
        hours.opens(berlin(f"{AUTUMN}T02:15", fold=1)).timestamp()
        == berlin(f"{AUTUMN}T02:30", fold=1).timestamp()
    )


@pytest.mark.parametrize("day", [SPRING, AUTUMN, "2026-06-01"])
@pytest.mark.parametrize("text", ["22:00-06:00", "02:30-04:00", "02:15-02:45", "01:30-02:30, 03:00-03:01"])
def test_after_the_wait_it_is_open_and_not_a_minute_before(day: str, text: str) -> None:
    hours = hours_of(text)
    begin = berlin(f"{day}T00:00").astimezone(UTC)
    minutes = [(begin + timedelta(minutes=m)).astimezone(BERLIN) for m in range(3 * 24 * 60)]
    open_at = [m for m, local in enumerate(minutes) if hours.wait(local) == 0]
    ahead = iter(open_at)
    following = next(ahead)
    for m in range(0, 26 * 60):
        while following < m:
            following = next(ahead)
        assert hours.wait(minutes[m]) == (following - m) * 60


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("22:00-22:00", "covers no time"),
        ("24:00-24:00", "is not a list of hours"),
        ("24:00-06:00", "is not a list of hours"),
        ("22:00", "write 22:00-06:00"),
        ("22-6", "write 22:00-06:00"),
        ("22:00-06:60", "write 22:00-06:00"),
        ("22:00-25:00", "write 22:00-06:00"),
        ("24:01-25:00", "write 22:00-06:00"),
        ("22:00-06:00,", "write 22:00-06:00"),
        ("22:00-06:00-07:00", "write 22:00-06:00"),
        ("٢٢:00-06:00", "write 22:00-06:00"),
        ("", "write 22:00-06:00"),
    ],
)
def test_hours_that_make_no_sense_are_refused_with_what_is_right(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        hours_of(text)


# durations and times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6h", 21_600),
        ("90m", 5_400),
        ("1h30m", 5_400),
        ("1h 30m", 5_400),
        ("45s", 45),
        ("2d", 172_800),
        ("1D2H3M4S", 93_784),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert duration_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "6", "h", "six hours", "-1h", "30m1h", "1.5h", "0m", "367d", "9" * 99 + "s"]
)
def test_durations_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 6h, 90m|more than a year"):
        duration_of(text)


@pytest.mark.parametrize(
    ("text", "now", "then"),
    [
        ("07:00", "2026-11-22T22:15", "2026-11-23T07:00"),
        ("07:00", "2026-11-22T06:59:59.5", "2026-11-22T07:00"),
        ("7:00", "2026-11-22T07:00", "2026-11-23T07:00"),
        ("24:00", "2026-12-31T12:00", "2027-01-01T00:00"),
        ("07:00", "2026-03-28T22:00", f"{SPRING}T07:00"),
        ("02:30", f"{SPRING}T01:00", f"{SPRING}T03:30"),
        ("02:30", f"{AUTUMN}T01:00", f"{AUTUMN}T02:30"),
        ("2026-11-23T07:00", "2026-11-22T22:15", "2026-11-23T07:00"),
        ("2026-11-23 07:00:30", "2026-11-22T22:15", "2026-11-23T07:00:30"),
        ("2026-11-23T07:00Z", "2026-11-22T22:15", "2026-11-23T08:00"),
    ],
)
def test_a_time_is_the_next_one_on_the_wall(text: str, now: str, then: str) -> None:
    moment = time_of(text, berlin(now))
    assert moment.timestamp() == berlin(then).timestamp()
    assert moment.tzinfo is BERLIN
    assert moment.replace(tzinfo=None) == berlin(then).replace(tzinfo=None)


def test_a_time_that_comes_twice_is_the_next_of_both() -> None:
    between = berlin(f"{AUTUMN}T02:45")
    assert (time_of("02:30", between).timestamp() - between.timestamp()) == 0.75 * HOUR
    after = berlin(f"{AUTUMN}T02:45", fold=1)
    assert (time_of("02:30", after).timestamp() - after.timestamp()) == 23.75 * HOUR


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("7", "write 07:00"),
        ("7am", "write 07:00"),
        ("25:00", "write 07:00"),
        ("2026-11-23", "write 07:00"),
        ("2026-02-30T07:00", "write 07:00"),
        ("2026-11-22T22:15", "has passed: it is 2026-11-22T22:15 now"),
        ("2020-01-01T07:00", "has passed"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        time_of(text, berlin("2026-11-22T22:15"))


def test_a_moment_is_spoken_of_by_its_day() -> None:
    now = berlin("2026-12-31T22:15")
    assert spoken(berlin("2026-12-31T23:00"), now) == "23:00"
    assert spoken(berlin("2027-01-01T07:00"), now) == "07:00 tomorrow"
    assert spoken(berlin("2027-01-02T07:00"), now) == "07:00 on 2027-01-02"


# the clock


def test_the_wall_clock_moves_with_the_loops_clock() -> None:
    clock = Clock(5.0)
    assert clock.at(5.0) == pytest.approx(time.time(), abs=1)
    assert clock.at(5.0 + 8 * HOUR) == pytest.approx(time.time() + 8 * HOUR, abs=1)


def test_the_wall_clock_is_never_behind_the_machines() -> None:
    clock = Clock(5.0)
    slept = 5.0 - 3 * HOUR  # the loop's clock has stood still for three hours against the machine's
    assert clock.at(slept) == pytest.approx(time.time(), abs=1)
