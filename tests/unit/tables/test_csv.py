"""Records in: what is read is what was written, and what is wrong is named with its line before a record."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import InputError, JobError
from pipeline.tables import csv, jsonl, parquet, tsv, xlsx
from tests.support.tables import opened, read, refused, written

# csv and tsv


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


def test_tsv_splits_at_tabs_only(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tsv", 'id\tt\n1\ta,b\n2\t"x\ty"\n')
    assert tsv.scan(path).collect().rows() == [("1", "a,b"), ("2", "x\ty")]


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("a,b\n1,2\n1,2,3\n", 3, "3 cells, but the header has 2"),
        ("a,b\n1,2\n1\n", 3, "1 cell, but the header has 2"),
        ('a,b\n1,"x\ny"\n1\n', 4, "1 cell, but the header has 2"),
        ("a,b\n\n1,2\n", 2, "this line is empty"),
        ('a,b\n1,"2\n3,4\n', 2, "never closed"),
        ('a,b\n1,"2"3\n', 2, "a quote stands where none may be"),
        ('a,b\n"1",2\n1,5" x 6" y\n', 3, "a quote stands where none may be"),
        ("a,b\n1,x\ry\n", 2, "a carriage return stands alone"),
        ("a,b\r1,2\r3,4\r", 1, "a carriage return stands alone"),
        (b"a,b\n1,2\n3,caf\xe9\n", 3, "byte 13 (0xe9) is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), 1, "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), 1, "UTF-16"),
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
    assert "damaged or was cut off" in refused(tmp_path, f"b.csv.{suffix}", b"no such format")


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


# jsonl


def test_jsonl_keeps_nesting_and_types(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{"id":1,"o":{"x":[1,2],"y":"é"},"b":true}\n\n{"id":2,"o":{"x":[]}}')
    assert jsonl.scan(path).collect().to_dicts() == [
        {"id": 1, "o": {"x": [1, 2], "y": "é"}, "b": True},
        {"id": 2, "o": {"x": [], "y": None}, "b": None},
    ]


def test_jsonl_types_come_from_all_lines(tmp_path: Path) -> None:
    lines = [{"n": n, "m": n} for n in range(500)] + [{"n": 1.5, "m": "x", "late": {"a": 1}}]
    path = written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)))
    last = jsonl.scan(path).collect().to_dicts()[-1]
    assert last == {"n": 1.5, "m": "x", "late": {"a": 1}}
    assert jsonl.scan(path).collect()["m"].to_list()[:2] == ["0", "1"]


def test_jsonl_loses_no_digit_of_a_long_number(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", '{"n":18446744073709551617,"m":9007199254740993}\n{"n":1,"m":0.5}\n')
    rows = jsonl.scan(path).collect().to_dicts()
    assert rows == [{"n": "18446744073709551617", "m": "9007199254740993"}, {"n": "1", "m": "0.5"}]


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ('{"a":1}\n{"a":\n{"a":2}\n', 2, "this line is not JSON"),
        ('{"a":1}\n\n{"a":1', 3, "the last line is cut off"),
        ('{"a":1}\n[1]\n', 2, "not a JSON object"),
        (b'{"a":"caf\xe9"}\n', 1, "not UTF-8"),
        ('{"a":' + "[" * 5000 + "]" * 5000 + "}\n", 1, "not JSON"),
        ('{"a":"\\ud83d"}\n', 1, "not JSON"),
        ('{"a":NaN}\n', 1, "not JSON"),
    ],
)
def test_jsonl_that_is_ill_formed_is_refused_with_the_line(
    tmp_path: Path, content: str | bytes, line: int, what: str
) -> None:
    message = refused(tmp_path, "a.jsonl", content)
    assert f"a.jsonl, line {line}: " in message
    assert what in message


def test_jsonl_conditions_and_column_choices_reach_the_lines(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl.gz", gzip.compress(b'{"id":1,"p":2.5}\n{"id":2,"p":7}\n{"id":3}\n'))
    assert [r.fields for r in read(opened(tmp_path, "a.jsonl.gz", where="p > 3"))] == [{"id": 2, "p": 7.0}]
    assert jsonl.scan(tmp_path / "a.jsonl.gz").select("p").head(2).collect().rows() == [(2.5,), (7.0,)]


# parquet and xlsx


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
    with pytest.raises(InputError, match=r"a\.parquet: the file is damaged, or no Parquet"):
        parquet.scan(path)


def test_xlsx_cells_keep_their_types(tmp_path: Path) -> None:
    import datetime

    frame = pl.DataFrame(
        {
            "id": ["007", "008"],
            "whole": [1, 2],
            "part": [1.5, None],
            "yes": [True, False],
            "day": [datetime.datetime(2020, 1, 2, 3, 4, 5), None],
        }
    )
    frame.write_excel(tmp_path / "a.xlsx")
    read_back = xlsx.scan(tmp_path / "a.xlsx").collect()
    assert read_back.rows() == frame.rows()
    assert read_back.schema["whole"] == pl.Int64


def test_a_workbook_without_a_proper_header_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"x": ["a", "1"], "y": ["a", "2"]}).write_excel(tmp_path / "a.xlsx", include_header=False)
    with pytest.raises(InputError, match="row 1: two columns are named 'a'"):
        xlsx.scan(tmp_path / "a.xlsx")
    assert "no .xlsx workbook" in refused(tmp_path, "b.xlsx", b"PK\x03\x04 broken")


def test_a_missing_extra_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "a.xlsx", b"PK")
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(JobError, match=r"pip install 'pipeline\[excel\]'"):
        opened(tmp_path, "a.xlsx")
