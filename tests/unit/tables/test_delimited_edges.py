"""Files of cells at the edges of the blocks that they are read in, and the line that an error names."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.tables import _delimited, csv
from tests.support.tables import refused, written


@pytest.mark.parametrize("size", range(1, 12))
def test_a_quote_is_found_wherever_a_block_ends(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_delimited, "BLOCK", size)
    path = written(tmp_path, "a.csv", 'a,b\n1,"x,y"\n')
    assert csv.scan(path).collect().rows() == [("1", "x,y")]
    path = written(tmp_path, "b.csv", 'a,b\n"x\ny",2\n')
    assert csv.scan(path).collect().rows() == [("x\ny", "2")]
    path = written(tmp_path, "c.csv", 'a,b\n1,5" pipe\n')
    assert csv.scan(path).collect().rows() == [("1", '5" pipe')]


def test_of_several_empty_lines_the_first_is_named(tmp_path: Path) -> None:
    said = refused(tmp_path, "a.csv", "a,b\n1,2\n\n\n\n3,4\n")
    assert "a.csv, line 3: this line is empty" in said


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", "a workbook or another zip file"),
        (b"PAR1\x15\x04", "a Parquet file (.parquet)"),
        (b"\x1f\x8b\x08\x00", "compressed (.gz)"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"<!DOCTYPE html>\n<p>404</p>", "a web page"),
        (b"<HTML><p>404</p>", "a web page"),
        (b'\xef\xbb\xbf{"id": 1}\n', "JSON (.json is"),
        (b'[{"id": 1}]', "JSON (.json is"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_file_of_another_kind_is_named_as_such(
    content: bytes, kind: str, suffix: str, tmp_path: Path
) -> None:
    said = refused(tmp_path, f"a.{suffix}", content)
    assert f"a.{suffix}: this is {kind}" in said and "not a text of cells" in said


@pytest.mark.parametrize("name", ["PAR1", "ARROW1"])
def test_a_column_may_have_the_name_that_other_files_begin_with(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", f"{name},b\n1,2\n")
    assert csv.scan(path).collect().columns == [name, "b"]
