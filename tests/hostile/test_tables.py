"""Small files of records that unpack to more than any memory holds are refused, quickly and in words."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pipeline.core.errors import InputError
from pipeline.tables import csv, xlsx
from tests.support.endless_cell import endless_cell_is_refused

HEAD = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
CELL = '<row r="{row}"><c r="{column}{row}" t="inlineStr"><is><t>x</t></is></c></row>'


def workbook(path: Path, sheet: bytes) -> Path:
    """As much of a workbook as is looked at before it is read."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return path


def test_a_cell_in_the_last_corner_is_refused(tmp_path: Path) -> None:
    cells = CELL.format(row=1, column="A") + CELL.format(row=1_048_576, column="XFD")
    path = workbook(tmp_path / "b.xlsx", f"{HEAD}{cells}</sheetData></worksheet>".encode())
    assert path.stat().st_size < 2000
    with pytest.raises(InputError, match="span 1,048,576 rows and 16,384 columns"):
        xlsx.scan(path)


@pytest.mark.parametrize("damage", [b"\xff" * 40, b"\x00" * 40, b"\x05" * 40])
def test_a_workbook_whose_sheet_is_damaged_is_refused(damage: bytes, tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", HEAD.encode() + bytes(range(256)) * 200)
    name = b"xl/worksheets/sheet1.xml"
    whole = path.read_bytes()
    at = whole.index(name) + len(name)
    path.write_bytes(whole[:at] + damage + whole[at + len(damage) :])
    with pytest.raises(InputError, match="damaged"):
        xlsx.scan(path)


def test_a_workbook_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "b.xlsx", b"x" * (300 << 20))
    with pytest.raises(InputError, match="unpacked, the workbook of"):
        xlsx.scan(path)


@pytest.mark.parametrize("name", ["b.csv.gz", "b.jsonl.gz"])
@pytest.mark.parametrize("quoted", [False, True])
def test_a_cell_without_end_is_refused_with_its_line(name: str, quoted: bool, tmp_path: Path) -> None:
    endless_cell_is_refused(tmp_path, name, quoted)


def test_many_columns_take_no_square_of_time(tmp_path: Path) -> None:
    names = ",".join(f"c{number}" for number in range(20_000))
    (tmp_path / "wide.csv").write_text(f"{names}\n")
    with pytest.raises(InputError, match="twice"):
        (tmp_path / "twice.csv").write_text(f"{names},c7\n")
        csv.scan(tmp_path / "twice.csv")
    assert len(csv.scan(tmp_path / "wide.csv").collect_schema()) == 20_000
