"""Tables in parquet, both ways."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from pipeline.core.errors import InputError
from pipeline.output.table import Table
from pipeline.tables import parquet
from tests.support.tables import NESTED, NESTED_ROWS, opened, publish, read


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [1, 2], "l": [["a"], None], "s": [{"x": 1.5}, {"x": None}]})
    frame.write_parquet(tmp_path / "a.parquet")
    source = opened(tmp_path, "a.parquet", key="id")
    assert source.schema == frame.schema
    assert [record.fields for record in read(source)] == frame.to_dicts()


@pytest.mark.parametrize("damage", ["cut", "foot", "page", "text"])
def test_a_damaged_parquet_is_refused_before_a_record(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"id": range(50_000), "t": [str(n * 7919) for n in range(50_000)]}).write_parquet(path)
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[:-100]
    elif damage == "foot":
        data[-40:-8] = b"\xff" * 32
    elif damage == "page":
        data[5000:9000] = b"\xff" * 4000
    else:
        data = bytearray(b"this is no parquet at all")
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.parquet: the file is damaged, or is not Parquet") as error:
        parquet.scan(path)
    assert error.value.hint == "write it again with the program that made it, or as .csv or .jsonl"


def test_nested_values_are_native_in_parquet_and_jsonl(tmp_path: Path) -> None:
    publish(tmp_path / "a.parquet", NESTED, NESTED_ROWS)
    frame = pl.read_parquet(tmp_path / "a.parquet")
    assert (frame.schema, frame.rows()) == (NESTED, NESTED_ROWS)
    lines = publish(tmp_path / "a.jsonl", NESTED, NESTED_ROWS).decode().splitlines()
    assert [tuple(json.loads(line).values()) for line in lines] == NESTED_ROWS
    assert lines[0] == '{"id":"1","tags":["a","é"],"o":{"x":1,"y":"q"}}'


def test_the_types_of_input_columns_survive_parquet(tmp_path: Path) -> None:
    now = datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)
    frame = pl.DataFrame(
        {
            "d": [now.date()],
            "t": [now],
            "z": [now.replace(tzinfo=datetime.UTC)],
            "e": [datetime.timedelta(seconds=3)],
            "m": [Decimal("1.50")],
            "x": [b"\xff"],
            "c": pl.Series(["a"], dtype=pl.Categorical),
            "i": pl.Series([200], dtype=pl.UInt8),
        }
    )
    publish(tmp_path / "a.parquet", frame.schema, frame.rows())
    back = pl.read_parquet(tmp_path / "a.parquet")
    assert (back.schema, back.rows()) == (frame.schema, frame.rows())
    text = publish(tmp_path / "a.csv", frame.drop("x").schema, frame.drop("x").rows()).decode()
    assert "2020-01-02,2020-01-02T03:04:05.678901," in text
    assert text.endswith(",PT3S,1.50,a,200\n")


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (pl.Int64(), 1.7),
        (pl.Int64(), 1.0),
        (pl.Int64(), True),
        (pl.Int64(), 2**63),
        (pl.Int64(), "1"),
        (pl.Float64(), 1),
        (pl.String(), 1),
        (pl.Boolean(), 1),
        (pl.List(pl.Int64()), [1, 1.7]),
        (pl.List(pl.String()), "x"),
        (pl.Struct({"a": pl.Int64()}), {"a": 1.7}),
        (pl.Struct({"a": pl.Int64()}), {"a": 1, "b": 2}),
        (pl.Datetime("us"), datetime.date(2020, 1, 1)),
    ],
)
def test_nothing_is_cast(tmp_path: Path, dtype: pl.DataType, value: object) -> None:
    with Table([tmp_path / "a.parquet"], pl.Schema({"id": pl.String, "v": dtype})) as table:
        table.write([("1", None), ("2", value)])
        with pytest.raises(TypeError, match="the column 'v'"):
            table.publish()
    assert list(tmp_path.iterdir()) == []
