"""Files of rows under kills at random instants."""

from __future__ import annotations

import random
import time

import pytest

from tests.support.project import Project
from tests.support.row_files import ARTICLES, assert_whole, contents, killed, many, ran


@pytest.mark.parametrize("seed", range(4))
def test_kills_at_random_instants_never_leave_half_a_file(project: Project, seed: int) -> None:
    dice = random.Random(seed)
    states = [many(project)]
    ran(project)
    for round_ in range(8):
        states.append(many(project, f"round {round_}"))
        began = time.monotonic()
        seen = dice.random() * 0.6
        killed(project, lambda began=began, seen=seen: time.monotonic() - began > 0.4 + seen)  # type: ignore[misc]
        assert_whole(project, *states)
    done = ran(project)
    assert contents(project.folder / ARTICLES) == states[-1], f"seed {seed}"
    assert "was changed" not in done.stdout
