"""The wall clock in the machine's own time zone, which a process has for its whole life."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support import ROOT

_IN_BERLIN = """
import sys, time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo
from pipeline.core.clock import SYSTEM_ZONE, Clock, hours_of, time_of
berlin = ZoneInfo("Europe/Berlin")
for day in ("2026-03-29", "2026-10-25", "2026-06-01"):
    begin = datetime.fromisoformat(day).replace(tzinfo=berlin).astimezone(timezone.utc)
    for minute in range(0, 1500, 5):
        moment = begin + timedelta(minutes=minute)
        ours, theirs = moment.astimezone(SYSTEM_ZONE), moment.astimezone(berlin)
        assert ours.replace(tzinfo=None) == theirs.replace(tzinfo=None) and ours.fold == theirs.fold
        assert ours.timestamp() == theirs.timestamp() == moment.timestamp()
        assert ours.utcoffset() == theirs.utcoffset() and ours.tzname() == theirs.tzname()
        for text in ("02:30-04:00", "01:30-02:30", "22:00-06:00"):
            assert hours_of(text).wait(ours) == hours_of(text).wait(theirs), (text, theirs)
        for text in ("02:30", "07:00"):
            assert time_of(text, ours).timestamp() == time_of(text, theirs).timestamp(), (text, theirs)
local = Clock(0.0).local(0.0)
assert local.timetuple()[:5] == datetime.now(berlin).timetuple()[:5] or datetime.now(berlin).second == 0
print("as in Berlin")
"""


def test_the_machines_own_zone_is_as_good_as_a_named_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IN_BERLIN],
        env={**os.environ, "TZ": "CET-1CEST,M3.5.0,M10.5.0/3"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "as in Berlin\n", done.stderr
