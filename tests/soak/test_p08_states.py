"""Kills, faults of the API and of the disk and edits in any order end in the table of an undisturbed run."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.support.worlds import EACH, WORLDS, live_all


@pytest.mark.parametrize("first", range(100, 100 + WORLDS, EACH))
def test_p08_ten_thousand_steps(first: int, tmp_path: Path) -> None:
    anyio.run(live_all, tmp_path, range(first, first + EACH))
