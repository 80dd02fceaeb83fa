"""Many more ways to damage a journal, under all commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.damage import assert_no_trouble, damaging


@pytest.mark.parametrize("seed", range(100, 105))
def test_any_damage_under_any_command_is_told_and_costs_nothing(tmp_path: Path, seed: int) -> None:
    with damaging(tmp_path) as finished:
        assert_no_trouble(finished, seed, times=500)
