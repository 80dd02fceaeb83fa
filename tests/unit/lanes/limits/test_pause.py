"""A pause: nothing passes until it is taken back."""

from __future__ import annotations

from math import inf

from pipeline.lanes.limits.pause import Pause
from tests.support.tickets import ticket


def test_a_pause_holds_until_it_is_taken_back() -> None:
    pause = Pause()
    assert pause.delay(ticket(), 0.0) == 0
    pause.paused = True
    assert pause.delay(ticket(), 9e9) == inf
    pause.paused = False
    assert pause.delay(ticket(), 0.0) == 0
