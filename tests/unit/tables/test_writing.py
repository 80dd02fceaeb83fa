"""Tables out: the whole file or the old one, the same bytes for the same rows, and nothing cast."""

from __future__ import annotations

import datetime
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import JobError
from pipeline.output.table import Table
from pipeline.tables import csv, jsonl, tsv, xlsx
from tests.support.tables import NESTED, NESTED_ROWS, PLAIN, ROWS, publish

# what is written


def test_csv_keeps_null_and_the_empty_text_apart(tmp_path: Path) -> None:
    text = publish(tmp_path / "a.csv", PLAIN, ROWS)
    assert text == b'id,n,f,b\n007,1,0.5,true\n"",,,\n,-1099511627776,1e-7,false\n'


def test_nested_values_are_json_text_in_csv(tmp_path: Path) -> None:
    publish(tmp_path / "a.csv", NESTED, NESTED_ROWS)
    assert csv.scan(tmp_path / "a.csv").collect().rows() == [
        ("1", '["a","é"]', '{"x":1,"y":"q"}'),
        ("2", "[]", '{"x":null,"y":null}'),
        ("3", None, None),
    ]


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


def test_a_text_format_refuses_bytes_before_a_row(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"'x' holds bytes, which a\.csv cannot hold"):
        Table([tmp_path / "a.csv"], pl.Schema({"x": pl.List(pl.Binary)}))
    assert list(tmp_path.iterdir()) == []


def test_excel_takes_text_as_text(tmp_path: Path) -> None:
    rows = [("=1+1",), ("https://example.com",), ("007",), ("\x01_x0041_é",), (None,)]
    publish(tmp_path / "a.xlsx", pl.Schema({"t": pl.String}), rows)
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert not any(
            "Hyperlink" in name or ("rels" in name and "sheet" in name) for name in book.namelist()
        )
    assert "<f>" not in sheet and "hyperlink" not in sheet
    assert xlsx.scan(tmp_path / "a.xlsx").collect().rows()[:3] == rows[:3]


def test_excel_keeps_numbers_dates_and_long_integers(tmp_path: Path) -> None:
    day = datetime.date(2020, 2, 29)
    schema = pl.Schema(
        {"n": pl.Int64, "f": pl.Float64, "d": pl.Date, "long": pl.Int64, "o": pl.List(pl.Int64)}
    )
    publish(tmp_path / "a.xlsx", schema, [(1, 0.5, day, 2**62, [1, 2])])
    moment = datetime.datetime(2020, 2, 29)
    assert xlsx.scan(tmp_path / "a.xlsx").collect().rows() == [(1, 0.5, moment, str(2**62), "[1,2]")]


def test_a_cell_too_long_for_excel_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"row 2, column 't' has 32,768 characters"):
        publish(tmp_path / "a.xlsx", pl.Schema({"t": pl.String}), [("x" * 32_767,), ("x" * 32_768,)])
    assert list(tmp_path.iterdir()) == []


def test_a_lone_surrogate_becomes_the_replacement_character(tmp_path: Path) -> None:
    schema = pl.Schema({"t": pl.String, "l": pl.List(pl.String)})
    for name in ("a.csv", "a.jsonl", "a.parquet", "a.xlsx"):
        publish(tmp_path / name, schema, [("a\ud83d", ["\udc00b"]), ("😀", [])])
    assert csv.scan(tmp_path / "a.csv").collect().rows() == [("a\ufffd", '["\ufffdb"]'), ("😀", "[]")]
    assert pl.read_parquet(tmp_path / "a.parquet").rows() == [("a\ufffd", ["\ufffdb"]), ("😀", [])]


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


CELL = st.none() | st.text(max_size=6) | st.text(st.sampled_from('",\n\r\t a'))


@given(st.integers(1, 3).flatmap(lambda n: st.lists(st.tuples(*[CELL] * n), max_size=12)), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_delimited_table_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, ...]], tabs: bool
) -> None:
    path = tmp_path_factory.mktemp("table") / ("a.tsv" if tabs else "a.csv")
    schema = pl.Schema({f"c{n}": pl.String for n in range(len(rows[0]) if rows else 1)})
    publish(path, schema, rows)
    assert (tsv if tabs else csv).scan(path).collect().rows() == rows


def test_a_jsonl_table_is_read_back_as_it_was(tmp_path: Path) -> None:
    publish(tmp_path / "a.jsonl.gz", NESTED, NESTED_ROWS)
    back = jsonl.scan(tmp_path / "a.jsonl.gz").collect()
    assert (back.schema, back.rows()) == (NESTED, NESTED_ROWS)
