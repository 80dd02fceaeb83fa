"""Comma-separated tables, both ways, packed or not: what is wrong is named with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import JobError
from pipeline.output.table import Table
from pipeline.tables import csv, tsv
from tests.support.tables import NESTED, NESTED_ROWS, PLAIN, ROWS, opened, publish, read, refused, written


def test_csv_cells_are_text_as_written(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,n,x\n007,1e5,NA\n 8 ,nan,2020-01-01\n")
    assert csv.scan(path).collect().rows() == [("007", "1e5", "NA"), (" 8 ", "nan", "2020-01-01")]


def test_csv_null_is_not_the_empty_text(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", 'a,b\n,""\n"",\n')
    assert csv.scan(path).collect().rows() == [(None, ""), ("", None)]


def test_csv_takes_bom_crlf_quotes_and_line_breaks_in_cells(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", '\ufeffid,t\r\n1,"a ""b"", c\r\nd\re"\r\n2,é')
    assert csv.scan(path).collect().rows() == [("1", 'a "b", c\r\nd\re'), ("2", "é")]
    assert csv.scan(path).collect_schema().names() == ["id", "t"]


def test_csv_quotes_are_plain_text_where_no_cell_begins_with_one(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", 'id,t\n1,5" pipe\n2,x""y\n')
    assert csv.scan(path).collect()["t"].to_list() == ['5" pipe', 'x""y']


def test_csv_with_a_header_only_has_no_rows(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "id,t\n")
    source = opened(tmp_path, "a.csv", key="id")
    assert (source.total(), read(source), source.schema.names()) == (0, [], ["id", "t"])


def test_csv_ignores_empty_lines_at_the_end(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,t\n1,2\n\n\r\n")
    assert csv.scan(path).collect().rows() == [("1", "2")]


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("a,b\n1,2\n1,2,3\n", 3, "3 cells, but the header has 2"),
        ("a,b\n1,2\n1\n", 3, "1 cell, but the header has 2"),
        ('a,b\n1,"x\ny"\n1\n', 4, "1 cell, but the header has 2"),
        ("a,b\n\n1,2\n", 2, "this line is empty"),
        ('a,b\n1,"2\n3,4\n', 2, "never closed"),
        ('a,b\n1,"2"3\n', 2, "a quote is not allowed here"),
        ('a,b\n"1",2\n1,5" x 6" y\n', 3, "a quote is not allowed here"),
        ("a,b\n1,x\ry\n", 2, "a carriage return (CR) stands without a line feed (LF)"),
        ("a,b\r1,2\r3,4\r", 1, "a carriage return (CR) stands without a line feed (LF)"),
        (b"a,b\n1,2\n3,caf\xe9\n", 3, "byte 13 (0xe9) is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), 1, "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), 1, "UTF-16"),
        ("a,b\n1,2\n".encode("utf-32"), 1, "records.encoding: utf-32"),
        ("a,b\n1,2\n".encode("utf-32-be"), 1, "UTF-32"),
        ("a,a\n1,2\n", 1, "names 'a' twice"),
        ("a,\n1,2\n", 1, "column 2 of the header has no name"),
        ("\na,b\n1,2\n", 1, "the first line is empty"),
    ],
)
def test_csv_that_is_ill_formed_is_refused_with_the_line(
    tmp_path: Path, content: str | bytes, line: int, what: str
) -> None:
    message = refused(tmp_path, "a.csv", content)
    assert f"a.csv, line {line}: " in message
    assert what in message


def test_a_cell_of_megabytes_is_read_whole(tmp_path: Path) -> None:
    cell = 'line "one"\n' * 300_000
    path = written(tmp_path, "a.csv", 'id,t\n1,"' + cell.replace('"', '""') + '"\n2,b\n')
    assert csv.scan(path).collect().rows() == [("1", cell), ("2", "b")]


def test_nul_and_control_characters_stay(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,t\n1,a\0b\x1b\u2028c\n")
    assert csv.scan(path).collect()["t"].to_list() == ["a\0b\x1b\u2028c"]


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_compressed_text_reads_like_plain_text(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix == "gz" else zstandard.ZstdCompressor().compress
    plain = "id,t\n" + "".join(f'{n:05d},"{"é" * 40}\n{n}"\n' for n in range(20_000))
    written(tmp_path, "a.csv", plain)
    written(tmp_path, f"a.csv.{suffix}", pack(plain[:400_000].encode()) + pack(plain[400_000:].encode()))
    assert read(opened(tmp_path, f"a.csv.{suffix}", key="id")) == read(opened(tmp_path, "a.csv", key="id"))


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_compressed_file_that_was_cut_off_is_refused(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix == "gz" else zstandard.ZstdCompressor().compress
    packed = pack(("id\n" + "".join(f"{n * 7919}\n" for n in range(90_000))).encode())
    assert "damaged or was cut off" in refused(tmp_path, f"a.csv.{suffix}", packed[: len(packed) // 2])
    other = refused(tmp_path, f"b.csv.{suffix}", b"no such format")
    assert "damaged or was cut off" in other and f"named without .{suffix}" in other


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text(st.sampled_from('",\n\r a'))


@given(st.integers(1, 3).flatmap(lambda n: st.lists(st.tuples(*[st.none() | CELL] * n), max_size=12)))
@settings(max_examples=150, deadline=None)
def test_csv_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, ...]]) -> None:
    path = tmp_path_factory.mktemp("round") / "a.csv"

    def cell(value: str | None) -> str:
        return "" if value is None else '"' + value.replace('"', '""') + '"'

    width = len(rows[0]) if rows else 1
    lines = [[f"c{n}" for n in range(width)], *rows]
    path.write_bytes("".join(",".join(map(cell, line)) + "\r\n" for line in lines).encode())
    assert csv.scan(path).collect().rows() == rows


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


def test_a_text_format_refuses_bytes_before_a_row(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"'x' holds bytes, which a\.csv cannot hold"):
        Table([tmp_path / "a.csv"], pl.Schema({"x": pl.List(pl.Binary)}))
    assert list(tmp_path.iterdir()) == []


WRITABLE = st.none() | st.text(max_size=6) | st.text(st.sampled_from('",\n\r\t a'))


@given(st.integers(1, 3).flatmap(lambda n: st.lists(st.tuples(*[WRITABLE] * n), max_size=12)), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_delimited_table_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, ...]], tabs: bool
) -> None:
    path = tmp_path_factory.mktemp("table") / ("a.tsv" if tabs else "a.csv")
    schema = pl.Schema({f"c{n}": pl.String for n in range(len(rows[0]) if rows else 1)})
    publish(path, schema, rows)
    assert (tsv if tabs else csv).scan(path).collect().rows() == rows
