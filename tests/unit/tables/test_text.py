"""Texts that no format can hold as they are."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline.tables import csv
from tests.support.tables import publish


def test_a_lone_surrogate_becomes_the_replacement_character(tmp_path: Path) -> None:
    schema = pl.Schema({"t": pl.String, "l": pl.List(pl.String)})
    for name in ("a.csv", "a.jsonl", "a.parquet", "a.xlsx"):
        publish(tmp_path / name, schema, [("a\ud83d", ["\udc00b"]), ("😀", [])])
    assert csv.scan(tmp_path / "a.csv").collect().rows() == [("a\ufffd", '["\ufffdb"]'), ("😀", "[]")]
    assert pl.read_parquet(tmp_path / "a.parquet").rows() == [("a\ufffd", ["\ufffdb"]), ("😀", [])]
