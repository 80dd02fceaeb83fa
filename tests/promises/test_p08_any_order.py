"""P8: stops, faults, edits and changed records in any order end in the same table."""

from __future__ import annotations

from pathlib import Path

import anyio

from tests.support.worlds import live_all


def test_p08_kills_faults_and_edits_in_any_order_end_in_the_same_table(tmp_path: Path) -> None:
    anyio.run(live_all, tmp_path, range(4))
