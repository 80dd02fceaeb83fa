"""Tab-separated tables, both ways."""

from __future__ import annotations

from pathlib import Path

from pipeline.tables import tsv
from tests.support.tables import written


def test_tsv_splits_at_tabs_only(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tsv", 'id\tt\n1\ta,b\n2\t"x\ty"\n')
    assert tsv.scan(path).collect().rows() == [("1", "a,b"), ("2", "x\ty")]
