"""Files of records to be read, and tables to be written, for the tests of both."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.core.domain import Record
from pipeline.core.errors import InputError
from pipeline.job.files import Records
from pipeline.output.table import Table
from pipeline.output.types import TYPES
from pipeline.records.source import Source, open_records

FORMATS = [
    "a.csv",
    "a.tsv",
    "a.json",
    "a.jsonl",
    "a.parquet",
    "a.xlsx",
    "a.csv.gz",
    "a.tsv.zst",
    "a.jsonl.zst",
]
PLAIN = pl.Schema({"id": pl.String, "n": pl.Int64, "f": pl.Float64, "b": pl.Boolean})
ROWS = [("007", 1, 0.5, True), ("", None, None, None), (None, -(2**40), 1e-7, False)]
NESTED = pl.Schema(
    {"id": pl.String, "tags": pl.List(pl.String), "o": pl.Struct({"x": pl.Int64, "y": pl.String})}
)
NESTED_ROWS = [("1", ["a", "é"], {"x": 1, "y": "q"}), ("2", [], {"x": None, "y": None}), ("3", None, None)]


SAMPLES: dict[str, tuple[pl.DataType, Any]] = {
    **{name: (getattr(pl, name)(), 1) for name in TYPES if name.startswith(("Int", "UInt"))},
    **{name: (getattr(pl, name)(), 1.5) for name in TYPES if name.startswith("Float")},
    "String": (pl.String(), "é"),
    "Categorical": (pl.Categorical(), "a"),
    "Enum": (pl.Enum(["a", "b"]), "a"),
    "Boolean": (pl.Boolean(), True),
    "Decimal": (pl.Decimal(38, 2), Decimal("1.50")),
    "Date": (pl.Date(), dt.date(2024, 2, 29)),
    "Datetime": (pl.Datetime("us", "Europe/Lisbon"), dt.datetime(2024, 2, 29, tzinfo=dt.UTC)),
    "Time": (pl.Time(), dt.time(1, 2, 3)),
    "Duration": (pl.Duration("us"), dt.timedelta(days=1, microseconds=5)),
    "List": (pl.List(pl.Decimal(10, 2)), [Decimal("1.50"), None]),
    "Array": (pl.Array(pl.Date, 2), [dt.date(2024, 2, 29), None]),
    "Struct": (pl.Struct({"a": pl.Int64, "b": pl.Duration("us")}), {"a": 2**40, "b": dt.timedelta(1)}),
    "Map": (pl.Map(pl.String, pl.Int64), {"a": 1}),
    "Null": (pl.Null(), None),
    "Binary": (pl.Binary(), b"\xff"),
    "Object": (pl.Object(), object()),
    "Unknown": (pl.Unknown(), 1),
}


def publish(target: Path, schema: pl.Schema, rows: Sequence[Sequence[object]], size: int = 512) -> bytes:
    with Table([target], schema) as table:
        for start in range(0, len(rows), size):
            table.write(rows[start : start + size])
        table.publish()
    return target.read_bytes()


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def opened(folder: Path, name: str, **spec: Any) -> Source:
    source = open_records(Records(**{"from": name, **spec}), folder)
    assert isinstance(source, Source)
    return source


def read(source: Source, size: int = 512) -> list[Record]:
    return [record for batch in source.batches(size) for record in batch]


def refused(folder: Path, name: str, content: str | bytes, **spec: Any) -> str:
    written(folder, name, content)
    with pytest.raises(InputError) as error:
        opened(folder, name, **spec)
    return str(error.value)
