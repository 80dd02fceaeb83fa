"""Many more ways to damage a journal, under all commands."""

from __future__ import annotations

import pytest

from tests.hostile.test_damaged_journal import assert_no_trouble, finished
from tests.support.damage import Damaged

__all__ = ["finished"]


@pytest.mark.parametrize("seed", range(100, 110))
def test_any_damage_under_any_command_is_told_and_costs_nothing(finished: Damaged, seed: int) -> None:
    assert_no_trouble(finished, seed, times=500)
