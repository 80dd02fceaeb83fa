"""Packed tables that take long to unpack: quicker ones are in hostile/test_tables.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.endless_cell import endless_cell_is_refused


@pytest.mark.parametrize("quoted", [False, True])
def test_a_cell_without_end_is_refused_with_its_line_in_a_file_packed_by_zstd(
    quoted: bool, tmp_path: Path
) -> None:
    endless_cell_is_refused(tmp_path, "b.csv.zst", quoted)
